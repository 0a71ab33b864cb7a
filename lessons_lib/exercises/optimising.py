"""Exercises of notebook 06 on the step: AdamW, the learning rate's schedule, clipping."""

import torch
from torch import Tensor

from lessons_lib.exercises.framework import Case, Slip, function_exercise
from lessons_lib.optim import paper_learning_rate

BETAS = (0.9, 0.999)


def adamw_step(w: float, g: float, m: float, v: float, t: int, rate: float, weight_decay: float) -> tuple[float, float, float]:
    """Weight, mean gradient and mean square after step t of AdamW with β = (0.9, 0.999), ε left out (Loshchilov, Hutter 2019)."""
    m, v = BETAS[0] * m + (1 - BETAS[0]) * g, BETAS[1] * v + (1 - BETAS[1]) * g * g
    m_hat, v_hat = m / (1 - BETAS[0] ** t), v / (1 - BETAS[1] ** t)
    return w - rate * m_hat / v_hat**0.5 - rate * weight_decay * w, m, v


def _decay_in_gradient(w: float, g: float, m: float, v: float, t: int, rate: float, weight_decay: float) -> tuple[float, float, float]:
    return adamw_step(w, g + weight_decay * w, m, v, t, rate, 0.0)


def _uncorrected(w: float, g: float, m: float, v: float, t: int, rate: float, weight_decay: float) -> tuple[float, float, float]:
    _, m, v = adamw_step(w, g, m, v, t, rate, weight_decay)
    return w - rate * m / v**0.5 - rate * weight_decay * w, m, v


def _decay_without_rate(w: float, g: float, m: float, v: float, t: int, rate: float, weight_decay: float) -> tuple[float, float, float]:
    moved, m, v = adamw_step(w, g, m, v, t, rate, 0.0)
    return moved - weight_decay * w, m, v


def _no_root(w: float, g: float, m: float, v: float, t: int, rate: float, weight_decay: float) -> tuple[float, float, float]:
    _, m, v = adamw_step(w, g, m, v, t, rate, weight_decay)
    return w - rate * (m / (1 - BETAS[0] ** t)) / (v / (1 - BETAS[1] ** t)) - rate * weight_decay * w, m, v


def _uphill(w: float, g: float, m: float, v: float, t: int, rate: float, weight_decay: float) -> tuple[float, float, float]:
    moved, m, v = adamw_step(w, g, m, v, t, rate, 0.0)
    return 2 * w - moved - rate * weight_decay * w, m, v


def _plain(w: float, g: float, m: float, v: float, t: int, rate: float, weight_decay: float) -> tuple[float, float, float]:
    _, m, v = adamw_step(w, g, m, v, t, rate, weight_decay)
    return w - rate * g, m, v


def _power_outside(w: float, g: float, m: float, v: float, t: int, rate: float, weight_decay: float) -> tuple[float, float, float]:
    _, m, v = adamw_step(w, g, m, v, t, rate, weight_decay)
    return w - rate * (m / (1 - BETAS[0]) ** t) / (v / (1 - BETAS[1]) ** t) ** 0.5 - rate * weight_decay * w, m, v


def _hats_kept(w: float, g: float, m: float, v: float, t: int, rate: float, weight_decay: float) -> tuple[float, float, float]:
    moved, m, v = adamw_step(w, g, m, v, t, rate, weight_decay)
    return moved, m / (1 - BETAS[0] ** t), v / (1 - BETAS[1] ** t)


def _no_decay(w: float, g: float, m: float, v: float, t: int, rate: float, weight_decay: float) -> tuple[float, float, float]:
    return adamw_step(w, g, m, v, t, rate, 0.0)


def _decay_of_the_new(w: float, g: float, m: float, v: float, t: int, rate: float, weight_decay: float) -> tuple[float, float, float]:
    moved, m, v = adamw_step(w, g, m, v, t, rate, 0.0)
    return moved - rate * weight_decay * moved, m, v


def _decay_without_weight(w: float, g: float, m: float, v: float, t: int, rate: float, weight_decay: float) -> tuple[float, float, float]:
    moved, m, v = adamw_step(w, g, m, v, t, rate, 0.0)
    return moved - rate * weight_decay, m, v


def _not_squared(w: float, g: float, m: float, v: float, t: int, rate: float, weight_decay: float) -> tuple[float, float, float]:
    _, m, _ = adamw_step(w, g, m, v, t, rate, weight_decay)
    v = BETAS[1] * v + (1 - BETAS[1]) * g
    m_hat, v_hat = m / (1 - BETAS[0] ** t), v / (1 - BETAS[1] ** t)
    return w - rate * m_hat / v_hat**0.5 - rate * weight_decay * w, m, v


