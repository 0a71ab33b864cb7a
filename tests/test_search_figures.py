"""Notebook 07's pictures and widgets: they say what the searches and the counts give, and the recorded counts fit together."""

import csv
import dataclasses
import json
import math
import re
from unittest import mock

import pytest
import torch
from tiny_models import tiny_translator

from lessons_lib.corpus import Pair
from lessons_lib.decoding import Hypothesis
from lessons_lib.figures import house, judging, palette, search, svg
from lessons_lib.figures.search import Search, Step, draw_step, draw_tree
from lessons_lib.runtime import data_dir
from lessons_lib.translation import Translator
from lessons_lib.widgets.search import alignment_explorer, beam_explorer

ENDINGS = [("S", 3, 3), ("L", 5, 6), ("R", 6, 7), ("G", 7, 6)]


@pytest.fixture(scope="module")
def translator() -> Translator:
    return Translator.load("grammar-en-de")


@pytest.fixture(scope="module")
def bites(translator: Translator) -> Search:
    return search.search(translator, "The dog bites the man.", beams=(1, 2, 3))


def shown(module: object, call: object, *arguments: object) -> dict[str, str]:
    """The MIME bundle that a picture displays."""
    with mock.patch.object(module, "display") as display:
        call(*arguments)
    return display.call_args.args[0]


def test_the_tree_is_the_pencil_tree() -> None:
    ends = {}
    costs = {(0, 1): 0}
    for start, end, bits, word in search.EDGES:
        costs[end] = costs[start] + bits
        if "⟨e⟩" in word:
            ends[word[-1]] = (costs[end], end[0])
    assert ends == {"G": (7, 6), "S": (3, 3), "L": (5, 6), "R": (6, 7)}
    drawing, alt = draw_tree()
    assert "S, 3 bits" in alt and not re.search(r"<style|<script|<title|\sid=", drawing)


def test_the_penalties_cross_where_the_formula_says() -> None:
    figure, alt = search.penalties.__wrapped__(ENDINGS, "L")
    assert alt.endswith("S from α = 0.00, then L from α = 0.74, then R from α = 1.18.")
    assert search._winners(ENDINGS, 1.5)[1][0] == pytest.approx(math.log2(5 / 3))
    assert len(figure.axes[0].get_lines()) == 4 + 2


def test_the_steps_end_with_what_the_translator_writes(translator: Translator, bites: Search) -> None:
    for beam, steps in bites.steps.items():
        best = min(steps[-1].finished, key=lambda h: -h.log_probability / (len(h.tokens) + 1))
        assert translator.text(best.tokens) == translator.translate([bites.sentence], beam=beam)[0]
        assert all(len(step.kept) <= beam for step in steps)
        assert len(steps[-1].finished) == beam


def test_a_search_ends_where_the_models_positions_do() -> None:
    translator = tiny_translator(max_length=20)
    sentence = "dog man fish wolf"
    assert 2 * len(translator.ids(sentence)) + 10 > 19
    found = search.search(translator, sentence, beams=(1, 2))
    assert all(len(steps[-1].finished[0].tokens) <= 19 for steps in found.steps.values())


def test_a_search_runs_where_the_translator_does() -> None:
    translator = dataclasses.replace(tiny_translator(), device=torch.device("meta"))
    with mock.patch.object(search, "DecodingState") as state, mock.patch.object(search, "beam_search") as searched:
        search.search(translator, "dog", beams=(1,))
    assert state.call_args.args[1].device.type == searched.call_args.args[-1].type == "meta"


def test_a_step_is_drawn_with_its_numbers() -> None:
    class Tokenizer:
        def decode(self, tokens: list[int]) -> str:
            return " ".join("abc"[token] for token in tokens)

    translator = mock.Mock()
    translator.trained.tokenizer = Tokenizer()
    first = Step((Hypothesis([0], -math.log(2)), Hypothesis([1], -math.log(4))), ())
    second = Step((Hypothesis([0, 1], -math.log(8)),), (Hypothesis([1], -math.log(16)),))
    found = Search("source", translator, {1: [first], 2: [first, second]})
    drawing, alt = draw_step(found, 2, 2)
    assert alt == "Beam 2 after step 2 of 2. Kept, in bits: a b 3.0. Finished, in bits a token: b 2.00."
    assert ">4.0<" in drawing and ">2.00<" in drawing and "step 2 of 2 (done)" in drawing
    assert draw_step(found, 9, 1)[1].startswith("Beam 1 after step 1 of 1")


def test_sliders_move_step_and_beam(bites: Search) -> None:
    box = beam_explorer(bites)
    step, beam = box.children[0].children
    drawing = box.children[1]
    before = drawing.value
    assert box._repr_mimebundle_()["text/plain"].startswith("Run this cell for sliders; the picture above")
    step.value = 4
    assert "beam 2, step 4 of" in drawing.value and drawing.value != before
    beam.value = 3
    assert "beam 3, step 4 of" in drawing.value


