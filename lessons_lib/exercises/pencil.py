"""Pencil exercises: one number, or a few, worked by hand and typed in; a typical slip is answered by its name."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from torch import Tensor

from lessons_lib.exercises.comparing import as_tensor, describe, kind
from lessons_lib.exercises.verdicts import Exercise, Verdict, WrongAnswer, as_wrong_answers, register, right, wrong

_ROUNDING = 1e-9  # so that an answer rounded to the last digit asked for passes in binary arithmetic
_CLOSE = 5  # times the tolerance: a rounded step in between, more likely than a wrong idea
_COARSE = 0.03  # of the right number: an answer so near that is what rounding makes of it was rounded too much
_FRACTION = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*/\s*(\d+(?:\.\d+)?)")


def number_exercise(
    key: str,
    right_answer: float,
    tolerance: float,
    why: str,
    slips: Mapping[float, str],
    first_step: str,
    wrong_answers: Iterable[tuple[str, Any, str]] = (),
) -> Exercise:
    """Register a pencil exercise whose answer is one number.

    Args:
        key: "topic.name".
        right_answer: the number; answers no further than `tolerance` from it are right.
        why: follows "Right: ", a sentence that ends in a full stop.
        slips: the number that a typical slip leads to, and all that the learner then reads.
        first_step: follows "Not yet. First step: " where no slip is recognised.
        wrong_answers: more (name, answer, expected words) for the tests, which take each slip anyway.

    Raises:
        ValueError: if a slip's number cannot be told from the right one or from another slip's.
    """
    return _register(key, [right_answer], tolerance, why, {(value,): text for value, text in slips.items()}, first_step, wrong_answers, 0)


def numbers_exercise(
    key: str,
    right_answer: Sequence[float],
    tolerance: float,
    why: str,
    slips: Mapping[tuple[float, ...], str],
    first_step: str,
    wrong_answers: Iterable[tuple[str, Any, str]] = (),
) -> Exercise:
    """Register a pencil exercise whose answer is a row of numbers: list, tuple or tensor. Arguments as in `number_exercise`."""
    return _register(key, list(right_answer), tolerance, why, slips, first_step, wrong_answers, 1)


def _register(
    key: str,
    right_answer: list[float],
    tolerance: float,
    why: str,
    slips: Mapping[tuple[float, ...], str],
    first_step: str,
    wrong_answers: Iterable[tuple[str, Any, str]],
    dimensions: int,
) -> Exercise:
    _refuse_alike(key, [tuple(right_answer), *slips], tolerance)

    def judge(answer: Any) -> Verdict:
        if isinstance(answer, (list, tuple)) and (missing := [str(i) for i, part in enumerate(answer, 1) if part is ...]):
            return wrong(f"Not yet. Still open: number{'s' * (len(missing) > 1)} {', '.join(missing)}.")
        values = _read(answer)
        if isinstance(values, str):
            return wrong(values)
        if len(values) != len(right_answer):
            return wrong(_count_message(answer, len(right_answer), tolerance > 0))
        if not all(math.isfinite(value) for value in values):
            return wrong(f"Not yet. {describe(answer)} is no number that a calculation on paper ends in. First step: {first_step}")
        if _near(values, right_answer, tolerance):
            return right(why)
        for slip, text in slips.items():
            if _near(values, slip, tolerance / 100 if _is_share(slip, right_answer, tolerance) else tolerance):
                return wrong(text)
        return wrong(_other(values, right_answer, tolerance, first_step))

    solution = right_answer[0] if dimensions == 0 else list(right_answer)
    taken = [WrongAnswer(f"slip {slip}", slip[0] if dimensions == 0 else list(slip), text) for slip, text in slips.items()]
    return register(Exercise(key, judge, solution, (*taken, *as_wrong_answers(wrong_answers))))


def _near(values: Sequence[float], wanted: Sequence[float], tolerance: float) -> bool:
    return len(values) == len(wanted) and all(abs(a - b) <= tolerance + _ROUNDING for a, b in zip(values, wanted, strict=True))


def _is_share(slip: Sequence[float], right_answer: Sequence[float], tolerance: float) -> bool:
    """Whether the slip is the right answer, in per cent, given as a share: of so small numbers many lie within the tolerance."""
    return _near([100 * value for value in slip], right_answer, tolerance)


def _other(values: list[float], right_answer: list[float], tolerance: float, first_step: str) -> str:
    if tolerance and all(_is_rounded(*pair) for pair in zip(values, right_answer, strict=True)):
        return "Not yet, but only rounded too much: give more digits."
    if tolerance and _near(values, right_answer, _CLOSE * tolerance):
        return "Not yet, but close: carry one more digit through the steps in between, and round at the end."
    off = [str(i) for i, (a, b) in enumerate(zip(values, right_answer, strict=True), 1) if not _near([a], [b], tolerance)]
    if 0 < len(off) < len(values):
        which = f"Number {off[0]} is" if len(off) == 1 else f"Numbers {', '.join(off[:-1])} and {off[-1]} are"
        return f"Not yet. {which} off, the rest is right. First step: {first_step}"
    return f"Not yet. First step: {first_step}"


def _is_rounded(value: float, right_value: float) -> bool:
    """Whether `value` is the right one with fewer digits after the point."""
    digits = len(f"{value:.10g}".partition(".")[2])
    return value == round(right_value, digits) and abs(value - right_value) <= _COARSE * abs(right_value)


def _read(answer: Any) -> list[float] | str:
    """The numbers in an answer of any carrier, or the message that refuses it."""
    if isinstance(answer, str):
        value = _read_text(answer)
        return f"Not yet. Type numbers, without quotation marks; {describe(answer)} cannot be read as one." if value is None else [value]
    if isinstance(answer, (list, tuple)):
        parts = [_read(part) for part in answer]
        if any(isinstance(part, str) for part in parts):
            return next(part for part in parts if isinstance(part, str))
        return [value for part in parts for value in part]
    if isinstance(answer, bool) or isinstance(answer, complex) or (tensor := as_tensor(answer)) is None:
        return f"Not yet. The answer is a number; this is {kind(answer)}."
    return [float(value) for value in _flat(tensor)]


def _read_text(text: str) -> float | None:
    """A number typed as text: decimal comma, true minus and fraction are read too."""
    text = text.strip().replace("\u2212", "-")
    if text.count(",") == 1 and "." not in text:
        text = text.replace(",", ".")
    if match := _FRACTION.fullmatch(text):
        return float(match[1]) / float(match[2]) if float(match[2]) else None
    try:
        return float(text)
    except ValueError:
        return None


def _flat(tensor: Tensor) -> list[float]:
    return tensor.double().reshape(-1).tolist()


def _count_message(answer: Any, wanted: int, may_have_point: bool) -> str:
    numbers = "one number" if wanted == 1 else f"{wanted} numbers"
    told = f"Not yet. The answer is {numbers}; this is {kind(answer)}."
    pairs = may_have_point and isinstance(answer, (list, tuple)) and len(answer) == 2 * wanted
    if pairs and all(type(part) is int for part in answer) and answer[1] >= 0:
        return f"{told} If {answer[0]},{answer[1]} is one number, write the decimal point, {answer[0]}.{answer[1]}."
    return told


def _refuse_alike(key: str, answers: list[tuple[float, ...]], tolerance: float) -> None:
    for i, one in enumerate(answers):
        for other in answers[i + 1 :]:
            if len(one) != len(other) or _near(one, other, 2 * tolerance):
                raise ValueError(f"{key}: {one} and {other} cannot be told apart at tolerance {tolerance}, or differ in length.")
