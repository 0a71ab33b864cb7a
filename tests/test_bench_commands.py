"""`lessons bench`: what it prints, the rows it writes, and what it refuses."""

import dataclasses
import importlib.util
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from command_line import assert_refused, lessons
from tiny_models import tiny_preset

from lessons_lib import presets
from lessons_lib.bench.contest import ContestError
from lessons_lib.bench.training_systems import OURS, PEERS
from lessons_lib.config import SPEEDUPS


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(presets.PRESETS, "tiny", tiny_preset())


@pytest.mark.slow
@pytest.mark.usefixtures("tiny")
def test_bench_train_prints_a_table_and_writes_rows(tmp_path: Path) -> None:
    options = ("--preset", "tiny", "--peers", "textbook", "--ours", "plain", "--seconds", "0.05", "--threads", 1)
    outcome = lessons("bench", "train", *options, "--repeats", 2, "--json", tmp_path / "rows.jsonl")
    assert outcome.status == 0, outcome.err
    assert outcome.lines[0].startswith("bench train · tiny, 1+1 layers, d_model 16, d_ff 32, 2 heads, vocabulary 290")
    table = [line.split()[0] for line in outcome.lines if line.strip()]
    assert table[table.index("system") + 1 :][:2] == ["textbook", "plain"]
    assert "warm-up, plain: " in outcome.err and "round 2 of 2, textbook: " in outcome.err
    found = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text(encoding="utf-8").splitlines()]
    speeds = [row for row in found if row["metric"] == "tokens_per_second"]
    assert [(row["system"], row["repeat"]) for row in speeds] == [("textbook", 1), ("textbook", 2), ("plain", 1), ("plain", 2)]
    assert all(abs(row["value"] * row["seconds"] / row["tokens"] - 1) < 0.02 for row in speeds)


@pytest.mark.slow
@pytest.mark.usefixtures("tiny")
def test_bench_train_for_minutes_judges_what_was_learned() -> None:
    outcome = lessons("bench", "train", "--preset", "tiny", "--peers", "", "--ours", "plain", "--minutes", "0.01", "--threads", 1)
    assert outcome.status == 0, outcome.err
    head, row = next(pair for pair in itertools.pairwise(outcome.lines) if pair[0].startswith("system"))
    assert head.split()[-1] == "BLEU" and row.startswith("plain") and "warm-up" not in outcome.err
    assert_refused(lessons("bench", "train", "--peers", "joeynmt", "--minutes", "1", "--preset", "tiny"), "joeynmt", "textbook")


@pytest.mark.slow
def test_bench_decode_translates_and_writes_rows_instead_of_the_table() -> None:
    options = ("--preset", "grammar", "--peers", "", "--ours", "fast", "--sentences", 6, "--repeats", 1, "--threads", 1)
    outcome = lessons("bench", "decode", *options, "--json", "-")
    assert outcome.status == 0, outcome.err
    found = [json.loads(line) for line in outcome.lines]
    metrics = {(row["system"], row["metric"]) for row in found}
    assert {(f"fast {beam}", "sentences_per_second") for beam in ("greedy", "beam5")} <= metrics
    assert all(row["study"] == "bench decode" and row["data"] == "checkpoint grammar-en-de" for row in found)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("train", "--peers", "textbok"), ["--peers", "textbok", "textbook, bucketed, marian, joeynmt"]),
        (("train", "--ours", "fast"), ["--ours", "fast", "plain", "processes"]),
        (("train", "--ours", "processes", "--threads", "1"), ["processes", "at least 2 --threads"]),
        (("train", "--ours", "", "--peers", ""), ["nothing to measure"]),
        (("decode", "--beams", ""), ["nothing to measure"]),
        (("train", "--preset", "huge"), ["'huge'", "grammar, tiny, multi30k"]),
        (("train", "--seconds", "0"), ["--seconds"]),
        (("train", "--repeats", "0"), ["--repeats"]),
        (("decode", "--beams", "beam7"), ["--beams", "beam7", "greedy, beam5"]),
        (("decode", "--peers", "fast"), ["--peers", "fast", "generate, ctranslate2"]),
        (("decode", "--sentences", "0"), ["--sentences"]),
        (("train", "--peers", "textbook", "--json", "nowhere/rows.jsonl"), ["--json is nowhere/rows.jsonl", "nowhere"]),
        (("decode", "--ours", "fast", "--json", "."), ["--json is .: that is a folder"]),
    ],
)
def test_bad_values_are_refused(arguments: tuple[str, ...], words: list[str]) -> None:
    assert_refused(
        lessons("bench", *arguments, "--preset", "grammar") if "--preset" not in arguments else lessons("bench", *arguments), *words
    )


def test_a_peer_that_is_not_installed_is_refused_by_name_and_left_out_where_none_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from lessons_lib.cli import bench

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert_refused(lessons("bench", "train", "--peers", "marian"), "marian needs transformers", "pip install -e '.[peers]'")
    assert_refused(lessons("bench", "train", "--peers", "joeynmt"), "joeynmt needs joeynmt", "pip install -e '.[joeynmt]'")
    assert_refused(lessons("bench", "decode", "--peers", "ctranslate2"), "ctranslate2 needs ctranslate2", "pip install -e '.[peers]'")
    assert bench.chosen("--peers", None, PEERS, bench.installed) == ["textbook", "bucketed"]
    assert "Left out" in capsys.readouterr().err


@pytest.mark.usefixtures("tiny")
def test_missing_data_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    from lessons_lib.corpus import DataError

    def gone(split: str) -> list[Any]:
        raise DataError("the corpus is on the moon")

    monkeypatch.setitem(presets.PRESETS, "tiny", dataclasses.replace(tiny_preset(), load=gone))
    assert_refused(lessons("bench", "train", "--preset", "tiny", "--peers", "textbook"), "on the moon")


def test_a_system_that_fails_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    from lessons_lib.bench import contest
    from lessons_lib.cli import bench
    from lessons_lib.cli.refusal import Refusal

    def fail(*_: object) -> None:
        raise ContestError("marian failed: RuntimeError: out of order")

    monkeypatch.setattr(contest, "compete", fail)
    with pytest.raises(Refusal, match="marian failed: RuntimeError: out of order"):
        bench.compete([], 1, 1.0)


def test_rows_are_written_before_the_table_and_the_table_is_shown_without_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from lessons_lib.cli import bench
    from lessons_lib.cli.refusal import Refusal

    file = tmp_path / "rows.jsonl"
    with pytest.raises(KeyError):
        bench.tell(str(file), [{"value": 1.0}], lambda: {}["bf16"])
    assert json.loads(file.read_text(encoding="utf-8")) == {"value": 1.0}
    with pytest.raises(Refusal, match="gone/rows.jsonl: No such file"):
        bench.tell(str(tmp_path / "gone" / "rows.jsonl"), [], lambda: "the table")
    assert capsys.readouterr().out == "the table\n"


def test_ours_are_the_plain_path_each_speedup_alone_all_together_and_in_processes() -> None:
    assert OURS[0] == "plain" and OURS[-2:] == ("together", "processes") and set(SPEEDUPS) < set(OURS)
