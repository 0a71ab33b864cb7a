"""The count that `make test` ends with: no notebook and no test may be missing from it unseen."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

CELL = '<testcase classname="notebooks.{name}.ipynb" name="Cell {cell}">{end}</testcase>'


@pytest.fixture
def runner(script: Callable[[str], ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """scripts/run_tests.py, at work in an empty folder."""
    module = script("run_tests")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "REPORTS", tmp_path / "reports")
    (tmp_path / "reports").mkdir()
    (tmp_path / "notebooks").mkdir()
    return module


def notebook(runner: ModuleType, name: str, *cells: list[str]) -> None:
    """A notebook with a text cell and one code cell for each list of tags."""
    content = [{"cell_type": "markdown", "metadata": {}}] + [{"cell_type": "code", "metadata": {"tags": tags}} for tags in cells]
    (runner.ROOT / "notebooks" / f"{name}.ipynb").write_text(json.dumps({"cells": content}))


def nbval_ends(runner: ModuleType, monkeypatch: pytest.MonkeyPatch, status: int, *ends: tuple[str, int, str]) -> None:
    """Let the next pytest write this report and end with this status."""
    report = "".join(CELL.format(name=name, cell=cell, end=end) for name, cell, end in ends)

    def run(name: str, command: list[str], changes: dict[str, str | None] | None = None) -> object:
        (target,) = [word.partition("=")[2] for word in command if word.startswith("--junitxml=")]
        Path(target).write_text(f"<testsuites><testsuite>{report}</testsuite></testsuites>")
        return runner.Step(name, status == 0, f"exit status {status}" if status else "")

    monkeypatch.setattr(runner, "run", run)


def test_all_cells_run_and_counted(runner: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook(runner, "00_a", ["nbval-check-output"], [], ["nbval-skip"])
    notebook(runner, "00_a.mine-1", [])
    nbval_ends(runner, monkeypatch, 0, ("00_a", 0, ""), ("00_a", 1, ""))
    step, count = runner.run_notebooks("notebooks")
    assert step.passed
    assert count == "1 and 0 solved; 2 cells run, 1 of them compared, 0 failed"


def test_a_notebook_whose_cells_did_not_run_fails_even_if_pytest_is_content(runner: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook(runner, "00_a", [], [])
    notebook(runner, "01_b", [])
    nbval_ends(runner, monkeypatch, 0, ("00_a", 0, ""))
    step, _ = runner.run_notebooks("notebooks")
    assert not step.passed
    assert "notebooks/00_a.ipynb: 1 of 2 cells ran" in step.remark
    assert "notebooks/01_b.ipynb: 0 of 1 cells ran" in step.remark


def test_failures_are_counted_and_keep_the_exit_status(runner: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook(runner, "00_a", [], [])
    nbval_ends(runner, monkeypatch, 1, ("00_a", 0, "<failure/>"), ("00_a", 1, ""))
    step, count = runner.run_notebooks("notebooks")
    assert (step.passed, step.remark) == (False, "exit status 1")
    assert count.endswith("1 failed")


def test_the_summary_names_each_failed_test(
    runner: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    end = '<failure message="AssertionError: three&#10;  is not four">a long traceback</failure>'
    nbval_ends(runner, monkeypatch, 1, ("00_a", 7, end), ("00_a", 8, ""))
    monkeypatch.setattr(sys, "argv", ["run_tests.py"])
    monkeypatch.setattr(runner, "everything", lambda: ([runner.unit_tests()[0]], []))
    assert runner.main() == 1
    assert (
        "FAILED: unit tests: exit status 1\n    notebooks.00_a.ipynb::Cell 7: AssertionError: three is not four\n"
        in capsys.readouterr().out
    )


def test_no_notebook_or_no_test_is_a_failure(runner: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not runner.run_notebooks("notebooks")[0].passed
    nbval_ends(runner, monkeypatch, 0, ("x", 0, "<skipped/>"))
    step, count = runner.unit_tests()
    assert not step.passed
    assert count == "0 passed, 0 failed, 1 skipped"


@pytest.mark.parametrize("status", [0, 3])
def test_the_exit_status_is_that_of_the_worst_step(
    runner: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    monkeypatch.setattr(runner, "everything", lambda: ([runner.run("a step", [sys.executable, "-c", f"exit({status})"])], ["Tests: 1"]))
    monkeypatch.setattr(sys, "argv", ["run_tests.py"])
    assert runner.main() == (1 if status else 0)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("FAILED" if status else "All passed")


def test_a_setting_of_the_matrix_reaches_the_command(runner: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LESSONS_DATA_DIR", "/somewhere")
    for name, changes in runner.MATRIX.items():
        seen = "; ".join(f"assert os.environ.get({key!r}) == {value!r}" for key, value in changes.items())
        assert runner.run(name, [sys.executable, "-c", f"import os; {seen}"], changes).passed
    assert not runner.run("control", [sys.executable, "-c", "import os; assert 'LESSONS_DATA_DIR' not in os.environ"]).passed


def test_everything_is_five_steps_and_the_matrix_has_one_for_each_setting(runner: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them fails here, and each is told."""
    asked: list[list[str]] = []
    monkeypatch.setattr(runner, "run", lambda name, command, changes=None: (asked.append(command), runner.Step(name, False))[1])
    monkeypatch.setattr(runner, "unit_tests", lambda: (runner.Step("unit tests", False), ""))
    monkeypatch.setattr(runner, "run_notebooks", lambda name, changes=None: (runner.Step(name, False), ""))
    steps, _ = runner.everything()
    assert [step.name for step in steps if not step.passed] == [
        "lint", "format", "unit tests", "notebooks executed and compared", "notebooks in step with their sources",
    ]  # fmt: skip
    assert [command[2:4] for command in asked] == [["ruff", "check"], ["ruff", "format"], ["lessons_lib", "notebooks"]]
    assert [step.name for step in runner.matrix()[0] if not step.passed] == [f"notebooks, {name}" for name in runner.MATRIX]
