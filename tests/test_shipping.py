"""What ships is what its card says: scores, licence, size, safetensors only; and the grammar recipe reaches what the course promises."""

import dataclasses
import json
import re
from pathlib import Path

import pytest
import torch

from lessons_lib import shipping
from lessons_lib.checkpoints import CheckpointError, grown, load_model, load_tensors, load_weights, shipped
from lessons_lib.config import Budget, ModelConfig
from lessons_lib.corpus import has_multi30k, load_grammar, load_multi30k
from lessons_lib.evaluation import Score, score
from lessons_lib.metrics import read_metrics
from lessons_lib.models import EncoderDecoder
from lessons_lib.presets import PRESETS, find, train
from lessons_lib.runtime import data_dir
from lessons_lib.shipping import card, ship
from lessons_lib.translation import Translator

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("grammar-en-de", "multi30k-de-en", "multi30k-en-de", "tiny-en-de")
SAFE = {".safetensors", ".json", ".jsonl", ".md"}


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def facts(name: str) -> dict:
    return json.loads((shipped()[name] / "scores.json").read_text(encoding="utf-8"))


def test_the_translators_ship_whole_small_and_without_pickles() -> None:
    assert tuple(shipped()) == NAMES
    files = [file for file in (data_dir() / "checkpoints").rglob("*") if file.is_file()]
    assert {file.suffix for file in files} <= SAFE
    assert sum(file.stat().st_size for file in files) < 40e6
    for name in NAMES:
        weights, _ = load_tensors(shipped()[name] / "model.safetensors")
        assert {t.dtype for t in weights.values()} == {torch.float16}


def test_what_the_examples_begin_with_fits_their_recipes() -> None:
    texts = [file.read_text(encoding="utf-8") for file in (ROOT / "lessons_lib" / "cli" / "train.py", ROOT / "README.md")]
    examples = [example for text in texts for example in re.findall(r"lessons train (\S+) --from ([\w-]+)", text)]
    assert len(examples) == 2
    for recipe, name in examples:
        start = load_model(shipped()[name])
        config = ModelConfig(vocabulary_size=start.tokenizer.vocabulary_size, pad_id=0, **PRESETS[recipe].model)
        model = EncoderDecoder(config)
        load_weights(model, grown(start.model.state_dict(), model), name)


@pytest.mark.parametrize("name", NAMES)
def test_the_card_says_what_stands_in_the_folder(name: str) -> None:
    preset = PRESETS[facts(name)["preset"]]
    text = (shipped()[name] / "README.md").read_text(encoding="utf-8")
    assert text == card(shipped()[name], preset)
    last = read_metrics(shipped()[name] / "metrics.jsonl")[-1]
    assert f"{last['step']:,} steps" in text and facts(name)["hardware"] in text and preset.licence in text and "## Limits" in text


def test_the_scores_are_those_that_the_course_promises() -> None:
    assert facts("multi30k-en-de")["scores"]["test"]["bleu-lc-moses"] >= 36
    grammar = facts("grammar-en-de")["scores"]
    assert grammar["test"]["bleu"] >= 95 and grammar["unseen"]["bleu"] >= 90


def test_the_readme_quotes_the_measured_scores() -> None:
    results = (ROOT / "README.md").read_text(encoding="utf-8").split("## Results")[1].split("\n## ")[0]
    for name in NAMES:
        for split, scores in facts(name)["scores"].items():
            row = next(line for line in results.splitlines() if f"`{name}`" in line and f"| {split}" in line)
            assert re.findall(r"\d+\.\d+", row) == [f"{scores[metric]:.2f}" for metric in ("bleu-lc-moses", "bleu", "chrf")], row


def test_the_grammar_model_still_translates_as_its_card_says() -> None:
    pairs = load_grammar("test")[:200]
    hypotheses = Translator.load("grammar-en-de").translate([pair.source for pair in pairs], beam=5)
    assert score("bleu", hypotheses, [pair.target for pair in pairs], n_bootstrap=0).value >= 94


@pytest.mark.skipif(not has_multi30k(), reason="Multi30k is not under LESSONS_DATA_DIR")
def test_the_caption_model_still_translates_as_its_card_says() -> None:
    pairs = load_multi30k("test")[:150]
    hypotheses = Translator.load().translate([pair.source for pair in pairs], beam=5)
    found = score("bleu-lc-moses", hypotheses, [pair.target for pair in pairs])
    assert found.low <= facts("multi30k-en-de")["scores"]["test"]["bleu-lc-moses"] <= found.high


