"""Layer norm in the exercises of notebook 04: by hand, and as a function."""

import torch
from torch import Tensor

from lessons_lib.exercises.framework import Case, Slip, function_exercise, numbers_exercise

EPS = 1e-5
_KEEPDIM = "keepdim=True keeps the side that was averaged away, (2, 1) instead of (2,), so that each row meets its own number."

numbers_exercise(
    "norms.by_hand",
    [0.33, 0.33, -1.67, 1.0],
    tolerance=0.006,
    why="mean 5, squared distances 1, 1, 25, 9 of mean 9, so the standard deviation is 3: (1, 1, −5, 3) / 3.",
    slips={
        (0.29, 0.29, -1.44, 0.87): "You divided the sum of squares, 36, by n − 1 = 3. Layer norm divides by n = 4: variance 9, root 3.",
        (0.3, 0.3, -1.7, 1.0): "Right, but rounded to one decimal: two, please.",
        (0.11, 0.11, -0.56, 0.33): "You divided by the variance, 9. Divide by its root, 3.",
        (1.03, 1.03, 0.0, 1.37): "That is RMSNorm: the mean was not taken off. Subtract 5 first.",
        (1.0, 1.0, -5.0, 3.0): "The mean is off, which is half of it. Now divide by the standard deviation.",
        (2.0, 2.0, 0.0, 2.67): "The standard deviation is right, but the mean, 5, has to come off first.",
        (0.4, 0.4, -2.0, 1.2): "You divided by the mean distance, 2.5. Square the distances, average, take the root.",
        (0.17, 0.17, -0.83, 0.5): "You divided by 6, the root of the sum 36. Average the squares first: 36 / 4.",
        (-0.33, -0.33, 1.67, -1.0): "Right sizes, wrong signs: number minus mean, not mean minus number.",
        (0.75, 0.75, 0.0, 1.0): "You divided by the largest. Subtract the mean, 5, then divide by the standard deviation.",
        (0.3, 0.3, 0.0, 0.4): "Those are shares of the sum. Subtract the mean, 5, then divide by the standard deviation.",
    },
    first_step="the mean of 6, 6, 0 and 8. How far is each number from it?",
)


def layer_norm(x: Tensor) -> Tensor:
    """Each row of x (…, d) with mean 0 and standard deviation 1 (Ba et al. 2016, equation 3, without gain and bias)."""
    return _scaled(_centred(x), x.var(dim=-1, keepdim=True, correction=0))


def _centred(x: Tensor) -> Tensor:
    return x - x.mean(dim=-1, keepdim=True)


def _off_mean(x: Tensor) -> Tensor:
    return x - x.mean(dim=-1)


def _scaled(x: Tensor, variance: Tensor) -> Tensor:
    return x / (variance + EPS).sqrt()


def _down_the_column(x: Tensor) -> Tensor:
    return _scaled(x - x.mean(dim=0, keepdim=True), x.var(dim=0, keepdim=True, correction=0))


function_exercise(
    "norms.layer_norm",
    cases=[
        # As many rows as columns: without keepdim it runs, and its numbers tell that slip.
        Case((torch.tensor([[0.0, 4.0], [0.0, 40.0]]),), says="the rows (0, 4) and (0, 40)"),
        Case((torch.tensor([[0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 40.0, 40.0]]),), says="the rows (0, 0, 4, 4) and (0, 0, 40, 40)"),
        Case((torch.tensor([[6.0, 6.0, 0.0, 8.0], [3.0, 3.0, 3.0, 3.0]]),), says="the rows (6, 6, 0, 8) and (3, 3, 3, 3)"),
        Case((torch.tensor([[0.001, -0.001, 0.001, -0.001]]),), says="the row (0.001, −0.001, 0.001, −0.001)"),
        Case((torch.arange(30.0).reshape(2, 3, 5).sin() * 3 + 1,), says="two sentences of three words, (2, 3, 5),"),
    ],
    reference=layer_norm,
    slips=[
        Slip(
            "the variance is divided by n − 1",
            lambda x: _scaled(_centred(x), x.var(dim=-1, keepdim=True)),
            "PyTorch's var and std do that unless told correction=0 (older: unbiased=False).",
        ),
        Slip(
            "the squares are added, not averaged",
            lambda x: _scaled(_centred(x), _centred(x).square().sum(dim=-1, keepdim=True)),
            "Variance is their mean: divide by n.",
        ),
        Slip(
            "std divides by n − 1",
            lambda x: _centred(x) / (x.std(dim=-1, keepdim=True) + EPS),
            "Unless told correction=0; and the small number belongs under the root.",
        ),
        Slip(
            "it is divided by the variance",
            lambda x: _centred(x) / (x.var(dim=-1, keepdim=True, correction=0) + EPS),
            "Divide by its root.",
        ),
        Slip(
            "no small number stands under the root",
            lambda x: _centred(x) / x.var(dim=-1, keepdim=True, correction=0).sqrt(),
            "The row (3, 3, 3, 3) becomes 0 / 0: add 1e-5 to the variance.",
        ),
        Slip(
            "the small number is added outside the root",
            lambda x: _centred(x) / (x.std(dim=-1, keepdim=True, correction=0) + EPS),
            "Add 1e-5 to the variance, then take the root.",
        ),
        Slip(
            "the mean is kept (RMSNorm)",
            lambda x: _scaled(x, x.square().mean(dim=-1, keepdim=True)),
            "Subtract the row's mean first.",
        ),
        Slip(
            "the mean stays and only the variance is divided out",
            lambda x: _scaled(x, x.var(dim=-1, keepdim=True, correction=0)),
            "Subtract the row's mean first.",
        ),
        Slip(
            "std divides by n − 1, and no small number is added",
            lambda x: _centred(x) / x.std(dim=-1, keepdim=True),
            "Take var with correction=0, add 1e-5, then the root: the row (3, 3, 3, 3) would be 0 / 0.",
        ),
        Slip(
            "it is divided by the variance, and no small number is added",
            lambda x: _centred(x) / x.var(dim=-1, keepdim=True, correction=0),
            "Divide by its root, with 1e-5 under it.",
        ),
        Slip(
            "the small number is smaller than 1e-5",
            lambda x: _centred(x) / (x.var(dim=-1, keepdim=True, correction=0) + 1e-6).sqrt(),
            "Here it is 1e-5; the row (0.001, …) tells.",
        ),
        Slip("only the mean is taken off", _centred, "Then divide by the standard deviation."),
        Slip("mean and variance are taken without keepdim=True", lambda x: _scaled(_off_mean(x), x.var(dim=-1, correction=0)), _KEEPDIM),
        Slip("the mean is taken without keepdim=True", lambda x: _scaled(_off_mean(x), x.var(-1, correction=0, keepdim=True)), _KEEPDIM),
        Slip("the variance is taken without keepdim=True", lambda x: _scaled(_centred(x), x.var(dim=-1, correction=0)), _KEEPDIM),
        Slip(
            "dim=1 is taken, the words of a batch (B, S, d_model)",
            lambda x: _scaled(x - x.mean(dim=1, keepdim=True), x.var(dim=1, keepdim=True, correction=0)),
            "The last axis is dim=-1, with a batch axis and without.",
        ),
        Slip("it is worked out down the column", _down_the_column, "Each word is normed for itself: dim=-1."),
        Slip(
            "all rows share one mean and one variance",
            lambda x: _scaled(x - x.mean(), x.var(correction=0)),
            "Each word is normed for itself: dim=-1, keepdim=True.",
        ),
    ],
    why="each row for itself, loud or quiet, comes out with mean 0 and standard deviation 1, and a row without differences becomes 0.",
)
