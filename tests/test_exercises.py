"""Every exercise of the course: its solution passes, its stub is not attempted, and plausible wrong answers are refused by name."""

import inspect
import re
from pathlib import Path

import pytest

from lessons_lib.exercises.framework import Exercise, all_exercises, find

SOURCES = Path(__file__).resolve().parent.parent / "notebooks" / "source"
EXERCISES = all_exercises()
each = pytest.mark.parametrize("exercise", EXERCISES, ids=[exercise.key for exercise in EXERCISES])


@each
def test_the_solution_passes(exercise: Exercise) -> None:
    verdict = exercise.verdict(exercise.solution)
    assert verdict.status == "right", verdict.text
    assert re.fullmatch(r"Right: .+\.", verdict.text, re.DOTALL), "the reason is a sentence"


@each
def test_the_stub_is_not_attempted(exercise: Exercise) -> None:
    assert exercise.verdict(...).text == "Not attempted yet."
    if inspect.isfunction(exercise.solution):
        scope: dict[str, object] = {}
        exec(f"def stub({', '.join(inspect.signature(exercise.solution).parameters)}):\n    ...", scope)
        assert exercise.verdict(scope["stub"]).text == "Not attempted yet."


@each
def test_three_wrong_answers_are_refused_by_name(exercise: Exercise) -> None:
    assert len(exercise.wrong) >= 3, "name at least three plausible wrong answers"
    texts = []
    for wrong in exercise.wrong:
        verdict = exercise.verdict(wrong.answer)
        assert verdict.status == "wrong", f"{wrong.name}: {verdict.text}"
        assert wrong.words in verdict.text, f"{wrong.name}: {verdict.text}"
        texts.append(verdict.text)
    assert len(set(texts)) == len(texts), "two wrong answers get the same message"


def test_every_exercise_that_a_notebook_checks_exists_and_every_one_is_used() -> None:
    used = {
        key
        for path in SOURCES.glob("*.py")
        for key in re.findall(r"^check\(\s*[\"']([^\"']+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    for key in used:
        find(key)
    assert {exercise.key for exercise in EXERCISES} <= used, "an exercise that no notebook asks for"
