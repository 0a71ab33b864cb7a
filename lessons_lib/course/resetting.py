"""`reset`: a fresh copy of a notebook for a reader who wants to begin again, keeping what is there."""

from collections.abc import Iterator
from pathlib import Path

from lessons_lib.course.cells import is_pristine, learners_notebook, parsed_notebook, serialised
from lessons_lib.course.places import CourseError, Lesson, choose, git, repository, set_aside
from lessons_lib.files import write_text


def reset(number: str | int, *more: str | int, root: Path | None = None) -> int:
    """Put a fresh copy of learners' notebooks in place and keep the reader's own beside each; return 0.

    The reader's file becomes `NN_name.mine-1.ipynb` (-2, … if that exists): nothing is ever overwritten. The fresh copy is
    the newest one in git's history that no reader has changed; without git it is made from the source, without outputs.

    Raises CourseError when neither way is open, and, before anything is changed, when there is no notebook of a number.
    """
    for lesson in choose([number, *more], root or repository()):
        _reset(lesson)
    return 0


def _reset(lesson: Lesson) -> None:
    fresh = next(_committed(lesson), None)
    origin = "with its outputs, from git" if fresh else "from its source; its outputs appear when you run it"
    fresh = fresh or _from_source(lesson)
    if lesson.learner.exists():
        if lesson.learner.read_bytes().replace(b"\r\n", b"\n") == fresh.encode():
            print(f"{lesson.learner.name} is fresh already; nothing changed.")
            return
        print(f"Your notebook is kept as {set_aside(lesson.learner).name}.")
    write_text(lesson.learner, fresh)
    print(
        f"{lesson.learner.name} is fresh again ({origin}). If it is open in JupyterLab: File, Reload Notebook from Disk "
        "(what you typed since you last saved is in that tab alone: File, Save Notebook As, first)."
    )


def _committed(lesson: Lesson) -> Iterator[str]:
    """The versions of the notebook in git, newest first, whose cells are as the build made them."""
    path = lesson.learner.relative_to(lesson.root).as_posix()
    for commit in (git(lesson.root, "log", "--format=%H", "--", path) or "").split():
        text = git(lesson.root, "show", f"{commit}:./{path}")
        try:
            if text and is_pristine(parsed_notebook(text)):
                yield text
        except CourseError:  # somebody committed half a file
            continue


def _from_source(lesson: Lesson) -> str:
    try:
        return serialised(learners_notebook(lesson))
    except CourseError as error:
        raise CourseError(
            f"No fresh copy of {lesson.learner.name} can be made: git does not know one, and {error} "
            "Or clone the course's repository again and take the notebook from there."
        ) from None
