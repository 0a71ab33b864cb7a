"""What every contestant works on: the same sentences as ids, and the same model to begin with."""

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from lessons_lib.batching import Batch, bucketed, make_batch
from lessons_lib.casing import Casing
from lessons_lib.config import ModelConfig, TrainingConfig
from lessons_lib.corpus import Pair
from lessons_lib.models import EncoderDecoder
from lessons_lib.recipes import Preset
from lessons_lib.tokenization import BOS_ID, EOS_ID, PAD_ID, Tokenizer

SENTENCES = 128
"""How many sentences the usual batch of a tutorial has."""


class Batches(Sequence[Batch]):
    """Batches of these rows, padded when they are asked for."""

    def __init__(self, rows: list[list[int]], sources: list[list[int]], targets: list[list[int]], multiple_of: int) -> None:
        self.rows, self.sources, self.targets, self.multiple_of = rows, sources, targets, multiple_of

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index):  # noqa: ANN001, ANN204 (a batch, or a list of them for a slice)
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        sources, targets = ([side[i] for i in self.rows[index]] for side in (self.sources, self.targets))
        return make_batch(sources, targets, PAD_ID, BOS_ID, EOS_ID, self.multiple_of)


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

    def first_model(self) -> EncoderDecoder:
        """The model that every contestant starts from."""
        torch.manual_seed(self.training.seed)
        return EncoderDecoder(self.model)

    def our_batches(self, number: int) -> Batches:
        """Pass `number` in buckets of similar length, as `lessons train` has it."""
        lengths = [[len(ids) + 1 for ids in side] for side in (self.sources, self.targets)]
        generator = np.random.default_rng([self.training.seed, number])
        rows = bucketed(*lengths, self.training.batch_tokens, generator, self.multiple_of)
        return Batches(rows, self.sources, self.targets, self.multiple_of)

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
    pairs = preset.pairs("train")
    casing = Casing.learn(pair.target for pair in pairs) if preset.casing else Casing()
    sources = [casing.before_source(pair.source) for pair in pairs]
    targets = [casing.before_target(pair.target) for pair in pairs]
    tokenizer = Tokenizer.train([*sources, *targets], preset.vocabulary_size)
    model = ModelConfig(vocabulary_size=tokenizer.vocabulary_size, pad_id=PAD_ID, **preset.model)
    training = dataclasses.replace(preset.training, precision="fp32", speedups=(), r_drop=0.0)
    ids = ([tokenizer.encode(text) for text in texts] for texts in (sources, targets))
    validation = tuple(preset.pairs("validation")[: preset.n_validation])
    return Material(*ids, model, training, preset.multiple_of, tokenizer, casing, validation)
