"""Makes screens.jsonl: the recipe `tiny` for five minutes on one core, and again with one thing changed, the baseline with two seeds.

    OMP_NUM_THREADS=1 python data/studies/screens.py [LEVEL …]

runs the levels named, or all, and adds their rows to the file. It takes six minutes a level, and Multi30k under `LESSONS_DATA_DIR`. All
have the same minutes and the same warm-up, 100 steps; the learning rate ends with the time.
"""

import dataclasses
import datetime
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lessons_lib.batching import Batch, make_batch
from lessons_lib.bench.rows import as_lines
from lessons_lib.cli import machine
from lessons_lib.config import Budget
from lessons_lib.losses import translation_loss
from lessons_lib.models import EncoderDecoder
from lessons_lib.presets import Run, find, prepare
from lessons_lib.recipes import Preset
from lessons_lib.tokenization import BOS_ID, EOS_ID, PAD_ID

FILE = Path(__file__).resolve().parent / "screens.jsonl"
BUDGET = Budget(seconds=300)
LEVELS: dict[str, dict[str, Any]] = {
    "baseline": {},
    "baseline, seed 2": {"training": {"seed": 2}},
    "post-norm": {"model": {"norm_placement": "post"}},
    "post-norm, q k v at 0.71": {"model": {"norm_placement": "post", "attention_gain": 0.5**0.5}},
    "q k v at 0.71": {"model": {"attention_gain": 0.5**0.5}},
    "width 192": {"model": {"d_model": 192, "d_ff": 384}},
    "vocabulary 2,000": {"vocabulary_size": 2000},
    "rate 5e-3": {"training": {"learning_rate": 5e-3}},
    "no dropout": {"model": {"dropout": 0.0}},
    "R-Drop, α 4": {"training": {"r_drop": 4.0}},
}
"""Level → the fields of the preset, of its model and of its training, that differ from the recipe's."""
COMMON = dict(warmup_steps=100, validate_every=0, checkpoint_every=10**9)
"""Fields of the training that all levels have."""


def changed(preset: Preset, fields: dict[str, Any]) -> Preset:
    """The preset with the fields of a level, and those that all have in common."""
    model = preset.model | fields.get("model", {})
    training = dataclasses.replace(preset.training, **COMMON, **fields.get("training", {}))
    return dataclasses.replace(preset, **(fields | {"model": model, "training": training}))


def validation_batch(run: Run) -> Batch:
    """The validation pairs as one batch."""
    pairs = run.preset.pairs("validation")
    sources = [run.tokenizer.encode(run.casing.before_source(pair.source)) for pair in pairs]
    targets = [run.tokenizer.encode(run.casing.before_target(pair.target)) for pair in pairs]
    return make_batch(sources, targets, PAD_ID, BOS_ID, EOS_ID)


@torch.inference_mode()
def spread(model: EncoderDecoder, source: Tensor) -> float:
    """How much what the encoder says differs from word to word: the deviation within a sentence, as a share of the root mean square.

    Args:
        model: in evaluation mode.
        source: int64 (B, S).
    """
    memory, _ = model.encode(source)
    words = [row[ids != PAD_ID] for row, ids in zip(memory, source, strict=True)]
    within = torch.stack([word.var(dim=0, correction=0).mean() for word in words]).mean().sqrt()
    return float(within / torch.cat(words).pow(2).mean().sqrt())


def screen(level: str) -> list[dict[str, Any]]:
    """Train a level, and measure: rows."""
    run = prepare(changed(find("tiny"), LEVELS[level]), BUDGET)
    trainer, validate = run.trainer, run.trainer.validate
    model, at = trainer.run(), trainer.at
    assert validate is not None
    batch = validation_batch(run)
    with torch.inference_mode():
        nats = float(translation_loss(model, batch, smoothing=0.0)) / batch.n_target
    found = {
        "validation BLEU": validate(model)["bleu_lc_moses"],
        "validation loss, nats a token": round(nats, 3),
        "spread of the memory within a sentence": round(spread(model, batch.source), 4),
    }
    place = dict(seed=run.training.seed, step=at.step, tokens=at.tokens, seconds=round(at.seconds, 1))
    place |= dict(hardware=f"{machine.processor()}, one core")
    today = datetime.date.today().isoformat()
    return [dict(study="screens", level=level, **place, metric=name, value=value, date=today, log=None) for name, value in found.items()]


def main() -> None:
    """Run the levels that are named, or all."""
    torch.set_num_threads(1)
    for level in sys.argv[1:] or LEVELS:
        rows = screen(level)
        with FILE.open("a", encoding="utf-8") as file:
            file.write(as_lines(rows))
        print(level, *(row["value"] for row in rows), flush=True)


if __name__ == "__main__":
    main()
