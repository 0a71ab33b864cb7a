"""Notebook 07's exercises on judging: BLEU and its brevity penalty by hand, clipped n-grams, a bootstrap of pairs."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from lessons_lib.exercises.comparing import as_tensor
from lessons_lib.exercises.framework import (
    Case,
    Exercise,
    Slip,
    Verdict,
    function_exercise,
    kind,
    not_attempted,
    number_exercise,
    register,
    right,
    wrong,
)
from lessons_lib.exercises.verdicts import as_wrong_answers
from lessons_lib.figures.palette import number

Words = Sequence[str]

number_exercise(
    "judging.bleu_by_hand",
    50.0,
    tolerance=0.06,
    why="8·5·3·1 / (10·8·6·4) = 120/1920 = 1/16, and its fourth root is ½.",
    slips={
        0.5: "Right as a share. BLEU is given from 0 to 100.",
        6.25: "That is the product, 1/16. The mean of four factors is their fourth root.",
        52.9: "You did not clip: the second Hund and the second der are in the reference only once, so 8 of 10 words count, not 10.",
        33.4: "That is the mean of two sentence scores, 66.9 and 0. Add the counts of both sentences first.",
        54.8: "That is the mean of two sentence scores with smoothing, 66.9 and 42.7. Add the counts of both sentences first.",
        54.4: "That is the arithmetic mean of the four shares. A missing four-gram should weigh more: multiply, then the fourth root.",
        66.9: "That is the first sentence alone. Add the counts of both.",
        25.0: "You took the square root. There are four factors: the fourth root.",
        80.0: "That is the share of single words. Pairs, triples and runs of four count as well.",
    },
    first_step="add the counts of both sentences for each n: 8 of 10 words. How many of the 8 pairs?",
)


number_exercise(
    "judging.brevity",
    53.4,
    tolerance=0.06,
    why="the root is .597, the penalty e^(1 − 10/9) = .895. One wrong word less, and BLEU went up from 50.0.",
    slips={
        0.534: "Right as a share. BLEU is given from 0 to 100.",
        59.7: "That is without the penalty. The text has 9 words, its references 10.",
        66.0: "You took e^(1 − c/r) = e^(1/10), a reward. The exponent is 1 − r/c = 1 − 10/9, below 0.",
        66.7: "You divided by the penalty, or lost its minus: e^(1 − 10/9) is .895. Multiply.",
        53.7: "You took c/r = 9/10 as the penalty. It is e^(1 − r/c), .895.",
        53.1: "You took a penalty for each sentence and averaged them. Lengths are added up first, as the counts are.",
        46.5: "You took the first sentence's lengths, 4 and 5: e^(1 − 5/4). Lengths are those of the whole corpus, 9 and 10.",
        44.7: "The penalty is right, but the counts are still those of the uncut text. Both totals and matches change.",
        50.0: "That is the uncut text. The first sentence has now 4 words, 3 pairs, 2 triples and 1 run of four.",
    },
    first_step="the counts are now 8/9, 5/7, 3/5 and 1/3. What is the fourth root of their product?",
)


def _ngrams(words: Words, n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))


def clipped_matches(hypothesis: Words, references: Sequence[Words], n: int) -> int:
    """How many n-grams of the hypothesis are found, each at most as often as in the reference that has it most often."""
    found = [_ngrams(reference, n) for reference in references]
    return sum(min(times, max(counts[gram] for counts in found)) for gram, times in _ngrams(hypothesis, n).items())


def _matching(limit: Callable[[list[Counter], tuple[str, ...], int], int]) -> Callable[[Words, Sequence[Words], int], int]:
    """Matches where an n-gram that occurs `times` counts `limit(counts, gram, times)`."""

    def matches(hypothesis: Words, references: Sequence[Words], n: int) -> int:
        found = [_ngrams(reference, n) for reference in references]
        return sum(limit(found, gram, times) for gram, times in _ngrams(hypothesis, n).items())

    return matches


def _without_n(hypothesis: Words, references: Sequence[Words], n: int) -> int:
    return clipped_matches(hypothesis, references, 1)


def _steps_of_n(hypothesis: Words, references: Sequence[Words], n: int) -> int:
    cut = [Counter(tuple(words[i : i + n]) for i in range(0, len(words) - n + 1, n)) for words in (hypothesis, *references)]
    return sum(min(times, max(counts[gram] for counts in cut[1:])) for gram, times in cut[0].items())


def _one_short(hypothesis: Words, references: Sequence[Words], n: int) -> int:
    cut = [Counter(tuple(words[i : i + n]) for i in range(len(words) - n)) for words in (hypothesis, *references)]
    return sum(min(times, max(counts[gram] for counts in cut[1:])) for gram, times in cut[0].items())


def _joined(hypothesis: Words, references: Sequence[Words], n: int) -> int:
    together = _ngrams([word for reference in references for word in reference], n)
    return sum(min(times, together[gram]) for gram, times in _ngrams(hypothesis, n).items())


DOG, OTHER = "der Hund beißt den Mann".split(), "den Mann beißt der Hund".split()
STUTTER, MIXED = "der Hund beißt den Hund".split(), "der der Hund beißt den Mann Mann".split()

function_exercise(
    "judging.clipped_matches",
    cases=[
        Case((STUTTER, [DOG], 1), says="der Hund beißt den Hund against der Hund beißt den Mann, n = 1"),
        Case((STUTTER, [DOG], 2), says="the same, n = 2"),
        Case(
            ("der den Mann".split(), [DOG, OTHER], 2),
            says="der den Mann against two references, n = 2",
        ),
        Case((MIXED, [OTHER, "der der Mann".split()], 1), says="der der Hund beißt den Mann Mann against two references, n = 1"),
        Case((["der"], [DOG], 2), says="a single word, n = 2"),
        Case(("der der der den".split(), ["der der der".split(), ["den"]], 1), says="der der der den against der der der and den, n = 1"),
        Case((["Mann", "den"], [DOG, OTHER], 2), says="Mann den against two references, n = 2"),
    ],
    reference=clipped_matches,
    slips=[
        Slip(
            "nothing is clipped",
            _matching(lambda found, gram, times: times * any(gram in counts for counts in found)),
            "An n-gram counts at most as often as in one reference.",
        ),
        Slip(
            "each n-gram counts once at most",
            _matching(lambda found, gram, times: int(any(gram in counts for counts in found))),
            "Two are right where a reference has two: take min(times, times there).",
        ),
        Slip(
            "only the first reference is looked at",
            _matching(lambda found, gram, times: min(times, found[0][gram])),
            "Take the reference that has the n-gram most often: max over the references.",
        ),
        Slip(
            "the references' counts are added up",
            _matching(lambda found, gram, times: min(times, sum(counts[gram] for counts in found))),
            "Several references do not allow a word more often than one of them has it: max, not sum.",
        ),
        Slip(
            "the matches with each reference are added up",
            _matching(lambda found, gram, times: sum(min(times, counts[gram]) for counts in found)),
            "An n-gram found in two references still counts once for each time it occurs: max over the references, not sum.",
        ),
        Slip(
            "the n-gram has to be in every reference",
            _matching(lambda found, gram, times: min([times, *(counts[gram] for counts in found)])),
            "One reference is enough: max, not min.",
        ),
        Slip("n is not used", _without_n, "Cut runs of n words: tuple(words[i:i + n])."),
        Slip("runs do not overlap", _steps_of_n, "Start a run at every word: range(len(words) - n + 1)."),
        Slip("the last run is left out", _one_short, "There are len(words) − n + 1 runs: mind the + 1."),
        Slip("the references are joined into one text", _joined, "Runs across their seam do not exist: count each reference for itself."),
    ],
    why="a stuttered word earns nothing more, and a second reference helps only where it has the n-gram more often.",
)


A, B = (60.0, 55.0, 70.0, 40.0, 50.0), (56.0, 53.0, 69.0, 40.0, 52.0)
N_DRAWS = 4000
SEED = 2  # its first draw has another mean than 1, in random and in torch
SHAPES = (  # mean and spread of the draws, and what gives them
    (
        1.0,
        0.0,
        "every draw has the mean 1: each sentence was drawn once. Draw with replacement: some twice, some not at all.",
    ),
    (1.0, 6.11, "the draws spread by about 6: A's and B's sentences were drawn apart. Draw a sentence once, and take both its scores."),
    (1.0, 2.0, "the draws spread by 2, as single sentences do. A draw is the mean of as many differences as there are sentences."),
    (5.0, 4.47, "the draws have the mean 5: they are sums. Divide by the number of sentences."),
    (-1.0, 0.894, "the sign is turned round: it is first minus second."),
    (55.0, 4.47, "the draws are means of A alone. Subtract B's score of the same sentence."),
    (1.0, 0.632, "the draws spread too little: more than five sentences are drawn. Draw as many as there are, five."),
    (1.0, 1.0, "the draws spread too much: fewer than five sentences are drawn. Draw as many as there are, five."),
)


def bootstrap(first: Sequence[float], second: Sequence[float], n_draws: int) -> list[float]:
    """The mean of first minus second in each of `n_draws` draws of as many sentences as there are, with replacement."""
    differences = [a - b for a, b in zip(first, second, strict=True)]
    return [sum(random.choices(differences, k=len(differences))) / len(differences) for _ in range(n_draws)]


def judge_bootstrap(answer: Any) -> Verdict:
    """Draws are random, so their number, mean and spread are held against what they have to be; the seed is the check's own."""
    if not callable(answer):
        return wrong(f"Not yet. Give the function itself, its name without brackets; this is {kind(answer)}.")
    state = random.getstate()
    random.seed(SEED)
    torch.manual_seed(SEED)
    try:
        result = answer(list(A), list(B), N_DRAWS)
    except Exception as error:  # the learner's function may stop with anything
        if isinstance(error, NotImplementedError) or "ellipsis" in str(error).lower():
            return not_attempted()
        return wrong(f"Not yet. Your function stops with {type(error).__name__}: {str(error)[:120]}.")
    finally:
        random.setstate(state)
    if result is None or result is ...:
        return not_attempted()
    means = as_tensor(list(result)) if isinstance(result, (list, tuple)) else as_tensor(result)
    if means is None or means.ndim != 1:
        return wrong(f"Not yet. Give a list with the mean of each draw; this is {kind(result)}.")
    if len(means) != N_DRAWS:
        return wrong(f"Not yet. Asked for {N_DRAWS} draws, your function gives {len(means)}: one mean a draw.")
    return _judge_means(means.double())


