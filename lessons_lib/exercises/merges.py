"""Exercises of notebook 03 on byte-pair encoding: merges counted with a pencil, and a word cut into pieces."""

from collections.abc import Sequence

from lessons_lib.bpe import join
from lessons_lib.exercises.framework import Case, Slip, function_exercise, numbers_exercise

numbers_exercise(
    "merges.counts",
    [5, 4, 3, 3],
    tolerance=0,
    why="Hun 5, der 4, den 3, Hund 3, and 29 − 5 − 4 − 3 − 3 = 14 pieces are left.",
    slips={
        (5, 5, 4, 3): "That is what the first count says. In Hunde the d now belongs to de, so n d is left in Hund alone: 3. Count again "
        "after each merge. Your sum tells: 29 − 5 − 5 − 4 − 3 = 12, one piece a word, and Hunde is not learned yet.",
        (2, 1, 1, 1): "You counted each kind of word once. A pair counts as often as its words occur: der four times, Hund three times.",
        (24, 20, 17, 14): "Those are the pieces left after each merge, all right. How many does each merge save?",
        (5, 4, 3, 2): "The last one is off: Hun d stands in Hund, three times. In Hunde there is no Hun d: it is Hun de.",
        (5, 4, 3, 5): "The last one is off: Hunde is Hun + de, so Hun d stands in Hund only, three times.",
        (5, 4, 4, 3): "The third one is off: it joins de n, and den occurs three times; der, with four, is whole already.",
    },
    first_step="before each merge write the four words in their pieces, now Hu n d (3), Hu n de (2), … Which neighbours are most frequent?",
)


def segment(word: str, merges: Sequence[tuple[str, str]]) -> list[str]:
    """The pieces of a word: its letters, joined by each merge in the order in which the merges were learned."""
    pieces: Sequence[str] = list(word)
    for pair in merges:
        pieces = join(pieces, pair)
    return list(pieces)


def _longest_first(word: str, merges: Sequence[tuple[str, str]]) -> list[str]:
    known, pieces = {"".join(pair) for pair in merges}, []
    while word:
        size = next((n for n in range(len(word), 1, -1) if word[:n] in known), 1)
        pieces.append(word[:size])
        word = word[size:]
    return pieces


def _stops_at_the_first_that_does_not_apply(word: str, merges: Sequence[tuple[str, str]]) -> list[str]:
    pieces: Sequence[str] = list(word)
    for pair in merges:
        joined = join(pieces, pair)
        if len(joined) == len(pieces):
            break
        pieces = joined
    return list(pieces)


def _joins_once(word: str, merges: Sequence[tuple[str, str]]) -> list[str]:
    pieces = list(word)
    for pair in merges:
        at = next((i for i in range(len(pieces) - 1) if (pieces[i], pieces[i + 1]) == pair), None)
        if at is not None:
            pieces[at : at + 2] = ["".join(pair)]
    return pieces


def _uses_a_letter_twice(word: str, merges: Sequence[tuple[str, str]]) -> list[str]:
    pieces = list(word)
    for pair in merges:
        joined, i = [], 0
        while i < len(pieces):
            hit = i + 1 < len(pieces) and (pieces[i], pieces[i + 1]) == pair
            if hit:
                joined.append("".join(pair))
            elif not (joined and i and (pieces[i - 1], pieces[i]) == pair):
                joined.append(pieces[i])
            i += 1
        pieces = joined
    return pieces


def _compares_the_glued(word: str, merges: Sequence[tuple[str, str]]) -> list[str]:
    pieces = list(word)
    for pair in merges:
        i = 0
        while i + 1 < len(pieces):
            if pieces[i] + pieces[i + 1] == "".join(pair):
                pieces[i : i + 2] = ["".join(pair)]
            i += 1
    return pieces


def _loses_the_last(word: str, merges: Sequence[tuple[str, str]]) -> list[str]:
    pieces = list(word)
    for pair in merges:
        joined, i = [], 0
        while i < len(pieces) - 1:
            hit = (pieces[i], pieces[i + 1]) == pair
            joined.append("".join(pair) if hit else pieces[i])
            i += 1 + hit
        pieces = joined
    return pieces


def _replaces_in_the_text(word: str, merges: Sequence[tuple[str, str]]) -> list[str]:
    text = " ".join(word)
    for pair in merges:
        text = text.replace(" ".join(pair), "".join(pair))
    return text.split(" ")


MERGES = [("d", "e"), ("H", "u"), ("Hu", "n"), ("de", "r"), ("de", "n"), ("Hun", "d")]

function_exercise(
    "merges.segment",
    cases=[
        Case(("Hunde", MERGES), says="'Hunde' and the six merges"),
        Case(("Hunden", MERGES), says="'Hunden' and the six merges"),
        Case(("aaa", [("a", "a")]), says="'aaa' and the merge a + a"),
        Case(("derde", MERGES), says="'derde' and the six merges"),
        Case(("Mann", MERGES), says="'Mann' and the six merges"),
        Case(("abc", [("b", "c"), ("ab", "c")]), says="'abc' and the merges b + c, ab + c"),
    ],
    reference=segment,
    slips=[
        Slip("the longest known piece is taken first", _longest_first, "Hund is known, but d e was joined first: go through the merges."),
        Slip(
            "the newest merge is made first",
            lambda word, merges: segment(word, merges[::-1]),
            "Begin with the one that was learned first: later ones need its pieces.",
        ),
        Slip(
            "the merges end at the first that does not apply",
            _stops_at_the_first_that_does_not_apply,
            "There is no d e r in Hunden: pass over it and go on.",
        ),
        Slip("only the first merge is made", lambda word, merges: segment(word, merges[:1]), "Does return stand inside the loop?"),
        Slip("only the first occurrence is joined", _joins_once, "derde has d e twice."),
        Slip("a letter is used twice", _uses_a_letter_twice, "In aaa the middle a is gone once the first two are joined: step two on."),
        Slip(
            "spaced text is searched instead of pieces",
            _replaces_in_the_text,
            "'Hun d' stands inside 'Hun de', too, where no piece d is: compare whole pieces.",
        ),
        Slip(
            "the last piece is lost, where it is not joined",
            _loses_the_last,
            "Go on to len(pieces), and look for a neighbour only where there is one.",
        ),
        Slip(
            "two pieces are glued and compared with the glued pair",
            _compares_the_glued,
            "a + bc is not ab + c: compare the pieces, (pieces[i], pieces[i + 1]) == pair.",
        ),
        Slip(
            "nothing is joined",
            lambda word, merges: list(word),
            "Join the pair wherever it stands, merge after merge. Is join's result kept, pieces = join(pieces, pair)? Is a list compared "
            "with a tuple? They are never equal.",
        ),
        Slip("the pieces are glued to one text", lambda word, merges: " ".join(segment(word, merges)), "Return a list of pieces."),
    ],
    why="the merges are made in the order they were learned, each wherever it stands: Hunde is Hun + de although Hund is known.",
)
