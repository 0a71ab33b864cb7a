"""Submissions are found, read and recognised; what cannot be graded is refused or named, and nothing of it is run."""

import io
import json
import os
import sys
import threading
from pathlib import Path

import pytest
from command_line import assert_refused, lessons
from handed_in import KEYS, LESSON, LOOP, graded, hand_in, notebook, read_table, score, statuses

from lessons_lib.course import Limits, confined, grade, grading, submissions
from lessons_lib.course.confined import Outcome
from lessons_lib.course.places import CourseError
from lessons_lib.course.submissions import Unusable, asked_for, find_submissions


def test_files_that_are_no_notebooks_cost_their_own_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = hand_in(
        tmp_path / "in",
        {
            "broken.ipynb": "no notebook",
            "empty.ipynb": "",
            "list.ipynb": "[1]",
            "deep.ipynb": "[" * 100_000,
            "other.ipynb": notebook("1 + 1"),
            "=1+1.ipynb": "{}",
            "nobody/letter.txt": "sorry",
            "notes.txt": "no submission",
            "anna/.ipynb_checkpoints/01.ipynb": "hidden",
            "anna/._01.ipynb": "a Mac's own",
            "__MACOSX/anna/._01.ipynb": "a Mac's own",
            "max.zip": "packed",
            "old.ipynb": '{"worksheets": [], "nbformat": 3}',
        },
    )
    (folder / "link.ipynb").symlink_to(folder / "other.ipynb")
    (folder / "torn.ipynb").symlink_to(folder / "gone.ipynb")
    os.mkfifo(folder / "pipe.ipynb")
    table = graded(folder)
    assert "left out, no notebooks (.ipynb): max.zip, notes.txt\n" in capsys.readouterr().err
    assert table.pop("link.ipynb")["remark"] == table.pop("torn.ipynb")["remark"] == "not run: a link, not a file"
    assert table.pop("pipe.ipynb")["remark"] == "not run: no file that can be read"
    assert "an old format of notebooks" in table.pop("old.ipynb")["remark"]
    assert list(table) == ["'=1+1.ipynb", "anna", "broken.ipynb", "deep.ipynb", "empty.ipynb", "list.ipynb", "nobody", "other.ipynb"]
    assert all((row["passed"], row["of"], row["notebook"], row["seconds"]) == ("0", "", "", "") for row in table.values())
    assert table["anna"]["remark"] == table["nobody"]["remark"] == "no notebook (.ipynb) in this folder"
    assert all("not a notebook" in table[f"{name}.ipynb"]["remark"] for name in ("broken", "empty", "list", "deep", "'=1+1"))
    assert "--notebook NN" in table["other.ipynb"]["remark"]


def test_a_listener_that_has_gone_costs_no_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = hand_in(tmp_path / "in", {"a.ipynb": "{}", "b.ipynb": "{}"})

    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            if "/2 " in text:
                raise BrokenPipeError
            return len(text)

    monkeypatch.setattr("sys.stderr", Closed())
    assert grade(folder, out=tmp_path / "scores.csv") == 0
    assert list(read_table((tmp_path / "scores.csv").read_text(encoding="utf-8-sig"))) == ["a.ipynb", "b.ipynb"]


def test_a_table_that_the_disk_refuses_at_the_end_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    def refuse(path: Path, data: bytes) -> None:
        raise PermissionError(13, "Excel has it open", str(path))

    monkeypatch.setattr(grading, "write_bytes", refuse)
    with pytest.raises(PermissionError):
        grade(hand_in(tmp_path / "in", {"Jürgen.ipynb": "{}"}), out=tmp_path / "scores.csv")
    assert list(read_table(capfdbinary.readouterr().out.decode())) == ["Jürgen.ipynb"]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_grading_that_is_given_up_keeps_the_rows_so_far(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], jobs: int
) -> None:
    def cells(cells: object, files: dict[str, bytes], *_: object) -> Outcome:
        if "c.ipynb" in files:
            raise KeyboardInterrupt
        return Outcome()

    monkeypatch.setattr(grading, "run_cells", cells)
    folder = hand_in(tmp_path / "in", {f"{name}.ipynb": notebook(f'check("{KEYS[0]}", 1)') for name in "abcd"})
    with pytest.raises(KeyboardInterrupt):
        grade(folder, out=tmp_path / "scores.csv", jobs=jobs)
    assert not (tmp_path / "scores.csv").exists()
    kept = tmp_path / "scores.unfinished.csv"
    assert list(read_table(kept.read_text(encoding="utf-8-sig"))) == ["a.ipynb", "b.ipynb"]
    assert f"given up; 2 of 4 submissions: {kept}" in capsys.readouterr().err


