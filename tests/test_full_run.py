"""Notebook 08's pictures, its exercises beyond what holds for all, and the logs of what was tried."""

import itertools
import json
import random
import re
import runpy
from unittest import mock

import numpy as np
import pytest
import torch
from tiny_models import tiny_translator

from lessons_lib.batching import bucketed
from lessons_lib.exercises.batches import PENCIL, by_budget, shuffled
from lessons_lib.exercises.framework import Verdict, find
from lessons_lib.figures import full_run, house, palette
from lessons_lib.figures.full_run import draw_number_line, draw_padding
from lessons_lib.metrics import read_metrics
from lessons_lib.optim import update_average
from lessons_lib.recipes import PRESETS
from lessons_lib.runtime import data_dir
from lessons_lib.widgets.search import alignment_explorer

ROWS = [
    {"step": step, "loss": 8 - step / 100, "lr": 0.001, "tokens_per_second": 1000 + step, "seconds": 6.0 * step}
    | ({"validation": {"bleu_lc_moses": step / 10}} if step % 100 == 0 else {})
    for step in range(20, 401, 20)
]


def verdict(key: str, answer: object) -> Verdict:
    return find(key).verdict(answer)


def shares(plans: list[list[list[int]]]) -> list[float]:
    places = [sum(len(batch) * max(batch) for batch in plan) for plan in plans]
    return [100 * (n - sum(PENCIL)) / n for n in places]


def test_the_waste_is_counted() -> None:
    as_they_come, in_order = PENCIL, sorted(PENCIL)
    pairs = [[row[i : i + 2] for i in range(0, 8, 2)] for row in (as_they_come, in_order)]
    filled = [[PENCIL[i] for i in batch] for batch in by_budget(PENCIL, 20)]
    assert filled == [[2, 3, 4, 5], [7, 8], [9, 10]]
    assert find("batches.waste").solution == pytest.approx(shares([*pairs, filled]), abs=0.05)


@pytest.mark.parametrize("budget", [20, 33, 64])
def test_budgets_fill_as_the_librarys_buckets(budget: int) -> None:
    lengths = random.Random(budget).choices(range(1, 20), k=200)
    theirs = bucketed(lengths, lengths, budget, np.random.default_rng(0))
    ours = by_budget(lengths, budget)
    assert sorted(sorted(lengths[i] for i in batch) for batch in ours) == sorted(sorted(lengths[i] for i in batch) for batch in theirs)


def test_another_right_way_to_fill_a_budget_passes() -> None:
    def by_slices(lengths: list[int], budget: int) -> list[list[int]]:
        order = np.argsort(lengths, kind="stable").tolist()
        batches = []
        while order:
            size = max(n for n in range(1, len(order) + 1) if n * lengths[order[n - 1]] <= budget)
            batches, order = [*batches, order[:size]], order[size:]
        return batches

    assert verdict("batches.by_budget", by_slices).status == "right"


def test_the_order_repeats_and_each_pass_has_all() -> None:
    order = find("batches.order").solution
    passes = [[order(step, 9, 4, shuffled) for step in range(9 * n, 9 * n + 9)] for n in range(3)]
    assert all(sorted(one) == list(range(9)) for one in passes) and passes[0] != passes[1] != passes[2]


def test_bfloat16_does_what_the_pencil_says() -> None:
    small = torch.tensor([1 + 5 / 256, 1 - 3 / 512], dtype=torch.bfloat16).tolist()
    count = torch.tensor(0.0, dtype=torch.bfloat16)
    for _ in range(600):
        count = count + 1
    assert find("full_run.bf16").solution == [*small, count.item()]


def test_the_averages_share_is_what_update_average_gives() -> None:
    average = torch.tensor(0.0)
    for weight in (1.0, 0.0, 0.0):
        update_average([average], [torch.tensor(weight)], 0.98, step=10_000)
    assert find("full_run.average").solution[0] == pytest.approx(average.item(), abs=5e-5)


def test_the_bill_is_computed() -> None:
    seconds = 6 * 60e6 * 3e9 / (0.3 * 1e14)
    assert find("full_run.bill").solution == pytest.approx([seconds / 3600, 0.3 * seconds / 3600])


def test_padding_is_drawn_place_by_place() -> None:
    drawing, alt = draw_padding({"plan": [[2, 9], [3, 3]]})
    assert drawing.count("fill:#3569e8") == 17 and drawing.count("<rect") == 1 + 24
    assert "7 of 24 places, 29.2 % empty" in alt and "29.2 % empty" in drawing


def test_the_number_lines_words_stay_inside() -> None:
    drawing, alt = draw_number_line()
    places = [(float(x), float(y)) for x, y in re.findall(r'<text x="([\d.]+)" y="([\d.]+)"', drawing)]
    assert all(20 <= x <= palette.WIDTH - 20 and y < 136 for x, y in places) and "goes down to 1" in alt


