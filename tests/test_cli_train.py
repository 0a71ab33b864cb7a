"""`lessons train`: what it writes and says, what it refuses before any work, and how a stopped run goes on."""

import contextlib
import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import ROOT, Outcome, assert_refused, lessons
from tiny_models import tiny_preset

from lessons_lib import presets
from lessons_lib.checkpoints import load_model, load_tensors
from lessons_lib.cli.progress import Progress
from lessons_lib.corpus import DataError, Pair
from lessons_lib.metrics import read_metrics
from lessons_lib.training import Trainer


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(presets.PRESETS, "tiny", tiny_preset())


def train(folder: Path, *arguments: object, terminal: bool = False) -> Outcome:
    return lessons("train", "tiny", "--out", folder, "--device", "cpu", *arguments, terminal=terminal)


def test_it_writes_a_model_that_translates_and_says_what_it_wrote(tmp_path: Path) -> None:
    outcome = train(tmp_path / "run", "--steps", 4)
    assert outcome.status == 0, outcome.err
    assert [row["step"] for row in read_metrics(tmp_path / "run" / "metrics.jsonl")] == [2, 4]
    written = {file.name for file in (tmp_path / "run").iterdir()}
    assert written == {line.split()[0] for line in outcome.lines if line.startswith("  ")}
    assert outcome.lines[0].startswith("Step 4") and "validation: bleu_lc_moses" in outcome.lines[0]
    assert lessons("translate", "--checkpoint", tmp_path / "run", stdin=b"the dog\n").status == 0


def test_steps_seed_and_the_usual_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for seed, folder in ((3, None), (3, "again"), (4, "other")):
        assert lessons("train", "tiny", "--steps", 2, "--seed", seed, *(("--out", folder) if folder else ())).status == 0
    first, again, other = (Path(folder, "model.safetensors").read_bytes() for folder in ("runs/tiny", "again", "other"))
    assert first == again != other


def test_the_other_direction_has_its_own_folder_and_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = lessons("train", "tiny", "--steps", 2, "--direction", "de-en")
    assert outcome.status == 0 and outcome.err.startswith("Training tiny de-en (")
    assert "printf 'Der Hund schläft.\\n' | lessons translate --checkpoint runs/tiny-de-en" in outcome.lines[-1]
    assert load_model(Path("runs/tiny-de-en")).direction == "de-en" and not Path("runs/tiny").exists()
    assert lessons("translate", "--checkpoint", "runs/tiny-de-en", "--direction", "de-en", stdin=b"der Hund\n").status == 0
    assert_refused(lessons("translate", "--checkpoint", "runs/tiny-de-en", "--direction", "en-de", stdin=b"dog\n"), "de-en only")
    refused = lessons("train", "tiny", "--steps", 4, "--out", "runs/tiny-de-en", "--resume")
    assert_refused_but_announced(refused, "its direction was de-en, now it is en-de")


def test_pairs_of_ones_own_are_trained_on_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.jsonl").write_text('{"en": "A quokka.", "de": "Ein Quokka."}\n' * 2, encoding="utf-8")
    recipes = []
    monkeypatch.setattr(presets, "train", lambda recipe, *rest: recipes.append(recipe))
    for direction, pair in (("en-de", Pair("A quokka.", "Ein Quokka.")), ("de-en", Pair("Ein Quokka.", "A quokka."))):
        train(tmp_path / direction, "--direction", direction, "--also", "mine.jsonl")
        plain, more = presets.find("tiny", direction), recipes[-1]
        assert more.pairs("train") == [*plain.pairs("train"), pair, pair] and more.pairs("validation") == plain.pairs("validation")
    Path("mine.jsonl").write_text('{"en": "A quokka."}\n', encoding="utf-8")
    assert_refused(train(tmp_path / "bad", "--also", "mine.jsonl"), "mine.jsonl, line 1", '{"en": …, "de": …}')
    assert_refused(train(tmp_path / "bad", "--also", "none.jsonl"), "none.jsonl: No such file")
    assert not (tmp_path / "bad").exists()


