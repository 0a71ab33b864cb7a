"""What every contestant works on: the same sentences as ids, and the same model to begin with."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from lessons_lib.batching import Batch
from lessons_lib.casing import Casing
from lessons_lib.config import ModelConfig, TrainingConfig
from lessons_lib.corpus import Pair
from lessons_lib.models import EncoderDecoder
from lessons_lib.presets import Batches, batches_of_pass, read
from lessons_lib.recipes import Preset
from lessons_lib.tokenization import PAD_ID, Tokenizer

SENTENCES = 128
"""How many sentences the usual batch of a tutorial has."""


@dataclass(frozen=True)
class Material:
    """Sentences as ids, and the shape of model and steps; small enough to be handed to another process.

    Attributes:
        sources, targets: ids of each pair, without BOS and EOS.
        model, training: of the preset; the seed of `training` decides the first weights and the order of the sentences.
        multiple_of: widths of our batches are rounded up to a multiple of this.
        tokenizer, casing: what made the ids, and makes them texts again.
        validation: the pairs by which models that have been trained are judged.
    """

    sources: list[list[int]]
    targets: list[list[int]]
    model: ModelConfig
    training: TrainingConfig
    multiple_of: int
    tokenizer: Tokenizer
    casing: Casing
    validation: tuple[Pair, ...]

    @property
    def shape(self) -> str:
        """The model in a few words."""
        c = self.model
        layers = f"{c.n_encoder_layers}+{c.n_decoder_layers} layers"
        return f"{layers}, d_model {c.d_model}, d_ff {c.d_ff}, {c.n_heads} heads, vocabulary {c.vocabulary_size}"

    def first_model(self) -> EncoderDecoder:
        """The model that every contestant starts from."""
        torch.manual_seed(self.training.seed)
        return EncoderDecoder(self.model)

    def our_batches(self, number: int) -> Batches:
        """Pass `number` in buckets of similar length, as `lessons train` has it."""
        return batches_of_pass(self.sources, self.targets, self.training, self.multiple_of, number)

    def our_groups(self, number: int) -> Iterator[list[Batch]]:
        """The same, as many batches at a time as one step takes."""
        batches, size = self.our_batches(number), self.training.micro_batches
        return (batches[i : i + size] for i in range(0, len(batches), size))

    def shuffled_groups(self, number: int) -> Iterator[list[Batch]]:
        """Pass `number` shuffled, `SENTENCES` at a time whatever their length, one batch a step: as tutorials have it."""
        order = np.random.default_rng([self.training.seed, number]).permutation(len(self.sources)).tolist()
        rows = [order[i : i + SENTENCES] for i in range(0, len(order), SENTENCES)]
        batches = Batches(rows, self.sources, self.targets, 1)
        return ([batches[i]] for i in range(len(batches)))


def prepare(preset: Preset) -> Material:
    """The training data of a preset, segmented once: without BPE-dropout and R-Drop, so that it is the same work for everybody.

    Raises:
        DataError: if the data is missing or damaged.
    """
    texts, casing, tokenizer = read(preset)
    model = ModelConfig(vocabulary_size=tokenizer.vocabulary_size, pad_id=PAD_ID, **preset.model)
    training = dataclasses.replace(preset.training, precision="fp32", speedups=(), r_drop=0.0)
    ids = (tokenizer.encode_batch(side) for side in texts)
    validation = tuple(preset.pairs("validation")[: preset.n_validation])
    return Material(*ids, model, training, preset.multiple_of, tokenizer, casing, validation)
