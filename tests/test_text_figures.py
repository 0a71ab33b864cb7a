"""Notebook 03's pictures and widgets: their numbers are computed, words stay inside, and sliders and text field move the drawing."""

import math
import re
from unittest import mock

import pytest
import torch

from lessons_lib.figures import house, palette, positions, text
from lessons_lib.figures.positions import draw_clocks, hand
from lessons_lib.figures.text import draw_segments, segments
from lessons_lib.tokenization import Tokenizer
from lessons_lib.widgets.positions import clocks
from lessons_lib.widgets.text import SegmentExplorer, segment_explorer

SAMPLE = ["der Hund beißt den Mann", "den Mann beißt der Hund", "die Hunde beißen"] * 20


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.train(SAMPLE, 290)


def shown(call: object, *arguments: object) -> dict[str, str]:
    """The MIME bundle that a picture displays."""
    with mock.patch.object(house, "display") as display:
        call(*arguments)
    return display.call_args.args[0]


def stays_inside(drawing: str) -> bool:
    width, height = (float(number) for number in re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', drawing).groups())
    places = re.findall(r'<text x="([\d.-]+)" y="([\d.-]+)"', drawing)
    return width == palette.WIDTH and all(0 <= float(x) <= width and 0 <= float(y) <= height - 4 for x, y in places)


def test_all_merges_give_the_tokenizers_own_pieces(tokenizer: Tokenizer) -> None:
    drawn = segments(tokenizer, SAMPLE[0], len(tokenizer.readable.merges))
    assert [piece for word in drawn for piece in word] == tokenizer.pieces(SAMPLE[0])


def test_without_merges_a_word_is_its_bytes(tokenizer: Tokenizer) -> None:
    assert segments(tokenizer, "beißt", 0) == [["▁", "b", "e", "i", "C3", "9F", "t"]]
    assert segments(tokenizer, "", 0) == []


def test_every_byte_has_its_stand_in(tokenizer: Tokenizer) -> None:
    assert sorted(text._BYTES.values()) == list(range(256))
    assert set(text._BYTES) == set(tokenizer.readable.alphabet)


def test_a_segmentation_counts_its_tokens(tokenizer: Tokenizer) -> None:
    drawing, alt = draw_segments(tokenizer, "der Hund", 0)
    assert alt == "0 merges: 9 tokens for 2 words. ▁|d|e|r ▁|H|u|n|d" and ">0 merges: 9 tokens for 2 words<" in drawing
    assert draw_segments(tokenizer, "der", 1000)[1].startswith("1,000 merges: 1 token for 1 word.")


@pytest.mark.parametrize("words", ["", "der Hund", "x" * 300, "狗" * 50, "<b> & \"'" * 9, "beißt " * 40])
def test_any_text_stays_inside_its_picture(words: str, tokenizer: Tokenizer) -> None:
    for merges in (0, 20, 300):
        drawing, _ = draw_segments(tokenizer, words, merges)
        assert stays_inside(drawing) and len(drawing) < 20_000
        boxes = re.findall(r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)" height="26.0"', drawing)
        assert all(float(x) + float(width) <= palette.WIDTH - 10 for x, width in boxes)


def test_what_does_not_fit_is_counted(tokenizer: Tokenizer) -> None:
    drawing, _ = draw_segments(tokenizer, "zq" * 60, 0)
    drawn = len(re.findall(r'height="26.0"', drawing))
    left = int(re.search(r"\((\d+) more do not fit here\)", drawing)[1])
    assert drawn + left == 121 and drawn > 60


def test_the_text_field_and_the_slider_move_the_drawing(tokenizer: Tokenizer) -> None:
    explorer = SegmentExplorer(tokenizer, "der Hund", 0)
    assert "9 tokens" in explorer.drawing.value
    explorer.merges.value = explorer.merges.max
    assert "2 tokens" in explorer.drawing.value
    explorer.words.value = "Mann"
    assert "1 token for 1 word" in explorer.drawing.value
    assert "the picture below" in segment_explorer(tokenizer)._repr_mimebundle_()["text/plain"]


def test_outcomes_are_drawn_worst_first_and_told() -> None:
    figure, alt = text.outcomes.__wrapped__({"small": [1, 1, 0], "large": [0, 1, 3]})
    (ax,) = figure.axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["large", "small"]
    assert [bar.get_width() for bar in ax.patches] == [0, 1, 3, 1, 1, 0]
    assert figure.get_suptitle() == "3 of 6 spoiled pairs get through the rules"
    assert alt.endswith("large: 0 mended, 1 left out, 3 got through; small: 1 mended, 1 left out, 0 got through.")


def test_the_vocabularys_curve_tells_its_ends() -> None:
    measured = {260: [42.0, 46.7], 1000: [13.6, 15.5], 3000: [8.9, 9.1]}
    figure, alt = text.vocabulary.__wrapped__(measured)
    assert [line.get_ydata().tolist() for line in figure.axes[0].lines] == [[42.0, 13.6, 8.9], [46.7, 15.5, 9.1]]
    assert alt == "Tokens a sentence fall as the vocabulary grows from 260 to 3,000: English 42.0 to 8.9; German 46.7 to 9.1."
    assert sum(map(len, shown(text.vocabulary, measured).values())) < palette.LIMIT


@pytest.mark.parametrize(("shift", "product"), [(0, "2.00"), (1, "0.87"), (2, "−0.50"), (3, "0.00"), (4, "0.50"), (-2, "−0.50")])
@pytest.mark.parametrize("place", [0, 1, 7, 12])
def test_the_clocks_product_depends_on_the_shift_alone(place: int, shift: int, product: str) -> None:
    drawing, alt = draw_clocks(place, shift)
    assert f"Product {product}:" in alt and f">{product}<" in drawing
    assert stays_inside(drawing)


def test_a_hand_goes_round_like_a_clock() -> None:
    assert hand(0, 90) == (0, 1) and hand(1, 90) == pytest.approx((1, 0)) and hand(2, 30) == pytest.approx((math.sqrt(3) / 2, 0.5))


def test_a_slider_moves_the_clocks() -> None:
    box = clocks(1, 2)
    (row, drawing, _) = box.children
    before = drawing.value
    row.children[1].value = 0
    assert "Product 2.00" in drawing.value and drawing.value != before
    assert "the picture above" in box._repr_mimebundle_()["text/plain"]


def test_three_kinds_say_what_they_show_and_leave_the_end_empty() -> None:
    same, lines = torch.full((6, 6), 2.0), torch.block_diag(torch.ones(3, 3), torch.ones(1, 1))
    rotary = torch.tensor([[float(i - j) for j in range(6)] for i in range(6)])
    figure, alt = positions.three_kinds.__wrapped__(same + 3 * torch.eye(6), lines, rotary)
    assert [len(ax.patches) for ax in figure.axes[:3]] == [36, 16, 36]
    assert [text.get_text() for text in figure.axes[1].texts] == ["no row after 3"]
    assert "from 5 on the main one to 2." in alt and "0 to 2, 3 to 3, 1 inside and 0 outside, and nothing beyond place 3" in alt
    assert "1.0 for the word before and −1.0 for the word after" in alt
    assert sum(map(len, shown(positions.three_kinds, same, lines, rotary).values())) < palette.LIMIT


def test_each_of_the_three_kinds_has_its_scale() -> None:
    rotary = torch.tensor([[3.0, -7.0], [5.0, 3.0]])
    figure, _ = positions.three_kinds.__wrapped__(torch.tensor([[64.0, 41.0], [41.0, 64.0]]), torch.eye(2), rotary)
    ends = [[label.get_text() for label in bar.get_xticklabels()] for bar in figure.axes[3:]]
    assert ends == [["41", "64"], ["0", "1"], ["−7", "0", "7"]]
    darkest, palest = (figure.axes[0].patches[i].get_facecolor() for i in (0, 1))
    assert sum(darkest[:3]) < 0.5 and sum(palest[:3]) > 2.5
    assert figure.axes[1].texts[:] == []
