"""Run everything `make test` promises, or the matrix of `make test-matrix`, and end with an honest count.

Every step runs even when an earlier one failed, so that one run shows all there is to mend; the exit status is 0 only if every step passed
and every notebook was seen to run, cell by cell.
"""

import argparse
import json
import os
import subprocess
import sys
import textwrap
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from lessons_lib.course.places import is_named_like_a_lesson
from lessons_lib.runtime import threads_each

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / "build" / "reports"
PYTEST = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadscope"]
NBVAL = [*PYTEST, "--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=300"]
MATRIX = {
    "one thread": {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
    "all threads": {"OMP_NUM_THREADS": None},
    "AVX2 only": {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"},
    "without Multi30k": {"LESSONS_DATA_DIR": None, "HF_HOME": str(REPORTS / "empty-hub"), "HF_HUB_OFFLINE": "1"},
}


@dataclass(frozen=True)
class Step:
    """One command and how it ended; of tests, which failed."""

    name: str
    passed: bool
    remark: str = ""
    failures: list[str] = field(default_factory=list)


def notebooks() -> list[Path]:
    """Every notebook of the course, the learner's and the solved ones; not what readers keep beside them."""
    found = sorted((ROOT / "notebooks").glob("*.ipynb")) + sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb"))
    return [file for file in found if is_named_like_a_lesson(file)]


def code_cells(notebook: Path) -> tuple[int, int]:
    """Code cells that nbval runs, and how many of them it compares with the committed output."""
    cells = [cell for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    tags = [cell["metadata"].get("tags", []) for cell in cells]
    return sum("nbval-skip" not in t for t in tags), sum("nbval-check-output" in t for t in tags)


def run(name: str, command: list[str], changes: dict[str, str | None] | None = None) -> Step:
    """Run one command from the repository's root; a change of None removes the variable."""
    print(f"\n== {name}", flush=True)
    # A test must not wait for a hub that cannot be reached: what is not on this machine is skipped with its reason.
    # Nor may the kernels of two workers take all the cores each.
    environment = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": str(threads_each(2)), **os.environ}
    for key, value in (changes or {}).items():
        environment.pop(key, None)
        if value is not None:
            environment[key] = value
    status = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    return Step(name, status == 0, "" if status == 0 else f"exit status {status}")


@dataclass
class Report:
    """What a JUnit report holds: how many tests ended how, how many there were by class name, and a line for each that failed."""

    ends: Counter[str] = field(default_factory=Counter)
    places: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


def read(report: Path) -> Report:
    """The report in a file; an empty one if the file is missing."""
    found = Report()
    for case in ElementTree.parse(report).iter("testcase") if report.exists() else []:
        bad = [end for end in case if end.tag in ("failure", "error")]
        found.ends["failed" if bad else "skipped" if case.find("skipped") is not None else "passed"] += 1
        found.places[case.get("classname", "")] += 1
        for end in bad:
            message = textwrap.shorten(end.get("message") or "", 400, placeholder=" ...")
            found.failures.append(f"{case.get('classname')}::{case.get('name')}: {message}")
    return found


def unit_tests() -> tuple[Step, str]:
    """All of tests/, the slow ones too, and the line that counts them."""
    report = REPORTS / "unit.xml"
    report.unlink(missing_ok=True)
    step = run("unit tests", [*PYTEST, f"--junitxml={report}", "tests"])
    found = read(report)
    if step.passed and not found.ends["passed"]:
        step = Step(step.name, False, "no test ran")
    ends = found.ends
    return replace(step, failures=found.failures), f"{ends['passed']} passed, {ends['failed']} failed, {ends['skipped']} skipped"


def run_notebooks(name: str, changes: dict[str, str | None] | None = None) -> tuple[Step, str]:
    """Execute every notebook and compare its marked cells; a notebook of which a cell did not run counts as failed."""
    report = REPORTS / "notebooks.xml"
    report.unlink(missing_ok=True)
    files = notebooks()
    if not files:
        return Step(name, False, "there is no notebook under notebooks/; make them with `make build`"), "none"
    step = run(name, [*NBVAL, f"--junitxml={report}", *(str(file.relative_to(ROOT)) for file in files)], changes)
    found = read(report)
    unseen = []
    for file in files:
        place = ".".join(file.relative_to(ROOT).parts)
        if found.places[place] != code_cells(file)[0]:
            unseen.append(f"{file.relative_to(ROOT)}: {found.places[place]} of {code_cells(file)[0]} cells ran")
    if unseen:
        step = Step(name, False, "; ".join(filter(None, [step.remark, *unseen])))
    solved = sum(file.parent.name == "solutions" for file in files)
    compared = sum(code_cells(file)[1] for file in files)
    ends = found.ends
    count = f"{len(files) - solved} and {solved} solved; {ends.total()} cells run, {compared} of them compared, {ends['failed']} failed"
    return replace(step, failures=found.failures), count


def everything() -> tuple[list[Step], list[str]]:
    """The steps of `make test`, and the lines that count tests and notebooks."""
    lint = run("lint", [sys.executable, "-m", "ruff", "check", "."])
    form = run("format", [sys.executable, "-m", "ruff", "format", "--check", "."])
    unit, tests = unit_tests()
    executed, cells = run_notebooks("notebooks executed and compared")
    in_step = run("notebooks in step with their sources", [sys.executable, "-m", "lessons_lib", "notebooks", "check"])
    return [lint, form, unit, executed, in_step], [f"Tests:     {tests}", f"Notebooks: {cells}"]


def matrix() -> tuple[list[Step], list[str]]:
    """The notebooks under each setting of the matrix, and a line for each."""
    results = [run_notebooks(f"notebooks, {name}", changes) for name, changes in MATRIX.items()]
    return [step for step, _ in results], [f"{step.name}: {count}" for step, count in results]


def main() -> int:
    """Run the steps, print what failed and the counts, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--matrix", action="store_true", help="run the notebooks again under each setting of the matrix")
    wants_matrix = parser.parse_args().matrix
    started = time.monotonic()
    REPORTS.mkdir(parents=True, exist_ok=True)
    steps, lines = matrix() if wants_matrix else everything()
    failed = [step for step in steps if not step.passed]
    print("\n== summary")
    for step in failed:
        print("\n    ".join([f"FAILED: {step.name}: {step.remark}", *step.failures]))
    print("\n".join(lines))
    minutes, seconds = divmod(round(time.monotonic() - started), 60)
    print(f"{'FAILED' if failed else 'All passed'} after {minutes} min {seconds:02} s, Multi30k {multi30k_state()}.")
    return 1 if failed else 0


def multi30k_state() -> str:
    """Where the tests looked for Multi30k, for the last line."""
    folder = os.environ.get("LESSONS_DATA_DIR")
    return f"from LESSONS_DATA_DIR={folder}" if folder else "not given (LESSONS_DATA_DIR is not set)"


if __name__ == "__main__":
    sys.exit(main())
