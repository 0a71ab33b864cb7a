"""Notebook 04's pictures and widget: their numbers are PyTorch's, their words stay inside, the sliders move the drawing."""

import random
import re
from unittest import mock

import ipywidgets
import matplotlib as mpl
import pytest
import torch
import torch.nn.functional as F

from lessons_lib.figures import blocks, house, model_map, palette, svg
from lessons_lib.widgets.blocks import placements

KINDS = ("unit", "0.02", "Glorot", "0.02 scaled")
PRE = {kind: {n: (1.0 + i * n, 0.1 * (i + 1) * n) for n in (2, 8, 32)} for i, kind in enumerate(KINDS)}
MEASURED = {"pre": PRE, "post": {kind: {n: (1.0, row[1]) for n, row in by.items()} for kind, by in PRE.items()}}


def test_the_drawing_says_the_pencil_numbers() -> None:
    drawing, alt = blocks.draw_placements(*blocks.PENCIL)
    assert "Pre-norm: x + f(norm(x)) gives (0.00, 1.00, 4.00, 5.00)" in alt
    assert "Post-norm: norm(x + f(x)) gives (−1.41, 0.00, 0.00, 1.41)" in alt
    assert ">standard deviation 2.00 → 2.06<" in drawing and ">standard deviation 2.00 → 1.00<" in drawing


@pytest.mark.parametrize("seed", range(5))
def test_both_arrangements_are_what_pytorch_gives(seed: int) -> None:
    x = torch.randn(4, generator=torch.Generator().manual_seed(seed)) * 3
    pre, post = blocks.arrangements(x)
    norm = torch.nn.LayerNorm(4)
    torch.testing.assert_close(pre.rows[-1][1], x + F.relu(norm(x)[[0, 2, 1, 3]]))
    torch.testing.assert_close(post.rows[-1][1], norm(x + F.relu(x[[0, 2, 1, 3]])))
    assert pre.rows[pre.joins][0] == post.rows[post.joins][0] == "+"


@pytest.mark.parametrize("seed", range(20))
def test_the_words_of_a_drawing_stay_inside_and_bars_do_not_reach_the_row_above(seed: int) -> None:
    draw = random.Random(seed)
    drawing, alt = blocks.draw_placements(*(draw.randint(-8, 12) / 2 for _ in range(4)))
    height = float(re.search(r'viewBox="0 0 600 ([\d.]+)"', drawing)[1])
    for x, y in re.findall(r'<text x="([\d.-]+)" y="([\d.-]+)"', drawing):
        assert 0 <= float(x) <= palette.WIDTH and 12 <= float(y) <= height - 4
    bars = [float(tall) for tall in re.findall(r'width="20.0" height="([\d.]+)"', drawing)]
    assert len(bars) == 32 and max(bars) <= 12 * blocks.UNIT < blocks.ROW - 30
    assert len(drawing) <= 20_000 and not re.search(r"\sid=|<style|<title|<script|href", drawing)
    assert alt.startswith("x = (")


def test_a_bar_is_as_high_as_its_number() -> None:
    drawing, _ = blocks.draw_placements(0, 0, 4, 4)
    heights = [float(tall) for tall in re.findall(r'width="20.0" height="([\d.]+)"', drawing)]
    assert heights[:4] == [0, 0, 12, 12] and heights[12:16] == [0, 3, 12, 15]


def test_the_block_is_drawn_with_its_parts_in_their_order() -> None:
    drawing, alt = blocks.draw_block()
    words = re.findall(r">([^<>]+)</text>", drawing)
    parts = [word for word in words if word in {"norm", "attention", "dropout", "feed-forward", "+"}]
    assert parts == ["norm", "attention", "dropout", "+", "norm", "feed-forward", "dropout", "+"]
    assert "norm, attention, dropout; then norm, feed-forward, dropout" in alt
    spans = [(float(x), float(x) + float(w)) for x, w in re.findall(r'<rect x="([\d.]+)" y="46.0" width="([\d.]+)"', drawing)]
    assert all(a[1] < b[0] for a, b in zip(spans, spans[1:], strict=False)) and spans[-1][1] < palette.WIDTH


def test_depth_draws_every_line_and_tells_its_ends() -> None:
    with mpl.rc_context(house.STYLE):
        figure, alt = blocks.depth.__wrapped__(MEASURED)
    axes = figure.axes
    assert [len(ax.lines) for ax in axes] == [4] * 4
    assert list(axes[0].lines[2].get_ydata()) == [5.0, 17.0, 65.0]
    assert list(axes[3].lines[1].get_ydata()) == pytest.approx([0.4, 1.6, 6.4])
    labels = [[text.get_text() for text in ax.texts] for ax in axes]
    assert sorted(labels[0]) == sorted(KINDS) and sorted(labels[1]) == sorted(KINDS) and sorted(labels[3]) == sorted(KINDS)
    assert "pre-norm, Glorot: likeness 5.00 to 65.00, gradient 0.6 to 9.6" in alt and alt.startswith("From 2 to 32 blocks.")


def test_the_pictures_reach_the_page_as_images() -> None:
    for module, call, arguments in (
        (svg, blocks.show_placements, ()),
        (svg, blocks.show_block, ()),
        (house, blocks.depth, (MEASURED,)),
    ):
        with mock.patch.object(module, "display") as display:
            call(*arguments)
        bundle = display.call_args.args[0]
        assert bundle["text/html"].startswith("<img alt=") and sum(map(len, bundle.values())) <= palette.LIMIT


def test_a_slider_moves_the_drawing() -> None:
    box = placements()
    sliders = {one.description: one for one in box.children[0].children}
    drawing = next(child for child in box.children if isinstance(child, ipywidgets.HTML))
    assert list(sliders) == ["first", "second", "third", "fourth"]
    assert drawing.value == blocks.draw_placements(*blocks.PENCIL)[0]
    sliders["third"].value = 6.0
    assert drawing.value == blocks.draw_placements(0, 0, 6, 4)[0]
    assert box._repr_mimebundle_()["text/plain"].startswith("Run this cell for sliders; the picture above")


def test_the_map_has_norm_and_way_around_each_sublayer() -> None:
    _, alt = model_map.draw("04")
    assert "New in this notebook: add and norm, feed-forward." in alt and "Still to come: output: word scores." in alt
    drawing = model_map.draw("03")[0]
    assert drawing.count(">add and norm<") == 5, "two in the encoder's layer, three in the decoder's"
    assert model_map.draw("04")[0].count(palette.BLUE) == 8  # five of these, two networks, the legend's
