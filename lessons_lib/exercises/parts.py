"""Exercises whose answer is a dictionary of named parts: each part is judged for itself, and those that are right are kept."""

from collections.abc import Callable, Collection
from typing import Any

from lessons_lib.exercises.comparing import kind
from lessons_lib.exercises.verdicts import Verdict, not_attempted, right, wrong


def judge_parts(answer: Any, names: Collection[str], fault: Callable[[str, Any], str], give: str, why: str, label: str = "") -> Verdict:
    """The verdict on a dictionary with a part for each name.

    Args:
        answer: what the learner gives; parts that are ... or None are open.
        names: the names that the cell has.
        fault: (name, part) -> what is wrong with it; an empty string if nothing is.
        give: what to give, for an answer of another form: follows "Not yet. Give ", without the full stop.
        why: the reason in a sentence, for an answer that is right.
        label: stands before the name of a part that is wrong, such as "Reading ".
    """
    if not isinstance(answer, dict) or set(answer) != set(names):
        return wrong(f"Not yet. Give {give}, as the cell has it; this is {kind(answer)}.")
    given = {name: part for name, part in answer.items() if part is not ... and part is not None}
    if not given:
        return not_attempted()
    faults = {name: fault(name, part) for name, part in given.items()}
    solved = ", ".join(name for name, found in faults.items() if not found)
    if wrongs := [f"{label}{name}: {found}" for name, found in faults.items() if found]:
        return wrong(f"Not yet. {' '.join(wrongs)}" + (f" Right so far: {solved}." if solved else ""))
    if missing := ", ".join(name for name in names if name not in faults):
        return wrong(f"So far right: {solved}. Still open: {missing}.")
    return right(why)
