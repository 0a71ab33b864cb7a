"""`grade`: a folder of submitted notebooks in, a table of what their checks said out."""

import contextlib
import csv
import io
import os
import re
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from lessons_lib.course.confined import Limits, Outcome, run_cells
from lessons_lib.course.places import CourseError, Lesson, all_lessons, choose, repository
from lessons_lib.course.submissions import (
    OtherLesson,
    Submission,
    Unusable,
    asked_for,
    find_submissions,
    left_out,
    official_keys,
    recognise,
)
from lessons_lib.files import demand_writable, print_utf8, write_bytes
from lessons_lib.runtime import threads_each

NOT_REACHED = "not reached"
_MOST_FAILURES = 3


@dataclass(frozen=True)
class Row:
    """One submission's line in the table: its name, its lesson's name and exercises (key -> status), seconds, and a remark."""

    submission: str
    notebook: str
    statuses: dict[str, str]
    seconds: float | None
    remark: str

    @property
    def passed(self) -> int:
        """How many exercises are right."""
        return list(self.statuses.values()).count("right")


def grade(
    folder: Path,
    *,
    notebook: str | None = None,
    out: Path | None = None,
    limits: Limits | None = None,
    jobs: int = 1,
    root: Path | None = None,
) -> int:
    """Run every notebook handed in and write a CSV, one row each in the order of their names.

    Its columns: submission, notebook, passed, of, one for each exercise by its key, seconds, remark. An exercise is *right*, *wrong* or
    *not attempted*, as its last check that was not a stub said, or *not reached*: no check of it gave a verdict, because its cell raised
    before, ran too long, is missing, or came after the kernel's end. Only the exercises of the official notebook count, and only verdicts
    given while a cell runs that holds this very check. A kernel that ended is not started again: later cells stand on what it held.

    Each submission has a kernel, folder, home and limits of its own (`lessons_lib.course.confined`, which also says what that does not
    protect against: a submission can write verdicts itself, and the solved notebooks are public).

    Args:
        folder: holds NAME.ipynb, or folders with notebooks; what stands there is only read.
        notebook: number of the lesson that was set; without it each notebook is recognised by the exercises that it asks for.
        out: where the table goes, UTF-8 with the mark by which Excel knows it; standard output without it.
        limits: what each submission may use; the defaults of `Limits` without it.
        jobs: how many run at a time.
        root: the course's folder; that of this library without it.

    Returns:
        0: a table was written, whatever it says.

    Raises:
        KeyboardInterrupt: after Ctrl-C; what was graded until then is in `<out>.unfinished.csv`, or printed.
        CourseError: before anything is run, if the folder, the lesson, a limit or the place of the table will not do.
        OSError: if the table cannot be written.
    """
    limits, out = limits or Limits(), out and Path(out)
    _demand_sense(out, limits, jobs)
    if jobs > 1 and "OMP_NUM_THREADS" not in os.environ:  # kernels that each take all the cores slow each other down many times over
        limits = replace(limits, threads=threads_each(jobs))
    root = root or repository()
    set_lesson = choose([notebook], root)[0] if notebook is not None else None
    keys = {lesson: official_keys(lesson) for lesson in all_lessons(root)}
    submissions = find_submissions(Path(folder))
    if others := left_out(Path(folder)):
        print(f"left out, no notebooks (.ipynb): {_harmless(', '.join(others))}", file=sys.stderr)

    def row(submission: Submission, stop: threading.Event) -> Row:
        return _row(submission, Path(folder), keys, set_lesson, limits, stop)

    def finish(rows: Sequence[Row], out: Path | None, what: str) -> None:
        named = {row.notebook for row in rows if row.statuses} | ({set_lesson.name} if set_lesson else set())
        _deliver(_as_csv(rows, [key for lesson, known in keys.items() if lesson.name in named for key in known]), out, what)

    rows: list[Row] = []
    try:
        _run_all(submissions, row, jobs, rows)
    except KeyboardInterrupt:
        if rows:
            unfinished = out and out.with_name(f"{out.stem}.unfinished.csv")
            finish(rows, unfinished, f"given up; {len(rows)} of {len(submissions)} submissions")
        raise
    finish(rows, out, f"{len(rows)} submissions")
    return 0


def _deliver(table: str, out: Path | None, what: str) -> None:
    """Write the table to `out`, or print it. Raises OSError, and prints it, if it cannot be written: what took hours is not lost."""
    if out is None:
        _print(table)
        return
    try:
        write_bytes(out, table.encode("utf-8-sig"))
    except OSError:
        _print(table)
        raise
    print(f"{what}: {out}", file=sys.stderr)


def _print(table: str) -> None:
    """To standard output: in UTF-8, whatever a terminal would need, where it goes into a file or another program."""
    if sys.stdout.isatty():
        print(table, end="")
    else:
        sys.stdout.flush()
        print_utf8(table)
        sys.stdout.flush()


