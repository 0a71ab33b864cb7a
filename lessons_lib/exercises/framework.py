"""All that a file of exercises needs, under one name.

A topic's file, such as `exercises/attention.py`, registers its exercises when it is imported:

    number_exercise("attention.weight_by_hand", 0.731, 0.0006, why="…", slips={0.881: "…"}, first_step="…")
    function_exercise("attention.softmax", cases=[(torch.tensor([1.0, 2.0]),)], reference=softmax, slips=[Slip("…", f)], why="…")

What these do not fit is an Exercise with a `judge` of its own, given to `register`.
"""

from lessons_lib.exercises.coding import Case, Slip, function_exercise, wave
from lessons_lib.exercises.comparing import describe, difference, kind
from lessons_lib.exercises.parts import judge_parts
from lessons_lib.exercises.pencil import number_exercise, numbers_exercise
from lessons_lib.exercises.verdicts import (
    Exercise,
    UnknownExercise,
    Verdict,
    WrongAnswer,
    all_exercises,
    check,
    find,
    not_attempted,
    register,
    right,
    wrong,
)

__all__ = [
    "Case",
    "Exercise",
    "Slip",
    "UnknownExercise",
    "Verdict",
    "WrongAnswer",
    "all_exercises",
    "check",
    "describe",
    "difference",
    "find",
    "function_exercise",
    "judge_parts",
    "kind",
    "not_attempted",
    "number_exercise",
    "numbers_exercise",
    "register",
    "right",
    "wave",
    "wrong",
]
