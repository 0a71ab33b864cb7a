"""The scripts that train what ships: the pairs that translators add, and the order of the trainings."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from tiny_models import tiny_translator

from lessons_lib.checkpoints import CheckpointError
from lessons_lib.corpus import DataError, Pair, read_pairs
from lessons_lib.evaluation import score
from lessons_lib.translation import Translator

ROOT = Path(__file__).resolve().parent.parent


def written_by(*translators: "Dictionary") -> list[tuple["Dictionary", Callable[..., list[str]]]]:
    return [(translator, lambda translator, sentences, *_: translator.translate(sentences, 5, None)) for translator in translators]


@pytest.fixture
def diversify(script: Callable[[str], ModuleType]) -> ModuleType:
    """scripts/diversify.py as a module."""
    return script("diversify")


class Dictionary:
    """A translator that looks sentences up."""

    def __init__(self, direction: str, **entries: str) -> None:
        self.trained, self.entries = SimpleNamespace(direction=direction), entries

    def translate(self, sentences: list[str], beam: int, on_progress: object) -> list[str]:
        return [self.entries[sentence] for sentence in sentences]


FORWARD = Dictionary("en-de", dog="Köter", cat="Katze", bird="")
BACK = Dictionary("de-en", Hund="hound", Katze="cat", Vogel="fowl")
CAPTIONS = [
    Pair("A man rides a bike.", "Ein Mann fährt mit dem Rad."),
    Pair("Two dogs are playing in the snow.", "Zwei Hunde tollen im Schnee."),
    Pair("A woman in a red dress is dancing.", "Eine Frau in rotem Kleid tanzt."),
    Pair("Children are sitting on a bench in the park.", "Im Park sitzen Kinder auf einer Bank."),
]
PAIRS = [Pair("dog", "Hund"), Pair("cat", "Katze"), Pair("bird", "Vogel")]


def test_what_is_new_and_not_empty_is_added(diversify: ModuleType) -> None:
    assert list(diversify.diversified(PAIRS, written_by(FORWARD, BACK))) == [
        Pair("dog", "Köter"),
        Pair("hound", "Hund"),
        Pair("fowl", "Vogel"),
    ]


def test_what_several_models_write_alike_is_added_once(diversify: ModuleType) -> None:
    other = Dictionary("en-de", dog="Köter", cat="Kater", bird="Vogel")
    assert list(diversify.diversified(PAIRS, written_by(FORWARD, other))) == [Pair("dog", "Köter"), Pair("cat", "Kater")]


def test_sentences_keep_their_order(diversify: ModuleType) -> None:
    assert diversify.translations(BACK, diversify.best, ["Vogel", "Hund", "Katze"], []) == ["fowl", "hound", "cat"]


def test_the_pairs_are_those_that_training_reads(
    diversify: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(diversify, "load_multi30k", lambda split: PAIRS if split == "train" else [])
    monkeypatch.setattr(diversify.Translator, "load", lambda name: {"f": FORWARD, "b": BACK}[name])
    monkeypatch.setattr(sys, "argv", ["diversify.py", "f", "b"])
    assert diversify.main() == 0
    written = tmp_path / "pairs.jsonl"
    written.write_text(capsys.readouterr().out, encoding="utf-8")
    assert read_pairs(written) == list(diversify.diversified(PAIRS, written_by(FORWARD, BACK)))
    assert json.loads(written.read_text(encoding="utf-8").splitlines()[0]) == {"en": "dog", "de": "Köter"}


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (CheckpointError("there is no checkpoint 'f'"), "diversify: there is no checkpoint 'f'"),
        (DataError("Multi30k is not here"), "diversify: Multi30k is not here"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(
    error: Exception, says: str, diversify: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def load(name: str) -> object:
        raise error

    monkeypatch.setattr(diversify, "load_multi30k", lambda split: PAIRS)
    monkeypatch.setattr(diversify.Translator, "load", load)
    monkeypatch.setattr(sys, "argv", ["diversify.py", "f", "b"])
    assert diversify.main() == 2
    assert capsys.readouterr() == ("", f"{says}\n")


def test_a_real_translator_answers(diversify: ModuleType) -> None:
    texts = ["the dog bites the man.", "the bird sees the fish."]
    translator = tiny_translator()
    assert diversify.translations(translator, diversify.best, texts, []) == translator.translate(texts)


def test_the_nearest_of_what_a_beam_finishes_is_at_least_as_near_as_the_best(diversify: ModuleType) -> None:
    translator, pairs = Translator.load("tiny-en-de"), CAPTIONS
    sentences, partners = ([pair[side] for pair in pairs] for side in (0, 1))
    bleu = {
        manner: score("bleu-lc-moses", diversify.translations(translator, manner, sentences, partners), partners, 0).value
        for manner in (diversify.best, diversify.nearest)
    }
    assert bleu[diversify.nearest] > bleu[diversify.best]


def test_draws_are_the_same_each_time_and_not_what_is_best(diversify: ModuleType) -> None:
    translator, sentences = Translator.load("tiny-en-de"), [pair.source for pair in CAPTIONS]
    first, again = (diversify.translations(translator, diversify.drawn, sentences, []) for _ in range(2))
    assert first == again and all(first) and first != translator.translate(sentences)


def test_a_name_may_say_how_its_model_is_to_translate(diversify: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diversify.Translator, "load", lambda name: name)
    wanted = [("m", diversify.best), ("m", diversify.nearest), ("runs/m", diversify.drawn), ("C:\\m", diversify.best)]
    assert [diversify.writer(text) for text in ("m", "m:nearest", "runs/m:draw", "C:\\m")] == wanted


@pytest.mark.skipif(os.name == "nt", reason="a shell script")
def test_the_trainings_follow_one_another_and_the_pairs_are_made_once(tmp_path: Path) -> None:
    """With a `torchrun` and a `python` that only tell what they were asked."""
    for name in ("torchrun", "python"):
        (tmp_path / name).write_text(f'#!/bin/sh\necho "{name} $*" >>"$TOLD"\n')
        (tmp_path / name).chmod(0o755)
    told, out = tmp_path / "told", tmp_path / "out"
    out.mkdir()
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "TOLD": str(told)}
    for _ in range(2):
        subprocess.run([ROOT / "scripts" / "train_translators.sh", "7", out], env=environment, check=True)
    lines = [line.removeprefix("torchrun --nproc-per-node 2 -m ").replace(f"{out}/", "") for line in told.read_text().splitlines()]
    trainings = [line for line in lines if line.startswith("lessons_lib train ")]
    assert trainings[:7] == trainings[7:] and all(line.endswith(" --seed 7 --resume") for line in trainings)
    assert [line.removeprefix("lessons_lib train ").removesuffix(" --seed 7 --resume") for line in lines[:12]] == [
        "multi30k --minutes 92 --out first",
        "multi30k --direction de-en --minutes 54 --out back",
        "python scripts/diversify.py first back",
        "multi30k --from first --also first.jsonl --minutes 85 --out second",
        "python scripts/diversify.py second back",
        "multi30k-further --from second --also second.jsonl --minutes 104 --out third",
        "python scripts/diversify.py third back",
        "multi30k-wider --from third --also third.jsonl --minutes 104 --out fourth",
        "python scripts/diversify.py second third fourth back",
        "multi30k-wider --direction de-en --from back --also back.jsonl --minutes 60 --out multi30k-de-en",
        "python scripts/diversify.py fourth:nearest multi30k-de-en multi30k-de-en:draw",
        "multi30k-wider --from fourth --also fourth.jsonl --minutes 75 --out multi30k-en-de",
    ]
    assert lines[12:] == trainings[7:], "the pairs are made once"
    assert {path.name for path in out.iterdir()} == {f"{name}.jsonl" for name in ("first", "second", "third", "back", "fourth")}
