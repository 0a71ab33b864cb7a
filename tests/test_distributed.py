"""Two processes of `torchrun` (gloo) make the step that one process makes of the same batches."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor
from two_processes import CASES, one_run

from lessons_lib import training
from lessons_lib.checkpoints import load_tensors
from lessons_lib.config import Budget, TrainingConfig
from lessons_lib.training import Trainer

TESTS = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def of_two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with what each of two processes has found, case by case."""
    folder = tmp_path_factory.mktemp("two")
    answer = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", TESTS / "two_processes.py", folder],
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(TESTS.parent), str(TESTS))), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert answer.returncode == 0, answer.stderr[-3000:]
    return folder


def found(folder: Path, case: str, rank: int) -> dict[str, Tensor]:
    return load_tensors(folder / f"{case}-{rank}")[0]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_two_processes_give_the_gradients_and_losses_of_one(case: str, of_two: Path) -> None:
    """Also with dropout: each micro-batch draws from its own seed, wherever it is computed.

    In bfloat16 a sum depends on its order, by 1/128 of its terms: the bound is a few such steps.
    """
    alone, together = one_run(case), found(of_two, case, 0)
    assert set(alone) == set(together)
    names = [name for name in alone if name.startswith("gradient.")]
    assert len(names) > 40 and sum(float(alone[name].abs().max()) > 1e-3 for name in names) > 20
    for name in names:
        bound = float(alone[name].abs().max()) / 32 if case == "bf16" else 1e-5
        torch.testing.assert_close(together[name], alone[name], atol=bound, rtol=0, msg=lambda text, name=name: f"{name}: {text}")
    torch.testing.assert_close(together["losses"], alone["losses"], atol=2e-2 if case == "bf16" else 2e-4, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_both_processes_hold_the_same_weights(case: str, of_two: Path) -> None:
    first, second = found(of_two, case, 0), found(of_two, case, 1)
    for name in (name for name in first if not name.startswith("losses")):
        assert torch.equal(first[name], second[name]), name
    assert len(first["losses"]) == 3 and len(second["losses"]) == 0  # only the first process logs


def test_micro_batches_must_be_shared_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "join_processes", lambda device: (0, 2))
    with pytest.raises(ValueError, match="3 micro-batches cannot be shared by 2 processes: use a multiple"):
        Trainer(torch.nn.Linear(2, 2), lambda m, b: b, lambda n: [], TrainingConfig(micro_batches=3), Budget(steps=1))
