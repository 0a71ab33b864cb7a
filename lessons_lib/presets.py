"""From a recipe to a trained model: corpus, tokenizer, model, training run and validation put together."""

import dataclasses
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lessons_lib.batching import Batch, bucketed, make_batch
from lessons_lib.casing import Casing
from lessons_lib.checkpoints import (
    CASING,
    CONFIG,
    STATE,
    TOKENIZER,
    WEIGHTS,
    CheckpointError,
    TrainedModel,
    fingerprint,
    grown,
    load_model,
    load_weights,
    parsed,
    save_model,
)
from lessons_lib.checkpoints import find as find_checkpoint
from lessons_lib.cleaning import plain
from lessons_lib.config import Budget, ModelConfig, TrainingConfig
from lessons_lib.corpus import DIRECTIONS, DataError, Pair, rows_hash
from lessons_lib.evaluation import exact_match, moses_metric, score
from lessons_lib.files import remove_leftovers, write_text
from lessons_lib.metrics import MetricsLog
from lessons_lib.models import EncoderDecoder
from lessons_lib.recipes import PRESETS, Preset
from lessons_lib.runtime import first_says, is_faster_in_bf16, join_processes, keep_freed_memory
from lessons_lib.speedups import loss_of, speed_up
from lessons_lib.tokenization import BOS_ID, EOS_ID, PAD_ID, EncodedTexts, SegmentationSampler, Tokenizer, lengths_of
from lessons_lib.training import Trainer
from lessons_lib.translation import Translator

Texts = tuple[list[str], list[str]]
Ids = Sequence[Sequence[int]]
TRAINING, METRICS = "training.json", "metrics.jsonl"
Segmented = SegmentationSampler | EncodedTexts


def find(name: str, direction: str = DIRECTIONS[0]) -> Preset:
    """The recipe of this name, for this direction.

    Raises:
        ValueError: if there is none, or the direction is unknown; names those there are.
    """
    if name not in PRESETS:
        raise ValueError(f"there is no preset {name!r}: use {', '.join(PRESETS)}")
    return dataclasses.replace(PRESETS[name], direction=direction)


@dataclass
class Run:
    """A preset made ready: data read, tokenizer trained, model built."""

    preset: Preset
    training: TrainingConfig
    trainer: Trainer
    tokenizer: Tokenizer
    casing: Casing

    def trained(self) -> TrainedModel:
        """The model to keep, with all that translates."""
        return TrainedModel(self.trainer.result.eval(), self.tokenizer, self.casing, self.preset.direction)


def prepare(
    preset: Preset,
    budget: Budget | None = None,
    seed: int | None = None,
    folder: Path | None = None,
    device: torch.device | None = None,
    precision: str | None = None,
) -> Run:
    """Read the data, train the tokenizer, build the model and its trainer. A recipe in bf16 runs in fp32 where that is faster. Its
    speedups are for processors only.

    Args:
        preset: the recipe.
        budget: how long; the preset's own if None.
        seed: decides weights, order, segmentation and dropout; the preset's own if None.
        folder: where the run keeps its state; None keeps none.
        device: the CPU if None.
        precision: that of a run which is continued; if None it is the recipe's or, where that is bf16 and gains nothing, fp32.

    Raises:
        DataError: if the data is missing or damaged.
        CheckpointError: if the model to begin with is missing or damaged, or is none of this recipe.
    """
    keep_freed_memory()
    device = device or torch.device("cpu")
    training = preset.training if seed is None else dataclasses.replace(preset.training, seed=seed)
    training = dataclasses.replace(training, precision=precision or _precision_on(device, training.precision))
    training = training if device.type == "cpu" else dataclasses.replace(training, speedups=())
    start = _start(preset)
    texts, casing, tokenizer = read(preset, start)
    torch.manual_seed(training.seed)
    model = EncoderDecoder(ModelConfig(vocabulary_size=tokenizer.vocabulary_size, pad_id=PAD_ID, **preset.model))
    longest = model.config.max_length // preset.multiple_of * preset.multiple_of - 1  # a batch's width is rounded up; EOS takes a place
    if not preset.token_limits:
        _demand_short(texts, tokenizer, longest)
    if start:
        load_weights(model, grown(start.model.state_dict(), model), preset.start, "the recipe's model")
    trainer = Trainer(
        model=model,
        loss=loss_of(training),
        batches=partial(_batches, *_segmented(preset, tokenizer, texts, training.seed, longest), training, preset.multiple_of),
        config=training,
        budget=budget or preset.budget,
        device=device,
        folder=folder,
        quicken=partial(speed_up, names=training.speedups, seed=training.seed) if training.speedups else None,
        facts={
            "direction": preset.direction,
            "model": model.config.to_json(),
            "tokenizer": fingerprint(tokenizer),
            "data": rows_hash(map(Pair, *texts))[:16],
        },
    )
    trainer.validate = _validation(preset, tokenizer, casing, trainer.device)
    return Run(preset, training, trainer, tokenizer, casing)


