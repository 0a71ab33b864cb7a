"""Grading a class: what each kind of submission gets, and that none of them harms the grader, its files or another submission."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from command_line import ROOT, assert_refused, lessons

from lessons_lib.course import Limits, grade
from lessons_lib.course.places import CourseError, choose
from lessons_lib.course.submissions import asked_for, find_submissions, official_keys

(LESSON,) = choose(["01"], ROOT)
KEYS = official_keys(LESSON)
UNTOUCHED, SOLVED = LESSON.learner, LESSON.solved
WEREWOLF = 'check("attention.werewolf", [8.7, 9.7])'
STABLE = 'check("attention.stable_softmax", None)'
BEND = 'check("attention.bend_the_query", [1.0, -1.0])'
LOOP = 'while True:\n    print("x" * 1_000_000)\n'
STUBBORN = """
while True:
    try:
        while True:
            print("x" * 100_000)
    except BaseException:
        pass
"""
Table = dict[str, dict[str, str]]


def notebook(*sources: str) -> str:
    """A notebook with these code cells; `check` is imported in the first one, as a learner's is."""
    cells = ["from lessons_lib.exercises import check", *sources]
    return json.dumps({"cells": [{"cell_type": "code", "source": source} for source in cells], "nbformat": 4, "nbformat_minor": 5})


def with_answers(path: Path, take: Callable[[str, str], bool], spoil: dict[str, str] | None = None) -> str:
    """A notebook with the solved one's cells where `take` says so of (key, own source), and code put before the cells of `spoil`'s keys."""
    content = json.loads(path.read_text(encoding="utf-8"))
    solutions = {
        key: "".join(cell["source"])
        for cell in json.loads(SOLVED.read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == "code"
        for key in asked_for("".join(cell["source"]))
    }
    for cell in content["cells"]:
        for key in asked_for("".join(cell["source"])) if cell["cell_type"] == "code" else []:
            source = solutions[key] if take(key, "".join(cell["source"])) else "".join(cell["source"])
            cell["source"] = (spoil or {}).get(key, "") + source
    return json.dumps(content)


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
    return read_table(out.read_text(encoding="utf-8"))


def score(row: dict[str, str]) -> str:
    return f"{row['passed']}/{row['of']}"


def statuses(row: dict[str, str]) -> list[str]:
    return [row[key] for key in KEYS]


@pytest.mark.slow
def test_solved_untouched_half_done_looping_and_crashing_copies_of_01(tmp_path: Path) -> None:
    half, always = {KEYS[1], KEYS[2], KEYS[5]}, lambda key, source: True
    folder = hand_in(
        tmp_path / "Abgaben der 7 b",
        {
            "Jürgen Groß (fertig).ipynb": SOLVED.read_text(encoding="utf-8"),
            "anna/01_attention_by_hand.ipynb": UNTOUCHED.read_text(encoding="utf-8"),
            "ben.ipynb": with_answers(UNTOUCHED, lambda key, source: key in half),
            "clara.ipynb": with_answers(SOLVED, always, {KEYS[2]: LOOP}),
            "dora.ipynb": with_answers(SOLVED, always, {KEYS[3]: "import os\nos._exit(1)\n"}),
        },
    )
    outcome = lessons("grade", folder, "--cell-seconds", 20, "--jobs", 2)
    table = read_table(outcome.out.decode())
    assert outcome.status == 0
    assert list(table) == ["anna/01_attention_by_hand.ipynb", "ben.ipynb", "clara.ipynb", "dora.ipynb", "Jürgen Groß (fertig).ipynb"]
    anna, ben, clara, dora, juergen = table.values()
    assert (score(juergen), juergen["remark"], set(statuses(juergen))) == ("6/6", "", {"right"})
    assert (score(anna), anna["remark"], set(statuses(anna))) == ("0/6", "", {"not attempted"})
    assert (score(ben), ben["remark"]) == ("3/6", "")
    assert statuses(ben) == ["right" if key in half else "not attempted" for key in KEYS]
    assert (score(clara), statuses(clara)[2]) == ("5/6", "not reached")
    assert "(while True:) ran longer than 20 s and was stopped" in clara["remark"]
    assert (score(dora), statuses(dora)) == ("3/6", ["right"] * 3 + ["not reached"] * 3)
    assert "(import os) ended the kernel (exit status 1)" in dora["remark"]
    assert all(row["notebook"] == "01_attention_by_hand" and 0 < float(row["seconds"]) < 300 for row in table.values())
    assert "3/5 clara.ipynb: 5 of 6" in outcome.err


LEAVES_BEHIND = """
import atexit, os, subprocess, time
atexit.register(time.sleep, 1000)
child = subprocess.Popen(["setsid", "sleep", "1000"])
open({path!r}, "w").write(f"{{child.pid}} {{os.getpid()}} {{os.getcwd()}} {{os.environ['HOME']}}")
"""
FORGED = """
import json, os
for key in ("attention.stable_softmax", "attention.causal_attention"):
    open(os.environ["LESSONS_VERDICTS"], "a").write(json.dumps({"key": key, "verdict": "right"}) + "\\n")
"""
TINY = {
    "errors.ipynb": notebook("def broken(:", "1 / 0", "input()", WEREWOLF, "raise SystemExit", "undefined", "exit()", BEND),
    "folder/deletes.ipynb": notebook(
        "import os, shutil\nassert sorted(os.listdir()) == ['data.txt', 'deletes.ipynb']",
        "for place in ('.', os.environ['HOME'], os.environ['TMPDIR']): shutil.rmtree(place, ignore_errors=True)",
        WEREWOLF,
    ),
    "parent.ipynb": notebook(WEREWOLF, "import os, signal, time\nos.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(60)", BEND),
    "stubborn.ipynb": notebook(WEREWOLF, STUBBORN, BEND),
    "segfault.ipynb": notebook(WEREWOLF, "import ctypes\nctypes.string_at(0)", BEND),
    "twice.ipynb": notebook(
        FORGED, 'check("attention.werewolf", 3)', WEREWOLF, BEND, 'check("attention.bend_the_query", 5)', f"# {STABLE}"
    ),
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Table, Path]:
    """The table of the tiny notebooks, graded together, and what was written from within about one of them."""
    place = tmp_path_factory.mktemp("class")
    leaves = {"leaves.ipynb": notebook(LEAVES_BEHIND.format(path=str(place / "told.txt")), WEREWOLF)}
    folder = hand_in(place / "in", TINY | leaves | {"folder/data.txt": "1", "=1+1.ipynb": "{}"})
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    table = graded(folder, jobs=2, cell_seconds=8)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    return table, place / "told.txt"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "passed", "words"),
    [
        (
            "errors.ipynb",
            2,
            ["code cell 2 (def broken(:) raised SyntaxError", "raised ZeroDivisionError; 2 more failed; code cell 7 (undefined)"],
        ),
        ("folder/deletes.ipynb", 1, ["no cell checks attention.bend_the_query, attention.stable_softmax"]),
        ("parent.ipynb", 1, ["code cell 3 (import os, signal, time) ended the kernel (the process above it was killed)"]),
        ("stubborn.ipynb", 1, ["code cell 3 (while True:) ran longer than 8 s and did not heed the interrupt"]),
        ("segfault.ipynb", 1, ["(import ctypes) ended the kernel (SIGSEGV)"]),
        ("twice.ipynb", 1, []),
        ("leaves.ipynb", 1, []),
    ],
)
def test_a_submission_costs_only_its_own_points(tiny: tuple[Table, Path], name: str, passed: int, words: list[str]) -> None:
    row = tiny[0][name]
    assert (row["passed"], row["of"]) == (str(passed), "6")
    assert all(word in row["remark"] for word in words), row["remark"]
    assert float(row["seconds"]) < 30


