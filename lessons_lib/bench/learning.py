"""What is learned in the same time: each contestant trains by its own loop, and its weights then translate in a model of ours."""

import dataclasses
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from lessons_lib.bench.contest import Contestant, Turn
from lessons_lib.bench.material import Material
from lessons_lib.bench.training_systems import those_who_train
from lessons_lib.checkpoints import TrainedModel
from lessons_lib.evaluation import score
from lessons_lib.models import EncoderDecoder
from lessons_lib.translation import Translator

METRIC = "bleu-lc-moses"
CANNOT = {"joeynmt": "cannot be judged after --minutes: its weights have no place in a model of ours"}
"""Peers that cannot take part, and why, in words that follow the name."""
WARMUP = 100
"""Steps over which the rate rises at most: in a few minutes a slow loop makes no more than a few hundred."""


class Learner(Protocol):
    """A training system that can go to the end of a schedule."""

    def learn(self, seconds: float) -> tuple[EncoderDecoder, Turn]:
        """Train for so many seconds, the learning rate ending with them → the weights in a model of ours, and what was done."""
        ...


class Learning:
    """A contestant that trains once, from the beginning to the end of a schedule."""

    def __init__(self, make: Callable[[], Learner], material: Material) -> None:
        self.learner, self.material = make(), material

    def facts(self) -> dict[str, Any]:
        """None."""
        return {}

    def turn(self, seconds: float) -> Turn:
        """Train for so many seconds, then translate the validation sentences, greedily: `bleu` joins the values, its time counts not."""
        began = time.process_time()
        model, turn = self.learner.learn(seconds)
        used = time.process_time() - began
        return Turn(turn.tokens, turn.seconds, turn.values | {"cpu_seconds": used, "bleu": bleu(model, self.material)})


def bleu(model: EncoderDecoder, material: Material) -> float:
    """Validation BLEU, lower-cased and Moses-tokenised, of greedy translations."""
    translator = Translator(TrainedModel(model, material.tokenizer, material.casing))
    hypotheses = translator.translate([pair.source for pair in material.validation], beam=1)
    return score(METRIC, hypotheses, [pair.target for pair in material.validation], n_bootstrap=0).value


def contestants(material: Material, ours: list[str], peers: list[str], threads: int) -> list[Contestant]:
    """All who take part, with the preset's training but for its warm-up, which is `WARMUP` steps at most."""
    training = dataclasses.replace(material.training, warmup_steps=min(WARMUP, material.training.warmup_steps))
    material = dataclasses.replace(material, training=training)
    trainers = those_who_train(material, ours, peers, threads)
    return [dataclasses.replace(one, make=partial(Learning, one.make, material)) for one in trainers]
