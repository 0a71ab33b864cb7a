"""`handout`: the notebooks for a class that is to find its solutions itself."""

import re
from collections.abc import Sequence
from pathlib import Path

from lessons_lib.course.cells import is_pristine, mark_as_built, read_notebook, serialised
from lessons_lib.course.places import CourseError, Lesson, all_lessons, choose, repository
from lessons_lib.files import write_together

_FOLDED = re.compile(r"\n*<details><summary>Solution</summary>.*?</details>\n*", re.DOTALL)


def handout(folder: Path, numbers: Sequence[str | int] | None = None, *, root: Path | None = None) -> int:
    """Write each notebook named (default: all) into a folder, as it is but for the folded solutions; return 0.

    Raises CourseError, and writes nothing, where a notebook is not as it was built or would be overwritten.
    """
    root = root or repository()
    if not folder.exists() and str(folder).zfill(2) in {lesson.number for lesson in all_lessons(root)}:
        raise CourseError(f"{folder} would be the folder's name. Name the folder first: lessons notebooks handout FOLDER {folder}")
    lessons = choose(numbers, root)
    texts = {folder / lesson.learner.name: _without_solutions(lesson) for lesson in lessons}
    if there := [path.name for path in texts if path.exists()]:
        raise CourseError(f"{folder} holds {', '.join(there)} already. Nothing is overwritten: name another folder.")
    folder.mkdir(parents=True, exist_ok=True)
    write_together({path: text.encode() for path, text in texts.items()})
    print(f"Without solutions, in {folder}: {', '.join(path.name for path in texts)}. Put them into notebooks/ of each learner's clone.")
    return 0


def _without_solutions(lesson: Lesson) -> str:
    try:
        notebook = read_notebook(lesson.learner)
    except (CourseError, OSError) as error:
        raise CourseError(f"{lesson.learner.name} cannot be handed out: {error}") from None
    if not is_pristine(notebook):
        raise CourseError(f"{lesson.learner.name} is not as it was built. Make it fresh first: lessons notebooks reset {lesson.number}")
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = _FOLDED.sub("\n\n", cell.source).strip("\n")
    notebook.cells = [cell for cell in notebook.cells if cell.source]
    mark_as_built(notebook)  # so that `reset` gives it, where it is committed
    return serialised(notebook)
