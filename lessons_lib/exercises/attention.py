"""Exercises of notebook 01: a query to find, a stable softmax, a werewolf by hand, a gradient, a causal mask."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lessons_lib.attention import causal_mask, scaled_dot_product_attention
from lessons_lib.exercises.comparing import as_tensor
from lessons_lib.exercises.framework import (
    Case,
    Exercise,
    Slip,
    Verdict,
    describe,
    function_exercise,
    kind,
    numbers_exercise,
    register,
    right,
    wave,
    wrong,
)
from lessons_lib.exercises.verdicts import as_wrong_answers

# "dog bites man" as the notebook has it: one row a word.
QUERIES = torch.tensor([[-1.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
KEYS = torch.tensor([[3.0, 2.0], [0.0, 1.0], [2.0, 0.0]])
VALUES = torch.tensor([[10.0, 0.0], [0.0, 0.0], [0.0, 10.0]])


def judge_query(answer: Any) -> Verdict:
    """Any query with which *man* gets more than half of the weight of *bites* is right."""
    query = as_tensor(answer)
    if query is not None and query.shape == (2,) and not query.isfinite().all():
        return wrong(f"Not yet. A query is a list of two numbers that a score can be worked out with; {describe(answer)} is none.")
    if query is None or query.shape != (2,):
        return wrong(f"Not yet. A query is a list of two numbers (no texts), like a key: [1.0, 0.0]. This is {kind(answer)}.")
    query, keys, values = query.double(), KEYS.double(), VALUES.double()  # so that equal scores come out equal
    if not query.any():
        return wrong("Not yet. The query (0, 0) asks nothing: all scores are 0 and each word gets a third.")
    scores, weights = keys @ query, scaled_dot_product_attention(query[None], keys, values)[1][0]
    (dog, bites, man), leader = scores.tolist(), int(weights.argmax())
    told = f"Scores: dog {describe(dog)}, bites {describe(bites)}, man {describe(man)}; man gets {weights[2]:.2f}."
    if weights[2] > 0.5:
        return right(f"with q = {describe(tuple(query.tolist()))} man gets {weights[2]:.2f} of the weight, dog {weights[0]:.2f}.")
    if query.tolist() == [1.0, 0.0]:
        return wrong("Not yet. This is the query that bites has already: dog gets 0.62, man 0.31. Turn the arrow.")
    if math.isclose(bites, man, abs_tol=1e-9) and bites > dog:
        return wrong(f"Not yet: bites and man are level. {told} Lower bites: make the second number smaller.")
    if math.isclose(dog, man, abs_tol=1e-9) and leader != 1:
        return wrong(f"Not yet: dog and man are level. {told} Push a little further in the same direction.")
    if leader == 2:
        return wrong(f"Not yet: man leads, but has no half. {told} Widen its lead: each point of score doubles the weight.")
    if leader == 1:
        return wrong(f"Not yet: now bites finds itself. {told} Man's key is (2, 0): its score is negative when your first number is.")
    return wrong(f"Not yet: dog still leads. {told} Dog's key has a second number, 2, and man's has none: make it count against dog.")


register(
    Exercise(
        "attention.bend_the_query",
        judge_query,
        [1.0, -1.0],
        as_wrong_answers(
            [
                ("the query it has", [1.0, 0.0], "has already"),
                ("the same, louder", [3.0, 0.0], "dog still leads"),
                ("the opposite", [-1.0, 0.0], "bites finds itself"),
                ("turned too little", [1.0, -0.6], "has no half"),
                ("level", [0.1, -0.05], "dog and man are level"),
                ("level with bites", [-1.0, -2.0], "bites and man are level"),
                ("no question", [0.0, 0.0], "asks nothing"),
                ("weights instead of a query", [0.1, 0.2, 0.7], "list of two numbers"),
                ("no number", [math.nan, 1.0], "[nan, 1] is none"),
            ]
        ),
    )
)


def stable_softmax(scores: Tensor) -> Tensor:
    """Shares of each row of scores (…, S), the largest score moved to 0 first."""
    return _shares(scores - scores.amax(dim=-1, keepdim=True))


def _shares(scores: Tensor) -> Tensor:
    return scores.exp() / scores.exp().sum(dim=-1, keepdim=True)


def _softmax_of_all(scores: Tensor) -> Tensor:
    powers = (scores - scores.amax(dim=-1, keepdim=True)).exp()
    return powers / powers.sum()


function_exercise(
    "attention.stable_softmax",
    cases=[
        Case((torch.tensor([2.0, 0.0, 1.0]),)),
        Case((torch.tensor([1000.0, 998.0]),)),
        Case((torch.tensor([-1000.0, -1001.0, -1003.0]),)),
        Case((torch.tensor([1000.0, 0.0]),)),
        Case((torch.tensor([120.0, 0.0, 0.0]),)),
        Case((torch.tensor([[1000.0, 999.0, 997.0], [0.0, 1.0, 3.0]]),), says="two rows, [1000, 999, 997] and [0, 1, 3],"),
        Case((wave(2, 2, 3, pace=0.9),), says="two sentences of two rows each, (2, 2, 3),"),
    ],
    reference=stable_softmax,
    slips=[
        Slip("e is raised to the scores as they come", _shares, "Take the same amount off every score first."),
        Slip(
            "e is raised to the scores as they come, and all rows share one sum",
            lambda scores: scores.exp() / scores.exp().sum(),
            "Take the same amount off every score first; then sum each row for itself, dim=-1, keepdim=True.",
        ),
        Slip(
            "always 1000 is taken off", lambda scores: _shares(scores - 1000), "e⁻¹⁰⁰⁰ is 0, and 0 / 0 is nan: take what fits the scores."
        ),
        Slip(
            "the largest absolute value is taken off",
            lambda scores: _shares(scores - scores.abs().amax(dim=-1, keepdim=True)),
            "Negative scores then sink to twice their depth. Take off the largest score, with its sign.",
        ),
        Slip("the smallest is taken off", lambda scores: _shares(scores - scores.amin(dim=-1, keepdim=True)), "The largest overflows."),
        Slip("the mean is taken off", lambda s: _shares(s - s.mean(dim=-1, keepdim=True)), "What is left can still be large."),
        Slip("the scores are divided by the largest", lambda s: _shares(s / s.amax(dim=-1, keepdim=True)), "Subtract: differences stay."),
        Slip("large scores are cut off", lambda scores: _shares(scores.clamp(-80, 80)), "Cutting makes different scores equal."),
        Slip("one maximum serves all rows", lambda s: _shares(s - s.max()), "A row of small scores is then 0 / 0: take its own."),
        Slip(
            "one maximum and one sum serve all rows",
            lambda s: (s - s.max()).exp() / (s - s.max()).exp().sum(),
            "Each row for itself: dim=-1, keepdim=True, for both.",
        ),
        Slip("the shares of all rows together sum to 1", _softmax_of_all, "Sum with dim=-1, keepdim=True."),
        Slip(
            "the softmax runs down the columns",
            lambda scores: stable_softmax(scores.transpose(0, -1)).transpose(0, -1),
            "The scores of one row stand along the last axis: dim=-1.",
        ),
    ],
    why="the largest score becomes 0, so no power exceeds 1, and the shares are those of the plain formula.",
)


numbers_exercise(
    "attention.werewolf",
    [8.7, 9.7],
    tolerance=0.105,
    why="scores 5, 0, 2, weights 0.87, 0.03, 0.10, output (8.7, 9.7): a biter that is animal and human.",
    slips={
        (9.5, 9.9): "That is without the square root: e⁵ : e⁰ : e². Divide the scores by √2 first.",
        (7.7, 9.4): "You divided by d_head = 2. Divide by its square root, 1.41.",
        (7.1, 10.0): "That is the plain share 5 : 0 : 2. Raise e to the divided scores first.",
        (8.8, 16.5): "That is a softmax over the wrong axis: over the three queries for one key. "
        "Share out the three scores of bites, 5, 0 and 2; the weights of one row sum to 1.",
        (8.9, 10.0): "You gave score 0 no weight. But e⁰ is 1.",
        (8.7, 8.7): "The werewolf's part is right. But man hands over something, too: (0, 10).",
        (8.7, 1.0): "The weights are right. But the werewolf hands over its human half too: its value is (10, 10).",
        (6.2, 9.3): "The value is right, but you kept dog's key, (3, 2). The werewolf's is the sum of two rows of W_k.",
        (6.2, 3.1): "That is the answer for dog. Both the key and the value of the werewolf are sums of two rows.",
        (5.8, 8.6): "You let the key of bites ask and the queries answer. Bites asks with its query, (1, 0), and the keys answer.",
        (9.7, 8.7): "Right numbers, other order: animal first, then human.",
        (0.87, 0.97): "The weights are right. The values hold tens: multiply by (10, 10) and (0, 10), not by ones.",
        (5.0, 0.0): "Those are two of the scores. Divide, take the softmax, then mix the values.",
    },
    first_step="multiply the query (1, 0) with the three keys (5, 2), (0, 1), (2, 0). Which three scores do you get?",
)


def softmax_gradient(weights: Tensor) -> Tensor:
    """How weight i answers to score j: (S, S), w_i (1 − w_i) on the diagonal, −w_i w_j beside it."""
    return torch.diag(weights) - torch.outer(weights, weights)


function_exercise(
    "attention.softmax_gradient",
    cases=[
        Case((torch.tensor([0.5, 0.25, 0.25]),)),
        Case((torch.tensor([0.62, 0.07, 0.31]),)),
        Case((torch.tensor([0.7, 0.3]),)),
        Case((torch.tensor([1.0, 0.0, 0.0]),)),
    ],
    reference=softmax_gradient,
    slips=[
        Slip("only the diagonal is filled", lambda w: torch.diag(w * (1 - w)), "The other weights move too: they lose what it gains."),
        Slip("the diagonal is returned as a vector", lambda weights: weights * (1 - weights), "Return a table (S, S)."),
        Slip(
            "the sign is turned round",
            lambda weights: torch.outer(weights, weights) - torch.diag(weights),
            "A larger score gets more weight.",
        ),
        Slip(
            "w_i w_i is subtracted twice on the diagonal",
            lambda weights: torch.diag(weights * (1 - weights)) - torch.outer(weights, weights),
            "w_i (1 − w_i) has subtracted it already: put w_i alone there, torch.diag(weights), before the outer product goes off.",
        ),
        Slip("−w_i w_j fills the diagonal too", lambda weights: -torch.outer(weights, weights), "On the diagonal w_i comes on top."),
        Slip("w_i (1 − w_j) stands everywhere", lambda w: torch.outer(w, 1 - w), "Beside the diagonal it is −w_i w_j."),
        Slip("the diagonal starts from 1, not w_i", lambda w: torch.eye(len(w)) - torch.outer(w, w), "w_i (1 − w_i) is w_i − w_i²."),
    ],
    why="for (1, 0, 0) the whole table is 0. A saturated softmax passes no gradient on, whatever the loss says.",
)


def causal_attention(Q: Tensor, K: Tensor, V: Tensor) -> Tensor:
    """Output (T, d_v) when each word sees itself and the words before it."""
    return scaled_dot_product_attention(Q, K, V, causal_mask(len(Q)))[0]


def _slip(
    fill: float = -math.inf,
    mask: Callable[[int], Tensor] = causal_mask,
    divisor: Callable[[Tensor, Tensor], float] = lambda Q, V: math.sqrt(Q.shape[-1]),
    dim: int = -1,
) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """Causal attention with one thing about it changed."""

    def attend(Q: Tensor, K: Tensor, V: Tensor) -> Tensor:
        scores = (Q @ K.T / divisor(Q, V)).masked_fill(~mask(len(Q)), fill)
        return scores.softmax(dim=dim) @ V

    return attend


def _zeroed_after(Q: Tensor, K: Tensor, V: Tensor) -> Tensor:
    weights = scaled_dot_product_attention(Q, K, V)[1]
    return (weights * causal_mask(len(Q))) @ V


def _multiplied_by_infinity(Q: Tensor, K: Tensor, V: Tensor) -> Tensor:
    scores = Q @ K.T / math.sqrt(Q.shape[-1]) + (~causal_mask(len(Q))) * -math.inf
    return scores.softmax(dim=-1) @ V


def _up_to_but_not_itself(Q: Tensor, K: Tensor, V: Tensor) -> Tensor:
    scores = Q @ K.T / math.sqrt(Q.shape[-1])
    return torch.stack([scores[i, :i].softmax(dim=-1) @ V[:i] for i in range(len(Q))])


STEPS = torch.arange(20.0).reshape(5, 4)
FIVE_WORDS = ((STEPS * 0.7).sin() * 2, (STEPS * 1.3).cos() * 2, torch.arange(15.0).reshape(5, 3).sin() * 3)

function_exercise(
    "attention.causal_attention",
    cases=[
        Case((QUERIES, KEYS, VALUES), says="dog bites man"),
        Case(FIVE_WORDS, says="five words with d_head = 4 and d_v = 3"),
        Case((torch.full((3, 2), 10.0), KEYS - 12, VALUES), says="dog bites man with scores of −134 and below"),
    ],
    reference=causal_attention,
    slips=[
        Slip(
            "nothing is masked",
            _slip(mask=lambda n: torch.ones(n, n, dtype=torch.bool)),
            "Fill the scores before the softmax; masked_fill gives a copy.",
        ),
        Slip("masked scores are set to 0", _slip(fill=0.0), "e⁰ = 1, so the words to come still speak. A score of −∞ gets weight 0."),
        Slip("masked scores are not low enough", _slip(fill=-30.0), "Scores of words that may be seen can lie below them: take −∞."),
        Slip("the weights are set to 0 after the softmax", _zeroed_after, "The rows then sum to less than 1. Mask before it."),
        Slip(
            "the mask is the wrong way round",
            _slip(mask=lambda n: causal_mask(n).T),
            "Each word sees itself and the words to come. torch.tril keeps the lower half; fill where it is not True.",
        ),
        Slip(
            "the allowed scores are filled and the words to come are left",
            _slip(mask=lambda n: ~causal_mask(n)),
            "masked_fill writes where it finds True: that has to be the words to come.",
        ),
        Slip("a mask is multiplied by infinity", _multiplied_by_infinity, "0 · ∞ is nan. Write −∞ with masked_fill instead."),
        Slip("no word sees itself", _up_to_but_not_itself, "[:i] ends before word i: [:i + 1]. A mask: tril, not tril(-1)."),
        Slip(
            "the weights are returned",
            lambda Q, K, V: scaled_dot_product_attention(Q, K, V, causal_mask(len(Q)))[1],
            "Multiply them by V: the output is asked for.",
        ),
        Slip(
            "the diagonal is masked too",
            _slip(mask=lambda n: torch.ones(n, n, dtype=torch.bool).tril(-1)),
            "A word may see itself. The first word sees nothing here, and nothing divided by nothing is nan.",
        ),
        Slip("the scores are not divided", _slip(divisor=lambda Q, V: 1.0), "Divide by the square root of Q.shape[-1]."),
        Slip("the scores are divided by d_head", _slip(divisor=lambda Q, V: Q.shape[-1]), "Divide by its square root."),
        Slip("the divisor is the root of d_v", _slip(divisor=lambda Q, V: math.sqrt(V.shape[-1])), "Take the root of a query's width."),
        Slip("the divisor is the root of the number of words", _slip(divisor=lambda Q, V: len(Q) ** 0.5), "Take Q.shape[-1]**0.5."),
        Slip(
            "~ turns the library's mask round",
            lambda *QKV: scaled_dot_product_attention(*QKV, ~causal_mask(len(QKV[0])))[0],
            "Leave it out.",
        ),
        Slip("the divisor stays √2", _slip(divisor=lambda Q, V: math.sqrt(2)), "d_head is 4 here: take Q.shape[-1]**0.5."),
        Slip("the softmax runs down the columns", _slip(dim=0), "Share out each row: dim=-1."),
    ],
    why="each row is shared out among the word itself and those before it, and nothing of the words to come gets through.",
    wrong_answers=[
        ("output and weights", lambda Q, K, V: scaled_dot_product_attention(Q, K, V, causal_mask(len(Q))), "a tuple of 2"),
    ],
)
