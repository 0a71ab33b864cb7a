"""Notebook 07's exercise on the bootstrap: draws of pairs, judged by their mean and spread."""

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lessons_lib.exercises.coding import call_and_watch, refuse_result, refuse_signature
from lessons_lib.exercises.comparing import as_tensor
from lessons_lib.exercises.framework import Case, Exercise, Verdict, kind, register, right, wrong
from lessons_lib.exercises.verdicts import as_wrong_answers
from lessons_lib.figures.palette import number

A, B = (60.0, 55.0, 70.0, 40.0, 50.0), (56.0, 53.0, 69.0, 40.0, 52.0)
EIGHT = (36.0, 20.0, 28.0, 41.0, 38.0, 30.0, 35.0, 23.0), (30.0, 22.0, 25.0, 40.0, 30.0, 30.0, 31.0, 27.0)
N_DRAWS = 4000
SEED = 2  # its first draw has another mean than 1, in random and in torch
SHAPES = (  # mean and spread of the draws, and what gives them
    (
        1.0,
        0.0,
        "every draw has the mean 1: each sentence was drawn once. Draw with replacement: some twice, some not at all.",
    ),
    (1.0, 6.11, "the draws spread by about 6: A's and B's sentences were drawn apart. Draw a sentence once, and take both its scores."),
    (1.0, 2.0, "the draws spread by 2, as single sentences do. A draw is the mean of as many differences as there are sentences."),
    (5.0, 4.47, "the draws have the mean 5: they are sums. Divide by the number of sentences."),
    (-1.0, 0.894, "the sign is turned round: it is first minus second."),
    (55.0, 4.47, "the draws are means of A alone. Subtract B's score of the same sentence."),
    (1.0, 0.632, "the draws spread too little: more than five sentences are drawn. Draw as many as there are, five."),
    (1.0, 1.0, "the draws spread too much: fewer than five sentences are drawn. Draw as many as there are, five."),
)


def bootstrap(first: Sequence[float], second: Sequence[float], n_draws: int) -> list[float]:
    """The mean of first minus second in each of `n_draws` draws of as many sentences as there are, with replacement."""
    differences = [a - b for a, b in zip(first, second, strict=True)]
    return [sum(random.choices(differences, k=len(differences))) / len(differences) for _ in range(n_draws)]


def judge_bootstrap(answer: Any) -> Verdict:
    """Draws are random, so their number, mean and spread are held against what they have to be; the seed is the check's own."""
    if refused := refuse_signature(answer, bootstrap, Case((list(A), list(B), N_DRAWS))):
        return refused
    means = _draws(answer, A, B)
    verdict = means if isinstance(means, Verdict) else _judge_means(means)
    if verdict.status != "right":
        return verdict
    means = _draws(answer, *EIGHT)
    if isinstance(means, Verdict):
        return means
    middle, spread = float(means.mean()), float(means.std())
    if _near(middle, spread, 2.0, 1.335):
        return verdict
    return wrong(
        f"Not yet. On these five sentences all is well. On eight others your draws have the mean {number(middle)} and the spread "
        f"{number(spread)}; it should be 2 and 1.33. Does your function use `first` and `second`, and as many draws as they have sentences?"
    )


def _draws(answer: Callable[..., Any], first: Sequence[float], second: Sequence[float]) -> Tensor | Verdict:
    """The means that the learner's function draws, float64 (N_DRAWS,), by the check's own seed; a verdict if it gives something else."""
    case = Case((list(first), list(second), N_DRAWS), says=f"two systems' scores of {len(first)} sentences")
    state, numpy_state = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        random.seed(SEED)
        np.random.seed(SEED)
        torch.manual_seed(SEED)
        result, changed = call_and_watch(answer, case)
    random.setstate(state)
    np.random.set_state(numpy_state)
    if refused := refuse_result(answer, result, changed, case, bootstrap):
        return refused
    means = as_tensor(list(result)) if isinstance(result, (list, tuple)) else as_tensor(result)
    if means is None or means.ndim != 1:
        first_one = result[0] if isinstance(result, (list, tuple)) and result else None
        each = f", each entry {kind(first_one)}: average it" if isinstance(first_one, (list, tuple, Tensor)) else ""
        return wrong(f"Not yet. Give a list with the mean of each draw; this is {kind(result)}{each}.")
    if len(means) != N_DRAWS:
        return wrong(f"Not yet. Asked for {N_DRAWS} draws, your function gives {len(means)}: one mean a draw.")
    return means.double()


