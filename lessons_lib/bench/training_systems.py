"""Who takes part when training is measured: ours piece by piece, and the peers."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch

from lessons_lib.bench.ceiling import Ceiling
from lessons_lib.bench.contest import Contestant, System
from lessons_lib.bench.joey import joeynmt
from lessons_lib.bench.marian import marian
from lessons_lib.bench.material import Material
from lessons_lib.bench.ours import OurTraining
from lessons_lib.bench.textbook import bucketed, textbook
from lessons_lib.config import SPEEDUPS
from lessons_lib.runtime import is_faster_in_bf16

CEILING = "ceiling"
"""The name of the contestant that times products alone."""


@dataclass(frozen=True)
class Peer:
    """Another system.

    Attributes:
        make: makes it from the material, in its process.
        needs: the module it is made of, as Python imports it; empty if torch is enough.
        install: the line that gets it.
        about: for the table.
    """

    make: Callable[[Material], System]
    needs: str
    install: str
    about: str


EXTRA = "python -m pip install -e '.[peers]'"
PEERS = {
    "textbook": Peer(textbook, "", "", "nn.Transformer, shuffled batches"),
    "bucketed": Peer(bucketed, "", "", "nn.Transformer, our batches"),
    "marian": Peer(marian, "transformers", EXTRA, "transformers, our batches"),
    "joeynmt": Peer(joeynmt, "joeynmt", EXTRA.replace("peers", "joeynmt"), "JoeyNMT 2, our batches"),
}


def precision() -> str:
    """What ours computes in: `bf16` where the processor is faster in it, else `fp32`."""
    return "bf16" if is_faster_in_bf16(torch.device("cpu")) else "fp32"


OURS = ("plain", "bf16", *SPEEDUPS, "together", "processes")
"""Ours: plain in fp32; in bf16; with each speed-up alone; with all; with all, in several processes."""


def process_count(micro_batches: int, threads: int) -> int:
    """How many processes share a step: as many as there are threads for, each with equally many of the step's batches."""
    return max(n for n in range(1, threads + 1) if micro_batches % n == 0)


def our_contestant(name: str, material: Material, threads: int) -> Contestant:
    """One of `OURS`."""
    if name == "plain":
        return Contestant(name, partial(OurTraining, material, "fp32", ()), threads)
    if name == "processes":
        processes = process_count(material.training.micro_batches, threads)
        return Contestant(name, partial(OurTraining, material, precision(), SPEEDUPS), threads // processes, processes)
    speedups = {"bf16": (), "together": SPEEDUPS}.get(name, (name,))
    return Contestant(name, partial(OurTraining, material, precision(), speedups), threads)


def describe(name: str, processes: int) -> str:
    """A contestant in a few words; `processes` are those of the one that has several."""
    if name in PEERS:
        return PEERS[name].about
    words = {"plain": "fp32, PyTorch's own pieces", "bf16": "bf16, else plain", "together": f"{precision()} and all speed-ups"}
    if name == "processes":
        return f"together, in {processes} processes"
    return words.get(name, f"{precision()} and this speed-up alone")


def contestants(material: Material, ours: list[str], peers: list[str], threads: int) -> list[Contestant]:
    """All who take part, the ceiling first."""
    ceiling = Contestant(CEILING, partial(Ceiling, material.model, material.training.batch_tokens, precision()), threads)
    return [ceiling, *those_who_train(material, ours, peers, threads)]


def those_who_train(material: Material, ours: list[str], peers: list[str], threads: int) -> list[Contestant]:
    """The peers, then ours."""
    others = [Contestant(name, partial(PEERS[name].make, material), threads) for name in peers]
    return [*others, *(our_contestant(name, material, threads) for name in ours)]
