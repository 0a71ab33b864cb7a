"""Casing: what is learned from texts, and that it comes back."""

import pytest

from lessons_lib.casing import Casing

TARGETS = [
    "Der Hund sieht den Mann.",
    "Ein Mann und der Hund.",
    "Peter sieht, dass ein Hund kommt.",
    "Dann sieht Peter der Hund.",
    "USA gewinnt.",
]


def test_only_first_words_that_are_small_elsewhere_lose_their_capital() -> None:
    casing = Casing.learn(TARGETS)
    assert casing.lower_first == ("Der", "Ein")
    assert casing.before_target("Der Hund schläft.") == "der Hund schläft."
    assert casing.before_target("Peter und der Hund.") == "Peter und der Hund."
    assert casing.before_target("USA gewinnt.") == "USA gewinnt."


def test_what_was_made_small_comes_back() -> None:
    casing = Casing.learn(TARGETS)
    assert [casing.after_target(casing.before_target(text)) for text in TARGETS] == TARGETS
    assert casing.after_target("über den Fluss") == "Über den Fluss"
    assert casing.after_target("") == "" == casing.before_target("")


def test_the_source_is_read_in_lower_case_if_wished() -> None:
    assert Casing.learn(TARGETS).before_source("A Dog, ÜBER all") == "a dog, über all"
    assert Casing.learn(TARGETS, lower_source=False).before_source("A Dog") == "A Dog"


def test_no_casing_changes_nothing() -> None:
    for text in ("Der Hund", "der hund", ""):
        assert Casing().before_source(text) == Casing().before_target(text) == Casing().after_target(text) == text


def test_casing_survives_json() -> None:
    casing = Casing.learn(TARGETS)
    assert Casing.from_json(casing.to_json()) == casing


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"lower_source": "no"}', "lower_source is 'no': it must be true or false"),
        ('{"lower_first": 5}', "lower_first is no list of words"),
        ('{"lower_first": "Der"}', "lower_first is no list of words"),
        ('{"lower_first": ["Der", 5]}', "lower_first is no list of words"),
    ],
)
def test_a_casing_that_cannot_be_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Casing.from_json(text)
