"""Exercises of notebook 08 on batches: what padding wastes, filling by a budget, uneven micro-batches, an order that survives a kill."""

import random
from collections.abc import Callable, Iterable, Sequence

from lessons_lib.exercises.framework import Case, Slip, function_exercise, number_exercise, numbers_exercise

numbers_exercise(
    "batches.waste",
    [22.6, 7.7, 14.3],
    tolerance=0.06,
    why="62, 52 and 56 places hold the same 48 tokens: 14, 4 and 8 of them are empty.",
    slips={
        (29.2, 8.3, 16.7): "You divided the empty places by the 48 real ones. Waste is a share of all places: 14 of 62 to begin with.",
        (21.0, 9.5, 13.8): "That is the mean of the batches' own shares. Large batches count for more: add all places up first.",
        (77.4, 92.3, 85.7): "Those are the shares that are real tokens. The question is what is empty.",
        (40.0, 40.0, 40.0): "You padded every sentence to the longest of all, 10. A batch is as wide as its own longest sentence.",
        (0.226, 0.077, 0.143): "Right as shares of 1. Give per cent: times 100.",
        (
            22.6,
            7.7,
            7.7,
        ): "The first two are right. A budget of 20 takes four sentences first: 2, 3, 4, 5 in four rows of 5, then 7 and 8, then 9 and 10.",
        (14.0, 4.0, 8.0): "Those are the empty places, rightly counted. Divide each by the places of its plan, and give per cent.",
    },
    first_step="the first batch, as they come, is 2 and 10: two rows of 10. Sorted: 2 and 3, two of 3. By budget: 2, 3, 4, 5, four of 5.",
)


def _filled(order: Iterable[int], fits: Callable[[list[int], int], bool]) -> list[list[int]]:
    """Batches of the indices in this order: each joins the open one if it fits, or opens another."""
    batches: list[list[int]] = []
    for i in order:
        if batches and fits(batches[-1], i):
            batches[-1].append(i)
        else:
            batches.append([i])
    return batches


def _by_length(lengths: Sequence[int], longest_first: bool = False) -> list[int]:
    return sorted(range(len(lengths)), key=lambda i: lengths[i], reverse=longest_first)


