"""From sentences of ids to batches: padding, shifting, and buckets of similar length under a budget of tokens."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """A batch of pairs, padded.

    Attributes:
        source: int64 (B, S).
        target_in: int64 (B, T), what the decoder reads: BOS and all but the last token.
        target_out: int64 (B, T), what it has to predict: the same shifted left by one, ending in EOS; padding does not count.
        n_source, n_target: real tokens on each side.
    """

    source: Tensor
    target_in: Tensor
    target_out: Tensor
    n_source: int
    n_target: int

    def to(self, device: torch.device) -> "Batch":
        """The same batch on another device."""
        moved = (t.to(device, non_blocking=True) for t in (self.source, self.target_in, self.target_out))
        return Batch(*moved, self.n_source, self.n_target)


def pad(rows: Sequence[Sequence[int]], pad_id: int, multiple_of: int = 1) -> Tensor:
    """Rows of ids side by side, int64 (B, longest), short ones filled with pad_id at the right.

    Args:
        rows: token ids, one sequence a sentence; at least one row.
        pad_id: the filler.
        multiple_of: the width is rounded up to a multiple of this.

    Raises:
        ValueError: if there are no rows.
    """
    if not rows:
        raise ValueError("there are no rows to pad: a batch needs at least one sentence")
    width = max(max(len(row) for row in rows), 1)
    width = -(-width // multiple_of) * multiple_of
    filled = np.full((len(rows), width), pad_id, dtype=np.int64)
    for i, row in enumerate(rows):
        filled[i, : len(row)] = row
    return torch.from_numpy(filled)


def make_batch(
    sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]], pad_id: int, bos_id: int, eos_id: int, multiple_of: int = 1
) -> Batch:
    """A batch of these pairs. Sources end in EOS; targets gain BOS in front (input) and EOS behind (output).

    Args:
        sources, targets: token ids without BOS or EOS, one sequence a sentence.
        pad_id, bos_id, eos_id: the special ids.
        multiple_of: widths are rounded up to a multiple of this.

    Raises:
        ValueError: if there are not as many sources as targets, or none.
    """
    if len(sources) != len(targets):
        raise ValueError(f"{len(sources)} sources and {len(targets)} targets: a pair needs both")
    source = pad([[*row, eos_id] for row in sources], pad_id, multiple_of)
    target_in = pad([[bos_id, *row] for row in targets], pad_id, multiple_of)
    target_out = pad([[*row, eos_id] for row in targets], pad_id, multiple_of)
    return Batch(source, target_in, target_out, sum(map(len, sources)) + len(sources), sum(map(len, targets)) + len(targets))


def bucketed(
    source_lengths: Sequence[int], target_lengths: Sequence[int], max_tokens: int, generator: np.random.Generator, multiple_of: int = 1
) -> list[list[int]]:
    """Split the pairs into batches of similar length, each at most `max_tokens` places a side with its padding.

    Pairs of equal rounded lengths are shuffled among themselves, then the batches are shuffled.

    Args:
        source_lengths, target_lengths: tokens of each pair, BOS or EOS counted.
        max_tokens: places, rows × longest, that either side of a batch may have.
        generator: the source of randomness.
        multiple_of: lengths are rounded up to a multiple of this, so that few different shapes occur.

    Returns:
        One list of indices a batch; each pair is in one batch.

    Raises:
        ValueError: if one pair alone exceeds max_tokens.
    """
    lengths = -(-np.stack([source_lengths, target_lengths], axis=1) // multiple_of) * multiple_of  # (N, 2)
    too_long = int(lengths.max(initial=0))
    if too_long > max_tokens:
        n_tokens = max(*source_lengths, *target_lengths)
        raise ValueError(
            f"a sentence of {n_tokens} tokens takes {too_long} places, and a batch has {max_tokens}: raise batch_tokens or leave it out"
        )
    order = generator.permutation(len(lengths))
    order = order[np.lexsort((lengths[order, 0], lengths[order, 1]))]  # stable: pairs of one length stay shuffled
    batches: list[list[int]] = []
    longest_source = longest_target = 0  # of the batch being filled
    for i, (source, target) in zip(order.tolist(), lengths[order].tolist(), strict=True):
        with_source, with_target = max(longest_source, source), max(longest_target, target)
        if batches and max(with_source, with_target) * (len(batches[-1]) + 1) <= max_tokens:
            batches[-1].append(i)
            longest_source, longest_target = with_source, with_target
        else:
            batches.append([i])
            longest_source, longest_target = source, target
    return [batches[i] for i in generator.permutation(len(batches))]


def in_chunks(lengths: Sequence[int], size: int) -> Iterator[list[int]]:
    """Indices sorted by length, longest first, in chunks of one size, at most `size`: little padding when order does not matter."""
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    n_chunks = -(-len(order) // size)
    even = -(-len(order) // n_chunks) if n_chunks else 1
    for start in range(0, len(order), even):
        yield order[start : start + even]