def test_curves_are_told_by_their_numbers() -> None:
    assert "from 7.80 to 4.00" in full_run.learning.__wrapped__(ROWS, "here")[1]
    assert "between 1,020 and 1,400" in full_run.pace.__wrapped__(ROWS, "here")[1]
    figure, alt = full_run.attempts.__wrapped__({"a": ROWS, "b": ROWS[:10]}, "Two runs")
    assert alt.endswith("a: 10.0 at step 100, 40.0 at 400; b: 10.0 at step 100, 20.0 at 200.")
    assert full_run.bleu(ROWS) == [(10.0, 10.0), (20.0, 20.0), (30.0, 30.0), (40.0, 40.0)]
    runs = {"x": {"last": [2.0, 3.0], "averaged": [1.0, 1.5]}, "y": {"last": [1.0, 1.0], "averaged": [1.0, 0.9]}}
    assert "x: last ends at 3.00, averaged ends at 1.50; y:" in full_run.averages.__wrapped__([1, 2], runs)[1]
    assert full_run.standing.__wrapped__({"we": 1.0, "they": 2.0}, ["we"], "score")[1] == "score: they 2.00; we 1.00."


def test_a_long_log_gives_a_light_picture() -> None:
    rows = [row | {"step": n, "seconds": 6.0 * n} for n in range(1, 2001) for row in ROWS[:1]]
    rows[-1]["validation"] = {"bleu_lc_moses": 3.0}
    rows[0]["validation"] = {"bleu_lc_moses": 1.0}
    with mock.patch.object(house, "display") as display:
        full_run.learning(rows, "here")
    assert sum(map(len, display.call_args.args[0].values())) < palette.LIMIT


def test_what_08_reads_out_of_the_recorded_log_stands_in_it() -> None:
    shipped = data_dir() / "checkpoints" / "tiny-en-de"
    rows, recipe = read_metrics(shipped / "metrics.jsonl"), json.loads((shipped / "training.json").read_text(encoding="utf-8"))
    at, end = next(row for row in rows if row["seconds"] > 65 * 60), rows[-1]
    late = (end["tokens"] - at["tokens"]) / (end["seconds"] - at["seconds"])
    assert late == pytest.approx(1.5 * at["tokens"] / at["seconds"], rel=0.05)
    rises = [before["step"] for before, after in itertools.pairwise(rows[29:]) if after["lr"] > before["lr"]]
    assert len(rises) == 1 and rises[0] < 5250 <= rises[0] + recipe["log_every"] and recipe["checkpoint_every"] == 250
    assert recipe["seed"] == 1
    scores, wide = (
        json.loads((shipped.parent / name / "scores.json").read_text(encoding="utf-8"))["scores"]["test"]
        for name in ("tiny-en-de", "multi30k-en-de")
    )
    assert wide["bleu-lc-moses"] == 41.21 and round(wide["bleu-lc-moses"] - scores["bleu-lc-moses"], 1) == 3.8
    low, high = map(float, scores["bleu interval"].split(" to "))
    assert round(41.02 - scores["bleu-lc-moses"], 1) == 3.6 and round((high - low) / 2, 1) == 1.6


def test_the_rounds_before_the_last_went_as_08_says() -> None:
    for name, bleu in (("first", 38.84), ("second", 39.82), ("third", 40.83), ("fourth", 41.15), ("back", 40.25)):
        scores = json.loads((data_dir() / "training" / f"multi30k_{name}_scores.json").read_text(encoding="utf-8"))["scores"]["test"]
        assert scores["bleu-lc-moses"] == bleu
    back = json.loads((data_dir() / "checkpoints" / "multi30k-de-en" / "scores.json").read_text(encoding="utf-8"))["scores"]["test"]
    assert back["bleu-lc-moses"] == 43.33
    (heart,) = [row["value"] for row in study("record") if row["level"] == "second round, the first 1,000 captions"]
    assert round(heart, 1) == 39.0


def study(name: str) -> list[dict]:
    """The rows of a study, which all have the same fields."""
    rows = read_metrics(data_dir() / "studies" / f"{name}.jsonl")
    fields = ["study", "level", "seed", "step", "tokens", "seconds", "hardware", "metric", "value", "date", "log"]
    assert all(list(row) == fields for row in rows)
    return rows


