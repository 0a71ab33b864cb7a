"""Trains a tiny recipe again and again, each time killed (SIGKILL) at another event, then resumed; `test_resume.py` runs it.

An event is a step of the training, half a write, a sync, the moment before or after a rename, half a row of the log. Everything is imported
once and each run is a fork, so that fifty runs take seconds. Standard output: one JSON object.
"""

import io
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tiny_models import tiny_preset

from lessons_lib import checkpoints, evaluation, files, metrics, presets, training
from lessons_lib.checkpoints import STATE, WEIGHTS, load_tensors

RECIPES = {
    "plain": tiny_preset(validate_every=0),
    "everything": tiny_preset(
        bpe_dropout=0.1, micro_batches=2, ema_decay=0.9, precision="bf16", checkpoint_every=3, validate_every=4, patience=9
    ),
}
BUDGET = training.Budget(steps=8)
presets.is_faster_in_bf16 = lambda device: True  # measured, it might differ from process to process, and with it the weights


class Events:
    """Counts what happens in this process, and ends it at a given event."""

    def __init__(self, kill_at: int | None) -> None:
        self.kill_at, self.count = kill_at, 0
        self.watch(training.Trainer, "_step")
        self.watch(os, "fsync")
        self.watch(os, "replace", after=True)
        write_row = metrics.MetricsLog.write

        def torn(log: metrics.MetricsLog, row: dict[str, Any]) -> None:
            log.file.write(json.dumps(row)[:9])
            log.file.flush()
            self.happen()
            log.file.truncate(log.file.tell() - 9)
            log.file.seek(0, 2)
            write_row(log, row)

        metrics.MetricsLog.write = torn
        happen = self.happen

        class Halves(io.FileIO):
            def write(self, data: bytes) -> int:
                super().write(data[: len(data) // 2])
                happen()
                return super().write(data[len(data) // 2 :])

        files.open = lambda path, mode: Halves(path, mode.replace("b", ""))

    def watch(self, owner: Any, name: str, after: bool = False) -> None:
        real = getattr(owner, name)

        def watched(*arguments: Any) -> Any:
            self.happen()
            result = real(*arguments)
            if after:
                self.happen()
            return result

        setattr(owner, name, watched)

    def happen(self) -> None:
        self.count += 1
        if self.count == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)


def in_a_fork(work: Callable[[], None]) -> int:
    """The exit code of a forked process that does this work; −9 if it was killed."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException as error:  # a fork must never go on with its parent's work
            print(repr(error), file=sys.stderr)
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def train(recipe: str, folder: Path, kill_at: int | None, resume: bool) -> int:
    def work() -> None:
        torch.set_num_threads(1)
        events = Events(kill_at)
        presets.train(RECIPES[recipe], folder, BUDGET, resume=resume)
        (folder / "n_events").write_text(str(events.count))

    return in_a_fork(work)


def whole_or_absent(folder: Path) -> bool:
    """Whether the state and the model in a folder, where there are any, can be read."""
    for name, read in ((STATE, load_tensors), (WEIGHTS, lambda path: checkpoints.load_model(path.parent))):
        if (folder / name).exists():
            try:
                read(folder / name)
            except checkpoints.CheckpointError:
                return False
    return True


def import_what_comes_late() -> None:
    """PyTorch's optimisers and the Moses tokenizer import for seconds when first used: once here, not in every fork."""
    torch.optim.AdamW([torch.zeros(1, requires_grad=True)])
    evaluation.moses_lower(["a"])


def main(recipe: str, root: Path, n_kills: int) -> None:
    import_what_comes_late()
    assert train(recipe, root / "whole", None, resume=False) == 0
    n_events = int((root / "whole" / "n_events").read_text())
    result: dict[str, Any] = {"events": n_events, "kills": []}
    for i in range(n_kills):
        first = 1 + i * (n_events - 1) // (n_kills - 1)
        folder = root / f"killed-{first}"
        codes, whole = [train(recipe, folder, first, resume=False)], [whole_or_absent(folder)]
        if i % 2:  # killed again while it resumes
            codes.append(train(recipe, folder, 2 + (7 * i) % 23, resume=True))
            whole.append(whole_or_absent(folder))
        ended = train(recipe, folder, None, resume=True)
        result["kills"].append({"at": first, "codes": codes, "whole": whole, "ended": ended, "folder": str(folder)})
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
