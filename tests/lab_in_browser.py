"""JupyterLab on a copy of a notebook, and a browser that runs it from the menu: what the browser tests share."""

import contextlib
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

ROOT = Path(__file__).resolve().parent.parent
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
A_TRY = 10_000  # ms
A_CLICK = 30_000  # ms
PATIENCE = 300_000  # ms: 08 trains, and two busy cores may take minutes for what takes one alone
# A notebook drawn whole (by default JupyterLab leaves out cells that are off the screen), and no pop-up for news.
SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
}

ERRORS = ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error'], [data-mime-type='application/vnd.jupyter.stderr']"
PROMPTS = "[...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map((one) => one.innerText.trim())"
STARTED = f"() => {PROMPTS}.some((prompt) => prompt !== '[ ]:')"
ALL_DONE = f"() => {{ const prompts = {PROMPTS}; return prompts[0] === '[1]:' && !prompts.includes('[*]:'); }}"

playwright = pytest.importorskip("playwright.sync_api", reason="the browser tests need playwright (extra 'dev')")
MARKS = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"no browser at {CHROMIUM}; install Debian's chromium or set CHROMIUM"),
]


@contextlib.contextmanager
def lab(name: str, text: str, home: Path) -> Iterator[str]:
    """JupyterLab on a copy of the notebook, which autosave may change; the address that opens it.

    Args:
        name: the notebook's file name.
        text: what stands in it, read once: a build may replace the file while this runs.
        home: an empty folder for the copy and for JupyterLab's own files.
    """
    (home / "course" / "notebooks").mkdir(parents=True)
    (home / "course" / "notebooks" / name).write_text(text, encoding="utf-8")
    for setting, values in SETTINGS.items():
        path = home / "settings" / f"{setting}.jupyterlab-settings"
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
            yield f"http://127.0.0.1:{port}/lab/tree/notebooks/{name}?reset&token={token}"
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


def choose(page: Any, menu: str, command: str) -> None:
    """Choose a command from a menu, again from the start if something stands before it."""
    for timeout in (A_CLICK, A_CLICK, PATIENCE):
        try:
            page.get_by_role("menuitem", name=menu, exact=True).click(timeout=timeout)
            page.get_by_role("menuitem", name=command, exact=True).click(timeout=timeout)
            return
        except playwright.TimeoutError as error:
            if timeout == PATIENCE:
                raise
            print(f"{menu}, {command}: once more after\n{error}")
            page.keyboard.press("Escape")


def put_away(dialog: Any) -> None:
    """Agree to what JupyterLab asks or tells (a busy machine's server may not answer it in time): it would lie before everything else."""
    print(f"JupyterLab says: {dialog.inner_text()}")
    dialog.locator("button.jp-Dialog-button").last.click()


@contextlib.contextmanager
def run_in_browser(address: str, profile: Path) -> Iterator[Any]:
    """The page of the notebook at this address, all its cells run once from the menu."""
    with playwright.sync_playwright() as play:
        context = play.chromium.launch_persistent_context(
            str(profile), executable_path=CHROMIUM, args=FLAGS, viewport={"width": 1280, "height": 900}
        )
        context.set_default_timeout(PATIENCE)
        page = context.pages[0]
        page.add_locator_handler(page.locator(".jp-Dialog"), put_away)
        page.goto(address)
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]')
        # Without the committed outputs nothing can be taken for a result of this run.
        choose(page, "Edit", "Clear Outputs of All Cells")
        for _ in range(PATIENCE // A_TRY):  # asked before its kernel is ready, JupyterLab may run nothing
            choose(page, "Run", "Run All Cells")
            with contextlib.suppress(playwright.TimeoutError):
                page.wait_for_function(STARTED, timeout=A_TRY)
                break
        page.wait_for_function(ALL_DONE, timeout=PATIENCE)
        yield page
        context.close()
