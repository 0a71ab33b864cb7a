"""Exercises of 00_start_here: batches in a pass, centred rows, one step of gradient descent, a slope learned."""

from collections.abc import Callable

import torch
from torch import Tensor

from lessons_lib.exercises.framework import Slip, function_exercise, number_exercise

number_exercise(
    "start.batches",
    454,
    0,
    why="453 full batches hold 28,992 sentences, and the last 8 make one more: 454.",
    slips={
        453: "Not yet: 453 full batches hold 453 × 64 = 28,992 sentences. What becomes of the last 8?",
        453.125: "Not yet. You have divided, and that is the first step. But 0.125 of a batch is none: where do the last 8 sentences go?",
        1_856_000: "Not yet. You multiplied by 64. A batch takes 64 sentences at once, so there are far fewer batches than sentences.",
    },
    first_step="how many times does 64 fit into 29,000, and is anything left?",
    wrong_answers=[("a text", "many", "cannot be read as one")],
)

number_exercise(
    "start.one_step",
    1.4,
    0.0005,
    why="the gradient at 1 is 2 · (1 − 3) = −4, and 1 − 0.1 · (−4) = 1.4: closer to 3.",
    slips={
        0.6: "You walked uphill: 0.6 is further from 3 than 1 was. Subtract rate times gradient, and mind that the gradient is negative.",
        1.2: "You took w − 3 = −2 as the gradient. The derivative of (w − 3)² has a factor 2 in front: −4.",
        5.0: "You took the whole gradient as the step, without the rate: 1 − (−4) = 5, beyond the goal. Multiply it by 0.1 first.",
        0.4: "That is how far the step goes. The question is where it leads: add it to where you stand.",
        -0.4: "That is rate times gradient. Subtract it from 1, where you stand.",
        -4.0: "That is the gradient, and it is right. Now take the step: w minus rate times gradient.",
    },
    first_step="the gradient of (w − 3)² is 2 · (w − 3). How much is that at w = 1?",
)


def centre_rows(x: Tensor) -> Tensor:
    """`x` (rows, columns), each row without its own mean."""
    return x - x.mean(dim=1, keepdim=True)


function_exercise(
    "start.centre_rows",
    cases=[(torch.tensor([[1.0, 3.0], [10.0, 20.0]]),), (torch.tensor([[1.0, 2.0, 4.0], [4.0, 6.0, 8.0]]),)],
    reference=centre_rows,
    slips=[
        Slip(
            "the means come without `keepdim=True`: as a row of shape (2,) they are stretched down, and each column loses a mean",
            lambda x: x - x.mean(dim=1),
            "No error warns you here, since the table is square.",
        ),
        Slip("each column loses its mean instead of each row", lambda x: x - x.mean(dim=0, keepdim=True), "Which dim runs along a row?"),
        Slip("every number loses the mean of the whole table", lambda x: x - x.mean(), "Say along which dim to take the mean."),
        Slip("each row loses its sum", lambda x: x - x.sum(dim=1, keepdim=True), "The mean is the sum divided by how many there are."),
        Slip("you give back the means themselves", lambda x: x.mean(dim=1, keepdim=True), "Subtract them from x."),
    ],
    why="each row loses its own mean. As a column of shape (rows, 1) the means are stretched along the rows, in a square table too.",
)


def fit_slope(x: Tensor, y: Tensor, rate: float, steps: int) -> float:
    """The slope a of y ≈ a · x (both of shape (n,)) after `steps` steps of gradient descent from a = 0 on the mean squared error."""
    return _descend(x, y, rate, steps)


def _descend(
    x: Tensor,
    y: Tensor,
    rate: float,
    steps: int,
    *,
    start: float = 0.0,
    clear: bool = True,
    loss: Callable[[Tensor], Tensor] = lambda off: (off**2).mean(),
) -> float:
    a = torch.tensor(start, requires_grad=True)
    for _ in range(steps):
        loss(a * x - y).backward()
        with torch.no_grad():
            a -= rate * a.grad
        if clear:
            a.grad = None
    return a.item()


def _without_mean(x: Tensor, y: Tensor, rate: float, steps: int) -> float:
    return _descend(x, y, rate, steps, loss=lambda off: off**2)


def _without_no_grad(x: Tensor, y: Tensor, rate: float, steps: int) -> float:
    a = torch.tensor(0.0, requires_grad=True)
    ((a * x - y) ** 2).mean().backward()
    a -= rate * a.grad
    return a.item()


def _made_anew(x: Tensor, y: Tensor, rate: float, steps: int) -> float:
    a = torch.tensor(0.0, requires_grad=True)
    for _ in range(steps):
        ((a * x - y) ** 2).mean().backward()
        with torch.no_grad():
            a = a - rate * a.grad
    return a.item()


