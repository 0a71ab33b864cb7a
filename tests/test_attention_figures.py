"""Notebook 01's pictures and widget: the numbers in them are PyTorch's, words do not lie on words, and the sliders move the drawing."""

import itertools
import math
import random
import re
from unittest import mock

import pytest
import torch
import torch.nn.functional as F

from lessons_lib.figures import attention, house, palette, svg
from lessons_lib.figures.attention import Scene, draw_steps
from lessons_lib.figures.labels import label_box, overlap, place_labels
from lessons_lib.widgets.attention import AttentionExplorer, attention_explorer

BOUNDS = (2.0, 44.0, 216.0, 248.0)


def random_scene(seed: int) -> Scene:
    """A scene that the sliders can reach."""
    draw = random.Random(seed)
    pairs = [tuple(draw.randint(-8, 8) / 2 for _ in "xy") for _ in range(4)]
    values = tuple((float(draw.randint(0, 10)), float(draw.randint(0, 10))) for _ in range(3))
    return Scene(query=pairs[0], keys=tuple(pairs[1:]), values=values)


@pytest.mark.parametrize("seed", range(5))
def test_a_scene_attends_as_pytorch_does(seed: int) -> None:
    scene = random_scene(seed)
    scores, weights, output = scene.attend()
    query, keys, values = torch.tensor([scene.query]), torch.tensor(scene.keys), torch.tensor(scene.values)
    torch.testing.assert_close(torch.tensor([output]), F.scaled_dot_product_attention(query, keys, values))
    assert scores == pytest.approx([q[0] * scene.query[0] + q[1] * scene.query[1] for q in scene.keys])
    powers = [math.exp(score / math.sqrt(2)) for score in scores]
    assert weights == pytest.approx([power / sum(powers) for power in powers])


def test_the_drawing_says_the_pencil_numbers() -> None:
    drawing, alt = draw_steps(Scene())
    assert alt == (
        "bites asks with q = (1.0, 0.0). Scores: dog 3.0, bites 0.0, man 2.0. Weights: dog 0.62, bites 0.07, man 0.31. Output (6.2, 3.1)."
    )
    for words in ("dog 3.0", "3.0 → 2.12", "0.62", "output (6.2, 3.1)", "sum 1.00"):
        assert f">{words}<" in drawing


def test_a_bar_is_as_long_as_its_weight() -> None:
    widths = [float(width) for width in re.findall(r'width="([\d.]+)" height="18.0"', draw_steps(Scene())[0])]
    assert widths[1::2] == pytest.approx([attention.BAR * weight for weight in (0.62, 0.0743, 0.3057)], abs=0.1)


@pytest.mark.parametrize("seed", range(20))
def test_a_drawing_stays_inside_its_picture_and_keeps_its_kind(seed: int) -> None:
    drawing, _ = draw_steps(random_scene(seed))
    assert not re.search(r"<style|<script|<title|\sid=", drawing)
    for x, y in re.findall(r'<text x="([\d.-]+)" y="([\d.-]+)"', drawing):
        assert 0 <= float(x) <= palette.WIDTH and 0 <= float(y) <= attention.HEIGHT


def test_labels_of_points_apart_overlap_nothing_and_stay_inside() -> None:
    points, labels = [(60.0, 100.0), (100.0, 160.0), (160.0, 112.0)], ["dog 3.0", "bites −1.5", "man 2.0"]
    boxes = [label_box(spot, label) for spot, label in zip(place_labels(points, labels, BOUNDS), labels, strict=True)]
    marks = [(x - 6, y - 6, x + 6, y + 6) for x, y in points]
    assert all(overlap(a, b) == 0 for a, b in itertools.combinations([*boxes, *marks], 2))
    assert all(left >= 2 and right <= 216 and top >= 44 and bottom <= 248 for left, top, right, bottom in boxes)


def test_labels_of_equal_points_do_not_lie_on_each_other() -> None:
    labels = ["dog 4.0", "bites 4.0", "man 4.0"]
    boxes = [label_box(spot, label) for spot, label in zip(place_labels([(120.0, 120.0)] * 3, labels, BOUNDS), labels, strict=True)]
    assert all(overlap(a, b) == 0 for a, b in itertools.combinations(boxes, 2))