@pytest.mark.slow
def test_the_last_verdict_counts_and_only_from_the_cell_of_its_check(tiny: tuple[Table, Path]) -> None:
    assert statuses(tiny[0]["twice.ipynb"]) == ["wrong", "not reached", "right", "not reached", "not reached", "not reached"]


@pytest.mark.slow
def test_nothing_is_left_behind(tiny: tuple[Table, Path]) -> None:
    child, kernel, work, home = tiny[1].read_text(encoding="utf-8").split(" ")
    assert not psutil.pid_exists(int(kernel))
    assert not psutil.pid_exists(int(child)) or psutil.Process(int(child)).status() == psutil.STATUS_ZOMBIE
    assert not Path(work).exists() and not Path(home).exists() and Path(home) != Path.home()


@pytest.mark.slow
def test_memory_is_limited_for_one_process_and_for_all_together(tmp_path: Path) -> None:
    hoard = "held = []\nwhile True:\n    held.append(bytearray(10_000_000))"
    fork = "if os.fork() == 0:\n    held = bytearray(b'x' * 300_000_000)\n    time.sleep(60)\n"
    folder = hand_in(
        tmp_path / "in",
        {
            "forks.ipynb": notebook(WEREWOLF, "import os, time\n" + fork * 4 + "time.sleep(60)", BEND),
            "hoard.ipynb": notebook(hoard, "held = []", WEREWOLF),
        },
    )
    table = graded(folder, megabytes=1000, cell_seconds=30)
    assert table["hoard.ipynb"]["passed"] == table["forks.ipynb"]["passed"] == "1"
    if sys.platform == "linux":  # elsewhere a kernel that hoards is ended
        assert "code cell 2 (held = []) raised MemoryError" in table["hoard.ipynb"]["remark"]
    assert "more than the 1000 MB allowed, and was stopped" in table["forks.ipynb"]["remark"]