@pytest.mark.slow
def test_a_fixed_number_of_steps_reaches_95_and_90_bleu_on_the_grammar_corpus(tmp_path: Path) -> None:
    budget = PRESETS["grammar"].budget
    assert budget.steps is not None
    translator = Translator(train(PRESETS["grammar"], tmp_path))
    for split, least in (("test", 95), ("unseen", 90)):
        pairs = load_grammar(split)
        hypotheses = translator.translate([pair.source for pair in pairs], beam=5)
        found = score("bleu", hypotheses, [pair.target for pair in pairs], n_bootstrap=0).value
        assert found >= least, f"{split}: {found:.2f} after {budget.steps} steps"


def test_a_run_in_the_other_direction_ships_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short = {split: load_grammar(split)[:3] for split in ("validation", "test", "unseen", "longer", "mirrored")}
    short["train"] = load_grammar("train")[:500]
    monkeypatch.setitem(PRESETS, "grammar", dataclasses.replace(PRESETS["grammar"], load=short.__getitem__))
    compared: list[str] = []
    metrics: set[str] = set()

    def record(metric: str, hypotheses: list[str], references: list[str], n_bootstrap: int = 1000) -> Score:
        compared.extend(references)
        metrics.add(metric)
        return Score(metric, 1.0, 0.5, 1.5, "signed")

    monkeypatch.setattr(shipping, "score", record)
    train(find("grammar", "de-en"), tmp_path / "run", Budget(steps=1))
    folder = ship(tmp_path / "run", "grammar", "a test machine", "lessons train grammar --direction de-en --steps 1", root=tmp_path)
    assert folder == tmp_path / "grammar-de-en" and load_model(folder).direction == "de-en"
    assert "\nGerman to English, an encoder–decoder Transformer" in (folder / "README.md").read_text(encoding="utf-8")
    validation, test = ([pair.source for pair in short[split]] for split in ("validation", "test"))
    assert compared[:15] == len(shipping.LENGTH_PENALTIES) * validation + test  # the corpus's English is what it should say
    assert metrics == {"bleu", "chrf", "bleu-lc-moses-en"}
    casing = load_model(folder).casing
    assert "The" in casing.lower_first and "Der" not in casing.lower_first


def test_shipping_a_run_halves_it_scores_it_and_writes_its_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / "run"
    train(PRESETS["grammar"], run, Budget(steps=2))
    short = {split: load_grammar(split)[:3] for split in ("validation", "test", "unseen", "longer", "mirrored")}
    monkeypatch.setitem(PRESETS, "grammar", dataclasses.replace(PRESETS["grammar"], load=short.__getitem__))
    folder = ship(run, "grammar", "a test machine", "lessons train grammar --steps 2", tmp_path / "out", "It began with another.", "short")
    assert folder == tmp_path / "out" / "short-en-de"
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert "The log is `metrics.jsonl`.\n\nIt began with another.\n\n- Model" in text
    assert "a test machine" in text and "2 steps" in text and "| mirrored | 3 |" in text
    assert (folder / "model.safetensors").stat().st_size < 0.6 * (run / "model.safetensors").stat().st_size
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    arguments = (run, "grammar", "another machine", "lessons train grammar --steps 2", tmp_path / "out", "", "short")
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(shipping, "measure", interrupted)
        ship(*arguments)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before and list(folder.parent.iterdir()) == [folder]
    assert "another machine" in (ship(*arguments) / "README.md").read_text(encoding="utf-8")
    (run / "metrics.jsonl").unlink()
    with pytest.raises(CheckpointError, match="run is no finished run: metrics.jsonl not there"):
        ship(*arguments)


@pytest.mark.parametrize(("values", "chosen"), [((30, 29, 31, 31), 1.4), ((30, 30, 30, 30), 1.0), ((30, 30.5, 29, 28), 0.6)])
def test_validation_chooses_the_length_penalty(values: tuple[float, ...], chosen: float, monkeypatch: pytest.MonkeyPatch) -> None:
    by_penalty = dict(zip(shipping.LENGTH_PENALTIES, values, strict=True))
    translator = Translator.load("grammar-en-de")
    monkeypatch.setattr(Translator, "translate", lambda self, sentences, beam, penalty: [str(penalty)] * len(sentences))
    monkeypatch.setattr(shipping, "score", lambda metric, texts, *_, **__: Score(metric, by_penalty[float(texts[0])], 0, 0, ""))
    assert shipping.best_penalty(translator.trained, PRESETS["grammar"]) == chosen
