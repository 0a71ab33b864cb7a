"""What an exercise is, what a check answers, and where exercises are found by their key."""

import difflib
import importlib
import json
import os
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Status = Literal["right", "wrong", "not attempted"]

# Modules of this package that hold no exercises of their own.
_FRAMEWORK = {"coding", "comparing", "framework", "parts", "pencil", "verdicts"}


@dataclass(frozen=True)
class Verdict:
    """What a check found: its status, and the words that the learner reads."""

    status: Status
    text: str


@dataclass(frozen=True)
class WrongAnswer:
    """A plausible wrong answer, for the tests: its name, the answer, and words that the message refusing it must hold."""

    name: str
    answer: Any
    words: str


@dataclass(frozen=True)
class Exercise:
    """One exercise: `judge` turns an attempted answer into a verdict, `solution` is an answer that has to pass."""

    key: str
    judge: Callable[[Any], Verdict]
    solution: Any
    wrong: tuple[WrongAnswer, ...]

    def verdict(self, answer: Any) -> Verdict:
        """The verdict on any answer at all: a stub is not attempted, and no answer makes this raise."""
        parts = list(answer.values()) if isinstance(answer, dict) else answer if isinstance(answer, (list, tuple)) else [answer]
        parts = parts or [answer]
        if all(part is None or part is ... for part in parts):
            return not_attempted()
        try:
            return self.judge(answer)
        except (Exception, SystemExit) as error:  # an answer of a kind that the check did not expect
            said = str(error).splitlines()[:1]
            return wrong(f"Not yet. The check cannot make sense of this answer ({type(error).__name__}: {''.join(said)[:120]}).")


class UnknownExercise(KeyError):
    """There is no exercise of this key; the message names those that come close."""

    def __str__(self) -> str:
        return str(self.args[0])


_EXERCISES: dict[str, Exercise] = {}


def right(why: str) -> Verdict:
    """The verdict "Right: …"; `why` is the reason in a sentence."""
    return Verdict("right", f"Right: {why}")


def wrong(text: str) -> Verdict:
    """The verdict on an answer that is not right; `text` is all the learner reads."""
    return Verdict("wrong", text)


def not_attempted(more: str = "") -> Verdict:
    """The verdict on a stub."""
    return Verdict("not attempted", f"Not attempted yet{': ' + more if more else '.'}")


def register(exercise: Exercise) -> Exercise:
    """Make an exercise known by its key, "topic.name", where topic is the name of the file that holds it.

    Raises ValueError for a key of another form or one that another exercise has.
    """
    topic, _, name = exercise.key.partition(".")
    if not (topic.isidentifier() and name.isidentifier()) or topic in _FRAMEWORK:
        raise ValueError(f"An exercise's key is topic.name in lower case and underscores, such as attention.softmax; got {exercise.key!r}.")
    if exercise.key in _EXERCISES:
        raise ValueError(f"There are two exercises {exercise.key!r}. Give one of them another name.")
    _EXERCISES[exercise.key] = exercise
    return exercise


def topics() -> list[str]:
    """The names of the files that hold exercises."""
    folder = str(Path(__file__).parent)
    return sorted(module.name for module in pkgutil.iter_modules([folder]) if module.name not in _FRAMEWORK)


def find(key: str) -> Exercise:
    """The exercise with this key; its topic's file is imported when first asked for.

    Raises UnknownExercise naming close keys, or the topics there are.
    """
    topic = str(key).partition(".")[0]
    if key not in _EXERCISES and topic in topics():
        _load(topic)
    if key in _EXERCISES:
        return _EXERCISES[key]
    there = [known for known in sorted(_EXERCISES) if known.startswith(f"{topic}.")]
    if not there:
        there = [f"{name}.…" for name in topics()] or ["none yet"]
    close = difflib.get_close_matches(str(key), there, n=3, cutoff=0.5) or there
    raise UnknownExercise(f"There is no exercise {key!r}. {'Close to it' if close != there else 'There are'}: {', '.join(close)}.")


def all_exercises() -> list[Exercise]:
    """Every exercise of every topic, by key."""
    for topic in topics():
        _load(topic)
    return [_EXERCISES[key] for key in sorted(_EXERCISES)]


def _load(topic: str) -> None:
    try:
        importlib.import_module(f"lessons_lib.exercises.{topic}")
    except BaseException:  # the next attempt must meet the same error, not the exercises registered before it
        for key in [key for key in _EXERCISES if key.startswith(f"{topic}.")]:
            del _EXERCISES[key]
        raise


def check(key: str, answer: Any) -> None:
    """Print what is right or wrong about an answer to the exercise `key`, in words.

    With the environment variable LESSONS_VERDICTS set to a file's name, a line {"key": …, "verdict": …} is added there.
    Raises UnknownExercise for an unknown key; nothing that an answer can hold makes it raise.
    """
    verdict = find(key).verdict(answer)
    print(verdict.text)
    if path := os.environ.get("LESSONS_VERDICTS"):
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"key": key, "verdict": verdict.status}) + "\n")


def as_wrong_answers(pairs: Iterable[tuple[str, Any, str]]) -> tuple[WrongAnswer, ...]:
    """Wrong answers written down as (name, answer, expected words)."""
    return tuple(WrongAnswer(*pair) for pair in pairs)
