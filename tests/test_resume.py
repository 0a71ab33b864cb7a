"""Kill −9 at any moment, resume: the same model byte for byte. A full disk, a damaged state: an error, and the last good one stays."""

import dataclasses
import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from test_files import fail_at
from tiny_models import tiny_pairs, tiny_preset

from lessons_lib import presets
from lessons_lib.checkpoints import STATE, WEIGHTS, CheckpointError, load_model, load_tensors, save_tensors
from lessons_lib.config import Budget
from lessons_lib.metrics import MetricsLog, read_metrics
from lessons_lib.presets import Preset

TESTS = Path(__file__).resolve().parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join((str(TESTS.parent), str(TESTS))), "OMP_NUM_THREADS": "1"}


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="killing by fork needs a Unix")
@pytest.mark.parametrize("recipe", ["plain", "everything"])
def test_a_run_killed_at_any_moment_ends_as_the_run_never_killed(recipe: str, tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, TESTS / "killed_run.py", recipe, tmp_path, "12"],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert answer.returncode == 0, answer.stderr
    result = json.loads(answer.stdout)
    whole = (tmp_path / "whole" / WEIGHTS).read_bytes()
    steps = [row["step"] for row in read_metrics(tmp_path / "whole" / "metrics.jsonl")]
    assert result["events"] > 60 and steps == [2, 4, 6, 8]
    for kill in result["kills"]:
        folder = Path(kill["folder"])
        assert set(kill["codes"]) <= {-9, 0} and kill["codes"][0] == -9, (kill, answer.stderr)
        assert all(kill["whole"]), kill
        assert kill["ended"] == 0, (kill, answer.stderr)
        assert (folder / WEIGHTS).read_bytes() == whole, kill
        assert [row["step"] for row in read_metrics(folder / "metrics.jsonl")] == steps, kill
        assert [name for name in os.listdir(folder) if name.endswith(".part")] == [], kill


@pytest.mark.slow
def test_two_processes_that_share_nothing_write_the_same_file(tmp_path: Path) -> None:
    """Forks share the seeds of hash tables with their parent, so the kills above could not see a file whose parts change places."""
    program = "import sys, torch, killed_run; torch.set_num_threads(1)\n"
    program += (
        "killed_run.presets.train(killed_run.RECIPES[sys.argv[1]], killed_run.Path(sys.argv[2]), killed_run.training.Budget(steps=2))"
    )
    for name in ("one", "two"):
        subprocess.run([sys.executable, "-c", program, "everything", tmp_path / name], env=ENVIRONMENT, check=True, timeout=300)
    assert (tmp_path / "one" / WEIGHTS).read_bytes() == (tmp_path / "two" / WEIGHTS).read_bytes()


def test_steps_and_seed_decide_the_model(tmp_path: Path) -> None:
    """Two equal runs are equal to the byte, and another seed gives another model: the comparison above can tell."""
    for name, seed in (("one", 1), ("two", 1), ("three", 2)):
        presets.train(tiny_preset(validate_every=0), tmp_path / name, Budget(steps=3), seed=seed)
    one, two, three = ((tmp_path / name / WEIGHTS).read_bytes() for name in ("one", "two", "three"))
    assert one == two != three


