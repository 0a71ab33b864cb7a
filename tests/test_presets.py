"""Recipes: what they put together, what a run leaves in its folder, and that the shipped ones are sound."""

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_models import SMALL, tiny_pairs, tiny_preset

from lessons_lib import presets
from lessons_lib.checkpoints import CheckpointError, fingerprint, load_model
from lessons_lib.cleaning import TokenLimits
from lessons_lib.config import SPEEDUPS, Budget, ModelConfig, TrainingConfig
from lessons_lib.corpus import DataError, Pair
from lessons_lib.metrics import read_metrics
from lessons_lib.models import EncoderDecoder
from lessons_lib.optim import decay, paper_learning_rate, warmup
from lessons_lib.presets import PRESETS, find, prepare
from lessons_lib.speedups import PackedAttention
from lessons_lib.tokenization import Tokenizer
from lessons_lib.translation import Translator


def test_a_run_leaves_all_that_translates_and_its_log(tmp_path: Path) -> None:
    rows: list[dict] = []
    preset = tiny_preset(ema_decay=0.5)
    trained = presets.train(preset, tmp_path / "deep" / "run", Budget(steps=4), on_log=rows.append)
    folder = tmp_path / "deep" / "run"
    assert sorted(os.listdir(folder)) == [
        "casing.json", "config.json", "metrics.jsonl", "model.safetensors", "state.safetensors", "tokenizer.json", "training.json",
    ]  # fmt: skip
    assert read_metrics(folder / "metrics.jsonl") == rows and [row["step"] for row in rows] == [2, 4]
    assert set(rows[-1]["validation"]) == {"bleu_lc_moses", "exact_match"}
    assert TrainingConfig.from_json((folder / "training.json").read_text()) == preset.training
    for name, tensor in load_model(folder).model.state_dict().items():
        assert torch.equal(tensor, trained.model.state_dict()[name])
    assert isinstance(Translator.load(folder).translate(["the dog."], beam=1)[0], str)


def test_a_run_begins_with_a_trained_model(tmp_path: Path) -> None:
    first = presets.train(tiny_preset(), tmp_path / "first", Budget(steps=4))
    more = [Pair("a quokka sees the dog.", "ein Quokka sieht den Hund.")] * 20  # words that would make another tokenizer
    further = dataclasses.replace(tiny_preset(), start=str(tmp_path / "first")).with_more(more)
    run = prepare(further, Budget(steps=4))
    assert fingerprint(run.tokenizer) == fingerprint(first.tokenizer) != fingerprint(prepare(tiny_preset().with_more(more)).tokenizer)
    assert run.casing == first.casing and run.trainer.at.step == 0
    for name, tensor in run.trainer.model.state_dict().items():
        assert torch.equal(tensor, first.model.state_dict()[name])
    presets.train(further, tmp_path / "further", Budget(steps=2))
    presets.train(further, tmp_path / "further", Budget(steps=4), resume=True)
    assert [row["step"] for row in read_metrics(tmp_path / "further" / "metrics.jsonl")] == [2, 4]


def test_a_wider_model_begins_with_what_a_narrower_one_computes(tmp_path: Path) -> None:
    first = presets.train(tiny_preset(), tmp_path / "first", Budget(steps=4)).model
    wider = dataclasses.replace(tiny_preset(), start=str(tmp_path / "first"), model=tiny_preset().model | dict(d_ff=64))
    trainer = prepare(wider).trainer
    sources, targets = torch.randint(4, 40, (3, 9)), torch.randint(4, 40, (3, 7))
    with torch.no_grad():
        torch.testing.assert_close(trainer.model.eval()(sources, targets), first(sources, targets))
    trained = presets.train(wider, budget=Budget(steps=3), folder=tmp_path / "wider").model
    for layer in (*trained.encoder.layers, *trained.decoder.layers):
        assert layer.feed_forward.contract.weight[:, 32:].count_nonzero() > 0


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (dict(start="nobody"), "there is no checkpoint 'nobody'"),
        (dict(direction="de-en"), "first translates en-de, and what begins with it is to translate de-en"),
        (dict(model=tiny_preset().model | dict(d_ff=16)), "first does not fit the recipe's model: size mismatch for .*feed_forward.* …$"),
        (
            dict(model=tiny_preset().model | dict(d_model=32, d_ff=64)),
            "first does not fit the recipe's model: size mismatch for table.weight",
        ),
        (dict(model=SMALL | dict(n_encoder_layers=1, n_decoder_layers=2)), "first does not fit the recipe's model: Missing .* …$"),
    ],
)
def test_only_a_model_of_the_recipe_can_be_begun_with(changes: dict[str, Any], says: str, tmp_path: Path) -> None:
    presets.train(tiny_preset(), tmp_path / "first", Budget(steps=2))
    with pytest.raises(CheckpointError, match=says):
        prepare(dataclasses.replace(tiny_preset(), **{"start": str(tmp_path / "first")} | changes))


