"""Exercises of notebook 02 on batches: the shapes of a padded batch, and attention that leaves the padding out."""

import math
import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lessons_lib.attention import padding_mask, scaled_dot_product_attention
from lessons_lib.exercises.framework import (
    Case,
    Exercise,
    Slip,
    Verdict,
    function_exercise,
    judge_parts,
    kind,
    register,
)
from lessons_lib.exercises.verdicts import as_wrong_answers

SHAPES = {"X": (5, 7, 16), "Q": (5, 7, 4), "scores": (5, 7, 7), "mask": (5, 1, 7), "output": (5, 7, 3)}
SHAPE_SLIPS: dict[str, tuple[tuple[tuple[int, ...], str], ...]] = {
    "X": (((5, 7), "that is the shape of the ids. Each id fetches a vector of 16 numbers."),),
    "Q": (
        ((5, 7, 16), "that is X. The product with W_q, (16, 4), leaves 4 numbers a word."),
        ((16, 4), "that is W_q. Q holds a query for each word of each sentence."),
    ),
    "scores": (
        ((5, 7, 16), "that is X. A row of scores has a number for each of the 7 words that are asked."),
        ((5, 7), "a score belongs to a pair of words: one that asks and one that is asked."),
        ((5, 7, 4), "that is Q. In Q Kᵀ the 4 numbers of a query meet those of a key, and are added up."),
        ((35, 35), "words of different sentences do not meet: each sentence has a table of its own."),
    ),
    "mask": (
        ((5, 7), "the last sides are lined up: its 5 sentences would lie along the 7 queries. Insert a side of 1."),
        ((5, 7, 1), "that hides rows, the PADs that ask. Columns have to go: the PADs that are asked."),
        ((5, 7, 7), "that works, with seven equal rows a sentence. One row that is stretched is enough: a side of 1."),
        ((1, 5, 7), "the side of 1 stretches over the sentences here. It belongs in the middle: all queries of one sentence."),
    ),
    "output": (
        ((5, 7, 4), "the output is a mixture of values, and a value has 3 numbers."),
        ((5, 7, 16), "that is X's width; a value has 3 numbers, and so has a mixture of values."),
        ((5, 7, 7), "those are the weights. Multiplied by V, (5, 7, 3), they leave 3 numbers a word."),
    ),
}


def judge_shapes(answer: Any) -> Verdict:
    """The shapes of a padded batch of 5 sentences of at most 7 words, by name."""
    give = f"a shape for each of {', '.join(SHAPES)}"
    why = "a table of scores for each sentence, a row a query, and one row of mask a sentence that all its queries share."
    return judge_parts(answer, SHAPES, _shape_fault, give, why)


def _shape_fault(name: str, part: Any) -> str:
    """What is wrong with one shape; an empty string if nothing is."""
    try:
        given = tuple(operator.index(side) for side in part)
    except TypeError:
        return f"give a shape, such as (2, 3); this is {kind(part)}."
    if given == SHAPES[name]:
        return ""
    for slip, words in SHAPE_SLIPS[name]:
        if given == slip:
            return words
    if len(given) != len(SHAPES[name]):
        return f"it has {len(SHAPES[name])} sides; you gave {len(given)}."
    off = [f"side {i} is {a}" for i, (a, b) in enumerate(zip(given, SHAPES[name], strict=True), 1) if a != b]
    return f"{given} is another shape: {' and '.join(off)}. What does {'that side' if len(off) == 1 else 'each of them'} count?"


register(
    Exercise(
        "masks.shapes_of_a_batch",
        judge_shapes,
        SHAPES,
        as_wrong_answers(
            (
                *((f"{name} {slip}", {**SHAPES, name: slip}, words) for name, slips in SHAPE_SLIPS.items() for slip, words in slips),
                ("one shape", (5, 7, 16), "Give a shape for each of"),
                ("one open", {**SHAPES, "mask": ...}, "Still open: mask"),
                ("a number", {**SHAPES, "Q": 4}, "give a shape"),
                ("another order", {**SHAPES, "X": (7, 5, 16)}, "side 1 is 7 and side 2 is 5"),
                ("numbers that are not whole", {**SHAPES, "Q": (5.9, 7, 4)}, "give a shape"),
            )
        ),
    )
)


def padded_attention(Q: Tensor, K: Tensor, V: Tensor, ids: Tensor) -> Tensor:
    """Output (B, T, d_v) when no query looks at the places where ids (B, S) is 0."""
    return scaled_dot_product_attention(Q, K, V, padding_mask(ids, 0)[:, 0])[0]


def _slip(
    mask: Callable[[Tensor], Tensor] = lambda ids: (ids != 0)[:, None, :],
    fill: float = -math.inf,
    divisor: Callable[[int], float] = math.sqrt,
    dim: int = -1,
) -> Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]:
    """Padded attention with one thing about it changed."""

    def attend(Q: Tensor, K: Tensor, V: Tensor, ids: Tensor) -> Tensor:
        scores = (Q @ K.transpose(-2, -1) / divisor(Q.shape[-1])).masked_fill(~mask(ids), fill)
        return scores.softmax(dim=dim) @ V

    return attend


