"""The command line as a whole: quick to start, refusals in words, and the commands doctor, evaluate and notebooks."""

import json
import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from command_line import ROOT, Outcome, assert_refused, lessons, save_tiny_translator

from lessons_lib import course
from lessons_lib.cli import doctor, machine
from lessons_lib.cli.refusal import complain
from lessons_lib.evaluation import METRICS, compare, score
from lessons_lib.runtime import usable_cores

HYPOTHESES = ["Ein Mann fährt Fahrrad.", "Zwei Hunde laufen im Gras.", "Eine Frau liest ein Buch.", "Kinder spielen."] * 5
REFERENCES = ["Ein Mann fährt ein Fahrrad.", "Zwei Hunde rennen im Gras.", "Eine Frau liest ein Buch.", "Kinder spielen."] * 5
COMMANDS = ("doctor", "translate", "train", "evaluate", "notebooks", "bench", "grade")


def test_it_starts_quickly_where_torch_is_not_needed(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("Ein Hund bellt.\n" * 3, encoding="utf-8")
    code = """
import sys, time
from lessons_lib.cli import main
scoring = f"evaluate {sys.argv[1]} {sys.argv[1]}"
for arguments in ["", "translate --help", "train --help", "bench train --help", "notebooks reset 98", scoring]:
    main(arguments.split())
    heavy = {"torch", "datasets", "lark", "matplotlib"} & set(sys.modules)
    assert not heavy, f"lessons {arguments}: {heavy}"
assert time.process_time() < 2, f"six commands took {time.process_time()} s of computing"
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a")], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "100.00" in done.stdout and "no notebook 98" in done.stderr


def test_the_module_is_the_command_line() -> None:
    done = subprocess.run([sys.executable, "-m", "lessons_lib", "dance"], cwd=ROOT, capture_output=True, check=False)
    assert_refused(Outcome(done.returncode, done.stdout, done.stderr.decode()), "dance", "lessons --help")


def test_help_stands_on_standard_output_with_examples() -> None:
    for arguments in ((), ("--help",)):
        outcome = lessons(*arguments)
        assert (outcome.status, outcome.err) == (0, "")
        assert all(f"\n  {command}" in outcome.out.decode() for command in COMMANDS)
    for command in ("translate", "train", "evaluate", "notebooks", "bench"):
        assert f"Examples:\n    lessons {command}" in lessons(command, "--help").out.decode().replace(
            "printf 'A man rides a bike.\\n' | ", ""
        )


def test_a_long_complaint_keeps_to_four_lines(capsys: pytest.CaptureFixture[str]) -> None:
    complain("lessons", "\n".join(f"reason {i}" for i in range(9)), "Try: this")
    assert capsys.readouterr().err.splitlines() == ["lessons: reason 0", "reason 1", "… and 7 lines more", "Try: this"]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    for name, lines in (("hyp", HYPOTHESES), ("ref", REFERENCES)):
        (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path / "hyp", tmp_path / "ref"


def test_evaluate_shows_the_librarys_scores(files: tuple[Path, Path]) -> None:
    outcome = lessons("evaluate", *files, "--metric", ",".join(METRICS))
    assert outcome.status == 0
    for metric in METRICS:
        wanted = score(metric, HYPOTHESES, REFERENCES)
        (line,) = (line for line in outcome.lines if line.split()[:1] == [metric])
        assert line.split()[1:5] == [f"{wanted.value:.2f}", f"{wanted.low:.2f}", "to", f"{wanted.high:.2f}"]
        assert line.endswith(wanted.signature)


def test_evaluate_compares_and_writes_json(files: tuple[Path, Path]) -> None:
    hyp, ref = files
    report = json.loads(lessons("evaluate", ref, ref, "--against", hyp, "--metric", "chrf", "--json").out)
    wanted = compare("chrf", HYPOTHESES, REFERENCES, REFERENCES)
    assert report["scores"][0]["value"] == pytest.approx(100)
    assert report["comparisons"] == [{"metric": "chrf", "difference": wanted.difference, "p_value": wanted.p_value}]
    assert wanted.difference > 0, "the first system, the reference itself, is the better one"
    assert "+" in lessons("evaluate", ref, ref, "--against", hyp).lines[-1]


def test_evaluate_reads_standard_input_and_crlf(files: tuple[Path, Path]) -> None:
    outcome = lessons("evaluate", "-", files[1], stdin="\r\n".join(REFERENCES).encode())
    assert outcome.status == 0 and "100.00" in outcome.out.decode()


def test_evaluate_refuses_in_words(files: tuple[Path, Path], tmp_path: Path) -> None:
    hyp, ref = files
    (tmp_path / "short").write_text("eins\n", encoding="utf-8")
    (tmp_path / "empty").touch()
    (tmp_path / "latin").write_bytes(b"gut\nsch\xf6n\n")
    assert_refused(lessons("evaluate", hyp, tmp_path / "short"), "hyp has 20", "short has 1")
    assert_refused(lessons("evaluate", hyp, ref, "--against", tmp_path / "short"), "short has 1")
    assert_refused(lessons("evaluate", tmp_path / "empty", tmp_path / "empty"), "nothing to score")
    assert_refused(lessons("evaluate", hyp, tmp_path / "latin"), "latin, line 2", "0xf6")
    assert_refused(lessons("evaluate", hyp, tmp_path / "gone"), "gone: No such file")
    assert_refused(lessons("evaluate", hyp, ref, "--metric", "bleu,meteor"), "meteor", "bleu-lc-moses")
    assert_refused(lessons("evaluate", hyp, ref, "--metric", " ,"), "empty")
    assert_refused(lessons("evaluate", "-", "-"), "only one")
    assert_refused(lessons("evaluate", hyp), "REF")


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with the translators that ship, tiny."""
    for name in doctor.NEEDED:
        direction = "-".join(name.split("-")[1:])
        save_tiny_translator(tmp_path / "data" / "checkpoints" / name, direction=direction)
    for place in ("checkpoints", "cli.doctor"):
        monkeypatch.setattr(f"lessons_lib.{place}.data_dir", lambda: tmp_path / "data")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.delenv("HF_DATASETS_CACHE", raising=False)
    monkeypatch.delenv("LESSONS_DATA_DIR", raising=False)
    return tmp_path / "data"


def test_doctor_is_content_without_what_is_optional(house: Path) -> None:
    outcome = lessons("doctor")
    text = outcome.out.decode()
    assert (outcome.status, outcome.err) == (0, "")
    for words in (
        "python 3.",
        "torch 2.",
        " core",
        "GB of memory",
        "pairs in data/grammar, verified",
        "All that the course needs is here.",
    ):
        assert words in text
    for direction, name in doctor.DEFAULT_CHECKPOINTS.items():
        assert f"Model {name}  {direction}" in text
    assert "LESSONS_DATA_DIR is not set" in text
    assert "\n      python -c \"import datasets; datasets.load_dataset('bentrevett/multi30k')\"\n" in text
    assert not any(place in text for place in (str(ROOT), str(house.parent), str(Path.home())))


def test_doctor_sees_multi30k_where_it_is(house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached = tmp_path / "hub" / "datasets" / "bentrevett___multi30k" / "x.arrow"
    cached.parent.mkdir(parents=True)
    cached.touch()
    assert json.loads(lessons("doctor", "--json").out)["data"]["multi30k"].startswith("in the cache of datasets: training finds it")
    monkeypatch.setenv("LESSONS_DATA_DIR", str(tmp_path / "mine"))
    (tmp_path / "mine" / "multi30k").mkdir(parents=True)
    report = json.loads(lessons("doctor", "--json").out)
    assert "lacks files" in report["data"]["multi30k"] and len(report["optional"]) == 1 and report["missing"] == []
    for name in ("train", "val", "test"):
        (tmp_path / "mine" / "multi30k" / f"{name}.jsonl").touch()
    report = json.loads(lessons("doctor", "--json").out)
    assert report["data"]["multi30k"].startswith("found in multi30k/ under LESSONS_DATA_DIR") and report["optional"] == []


def test_doctor_names_what_is_necessary_and_the_line_that_gets_it(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def version(package: str) -> str:
        if package == "datasets":
            raise PackageNotFoundError(package)
        return "1.0"

    monkeypatch.setattr(doctor, "version", version)
    name = doctor.DEFAULT_CHECKPOINTS["de-en"]
    weights = house / "checkpoints" / name / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-9])
    outcome = lessons("doctor")
    text = outcome.out.decode()
    assert outcome.status == 1 and "Something necessary is missing" in text
    assert "datasets missing" in text and doctor.INSTALL in text
    assert f"Model {name}  damaged" in text and f"git checkout -- data/checkpoints/{name}" in text
    weights.unlink()
    assert f"The translator {name} is missing" in lessons("doctor").out.decode()


@pytest.mark.parametrize("package", ["tokenizers", "safetensors", "numpy", "psutil"])
def test_doctor_still_looks_where_a_package_does_not_load(package: str) -> None:
    blocked = f"import sys; sys.modules[{package!r}] = None; from lessons_lib.cli import main; sys.exit(main(['doctor']))"
    answer = subprocess.run([sys.executable, "-c", blocked], capture_output=True, text=True, encoding="utf-8", timeout=300)
    assert "Traceback" not in answer.stderr and answer.stdout.startswith("Versions")
    assert answer.returncode == int(package != "psutil")


def test_a_container_gets_the_cores_and_the_memory_it_is_given(tmp_path: Path) -> None:
    assert usable_cores(tmp_path) >= 1 and machine.usable_memory_gb(tmp_path) > 0.1
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    (tmp_path / "memory.max").write_text("100000000\n")
    assert usable_cores(tmp_path) == 0.5
    assert machine.usable_memory_gb(tmp_path) == 0.1
    whole = usable_cores(tmp_path / "none")
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert usable_cores(tmp_path) == whole


def test_what_will_be_slow_depends_on_the_machine() -> None:
    fast = doctor.Findings(device="GPU: fast", cores=8, memory_gb=64, speed_gflops={"fp32": 1.0, "bf16": 2.0})
    slow = doctor.Findings(device="CPU: old", cores=1, memory_gb=2, speed_gflops={"fp32": 2.0, "bf16": 1.0})
    for found in (fast, slow):
        doctor.foresee(found)
    assert fast.slow == []
    assert [next(word for word in ("GPU", "1 core", "bfloat16", "2 GB") if word in sentence) for sentence in slow.slow] == [
        "GPU", "1 core", "bfloat16", "2 GB",
    ]  # fmt: skip


def test_notebooks_hands_numbers_and_results_over(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    for name in ("build", "run", "check", "reset"):
        monkeypatch.setattr(course, name, lambda *numbers, name=name: calls.append((name, *numbers)) or int(name == "run"))
    statuses = [lessons("notebooks", *words.split()).status for words in ("build 01 02", "run", "check 00", "reset 01 00")]
    assert calls == [("build", ["01", "02"]), ("run", None), ("check", ["00"]), ("reset", "01", "00")]
    assert statuses == [0, 1, 0, 0]


def test_notebooks_refuses_in_words() -> None:
    assert_refused(lessons("notebooks", "check", "98"), "no notebook 98", "00, 01")
    assert_refused(lessons("notebooks", "reset"), "NN")
    assert_refused(lessons("notebooks", "bake"), "bake")
    assert all(f"\n  {name}" in lessons("notebooks").out.decode() for name in ("build", "run", "check", "reset", "handout"))


def test_in_a_notebook_no_traceback_follows(tmp_path: Path) -> None:
    code = (
        "from IPython.core.interactiveshell import InteractiveShell as Shell\n"
        "Shell.instance().run_cell('%run -m lessons_lib notebooks check 98')\nprint('and on')"
    )
    environment = os.environ | {"IPYTHONDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "and on\n")
    assert done.stderr.startswith("lessons notebooks: There is no notebook 98.") and len(done.stderr.splitlines()) == 1
