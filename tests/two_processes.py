"""One run of a few steps, alone or as one of the processes of `torchrun`; `test_distributed.py` compares the two."""

import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

import torch
from tiny_models import tiny_model
from torch import Tensor

from lessons_lib.batching import Batch, make_batch
from lessons_lib.checkpoints import save_tensors
from lessons_lib.config import Budget, TrainingConfig
from lessons_lib.losses import translation_loss
from lessons_lib.training import Trainer

CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "dropout": {"dropout": 0.2, "attention_dropout": 0.2},
    "clipped": {"clip_norm": 0.05},
    "bf16": {"precision": "bf16", "ema_decay": 0.9},
}


def batches(number: int) -> list[Batch]:
    """Five micro-batches of very different sizes: the second step of a pass has one alone, and one process has nothing to do."""
    generator = torch.Generator().manual_seed(number)

    def draw(low: int, high: int, n: int = 1) -> list[int]:
        return torch.randint(low, high, (n,), generator=generator).tolist()

    made = []
    for n_rows, longest in ((1, 3), (6, 12), (2, 4), (5, 9), (3, 7)):
        sources, targets = ([draw(4, 40, draw(1, longest + 1)[0]) for _ in range(n_rows)] for _ in range(2))
        made.append(make_batch(sources, targets, 0, 1, 2))
    return made


def one_run(case: str) -> dict[str, Tensor]:
    """The first step's gradients, the weights after three steps, and the logged losses."""
    changes = dict(CASES[case])
    shape = {name: changes.pop(name) for name in ("dropout", "attention_dropout") if name in changes}
    fields: dict[str, Any] = dict(learning_rate=1e-3, warmup_steps=0, micro_batches=4, log_every=1, clip_norm=1e6, label_smoothing=0.1)
    config = TrainingConfig(**(fields | changes))
    losses: list[float] = []
    trainer = Trainer(
        tiny_model(**shape), partial(translation_loss, smoothing=0.1), batches, config, Budget(steps=3),
        on_log=lambda row: losses.append(row["loss"]),
    )  # fmt: skip
    gradients: dict[str, Tensor] = {}
    update = trainer.optimizer.step

    def keep_gradients() -> None:
        if not gradients:
            gradients.update({f"gradient.{name}": p.grad.clone() for name, p in trainer.model.named_parameters() if p.grad is not None})
        update()

    trainer.optimizer.step = keep_gradients
    result = trainer.run()
    weights = {f"weight.{name}": tensor for name, tensor in result.state_dict().items()}
    return gradients | weights | {"losses": torch.tensor(losses)}


if __name__ == "__main__":
    torch.set_num_threads(1)
    for case in CASES:
        save_tensors(Path(sys.argv[1]) / f"{case}-{os.environ['RANK']}", one_run(case), {})
    torch.distributed.destroy_process_group()
