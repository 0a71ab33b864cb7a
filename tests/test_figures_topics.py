"""Each topic's pictures: they say in words what they show, from their numbers, and stay inside their limits."""

import re
from contextlib import ExitStack
from pathlib import Path
from unittest import mock

import pytest

from lessons_lib.figures import course_map, house, model_map, palette, search, source, start, svg

SOURCES = Path(__file__).resolve().parents[1] / "notebooks" / "source"
DRAWINGS = {
    "model 01": lambda: model_map.draw("01"),
    "model 05": lambda: model_map.draw("05"),
    "course 00": lambda: course_map.draw("00"),
    "broadcast": lambda: start.broadcast([10, 20], [1, 2, 3]),
    "descent": lambda: start.descent(0.1),
    "descent that flies off": lambda: start.descent(1.1),
}


def shown(call, *arguments, **named):
    """The MIME bundle that a call displays."""
    with ExitStack() as stack:
        displays = [stack.enter_context(mock.patch.object(module, "display")) for module in (house, svg, source)]
        call(*arguments, **named)
    (bundle,) = [one.args[0] for display in displays for one in display.call_args_list]
    return bundle


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing_has_words_fits_and_can_share_a_page(name):
    drawing, alt = DRAWINGS[name]()
    assert drawing == DRAWINGS[name]()[0]
    assert len(alt) > 40 and palette.image("image/svg+xml", drawing.encode(), alt, 600).count("<img alt=") == 1
    assert len(drawing) <= 20_000
    assert not re.search(r"\sid=|<style|<title|<script|href", drawing)


@pytest.mark.parametrize("name", DRAWINGS)
def test_no_words_of_a_drawing_leave_the_picture(name):
    drawing, _ = DRAWINGS[name]()
    height = float(re.search(r'viewBox="0 0 600 ([\d.]+)"', drawing)[1])
    pattern = r'<text x="(-?[\d.]+)" y="(-?[\d.]+)" text-anchor="(\w+)" style="([^"]*)">([^<]*)<'
    for x, y, anchor, style, words in re.findall(pattern, drawing):
        size = float((re.search(r"font-size:([\d.]+)px", style) or [0, 13.5])[1])
        length = 0.65 * size * len(words.replace("&amp;", "&"))
        left = float(x) - {"start": 0, "middle": length / 2, "end": length}[anchor]
        assert left >= 0 and left + length <= 600, words
        assert size <= float(y) <= height - 4, words


def test_the_model_map_lights_what_a_notebook_adds():
    _, first = model_map.draw("01")
    assert "New in this notebook: one attention head, one masked head." in first and "Already built: nothing." in first
    _, second = model_map.draw("02")
    assert "New in this notebook: self-attention, masked self-attention, cross-attention." in second
    _, fifth = model_map.draw("05")
    assert fifth.endswith("Still to come: nothing.") and "one attention head" not in fifth
    assert model_map.draw("05")[0].count(palette.BLUE) == 2  # the output's box and the legend's


def test_the_model_map_wants_a_notebook_as_two_digits():
    with pytest.raises(ValueError, match='for example "01"'):
        model_map.draw("1")


def test_the_course_map_names_the_notebooks_that_exist():
    existing = {path.name[:2]: path for path in SOURCES.glob("[0-9][0-9]_*.py")}
    mapped = {lesson.number: lesson for lesson in course_map.LESSONS}
    assert set(existing) <= set(mapped), "a notebook in notebooks/source has no line in course_map.LESSONS"
    for number, path in existing.items():
        told = re.search(r"\*\*Time:\*\* (\d+) minutes to read, (\d+) for the exercises", path.read_text(encoding="utf-8"))
        assert told, f"{path.name} has no line '**Time:** N minutes to read, M for the exercises'"
        assert int(told[1]) + int(told[2]) == mapped[number].minutes, f"the map gives {path.name} {mapped[number].minutes} minutes"


def test_the_course_map_says_what_each_needs_and_what_is_to_come():
    lessons = (*course_map.LESSONS[:2], course_map.Lesson("02", "Several heads", ("01",), 60))
    _, alt = course_map.draw("02", lessons)
    assert "You are at 02, Several heads." in alt and "02 Several heads needs 01" in alt and "03\u201309 to come" in alt
    with pytest.raises(ValueError, match="'99' is not on the map; it has 00, 01"):
        course_map.draw("99")
    with pytest.raises(ValueError, match="at most 18"):
        course_map.Lesson("02", "A title that is far too long", (), 60)


def test_the_walk_is_gradient_descent_as_autograd_does_it():
    import torch

    w = torch.tensor(0.0, requires_grad=True)
    optimiser = torch.optim.SGD([w], lr=0.3)
    for place in start.walk(0.3):
        assert place == pytest.approx(w.item(), abs=1e-5)
        optimiser.zero_grad()
        ((w - 3) ** 2).backward()
        optimiser.step()


@pytest.mark.parametrize(
    ("rate", "words"),
    [(0.1, "creeps"), (0.5, "one step arrives"), (0.9, "closer each time"), (1.0, "never comes closer"), (1.1, "flies off")],
)
def test_the_verdict_on_a_learning_rate(rate, words):
    assert words in start.descent(rate)[1]


def test_broadcast_shows_the_sum_and_refuses_what_does_not_fit():
    assert "[[11, 12, 13], [21, 22, 23]]" in start.broadcast([10, 20], [1, 2, 3])[1]
    with pytest.raises(ValueError, match="row 4 numbers"):
        start.broadcast([1], [1, 2, 3, 4])


def test_source_is_the_librarys_own_and_survives_an_untrusted_page():
    data = shown(source.show_source, palette.number)
    page = data["text/html"]
    words = re.sub(r"<[^>]+>", "", page)
    assert "def number(" in words and "import" not in words and "lessons_lib/figures/palette.py, number" in words
    assert "class=" not in page and "<style" not in page and " id=" not in page
    assert page.count("text-indent:-") == page.count('<div style="padding-left:') == data["text/plain"].count("\n") - 2
    assert "true minus" in words and "true minus" not in shown(source.show_source, palette.number, docstring=False)["text/html"]


def test_source_without_docstring_is_the_same_code():
    import ast
    import inspect

    code = source._without_docstrings(inspect.getsource(course_map.Lesson))
    assert "def __post_init__" in code and "A notebook that exists" not in code
    ast.parse(code)


def test_source_sees_through_a_decorator():
    assert "def penalties(" in shown(source.show_source, search.penalties)["text/plain"]


def test_source_refuses_what_has_none():
    with pytest.raises(TypeError, match="not a module"):
        source.show_source(palette)
    with pytest.raises(TypeError, match="not a Lesson"):
        source.show_source(course_map.LESSONS[0])
