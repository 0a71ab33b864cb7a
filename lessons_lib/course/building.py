"""`build`: sources in, executed notebooks out."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from nbformat import NotebookNode

from lessons_lib.course import outputs
from lessons_lib.course.cells import built_metadata, is_pristine, learners_notebook, read_notebook, serialised, solved_notebook
from lessons_lib.course.execution import execute
from lessons_lib.course.places import CourseError, Lesson, choose, repository, set_aside
from lessons_lib.course.submissions import asked_for
from lessons_lib.files import write_together


def build(numbers: Sequence[str | int] | None = None, *, root: Path | None = None) -> int:
    """Write the learner's and the solved notebook of each lesson named (default: all), executed; return 0.

    Both notebooks of a lesson are written, or neither; a learner's that a reader has changed is set aside first, as by `reset`. Raises
    CourseError naming notebook and cell when a cell fails, an output holds what must not be committed, or an exercise's check does
    not accept its own solution.
    """
    root = root or repository()
    for lesson in choose(numbers, root):
        texts: dict[Path, str] = {}
        for path, made in ((lesson.learner, learners_notebook), (lesson.solved, solved_notebook)):
            notebook = made(lesson)
            solved = path == lesson.solved
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                seconds = execute(notebook, path.parent)
                finish(notebook)
                problems = [*output_problems(notebook), *exercise_problems(notebook, solved)]
            except CourseError as error:
                raise CourseError(f"{_title(lesson, solved)}, {error}") from None
            if problems:
                raise CourseError("\n".join(f"{_title(lesson, solved)}, {problem}" for problem in problems))
            texts[path] = serialised(notebook)
            print(f"{path.relative_to(root)}: {len(notebook.cells)} cells, {seconds:.1f} s, {len(texts[path]) / 1000:.0f} kB")
        if _is_changed(lesson.learner):
            print(f"The notebook that was there is kept as {set_aside(lesson.learner).name}.")
        write_together({path: text.encode() for path, text in texts.items()})
    return 0


def _is_changed(path: Path) -> bool:
    """Whether a notebook is there that is not as a build made it, or a file that is none."""
    try:
        return path.exists() and not is_pristine(read_notebook(path))
    except CourseError:
        return True


def finish(notebook: NotebookNode) -> None:
    """Bring outputs and metadata of an executed notebook into the committed form; doing it twice changes nothing."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            outputs.clean(cell)
            outputs.set_alt(cell)
    notebook.metadata = built_metadata(notebook.cells)


def output_problems(notebook: NotebookNode) -> Iterator[str]:
    """A sentence for each thing in the outputs that must not be committed."""
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type == "code":
            yield from (f"cell {number}: {fault}" for fault in outputs.faults(cell))


def exercise_problems(notebook: NotebookNode, solved: bool) -> Iterator[str]:
    """A sentence for each exercise whose check does not accept the solution, or does not see that the stub is untouched."""
    wanted = "Right" if solved else "Not attempted"
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type != "code" or "exercise" not in cell.metadata.get("tags", []):
            continue
        checks = len(asked_for(cell.source))
        if not checks:
            yield f"cell {number}: is tagged exercise and checks none"
        printed = "".join(output.text for output in cell.outputs if output.output_type == "stream")
        if sum(line.startswith(wanted) for line in printed.splitlines()) < checks:
            which = "the solution" if solved else "the untouched stub"
            yield f"cell {number}: on {which} the check should say {wanted!r} but says {printed.strip()[:200]!r}"


def _title(lesson: Lesson, solved: bool) -> str:
    return f"{lesson.name} ({'solved' if solved else 'learner'})"
