"""From source to cells without executing: stubs, folded solutions, ids, links, and what outputs may hold."""

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from lessons_lib.course import outputs
from lessons_lib.course.cells import is_pristine, learners_notebook, serialised, solved_notebook
from lessons_lib.course.links import relative_links
from lessons_lib.course.places import CourseError, Lesson, choose
from lessons_lib.course.solutions import add_to_hints, default_stub, solution_code

PENCIL = "### BEGIN SOLUTION\nanswer = 0.731\n### END SOLUTION\ncheck('a.b', answer)"
FUNCTION = '''def softmax(scores):
    """Weights."""
    ### BEGIN SOLUTION
    shifted = scores - scores.max()
    return shifted.exp() / shifted.exp().sum()
    ### END SOLUTION


check("a.c", softmax)'''
HINTS = "<details><summary>First hint</summary>\n\nDivide.\n\n</details>"


def lesson(root: Path, text: str, name: str = "01_toy") -> Lesson:
    """A lesson whose source is `text`."""
    source = root / "notebooks" / "source" / f"{name}.py"
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_text(text, encoding="utf-8")
    return Lesson(name[:2], name, root)


def code(source: str, header: str = "") -> str:
    return f"# %% {header}\n{source}\n\n"


def prose(markdown: str) -> str:
    return "# %% [markdown]\n" + "".join(f"# {line}\n" for line in markdown.split("\n")) + "\n"


@pytest.mark.parametrize(
    ("source", "stub"),
    [
        (PENCIL, "answer = ..."),
        ("### BEGIN SOLUTION\na = 1\nb, c = a, 2\na = 3\n### END SOLUTION", "a = ...\nb = ...\nc = ..."),
        (FUNCTION, "..."),
        ("### BEGIN SOLUTION\nprint(1)\n### END SOLUTION", "..."),
    ],
)
def test_a_stub_keeps_the_names_that_the_cell_needs(source: str, stub: str) -> None:
    assert default_stub(source) == stub


def test_the_learner_finds_stubs_at_the_solutions_indentation(tmp_path: Path) -> None:
    text = code(PENCIL, 'tags=["exercise"]') + code(FUNCTION, 'tags=["exercise"]') + code(PENCIL, 'stub="answer = None  # yours"')
    cells = [cell for cell in learners_notebook(lesson(tmp_path, text)).cells if cell.cell_type == "code"]
    assert cells[0].source == "answer = ...\ncheck('a.b', answer)"
    assert cells[1].source == 'def softmax(scores):\n    """Weights."""\n    ...\n\n\ncheck("a.c", softmax)'
    assert cells[2].source == "answer = None  # yours\ncheck('a.b', answer)"
    assert [dict(cell.metadata) for cell in cells] == [{"tags": ["exercise"]}, {"tags": ["exercise"]}, {}]


def test_the_solved_notebook_has_the_code_and_no_marker_or_folded_solution(tmp_path: Path) -> None:
    cells = solved_notebook(lesson(tmp_path, code(FUNCTION, 'stub="..."') + prose(HINTS))).cells
    assert "return shifted.exp()" in cells[0].source
    assert "SOLUTION" not in cells[0].source
    assert "stub" not in cells[0].metadata
    assert "Solution" not in cells[1].source


def test_the_solution_is_folded_in_after_the_last_hint(tmp_path: Path) -> None:
    second = HINTS.replace("First", "Second")
    quiz = "### Quiz\n<details><summary>Yes</summary>\n\nNo.\n\n</details>"
    cells = learners_notebook(lesson(tmp_path, code(PENCIL) + prose(f"{HINTS}\n{second}\n\n{quiz}"))).cells
    assert len(cells) == 2
    folded = "<details><summary>Solution</summary>\n\n```python\nanswer = 0.731\n```\n\n</details>"
    assert cells[1].source == f"{HINTS}\n{second}\n{folded}\n\n{quiz}"


@pytest.mark.parametrize("after", ["", prose("No hints here."), code("print(1)")])
def test_without_hints_the_solution_gets_a_cell_of_its_own(tmp_path: Path, after: str) -> None:
    cells = learners_notebook(lesson(tmp_path, code(FUNCTION) + after)).cells
    assert len(cells) == 2 + bool(after)
    assert cells[1].source.startswith("<details><summary>Solution</summary>\n\n```python\ndef softmax(scores):\n")


