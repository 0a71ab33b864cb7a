"""Notebooks are built, run, held against their sources and made fresh: a course of one small notebook in a folder of its own."""

import errno
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from nbformat import NotebookNode

from lessons_lib.course import CourseError, build, check, handout, reset, run
from lessons_lib.course.cells import BUILT, learners_notebook, solved_notebook
from lessons_lib.course.places import Lesson

SOURCE = """# %% [markdown]
# # A toy
# See [the source](source/01_toy.py).

# %% tags=["nbval-check-output"]
print("one")

# %%
from IPython.display import display

display({"text/html": '<img alt="A dot" src="data:,">', "text/plain": "A dot"}, raw=True)

# %% tags=["exercise", "nbval-check-output"]
def check(key, answer):
    print("Not attempted yet." if answer is ... else "Right: it is." if answer == 2 else "Not yet.")


### BEGIN SOLUTION
answer = 2
### END SOLUTION
check("toy.two", answer)

# %% [markdown]
# <details><summary>First hint</summary>
#
# One more than one.
#
# </details>
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course, built once for all tests of this file."""
    root = tmp_path_factory.mktemp("course")
    (root / "notebooks" / "source").mkdir(parents=True)
    (root / "notebooks" / "source" / "01_toy.py").write_text(SOURCE, encoding="utf-8")
    assert build(root=root) == 0
    return root


@pytest.fixture
def course(built: Path, tmp_path: Path) -> Path:
    """A copy of the built course to spoil."""
    return Path(shutil.copytree(built, tmp_path / "course"))


def learner(course: Path) -> Path:
    return course / "notebooks" / "01_toy.ipynb"


def solved(course: Path) -> Path:
    return course / "notebooks" / "solutions" / "01_toy.ipynb"


def source(course: Path) -> Path:
    return course / "notebooks" / "source" / "01_toy.py"


