"""Notebook 07's exercises on decoding: three beams on a small tree, a length penalty, what a cache saves, writing while one reads."""

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from lessons_lib.exercises.framework import Case, Slip, function_exercise, numbers_exercise

Written = list[tuple[str, int]]
NextWord = Callable[[Sequence[str], Sequence[str]], str]
END = "⟨e⟩"
MOST = 200  # times that a toy translator is asked in one run

numbers_exercise(
    "decoding.three_beams",
    [6, 5, 4],
    tolerance=0.001,
    why="greedy follows der, beam 2 finds ein, and only beam 3 keeps das, 3 bits, until its free words come: das Kind schläft, 4 bits.",
    slips={
        (4, 4, 4): "That is the cheapest path of the whole tree each time. A search sees only the beginnings it has kept.",
        (6, 4, 4): "With beam 2 das, 3 bits, is third after the first step, and third is dropped.",
        (6, 5, 5): "Beam 3 keeps all three beginnings after the first step, das among them.",
        (6, 6, 6): "That is greedy's path each time. A beam of 2 also keeps ein, and compares sums at the end.",
        (6, 6, 4): "With beam 2 der Kind and ein Kind both cost 4 bits after two words. Add the last two: which sum is smaller?",
        (5, 5, 3): "You left out the end: ⟨e⟩ has its cost too, and it is part of the text.",
        (6, 5, 3): "After das Kind schläft comes ⟨e⟩, 1 more bit: the end is part of the text.",
        (4, 5, 6): "Right numbers, other order: greedy first, then beam 2, then beam 3.",
        (64, 32, 16): "Those are 2 to the power of the bits: one chance in so many. Add the bits.",
    },
    first_step="after one word the sums are der 1, ein 2, das 3. Which of them does each search keep?",
)


numbers_exercise(
    "decoding.root_of_length",
    [1.73, 2.04, 2.27],
    tolerance=0.011,
    why="3/√3, 5/√6, 6/√7. S still wins: half an exponent is too little to make up for three more tokens.",
    slips={
        (2.12, 2.24, 2.45): "You left ⟨e⟩ out of the lengths. It was predicted and paid for, so it counts: 3, 6 and 7 tokens.",
        (5.20, 12.25, 15.87): "You multiplied by the root. Divide: a longer text is forgiven some of its bits.",
        (1.0, 0.83, 0.86): "That is α = 1. With α = ½ divide by the square root of the length.",
        (2.0, 1.67, 1.71): "You divided by half the length. α = ½ is an exponent: the square root.",
        (2.60, 3.69, 4.24): "That is Wu's rule, ((5 + n)/6)^α. Here the length itself has the exponent.",
        (0.33, 0.14, 0.12): "You divided by the square of the length. α = ½ is the square root.",
        (1.0, 1.67, 2.0): "You divided all three by 3, the length of S. Each has its own.",
    },
    first_step="the lengths with ⟨e⟩ are 3, 6 and 7. What are their square roots?",
)


numbers_exercise(
    "decoding.cache",
    [36, 8, 208],
    tolerance=0.001,
    why="1 + 2 + … + 8 = 36 against 8; and 2 layers · (2 · 8 · 4 for the text + 2 · 5 · 4 for the source) = 208 numbers.",
    slips={
        (64, 8, 208): "Eight full passes would be 64, but step t runs only the t positions that are there: 1 + 2 + … + 8.",
        (28, 8, 208): "You added 0 to 7. The first step has one position already, the start: 1 + 2 + … + 8.",
        (21, 6, 88): "That is the example in the text: 6 tokens, one layer. Here it is 8 tokens and two layers.",
        (21, 6, 176): "You kept 6 tokens. Here it is 8.",
        (36, 8, 176): "You doubled the text's 88 for two layers, but those are of 6 tokens. Here it is 8.",
        (36, 36, 208): "With a cache each step runs the one new position: 8 in all.",
        (36, 8, 104): "That is one layer, or K without V. Each of the two layers keeps both.",
        (36, 8, 312): "You keep Q as well. A query is used once, in its own step: only K and V are asked again.",
        (36, 8, 416): "You counted per head. The heads share the width: together they have d_model = 4 columns.",
        (36, 8, 128): "That is the text alone. Cross-attention keeps K and V of the 5 source tokens, too.",
        (36, 8, 768): "You keep the source's K and V anew at each step. They do not change: 5 rows once.",
        (36, 8, 52): "That is one layer and K without V.",
        (72, 16, 208): "You counted each position once a layer. In one run a position passes both layers: count it once.",
        (36, 8, 168): "Each layer has K and V of the source of its own: 40 numbers a layer, not 40 in all.",
    },
    first_step="without a cache step 1 runs 1 position, step 2 runs 2, and so on to step 8; with one, each step runs 1. "
    "For the numbers kept take one layer first: K and V of 8 rows and of 5 rows, 4 numbers each.",
)


def wait_k(source: Sequence[str], k: int, next_word: NextWord) -> Written:
    """Write while reading: each word with how many source words had been read, the end not among them."""
    return _written(source, next_word, lambda n: k + n)


