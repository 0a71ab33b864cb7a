"""Notebook 01 as its reader meets it: JupyterLab in a browser, run as a whole, a slider moved, an exercise answered."""

import functools
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lessons_lib.exercises.framework import find

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "notebooks" / "01_attention_by_hand.ipynb"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 150_000  # ms: two busy cores may take minutes for what takes seconds alone
# A notebook drawn whole (by default JupyterLab leaves out cells that are off the screen), and no pop-up for news.
SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
}

playwright = pytest.importorskip("playwright.sync_api", reason="the browser test needs playwright (extra 'dev')")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"no browser at {CHROMIUM}; install Debian's chromium or set CHROMIUM"),
    pytest.mark.skipif(not NOTEBOOK.exists(), reason="notebook 01 is not built"),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """JupyterLab on a copy of the notebook, which autosave may change; the address that opens it."""
    home = tmp_path_factory.mktemp("lab")
    (home / "course" / "notebooks").mkdir(parents=True)
    (home / "course" / "notebooks" / NOTEBOOK.name).write_text(notebook_text(), encoding="utf-8")
    for name, values in SETTINGS.items():
        path = home / "settings" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    with (home / "lab.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
             f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={home / 'course'}"],
            env=lab_environment(home), stdout=log, stderr=log,
        )  # fmt: skip
        try:
            wait_for(f"http://127.0.0.1:{port}/api?token={token}", server, home / "lab.log")
            yield f"http://127.0.0.1:{port}/lab/tree/notebooks/{NOTEBOOK.name}?reset&token={token}"
        finally:
            server.terminate()  # the server ends its kernels
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()


def lab_environment(home: Path) -> dict[str, str]:
    """An environment in which JupyterLab keeps its own files in `home`, and kernels find this repository's library."""
    kept = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    folders = {"JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces", "JUPYTER_RUNTIME_DIR": "runtime"}
    path = os.pathsep.join(filter(None, [str(ROOT), kept.get("PYTHONPATH")]))
    return {**kept, "PYTHONPATH": path, **{name: str(home / folder) for name, folder in folders.items()}}


def wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the server answers; fail with its log when it ends or takes too long."""
    end = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")


@pytest.fixture(scope="module")
def page(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The notebook in a browser, all its cells run once from the menu."""
    with playwright.sync_playwright() as play:
        profile = str(tmp_path_factory.mktemp("profile"))
        context = play.chromium.launch_persistent_context(
            profile, executable_path=CHROMIUM, args=FLAGS, viewport={"width": 1280, "height": 900}
        )
        context.set_default_timeout(PATIENCE)
        page = context.pages[0]
        page.goto(address)
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]')
        # Without the committed outputs nothing can be taken for a result of this run.
        for menu, command in (("Edit", "Clear Outputs of All Cells"), ("Run", "Run All Cells")):
            page.get_by_role("menuitem", name=menu, exact=True).click()
            page.get_by_role("menuitem", name=command, exact=True).click()
        page.wait_for_function(ALL_DONE, timeout=PATIENCE)
        yield page
        context.close()


ALL_DONE = """() => { const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map((one) => one.innerText.trim());
                      return prompts[0] === '[1]:' && !prompts.includes('[*]:'); }"""
ERRORS = ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error'], [data-mime-type='application/vnd.jupyter.stderr']"


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


def test_a_slider_moved_by_keyboard_changes_the_figure(page: Any) -> None:
    cell = page.locator(".jp-CodeCell:has(.noUi-handle)").first
    drawing = cell.locator(".jupyter-widgets svg").first
    handle = cell.locator(".noUi-handle").first
    before, value = drawing.evaluate("(svg) => svg.outerHTML"), handle.get_attribute("aria-valuenow")
    handle.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "([handle, value]) => handle.getAttribute('aria-valuenow') !== value", arg=[handle.element_handle(), value], timeout=PATIENCE
    )
    deadline = time.monotonic() + PATIENCE / 1000
    while cell.locator(".jupyter-widgets svg").first.evaluate("(svg) => svg.outerHTML") == before:
        assert time.monotonic() < deadline, "the slider moved, and the figure did not change"
        page.wait_for_timeout(100)


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
