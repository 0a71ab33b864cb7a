"""`lessons bench`: what it prints, the rows it writes, and what it refuses."""

import dataclasses
import importlib.util
import itertools
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from command_line import assert_refused, lessons
from tiny_models import tiny_preset

from lessons_lib import presets
from lessons_lib.bench import contest, hindrances
from lessons_lib.bench.contest import Contestant, Result, Turn
from lessons_lib.bench.rows import Occasion
from lessons_lib.bench.training_systems import OURS, PEERS
from lessons_lib.cli import bench
from lessons_lib.cli.refusal import Refusal
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
        (("train", "--minutes", "1", "--repeats", "5"), ["--minutes lets each learn once", "leave --repeats and --seconds out"]),
        (("train", "--minutes", "1", "--seconds", "8"), ["--minutes lets each learn once", "leave --repeats and --seconds out"]),
        (
            ("train", "--peers", "joeynmt", "--minutes", "1"),
            ["--peers joeynmt cannot be judged after --minutes", "no place in a model of ours"],
        ),
        (("train", "--ours", "processes", "--threads", "2"), ["--ours processes cannot take part: 2 threads cannot share"]),
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
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert_refused(lessons("bench", "train", "--peers", "marian"), "marian needs transformers", "pip install -e '.[peers]'")
    assert_refused(lessons("bench", "train", "--peers", "joeynmt"), "joeynmt needs joeynmt", "pip install -e '.[joeynmt]'")
    assert_refused(lessons("bench", "decode", "--peers", "ctranslate2"), "ctranslate2 needs ctranslate2", "pip install -e '.[peers]'")
    assert bench.chosen("--peers", None, PEERS, lambda _, peer: hindrances.missing(peer)) == ["textbook", "bucketed"]
    assert "Left out" in capsys.readouterr().err


@pytest.mark.usefixtures("tiny")
def test_missing_data_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    from lessons_lib.corpus import DataError

    def gone(split: str) -> list[Any]:
        raise DataError("the corpus is on the moon")

    monkeypatch.setitem(presets.PRESETS, "tiny", dataclasses.replace(tiny_preset(), load=gone))
    assert_refused(lessons("bench", "train", "--preset", "tiny", "--peers", "textbook"), "on the moon")


def test_a_name_that_is_known_but_impossible_here_is_refused_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hindrances, "precision", lambda: "fp32")
    reason = "--ours bf16 would gain nothing: this processor is not faster in bfloat16"
    for command in ("train", "decode"):
        assert_refused(lessons("bench", command, "--preset", "grammar", "--ours", "bf16"), reason)
    assert_refused(lessons("bench", "train", "--preset", "grammar", "--ours", "bf16,processes", "--threads", "1"), reason, "2 --threads")
    assert_refused(lessons("bench", "decode", "--preset", "grammar", "--peers", "bf16"), "--peers names bf16: use generate, ctranslate2")


class Failing:
    """A system whose turns succeed up to one of them."""

    def __init__(self, fails_at: int) -> None:
        self.turns, self.fails_at = 0, fails_at

    def facts(self) -> dict[str, float]:
        return {}

    def turn(self, seconds: float) -> Turn:
        self.turns += 1
        if self.turns == self.fails_at:
            raise ArithmeticError("out of order")
        return Turn(100, 2.0, {"turns": float(self.turns)})


OCCASION = Occasion("bench train", "a corpus", "a processor", "2.13", "2026-11-25")


def test_what_was_measured_before_a_system_fails_is_in_the_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rows.jsonl"
    systems = [Contestant("steady", partial(Failing, 99), 1), Contestant("marian", partial(Failing, 3), 1)]
    with pytest.raises(Refusal, match="^marian failed: ArithmeticError: out of order$"):
        bench.measure(systems, (5, 0.1), OCCASION, str(file), lambda _: pytest.fail("there is no table of half a contest"))
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [(row["system"], row["repeat"], row["value"]) for row in rows if row["metric"] == "turns"] == [
        ("steady", 1, 2.0), ("steady", 2, 3.0), ("marian", 1, 2.0),
    ]  # fmt: skip
    assert f"3 turns count\n{len(rows)} rows are in {file}\n" in capsys.readouterr().err


def test_what_was_measured_before_an_interruption_is_in_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, results: list[Result]) -> None:
        results += [Result("plain", {}, [Turn(100, 2.0)]), Result("together", {"first loss": 5.0})]
        raise KeyboardInterrupt

    monkeypatch.setattr(contest, "compete", interrupted)
    file, gone = tmp_path / "rows.jsonl", tmp_path / "gone" / "rows.jsonl"
    for wanted in (file, gone, None):
        with pytest.raises(KeyboardInterrupt):
            bench.measure([], (5, 0.1), OCCASION, wanted and str(wanted), lambda _: "")
    assert {json.loads(line)["system"] for line in file.read_text(encoding="utf-8").splitlines()} == {"plain"}


def test_nothing_is_written_where_nothing_was_measured(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text("of yesterday", encoding="utf-8")
    with pytest.raises(Refusal):
        bench.measure([Contestant("marian", partial(Failing, 1), 1)], (1, 0.1), OCCASION, str(file), lambda _: "")
    assert file.read_text(encoding="utf-8") == "of yesterday"


def test_rows_are_written_before_the_table_and_the_table_is_shown_without_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rows.jsonl"
    with pytest.raises(KeyError):
        bench.tell(str(file), [{"value": 1.0}], lambda: {}["bf16"])
    assert json.loads(file.read_text(encoding="utf-8")) == {"value": 1.0}
    with pytest.raises(Refusal, match="gone/rows.jsonl: No such file"):
        bench.tell(str(tmp_path / "gone" / "rows.jsonl"), [], lambda: "the table")
    assert capsys.readouterr().out == "the table\n"


def test_ours_are_the_plain_path_each_speedup_alone_all_together_and_in_processes() -> None:
    assert OURS[0] == "plain" and OURS[-2:] == ("together", "processes") and set(SPEEDUPS) < set(OURS)
