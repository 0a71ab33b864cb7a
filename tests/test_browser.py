"""Notebook 01 as its reader meets it: JupyterLab in a browser, run as a whole, an exercise answered."""

import functools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from lab_in_browser import ERRORS, MARKS, PATIENCE, ROOT, lab, playwright, run_in_browser

from lessons_lib.exercises.framework import find

NOTEBOOK = ROOT / "notebooks" / "01_attention_by_hand.ipynb"
pytestmark = [*MARKS, pytest.mark.skipif(not NOTEBOOK.exists(), reason="notebook 01 is not built")]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The notebook in a browser, all its cells run."""
    home = tmp_path_factory.mktemp("lab")
    with lab(NOTEBOOK.name, notebook_text(), home) as address, run_in_browser(address, home / "profile") as page:
        yield page


@functools.cache
def notebook_text() -> str:
    """The notebook's file, read once: a build may replace it while this runs."""
    return NOTEBOOK.read_text(encoding="utf-8")


def code_cells() -> list[dict[str, Any]]:
    """The code cells of the committed notebook."""
    return [cell for cell in json.loads(notebook_text())["cells"] if cell["cell_type"] == "code"]


def test_run_all_runs_every_cell_without_an_error(page: Any) -> None:
    prompts = page.locator(".jp-CodeCell .jp-InputPrompt").all_inner_texts()
    assert [prompt.strip() for prompt in prompts] == [f"[{i}]:" for i in range(1, len(code_cells()) + 1)]
    assert page.locator(ERRORS).all_inner_texts() == []


def test_every_picture_is_there_with_its_alt_text(page: Any) -> None:
    pictures = page.locator(".jp-OutputArea img").evaluate_all("(all) => all.map((one) => [one.naturalWidth > 0, one.alt.length > 20])")
    assert pictures, "notebook 01 has figures"
    assert all(drawn and described for drawn, described in pictures)


def test_an_exercise_answered_wrongly_and_then_rightly_says_so(page: Any) -> None:
    key, name = exercise_with_a_value()
    exercise = find(key)
    cell = page.locator(".jp-CodeCell", has=page.locator(".cm-line", has_text=f'check("{key}"'))
    slip = next(wrong for wrong in exercise.wrong if is_typed(wrong.answer))
    output = cell.locator(".jp-OutputArea-output").first
    assert output.inner_text().strip() == "Not attempted yet."
    for answer in (slip.answer, exercise.solution):
        line = cell.locator(".cm-line", has_text=f"{name} = ").first
        line.click()
        page.keyboard.press("Home")
        page.keyboard.press("Shift+End")
        page.keyboard.type(f"{name} = {answer!r}")
        page.keyboard.press("Shift+Enter")
        expected = exercise.verdict(answer).text
        playwright.expect(output).to_have_text(expected, timeout=PATIENCE)
    assert expected.startswith("Right: ")


def exercise_with_a_value() -> tuple[str, str]:
    """The first exercise of the notebook whose answer is one line that can be typed: its key, and the name it is assigned to."""
    for cell in code_cells():
        lines = [line.rstrip("\n") for line in cell["source"]]
        names = [line.removesuffix(" = ...") for line in lines if line.endswith(" = ...")]
        keys = [line.split('"')[1] for line in lines if line.startswith('check("')]
        if len(names) == len(keys) == 1 and is_typed(find(keys[0]).solution):
            return keys[0], names[0]
    raise AssertionError("notebook 01 has no exercise whose answer is a value")


def is_typed(answer: object) -> bool:
    """Whether an answer is a number or a list of numbers."""
    return isinstance(answer, (int, float)) or (isinstance(answer, list) and all(isinstance(part, (int, float)) for part in answer))
