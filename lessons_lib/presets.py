"""The named recipes: each puts a corpus, a model, a training run and its validation together."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lessons_lib.batching import Batch, bucketed, make_batch
from lessons_lib.casing import Casing
from lessons_lib.checkpoints import CASING, TOKENIZER, TrainedModel, fingerprint, save_model
from lessons_lib.config import SPEEDUPS, Budget, ModelConfig, TrainingConfig
from lessons_lib.corpus import MULTI30K_LICENCE, Pair, load_grammar, load_multi30k
from lessons_lib.evaluation import exact_match, score
from lessons_lib.files import remove_leftovers, write_text
from lessons_lib.metrics import MetricsLog
from lessons_lib.models import EncoderDecoder
from lessons_lib.runtime import computes_bf16, keep_freed_memory
from lessons_lib.speedups import loss_of, speed_up
from lessons_lib.tokenization import BOS_ID, EOS_ID, PAD_ID, SegmentationSampler, Tokenizer
from lessons_lib.training import Trainer
from lessons_lib.translation import Translator


@dataclass(frozen=True)
class Preset:
    """A recipe.

    Attributes:
        about: what it trains, on what, in a line.
        load: split → pairs.
        vocabulary_size: of the joint tokenizer, special tokens included.
        model: fields of `ModelConfig` besides the vocabulary.
        training: the configuration of the loop.
        budget: how long it runs if nothing is said.
        bpe_dropout: probability of passing over a merge while training.
        casing: whether source and first target words lose their capitals.
        n_validation: validation pairs that are translated each time.
        multiple_of: widths of batches are rounded up to a multiple of this, so that few different shapes occur.
        test_splits: what a finished model is scored on.
        data, licence, text, limits: for the card of a model: what it saw, how its weights may be used, how text was prepared, what to
            beware of.
    """

    about: str
    load: Callable[[str], list[Pair]]
    vocabulary_size: int
    model: dict[str, Any]
    training: TrainingConfig
    budget: Budget
    bpe_dropout: float = 0.0
    casing: bool = False
    n_validation: int = 1_000_000
    multiple_of: int = 4
    test_splits: tuple[str, ...] = ("test",)
    data: str = ""
    licence: str = ""
    text: str = ""
    limits: str = ""


PRESETS = {
    "grammar": Preset(
        about="the shipped English–German grammar corpus; about a minute on two cores",
        load=load_grammar,
        vocabulary_size=3200,
        model=dict(d_model=128, n_heads=4, d_ff=256, n_encoder_layers=2, n_decoder_layers=2, dropout=0.0, max_length=128),
        training=TrainingConfig(
            learning_rate=2.5e-3, warmup_steps=150, decay="linear", label_smoothing=0.0, batch_tokens=512, ema_decay=0.98, log_every=20,
            validate_every=600, checkpoint_every=600,
        ),
        budget=Budget(steps=1800),
        casing=True,
        n_validation=300,
        test_splits=("test", "unseen", "longer", "mirrored"),
        data="the course's own English–German grammar corpus (`data/grammar`, CC BY 4.0)",
        licence="CC BY 4.0",
        text="source in lower case, first word of the target truecased",
        limits=(
            "It knows the corpus's words and sentence patterns and nothing else. On sentences longer than any it was trained on it breaks "
            "down, as the score on `longer` says: kept as it is, since it shows what such a model has not learned."
        ),
    ),
    "multi30k": Preset(
        about="Multi30k English–German, 29,000 photo captions; an hour and a half on two cores",
        load=load_multi30k,
        vocabulary_size=4000,
        model=dict(d_model=128, n_heads=4, d_ff=256, n_encoder_layers=4, n_decoder_layers=4, dropout=0.2),
        training=TrainingConfig(
            learning_rate=3e-3, warmup_steps=400, decay="cosine", label_smoothing=0.1, batch_tokens=2048, micro_batches=2,
            ema_decay=0.999, log_every=20, validate_every=500, checkpoint_every=250, precision="bf16",
            speedups=SPEEDUPS,
        ),
        budget=Budget(seconds=82 * 60),
        bpe_dropout=0.1,
        casing=True,
        data=f"{MULTI30K_LICENCE}: 29,000 captions of photos; its test set is test 2016",
        licence="CC BY-NC-SA 4.0, as its data: not for commercial use",
        text="source in lower case, first word of the target truecased, BPE-dropout 0.1",
        limits=(
            "It has read captions of photos: people, dogs, sports, streets, in the present tense. Anything else (questions, *I* and *you*, "
            "the past, names, news) it turns into a caption or into nonsense, fluently. The captions carry the habits of their writers: "
            "what they assume about age, sex and origin comes back in the translations. Do not use it where a wrong translation could do "
            "harm."
        ),
    ),
}  # fmt: skip


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
        return TrainedModel(self.trainer.result.eval(), self.tokenizer, self.casing)


def prepare(
    preset: Preset, budget: Budget | None = None, seed: int | None = None, folder: Path | None = None, device: torch.device | None = None
) -> Run:
    """Read the data, train the tokenizer, build the model and its trainer. A recipe in bf16 runs in fp32 where bf16 is only imitated, and
    its speedups are for processors only.

    Args:
        preset: the recipe.
        budget: how long; the preset's own if None.
        seed: decides weights, order, segmentation and dropout; the preset's own if None.
        folder: where the run keeps its state; None keeps none.
        device: the CPU if None.

    Raises:
        DataError: if the data is missing or damaged.
    """
    keep_freed_memory()
    device = device or torch.device("cpu")
    training = preset.training if seed is None else dataclasses.replace(preset.training, seed=seed)
    if training.precision == "bf16" and not computes_bf16(device):
        training = dataclasses.replace(training, precision="fp32")
    if training.speedups and device.type != "cpu":
        training = dataclasses.replace(training, speedups=())
    pairs = preset.load("train")
    casing = Casing.learn(pair.target for pair in pairs) if preset.casing else Casing()
    sources = [casing.before_source(pair.source) for pair in pairs]
    targets = [casing.before_target(pair.target) for pair in pairs]
    tokenizer = Tokenizer.train([*sources, *targets], preset.vocabulary_size)
    torch.manual_seed(training.seed)
    model = EncoderDecoder(ModelConfig(vocabulary_size=tokenizer.vocabulary_size, pad_id=PAD_ID, **preset.model))
    samplers = [SegmentationSampler(tokenizer, texts, preset.bpe_dropout, seed=training.seed) for texts in (sources, targets)]
    trainer = Trainer(
        model=model,
        loss=loss_of(training),
        batches=partial(_batches, *samplers, training, preset.multiple_of),
        config=training,
        budget=budget or preset.budget,
        device=device,
        folder=folder,
        quicken=partial(speed_up, names=training.speedups, seed=training.seed) if training.speedups else None,
        facts={"model": model.config.to_json(), "tokenizer": fingerprint(tokenizer)},
    )
    trainer.validate = _validation(preset, tokenizer, casing, trainer.device)
    return Run(preset, training, trainer, tokenizer, casing)


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
        FileExistsError: if the folder holds a run and `resume` is not asked for.
        CheckpointError: if the state to resume is damaged or of another run.
        DataError: if the data is missing or damaged.
    """
    if not resume and (folder / "metrics.jsonl").exists():
        raise FileExistsError(f"{folder} holds a run already: continue it with --resume, or choose another --out")
    run = prepare(preset, budget, seed, folder, device)
    folder.mkdir(parents=True, exist_ok=True)
    if resume:
        if run.trainer.rank == 0:
            remove_leftovers(folder)
        run.trainer.resume()
    if run.trainer.rank == 0:
        run.tokenizer.save(folder / TOKENIZER)
        write_text(folder / CASING, run.casing.to_json() + "\n")
        write_text(folder / "training.json", run.training.to_json() + "\n")
        log = MetricsLog(folder / "metrics.jsonl", run.trainer.at.step)

        def record(row: dict[str, Any]) -> None:
            log.write(row)
            on_log(row)

        run.trainer.on_log = record
    run.trainer.run()
    trained = run.trained()
    if run.trainer.rank == 0:
        save_model(folder, trained)
        log.close()
    return trained


