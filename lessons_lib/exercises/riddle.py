"""The riddle that notebook 01 opens with: the article's worked example of attention (its section 4.3), in three readings."""

from collections.abc import Sequence
from typing import Any

import torch

from lessons_lib.exercises.comparing import as_tensor
from lessons_lib.exercises.framework import Exercise, Verdict, describe, judge_parts, kind, register
from lessons_lib.exercises.verdicts import as_wrong_answers

RIDDLE = {"a": [0.269, 0.731], "b": [1.0], "c": [0.5, 0.5]}
RIDDLE_SLIPS: dict[str, tuple[tuple[Sequence[float], str], ...]] = {
    "a": (
        ([0.5, 0.5], "those are the weights of the second word, which asks with 0. The first asks with 1, and the keys are 0 and 1."),
        ([0.731, 0.269], "right numbers, other order: the second key, 1, is the one that fits."),
        ([0.0, 1.0], "those are the scores. Softmax turns them into shares, and never gives 0."),
        ([0.33, 0.67], "you divided by √2, or doubled for a point, which is the same. Here each vector has one number: d_head is 1."),
    ),
    "b": (
        ([0.5, 0.5], "two weights for one key. A weight belongs to a word, not to a place in its vector; this is the article's slip."),
        ([0.0], "that is the score. The softmax of a single score z is e^z / e^z."),
    ),
    "c": (
        ([0.0, 0.0], "those are the scores. Softmax gives equal scores equal shares that sum to 1."),
        ([1.0, 1.0], "e⁰ is 1 for each, but the shares have to sum to 1."),
        ([0.269, 0.731], "those belong to reading a. Here both keys are (0, 1) and the query is (1, 0): both scores are 0."),
    ),
}


def judge_riddle(answer: Any) -> Verdict:
    """The first word's weights in each reading of the article's example, three decimals, half a hundredth of tolerance."""
    why = "three readings, three sets of weights; for the first word, only c gives the article's 0.5 and 0.5."
    return judge_parts(answer, RIDDLE, _riddle_fault, "a list of weights for each of 'a', 'b' and 'c'", why, label="Reading ")


def _riddle_fault(name: str, part: Any) -> str:
    """What is wrong with one reading's weights; an empty string if nothing is."""
    weights = as_tensor(part)
    if weights is None or weights.dtype == torch.bool:
        return f"give a list of numbers; this is {kind(part)}."
    given, wanted = weights.double().flatten().tolist(), RIDDLE[name]
    if _near(given, wanted):
        return ""
    for slip, words in RIDDLE_SLIPS[name]:
        if _near(given, slip):
            return words
    if len(given) != len(wanted):
        return f"as many weights as there are keys, {len(wanted)}; you gave {len(given)}."
    if abs(sum(given) - 1) > 0.01:
        return f"your weights sum to {describe(sum(given))}; shares sum to 1."
    return "first multiply the first word's query with each key; that gives the scores. Then the softmax."


def _near(given: Sequence[float], wanted: Sequence[float]) -> bool:
    return len(given) == len(wanted) and all(abs(a - b) <= 0.0055 for a, b in zip(given, wanted, strict=True))


register(
    Exercise(
        "riddle.three_readings",
        judge_riddle,
        RIDDLE,
        as_wrong_answers(
            (
                *((f"{name}: {slip}", {**RIDDLE, name: slip}, words) for name, slips in RIDDLE_SLIPS.items() for slip, words in slips),
                ("the article's weights everywhere", {name: [0.5, 0.5] for name in RIDDLE}, "the article's slip"),
                ("one list", [0.5, 0.5], "for each of"),
                ("one reading open", {**RIDDLE, "b": ...}, "Still open: b"),
                ("no shares", {**RIDDLE, "a": [1.0, 2.718]}, "shares sum to 1"),
            )
        ),
    )
)