def by_budget(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Batches of indices, shortest sentences first, each filled while rows × longest stays within the budget of places."""
    return _filled(_by_length(lengths), lambda batch, i: (len(batch) + 1) * lengths[i] <= budget)


def _real_tokens_only(lengths: Sequence[int], budget: int) -> list[list[int]]:
    return _filled(_by_length(lengths), lambda batch, i: sum(lengths[j] for j in [*batch, i]) <= budget)


def _unsorted(lengths: Sequence[int], budget: int) -> list[list[int]]:
    return _filled(range(len(lengths)), lambda batch, i: (len(batch) + 1) * max(lengths[j] for j in [*batch, i]) <= budget)


def _longest_first(lengths: Sequence[int], budget: int) -> list[list[int]]:
    return _filled(_by_length(lengths, longest_first=True), lambda batch, i: (len(batch) + 1) * lengths[batch[0]] <= budget)


PENCIL = [2, 10, 9, 8, 3, 7, 5, 4]

function_exercise(
    "batches.by_budget",
    cases=[
        Case((PENCIL, 20), says="the lengths of exercise 1 and a budget of 20"),
        Case(([3, 1, 2, 3], 8), says="lengths [3, 1, 2, 3] and a budget of 8"),
        Case(([5, 5, 5, 5, 5], 10), says="five lengths of 5 and a budget of 10"),
        Case(([1, 6, 6], 13), says="lengths [1, 6, 6] and a budget of 13"),
        Case(([4], 4), says="one length of 4 and a budget of 4"),
    ],
    reference=by_budget,
    slips=[
        Slip(
            "real tokens are counted, not places",
            _real_tokens_only,
            "Padding takes memory and time, too: a batch has rows × longest places.",
        ),
        Slip(
            "the batch is measured before the new sentence joins it",
            lambda lengths, budget: _filled(_by_length(lengths), lambda batch, i: len(batch) * lengths[i] <= budget),
            "One row more is about to join: len(batch) + 1.",
        ),
        Slip(
            "the longest so far is taken, not the sentence that joins",
            lambda lengths, budget: _filled(_by_length(lengths), lambda batch, i: (len(batch) + 1) * lengths[batch[-1]] <= budget),
            "Sorted by length, the sentence that joins is the longest: it widens all rows.",
        ),
        Slip(
            "a batch that fills the budget exactly is refused",
            lambda lengths, budget: _filled(_by_length(lengths), lambda batch, i: (len(batch) + 1) * lengths[i] < budget),
            "At most 20 places: 20 are allowed, so <=.",
        ),
        Slip(
            "the places in the sorted list are returned",
            lambda lengths, budget: by_budget(sorted(lengths), budget),
            "Those are not places in lengths: sort the indices, sorted(range(len(lengths)), key=lambda i: lengths[i]).",
        ),
        Slip(
            "lengths.index is asked, which finds the first of equal lengths",
            lambda lengths, budget: [[lengths.index(lengths[i]) for i in batch] for batch in by_budget(lengths, budget)],
            "A sentence then comes twice, another never: sort the indices themselves.",
        ),
        Slip("the sentences are taken as they come", _unsorted, "Sort the indices by length first."),
        Slip(
            "the lengths themselves are returned",
            lambda lengths, budget: [[lengths[i] for i in batch] for batch in by_budget(lengths, budget)],
            "Return indices, places in the list: who is in the batch, not how long.",
        ),
        Slip(
            "the last batch is lost",
            lambda lengths, budget: by_budget(lengths, budget)[:-1],
            "What has been begun when the sentences run out is a batch, too.",
        ),
        Slip("the longest come first", _longest_first, "Shortest first: sorted(…) without reverse."),
    ],
    why="shortest first, and a sentence joins while (rows + 1) × its length stays within the budget.",
)

number_exercise(
    "batches.uneven_halves",
    3,
    tolerance=0.005,
    why="6 tokens pull with 2 each and 2 tokens with 6: (12 + 12) / 8 = 3. A token, a vote.",
    slips={
        4.0: "That is the mean of the two means: it gives each of the 2 tokens three times the say of each of the 6.",
        8.0: "That is the sum of the two means. Undo each division first: 6 · 2 and 2 · 6.",
        24.0: "That is the sum over all tokens, rightly. Divide it by the number of tokens of both.",
        12.0: "That is the sum divided by the 2 micro-batches. Divide by tokens.",
        1.5: "You divided 12 by 8: both micro-batches have a sum of 12.",
    },
    first_step="a mean gradient of 2 over 6 tokens is a sum of 12. The other?",
)


def shuffled(n: int, seed: int, number: int) -> list[int]:
    """The numbers 0 … n − 1 in an order that (seed, number) decides."""
    return random.Random(f"{seed} {number}").sample(range(n), n)


def batch_at(step: int, n: int, seed: int, shuffled: Callable[[int, int, int], list[int]]) -> int:
    """The batch that step `step` (from 0) reads, of `n` a pass, without a memory of earlier steps."""
    return shuffled(n, seed, step // n)[step % n]


def _case(step: int, n: int, seed: int) -> Case:
    return Case((step, n, seed, shuffled), says=f"step {step}, {n} batches a pass, seed {seed}")


function_exercise(
    "batches.order",
    cases=[_case(3, 10, 1), _case(17, 10, 1), _case(17, 10, 2), _case(20, 10, 1), _case(45, 8, 3), _case(29, 10, 1), _case(36, 12, 7)],
    reference=batch_at,
    slips=[
        Slip(
            "every pass has the same order",
            lambda step, n, seed, shuffled: shuffled(n, seed, 0)[step % n],
            "The number of the pass has to decide, too.",
        ),
        Slip(
            "the order is drawn anew at each step",
            lambda step, n, seed, shuffled: shuffled(n, seed, step)[step % n],
            "Within a pass the order has to stay, or a batch comes twice and another never.",
        ),
        Slip(
            "passes count from 1",
            lambda step, n, seed, shuffled: shuffled(n, seed, step // n + 1)[step % n],
            "Pass 0 is the first: step // n.",
        ),
        Slip(
            "seed and pass are added",
            lambda step, n, seed, shuffled: shuffled(n, seed + step // n, 0)[step % n],
            "Pass 1 of seed 1 would be pass 0 of seed 2: give them apart.",
        ),
        Slip(
            "batches are not shuffled",
            lambda step, n, seed, shuffled: step % n,
            "Look the place up in shuffled(n, seed, pass).",
        ),
        Slip(
            "the seed is left out",
            lambda step, n, seed, shuffled: shuffled(n, 0, step // n)[step % n],
            "Another seed has to give another order.",
        ),
        Slip(
            "the whole pass is returned",
            lambda step, n, seed, shuffled: shuffled(n, seed, step // n),
            "That is the order of the pass: take the place step % n of it.",
        ),
        Slip(
            "place and pass have changed sides",
            lambda step, n, seed, shuffled: shuffled(n, seed, step % n)[step // n],
            "// counts whole passes, % the batches since the last began.",
        ),
    ],
    why="pass step // n decides the order, step % n the place in it: nothing needs to be remembered but the step.",
)