def _judge_means(means: Tensor) -> Verdict:
    middle, spread = float(means.mean()), float(means.std())
    if spread < 1e-9 and abs(middle - 1) > 1e-6:
        return wrong("Not yet: all draws are the same one. Draw five sentences anew for each mean.")
    if _near(middle, spread, 1.0, 0.894):
        low, high = means.quantile(torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
        return right(f"95 % of your draws lie between {number(low, 1)} and {number(high, 1)}; all 3,125 give \u22120.8 and 2.8.")
    for mean, wide, says in SHAPES:
        if _near(middle, spread, mean, wide):
            return wrong(f"Not yet: {says}")
    return wrong(
        f"Not yet. Your draws have the mean {number(middle)} and the spread {number(spread)} (standard deviation); "
        "it should be 1 and 0.89. Draw five sentences with replacement, and average their differences."
    )


def _near(middle: float, spread: float, mean: float, wide: float) -> bool:
    return abs(middle - mean) < 0.1 + 0.06 * wide and abs(spread - wide) < 0.02 + 0.05 * wide


def _drawn(rows: Callable[[], list[float]]) -> Callable[[Sequence[float], Sequence[float], int], list[float]]:
    return lambda first, second, n_draws: [sum(drawn := rows()) / len(drawn) for _ in range(n_draws)]


DIFFERENCES = [a - b for a, b in zip(A, B, strict=True)]

register(
    Exercise(
        "judging.bootstrap",
        judge_bootstrap,
        bootstrap,
        as_wrong_answers(
            (
                ("without replacement", _drawn(lambda: random.sample(DIFFERENCES, 5)), "with replacement"),
                (
                    "drawn apart",
                    lambda first, second, n: [(sum(random.choices(first, k=5)) - sum(random.choices(second, k=5))) / 5 for _ in range(n)],
                    "drawn apart",
                ),
                ("one draw, repeated", lambda first, second, n: bootstrap(first, second, 1) * n, "the same one"),
                ("one sentence a draw", _drawn(lambda: random.choices(DIFFERENCES, k=1)), "as single sentences do"),
                ("sums", lambda first, second, n: [sum(random.choices(DIFFERENCES, k=5)) for _ in range(n)], "they are sums"),
                ("second minus first", lambda first, second, n: bootstrap(second, first, n), "sign is turned round"),
                ("A alone", _drawn(lambda: random.choices(A, k=5)), "means of A alone"),
                ("too many drawn", _drawn(lambda: random.choices(DIFFERENCES, k=10)), "more than five"),
                ("too few drawn", _drawn(lambda: random.choices(DIFFERENCES, k=4)), "fewer than five"),
                ("no draws", lambda first, second, n: [1.0], "one mean a draw"),
                ("an error", lambda first, second, n: first - second, "stops with TypeError"),
                ("a number", 1.0, "Give the function itself"),
            )
        ),
    )
)