def test_the_screens_show_what_08_says_of_them() -> None:
    screens = runpy.run_path(str(data_dir() / "studies" / "screens.py"))
    rows = study("screens")
    assert list(dict.fromkeys(row["level"] for row in rows)) == list(screens["LEVELS"])
    found = {level: [row["value"] for row in rows if row["level"] == level] for level in screens["LEVELS"]}
    losses, spreads = ({level: values[i] for level, values in found.items()} for i in (1, 2))
    seeds = sorted((losses["baseline"], losses["baseline, seed 2"]))
    noise = seeds[1] - seeds[0]
    assert spreads["post-norm"] < 0.02 < 0.3 < min(spreads["baseline"], spreads["baseline, seed 2"])
    assert losses["post-norm"] > seeds[1] + 3 * noise and losses["q k v at 0.71"] < seeds[0] - noise > losses["no dropout"]
    assert losses["post-norm, q k v at 0.71"] - seeds[1] < 0.25 * (losses["post-norm"] - seeds[1])
    for level, fields in screens["LEVELS"].items():
        preset = screens["changed"](PRESETS["tiny"], fields)
        assert (preset == screens["changed"](PRESETS["tiny"], {})) == (not fields), level


def test_the_spread_is_that_between_the_words_of_a_sentence() -> None:
    spread = runpy.run_path(str(data_dir() / "studies" / "screens.py"))["spread"]
    source, model = torch.tensor([[5, 6, 0], [7, 8, 9]]), mock.Mock()
    same = torch.ones(2, 3, 4)
    for memory, wanted in ((same, 0.0), (same * torch.tensor([1.0, -1.0, 0.0])[:, None], (5 / 6 / 0.8) ** 0.5)):
        model.encode.return_value = memory, None
        assert spread(model, source) == pytest.approx(wanted, abs=1e-6)


def test_what_was_tried_is_what_the_named_logs_say() -> None:
    tried = study("record")
    kept = [row for row in tried if row["log"]]
    post_norm = {"post_norm.jsonl", "post_norm_wide.jsonl", "post_norm_wide_071.jsonl"}
    assert {row["log"].split("/")[1] for row in kept} == {
        "multi30k-de-en",
        "multi30k-en-de",
        "tiny-en-de",
        "multi30k_back.jsonl",
        "multi30k_fifth.jsonl",
        "multi30k_first.jsonl",
        "multi30k_fourth.jsonl",
        "multi30k_second.jsonl",
        "multi30k_from_nothing.jsonl",
        "multi30k_sixth.jsonl",
        "multi30k_sixth_r_drop.jsonl",
        "multi30k_third.jsonl",
    } | post_norm
    assert [row["value"] for row in kept if row["step"] == 3000 and row["study"] == "norm and warm-up"] == [31.95, 27.91]
    for row in kept:
        (logged,) = [found for found in read_metrics(data_dir() / row["log"]) if found["step"] == row["step"]]
        assert (row["tokens"], row["seconds"]) == (logged["tokens"], logged["seconds"])
        if row["metric"] == "validation BLEU":
            assert row["value"] == logged["validation"]["bleu_lc_moses"]
        else:
            log = data_dir() / row["log"]
            beside = log.with_name("scores.json" if log.stem == "metrics" else f"{log.stem}_scores.json")
            scores = json.loads(beside.read_text(encoding="utf-8"))["scores"]["test"]
            assert (row["metric"], row["value"]) == ("test BLEU", scores["bleu-lc-moses"])
    stopped = read_metrics(data_dir() / "training" / "post_norm.jsonl")[-1]
    assert stopped["step"] == 760 and 540 < stopped["seconds"] < 600


def test_the_explorer_says_nothing_about_a_corpus_it_does_not_know() -> None:
    from lessons_lib.corpus import Pair
    from lessons_lib.translation import Translator

    translator = Translator.load("grammar-en-de")
    unknown = alignment_explorer(translator, "The dog bites the man.", []).children[1].value
    known = alignment_explorer(translator, "The dog bites the man.", [Pair("The dog.", "")]).children[1].value
    assert "Not in the corpus" not in unknown and "Not in the corpus: bites, man" in known


def test_models_together_and_the_draw_of_least_risk() -> None:
    assert max(study("beyond_beam"), key=lambda row: row["value"])["level"] == "beam 5"
    beyond = runpy.run_path(str(data_dir() / "studies" / "beyond_beam.py"))
    first, second = (mock.Mock(**{"step.return_value": torch.tensor([p]).log()}) for p in ([0.5, 0.25, 0.25], [0.25, 0.25, 0.5]))
    both = beyond["Together"]([first, second])
    torch.testing.assert_close(both.step(torch.tensor([0])).exp(), torch.tensor([[0.375, 0.25, 0.375]]))
    both.reorder(torch.tensor([0, 0]))
    assert first.reorder.call_count == second.reorder.call_count == 1
    texts = ["Ein Hund läuft über den Strand.", "Ein Hund rennt über den Strand.", "Zwei Katzen schlafen."]
    assert beyond["least_risk"](texts) in texts[:2] and beyond["least_risk"]([*texts, texts[1]]) == texts[1]
    alike = tiny_translator()
    sentences = ["the dog bites the man.", "the bird sees the fish."]
    assert beyond["together"]([alike, alike], sentences) == alike.translate(sentences, 5)
    assert all(isinstance(text, str) for text in beyond["of_least_risk"](alike, sentences))