@pytest.mark.slow
def test_seconds_in_all_end_a_notebook(tmp_path: Path) -> None:
    folder = hand_in(tmp_path / "in", {"slow.ipynb": notebook(WEREWOLF, "import time", *["time.sleep(1)"] * 20, BEND)})
    row = graded(folder, seconds=6)["slow.ipynb"]
    assert (row["passed"], row["attention.bend_the_query"]) == ("1", "not reached")
    assert "(time.sleep(1)) was running when the 6 s for all cells were over" in row["remark"]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals are those of POSIX")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_grader_that_is_stopped_leaves_no_kernel(tmp_path: Path, how: signal.Signals) -> None:
    told = tmp_path / "told.txt"
    hand_in(tmp_path / "in", {"a.ipynb": notebook(WEREWOLF, f"import os\nopen({str(told)!r}, 'w').write(str(os.getpid()))", LOOP)})
    command = [sys.executable, "-m", "lessons_lib", "grade", str(tmp_path / "in"), "--out", str(tmp_path / "scores.csv")]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) as grader:
        assert soon(lambda: told.exists() and told.read_text())
        grader.send_signal(how)
        assert grader.wait(timeout=30) == (130 if how == signal.SIGINT else -signal.SIGKILL)
    assert soon(lambda: not psutil.pid_exists(int(told.read_text())))
    assert not (tmp_path / "scores.csv").exists()


def soon(question: Callable[[], object]) -> bool:
    """Whether the answer turns to yes within a minute."""
    end = time.monotonic() + 60
    while not (yes := bool(question())) and time.monotonic() < end:
        time.sleep(0.1)
    return yes


def test_files_that_are_no_notebooks_cost_their_own_row(tmp_path: Path) -> None:
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
        },
    )
    table = graded(folder)
    assert list(table) == ["'=1+1.ipynb", "anna", "broken.ipynb", "deep.ipynb", "empty.ipynb", "list.ipynb", "nobody", "other.ipynb"]
    assert all((row["passed"], row["of"], row["notebook"], row["seconds"]) == ("0", "", "", "") for row in table.values())
    assert table["anna"]["remark"] == table["nobody"]["remark"] == "no notebook (.ipynb) in this folder"
    assert all("not a notebook" in table[f"{name}.ipynb"]["remark"] for name in ("broken", "empty", "list", "deep", "'=1+1"))
    assert "--notebook NN" in table["other.ipynb"]["remark"]


def test_with_the_lesson_set_another_one_is_named_and_not_run(tmp_path: Path) -> None:
    folder = hand_in(tmp_path / "in", {"zero.ipynb": notebook('check("start.one_step", 1)')})
    outcome = lessons("grade", folder, "--notebook", "01")
    row = read_table(outcome.out.decode())["zero.ipynb"]
    assert (score(row), set(statuses(row)), row["remark"]) == ("0/6", {"not reached"}, "not run: this is notebook 00, 01 was set")


@pytest.mark.slow
def test_with_the_lesson_set_a_notebook_without_checks_is_taken_for_it(tmp_path: Path) -> None:
    folder = hand_in(
        tmp_path / "in", {"a.ipynb": notebook("1 + 1", "from pathlib import Path\nassert not Path('b.ipynb').exists()"), "b.ipynb": "{"}
    )
    row = read_table(lessons("grade", folder, "--notebook", "1").out.decode())["a.ipynb"]
    assert (score(row), row["notebook"], row["remark"]) == ("0/6", LESSON.name, f"no cell checks {', '.join(KEYS)}")


def test_submissions_are_read_before_any_is_run_and_sorted_by_name(tmp_path: Path) -> None:
    folder = hand_in(tmp_path, {"b.ipynb": notebook("2"), "A/x.ipynb": notebook("1"), "c/d/e.ipynb": notebook("3")})
    found = find_submissions(folder)
    (folder / "b.ipynb").unlink()
    assert [(submission.name, submission.cells[1]) for submission in found] == [("A/x.ipynb", "1"), ("b.ipynb", "2"), ("c/d/e.ipynb", "3")]
    assert sorted(found[0].files(folder)) == ["x.ipynb"]


def test_the_official_keys_are_those_of_the_notebooks_checks() -> None:
    code = "\n".join(
        "".join(cell["source"]) for cell in json.loads(UNTOUCHED.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"
    )
    assert KEYS == asked_for(code) and len(KEYS) == 6
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
        (["in", "--out", "in"], ["is a folder", ".csv"]),
        (["in", "--out", "in/a.ipynb"], ["is a notebook", ".csv"]),
        (["in", "--out", "no/scores.csv"], ["no folder", "Make it first"]),
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