def test_a_trained_model_can_be_begun_with(tmp_path: Path) -> None:
    first = tmp_path / "first"
    train(first, "--steps", 2)
    outcome = train(tmp_path / "further", "--steps", 2, "--from", first)
    assert outcome.status == 0 and (tmp_path / "further" / "tokenizer.json").read_bytes() == (first / "tokenizer.json").read_bytes()
    assert_refused_but_announced(train(tmp_path / "bad", "--from", "nobody"), "no checkpoint 'nobody'")
    assert not (tmp_path / "bad").exists()


def test_minutes_are_minutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    budgets = []
    monkeypatch.setattr(presets, "train", lambda recipe, folder, budget, *_: budgets.append(budget))
    train(tmp_path, "--minutes", "0.5")
    train(tmp_path)
    assert [(b.steps, b.seconds) for b in budgets] == [(None, 30.0), (8, None)]


def test_a_run_goes_on_where_it_was(tmp_path: Path) -> None:
    train(tmp_path, "--steps", 4)
    assert_refused(train(tmp_path, "--steps", 6), "holds a run already", "--resume", "--out")
    outcome = train(tmp_path, "--steps", 6, "--resume")
    assert outcome.status == 0 and "continued" in outcome.err
    assert [row["step"] for row in read_metrics(tmp_path / "metrics.jsonl")] == [2, 4, 6]
    assert_refused_but_announced(train(tmp_path, "--steps", 8, "--seed", 9, "--resume"), "seed 1, now it is 9")


def test_a_model_without_its_state_is_not_trained_over(tmp_path: Path) -> None:
    train(tmp_path, "--steps", 2)
    (tmp_path / "state.safetensors").unlink()
    good = (tmp_path / "model.safetensors").read_bytes()
    for more in ((), ("--resume",)):
        assert_refused(train(tmp_path, "--steps", 4, *more), f"{tmp_path} holds a trained model, and no state", "choose another --out")
    assert (tmp_path / "model.safetensors").read_bytes() == good


def assert_refused_but_announced(outcome: Outcome, *words: str) -> None:
    announced, _, rest = outcome.err.partition("\n")
    assert announced.startswith("Training tiny")
    assert_refused(Outcome(outcome.status, outcome.out, rest), *words)


def test_resume_with_nothing_to_resume_says_so_and_begins(tmp_path: Path) -> None:
    outcome = train(tmp_path / "new", "--steps", 2, "--resume")
    assert outcome.status == 0 and "no state to resume" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--steps", "0"), ["--steps", "0 is not"]),
        (("--steps", "1.5"), ["--steps", "1.5"]),
        (("--minutes", "0"), ["--minutes", "'0' is not a number above 0"]),
        (("--minutes", "nan"), ["--minutes", "nan"]),
        (("--minutes", "inf"), ["--minutes", "inf"]),
        (("--minutes", "1", "--steps", "1"), ["--minutes and --steps"]),
        (("--seed", "-1"), ["--seed", "-1"]),
        (("--seed", str(2**32)), ["--seed", str(2**32)]),
        (("--direction", "en-fr"), ["--direction", "'en-fr' is not one of en-de, de-en"]),
        (("--device", "toaster"), ["'toaster'", "auto, cpu"]),
        (("--device", "cuda:99"), ["'cuda:99'"]),
    ],
)
def test_bad_values_are_refused_before_anything_is_written(tmp_path: Path, arguments: tuple[str, ...], words: list[str]) -> None:
    assert_refused(lessons("train", "tiny", "--out", tmp_path / "run", *arguments), *words)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_preset_and_a_file_for_a_folder_are_refused(tmp_path: Path) -> None:
    assert_refused(lessons("train", "huge", "--out", tmp_path / "run"), "'huge'", "use grammar, tiny, multi30k, base, multi30k-further, ")
    (tmp_path / "file").touch()
    assert_refused(train(tmp_path / "file"), "that is a file")
    assert_refused(train(tmp_path / "file" / "below"), "nothing can be written")
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    assert_refused(train(tmp_path / "link"), "that is a link to", "gone, which is not there")