@pytest.mark.parametrize("bpe_dropout", [0.0, 0.1])
def test_a_text_that_the_model_cannot_read_is_named_before_training(bpe_dropout: float) -> None:
    preset = tiny_preset(bpe_dropout=bpe_dropout).with_more([Pair("the dog " * 50, "der Hund.")])
    with pytest.raises(DataError, match="a training text of [0-9]+ tokens, this model reads at most 63; leave it out: 'the dog the dog"):
        prepare(preset)


def test_a_text_as_long_as_a_model_reads_still_fits_in_a_batch() -> None:
    """A batch's width is rounded up to a multiple of 4: into a model for 62 go 59 tokens and EOS."""
    preset = tiny_preset().with_more([Pair("the dog " * 30, "der Hund.")])
    short = dataclasses.replace(preset, model=preset.model | dict(max_length=62))
    with pytest.raises(DataError, match="this model reads at most 59"):
        prepare(short)


def test_a_text_of_as_many_bytes_as_a_model_reads_tokens_may_have_one_token_more() -> None:
    """A space is put before its first word: 63 bytes, of which no two were met before, are 64 tokens."""
    text = "".join(map(chr, range(0x430, 0x430 + 31))) + "x"
    with pytest.raises(DataError, match="a training text of 64 tokens, this model reads at most 63"):
        prepare(tiny_preset().with_more([Pair(text, "der Hund.")]))


def test_no_pairs_are_refused_in_words() -> None:
    with pytest.raises(DataError, match="no pair to train on: the training data is empty"):
        prepare(tiny_preset(lambda split: [] if split == "train" else tiny_pairs()))
    with pytest.raises(DataError, match="no pair to validate on"):
        prepare(tiny_preset(lambda split: tiny_pairs() if split == "train" else []))
    with pytest.raises(DataError, match=r"no pair to train on: TokenLimits\(max_tokens=1, .* leaves out all 90"):
        prepare(dataclasses.replace(tiny_preset(), token_limits=TokenLimits(max_tokens=1, max_ratio=2.0)))


def test_training_reads_text_as_translating_does() -> None:
    odd = Pair("the\tdog  bites", "der Hund bei\u00dft u\u0308ber")
    texts, _, _ = presets.read(tiny_preset().with_more([odd]))
    assert (texts[0][-1], texts[1][-1]) == ("the dog bites", "der Hund beißt über")


def test_a_tiny_recipe_learns_to_translate(tmp_path: Path) -> None:
    """Who bites whom: after some hundred steps on ninety sentences the tiny model says most of them right."""
    preset = dataclasses.replace(
        tiny_preset(learning_rate=1e-2, batch_tokens=768, warmup_steps=20, label_smoothing=0.0, validate_every=0, checkpoint_every=1000),
        model=dict(d_model=32, n_heads=4, d_ff=64, n_encoder_layers=1, n_decoder_layers=1, dropout=0.0, max_length=64),
        vocabulary_size=330,
    )
    translator = Translator(presets.train(preset, tmp_path / "run", Budget(steps=160)))
    pairs = tiny_pairs()[::6]
    right = sum(translator.translate([pair.source], beam=2)[0] == pair.target for pair in pairs)
    assert right >= 0.8 * len(pairs)


def test_the_micro_batches_of_a_pass_repeat_and_hold_every_pair() -> None:
    run = prepare(tiny_preset(bpe_dropout=0.2), Budget(steps=1))
    first, again, second = (list(run.trainer.batches(number)) for number in (0, 0, 1))
    assert sum(len(batch.source) for batch in first) == len(tiny_pairs())
    assert all(torch.equal(a.source, b.source) and torch.equal(a.target_out, b.target_out) for a, b in zip(first, again, strict=True))
    assert [b.source.shape for b in first] != [b.source.shape for b in second] or any(
        not torch.equal(a.source, b.source) for a, b in zip(first, second, strict=True)
    )
    assert all(batch.source.numel() <= 192 and batch.target_in.numel() <= 192 for batch in first)
    decoded = {run.tokenizer.decode(row.tolist()) for batch in first for row in batch.target_out}
    assert decoded == {run.casing.before_target(pair.target) for pair in tiny_pairs()}


@pytest.mark.parametrize(("bpe_dropout", "same"), [(0.0, True), (0.5, False)])
def test_bpe_dropout_cuts_the_texts_of_each_pass_anew(bpe_dropout: float, same: bool) -> None:
    run = prepare(tiny_preset(bpe_dropout=bpe_dropout), Budget(steps=1))
    passes = ([row[row != 0].tolist() for batch in run.trainer.batches(number) for row in batch.source] for number in (0, 1))
    first, second = (sorted(rows) for rows in passes)
    assert (first == second) == same
    assert sum(map(len, first)) == sum(map(len, second)) or not same