def test_what_lies_beside_a_notebook_comes_with_it_but_for_links_and_what_is_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("01.ipynb", "data.txt", ".hidden", "deeper/more.txt", ".secret/key")
    folder = hand_in(tmp_path / "in", {f"anna/{name}": "{}" for name in names})
    (folder / "anna" / "link.txt").symlink_to(tmp_path)
    (folder / "anna" / "key.txt").symlink_to(folder / "anna" / ".hidden")
    (anna,) = find_submissions(folder)
    assert sorted(anna.files(folder)) == ["01.ipynb", "data.txt", "deeper/more.txt"]
    monkeypatch.setattr(submissions, "LARGEST_FOLDER", 5)
    with pytest.raises(Unusable, match="its folder holds 0 MB, more than 0"):
        anna.files(folder)


def test_a_notebooks_output_takes_no_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = hand_in(tmp_path / "in", {"Jürgen.ipynb": "{}"})
    monkeypatch.setattr("sys.stdout", io.StringIO())
    assert grade(folder) == 0
    assert list(read_table(sys.stdout.getvalue())) == ["Jürgen.ipynb"]


def test_several_at_a_time_share_the_cores_that_may_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int | None] = []
    monkeypatch.setattr(grading, "run_cells", lambda cells, files, limits, stop: threads.append(limits.threads) or Outcome())
    monkeypatch.setattr("lessons_lib.runtime.usable_cores", lambda: 6.5)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    folder = hand_in(tmp_path / "in", {f"{name}.ipynb": notebook(f'check("{KEYS[0]}", 1)') for name in "ab"})
    for jobs in (2, 20):
        graded(folder, jobs=jobs)
    assert threads == [3, 3, 1, 1]


def test_a_kernel_that_does_not_start_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confined, "_KERNEL", "import time; time.sleep(60)")
    monkeypatch.setattr(confined, "STARTUP_SECONDS", 0.5)
    monkeypatch.setattr(confined, "GRACE_SECONDS", 0.1)
    (remark,) = confined.run_cells({"a cell": ("1", [])}, {}, Limits(), threading.Event()).remarks
    assert remark.startswith("not run: the step before its first cell ran longer than 0.5 s and did not heed the interrupt (does ")


def test_a_kernel_finds_what_was_fetched_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    environment = confined._environment(tmp_path, None)
    assert environment["HF_HOME"] == "/caches/huggingface" and "XDG_CACHE_HOME" not in environment


def test_with_the_lesson_set_another_one_is_named_and_not_run(tmp_path: Path) -> None:
    folder = hand_in(tmp_path / "in", {"zero.ipynb": notebook('check("start.one_step", 1)')})
    outcome = lessons("grade", folder, "--notebook", "01")
    row = read_table(outcome.out.decode())["zero.ipynb"]
    assert (score(row), set(statuses(row)), row["remark"]) == ("0/", {""}, "not run: this is notebook 00, 01 was set")
    assert row["notebook"] == "00_start_here"


@pytest.mark.slow
def test_with_the_lesson_set_a_notebook_without_checks_is_taken_for_it(tmp_path: Path) -> None:
    folder = hand_in(
        tmp_path / "in", {"a.ipynb": notebook("1 + 1", "from pathlib import Path\nassert not Path('b.ipynb').exists()"), "b.ipynb": "{"}
    )
    row = read_table(lessons("grade", folder, "--notebook", "1").out.decode())["a.ipynb"]
    assert (score(row), row["notebook"], row["remark"]) == ("0/6", LESSON.name, f"no cell checks {', '.join(KEYS)}")


def test_names_are_found_in_a_list_and_told_without_control_characters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = hand_in(tmp_path / "in", {"Jose\u0301.IPYNB": "{}", "\x1b[2Jx.ipynb": "{}"})
    table = graded(folder)
    assert list(table) == ["\ufffd[2Jx.ipynb", "Jos\u00e9.IPYNB"] and "\x1b" not in capsys.readouterr().err
    assert (tmp_path / "scores.csv").read_bytes().startswith("\ufeffsubmission".encode())