def _written(source: Sequence[str], next_word: NextWord, allowed: Callable[[int], int], keep_end: bool = False, most: int = 30) -> Written:
    """Words with the number read; `allowed(n)` says how many may be read before word n, from 0."""
    words: list[str] = []
    read: list[int] = []
    for n in count():
        seen = max(min(allowed(n), len(source)), 0)
        word = next_word(source[:seen], words)
        if (word == END and not keep_end) or n == most:
            break
        words.append(word)
        read.append(seen)
        if word == END:
            break
    return list(zip(words, read, strict=True))


class Toy:
    """A toy translator, `rule(read, written)`, that refuses to be asked for ever."""

    def __init__(self, rule: NextWord) -> None:
        self.rule, self.asked = rule, 0

    def __call__(self, read: Sequence[str], written: Sequence[str]) -> str:
        self.asked += 1
        if self.asked > MOST:
            raise RuntimeError(f"next_word was asked {MOST} times: give it the words written so far, and stop at {END}")
        return self.rule(read, written)


Toy.__call__.__qualname__ = "next_word"  # an error then speaks of what the reader knows


def echo(read: Sequence[str], written: Sequence[str]) -> str:
    """Capitals of the word at the same place, "…" where it is not read yet, the end after five words."""
    n = len(written)
    if n >= 5:
        return END
    return read[n].upper() if n < len(read) else "…"


def last(read: Sequence[str], written: Sequence[str]) -> str:
    """The last word read, seven times."""
    return END if len(written) == 7 else (read[-1] if read else "…")


def chain(read: Sequence[str], written: Sequence[str]) -> str:
    """The last word read, with the number of letters of the last word written; five times."""
    return END if len(written) == 5 else f"{read[-1] if read else '…'}{len(str(written[-1])) if written else 0}"


def _tells(source: Sequence[str], k: int, next_word: NextWord, tell: Callable[[Written], Sequence[Any]]) -> Written:
    """wait-k where next_word is given `tell(written)`."""
    written: Written = []
    while (word := next_word(source[: min(k + len(written), len(source))], tell(written))) != END:
        written.append((word, min(k + len(written), len(source))))
    return written


def _stops_reading(source: Sequence[str], k: int, next_word: NextWord) -> Written:
    return _written(source, next_word, lambda n: k)


def _ends_with_source(source: Sequence[str], k: int, next_word: NextWord) -> Written:
    return [pair for i, pair in enumerate(wait_k(source, k, next_word)) if k + i <= len(source)]


DOG = "the dog bites the man".split()

function_exercise(
    "decoding.wait_k",
    cases=[
        Case((DOG, 2, Toy(echo)), says="the dog bites the man, k = 2"),
        Case((DOG, 1, Toy(last)), says="the dog bites the man, k = 1, with a translator that repeats the last word read"),
        Case((["yes"], 3, Toy(last)), says="a source of one word, k = 3"),
        Case((DOG, 2, Toy(chain)), says="the dog bites the man, k = 2, with a translator that counts the letters of its last word"),
    ],
    reference=wait_k,
    slips=[
        Slip(
            "everything is read before the first word",
            lambda source, k, next_word: _written(source, next_word, lambda n: len(source)),
            "Before word n (from 0) at most k + n words may be read: source[:k + n].",
        ),
        Slip("reading stops after k words", _stops_reading, "After each word written one more may be read: source[:k + n]."),
        Slip(
            "one word more is read each time",
            lambda source, k, next_word: _written(source, next_word, lambda n: k + n + 1),
            "Before the first word, k words are read, no more.",
        ),
        Slip(
            "one word less is read each time",
            lambda source, k, next_word: _written(source, next_word, lambda n: k + n - 1),
            "Before the first word, k words are read already.",
        ),
        Slip(
            "k words are read after each word written",
            lambda source, k, next_word: _written(source, next_word, lambda n: k * (n + 1)),
            "After the first k, read one word for each word written.",
        ),
        Slip("writing stops where the source ends", _ends_with_source, "With all read, go on to write until the end comes."),
        Slip(
            "the end is kept as a word",
            lambda source, k, next_word: _written(source, next_word, lambda n: k + n, keep_end=True),
            "Stop at ⟨e⟩ before you append it.",
        ),
        Slip(
            "the number read is not held to the length of the source",
            lambda source, k, next_word: [(word, k + n) for n, (word, _) in enumerate(wait_k(source, k, next_word))],
            "Take min(k + n, len(source)).",
        ),
        Slip(
            "next_word is given the whole source",
            lambda source, k, next_word: [
                (word, min(k + n, len(source))) for n, (word, _) in enumerate(_written(source, next_word, lambda n: len(source)))
            ],
            "It may see only what has been read: source[:n_read].",
        ),
        Slip(
            "next_word is given the pairs",
            lambda source, k, next_word: _tells(source, k, next_word, lambda pairs: pairs),
            "It wants the words alone: [word for word, _ in written].",
        ),
        Slip(
            "next_word is not given the words that were written",
            lambda source, k, next_word: _tells(source, k, next_word, lambda pairs: ["word"] * len(pairs)),
            "It wants all words so far, in order.",
        ),
        Slip(
            "the two parts of each pair stand the wrong way round",
            lambda source, k, next_word: [(n, word) for word, n in wait_k(source, k, next_word)],
            "First the word, then the number read.",
        ),
    ],
    why="you always stay k words behind the speaker, and the end of the source is no reason to stop writing.",
    wrong_answers=[("the words alone", lambda source, k, next_word: [word for word, _ in wait_k(source, k, next_word)], "Not yet")],
)