def _first_correction(w: float, g: float, m: float, v: float, t: int, rate: float, weight_decay: float) -> tuple[float, float, float]:
    _, m, v = adamw_step(w, g, m, v, t, rate, weight_decay)
    return w - rate * (m / 0.1) / (v / 0.001) ** 0.5 - rate * weight_decay * w, m, v


function_exercise(
    "optimising.adamw_step",
    cases=[
        Case((1.0, 4.0, 0.0, 0.0, 1, 0.1, 0.1)),
        Case((0.89, -4.0, 0.4, 0.016, 2, 0.1, 0.1)),
        Case((1.0, 2.0, 0.1, 0.3, 2, 0.1, 0.1)),
        Case((2.0, -3.0, 0.5, 0.2, 3, 0.05, 0.3)),  # where rate, decay and 1 − 0.9 differ
    ],
    reference=adamw_step,
    slips=[
        Slip(
            "the weight decay is added to the gradient",
            _decay_in_gradient,
            "There it vanishes in the ratio. Take rate · weight_decay · w off beside the step.",
        ),
        Slip("the means are not corrected for their start at 0", _uncorrected, "Divide m by 1 − 0.9ᵗ and v by 1 − 0.999ᵗ for the step."),
        Slip("the weight decay is not multiplied by the rate", _decay_without_rate, "Take off rate · weight_decay · w."),
        Slip("the weight decay is not multiplied by w", _decay_without_weight, "Take off rate · weight_decay · w; in the table w is 1."),
        Slip("the root is forgotten", _no_root, "Divide by the square root of the corrected v."),
        Slip("the step goes uphill", _uphill, "The gradient points to where the loss grows: subtract."),
        Slip(
            "the gradient is taken as it is, as in plain gradient descent", _plain, "The step is m̂ / √v̂, and the weight decay comes on top."
        ),
        Slip(
            "the weight decay is left out",
            _no_decay,
            "The sixth line of the table is missing: rate · weight_decay · w.",
        ),
        Slip(
            "the weight decay is 0.1 whatever the argument says",
            lambda w, g, m, v, t, rate, weight_decay: adamw_step(w, g, m, v, t, rate, 0.1),
            "Use weight_decay: 0.1 is the table's.",
        ),
        Slip(
            "the rate is 0.1 whatever the argument says",
            lambda w, g, m, v, t, rate, weight_decay: adamw_step(w, g, m, v, t, 0.1, weight_decay),
            "Use rate: 0.1 is the table's.",
        ),
        Slip(
            "the weight decay is taken of the new w",
            _decay_of_the_new,
            "0.1 · 0.1 · 1, not · 0.9: both terms use the w that came in.",
        ),
        Slip(
            "the power is taken of the bracket, (1 − 0.9)ᵗ",
            _power_outside,
            "Only 0.9 has the exponent: 1 - 0.9**t. At t = 1 both are the same.",
        ),
        Slip("v takes in g where g² belongs", _not_squared, "The mean in v is that of g², here 16: `g**2`."),
        Slip(
            "the corrections of the first step, 0.1 and 0.001, are used at every step",
            _first_correction,
            "They change with t: 1 − 0.9ᵗ and 1 − 0.999ᵗ.",
        ),
        Slip(
            "the corrected means are handed on", _hats_kept, "Return m and v as they were before the correction; it is made anew each step."
        ),
    ],
    why="0.1 for the step, 0.01 for the weight decay: 0.89.",
    tolerance=1e-5,
    wrong_answers=[
        ("a product where a power belongs", lambda w, g, m, v, t, rate, weight_decay: ((-1) ** 0.5, m, v), "the root of a number below 0"),
    ],
)


def _scaled(step: int, d_model: int, warmup: int) -> float:
    return d_model**-0.5 * max(step**-0.5, step * warmup**-1.5)


