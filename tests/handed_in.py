"""What a class hands in, and the table that comes of it."""

import csv
import json
from pathlib import Path

from command_line import ROOT

from lessons_lib.course import Limits, grade
from lessons_lib.course.places import choose
from lessons_lib.course.submissions import official_keys

(LESSON,) = choose(["01"], ROOT)
KEYS = official_keys(LESSON)
LOOP = 'while True:\n    print("x" * 1_000_000)\n'
Table = dict[str, dict[str, str]]


def notebook(*sources: str) -> str:
    """A notebook with these code cells; `check` is imported in the first one, as a learner's is."""
    cells = ["from lessons_lib.exercises import check", *sources]
    return json.dumps({"cells": [{"cell_type": "code", "source": source} for source in cells], "nbformat": 4, "nbformat_minor": 5})


def hand_in(folder: Path, submissions: dict[str, str]) -> Path:
    for name, text in submissions.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def read_table(text: str) -> Table:
    return {row["submission"]: row for row in csv.DictReader(text.splitlines())}


def graded(folder: Path, jobs: int = 1, **limits: float) -> Table:
    """The table of a folder, written to a file outside it."""
    out = folder.parent / "scores.csv"
    assert grade(folder, out=out, jobs=jobs, limits=Limits(**limits)) == 0
    return read_table(out.read_text(encoding="utf-8-sig"))


def score(row: dict[str, str]) -> str:
    return f"{row['passed']}/{row['of']}"


def statuses(row: dict[str, str]) -> list[str]:
    return [row[key] for key in KEYS]
