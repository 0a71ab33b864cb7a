"""The generic live picture: it follows its sliders, names them, and reads as a sentence where no kernel runs."""

import pytest

from lessons_lib.figures import start
from lessons_lib.widgets import house
from lessons_lib.widgets import start as start_widgets


def test_the_drawing_follows_a_slider_and_begins_as_its_twin():
    box = start_widgets.learning_rate(0.1)
    (slider,), drawing = box.children[0].children, box.children[1]
    assert drawing.value == start.descent(0.1)[0]
    slider.value = 1.0
    assert drawing.value == start.descent(1.0)[0] != start.descent(0.1)[0]


def test_values_reach_the_drawing_in_the_order_of_the_sliders():
    seen = []
    box = house.live(lambda a, b: (seen.append((a, b)) or "<svg/>", ""), [house.slider("a", 1, 0, 5), house.slider("b", 2, 0, 5)])
    box.children[0].children[1].value = 4
    assert seen == [(1, 2), (1, 4)]


def test_without_a_kernel_it_is_a_sentence():
    for box, words in (
        (house.live(lambda a: ("<svg/>", ""), [house.slider("a", 1, 0, 5)]), house.NO_KERNEL),
        (start_widgets.learning_rate(), "the picture below shows one larger rate"),
    ):
        bundle = box._repr_mimebundle_()
        assert words in bundle["text/plain"] and "application/vnd.jupyter.widget-view+json" in bundle


def test_a_slider_needs_a_description():
    with pytest.raises(ValueError, match="slider 1 has no description"):
        house.live(lambda a, b: ("", ""), [house.slider("a", 1, 0, 5), house.slider("", 2, 0, 5)])


def test_handles_get_their_label_as_name():
    box = start_widgets.learning_rate()
    assert any(isinstance(child, house.SliderNames) for child in box.children)