function_exercise(
    "optimising.schedule",
    cases=[Case((1, 64, 4)), Case((4, 64, 4)), Case((16, 64, 4)), Case((3, 256, 100))],
    reference=lambda step, d_model, warmup: paper_learning_rate(step, d_model, warmup),
    slips=[
        Slip("the larger of the two is taken", _scaled, "While it warms up the straight line is the smaller one: min."),
        Slip(
            "the warm-up has the exponent −0.5",
            lambda step, d_model, warmup: d_model**-0.5 * min(step**-0.5, step * warmup**-0.5),
            "Then nothing warms up. With −1.5 the two meet at step = warmup.",
        ),
        Slip(
            "d_model is forgotten",
            lambda step, d_model, warmup: min(step**-0.5, step * warmup**-1.5),
            "Multiply by d_model**-0.5.",
        ),
        Slip(
            "steps are counted from 0",
            lambda step, d_model, warmup: d_model**-0.5 * min(max(step - 1, 1) ** -0.5, (step - 1) * warmup**-1.5),
            "The first step is number 1.",
        ),
        Slip(
            "there is no decay after the warm-up",
            lambda step, d_model, warmup: d_model**-0.5 * min(warmup**-0.5, step * warmup**-1.5),
            "After the warm-up it falls like step**-0.5.",
        ),
        Slip(
            "d_model**-1/2 stands for d_model**(-1/2)",
            lambda step, d_model, warmup: d_model**-1 / 2 * min(step**-0.5, step * warmup**-1.5),
            "`**` binds before `/`, so that is half of 1/d_model: write `d_model**-0.5`.",
        ),
        Slip(
            "the powers are written **-1/2 and **-3/2",
            lambda step, d_model, warmup: d_model**-1 / 2 * min(step**-1 / 2, step * warmup**-3 / 2),
            "`**` binds before `/`: write **-0.5 and **-1.5, or put the fractions in brackets.",
        ),
        Slip(
            "warmup**-3/2 stands for warmup**(-3/2)",
            lambda step, d_model, warmup: d_model**-0.5 * min(step**-0.5, step * warmup**-3 / 2),
            "`**` binds before `/`: write **-1.5.",
        ),
    ],
    why="1/64, 1/16, 1/32 at steps 1, 4, 16: up in a straight line, then down with the square root.",
    tolerance=1e-6,
)


def clip(gradients: list[Tensor], most: float) -> list[Tensor]:
    """The gradients, all scaled by one factor where their common length exceeds `most`."""
    length = _length(gradients)
    return [g * (most / length if length > most else 1.0) for g in gradients]


def _length(gradients: list[Tensor]) -> float:
    return float(sum((g**2).sum() for g in gradients) ** 0.5)


def _by(factor: float, gradients: list[Tensor]) -> list[Tensor]:
    return [g * min(1.0, factor) for g in gradients]


function_exercise(
    "optimising.clip",
    cases=[
        Case(([torch.tensor([3.0, 4.0]), torch.tensor([12.0])], 2.6)),
        Case(([torch.tensor([0.3, 0.4]), torch.tensor([1.2])], 2.6)),
        Case(
            ([torch.tensor([[1.0, -2.0], [2.0, 4.0]]), torch.tensor([12.0])], 1.0),
            says="a matrix, a bias and most = 1",
        ),
        Case(([torch.tensor([3.0, 4.0]), torch.tensor([12.0])], 12.5)),
        Case(([torch.tensor([3.0]), torch.tensor([4.0]), torch.tensor([12.0])], 6.5)),
        Case(([torch.zeros(2), torch.zeros(1)], 1.0), says="gradients of 0"),
    ],
    reference=clip,
    slips=[
        Slip(
            "only the first two tensors are taken",
            lambda gradients, most: clip(gradients, most)[:2] if len(gradients) < 3 else _by(most / _length(gradients[:2]), gradients[:2]),
            "A model has many: loop over gradients.",
        ),
        Slip(
            "each tensor is clipped for itself",
            lambda gradients, most: [_by(most / float(g.norm()), [g])[0] for g in gradients],
            "The proportions between tensors are lost. One length for all: √169 = 13.",
        ),
        Slip(
            "each tensor is asked for itself",
            lambda gradients, most: _by(most / _length(gradients), gradients) if any(g.norm() > most for g in gradients) else gradients,
            "With most = 12.5 no tensor is too long, 5 and 12, but together they are 13.",
        ),
        Slip(
            "each number is cut off",
            lambda gradients, most: [g.clamp(-most, most) for g in gradients],
            "That turns the direction. Scale all by one factor.",
        ),
        Slip(
            "the length is the sum of the absolute values",
            lambda gradients, most: _by(most / float(sum(g.abs().sum() for g in gradients)), gradients),
            "Square, add, take the root.",
        ),
        Slip(
            "the root is forgotten",
            lambda gradients, most: _by(most / _length(gradients) ** 2, gradients),
            "9 + 16 + 144 = 169 is the square of the length, 13.",
        ),
        Slip(
            "the lengths of the tensors are added",
            lambda gradients, most: _by(most / sum(float(g.norm()) for g in gradients), gradients),
            "13 is √(25 + 144), not 5 + 12: add the squares of all numbers, then take the root.",
        ),
        Slip(
            "short gradients are stretched too",
            lambda gradients, most: [g * most / _length(gradients) for g in gradients],
            "(0.3, 0.4) and (1.2) have length 1.3, below 2.6: leave them as they are.",
        ),
    ],
    why="one factor, 2.6 / 13 = 0.2, for all numbers: the direction stays.",
)