def test_the_folded_solution_is_whole_statements_that_can_be_pasted() -> None:
    assert solution_code(FUNCTION).startswith('def softmax(scores):\n    """Weights."""\n    shifted')
    assert solution_code(PENCIL) == "answer = 0.731"
    two = "### BEGIN SOLUTION\n# first\na = 1\n# why\nb = 2\n### END SOLUTION\nprint(a)\n### BEGIN SOLUTION\nc = 3\n### END SOLUTION"
    assert solution_code(two) == "# first\na = 1\n# why\nb = 2\nc = 3"
    assert solution_code("%time x\n### BEGIN SOLUTION\nz = 1\n### END SOLUTION") == "z = 1"
    assert add_to_hints("no hints", "a = 1") is None


@pytest.mark.parametrize(
    "source", ["### BEGIN SOLUTION\na = 1", "### END SOLUTION", "### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION"]
)
def test_markers_that_do_not_pair_up_are_named(tmp_path: Path, source: str) -> None:
    made = lesson(tmp_path, code("a = 1\n### BEGIN SOLUTION\na = 2\n### END SOLUTION") + code(source + "\nx = 1"))
    with pytest.raises(CourseError, match=r"01_toy.py, cell 2: .*SOLUTION"):
        learners_notebook(made)
    with pytest.raises(CourseError, match="SOLUTION"):
        solved_notebook(made)


def test_a_stub_without_solution_and_lines_before_the_first_cell_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="cell 1 names a stub but marks no solution"):
        learners_notebook(lesson(tmp_path, code("a = 1", 'stub="a = ..."')))
    with pytest.raises(CourseError, match="cell 1 holds comments only"):
        learners_notebook(lesson(tmp_path, "# written by hand\n\n" + code("a = 1")))
    with pytest.raises(CourseError, match="has no source"):
        learners_notebook(Lesson("02", "02_none", tmp_path))


def test_ids_are_the_same_each_time_move_with_their_cell_and_show_an_edit(tmp_path: Path) -> None:
    first = learners_notebook(lesson(tmp_path, code("a = 1") + code("a = 1") + code("b = 2")))
    again = learners_notebook(lesson(tmp_path, code("new = 0") + code("a = 1") + code("a = 1") + code("b = 2")))
    assert [cell.id for cell in again.cells[1:]] == [cell.id for cell in first.cells]
    assert len({cell.id for cell in again.cells}) == 4
    nbformat.validate(again)

    def read_back() -> NotebookNode:
        for number, cell in enumerate((cells := [cell for cell in first.cells if cell.cell_type == "code"]), 1):
            cell.execution_count = number
        assert len(cells) == 3
        return nbformat.reads(serialised(first), as_version=4)

    def changed(change: Callable[[NotebookNode], object]) -> NotebookNode:
        notebook = read_back()
        change(notebook)
        return notebook

    assert is_pristine(read_back())
    assert not is_pristine(changed(lambda notebook: notebook.cells[1].update(source="a = 2")))
    assert not is_pristine(changed(lambda notebook: notebook.cells.pop()))
    assert not is_pristine(changed(lambda notebook: notebook.cells.reverse()))
    assert not is_pristine(changed(lambda notebook: notebook.cells[0].update(execution_count=None)))


def test_links_hold_from_the_solved_notebooks_folder(tmp_path: Path) -> None:
    lesson(tmp_path, code("a = 1"), "02_next")
    text = (
        "[next](02_next.ipynb#part) [later](09_later.ipynb) [plan](../README.md) [own](solutions/01_toy.ipynb) [web](https://x.org/a.b) "
        '[here](#part) ![p](pictures/a.png "A title") <img src="b.png" alt="b"> `[code](c.md)`'
    )
    made = lesson(tmp_path, prose(text))
    assert solved_notebook(made).cells[0].source == (
        "[next](02_next.ipynb#part) [later](../09_later.ipynb) [plan](../../README.md) [own](01_toy.ipynb) [web](https://x.org/a.b) "
        '[here](#part) ![p](../pictures/a.png "A title") <img src="../b.png" alt="b"> `[code](c.md)`'
    )
    assert learners_notebook(made).cells[0].source == text
    found = list(relative_links(text))
    assert found == ["02_next.ipynb#part", "09_later.ipynb", "../README.md", "solutions/01_toy.ipynb", "pictures/a.png", "b.png"]


def executed(*made: NotebookNode, tags: tuple[str, ...] = ()) -> NotebookNode:
    cell = nbformat.v4.new_code_cell("x", outputs=list(made))
    cell.metadata.tags = list(tags)
    return cell


