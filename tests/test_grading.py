"""Grading a class: what each kind of submission gets, and that none of them harms the grader, its files or another submission."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path

import psutil
import pytest
from command_line import ROOT, lessons
from handed_in import KEYS, LESSON, LOOP, Table, graded, hand_in, notebook, read_table, score, statuses

from lessons_lib.course.processes import kill_all
from lessons_lib.course.submissions import asked_for

UNTOUCHED, SOLVED = LESSON.learner, LESSON.solved
WEREWOLF = 'check("attention.werewolf", [8.7, 9.7])'
STABLE = 'check("attention.stable_softmax", None)'
BEND = 'check("attention.bend_the_query", [1.0, -1.0])'
PIP = "import os, sys\nassert os.environ['PIP_TARGET'] in sys.path and 'lessons-' in os.environ['PIP_TARGET']\n"
STUBBORN = """
while True:
    try:
        while True:
            print("x" * 100_000)
    except BaseException:
        pass
"""


def copy_of_01(solved: Collection[str], spoil: dict[str, str] | None = None) -> str:
    """The untouched notebook with the solved one's cells for the exercises `solved`, and code put before the cells of `spoil`'s keys."""
    content = json.loads(UNTOUCHED.read_text(encoding="utf-8"))
    solutions = {
        key: "".join(cell["source"])
        for cell in json.loads(SOLVED.read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == "code"
        for key in asked_for("".join(cell["source"]))
    }
    for cell in content["cells"]:
        for key in asked_for("".join(cell["source"])) if cell["cell_type"] == "code" else []:
            cell["source"] = (spoil or {}).get(key, "") + (solutions[key] if key in solved else "".join(cell["source"]))
    return json.dumps(content)


@pytest.mark.slow
def test_solved_untouched_half_done_looping_and_crashing_copies_of_01(tmp_path: Path) -> None:
    half = {KEYS[1], KEYS[2], KEYS[5]}
    folder = hand_in(
        tmp_path / "Abgaben der 7 b",
        {
            "Jürgen Groß (fertig).ipynb": SOLVED.read_text(encoding="utf-8"),
            "anna/01_attention_by_hand.ipynb": UNTOUCHED.read_text(encoding="utf-8"),
            "ben.ipynb": copy_of_01(half),
            "clara.ipynb": copy_of_01(KEYS, {KEYS[2]: LOOP}),
            "dora.ipynb": copy_of_01(KEYS, {KEYS[3]: "import os\nos._exit(1)\n"}),
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
orphan = subprocess.run("setsid sleep 1000 > /dev/null 2>&1 & echo $!", shell=True, capture_output=True, text=True).stdout.strip()
open({path!r}, "w").write(f"{{orphan}} {{os.getpid()}} {{os.getcwd()}} {{os.environ['HOME']}}")
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
    "shadowed.ipynb": notebook("check = lambda *given: print('Right: so it is')", BEND),
    "many.ipynb": notebook(
        'for i in range(2500):\n    check("attention.bend_the_query", [i, 5])', WEREWOLF, 'check("attention.werewolf", ...)', PIP
    ),
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
        ("shadowed.ipynb", 0, ["the check of attention.bend_the_query ran and gave no verdict (is `check` something else there?)"]),
        ("many.ipynb", 1, []),
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
    orphan, kernel, work, home = tiny[1].read_text(encoding="utf-8").split(" ")
    assert not psutil.pid_exists(int(kernel))
    assert not psutil.pid_exists(int(orphan)) or psutil.Process(int(orphan)).status() == psutil.STATUS_ZOMBIE
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
    place = {"TMPDIR": str(tmp_path)}  # a killed grader cannot remove what it had there
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, env=os.environ | place) as grader:
        assert soon(lambda: told.exists() and told.read_text())
        grader.send_signal(how)
        assert grader.wait(timeout=30) == (130 if how == signal.SIGINT else -signal.SIGKILL)
    assert soon(lambda: not psutil.pid_exists(int(told.read_text())))
    assert not (tmp_path / "scores.csv").exists()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="process groups are those of POSIX")
def test_what_forks_faster_than_it_is_found_is_killed_with_its_group() -> None:
    """Sixteen chains, of which each process lives for a moment only: by the time it is on a list, its child is there instead."""
    chain = "import os, time\nend = time.time() + 60\nfor _ in range(4): os.fork()\nwhile time.time() < end:\n    if os.fork(): os._exit(0)"
    mark = {"LESSONS_TEST_MARK": "chain"}
    process = subprocess.Popen([sys.executable, "-c", chain], env=os.environ | mark, start_new_session=True)
    time.sleep(1)
    kill_all(process, *next(iter(mark.items())))
    assert not [found for found in psutil.process_iter() if "LESSONS_TEST_MARK" in environment(found)]


def environment(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except (psutil.Error, OSError):
        return {}


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals are those of POSIX")
def test_what_a_kernel_started_ends_with_the_grader(tmp_path: Path) -> None:
    told = tmp_path / "told.txt"
    starts = f"import subprocess\nchild = subprocess.Popen(['sleep', '1000'])\nopen({str(told)!r}, 'w').write(str(child.pid))"
    hand_in(tmp_path / "in", {"a.ipynb": notebook(WEREWOLF, starts, LOOP)})
    command = [sys.executable, "-m", "lessons_lib", "grade", str(tmp_path / "in"), "--out", str(tmp_path / "scores.csv")]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, env=os.environ | {"TMPDIR": str(tmp_path)}) as grader:
        assert soon(lambda: told.exists() and told.read_text())
        grader.kill()
    assert soon(lambda: not psutil.pid_exists(int(told.read_text())))


@pytest.mark.slow
def test_a_first_cell_that_fails_and_a_library_of_ones_own_cost_no_later_exercise(tmp_path: Path) -> None:
    folder = hand_in(
        tmp_path / "in",
        {
            "anna/01.ipynb": notebook(WEREWOLF),
            "anna/lessons_lib/exercises/__init__.py": "check = lambda *given: None",
            "ben.ipynb": notebook(WEREWOLF).replace("from lessons_lib.exercises import check", "import nothing_that_is_there"),
        },
    )
    assert [row["passed"] for row in graded(folder).values()] == ["1", "1"]


def soon(question: Callable[[], object]) -> bool:
    """Whether the answer turns to yes within a minute."""
    end = time.monotonic() + 60
    while not (yes := bool(question())) and time.monotonic() < end:
        time.sleep(0.1)
    return yes