def _run_all(submissions: Sequence[Submission], row: Callable[[Submission, threading.Event], Row], jobs: int, rows: list[Row]) -> None:
    """Add the rows to `rows` in order, `jobs` at a time, each told as it comes; those so far are there after Ctrl-C as well."""
    stop = threading.Event()
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        waiting = [pool.submit(row, submission, stop) for submission in submissions]
        try:
            for number, future in enumerate(waiting, 1):
                rows.append(_told(future, number, len(waiting)))
        finally:  # after Ctrl-C: what runs is ended, what waits is not begun
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)


def _demand_sense(out: Path | None, limits: Limits, jobs: int) -> None:
    if not (limits.cell_seconds > 0 and limits.seconds > 0 and jobs >= 1):  # NaN is not above 0
        raise CourseError(
            f"Seconds must be more than 0 and jobs at least 1; got {limits.cell_seconds:g} s a cell, {limits.seconds:g} s, {jobs} jobs."
        )
    if limits.megabytes < 500:
        raise CourseError(f"{limits.megabytes} MB of memory are too few for a kernel with PyTorch. Give 500 or more; 3000 is usual.")
    if out is None:
        return
    if Path(out).suffix == ".ipynb":
        raise CourseError(f"The table cannot be written to {out}: that is a notebook. Name a .csv.")
    try:
        demand_writable(Path(out))
    except OSError as error:
        raise CourseError(f"The table cannot be written to {out}: {error.strerror or error}.") from error


def _row(
    submission: Submission,
    folder: Path,
    keys: dict[Lesson, list[str]],
    set_lesson: Lesson | None,
    limits: Limits,
    stop: threading.Event,
) -> Row:
    """Run one submission. Whatever goes wrong is a remark in its row."""
    lesson = set_lesson
    try:
        if submission.unusable:
            raise Unusable(submission.unusable)
        lesson = recognise(submission, keys, set_lesson)
        cells: dict[str, tuple[str, set[str]]] = {
            f"code cell {number} ({_first_words(source)})": (source, set(asked_for(source)).intersection(keys[lesson]))
            for number, source in enumerate(submission.cells, 1)
        }
        outcome = run_cells(cells, submission.files(folder), limits, stop)
    except OtherLesson as other:
        return Row(submission.name, other.lesson.name, {}, None, str(other))
    except Exception as error:  # whatever it is, a full disk or a source that cannot be sent: it costs this row alone
        remark = str(error) if isinstance(error, Unusable) else f"not run: {type(error).__name__}: {error}"
        none = dict.fromkeys(keys[lesson] if lesson else [], NOT_REACHED)
        return Row(submission.name, lesson.name if lesson else "", none, None, remark)
    statuses = {key: outcome.verdicts.get(key, NOT_REACHED) for key in keys[lesson]}
    missing = set(keys[lesson]).difference(*(asked for _, asked in cells.values()))
    silent = {key for name in outcome.ended_well for key in cells[name][1] if key not in outcome.verdicts}
    notes = {"no cell checks {}": missing, "the check of {} ran and gave no verdict (is `check` something else there?)": silent}
    told = [note.format(", ".join(key for key in statuses if key in which)) for note, which in notes.items() if which]
    return Row(submission.name, lesson.name, statuses, outcome.seconds, "; ".join([*_failures(outcome), *told]))


def _first_words(source: str) -> str:
    """The first line of a cell, so far as it fits into a remark."""
    line = re.sub(r"\s+", " ", source.strip().splitlines()[0])
    return line if len(line) <= 40 else line[:39] + "…"


def _failures(outcome: Outcome) -> list[str]:
    """What went wrong, the first few and always the last, for that is where it ended."""
    said = outcome.remarks
    if len(said) > _MOST_FAILURES:
        return [*said[: _MOST_FAILURES - 1], f"{len(said) - _MOST_FAILURES} more failed", said[-1]]
    return said


def _told(future: "Future[Row]", number: int, of: int) -> Row:
    """The row, once it is there, told on standard error."""
    row = future.result()
    took = "" if row.seconds is None else f" ({row.seconds:.0f} s)"
    what = f"{row.passed} of {len(row.statuses)}{took}" if row.statuses else "no points"
    told = _harmless(f"{row.submission}: {what}{'; ' if row.remark else ''}{row.remark}")
    with contextlib.suppress(OSError):  # nobody listens any more: the table comes all the same
        print(f"{number}/{of} {told}", file=sys.stderr, flush=True)
    return row


def _as_csv(rows: Sequence[Row], keys: Sequence[str]) -> str:
    """The table; an exercise that a row's notebook does not have stays empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["submission", "notebook", "passed", "of", *keys, "seconds", "remark"])
    for row in rows:
        seconds = "" if row.seconds is None else f"{row.seconds:.1f}"
        score = [row.passed, len(row.statuses)] if row.statuses else [0, ""]
        statuses = [row.statuses.get(key, "") for key in keys]
        writer.writerow([_harmless(row.submission), row.notebook, *score, *statuses, seconds, _harmless(row.remark)])
    return text.getvalue()


def _harmless(text: str) -> str:
    """Text that a spreadsheet does not take for a formula, and that has no control characters."""
    text = "".join(letter if letter.isprintable() else "�" for letter in text)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