def printed(text: str, name: str = "stdout") -> NotebookNode:
    return nbformat.v4.new_output("stream", name=name, text=text)


def shown(**data: str) -> NotebookNode:
    return nbformat.v4.new_output("display_data", data={key.replace("_", "/", 1): value for key, value in data.items()})


def test_alt_text_of_pictures_is_copied_to_the_cell() -> None:
    cell = executed(shown(text_html='<p><img width="2" alt="1 &lt; 2 &amp; 3" src="x"></p>'), shown(text_html="<img alt='and more'>"))
    outputs.set_alt(cell)
    assert cell.metadata.alt == "1 < 2 & 3 and more"
    plain = executed(shown(text_html="<img src='x'>"))
    plain.metadata.alt = "from the source"
    outputs.set_alt(plain)
    assert plain.metadata.alt == "from the source"


def test_widgets_leave_a_sentence_and_nothing_random() -> None:
    view = nbformat.v4.new_output("display_data", data={outputs.WIDGET_VIEW: {"model_id": "1f"}, "text/plain": "VBox(children=(…))"})
    own = nbformat.v4.new_output("display_data", data={outputs.WIDGET_VIEW: {"model_id": "2f"}, "text/plain": "Move the query."})
    cell = executed(view, own, printed("\r 10%|#         | 1/10", "stderr"))
    outputs.clean(cell)
    assert [dict(output.data) for output in cell.outputs] == [{"text/plain": outputs.WIDGET_SENTENCE}, {"text/plain": "Move the query."}]


def test_an_intended_error_is_kept_without_paths_and_colours() -> None:
    error = nbformat.v4.new_output("error", ename="ValueError", evalue="no", traceback=["\x1b[31m/home/me/x.py\x1b[0m", "ValueError: no"])
    cell = executed(error, tags=("raises-exception",))
    outputs.clean(cell)
    assert cell.outputs[0].traceback == ["ValueError: no"]
    assert not list(outputs.faults(cell))


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (printed("saved to /home/me/x.pt"), "a path of this machine: '/home/me/x.pt'"),
        (printed("C:\\Users\\me"), "a path of this machine"),
        (printed("UserWarning: lr_scheduler"), "a warning"),
        (printed("at 2026-01-02 03:04"), "a time stamp"),
        (printed("<Thing object at 0x7f0011223344>"), "an address in memory"),
        (printed("something", "stderr"), "standard error: 'something'"),
        (shown(text_html="<p>/tmp/a</p>"), "a path of this machine"),
        (nbformat.v4.new_output("error", ename="NameError", evalue="name", traceback=[]), "it stops with NameError: name"),
    ],
)
def test_outputs_of_one_machine_are_refused(output: NotebookNode, words: str) -> None:
    (fault,) = outputs.faults(executed(output))
    assert words in fault


@pytest.mark.parametrize(
    "text",
    ["a/b 3/4 and/or https://x.org/home/a", "12:30 on 2026-01-02", "Warnings come later.", '<img src="data:image/png;base64,ab/tmp/cd==">'],
)
def test_ordinary_outputs_pass(text: str) -> None:
    assert not list(outputs.faults(executed(printed(text))))


def test_a_number_that_no_notebook_has_is_answered_with_those_there_are(tmp_path: Path) -> None:
    lesson(tmp_path, code("a = 1"))
    lesson(tmp_path, code("a = 1"), "12_last")
    assert [made.name for made in choose(None, tmp_path)] == ["01_toy", "12_last"]
    assert [made.name for made in choose(["12", 1, "01_toy.ipynb"], tmp_path)] == ["12_last", "01_toy"]
    with pytest.raises(CourseError, match=r"no notebook 7, x. There are: 01, 12"):
        choose([7, "x"], tmp_path)
    with pytest.raises(CourseError, match="no notebook ''. There are"):
        choose([""], tmp_path)
    for name in ("Untitled.ipynb", "12_last-Copy1.ipynb", "12_mine.ipynb"):
        (tmp_path / "notebooks" / name).write_text("{}")
    assert [made.name for made in choose(None, tmp_path)] == ["01_toy", "12_last"]
    lesson(tmp_path, code("a = 1"), "12_other")
    with pytest.raises(CourseError, match="share the number 12"):
        choose(None, tmp_path)
    with pytest.raises(CourseError, match="holds no notebooks"):
        choose(None, tmp_path / "elsewhere")