def _judge_means(means: Tensor) -> Verdict:
    middle, spread = float(means.mean()), float(means.std())
    if spread < 1e-9 and abs(middle - 1) > 1e-6:
        return wrong("Not yet: all draws are the same one. Draw five sentences anew for each mean.")
    if _near(middle, spread, 1.0, 0.894):
        if bool(((5 * means) % 1 - 0.5).abs().min() < 0.499):
            return wrong(
                "Not yet: mean and spread are right, but these are no means of five of the differences. Draw from those themselves."
            )
        low, high = means.quantile(torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
        return right(f"95 % of your draws lie between {number(low, 1)} and {number(high, 1)}; all 3,125 give \u22120.8 and 2.8.")
    for mean, wide, says in SHAPES:
        if _near(middle, spread, mean, wide):
            return wrong(f"Not yet: {says}")
    return wrong(
        f"Not yet. Your draws have the mean {number(middle)} and the spread {number(spread)} (standard deviation); "
        "it should be 1 and 0.89. Draw five sentences with replacement, and average their differences."
    )


def _near(middle: float, spread: float, mean: float, wide: float) -> bool:
    return abs(middle - mean) < 0.1 + 0.06 * wide and abs(spread - wide) < 0.01 + 0.03 * wide


def _drawn(rows: Callable[[], list[float]]) -> Callable[[Sequence[float], Sequence[float], int], list[float]]:
    return lambda first, second, n_draws: [sum(drawn := rows()) / len(drawn) for _ in range(n_draws)]


DIFFERENCES = [a - b for a, b in zip(A, B, strict=True)]

register(
    Exercise(
        "bootstrap.draws",
        judge_bootstrap,
        bootstrap,
        as_wrong_answers(
            (
                ("without replacement", _drawn(lambda: random.sample(DIFFERENCES, 5)), "with replacement"),
                (
                    "drawn apart",
                    lambda first, second, n: [(sum(random.choices(first, k=5)) - sum(random.choices(second, k=5))) / 5 for _ in range(n)],
                    "drawn apart",
                ),
                ("one draw, repeated", lambda first, second, n: bootstrap(first, second, 1) * n, "the same one"),
                ("one sentence a draw", _drawn(lambda: random.choices(DIFFERENCES, k=1)), "as single sentences do"),
                ("sums", lambda first, second, n: [sum(random.choices(DIFFERENCES, k=5)) for _ in range(n)], "they are sums"),
                ("second minus first", lambda first, second, n: bootstrap(second, first, n), "sign is turned round"),
                ("A alone", _drawn(lambda: random.choices(A, k=5)), "means of A alone"),
                ("too many drawn", _drawn(lambda: random.choices(DIFFERENCES, k=10)), "more than five"),
                ("one too many drawn", _drawn(lambda: random.choices(DIFFERENCES, k=6)), "Not yet"),
                ("too few drawn", _drawn(lambda: random.choices(DIFFERENCES, k=4)), "fewer than five"),
                ("five, whatever is given", lambda first, second, n: bootstrap(A, B, n), "use `first` and `second`"),
                (
                    "no mean",
                    lambda first, second, n: [random.choices(DIFFERENCES, k=5) for _ in range(n)],
                    "each entry a list of 5: average it",
                ),
                ("an argument changed", lambda first, second, n: bootstrap(first, second, first.sort() or n), "changes what it was given"),
                ("no draws", lambda first, second, n: [1.0], "one mean a draw"),
                ("an error", lambda first, second, n: first - second, "stops with TypeError"),
                ("a number", 1.0, "Give the function itself"),
            )
        ),
    )
)
