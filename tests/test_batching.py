"""Padding, shifting and buckets, with the numbers of the pencil examples."""

import numpy as np
import pytest
import torch

from lessons_lib.batching import bucketed, in_chunks, make_batch, pad


def test_teacher_forcing_of_the_pencil_example() -> None:
    """der Hund beißt den Mann, der Mann beißt: what is read, what is predicted, and ten targets that count."""
    batch = make_batch([[8, 9], [8, 9, 10]], [[3, 5, 7, 4, 6], [3, 6, 7]], 0, 1, 2)
    assert batch.target_in.tolist() == [[1, 3, 5, 7, 4, 6], [1, 3, 6, 7, 0, 0]]
    assert batch.target_out.tolist() == [[3, 5, 7, 4, 6, 2], [3, 6, 7, 2, 0, 0]]
    assert batch.source.tolist() == [[8, 9, 2, 0], [8, 9, 10, 2]]
    assert (batch.n_source, batch.n_target) == (7, 10)
    assert batch.n_target == int((batch.target_out != 0).sum()) and batch.n_source == int((batch.source != 0).sum())


def test_moving_a_batch_keeps_it() -> None:
    batch = make_batch([[8]], [[3, 5]], 0, 1, 2)
    moved = batch.to(torch.device("cpu"))
    assert torch.equal(moved.source, batch.source) and (moved.n_source, moved.n_target) == (2, 3)


def test_widths_are_rounded_up() -> None:
    assert pad([[1, 2, 3], [4]], 0).tolist() == [[1, 2, 3], [4, 0, 0]]
    assert pad([[1, 2, 3], [4]], 9, multiple_of=4).tolist() == [[1, 2, 3, 9], [4, 9, 9, 9]]
    assert pad([[1, 2, 3, 4]], 0, multiple_of=4).shape == (1, 4)
    assert pad([[]], 0).shape == (1, 1)
    with pytest.raises(ValueError, match="at least one sentence"):
        pad([], 0)


def test_a_source_without_target_is_refused() -> None:
    with pytest.raises(ValueError, match="2 sources and 1 targets"):
        make_batch([[3], [4]], [[5]], 0, 1, 2)


@pytest.mark.parametrize("multiple_of", [1, 4])
def test_buckets_hold_every_pair_once_within_the_budget(multiple_of: int) -> None:
    generator = np.random.default_rng(0)
    sources, targets = generator.integers(1, 30, 500), generator.integers(1, 30, 500)
    batches = bucketed(sources, targets, 120, np.random.default_rng(1), multiple_of)
    assert sorted(i for batch in batches for i in batch) == list(range(500))
    places = 0
    for batch in batches:
        widest = max(-(-int(lengths[batch].max()) // multiple_of) * multiple_of for lengths in (sources, targets))
        assert widest * len(batch) <= 120
        places += targets[batch].max() * len(batch)
    assert targets.sum() / places > 0.85  # little padding: similar lengths share a batch


def test_buckets_of_the_pencil_example() -> None:
    lengths = [2, 10, 9, 8, 3, 7, 5, 4]
    batches = bucketed(lengths, lengths, 20, np.random.default_rng(0))
    assert sorted(sorted(lengths[i] for i in batch) for batch in batches) == [[2, 3, 4, 5], [7, 8], [9, 10]]


def test_buckets_are_shuffled_by_their_generator() -> None:
    lengths = [5] * 40 + [9] * 40
    one, two, again = (bucketed(lengths, lengths, 20, np.random.default_rng(seed)) for seed in (0, 1, 0))
    assert one == again != two
    assert {frozenset(batch) for batch in one} != {frozenset(batch) for batch in two}
    assert [lengths[batch[0]] for batch in one] != sorted(lengths[batch[0]] for batch in one)


def test_a_sentence_beyond_the_budget_is_named() -> None:
    with pytest.raises(ValueError, match="a sentence of 11 tokens takes 12 places, and a batch has 10: raise batch_tokens or leave it out"):
        bucketed([3, 11], [3, 4], 10, np.random.default_rng(0), multiple_of=4)


def test_chunks_go_from_long_to_short() -> None:
    assert list(in_chunks([3, 9, 1, 5, 9], 2)) == [[1, 4], [3, 0], [2]]
    assert list(in_chunks([], 2)) == []
