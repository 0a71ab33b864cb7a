"""`check`: do the committed notebooks still say what their sources say?"""

import difflib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from nbformat import NotebookNode

from lessons_lib.course.building import exercise_problems, finish, output_problems
from lessons_lib.course.cells import learners_notebook, read_notebook, serialised, solved_notebook
from lessons_lib.course.links import broken_links
from lessons_lib.course.places import CourseError, Lesson, all_lessons, choose, is_named_like_a_lesson, is_readers_copy, repository


def check(numbers: Sequence[str | int] | None = None, *, root: Path | None = None) -> int:
    """Compare the committed notebooks with their sources, without executing; print each difference; return 0 or 1.

    Cells, tags and metadata are rebuilt and have to equal the committed ones byte for byte. The outputs, which cannot be
    rebuilt without running, are taken from the committed file, and have to be in the form that the build gives them.
    """
    root = root or repository()
    lessons = choose(numbers, root)
    failed = 0
    for lesson in lessons:
        problems = [*_problems(lesson, lesson.learner, learners_notebook), *_problems(lesson, lesson.solved, solved_notebook)]
        failed += bool(problems)
        for problem in problems:
            print(f"{lesson.name}: {problem}")
    strays = [] if numbers else list(_strays(root))
    for stray in strays:
        print(stray)
    if failed or strays:
        print(f"Out of step with their sources: {failed} of {len(lessons)}{', and files that stand alone' if strays else ''}.")
        return 1
    print(f"In step with their sources: {', '.join(lesson.name for lesson in lessons)}.")
    return 0


def _problems(lesson: Lesson, path: Path, made: Callable[[Lesson], NotebookNode]) -> Iterator[str]:
    solved = path == lesson.solved
    shown = path.relative_to(lesson.root)
    mend = f"Run: lessons notebooks build {lesson.number}"
    try:
        rebuilt = made(lesson)
    except CourseError as error:
        yield str(error)
        return
    if not path.exists():
        yield f"{shown} is missing. {mend}"
        return
    try:
        committed = read_notebook(path)
    except CourseError as error:
        yield f"{shown} {error}. {mend}"
        return
    if difference := _difference(committed, rebuilt, path.read_text(encoding="utf-8")):
        yield f"{shown} differs from its source: {difference} {mend}"
        return
    for problem in [*_order_problems(committed), *output_problems(committed), *exercise_problems(committed, solved)]:
        yield f"{shown}, {problem} Then run: lessons notebooks build {lesson.number}"
    for problem in broken_links(committed, lesson, solved):
        yield f"{shown}, {problem}. Mend the link in notebooks/source/{lesson.source.name}"


def _difference(committed: NotebookNode, rebuilt: NotebookNode, text: str) -> str | None:
    """Where the committed file differs from the rebuilt notebook with the committed outputs; None if nowhere."""
    if len(committed.cells) != len(rebuilt.cells):
        return f"{len(committed.cells)} cells instead of {len(rebuilt.cells)}; {_first_new_cell(committed, rebuilt)}."
    for there, here in zip(committed.cells, rebuilt.cells, strict=True):
        if here.cell_type == there.cell_type == "code":
            here.outputs, here.execution_count = there.outputs, there.execution_count
    finish(rebuilt)
    wanted = serialised(rebuilt)
    if wanted == text:
        return None
    for number, (there, here) in enumerate(zip(committed.cells, rebuilt.cells, strict=True), 1):
        for part in ("cell_type", "source", "metadata", "id", "outputs"):
            if there.get(part) != here.get(part):
                return f"cell {number}, {part}: {_lines_apart(there.get(part), here.get(part))}"
    if committed.metadata != rebuilt.metadata:
        return f"the notebook's metadata: {_lines_apart(committed.metadata, rebuilt.metadata)}"
    return "the file is written in another way (order of keys, indentation or final line)."


def _first_new_cell(committed: NotebookNode, rebuilt: NotebookNode) -> str:
    for number, (there, here) in enumerate(zip(committed.cells, rebuilt.cells, strict=False), 1):
        if there.source != here.source:
            return f"they part at cell {number}: {_lines_apart(there.source, here.source)}"
    return f"they part at cell {min(len(committed.cells), len(rebuilt.cells)) + 1}"


def _lines_apart(there: object, here: object) -> str:
    """The first line that the committed notebook has otherwise than its source."""
    for line in difflib.ndiff(str(there).splitlines(), str(here).splitlines()):
        if line[0] in "-+":
            return f"the {'notebook' if line[0] == '-' else 'source'} has {line[2:].strip()[:110]!r}, the other has not."
    return "they differ."


def _order_problems(notebook: NotebookNode) -> Iterator[str]:
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    if counts != list(range(1, len(counts) + 1)):
        yield f"its code cells were not executed once each, from the first to the last (execution counts {counts[:8]}…)."


def _strays(root: Path) -> Iterator[str]:
    """Notebooks without a source, the learner's and the solved ones; not readers' copies."""
    known = {lesson.name for lesson in all_lessons(root)}
    folder = root / "notebooks"
    for path in sorted([*filter(is_named_like_a_lesson, folder.glob("*.ipynb")), *(folder / "solutions").glob("*.ipynb")]):
        if path.stem not in known and not is_readers_copy(path):
            yield f"{path.relative_to(root)} has no source notebooks/source/{path.stem}.py. Delete the notebook or add the source."
