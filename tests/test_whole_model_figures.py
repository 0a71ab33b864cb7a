"""Notebook 05's pictures and widget say what was measured: zeros stay empty, words moved are lit, families are masks."""

import re
from unittest import mock

import pytest
import torch

from lessons_lib.attention import causal_mask
from lessons_lib.figures import house, palette, svg, whole_model
from lessons_lib.figures.whole_model import Movements, draw_change, draw_families
from lessons_lib.widgets.whole_model import WordChanger, word_changer

READ, WRITTEN, PREDICTED = ("the", "dog", "bites", "⟨EOS⟩"), ("⟨BOS⟩", "der", "Hund"), ("der", "Hund", "beißt")


def movements() -> Movements:
    """Three predictions: a German word moves those from its own on, unless the mask is gone; an English word moves all but one."""
    tables = {("German", True): torch.tensor([[3.0, 0.0, 0.0], [1.0, 2.0, 0.0], [0.5, 0.25, 4.0]])}
    tables["German", False] = torch.ones(3, 3)
    tables["English", True] = torch.ones(3, 4)
    tables["English", True][0, 3] = 0
    tables["English", False] = torch.ones(3, 4)
    return Movements(READ, WRITTEN, PREDICTED, tables)


def shown(module: object, call: object, *arguments: object) -> dict[str, str]:
    """The MIME bundle that a picture displays."""
    with mock.patch.object(module, "display") as display:
        call(*arguments)
    return display.call_args.args[0]


def test_only_a_cell_that_moved_is_filled() -> None:
    figure, alt = whole_model.who_moves.__wrapped__(movements())
    filled = [len(ax.patches) for ax in figure.axes]
    zeros = [[text.get_text() for text in ax.texts].count("0") for ax in figure.axes]
    assert (filled, zeros) == ([6, 11, 9], [3, 1, 0])
    assert "German word: 3 of 9 cells are exactly 0" in alt and "no mask: everything moves" in alt
    assert len("".join(shown(house, whole_model.who_moves, movements()).values())) < palette.LIMIT


@pytest.mark.parametrize(("masked", "lit", "kept"), [(True, 2, "der"), (False, 3, "none")])
def test_a_change_lights_the_predictions_that_move(masked: bool, lit: int, kept: str) -> None:
    drawing, alt = draw_change(movements(), "German", 1, masked)
    assert alt.endswith(f"{lit} of 3 predictions move. Exactly as before: {kept}.")
    assert drawing.count(f"fill:{palette.BLUE}") == lit + 1  # and the legend's
    assert ">not der<" in drawing


def test_a_drawing_stays_inside_its_picture_and_keeps_its_kind() -> None:
    seven = ("⟨BOS⟩", "der", "Hund", "beißt", "den", "Mann", ".")
    tables = {(side, mask): torch.ones(7, 7) for side in whole_model.SIDES for mask in (True, False)}
    for drawing in (draw_change(Movements(seven, seven, seven, tables), "English", 6, True)[0], draw_families()[0]):
        assert not re.search(r"<style|<script|<title|\sid=", drawing)
        height = float(re.search(r'viewBox="0 0 600 ([\d.]+)"', drawing)[1])
        for x, y, w, h in re.findall(r'<rect x="([\d.-]+)" y="([\d.-]+)" width="([\d.]+)" height="([\d.]+)"', drawing):
            assert 0 <= float(x) and float(x) + float(w) <= palette.WIDTH and float(y) + float(h) <= height


def test_the_families_are_filled_as_their_masks_allow() -> None:
    drawing, alt = draw_families()
    cell = rf'width="{whole_model.CELL - 3:.1f}" height="{whole_model.CELL - 3:.1f}" rx="2" style="fill:'
    read, written, empty = (len(re.findall(cell + fill, drawing)) for fill in (palette.TEAL, palette.BLUE, "none"))
    lower = int(causal_mask(4).sum()), int(causal_mask(3).sum())
    assert (read, written, empty) == (16 + 9 + 9, sum(lower), 6 + 9 + 3)
    assert "all 16 cells" in alt and f"{lower[0]} cells" in alt and f"those before, {lower[1]}" in alt


def test_the_parameters_bars_end_where_the_shares_do() -> None:
    figure, alt = whole_model.parameters.__wrapped__({"toy": {"table": 40, "encoder": 180, "decoder": 268}})
    widths = [patch.get_width() for patch in figure.axes[0].patches]
    assert widths == pytest.approx([40 / 488, 180 / 488, 268 / 488])
    assert "toy 488: table 8%, encoder 37%, decoder 55%" in alt


def test_the_static_picture_replaces_the_third_word() -> None:
    bundle = shown(svg, whole_model.change, movements())
    assert bundle["text/plain"] == "Hund is replaced, with the causal mask: 1 of 3 predictions move. Exactly as before: der, Hund."


def test_each_control_of_the_widget_moves_the_drawing() -> None:
    changer = WordChanger(movements())
    lit = f"fill:{palette.BLUE}"
    assert changer.drawing.value == draw_change(movements(), "English", 2, True)[0]
    assert changer.drawing.value.count(lit) == 3 + 1
    changer.side.value = "German"
    assert changer.drawing.value == draw_change(movements(), "German", 2, True)[0], "what the still picture shows"
    assert changer.drawing.value.count(lit) == 1 + 1
    changer.mask.value = False
    assert changer.drawing.value.count(lit) == 3 + 1
    changer.side.value = "English"
    changer.place.value = 4
    changer.mask.value = True
    assert changer.drawing.value == draw_change(movements(), "English", 3, True)[0]
    changer.side.value = "German"
    assert changer.place.value == 3, "the German sentence is shorter: the slider comes back to its last word"


def test_the_widget_says_in_words_what_it_is_without_a_kernel() -> None:
    assert word_changer(movements())._repr_mimebundle_()["text/plain"].startswith("Run this cell for a slider; the picture above")
