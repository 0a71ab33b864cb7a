"""What the machine can do at best: the products of a training step, alone, at the shapes that the model has."""

import time
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lessons_lib.bench.contest import Turn
from lessons_lib.config import ModelConfig

PASSES = 3
"""Products a weight takes part in: forward, gradient of the input, gradient of the weight."""


@dataclass(frozen=True)
class Product:
    """(rows, inner) times (inner, outer), and how often a token of each side goes through one like it."""

    inner: int
    outer: int
    a_source_token: int
    a_target_token: int


def products(c: ModelConfig) -> list[Product]:
    """The products with weights of one pass forward; those of attention between tokens are not counted."""
    d, e, n = c.d_model, c.n_encoder_layers, c.n_decoder_layers
    return [
        Product(d, d, 4 * e + 2 * n, 6 * n),  # q, k, v and out; the decoder takes keys and values of the source
        Product(d, c.d_ff, e, n),
        Product(c.d_ff, d, e, n),
        Product(d, c.vocabulary_size, 0, 1),
    ]


def operations(c: ModelConfig) -> tuple[int, int]:
    """Multiplications and additions of a training step for one source token and for one target token."""
    sizes = [(2 * PASSES * p.inner * p.outer, p) for p in products(c)]
    return sum(n * p.a_source_token for n, p in sizes), sum(n * p.a_target_token for n, p in sizes)


class Ceiling:
    """Times the products, a turn at a time."""

    def __init__(self, config: ModelConfig, rows: int, precision: str) -> None:
        """Args:
        config: the model's shape.
        rows: tokens a product; those of a batch.
        precision: `bf16` times the products in it as well as in fp32.
        """
        self.config, self.rows = config, rows
        self.dtypes = {"fp32": torch.float32} | ({"bf16": torch.bfloat16} if precision == "bf16" else {})

    def facts(self) -> dict[str, Any]:
        """None."""
        return {}

    @torch.inference_mode()
    def turn(self, seconds: float) -> Turn:
        """`fp32` and, where it is asked for, `bf16`: GFLOP/s over all products, each weighted as a step has it."""
        shapes = products(self.config)
        share = seconds / (len(self.dtypes) * len(shapes) * PASSES)
        began, values = time.perf_counter(), {}
        for name, dtype in self.dtypes.items():
            work = taken = 0.0
            for p in shapes:
                times = p.a_source_token + p.a_target_token
                work += 2e-9 * PASSES * times * self.rows * p.inner * p.outer
                taken += times * sum(_median_seconds(*pair, share) for pair in _operands(p, self.rows, dtype))
            values[name] = work / taken
        return Turn(0, time.perf_counter() - began, values)


def _operands(p: Product, rows: int, dtype: torch.dtype) -> list[tuple[Tensor, Tensor]]:
    x, weight, gradient = (torch.randn(shape).to(dtype) for shape in ((rows, p.inner), (p.outer, p.inner), (rows, p.outer)))
    return [(x, weight.T), (gradient, weight), (gradient.T, x)]


def _median_seconds(a: Tensor, b: Tensor, seconds: float) -> float:
    a @ b  # the first product pays for setting up
    times, until = [], time.perf_counter() + seconds
    while not times or time.perf_counter() < until:
        began = time.perf_counter()
        a @ b
        times.append(time.perf_counter() - began)
    return sorted(times)[len(times) // 2]