def test_text_cut_into_more_pieces_still_fits() -> None:
    """BPE-dropout makes more pieces of a text that is as long as the model reads: it is then cut as always."""
    text = " ".join(["the dog"] * 31)
    preset = tiny_preset(bpe_dropout=0.9).with_more([Pair(text, "der Hund.")] * 3)
    run = prepare(preset, Budget(steps=1))
    longest = run.trainer.model.config.max_length
    assert longest - 2 <= len(run.tokenizer.encode(run.casing.before_source(text))) < longest
    assert max(batch.source.shape[1] for number in range(5) for batch in run.trainer.batches(number)) <= longest


def test_widths_and_the_number_of_validated_pairs_are_the_recipes(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    translate = Translator.translate
    monkeypatch.setattr(
        Translator, "translate", lambda self, texts, *more, **named: (asked.append(len(texts)), translate(self, texts, *more, **named))[1]
    )
    run = prepare(dataclasses.replace(tiny_preset(), multiple_of=8, n_validation=3), Budget(steps=1))
    assert all(side.shape[1] % 8 == 0 for batch in run.trainer.batches(0) for side in (batch.source, batch.target_in))
    run.trainer.run()
    assert asked == [3]


def test_faster_pieces_take_the_place_of_plain_ones_where_the_recipe_asks() -> None:
    plain, fast = (prepare(tiny_preset(speedups=names)).trainer.worker for names in ((), SPEEDUPS))
    assert not any(isinstance(module, PackedAttention) for module in plain.modules())
    assert any(isinstance(module, PackedAttention) for module in fast.modules())


def test_files_that_are_no_run_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("mine")
    with pytest.raises(FileExistsError, match="holds config.json already, which training would overwrite: choose another --out"):
        presets.train(tiny_preset(), tmp_path, Budget(steps=1))
    assert os.listdir(tmp_path) == ["config.json"] and (tmp_path / "config.json").read_text() == "mine"


def test_the_seed_decides_weights_order_and_segmentation() -> None:
    one, same, other = (prepare(tiny_preset(bpe_dropout=0.2), seed=seed) for seed in (3, 3, 4))
    weights = [run.trainer.model.table.weight for run in (one, same, other)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])
    sources = [next(iter(run.trainer.batches(0))).source for run in (one, same, other)]
    assert torch.equal(sources[0], sources[1])
    assert sources[0].shape != sources[2].shape or not torch.equal(sources[0], sources[2])


def test_the_other_direction_reads_german_and_learns_the_casing_of_english() -> None:
    pairs = [Pair(f"The {p.source[4:]}", f"Der {p.target[4:]}") for p in tiny_pairs()]
    pairs.append(Pair("Today the man sees the dog.", "Heute sieht der Mann den Hund."))
    preset = dataclasses.replace(tiny_preset(lambda split: pairs, bpe_dropout=0.1), direction="de-en")
    run = prepare(preset, Budget(steps=1))
    assert run.trained().direction == "de-en" and run.casing.lower_first == ("The",)
    batch = next(iter(run.trainer.batches(0)))
    sources, targets = ({run.tokenizer.decode(row.tolist()) for row in side} for side in (batch.source, batch.target_out))
    assert sources <= {pair.target.lower() for pair in pairs} and targets <= {run.casing.before_target(pair.source) for pair in pairs}
    assert run.trainer.validate is not None and set(run.trainer.validate(run.trainer.model)) == {"bleu_lc_moses", "exact_match"}


def test_a_recipe_is_found_by_name_for_a_direction() -> None:
    assert find("grammar") == PRESETS["grammar"] and find("grammar", "de-en").direction == "de-en"
    assert find("grammar", "de-en").pairs("test")[0] == PRESETS["grammar"].pairs("test")[0].turned()
    with pytest.raises(ValueError, match="no preset 'huge': use grammar, tiny, multi30k, base, multi30k-further, multi30k-wider"):
        find("huge")
    with pytest.raises(ValueError, match="direction is 'en-fr': it must be one of en-de, de-en"):
        find("grammar", "en-fr")


