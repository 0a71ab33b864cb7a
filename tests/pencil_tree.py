"""A tree of words with their costs in bits, as a step function: what the pencil examples of decoding are searched with."""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


class Tree:
    """A stepper over a tree; a word that is not drawn is impossible.

    Attributes:
        words: by id; the first is the start, which is read and not written.
        costs: beginning, its words with spaces between -> next word -> bits.
        texts: what each row has written so far.
    """

    def __init__(self, words: Sequence[str], costs: Mapping[str, Mapping[str, float]], rows: int = 1) -> None:
        self.words, self.costs = words, costs
        self.texts: list[list[str]] = [[] for _ in range(rows)]

    def step(self, tokens: Tensor) -> Tensor:
        """int64 (rows,) -> log-probabilities of the next word, float32 (rows, words)."""
        for text, token in zip(self.texts, tokens.tolist(), strict=True):
            text += [self.words[token]] if token else []
        bits = [[self.costs[" ".join(text)].get(word, math.inf) for word in self.words] for text in self.texts]
        return -torch.tensor(bits) * math.log(2)

    def reorder(self, rows: Tensor) -> None:
        """Keep the rows named."""
        self.texts = [list(self.texts[row]) for row in rows.tolist()]
