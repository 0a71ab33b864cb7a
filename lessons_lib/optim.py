"""How the weights move: parameter groups, learning-rate schedules as pure functions, and the moving average of the weights."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn


def warmup(step: int, warmup_steps: int) -> float:
    """The factor that rises in a straight line to 1 during the first `warmup_steps` steps. Steps count from 1."""
    return 1.0 if warmup_steps == 0 else min(1.0, step / warmup_steps)


def decay(kind: str, progress: float, step: int = 1, warmup_steps: int = 1) -> float:
    """The factor by which the learning rate has shrunk.

    Args:
        kind: `constant`; `linear` or `cosine`, which reach 0 at progress 1; `inverse_sqrt`, √(warm-up / step) once the warm-up is over.
        progress: share of the run that is done, 0 to 1.
        step: steps so far, from 1; only `inverse_sqrt` asks.
        warmup_steps: length of the warm-up; only `inverse_sqrt` asks.

    Raises:
        ValueError: if the kind is unknown.
    """
    progress = min(max(progress, 0.0), 1.0)
    if kind == "constant":
        return 1.0
    if kind == "linear":
        return 1.0 - progress
    if kind == "cosine":
        return 0.5 * (1.0 + math.cos(math.pi * progress))
    if kind == "inverse_sqrt":
        return math.sqrt(max(warmup_steps, 1) / max(step, warmup_steps, 1))
    raise ValueError(f"there is no schedule {kind!r}: use constant, linear, cosine or inverse_sqrt")


def paper_learning_rate(step: int, d_model: int, warmup_steps: int) -> float:
    """The learning rate of Vaswani et al. 2017, equation 3: d_model^−½ · min(step^−½, step · warm-up^−1.5). Steps count from 1.

    Raises:
        ValueError: if step or warm-up is below 1, where the powers have no value.
    """
    if step < 1:
        raise ValueError(f"step is {step}: steps count from 1")
    if warmup_steps < 1:
        raise ValueError(f"warmup_steps is {warmup_steps}: this rate needs at least one")
    return d_model**-0.5 * min(step**-0.5, step * warmup_steps**-1.5)


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Matrices decay, biases and norms do not (as in GPT, Radford et al. 2018, and most since)."""
    matrices = [p for p in model.parameters() if p.requires_grad and p.ndim >= 2]
    others = [p for p in model.parameters() if p.requires_grad and p.ndim < 2]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]


@torch.no_grad()
def update_average(average: Iterable[Tensor], weights: Iterable[Tensor], ema_decay: float, step: int) -> None:
    """Move each averaged tensor towards its weight by 1 − decay; early on the decay is smaller, so that the start is forgotten.

    Args:
        average: tensors changed in place, of the shapes of `weights`.
        weights: the current weights.
        ema_decay: share of the old average kept once the run is long.
        step: steps so far, from 1.
    """
    kept = min(ema_decay, (1 + step) / (10 + step))
    torch._foreach_lerp_(list(average), list(weights), 1 - kept)
