"""Every live picture of the course by keyboard alone: each slider, box, button and text field changes what is drawn."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lab_in_browser import ERRORS, MARKS, PATIENCE, ROOT, lab, run_in_browser

SOURCES = sorted(file for file in (ROOT / "notebooks" / "source").glob("[0-9]*.py") if "lessons_lib.widgets" in file.read_text())
pytestmark = MARKS

# What the keys are pressed on, and which keys. A toggle button that is pressed already would change nothing; a button comes last, since it
# may bring back what the others changed.
CONTROLS = {
    "slider": (".noUi-handle", ("ArrowRight", "ArrowLeft", "ArrowLeft")),
    "checkbox": (".widget-checkbox input", ("Space",)),
    "toggle button": (".widget-toggle-buttons button:not(.mod-active)", ("Enter",)),
    "text field": (".widget-text input", ("Home", "Delete", "Delete", "Enter")),
    "button": ("button.widget-button:not(.widget-toggle-button)", ("Enter",)),
}


# A cell is done before its live picture stands there: JupyterLab still has to load what draws it.
DRAWN = """() => {
    const live = [...document.querySelectorAll('.jp-OutputArea-output .jupyter-widgets.widget-vbox')];
    const waiting = [...document.querySelectorAll('.jp-OutputArea-output')].some((one) => one.innerText.startsWith('Loading widget'));
    return live.some((one) => one.querySelector('.widget-html-content > *')) && !waiting;
}"""


@pytest.fixture(scope="module", params=SOURCES, ids=lambda file: file.stem)
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A notebook that has live pictures, all its cells run."""
    notebook: Path = ROOT / "notebooks" / f"{request.param.stem}.ipynb"
    home = tmp_path_factory.mktemp("lab")
    with lab(notebook.name, notebook.read_text(encoding="utf-8"), home) as address, run_in_browser(address, home / "profile") as page:
        page.wait_for_function(DRAWN, timeout=PATIENCE)
        yield page


def test_every_control_of_every_live_picture_answers_to_the_keyboard(page: Any) -> None:
    assert page.locator(ERRORS).all_inner_texts() == []
    cells = page.locator(".jp-CodeCell:has(.jupyter-widgets :is(svg, img))").all()
    assert cells, "the notebook imports a live picture, and none is drawn"
    moved = 0
    for cell in cells:
        for kind, (selector, keys) in CONTROLS.items():
            for control in cell.locator(selector).all():
                moved += 1
                demand_change(page, cell, control, keys, f"{kind} {control.evaluate(NAME)!r} in a cell that begins {first_line(cell)!r}")
    assert moved, "a live picture without a control is a still one"


NAME = "(one) => one.getAttribute('aria-label') || one.innerText || one.closest('.jupyter-widgets').innerText"


def first_line(cell: Any) -> str:
    """The first line of a cell's code."""
    return str(cell.locator(".cm-line").first.inner_text())


def demand_change(page: Any, cell: Any, control: Any, keys: tuple[str, ...], what: str) -> None:
    """Press the keys one by one on the control until its cell shows something else; fail if it does not.

    After a key that moved a slider, or the last key, a busy machine is given time to draw: the next key might take the change back.
    """
    shown = drawing if what.startswith("slider") else lambda cell: [*drawing(cell), *sliders(cell)]
    before, place = shown(cell), control.get_attribute("aria-valuenow")
    for key in keys:
        control.focus()
        page.keyboard.press(key)
        is_due = key == keys[-1] or control.get_attribute("aria-valuenow") != place
        deadline = time.monotonic() + (60 if is_due else 3)
        while time.monotonic() < deadline:
            if shown(cell) != before:
                return
            page.wait_for_timeout(100)
    pytest.fail(f"{what}: the keys {', '.join(keys)} changed nothing that is shown")


def drawing(cell: Any) -> list[str]:
    """What a cell's live picture shows at the moment, as HTML."""
    return list(cell.locator(".jupyter-widgets .widget-html-content").evaluate_all("(all) => all.map((one) => one.innerHTML)"))


def sliders(cell: Any) -> list[str]:
    """Where a cell's sliders stand: a button may set them."""
    return list(cell.locator(".noUi-handle").evaluate_all("(all) => all.map((one) => one.getAttribute('aria-valuenow'))"))