def stopped_half_way(folder: Path, preset: Preset, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of 8 steps that ends after 4 by an error, as if its process had died there."""

    def stop(row: dict[str, Any]) -> None:
        if row["step"] == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        presets.train(preset, folder, Budget(steps=8), on_log=stop)
    assert (folder / STATE).exists() and not (folder / WEIGHTS).exists()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES])
@pytest.mark.parametrize("where", ["open", "write", "fsync", "replace"])
def test_a_disk_that_refuses_the_state_leaves_the_last_good_one(
    where: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    preset, folder = tiny_preset(validate_every=0), tmp_path / "run"
    run = presets.prepare(preset, Budget(steps=8), folder=folder)
    folder.mkdir()
    run.trainer.save()
    good = (folder / STATE).read_bytes()
    fail_at(monkeypatch, where, code)
    with pytest.raises(OSError, match="state.safetensors") as caught:
        run.trainer.run()
    monkeypatch.undo()
    assert os.strerror(code) in str(caught.value)
    assert (folder / STATE).read_bytes() == good and os.listdir(folder) == [STATE]
    again = presets.prepare(preset, Budget(steps=8), folder=folder)
    assert again.trainer.resume() and again.trainer.at.step == 0


def test_a_run_whose_disk_was_full_goes_on_when_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    preset = tiny_preset(validate_every=0)
    presets.train(preset, tmp_path / "whole", Budget(steps=8))
    fail_at(monkeypatch, "write", after=6)
    with pytest.raises(OSError, match="No space left on device"):
        presets.train(preset, tmp_path / "run", Budget(steps=8))
    monkeypatch.undo()
    presets.train(preset, tmp_path / "run", Budget(steps=8), resume=True)
    assert (tmp_path / "run" / WEIGHTS).read_bytes() == (tmp_path / "whole" / WEIGHTS).read_bytes()


def test_a_run_goes_on_in_its_precision_whatever_is_measured_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where bf16 gains little, one measurement says yes and the next says no."""
    for first in (True, False):
        monkeypatch.setattr(presets, "is_faster_in_bf16", lambda device, answer=first: answer)
        preset, folder = tiny_preset(validate_every=0, precision="bf16"), tmp_path / str(first)
        presets.train(preset, folder / "whole", Budget(steps=8))
        stopped_half_way(folder / "run", preset, monkeypatch)
        monkeypatch.setattr(presets, "is_faster_in_bf16", lambda device, answer=first: not answer)
        presets.train(preset, folder / "run", Budget(steps=8), resume=True)
        assert (folder / "run" / WEIGHTS).read_bytes() == (folder / "whole" / WEIGHTS).read_bytes()
        assert json.loads((folder / "run" / "training.json").read_text())["precision"] == ("bf16" if first else "fp32")


def test_a_damaged_configuration_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped_half_way(tmp_path, tiny_preset(validate_every=0), monkeypatch)
    (tmp_path / "training.json").write_text("{")
    with pytest.raises(CheckpointError, match="training.json is damaged"):
        presets.train(tiny_preset(validate_every=0), tmp_path, Budget(steps=8), resume=True)


@pytest.mark.parametrize("damage", ["empty", "cut short", "garbage", "one bit"])
def test_a_damaged_state_is_refused_and_left_as_it_is(damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    preset = tiny_preset(validate_every=0)
    stopped_half_way(tmp_path / "run", preset, monkeypatch)
    path = tmp_path / "run" / STATE
    whole = path.read_bytes()
    flipped = whole[:-50] + bytes([whole[-50] ^ 4]) + whole[-49:]
    damaged = {"empty": b"", "cut short": whole[: len(whole) // 2], "garbage": b"no tensors at all", "one bit": flipped}[damage]
    path.write_bytes(damaged)
    with pytest.raises(CheckpointError, match="state.safetensors is damaged"):
        presets.train(preset, tmp_path / "run", Budget(steps=8), resume=True)
    assert path.read_bytes() == damaged


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (dict(learning_rate=1e-2), "its training had learning_rate 0.003, now it is 0.01"),
        (dict(micro_batches=2), "its training had micro_batches 1, now it is 2"),
        (dict(ema_decay=0.9), "its training had ema_decay 0.0, now it is 0.9"),
    ],
)
def test_another_recipe_cannot_resume(changes: dict[str, Any], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped_half_way(tmp_path / "run", tiny_preset(validate_every=0), monkeypatch)
    with pytest.raises(CheckpointError, match=f"another run: {says}. Use another folder"):
        presets.train(tiny_preset(validate_every=0, **changes), tmp_path / "run", Budget(steps=8), resume=True)


def test_another_model_or_tokenizer_cannot_resume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    preset = tiny_preset(validate_every=0)
    stopped_half_way(tmp_path / "run", preset, monkeypatch)
    wider = dataclasses.replace(preset, model={**preset.model, "d_ff": 48})
    with pytest.raises(CheckpointError, match="its model had d_ff 32, now it is 48"):
        presets.train(wider, tmp_path / "run", Budget(steps=8), resume=True)
    other_text = dataclasses.replace(preset, load=lambda split: tiny_pairs()[:30])
    with pytest.raises(CheckpointError, match="its tokenizer was|its model had vocabulary_size"):
        presets.train(other_text, tmp_path / "run", Budget(steps=8), resume=True)


def test_other_data_cannot_resume_with_the_same_tokenizer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    presets.train(tiny_preset(), tmp_path / "first", Budget(steps=2))
    preset = dataclasses.replace(tiny_preset(validate_every=0), start=str(tmp_path / "first"))
    stopped_half_way(tmp_path / "run", preset.with_more(tiny_pairs()[:3]), monkeypatch)
    with pytest.raises(CheckpointError, match="another run: its data was [0-9a-f]{16}, now it is [0-9a-f]{16}. Use another folder"):
        presets.train(preset, tmp_path / "run", Budget(steps=8), resume=True)


def test_another_direction_cannot_resume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    preset = tiny_preset(validate_every=0)
    stopped_half_way(tmp_path / "run", preset, monkeypatch)
    with pytest.raises(CheckpointError, match="another run: its direction was en-de, now it is de-en. Use another folder"):
        presets.train(dataclasses.replace(preset, direction="de-en"), tmp_path / "run", Budget(steps=8), resume=True)


def test_a_state_written_before_a_field_existed_still_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    preset = tiny_preset(validate_every=0)
    presets.train(preset, tmp_path / "whole", Budget(steps=8))
    stopped_half_way(tmp_path / "run", preset, monkeypatch)
    tensors, facts = load_tensors(tmp_path / "run" / STATE)
    training = json.loads(facts.pop("training"))
    model = json.loads(facts.pop("model"))
    del facts["direction"], training["r_drop"], model["attention_gain"]
    save_tensors(tmp_path / "run" / STATE, tensors, {**facts, "training": json.dumps(training), "model": json.dumps(model)})
    with pytest.raises(CheckpointError, match="its training had r_drop 0.0, now it is 5.0"):
        presets.train(tiny_preset(validate_every=0, r_drop=5.0), tmp_path / "run", Budget(steps=8), resume=True)
    presets.train(preset, tmp_path / "run", Budget(steps=8), resume=True)
    assert (tmp_path / "run" / WEIGHTS).read_bytes() == (tmp_path / "whole" / WEIGHTS).read_bytes()


def test_a_state_with_a_field_that_is_unknown_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    preset = tiny_preset(validate_every=0)
    stopped_half_way(tmp_path / "run", preset, monkeypatch)
    tensors, facts = load_tensors(tmp_path / "run" / STATE)
    facts["at"]["moon"] = 1
    save_tensors(tmp_path / "run" / STATE, tensors, facts)
    with pytest.raises(CheckpointError, match="state.safetensors was written by another version of the course: .*'moon'"):
        presets.train(preset, tmp_path / "run", Budget(steps=8), resume=True)


def test_a_folder_that_holds_a_run_is_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped_half_way(tmp_path / "run", tiny_preset(validate_every=0), monkeypatch)
    before = (tmp_path / "run" / STATE).read_bytes()
    with pytest.raises(FileExistsError, match="holds a run already: continue it with --resume, or choose another --out"):
        presets.train(tiny_preset(validate_every=0), tmp_path / "run", Budget(steps=8))
    assert (tmp_path / "run" / STATE).read_bytes() == before


@pytest.mark.parametrize("resume", [True, False])
def test_a_model_without_its_state_is_not_overwritten(resume: bool, tmp_path: Path) -> None:
    """As one that ships: with its log or without, there is nothing to go on from."""
    preset = tiny_preset(validate_every=0, load=lambda split: pytest.fail("data is read before the folder is looked at"))
    for name in (WEIGHTS, "metrics.jsonl"):
        (tmp_path / name).write_bytes(b"good")
    for left_out in (None, "metrics.jsonl"):
        if left_out:
            (tmp_path / left_out).unlink()
        with pytest.raises(FileExistsError, match=f"{tmp_path} holds a trained model, and no state .*: choose another --out"):
            presets.train(preset, tmp_path, Budget(steps=3), resume=resume)
    assert os.listdir(tmp_path) == [WEIGHTS] and (tmp_path / WEIGHTS).read_bytes() == b"good"


def test_a_run_that_fails_closes_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logs: list[MetricsLog] = []
    monkeypatch.setattr(presets, "MetricsLog", lambda *given: logs.append(MetricsLog(*given)) or logs[-1])
    stopped_half_way(tmp_path / "run", tiny_preset(validate_every=0), monkeypatch)
    assert [log.file.closed for log in logs] == [True]


def test_resuming_a_finished_run_changes_nothing(tmp_path: Path) -> None:
    preset = tiny_preset(validate_every=0, ema_decay=0.5)
    presets.train(preset, tmp_path, Budget(steps=3))
    before = (tmp_path / WEIGHTS).read_bytes(), read_metrics(tmp_path / "metrics.jsonl")
    presets.train(preset, tmp_path, Budget(steps=3), resume=True)
    assert ((tmp_path / WEIGHTS).read_bytes(), read_metrics(tmp_path / "metrics.jsonl")) == before
    load_model(tmp_path)
