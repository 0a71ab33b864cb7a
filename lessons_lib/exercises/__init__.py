"""Exercises that answer in words: `check("attention.softmax_by_hand", answer)` prints what is right and what is wrong."""

from lessons_lib.exercises.verdicts import check

__all__ = ["check"]