def _made_anew_outside(x: Tensor, y: Tensor, rate: float, steps: int) -> float:
    a = torch.tensor(0.0, requires_grad=True)
    for _ in range(steps):
        ((a * x - y) ** 2).mean().backward()
        a = a - rate * (a.grad if a.is_leaf else None)  # without a leaf .grad is None too, with a warning
    return a.item()


def _cleared_early(x: Tensor, y: Tensor, rate: float, steps: int) -> float:
    a = torch.tensor(0.0, requires_grad=True)
    for _ in range(steps):
        ((a * x - y) ** 2).mean().backward()
        a.grad = None
        with torch.no_grad():
            a -= rate * a.grad
    return a.item()


def _without_requires_grad(x: Tensor, y: Tensor, rate: float, steps: int) -> float:
    a = torch.tensor(0.0)
    for _ in range(steps):
        loss = ((a * x - y) ** 2).mean()
        loss.backward()
    return a.item()


def _one_loss(x: Tensor, y: Tensor, rate: float, steps: int) -> float:
    a = torch.tensor(0.0, requires_grad=True)
    loss = ((a * x - y) ** 2).mean()
    for _ in range(steps):
        loss.backward()
        with torch.no_grad():
            a -= rate * a.grad
        a.grad = None
    return a.item()


_X, _Y = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([2.0, 4.0, 6.0])

function_exercise(
    "start.fit_slope",
    cases=[(_X, _Y, 0.1, 2), (_X, _Y, 0.05, 3), (torch.tensor([1.0, 2.0, 3.0, 0.0]), torch.tensor([-1.0, -2.0, -3.0, 1.0]), 0.05, 5)],
    reference=fit_slope,
    slips=[
        Slip(
            "the gradient is not cleared between the steps",
            lambda x, y, rate, steps: _descend(x, y, rate, steps, clear=False),
            "`backward` adds to what is there: set it to None after each step.",
        ),
        Slip(
            "the step goes uphill",
            lambda x, y, rate, steps: _descend(x, y, -rate, steps),
            "Subtract rate times gradient.",
        ),
        Slip(
            "the squares are summed, not averaged",
            lambda x, y, rate, steps: _descend(x, y, rate, steps, loss=lambda off: (off**2).sum()),
            "A sum makes the step as many times as long as there are points.",
        ),
        Slip(
            "the loss takes the error without squaring it",
            lambda x, y, rate, steps: _descend(x, y, rate, steps, loss=lambda off: off.mean()),
            "Unsquared, an error below zero counts as a gain.",
        ),
        Slip(
            "one step too few is taken",
            lambda x, y, rate, steps: _descend(x, y, rate, steps - 1),
            "Count the passes of your loop.",
        ),
        Slip("one step too many is taken", lambda x, y, rate, steps: _descend(x, y, rate, steps + 1), "Count the passes of your loop."),
        Slip(
            "the function returns after its first step",
            lambda x, y, rate, steps: _descend(x, y, rate, 1),
            "Is the return inside the loop, or is a made anew at 0 in each pass?",
        ),
        Slip("the loop takes six steps, as step 10's does", lambda x, y, rate, steps: _descend(x, y, rate, 6), "Take `steps` of them."),
        Slip("the rate is always 0.1", lambda x, y, rate, steps: _descend(x, y, 0.1, steps), "Take the `rate` that is given."),
        Slip("the slope is rounded", lambda x, y, rate, steps: round(_descend(x, y, rate, steps), 3), "Return it as it is: a.item()."),
        Slip("the slope is rounded to two decimals", lambda *given: round(_descend(*given), 2), "Return it as it is: a.item()."),
        Slip("the walk starts from a = 1", lambda x, y, rate, steps: _descend(x, y, rate, steps, start=1.0), "Start from 0."),
        Slip(
            "the best slope is computed at once",
            lambda x, y, rate, steps: (x @ y / (x @ x)).item(),
            "Right where gradient descent ends, but the question is where it stands after these steps.",
        ),
    ],
    wrong_answers=[
        ("the loss is not averaged", _without_mean, "The loss has to be one number"),
        ("the step is taken outside no_grad", _without_no_grad, "with torch.no_grad()"),
        ("a is made anew at each step", _made_anew, "a = a - … makes a new tensor"),
        ("a is made anew at each step, outside no_grad", _made_anew_outside, "write a -= …, not a = a - …"),
        ("the gradient is cleared before the step", _cleared_early, "cleared too early"),
        ("a asks for no gradient", _without_requires_grad, "made with requires_grad=True"),
        ("the loss is computed once, before the loop", _one_loss, "inside the loop"),
    ],
    why="each step takes a down the slope of the mean squared error, and starts from a gradient of its own.",
)
