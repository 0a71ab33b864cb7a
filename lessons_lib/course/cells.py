"""From a source file to the cells, tags and metadata of its two notebooks, without executing anything."""

import hashlib
import re
from collections import Counter
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from lessons_lib.course.links import from_solutions_folder
from lessons_lib.course.places import CourseError, Lesson
from lessons_lib.course.solutions import add_to_hints, default_stub, fold, has_solution, regions, solution_code, without_markers

# JupyterLab marks a notebook as changed on opening if the language's description is shorter than the kernel's own.
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
        "version": "3.11.0",
    },
}
GET_DEV = "pip install --no-deps -r requirements/dev.txt"
BUILT = "lessons_built"  # the notebook's own metadata: which cells it was built with


def learners_notebook(lesson: Lesson) -> NotebookNode:
    """The notebook with a stub in place of each solution and the solution folded under the hints; no outputs.

    Raises CourseError when the source cannot be read or the tools of the `dev` extra are missing.
    """
    cells: list[NotebookNode] = []
    pending: str | None = None
    for number, cell in enumerate(_read(lesson), 1):
        stub = cell.metadata.pop("stub", None)
        if pending is not None:
            joined = add_to_hints(cell.source, pending) if cell.cell_type == "markdown" else None
            if joined is None:
                cells.append(nbformat.v4.new_markdown_cell(fold(pending)))
            cell.source = cell.source if joined is None else joined
            pending = None
        if cell.cell_type == "code" and has_solution(cell.source):
            pending = solution_code(cell.source)
            _clear(cell, stub or default_stub(cell.source))
        elif stub is not None:
            raise CourseError(f"{lesson.source.name}, cell {number} names a stub but marks no solution. Add ### BEGIN SOLUTION … END.")
        cells.append(cell)
    if pending is not None:
        cells.append(nbformat.v4.new_markdown_cell(fold(pending)))
    return _assemble(cells)


def solved_notebook(lesson: Lesson) -> NotebookNode:
    """The notebook with its exercises solved and its links made to work from the folder below; no outputs. Raises as above."""
    cells = _read(lesson)
    for cell in cells:
        cell.metadata.pop("stub", None)
        if cell.cell_type == "markdown":
            cell.source = from_solutions_folder(cell.source, lesson)
        else:
            cell.source = without_markers(cell.source)
    return _assemble(cells)


def serialised(notebook: NotebookNode) -> str:
    """The text of a notebook's file; equal notebooks give equal text."""
    return nbformat.writes(notebook, version=4, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def read_notebook(path: Path) -> NotebookNode:
    """The notebook in a file. Raises CourseError, without the file's name, if it holds none."""
    try:
        return parsed_notebook(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise CourseError(f"cannot be read as a notebook ({error})") from error


def parsed_notebook(text: str) -> NotebookNode:
    """The notebook that a text is. Raises CourseError if it is none."""
    try:
        return nbformat.reads(text, as_version=4)
    except (nbformat.ValidationError, ValueError, TypeError, AttributeError, KeyError) as error:  # damaged JSON, or JSON of something else
        raise CourseError(f"cannot be read as a notebook ({(str(error).splitlines() or ['?'])[0][:100]})") from error


def is_pristine(notebook: NotebookNode) -> bool:
    """Whether all cells are there, each as the build made and ran it: a cell's id is a hash of its source, and editors keep the ids."""
    seen: Counter[str] = Counter()
    ids = [_cell_id(cell, seen) for cell in notebook.cells]
    ran = [cell.get("execution_count") for cell in notebook.cells if cell.cell_type == "code"]
    return (
        [cell.get("id") for cell in notebook.cells] == ids
        and notebook.metadata.get(BUILT) == _fingerprint(ids)
        and ran == list(range(1, len(ran) + 1))
    )


def _without_dev(error: ModuleNotFoundError) -> CourseError:
    """What to say where a module of the extra `dev` is missing."""
    return CourseError(f"Building or checking notebooks needs the extra 'dev' ({error.name} is missing): {GET_DEV}")


def _read(lesson: Lesson) -> list[NotebookNode]:
    try:
        import jupytext
    except ModuleNotFoundError as error:
        raise _without_dev(error) from None
    if not lesson.source.exists():
        raise CourseError(f"{lesson.learner.name} has no source: notebooks/source/{lesson.source.name} is missing.")
    notebook = jupytext.reads(lesson.source.read_text(encoding="utf-8"), fmt="py:percent")
    cells = [cell for cell in notebook.cells if cell.source.strip()]
    for number, cell in enumerate(cells, 1):
        cell.metadata.pop("lines_to_next_cell", None)
        if cell.cell_type == "code" and not re.search(r"^\s*[^#\s]", cell.source, re.MULTILINE):
            raise CourseError(
                f"{lesson.source.name}, cell {number} holds comments only: {cell.source.splitlines()[0]!r}. "
                "Lines before the first '# %%' are a cell too; move them into markdown or into code."
            )
        try:
            regions(cell.source)
        except CourseError as error:
            raise CourseError(f"{lesson.source.name}, cell {number}: {error}") from None
    return cells


def _clear(cell: NotebookNode, stub: str) -> None:
    """Replace the solution in `cell` by `stub` with nbgrader's own preprocessor, at the solution's indentation."""
    try:
        from nbgrader.preprocessors import ClearSolutions
    except ModuleNotFoundError as error:
        raise _without_dev(error) from None
    # The markers are enough: no nbgrader metadata or course database is wanted in these notebooks.
    clear = ClearSolutions(code_stub={"python": stub}, enforce_metadata=False)
    clear.preprocess_cell(cell, {"language": "python"}, 0)


def _assemble(cells: list[NotebookNode]) -> NotebookNode:
    notebook = nbformat.v4.new_notebook()
    notebook.nbformat_minor = 5
    for cell in cells:
        cell.source = cell.source.rstrip("\n")
    notebook.cells = cells
    mark_as_built(notebook)
    return notebook


def mark_as_built(notebook: NotebookNode) -> None:
    """Give cells and notebook the ids and metadata by which `is_pristine` knows that nobody has changed them since."""
    seen: Counter[str] = Counter()
    for cell in notebook.cells:
        cell.id = _cell_id(cell, seen)
    notebook.metadata = built_metadata(notebook.cells)


def built_metadata(cells: list[NotebookNode]) -> NotebookNode:
    """The metadata of a notebook that is built with these cells."""
    return nbformat.from_dict(METADATA | {BUILT: _fingerprint([cell.id for cell in cells])})


def _fingerprint(ids: list[str]) -> str:
    """Tells whether cells are missing, added or in another order."""
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()[:10]


def _cell_id(cell: NotebookNode, seen: Counter[str]) -> str:
    """An id that is the same in each build and moves with its cell; equal cells are counted in `seen`."""
    digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source.rstrip()}".encode()).hexdigest()[:10]
    seen[digest] += 1
    return digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