def _batches(
    source: SegmentationSampler, target: SegmentationSampler, config: TrainingConfig, multiple_of: int, number: int
) -> Sequence[Batch]:
    """The micro-batches of pass `number`."""
    sources, targets = source.encode(number), target.encode(number)
    generator = np.random.default_rng([config.seed, number])
    lengths = [[len(ids) + 1 for ids in side] for side in (sources, targets)]
    rows = bucketed(*lengths, config.batch_tokens, generator, multiple_of)
    return _Lazy(rows, sources, targets, multiple_of)


class _Lazy(Sequence):
    """Batches that are made when they are asked for: a pass of tensors need not be held at once."""

    def __init__(self, rows: list[list[int]], sources: list[list[int]], targets: list[list[int]], multiple_of: int) -> None:
        self.rows, self.sources, self.targets, self.multiple_of = rows, sources, targets, multiple_of

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index):  # noqa: ANN001, ANN204
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        rows = self.rows[index]
        pair = [[side[i] for i in rows] for side in (self.sources, self.targets)]
        return make_batch(*pair, PAD_ID, BOS_ID, EOS_ID, self.multiple_of)


def _validation(
    preset: Preset, tokenizer: Tokenizer, casing: Casing, device: torch.device
) -> Callable[[torch.nn.Module], dict[str, float]]:
    pairs = preset.load("validation")[: preset.n_validation]
    references = [pair.target for pair in pairs]

    def validate(model: torch.nn.Module) -> dict[str, float]:
        translator = Translator(TrainedModel(model, tokenizer, casing), device)
        hypotheses = translator.translate([pair.source for pair in pairs], beam=1)
        bleu = score("bleu-lc-moses", hypotheses, references, n_bootstrap=0).value
        return {"bleu_lc_moses": round(bleu, 2), "exact_match": round(exact_match(hypotheses, references), 2)}

    return validate
