"""Corpus cleaning: what each rule catches in a small dirty list, and that clean data passes."""

import numpy as np
import pytest

from lessons_lib.cleaning import RULES, Limits, TokenLimits, clean, plain, speaks_for_another
from lessons_lib.corpus import Pair, load_grammar

GOOD = [Pair("The dog bites the man.", "Der Hund beißt den Mann."), Pair("Two men in a boat.", "Zwei Männer in einem Boot.")]
DIRTY = {
    "empty": [Pair("", "Der Hund."), Pair("The dog.", " \t\x00")],
    "too long": [Pair("dog " * 200, "Hund " * 160)],
    "source and target identical": [Pair("Hotel California", "Hotel California"), Pair("Hotel  California", "Hotel California ")],
    "lengths too different": [Pair("Yes.", "Ja, und dann ging der Mann nach Hause.")],
    "probably another language": [
        Pair("Der Hund ist auf dem Dach.", "Der Hund sitzt auf dem Dach."),
        Pair("The dog is on the roof.", "The dog is on a roof."),
    ],
    "duplicate": [GOOD[0], Pair(" The dog bites  the man.", "Der Hund beißt den Mann.")],
}


def test_each_rule_catches_its_own_and_nothing_else() -> None:
    dirty = [pair for pairs in DIRTY.values() for pair in pairs]
    kept, counts = clean([*GOOD, *dirty])
    assert kept == GOOD
    assert {name: counts[name] for name in DIRTY} == {name: len(pairs) for name, pairs in DIRTY.items()}
    assert set(counts) == {"made uniform", *DIRTY} and set(DIRTY) == {*RULES, "duplicate"}
    assert len(GOOD) + len(dirty) == len(kept) + sum(counts[name] for name in DIRTY)


@pytest.mark.parametrize("name", DIRTY)
def test_each_rule_alone(name: str) -> None:
    kept, counts = clean([*GOOD, *DIRTY[name]])
    assert kept == GOOD
    assert [rule for rule, count in counts.items() if count and rule != "made uniform"] == [name]


def test_texts_are_made_uniform_and_counted() -> None:
    kept, counts = clean(
        [Pair(" The  dog\u2028bites\xa0it. ", "Der Hund bei\u00dft es."), Pair("Cafe\u0301 is near.", "Das Café ist nah.")]
    )
    assert kept == [Pair("The dog bites it.", "Der Hund beißt es."), Pair("Café is near.", "Das Café ist nah.")]
    assert counts["made uniform"] == 2 and clean(kept)[1]["made uniform"] == 0
    assert plain("a\x00b\x1bc\ud800") == "abc" and plain("Cafe\x00\u0301") == "Café"


def test_cleaning_twice_changes_nothing_more() -> None:
    kept, _ = clean([*GOOD, *(pair for pairs in DIRTY.values() for pair in pairs)])
    again, counts = clean(kept)
    assert again == kept and not any(counts.values())


def test_limits_are_the_readers() -> None:
    pair = Pair("A dog runs.", "Ein Hund rennt über eine Wiese.")
    assert clean([pair])[0] == [pair]
    assert clean([pair], Limits(max_ratio=2))[1]["lengths too different"] == 1
    assert clean([pair], Limits(max_characters=30))[1]["too long"] == 1
    french = Pair("Le chien est sur le toit.", "Der Hund ist auf dem Dach.")
    assert clean([french], Limits(source_language="fr"))[0] == [french]
    with pytest.raises(ValueError, match="max_ratio is 0.5: it must be at least 1"):
        Limits(max_ratio=0.5)


def test_words_of_both_languages_are_no_evidence() -> None:
    assert not speaks_for_another("The man was in an old hat", "en", 1)
    assert not speaks_for_another("Die Hand war warm, was so in Not hilft", "de", 1)
    assert speaks_for_another("Der Mann und das Kind", "en", 2)
    assert speaks_for_another('"The man," said the child', "de", 2)


def test_the_grammar_corpus_is_clean() -> None:
    """The shipped corpus has no empty, copied, lopsided or doubled pair, and its languages are told apart."""
    pairs = load_grammar("test")
    kept, counts = clean(pairs)
    assert len(kept) >= 0.995 * len(pairs), counts
    swapped = [Pair(pair.target, pair.source) for pair in pairs]
    assert clean(swapped)[1]["probably another language"] > 0.5 * len(pairs)


def test_limits_in_tokens_are_the_usual_rule() -> None:
    source, target = np.array([3, 2, 250, 251, 0, 4, 5]), np.array([2, 3, 200, 240, 1, 7, 5])
    assert TokenLimits().keeps(source, target).tolist() == [True, True, True, False, False, False, True]
    assert TokenLimits(max_tokens=4, max_ratio=2).keeps(source, target).tolist() == [True, True, False, False, False, False, False]
    for fields in ({"max_tokens": 0}, {"max_ratio": 0.5}):
        with pytest.raises(ValueError, match="it must be at least 1"):
            TokenLimits(**fields)