def test_a_table_that_cannot_be_written_is_told_before_anything_runs(tmp_path: Path) -> None:
    folder = hand_in(tmp_path / "in", {"a.ipynb": notebook("1")})
    outcome = lessons("grade", folder, "--out", "/proc/scores.csv" if Path("/proc").is_dir() else tmp_path / "no" / "scores.csv")
    assert_refused(outcome, "The table cannot be written to")
    assert "a.ipynb" not in outcome.err


def test_a_folder_that_cannot_be_read_has_its_own_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = hand_in(tmp_path, {"zed/01.ipynb": notebook("1"), "ann/01.ipynb": notebook("1")})
    access = os.access
    monkeypatch.setattr("os.access", lambda path, mode: Path(path).name != "zed" and access(path, mode))
    with monkeypatch.context() as listed:
        listed.setattr("os.path.isfile", lambda path: "zed" not in Path(path).parts)
        assert [entry.unusable for entry in find_submissions(folder)] == ["", "not run: no file that can be read"]
    walk = os.walk
    monkeypatch.setattr("os.walk", lambda top: (step for step in walk(top) if "zed" not in Path(step[0]).parts))
    assert [(entry.name, entry.unusable) for entry in find_submissions(folder)] == [
        ("ann/01.ipynb", ""), ("zed", "this folder cannot be read"),
    ]  # fmt: skip


def test_submissions_are_read_before_any_is_run_and_sorted_by_name(tmp_path: Path) -> None:
    folder = hand_in(tmp_path, {"b.ipynb": notebook("2"), "A/x.ipynb": notebook("1"), "c/d/e.ipynb": notebook("3")})
    found = find_submissions(folder)
    (folder / "b.ipynb").unlink()
    assert [(submission.name, submission.cells[1]) for submission in found] == [("A/x.ipynb", "1"), ("b.ipynb", "2"), ("c/d/e.ipynb", "3")]
    assert sorted(found[0].files(folder)) == ["x.ipynb"]


def test_the_official_keys_are_those_of_the_notebooks_checks() -> None:
    code = "\n".join(
        "".join(cell["source"]) for cell in json.loads(LESSON.learner.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"
    )
    assert KEYS == asked_for(code) and len(KEYS) == 6
    assert asked_for('check(f"a.{b}", x)\ncheck(key, x)\ncheck("c.d", y)') == ["c.d"]
    assert asked_for('print("# 1"); check ("a.b", x); check(\n    "c.d", y)  # check("e.f", z)') == ["a.b", "c.d"]
    assert asked_for('%%time\nx = 1; check( "a.b", x)\n# check("c.d", x)\ncheck(\'e.f\', x)\ncheck("a.b", y)\nrecheck("g.h", 1)') == [
        "a.b",
        "e.f",
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], ["nowhere is not there"]),
        (["file.txt"], ["file.txt is not a folder"]),
        (["empty"], ["holds no notebooks", "NAME.ipynb"]),
        (["in", "--notebook", "77"], ["no notebook 77"]),
        (["in", "--out", "in"], ["is a folder", "name a file"]),
        (["in", "--out", "in/a.ipynb"], ["is a notebook", ".csv"]),
        (["in", "--out", "no/scores.csv"], ["no folder", "make it first"]),
        (["in", "--cell-seconds", "0"], ["more than 0", "0 s a cell"]),
        (["in", "--jobs", "0"], ["0 jobs"]),
        (["in", "--memory", "20"], ["20 MB", "500 or more"]),
    ],
)
def test_refusals_come_before_anything_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: list[str]
) -> None:
    hand_in(tmp_path, {"in/a.ipynb": notebook(LOOP), "file.txt": "x"})
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    assert_refused(lessons("grade", *arguments), *words)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.ipynb", "empty", "file.txt", "in"]


def test_a_folder_of_the_course_that_is_damaged_is_named(tmp_path: Path) -> None:
    hand_in(tmp_path, {"notebooks/01_toy.ipynb": "{}", "in/a.ipynb": notebook("1")})
    with pytest.raises(CourseError, match="01_toy.ipynb.*lessons notebooks reset 01"):
        grade(tmp_path / "in", root=tmp_path)
