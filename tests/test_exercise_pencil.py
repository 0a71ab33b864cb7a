"""Pencil exercises: numbers in any carrier, slips by their name, and whatever else a learner types."""

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
import torch

from lessons_lib.exercises.framework import Exercise, number_exercise, numbers_exercise

FIRST_STEP = "divide both logits by 2."
pytestmark = pytest.mark.usefixtures("own_registry")


@pytest.mark.parametrize(
    "answer",
    [
        Fraction(731, 1000),
        Decimal("0.731"),
        0.731,
        "0.731",
        "0,731",
        " .731 ",
        (0.731,),
        [0.731],
        torch.tensor(0.73106),
        torch.tensor([0.731]).numpy()[0],
    ],
)
def test_a_right_number_passes_in_any_carrier(pencil: Exercise, answer: Any) -> None:
    assert pencil.verdict(answer).status == "right"
    assert pencil.verdict(answer).text == "Right: 2.718 / 3.718 = 0.731."


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (0.881, "That is temperature 1."),
        ("0.982", "You multiplied."),
        (0.5, f"Not yet. First step: {FIRST_STEP}"),
        (0.733, "Not yet, but close"),
        (-0.731, f"Not yet. First step: {FIRST_STEP}"),
        ((0, 731), "write the decimal point, 0.731"),
        (math.nan, "nan is no number"),
        (math.inf, "inf is no number"),
        ("about a half", "cannot be read"),
        ("1/0", "cannot be read"),
        (True, "a truth value"),
        (3 + 4j, "a number; this is a complex number"),
        ([0.7, 0.3], "The answer is one number; this is a list of 2"),
        ([0.7, "x"], "cannot be read"),
        (torch.zeros(0), "one number; this is a tensor of shape (0,)"),
        (math.sqrt, "this is a function"),
        ({}, "this is a dict of 0"),
    ],
)
def test_a_wrong_number_is_told_why(pencil: Exercise, answer: Any, words: str) -> None:
    verdict = pencil.verdict(answer)
    assert verdict.status == "wrong"
    assert words in verdict.text


@pytest.mark.parametrize("answer", [None, ..., [...], (None, None)])
def test_a_stub_is_not_attempted(pencil: Exercise, answer: Any) -> None:
    assert pencil.verdict(answer).status == "not attempted"
    assert pencil.verdict(answer).text == "Not attempted yet."


def test_the_tolerance_is_closed_and_no_wider(pencil: Exercise) -> None:
    assert pencil.verdict(0.7316).status == "right"
    assert pencil.verdict(0.7304).status == "right"
    assert pencil.verdict(0.7317).status == "wrong"


def test_a_fraction_typed_as_text_is_read() -> None:
    assert number_exercise("demo.third", 1 / 3, 1e-3, "a third.", {}, "divide.").verdict("1/3").status == "right"


def test_slips_that_look_like_the_answer_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match="cannot be told apart"):
        number_exercise("demo.close", 0.5, 0.01, "why.", {0.505: "slip"}, "step.")
    with pytest.raises(ValueError, match="cannot be told apart"):
        number_exercise("demo.close", 0.5, 0.01, "why.", {0.6: "one", 0.61: "other"}, "step.")


def test_a_row_of_numbers_says_which_one_is_off() -> None:
    row = numbers_exercise("demo.row", [0.665, 0.245, 0.09], 0.001, "they sum to 1.", {(7.39, 2.72, 1.0): "Not divided yet."}, "add up.")
    assert row.verdict(torch.tensor([0.665, 0.245, 0.09])).status == "right"
    assert row.verdict(["0.665", 0.245, torch.tensor(0.09)]).status == "right"
    assert row.verdict((7.39, 2.72, 1)).text == "Not divided yet."
    assert "Number 2 is off, the rest is right" in row.verdict([0.665, 0.3, 0.09]).text
    assert "write the decimal point, 0.665" in row.verdict((0, 665, 0, 245, 0, 9)).text
    assert "Numbers 1 and 3 are off" in row.verdict([0.5, 0.245, 0.2]).text
    assert "3 numbers; this is a list of 2" in row.verdict([0.665, 0.245]).text
    assert row.verdict([0.665, ..., ...]).text == "Not yet. Still open: numbers 2, 3."
