"""Our own training, as `lessons train` runs it, with the pieces that make it fast chosen one by one."""

import dataclasses
from functools import lru_cache, partial

import torch

from lessons_lib.bench.contest import Turn
from lessons_lib.bench.material import Material
from lessons_lib.config import Budget
from lessons_lib.models import EncoderDecoder
from lessons_lib.runtime import keep_freed_memory
from lessons_lib.speedups import loss_of, speed_up
from lessons_lib.training import Trainer


class OurTraining:
    """The course's `Trainer`, a turn at a time."""

    def __init__(self, material: Material, precision: str, speedups: tuple[str, ...]) -> None:
        """Args:
        material: data, model, steps.
        precision: `fp32` or `bf16`.
        speedups: of `config.SPEEDUPS`.
        """
        keep_freed_memory()
        config = dataclasses.replace(
            material.training, precision=precision, speedups=speedups, decay="constant", validate_every=0, checkpoint_every=10**9
        )
        self.batches = lru_cache(maxsize=1)(material.our_batches)  # each turn asks for its pass anew
        self.batches(0)
        self.material = material
        self.log: dict[str, float] = {}
        self.trainer = Trainer(
            material.first_model(),
            loss_of(config),
            self.batches,
            config,
            Budget(steps=1),
            on_log=lambda row: self.log.update(loss=row["loss"]),
            quicken=partial(speed_up, names=speedups, seed=config.seed) if speedups else None,
        )

    def facts(self) -> dict[str, float]:
        """`first loss`: on the first of our batches, without dropout."""
        batch = self.batches(0)[0]
        with torch.no_grad():
            return {"first loss": float(self.trainer.loss(self.trainer.worker.eval(), batch)) / batch.n_target}

    def learn(self, seconds: float) -> tuple[EncoderDecoder, Turn]:
        """Train for so many seconds as `lessons train` does, by the learning rates of the preset → the model it keeps."""
        self.trainer.config = dataclasses.replace(self.trainer.config, decay=self.material.training.decay)
        turn = self.turn(seconds)
        return self.trainer.result.eval(), turn

    def turn(self, seconds: float) -> Turn:
        """Train for so many seconds; the tokens are those of all processes, `loss` the mean over at most the last `log_every` steps."""
        tokens, began = self.trainer.at.tokens, self.trainer.at.seconds
        self.trainer.budget = Budget(seconds=began + seconds)
        self.trainer.run()
        return Turn(self.trainer.at.tokens - tokens, self.trainer.at.seconds - began, dict(self.log))