def test_a_label_keeps_clear_of_what_is_taken() -> None:
    above = label_box((100.0, 89.0, "middle"), "dog")
    assert place_labels([(100.0, 100.0)], ["dog"], BOUNDS) == [(100.0, 89.0, "middle")]
    (spot,) = place_labels([(100.0, 100.0)], ["dog"], BOUNDS, [above])
    assert overlap(label_box(spot, "dog"), above) == 0


def shown(module: object, call: object, *arguments: object) -> dict[str, str]:
    """The MIME bundle that a picture displays."""
    with mock.patch.object(module, "display") as display:
        call(*arguments)
    return display.call_args.args[0]


def test_the_static_picture_is_an_image_with_its_alt_text() -> None:
    bundle = shown(svg, attention.steps)
    assert bundle["text/html"].startswith('<img alt="bites asks with q = (1.0, 0.0).')
    assert len("".join(bundle.values())) < palette.LIMIT


def test_a_masked_cell_has_no_number_and_a_zero_has() -> None:
    weights = torch.tensor([[1.0, 0.0, 0.0], [0.9, 0.1, 0.0], [0.5, 0.0, 0.5]])
    allowed = torch.ones(3, 3, dtype=torch.bool).tril()
    figure, alt = attention.maps.__wrapped__(["dog", "bites", "man"], weights, weights, allowed)
    free, masked = ([text.get_text() for text in ax.texts] for ax in figure.axes)
    assert len(free) == 9 and free.count("0.00") == 4
    assert [words for words in masked if words[0].isdigit()] == ["1.00", "0.90", "0.10", "0.50", "0.00", "0.50"]
    assert "dog has dog 1.00; bites has dog 0.90, bites 0.10; man has" in alt


def test_the_divisors_are_drawn_and_told_from_what_was_measured() -> None:
    measured = {1: [(0.5, 0.2)] * 3, 64: [(0.9, 0.05), (0.6, 0.29), (0.37, 0.035)], 1024: [(0.98, 0.0), (0.6, 0.3), (0.34, 0.009)]}
    figure, alt = attention.divisors.__wrapped__(measured)
    left, right = ([line.get_ydata().tolist() for line in ax.get_lines()] for ax in figure.axes)
    assert left == [[0.5, 0.9, 0.98], [0.5, 0.6, 0.6], [0.5, 0.37, 0.34]]
    assert right == [[0.2, 0.05, 0.0], [0.2, 0.29, 0.3], [0.2, 0.035, 0.009]]
    assert "÷ 1: weight 0.50 to 0.98, gradient 0.200 to 0.000" in alt
    assert len("".join(shown(house, attention.divisors, measured).values())) < palette.LIMIT


def test_a_slider_moves_the_drawing_and_reset_brings_it_back() -> None:
    explorer = AttentionExplorer(Scene())
    before = explorer.drawing.value
    explorer.sliders["q, second"].value = -1.0
    assert "man 0.62" in explorer.drawing.value and explorer.drawing.value != before
    explorer.reset.click()
    assert explorer.drawing.value == before and explorer.sliders["q, second"].value == 0.0


def test_the_choice_of_a_word_moves_its_vectors_only() -> None:
    explorer = AttentionExplorer(Scene())
    explorer.choice.value = "man"
    assert explorer.scene == Scene(), "choosing is no move"
    assert (explorer.sliders["key, first"].value, explorer.sliders["value, second"].value) == (2.0, 10.0)
    weights = explorer.scene.attend()[1]
    explorer.sliders["value, first"].value = 7.0
    assert explorer.scene == Scene(values=((10.0, 0.0), (0.0, 0.0), (7.0, 10.0)))
    assert explorer.scene.attend()[1] == weights, "values have no say in the weights"
    explorer.sliders["key, first"].value = 4.0
    assert explorer.scene.keys == ((3.0, 2.0), (0.0, 1.0), (4.0, 0.0))


def test_the_widget_says_in_words_what_it_is_without_a_kernel() -> None:
    assert attention_explorer()._repr_mimebundle_()["text/plain"].startswith("Run this cell for sliders; the picture above")
