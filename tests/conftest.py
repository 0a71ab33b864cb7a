"""Settings every test shares; they stand here because they must be set before torch or matplotlib is imported."""

import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from lessons_lib.runtime import threads_each

if TYPE_CHECKING:
    from lessons_lib.exercises.framework import Exercise

# Two workers on two cores: a worker that takes all the cores slows both down many times over.
_workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
os.environ.setdefault("OMP_NUM_THREADS", str(threads_each(_workers)))
os.environ.setdefault("MPLBACKEND", "Agg")
# No test waits for a hub: what is not on this machine is skipped with its reason.
os.environ.setdefault("HF_HUB_OFFLINE", "1")


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Loads scripts/NAME.py as a module."""

    def load(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).resolve().parent.parent / "scripts" / f"{name}.py")
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test of the framework begins with no exercises and leaves none behind."""
    from lessons_lib.exercises import verdicts

    monkeypatch.setattr(verdicts, "_EXERCISES", {})


@pytest.fixture
def pencil(own_registry: None) -> "Exercise":
    """A pencil exercise with three slips."""
    from lessons_lib.exercises.framework import number_exercise

    slips = {0.881: "That is temperature 1.", 0.982: "You multiplied.", 0.269: "That is the second word."}
    return number_exercise("demo.pencil", 0.731, 0.0006, "2.718 / 3.718 = 0.731.", slips, "divide both logits by 2.")