def spoil(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def edit(path: Path) -> None:
    """What JupyterLab saves when a reader fills in the exercise: new source, same ids."""
    spoil(path, "answer = ...", "answer = 5")


def test_both_notebooks_are_executed_and_one_is_solved(course: Path) -> None:
    answers = []
    for path in (learner(course), solved(course)):
        cells = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
        assert [cell["execution_count"] for cell in cells] == [1, 2, 3]
        assert cells[1]["metadata"] == {"alt": "A dot"}
        answers.append(cells[2]["outputs"][0]["text"])
    assert answers == [["Not attempted yet.\n"], ["Right: it is.\n"]]


def test_two_builds_are_the_same_bytes(course: Path) -> None:
    before = learner(course).read_bytes(), solved(course).read_bytes()
    assert build(["01"], root=course) == 0
    assert (learner(course).read_bytes(), solved(course).read_bytes()) == before


def test_a_built_course_is_in_step(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(root=course) == 0
    assert capsys.readouterr().out == "In step with their sources: 01_toy.\n"


@pytest.mark.parametrize(
    ("path", "old", "new", "words"),
    [
        (source, 'print("one")', 'print("two")', ["cell 2, source", "print(\"one\")", "lessons notebooks build 01"]),
        (learner, '\\"one\\"', '\\"two\\"', ["notebooks/01_toy.ipynb differs", "cell 2, source"]),
        (solved, '\\"one\\"', '\\"two\\"', ["notebooks/solutions/01_toy.ipynb differs"]),
        (source, "# One more than one.", "# One more.", ["cell 5, source"]),
        (source, 'tags=["nbval-check-output"]', 'tags=["other"]', ["cell 2, metadata"]),
        (learner, '"alt": "A dot"', '"alt": "A line"', ["cell 3, metadata"]),
        (learner, '"name": "python3"', '"name": "mine"', ["the notebook's metadata"]),
        (learner, '"nbformat": 4,', '"nbformat":  4,', ["written in another way"]),
        (learner, '"name": "stdout"', '"name": "stderr"', ["standard error"]),
        (learner, '"one\\n"', '"/home/me/one\\n"', ["a path of this machine"]),
        (learner, '"execution_count": 2,', '"execution_count": 7,', ["not executed once each"]),
        (solved, '"Right: it is.\\n"', '"Not yet.\\n"', ["on the solution the check should say 'Right'"]),
        (learner, '"Not attempted yet.\\n"', '"Right: it is.\\n"', ["on the untouched stub"]),
        (learner, '"cells"', '"cels"', ["01_toy.ipynb"]),
    ],
)  # fmt: skip
def test_whatever_is_out_of_step_is_named_with_the_way_to_mend_it(
    course: Path, capsys: pytest.CaptureFixture[str], path: object, old: str, new: str, words: list[str]
) -> None:
    spoil(path(course), old, new)
    assert check(["1"], root=course) == 1
    printed = capsys.readouterr().out
    assert all(word in printed for word in words), printed


def test_cells_files_and_links_that_are_missing_are_named(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoil(source(course), "# %%\nfrom", '# %%\nprint("new")\n\n# %%\nfrom')
    assert check(root=course) == 1
    assert "cells instead of" in capsys.readouterr().out
    source(course).rename(course / "notebooks" / "source" / "02_toy.py")
    assert check(root=course) == 1
    printed = capsys.readouterr().out
    assert "01_toy.ipynb has no source" in printed
    assert "02_toy.ipynb is missing" in printed


def test_a_link_that_leads_nowhere_and_a_stray_solution_are_named(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (source(course), learner(course), solved(course)):
        spoil(path, "source/01_toy.py)", "source/09_toy.py)")
    for path in (learner(course), solved(course)):  # the ids of changed cells change with them
        old, new = json.loads(path.read_text()), _rebuilt(course, path)
        spoil(path, old["cells"][0]["id"], new.cells[0].id)
        spoil(path, old["metadata"][BUILT], new.metadata[BUILT])
    shutil.copy(solved(course), course / "notebooks" / "solutions" / "05_left_over.ipynb")
    assert check(root=course) == 1
    printed = capsys.readouterr().out
    assert printed.count("cell 1 links to") == 2
    assert "05_left_over.ipynb has no source" in printed


def _rebuilt(course: Path, path: Path) -> NotebookNode:
    lesson = Lesson("01", "01_toy", course)
    return (solved_notebook if path == lesson.solved else learners_notebook)(lesson)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('print("one")', "1 / 0", r"01_toy \(learner\), cell 2 \('1 / 0'\): ZeroDivisionError: division by zero"),
        ('print("one")', 'import warnings; warnings.warn("old")', "cell 2: it writes to standard error"),
        ('print("one")', 'print("/tmp/x")', "cell 2: its output holds a path of this machine"),
        ("answer = 2", "answer = 3", r"01_toy \(solved\), cell 4: on the solution the check should say 'Right' but says 'Not yet.'"),
    ],
)
def test_a_build_that_fails_names_the_cell_and_writes_neither_notebook(course: Path, old: str, new: str, words: str) -> None:
    before = learner(course).read_bytes(), solved(course).read_bytes()
    spoil(source(course), old, new)
    with pytest.raises(CourseError, match=words):
        build(root=course)
    assert (learner(course).read_bytes(), solved(course).read_bytes()) == before


def test_run_prints_a_row_a_notebook_and_changes_no_file(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(learner(course))
    before = learner(course).read_bytes()
    assert run(root=course) == 0
    name, seconds, megabytes, result = capsys.readouterr().out.splitlines()[1].split()
    assert (name, result) == ("01_toy", "ok")
    assert 0 < float(seconds) < 120
    assert 20 < float(megabytes) < 2000
    assert learner(course).read_bytes() == before
    spoil(learner(course), 'print(\\"one\\")', "1 / 0")
    assert run(["01"], root=course) == 1
    assert "cell 2 ('1 / 0'): ZeroDivisionError" in capsys.readouterr().out
    for damage in (b"<<<<<<< HEAD\n", b"\xff", b"[]", b"null", b'{"cells": [5], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}'):
        learner(course).write_bytes(damage)
        assert run(root=course) == 1 and check(root=course) == 1
        assert capsys.readouterr().out.count("cannot be read as a notebook") == 2


def refused(*_: object) -> None:
    raise PermissionError(errno.EPERM, "Operation not permitted")


def git(course: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(course), "-c", "user.name=a", "-c", "user.email=a@b.c", *arguments], check=True, capture_output=True)


@pytest.mark.parametrize("has_links", [True, False])
def test_reset_takes_the_committed_notebook_and_keeps_the_readers(
    course: Path, has_links: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a file system without hard links (a share, a stick) as well."""
    if not has_links:
        monkeypatch.setattr("lessons_lib.course.places.os.link", refused)
    fresh = learner(course).read_bytes()
    git(course, "init", "-q")
    git(course, "add", "-A")
    git(course, "commit", "-qm", "course")
    assert reset("01", root=course) == 0
    assert "fresh already" in capsys.readouterr().out
    for number in (1, 2):
        edit(learner(course))
        mine = learner(course).read_bytes()
        assert reset(1, root=course) == 0
        assert learner(course).read_bytes() == fresh
        assert learner(course).with_name(f"01_toy.mine-{number}.ipynb").read_bytes() == mine
    assert check(root=course) == 0, "copies of a reader's own are no notebooks of the course"


@pytest.mark.parametrize("name", [None, "01_anna", "01_toy_final", "02_old"])
def test_in_a_class_without_sources_reset_brings_back_what_was_deleted_or_renamed(course: Path, name: str | None) -> None:
    fresh = learner(course).read_bytes()
    git(course, "init", "-q")
    git(course, "add", "-A")
    git(course, "commit", "-qm", "course")
    shutil.rmtree(course / "notebooks" / "source")
    if name:
        learner(course).rename(learner(course).with_stem(name))
    else:
        learner(course).unlink()
    assert reset("01", root=course) == 0
    assert learner(course).read_bytes() == fresh


def test_what_a_class_was_given_is_what_reset_gives_once_it_is_committed(course: Path, tmp_path: Path) -> None:
    git(course, "init", "-q")
    git(course, "add", "-A")
    git(course, "commit", "-qm", "course")
    handout(tmp_path / "class", root=course)
    given = (tmp_path / "class" / "01_toy.ipynb").read_bytes()
    learner(course).write_bytes(given)
    git(course, "commit", "-qam", "for the class")
    edit(learner(course))
    assert reset("01", root=course) == 0
    assert learner(course).read_bytes() == given and b"Solution" not in given


def test_reset_looks_past_what_a_reader_committed(course: Path) -> None:
    fresh = learner(course).read_bytes()
    git(course, "init", "-q")
    git(course, "add", "-A")
    git(course, "commit", "-qm", "course")
    edit(learner(course))
    git(course, "commit", "-qam", "my answers")
    for nothing in ("[]", '{"cells": 5}', "<<<<<<< HEAD"):
        learner(course).write_text(nothing, encoding="utf-8")
        git(course, "commit", "-qam", "by mistake")
    assert reset("01", root=course) == 0
    assert learner(course).read_bytes() == fresh


def test_a_notebook_behind_a_link_is_kept_as_a_file(course: Path, tmp_path: Path) -> None:
    edit(learner(course))
    mine, elsewhere = learner(course).read_bytes(), tmp_path / "elsewhere.ipynb"
    learner(course).rename(elsewhere)
    learner(course).symlink_to(elsewhere)
    assert reset("01", root=course) == 0
    kept = learner(course).with_name("01_toy.mine-1.ipynb")
    assert kept.read_bytes() == mine != learner(course).read_bytes() and not kept.is_symlink()


def test_a_build_keeps_what_a_reader_wrote_and_makes_no_copy_of_a_build(course: Path) -> None:
    assert build(root=course) == 0
    kept = learner(course).with_name("01_toy.mine-1.ipynb")
    assert not kept.exists()
    edit(learner(course))
    mine = learner(course).read_bytes()
    assert build(root=course) == 0
    assert kept.read_bytes() == mine != learner(course).read_bytes()


def test_a_notebook_without_a_source_is_named(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    learner(course).with_name("01_toy-Copy1.ipynb").write_bytes(learner(course).read_bytes())
    assert check(root=course) == 0
    learner(course).with_name("02_old.ipynb").write_bytes(learner(course).read_bytes())
    assert check(root=course) == 1
    assert "notebooks/02_old.ipynb has no source" in capsys.readouterr().out


def test_a_class_gets_the_notebook_without_its_solution_and_with_all_else(course: Path, tmp_path: Path) -> None:
    whole = learner(course).read_text(encoding="utf-8")
    assert handout(tmp_path / "class" / "a", ["01"], root=course) == 0
    given = (tmp_path / "class" / "a" / "01_toy.ipynb").read_text(encoding="utf-8")
    assert "<summary>Solution" in whole and "Solution" not in given and "First hint" in given
    kept = [[cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"] for text in (whole, given)]
    assert kept[0] == kept[1]
    assert learner(course).read_text(encoding="utf-8") == whole


def test_nothing_is_handed_out_over_what_is_there_or_with_a_readers_work_in_it(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for numbers in (None, ["01"]):
        with pytest.raises(CourseError, match="Name the folder first"):
            handout(Path("1"), numbers, root=course)
    handout(tmp_path, root=course)
    before = (tmp_path / "01_toy.ipynb").read_bytes()
    with pytest.raises(CourseError, match="holds 01_toy.ipynb already"):
        handout(tmp_path, root=course)
    assert (tmp_path / "01_toy.ipynb").read_bytes() == before
    edit(learner(course))
    with pytest.raises(CourseError, match="reset 01"):
        handout(tmp_path / "other", root=course)
    learner(course).unlink()
    with pytest.raises(CourseError, match="01_toy.ipynb cannot be handed out"):
        handout(tmp_path / "other", root=course)
    assert not (tmp_path / "other").exists()


def test_a_number_that_is_none_is_refused_before_any_notebook_is_reset(course: Path) -> None:
    edit(learner(course))
    mine = learner(course).read_bytes()
    with pytest.raises(CourseError, match="There is no notebook 99"):
        reset("01", "99", root=course)
    assert learner(course).read_bytes() == mine


def test_reset_without_git_makes_the_notebook_from_its_source(course: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(learner(course))
    assert reset("01", root=course) == 0
    assert "from its source" in capsys.readouterr().out
    cells = json.loads(learner(course).read_text(encoding="utf-8"))["cells"]
    assert "answer = ...\n" in cells[3]["source"]
    assert cells[3]["outputs"] == []


def test_what_a_reader_without_nbgrader_can_and_cannot_do(
    course: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "nbgrader", None)
    monkeypatch.setitem(sys.modules, "nbgrader.preprocessors", None)
    assert run(root=course) == 0
    assert check(root=course) == 1
    assert "needs the extra 'dev'" in capsys.readouterr().out
    with pytest.raises(CourseError, match="needs the extra 'dev'"):
        build(root=course)
    edit(learner(course))
    mine = learner(course).read_bytes()
    with pytest.raises(CourseError, match="git does not know one"):
        reset("01", root=course)
    assert learner(course).read_bytes() == mine