def read(preset: Preset, start: TrainedModel | None = None) -> tuple[Texts, Casing, Tokenizer]:
    """The sources and targets of a preset's training data as a model reads them, with the casing and the tokenizer: learned from them, or
    those of the model to begin with. Raises DataError."""
    pairs = preset.pairs("train")
    if not pairs:
        raise DataError("there is no pair to train on: the training data is empty")
    casing = start.casing if start else Casing.learn(plain(pair.target) for pair in pairs) if preset.casing else Casing()
    texts = [casing.before_source(plain(pair.source)) for pair in pairs], [casing.before_target(plain(pair.target)) for pair in pairs]
    return texts, casing, start.tokenizer if start else Tokenizer.train(_sample(texts, preset.tokenizer_pairs), preset.vocabulary_size)


def _demand_short(texts: Texts, tokenizer: Tokenizer, longest: int) -> None:
    """Raise DataError for the first text of more than `longest` tokens: its batch would stop the training in the middle."""
    for text in (text for side in texts for text in side if len(text.encode()) >= longest):  # a token has a byte, and a space comes first
        if (n := len(tokenizer.encode(text))) > longest:
            raise DataError(f"a training text of {n} tokens, this model reads at most {longest}; leave it out: {text[:60]!r} …")


def _start(preset: Preset) -> TrainedModel | None:
    """The trained model that a recipe begins with, or None. Raises CheckpointError."""
    if not preset.start:
        return None
    start = load_model(find_checkpoint(preset.start))
    if start.direction != preset.direction:
        raise CheckpointError(f"{preset.start} translates {start.direction}, and what begins with it is to translate {preset.direction}")
    return start


def _precision_on(device: torch.device, wanted: str) -> str:
    """The precision in which this device is to compute: of several processes the first measures for all."""
    if wanted != "bf16":
        return wanted
    rank, _ = join_processes(device)
    gains = first_says(float(rank == 0 and is_faster_in_bf16(device)), device)
    return "bf16" if gains else "fp32"


def _precision_of(folder: Path) -> str | None:
    """The precision of the run that a folder holds, None if it holds none: measured once more, a close decision might fall otherwise."""
    path = folder / TRAINING
    return parsed(path, TrainingConfig.from_json).precision if path.exists() else None


def demand_free(folder: Path, resume: bool) -> None:
    """Raise FileExistsError if training into this folder would overwrite a run, a model that no state goes with, or other files."""
    has_state = (folder / STATE).exists()
    if (folder / WEIGHTS).exists() and not has_state:
        raise FileExistsError(f"{folder} holds a trained model, and no state from which to go on: choose another --out")
    if not resume and (has_state or (folder / METRICS).exists()):
        raise FileExistsError(f"{folder} holds a run already: continue it with --resume, or choose another --out")
    if not resume and (found := [name for name in (CONFIG, TOKENIZER, CASING, TRAINING) if (folder / name).exists()]):
        raise FileExistsError(f"{folder} holds {', '.join(found)} already, which training would overwrite: choose another --out")