def test_data_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(split: str) -> list:
        raise DataError("the data is on the moon. Fetch it")

    monkeypatch.setitem(presets.PRESETS, "tiny", tiny_preset(load))
    assert_refused_but_announced(train(tmp_path / "run"), "on the moon")


def test_ctrl_c_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def press(*_: object) -> None:
        raise KeyboardInterrupt

    train(tmp_path / "my run", "--steps", 2)
    monkeypatch.setattr(Trainer, "_step", press)
    outcome = train(tmp_path / "my run", "--steps", 4, "--seed", 1, "--resume")
    assert (outcome.status, outcome.out) == (130, b"")
    assert f"after step 2 is in {tmp_path / 'my run'}" in outcome.err
    assert f"lessons train tiny --steps 4 --seed 1 --out '{tmp_path / 'my run'}' --device cpu --resume" in outcome.err
    assert "No state was written yet" in train(tmp_path / "other").err
    assert "train tiny --direction de-en --out" in train(tmp_path / "turned", "--direction", "de-en").err


def test_a_full_disk_is_named_and_the_last_state_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "state.safetensors")

    train(tmp_path, "--steps", 2)
    monkeypatch.setattr(Trainer, "save", full)
    outcome = train(tmp_path, "--steps", 4, "--resume")
    assert outcome.status == 2 and outcome.out == b"" and "Traceback" not in outcome.err
    assert "state.safetensors: No space left on device" in outcome.err and "--resume" in outcome.err
    assert load_tensors(tmp_path / "state.safetensors")[1]["at"]["step"] == 2


def row(step: int, seconds: float, **more: object) -> dict:
    return dict(step=step, seconds=seconds, loss=2.5, tokens_per_second=100) | more


def test_a_log_gets_a_line_now_and_then_and_every_score(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(100, None) as progress:
        for shown in (row(10, 1.0), row(20, 2.0), row(30, 3.0, validation={"bleu": 7.5}), row(40, 14.0)):
            progress.show(shown)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(",")[0] for line in lines] == ["step 10", "step 30", "step 40"]
    assert "loss 2.500, 100 tokens/s" in lines[0] and lines[1].endswith("validation: bleu 7.5")
    assert progress.last["step"] == 40


def test_a_log_that_nobody_reads_any_more_does_not_end_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w", encoding="utf-8") as closed:
        monkeypatch.setattr(sys, "stderr", closed)
        Progress(steps=9, seconds=None).show(row(1, 1.0))
        monkeypatch.undo()
        with contextlib.suppress(BrokenPipeError):
            closed.close()


def test_a_terminal_gets_a_bar(tmp_path: Path) -> None:
    err = train(tmp_path, "--steps", 4, terminal=True).err
    assert "2/4 steps" in err and "loss" in err and "\nstep 2" not in err


@pytest.mark.slow
def test_it_runs_under_torchrun(tmp_path: Path) -> None:
    driver = tmp_path / "driver.py"
    driver.write_text(
        f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'tests')!r}]\n"
        "from tiny_models import tiny_preset\nfrom lessons_lib import cli, presets\n"
        "presets.PRESETS['tiny'] = tiny_preset(micro_batches=2)\nsys.exit(cli.main())\n"
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(driver)]
    done = subprocess.run(
        [*command, "train", "tiny", "--steps", "4", "--device", "cpu", "--out", str(tmp_path / "run")],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Step 4") == 1, "one process speaks for both"
    assert [found["step"] for found in read_metrics(tmp_path / "run" / "metrics.jsonl")] == [2, 4]
    load_model(tmp_path / "run")
