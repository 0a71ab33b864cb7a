"""Notebook 07's exercises on judging: BLEU and its brevity penalty by hand, clipped n-grams."""

from collections import Counter
from collections.abc import Callable, Sequence

from lessons_lib.exercises.framework import (
    Case,
    Slip,
    function_exercise,
    number_exercise,
)

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
        53.7: "You took c/r = 9/10 as the penalty, or rounded the root to .6. The penalty is e^(1 − r/c), .895, the root .597.",
        53.1: "You took a penalty for each sentence and averaged them. Lengths are added up first, as the counts are.",
        46.5: "You took the first sentence's lengths, 4 and 5: e^(1 − 5/4). Lengths are those of the whole corpus, 9 and 10.",
        44.7: "The penalty is right, but the counts are still those of the uncut text. Both totals and matches change.",
        50.0: "That is the uncut text. The first sentence has now 4 words, 3 pairs, 2 triples and 1 run of four.",
    },
    first_step="the counts are now 8/9, 5/7, 3/5 and 1/3. What is the fourth root of their product?",
    wrong_answers=[("no decimal", 53, "rounded too much")],
)


def _ngrams(words: Words, n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))


def clipped_matches(hypothesis: Words, references: Sequence[Words], n: int) -> int:
    """How many n-grams of the hypothesis are found, each at most as often as in the reference that has it most often."""
    return _clipped(*(_ngrams(words, n) for words in (hypothesis, *references)))


def _clipped(written: Counter, *wanted: Counter) -> int:
    """How much of what is written is wanted, each thing at most as often as where it is wanted most."""
    return sum(min(times, max(counts[thing] for counts in wanted)) for thing, times in written.items())


def _matching(limit: Callable[[list[Counter], tuple[str, ...], int], int]) -> Callable[[Words, Sequence[Words], int], int]:
    """Matches where an n-gram that occurs `times` counts `limit(counts, gram, times)`."""

    def matches(hypothesis: Words, references: Sequence[Words], n: int) -> int:
        found = [_ngrams(reference, n) for reference in references]
        return sum(limit(found, gram, times) for gram, times in _ngrams(hypothesis, n).items())

    return matches


def _without_n(hypothesis: Words, references: Sequence[Words], n: int) -> int:
    return clipped_matches(hypothesis, references, 1)


def _steps_of_n(hypothesis: Words, references: Sequence[Words], n: int) -> int:
    return _clipped(*(Counter(tuple(words[i : i + n]) for i in range(0, len(words) - n + 1, n)) for words in (hypothesis, *references)))


def _glued(hypothesis: Words, references: Sequence[Words], n: int) -> int:
    return _clipped(*(Counter("".join(gram) for gram in _ngrams(words, n).elements()) for words in (hypothesis, *references)))


def _ends_only(hypothesis: Words, references: Sequence[Words], n: int) -> int:
    return _clipped(*(Counter((run[0], run[-1]) for run in _ngrams(words, n).elements()) for words in (hypothesis, *references)))


def _one_short(hypothesis: Words, references: Sequence[Words], n: int) -> int:
    return _clipped(*(Counter(tuple(words[i : i + n]) for i in range(len(words) - n)) for words in (hypothesis, *references)))


def _joined(hypothesis: Words, references: Sequence[Words], n: int) -> int:
    together = _ngrams([word for reference in references for word in reference], n)
    return sum(min(times, together[gram]) for gram, times in _ngrams(hypothesis, n).items())


def _inside_the_text(hypothesis: Words, references: Sequence[Words], n: int) -> int:
    texts = [" ".join(reference) for reference in references]
    runs = Counter(" ".join(gram) for gram in _ngrams(hypothesis, n).elements())
    return sum(min(times, max(text.count(run) for text in texts)) for run, times in runs.items())


DOG, OTHER = "der Hund beißt den Mann".split(), "den Mann beißt der Hund".split()
STUTTER, MIXED = "der Hund beißt den Hund".split(), "der der Hund beißt den Mann Mann".split()

function_exercise(
    "judging.clipped_matches",
    cases=[
        Case((STUTTER, [DOG], 1), says="der Hund beißt den Hund against der Hund beißt den Mann, n = 1"),
        Case((STUTTER, [DOG], 2), says="der Hund beißt den Hund against der Hund beißt den Mann, n = 2"),
        Case(
            ("der den Mann".split(), [DOG, OTHER], 2),
            says="der den Mann against two references, n = 2",
        ),
        Case((MIXED, [OTHER, "der der Mann".split()], 1), says="der der Hund beißt den Mann Mann against two references, n = 1"),
        Case((["der"], [DOG], 2), says="a single word, n = 2"),
        Case(("der Hund sucht den Mann".split(), [DOG], 3), says="der Hund sucht den Mann against der Hund beißt den Mann, n = 3"),
        Case(("der der der den".split(), ["der der der".split(), ["den"]], 1), says="der der der den against der der der and den, n = 1"),
        Case((["Mann", "den"], [DOG, OTHER], 2), says="Mann den against two references, n = 2"),
        Case((["der", "Hund"], [["den"], DOG], 1), says="der Hund against den and der Hund beißt den Mann, n = 1"),
        Case((["den", "Hund"], [["den", "Mann"], ["der", "Hund"]], 1), says="den Hund against den Mann and der Hund, n = 1"),
        Case((["und"], [["Hund"]], 1), says="und against Hund, n = 1"),
        Case((["der"] * 3, [["der"] * 3], 2), says="der der der against itself, n = 2"),
        Case((["im", "Park"], [["imPa", "rk"]], 2), says="im Park against imPa rk, n = 2"),
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
            "one reference is chosen for the whole text",
            lambda hypothesis, references, n: max(clipped_matches(hypothesis, [reference], n) for reference in references),
            "Choose anew for each n-gram: the max goes inside the sum.",
        ),
        Slip(
            "parts of words count as well",
            _inside_the_text,
            "Compare words, tuple(words[i:i + n]): there is an und in Hund, and a text is searched from left to right.",
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
        Slip("the words of a run are glued together", _glued, "tuple(words[i:i + n]) keeps them apart."),
        Slip("only the first and the last word of a run are compared", _ends_only, "A run of three has a middle: tuple(words[i:i + n])."),
        Slip("n is not used", _without_n, "Cut runs of n words: tuple(words[i:i + n])."),
        Slip("runs do not overlap", _steps_of_n, "Start a run at every word: range(len(words) - n + 1)."),
        Slip("the last run is left out", _one_short, "There are len(words) − n + 1 runs: mind the + 1."),
        Slip("the references are joined into one text", _joined, "Runs across their seam do not exist: count each reference for itself."),
    ],
    why="a stuttered word earns nothing more, and a second reference helps only where it has the n-gram more often.",
)