def test_pairs_of_odd_lengths_are_left_out_and_the_tokenizer_may_learn_from_a_part() -> None:
    odd = [Pair("the dog " * 30, "der Hund."), Pair("", "der Hund."), Pair("the dog bites. " * 40, "der Hund beißt. " * 40)]
    limits = TokenLimits(max_tokens=60, max_ratio=2.5)
    for dropout in (0.0, 0.2):
        preset = dataclasses.replace(tiny_preset(lambda split: [*odd, *tiny_pairs()], bpe_dropout=dropout), token_limits=limits)
        batches = prepare(preset, Budget(steps=1)).trainer.batches(0)
        assert sum(len(batch.source) for batch in batches) == len(tiny_pairs())
    whole, part = (prepare(dataclasses.replace(tiny_preset(), tokenizer_pairs=n), Budget(steps=1)).tokenizer for n in (90, 9))
    alone = Tokenizer.train([text for i in (0, 1) for text in [pair[i] for pair in tiny_pairs()][::10]], 290)
    assert part.backend.to_str() == alone.backend.to_str() != whole.backend.to_str()


def test_missing_data_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    def load(split: str) -> list:
        raise DataError("not there")

    with pytest.raises(DataError, match="not there"):
        presets.train(tiny_preset(load), tmp_path / "run", Budget(steps=2))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", PRESETS)
def test_the_shipped_recipes_can_be_saved_and_built(name: str) -> None:
    preset = PRESETS[name]
    config = ModelConfig(vocabulary_size=preset.vocabulary_size, **preset.model)
    assert ModelConfig.from_json(config.to_json()) == config
    assert TrainingConfig.from_json(preset.training.to_json()) == preset.training
    assert preset.training.checkpoint_every and preset.about


def n_parameters(name: str) -> int:
    preset = PRESETS[name]
    with torch.device("meta"):
        return EncoderDecoder(ModelConfig(vocabulary_size=preset.vocabulary_size, **preset.model)).n_parameters


def test_the_caption_models_have_the_sizes_asked_for_and_base_is_the_papers_size() -> None:
    assert (
        n_parameters("tiny") <= 2.5e6 < n_parameters("multi30k") == n_parameters("multi30k-further") < n_parameters("multi30k-wider") <= 5e6
    )
    assert n_parameters("base") == pytest.approx(65e6, rel=0.04)  # table 3 of the paper


def test_base_takes_the_papers_steps() -> None:
    training = PRESETS["base"].training
    assert training.batch_tokens * training.micro_batches == pytest.approx(25_000, rel=0.03)
    for step in (1, 400, 4000, 16_000, 100_000):
        ours = training.learning_rate * warmup(step, training.warmup_steps) * decay(training.decay, 0.5, step, training.warmup_steps)
        assert ours == pytest.approx(paper_learning_rate(step, 512, 4000), rel=2e-3)


@pytest.mark.slow
def test_base_runs_on_rows_in_the_layout_of_wmt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its full width and depth for two steps; data and vocabulary alone are small."""
    monkeypatch.setenv("LESSONS_DATA_DIR", str(tmp_path))
    (tmp_path / "wmt14").mkdir()
    for split, rows in (("train", [*tiny_pairs(), Pair("dog " * 300, "Hund")]), ("validation", tiny_pairs()[:1])):
        lines = [json.dumps({"translation": {"en": row.source, "de": row.target}}) + "\n" for row in rows]
        (tmp_path / "wmt14" / f"{split}.jsonl").write_text("".join(lines))
    preset = dataclasses.replace(PRESETS["base"], vocabulary_size=300)
    run = prepare(preset, Budget(steps=2))
    losses: list[float] = []
    run.trainer.on_log = lambda row: losses.append(row["loss"])
    run.trainer.config = dataclasses.replace(run.trainer.config, log_every=1)
    run.trainer.run()
    assert run.trainer.model.config.d_model == 512 and len(run.trainer.model.decoder.layers) == 6
    assert sum(len(batch.source) for batch in run.trainer.batches(0)) == len(tiny_pairs())
    assert len(losses) == 2 and 4 < losses[1] < 8  # ln 300 is 5.7


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"d_model": 10, "n_heads": 4}, "d_model 10 is no multiple of n_heads 4"),
        ({"dropout": 1.0}, "dropout is 1.0: it must be at least 0 and below 1"),
        ({"positions": "none"}, "positions is 'none': it must be one of sinusoidal, learned, rotary"),
        ({"n_encoder_layers": 0}, "n_encoder_layers is 0"),
        ({"width": 3}, "ModelConfig has no field width; it has .*d_model"),
        ({"vocabulary_size": None}, "vocabulary_size is None"),
        ({"n_heads": True}, "n_heads is True"),
        ({"positions": "rotary", "d_model": 12, "n_heads": 4}, "a head has 3 numbers: rotary positions turn them in pairs"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(fields: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        ModelConfig.from_json(json.dumps({"vocabulary_size": 40} | fields))


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"learning_rate": 0}', '{"betas": [0.9]}', '{"precision": "fp8"}', '{"micro_batches": 0}', '{"patience": 3}'],
)
def test_a_training_configuration_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        TrainingConfig.from_json(text)
