"""The metrics log: rows come back, a torn end is left out, a resumed run goes on where its state stands."""

import os
from pathlib import Path

import pytest

from lessons_lib.metrics import MetricsLog, read_metrics

ROWS = [{"step": 10, "loss": 2.5}, {"step": 20, "loss": 2.0, "validation": {"bleu": 3.0}}, {"step": 30, "loss": 1.5}]


def write(path: Path, keep_up_to_step: int = 0) -> None:
    log = MetricsLog(path, keep_up_to_step)
    for row in ROWS:
        log.write(row)
    log.close()


def test_rows_come_back(tmp_path: Path) -> None:
    write(tmp_path / "m.jsonl")
    assert read_metrics(tmp_path / "m.jsonl") == ROWS


def test_a_row_can_be_read_as_soon_as_it_is_written(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "m.jsonl")
    log.write(ROWS[0])
    assert read_metrics(tmp_path / "m.jsonl") == ROWS[:1]
    log.close()


def test_resuming_keeps_the_rows_up_to_the_state(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    write(path)
    path.write_text(path.read_text() + '{"step": 40, "lo')  # torn by a kill
    MetricsLog(path, keep_up_to_step=20).close()
    assert read_metrics(path) == ROWS[:2]
    MetricsLog(path).close()
    assert read_metrics(path) == []


def test_a_failing_disk_does_not_lose_the_rows_so_far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.jsonl"
    write(path)

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="m.jsonl"):
        MetricsLog(path, keep_up_to_step=20)
    assert read_metrics(path) == ROWS


def test_damage_before_the_last_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    for damaged in ('{"step": 1}\n{"st\n{"step": 3}\n', '{"step": 1}\n[2]\n{"step": 3}\n', '{"step": 1}\n[2]\n'):
        path.write_text(damaged)
        with pytest.raises(ValueError, match="m.jsonl, line 2: not a JSON object"):
            read_metrics(path)
    with pytest.raises(ValueError, match="no metrics file at .*gone"):
        read_metrics(tmp_path / "gone")