def _zeroed_after(Q: Tensor, K: Tensor, V: Tensor, ids: Tensor) -> Tensor:
    weights = (Q @ K.transpose(-2, -1) / math.sqrt(Q.shape[-1])).softmax(dim=-1)
    return (weights * (ids != 0)[:, None, :]) @ V


def _pair(Q: Tensor, K: Tensor, V: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
    return scaled_dot_product_attention(Q, K, V, padding_mask(ids, 0)[:, 0])


def _silenced_rows(Q: Tensor, K: Tensor, V: Tensor, ids: Tensor) -> Tensor:
    return padded_attention(Q, K, V, ids) * (ids != 0)[:, :, None]


_WAVE = torch.arange(96.0)
_IDS = torch.tensor([[4, 7, 0], [5, 0, 0], [6, 8, 9]])
THREE_SENTENCES = (
    (_WAVE[:18] * 0.7).sin().reshape(3, 3, 2) * 2,
    (_WAVE[:18] * 1.3).cos().reshape(3, 3, 2) * 2,
    _WAVE[:36].sin().reshape(3, 3, 4),
    _IDS,
)
TWO_SENTENCES = (
    (_WAVE[:40] * 0.9).sin().reshape(2, 5, 4) * 2,
    (_WAVE[:40] * 1.7).cos().reshape(2, 5, 4) * 2,
    (_WAVE[:30] * 0.4).sin().reshape(2, 5, 3) * 3,
    torch.tensor([[3, 5, 0, 0, 0], [9, 4, 6, 2, 0]]),
)

function_exercise(
    "masks.padded_attention",
    cases=[
        Case(THREE_SENTENCES, says="three sentences of 2, 1 and 3 words, padded to 3,"),
        Case(TWO_SENTENCES, says="two sentences of 2 and 4 words, padded to 5,"),
        Case(
            (torch.full((3, 3, 2), 10.0), THREE_SENTENCES[1] - 12, *THREE_SENTENCES[2:]), says="the three sentences with scores below −120"
        ),
    ],
    reference=padded_attention,
    slips=[
        Slip(
            "nothing is masked",
            _slip(mask=lambda ids: torch.ones_like(ids, dtype=torch.bool)[:, None]),
            "Fill the scores where ids is 0; masked_fill gives back a copy: scores = …",
        ),
        Slip("masked scores are set to 0", _slip(fill=0.0), "e⁰ = 1, so PAD keeps its share. A score of −∞ gets weight 0."),
        Slip("masked scores are not low enough", _slip(fill=-30.0), "Scores of words can lie below them: take −∞."),
        Slip(
            "attend is told that PADs may be seen and words may not",
            lambda Q, K, V, ids: scaled_dot_product_attention(Q, K, V, (ids == 0)[:, None, :])[0],
            "True means allowed: ids != 0.",
        ),
        Slip(
            "PAD's weights are set to 0 after the softmax, or its values are",
            _zeroed_after,
            "The rows then sum to less than 1. Mask the scores, before it.",
        ),
        Slip(
            "the words are hidden and the PADs are left",
            _slip(mask=lambda ids: (ids == 0)[:, None, :]),
            "masked_fill, which writes where it finds True, wants the PADs, ids == 0; attend wants the words, ids != 0.",
        ),
        Slip(
            "rows are hidden instead of columns",
            _slip(mask=lambda ids: (ids != 0)[:, :, None]),
            "The PADs that are asked have to go, not those that ask: [:, None, :].",
        ),
        Slip(
            "rows and columns are both hidden",
            _slip(mask=lambda ids: (ids != 0)[:, :, None] & (ids != 0)[:, None, :]),
            "A PAD's row then has nothing left to look at, and nothing divided by nothing is nan. Hide columns only.",
        ),
        Slip(
            "the mask stays (B, S) without a side for the queries",
            _slip(mask=lambda ids: ids != 0),
            "Where B equals T, the mask of sentence t lands on query t of every sentence, without an error: [:, None, :].",
        ),
        Slip(
            "PAD's rows of the output are set to 0",
            _silenced_rows,
            "Right for the words. Leave PAD's rows as they come: nobody reads them.",
        ),
        Slip("the weights are returned as well", _pair, "attend returns output and weights: keep the first, output, _ = attend(…)."),
        Slip("the scores are not divided", _slip(divisor=lambda d: 1.0), "Divide by the square root of Q.shape[-1]."),
        Slip("the scores are divided by d_head", _slip(divisor=float), "Divide by its square root."),
        Slip("the softmax runs over the queries", _slip(dim=-2), "Share out each row, over the keys: dim=-1."),
    ],
    why="every query of a sentence shares its row of mask, PAD gets weight 0 and the words share the whole unit.",
)
