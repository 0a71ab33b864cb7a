"""Models small enough for a test: random weights, a tokenizer learned from a handful of sentences."""

from collections.abc import Callable
from typing import Any

import torch

from lessons_lib.casing import Casing
from lessons_lib.checkpoints import TrainedModel
from lessons_lib.config import Budget, ModelConfig, TrainingConfig
from lessons_lib.corpus import Pair
from lessons_lib.models import EncoderDecoder
from lessons_lib.presets import Preset
from lessons_lib.tokenization import Tokenizer
from lessons_lib.translation import Translator

NOUNS = (("dog", "Hund"), ("man", "Mann"), ("bird", "Vogel"), ("fish", "Fisch"), ("wolf", "Wolf"), ("tailor", "Schneider"))
VERBS = (("bites", "beißt"), ("sees", "sieht"), ("hears", "hört"))


SMALL = dict(d_model=16, n_heads=2, d_ff=32)


def tiny_pairs() -> list[Pair]:
    """Ninety sentences of who does what to whom, of two different lengths."""
    pairs = []
    for i, (actor, akteur) in enumerate(NOUNS):
        for verb, verb_de in VERBS:
            for other, anderer in NOUNS[:i] + NOUNS[i + 1 :]:
                today, heute = (" today", " heute") if (i + len(other)) % 2 else ("", "")
                pairs.append(Pair(f"the {actor} {verb} the {other}{today}.", f"der {akteur} {verb_de} den {anderer}{heute}."))
    return pairs


def tiny_config(vocabulary_size: int = 40, **changes: Any) -> ModelConfig:
    """A two-layer model of width 16 without dropout."""
    fields = SMALL | dict(n_encoder_layers=2, n_decoder_layers=2, dropout=0.0, max_length=48)
    return ModelConfig(vocabulary_size=vocabulary_size, **(fields | changes))


def tiny_model(seed: int = 0, sharpness: float = 1.0, **changes: Any) -> EncoderDecoder:
    """A random model in evaluation mode; a larger `sharpness` makes its next-word probabilities less even."""
    torch.manual_seed(seed)
    model = EncoderDecoder(tiny_config(**changes))
    with torch.no_grad():
        for parameter in model.parameters():  # biases and norms too, or a test could not see them left out
            parameter.add_(0.1 * torch.randn_like(parameter)).mul_(sharpness)
    return model.eval()


def tiny_translator(seed: int = 0, casing: Casing | None = None, max_length: int = 20, **changes: Any) -> Translator:
    """A translator that knows letters and bytes, and no language."""
    pairs = tiny_pairs()
    tokenizer = Tokenizer.train([text for pair in pairs for text in pair], 300)
    model = tiny_model(seed, vocabulary_size=tokenizer.vocabulary_size, max_length=max_length, **changes)
    return Translator(TrainedModel(model, tokenizer, casing or Casing()))


def tiny_preset(load: Callable[[str], list[Pair]] | None = None, bpe_dropout: float = 0.0, **training: Any) -> Preset:
    """A recipe that trains in a second."""
    fields = dict(learning_rate=3e-3, warmup_steps=2, batch_tokens=192, log_every=2, checkpoint_every=2, validate_every=4)
    return Preset(
        about="a test",
        load=load or (lambda split: tiny_pairs()[:: 1 if split == "train" else 9]),
        vocabulary_size=290,
        model=SMALL | dict(n_encoder_layers=1, n_decoder_layers=1, dropout=0.1, attention_dropout=0.1, max_length=64),
        training=TrainingConfig(**(fields | training)),
        budget=Budget(steps=8),
        bpe_dropout=bpe_dropout,
        casing=bool(bpe_dropout),
        n_validation=4,
    )