def test_a_typed_sentence_is_drawn_and_one_that_cannot_be_read_is_refused_in_words(translator: Translator) -> None:
    box = alignment_explorer(translator, "The dog bites the man.", [Pair("The dog bites the man.", "Der Hund beißt den Mann.")])
    field, page, *_ = box.children
    assert "beißt at bites" in page.value
    field.value = "The man bites the dog."
    assert "Mann at man" in page.value
    field.value = "   "
    assert page.value == "<p>there is nothing to read in this sentence.</p>"
    field.value = "The dog bites the computer"
    assert "Not in the corpus: computer. No sentence of the corpus ends like this: “r”." in page.value and "<img" in page.value
    field.value = "The dog bites the man."
    assert "corpus" not in page.value
    assert box._repr_mimebundle_()["text/plain"].startswith("Run this cell to type")


def test_an_ending_is_warned_of_only_where_no_sentence_trained_on_has_it(translator: Translator) -> None:
    endings = ("The dog bites the man", "The man bites the dog.")
    box = alignment_explorer(translator, "The man bites the dog", [Pair(text, "") for text in endings])
    field, page, *_ = box.children
    assert "corpus" in page.value and "“g”" in page.value
    for known in (*endings, "The dog bites a man "):
        field.value = known
        assert "ends like this" not in page.value
    field.value = "The man bites the dog <"
    assert "ends like this: “&lt;”. Do not trust" in page.value


def test_the_recorded_counts_add_up_to_the_recorded_bleu() -> None:
    folder = data_dir() / "decoding"
    recorded = json.loads((folder / "beams.json").read_text(encoding="utf-8"))
    with (folder / "sentences.csv").open(encoding="utf-8") as file:
        rows = [{name: int(cell) for name, cell in row.items()} for row in csv.DictReader(file)]
    assert len(rows) == 1000
    for name, beam, penalty in (("greedy", 1, 1.0), ("beam5", 5, 1.0), ("beam16", 16, 0.0)):
        (row,) = [row for row in recorded if (row["beam"], row["penalty"]) == (beam, penalty)]
        length, reference = (sum(line[key] for line in rows) for key in (f"{name}_length", "reference"))
        shares = [
            sum(line[f"{name}_{n}"] for line in rows) / sum(max(line[f"{name}_length"] - n + 1, 0) for line in rows) for n in (1, 2, 3, 4)
        ]
        bleu = 100 * min(1, math.exp(1 - reference / length)) * math.prod(shares) ** 0.25
        assert bleu == pytest.approx(row["bleu"], abs=0.006)


def test_bootstrap_draws_are_counted() -> None:
    figure, alt = judging.draws.__wrapped__([-1.0, 0.0, 1.0, 1.0], -1.0, 1.0)
    assert "50.0 % are 0 or less" in alt and "−1.0 and 1.0" in alt
    assert max(bar.get_height() for bar in figure.axes[0].patches) == 2


def test_charts_say_their_numbers_and_stay_small() -> None:
    rows = json.loads((data_dir() / "decoding" / "beams.json").read_text(encoding="utf-8"))
    gains = {(5, 1.0): (0.1, 1.5), (16, 0.0): (-0.7, 0.9)}
    figure, alt = judging.beams.__wrapped__(rows, gains, "here")
    bars = [line.get_ydata() for line in figure.axes[0].get_lines() if line.get_marker() == "_"]
    assert [list(bar) for bar in bars] == [pytest.approx([36.47, 37.87]), pytest.approx([35.67, 37.27])]
    assert alt.endswith("beam 5, ÷ length, 0.1 to 1.5; beam 16, total, −0.7 to 0.9.")
    assert "÷ length: BLEU 36.4 to 37.2" in alt and "total: BLEU 36.4 to 36.5, words 12.0 to 11.3" in alt
    groups = [("4–8", 41.2, 36.4, 45.7), ("9–12", 39.1, 36.2, 41.0)]
    for call, arguments in (
        (judging.beams, (rows, gains, "here")),
        (judging.groups, (groups, groups, "here")),
        (search.cache_times, ([1, 60, 120], [1.0, 8.0, 16.0], [1.0, 1.1, 1.2], "here")),
        (search.penalties, (ENDINGS, "L")),
    ):
        assert len("".join(shown(house, call, *arguments).values())) < palette.LIMIT
    assert shown(svg, search.tree)["text/html"].startswith('<img alt="A tree of German words')
    assert "4–8 41.2 (36.4 to 45.7)" in judging.groups.__wrapped__(groups, groups, "here")[1]
    assert "no cache 1.0 to 16.0 ms" in search.cache_times.__wrapped__([1, 2], [1.0, 16.0], [1.0, 1.2], "here")[1]