def train(
    preset: Preset,
    folder: Path,
    budget: Budget | None = None,
    seed: int | None = None,
    resume: bool = False,
    device: torch.device | None = None,
    on_log: Callable[[dict[str, Any]], None] = lambda row: None,
) -> TrainedModel:
    """Train a preset into a folder: state and metrics while it runs, the model at its end.

    Raises:
        FileExistsError: if the folder holds a run and `resume` is not asked for, or a trained model without the state of its run.
        CheckpointError: if the state to resume is damaged or of another run.
        DataError: if the data is missing or damaged.
    """
    demand_free(folder, resume)
    run = prepare(preset, budget, seed, folder, device, _precision_of(folder) if resume else None)
    folder.mkdir(parents=True, exist_ok=True)
    if resume:
        if run.trainer.rank == 0:
            remove_leftovers(folder)
        run.trainer.resume()
    if run.trainer.rank:
        run.trainer.run()
        return run.trained()
    run.tokenizer.save(folder / TOKENIZER)
    write_text(folder / CASING, run.casing.to_json() + "\n")
    write_text(folder / TRAINING, run.training.to_json() + "\n")
    with closing(MetricsLog(folder / METRICS, run.trainer.at.step)) as log:

        def record(row: dict[str, Any]) -> None:
            log.write(row)
            on_log(row)

        run.trainer.on_log = record
        run.trainer.run()
    trained = run.trained()
    save_model(folder, trained)
    return trained


def _sample(texts: Texts, n_pairs: int) -> list[str]:
    """The texts that a tokenizer learns from: those of at most `n_pairs` pairs, evenly spread; of all if it is 0."""
    every = -(-len(texts[0]) // n_pairs) if n_pairs else 1
    return [text for side in texts for text in side[::every]]


def _segmented(preset: Preset, tokenizer: Tokenizer, texts: Texts, seed: int, longest: int) -> list[Segmented]:
    """Sources and targets as a pass asks for them, of at most `longest` tokens, without the pairs that are too long or too different in
    length."""
    sample = partial(SegmentationSampler, tokenizer, dropout=preset.bpe_dropout, seed=seed, longest=longest)
    if preset.bpe_dropout and not preset.token_limits:
        return [sample(texts=side) for side in texts]
    encoded = [EncodedTexts(tokenizer, side) for side in texts]
    if not preset.token_limits:
        return encoded
    kept = preset.token_limits.keeps(*(side.lengths for side in encoded))
    if not kept.any():
        raise DataError(f"there is no pair to train on: {preset.token_limits} leaves out all {len(kept):,}")
    if not preset.bpe_dropout:
        return [side.take(kept) for side in encoded]
    return [sample(texts=list(compress(side, kept))) for side in texts]


def _batches(source: Segmented, target: Segmented, config: TrainingConfig, multiple_of: int, number: int) -> Sequence[Batch]:
    """The micro-batches of pass `number`."""
    return batches_of_pass(source.encode(number), target.encode(number), config, multiple_of, number)


def batches_of_pass(sources: Ids, targets: Ids, config: TrainingConfig, multiple_of: int, number: int) -> "Batches":
    """Pass `number` over these pairs of ids, in buckets of similar length that (seed, number) shuffles."""
    generator = np.random.default_rng([config.seed, number])
    rows = bucketed(lengths_of(sources) + 1, lengths_of(targets) + 1, config.batch_tokens, generator, multiple_of)
    return Batches(rows, sources, targets, multiple_of)


class Batches(Sequence[Batch]):
    """Batches that are made when they are asked for: a pass of tensors need not be held at once."""

    def __init__(self, rows: list[list[int]], sources: Ids, targets: Ids, multiple_of: int) -> None:
        self.rows, self.sources, self.targets, self.multiple_of = rows, sources, targets, multiple_of

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index):  # noqa: ANN001, ANN204 (a batch, or a list of them for a slice)
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        rows = self.rows[index]
        pair = [[side[i] for i in rows] for side in (self.sources, self.targets)]
        return make_batch(*pair, PAD_ID, BOS_ID, EOS_ID, self.multiple_of)


def _validation(
    preset: Preset, tokenizer: Tokenizer, casing: Casing, device: torch.device
) -> Callable[[torch.nn.Module], dict[str, float]]:
    pairs = preset.pairs("validation")[: preset.n_validation]
    if not pairs:
        raise DataError("there is no pair to validate on: the validation data is empty")
    references = [pair.target for pair in pairs]
    metric = moses_metric(preset.target_language)

    def validate(model: torch.nn.Module) -> dict[str, float]:
        translator = Translator(TrainedModel(model, tokenizer, casing, preset.direction), device)
        hypotheses = translator.translate([pair.source for pair in pairs], beam=1)
        bleu = score(metric, hypotheses, references, n_bootstrap=0).value
        return {"bleu_lc_moses": round(bleu, 2), "exact_match": round(exact_match(hypotheses, references), 2)}

    return validate
