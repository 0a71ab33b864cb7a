"""Every form the lexicon makes, held against sources that are not ours: german-nouns, ablaut, hunspell."""

from __future__ import annotations

import pytest

from lessons_lib.grammar import german_forms
from lessons_lib.grammar.lexicon import load_lexicon
from lessons_lib.grammar.words import Modal, Noun, Verb

LEXICON = load_lexicon()
CASE_NAMES = {"nom": "nominativ", "acc": "akkusativ", "dat": "dativ"}
AUXILIARY_EXCEPTIONS = {
    "drive:fahren:acc drive": "ablaut knows fahren with sein alone; with an object it takes haben (Duden: hat den Wagen gefahren)",
    "ride:reiten:pp horse_dat": "ablaut knows reiten with haben; for movement on a horse Duden gives sein (ist auf dem Pferd geritten)",
}


@pytest.fixture(scope="module")
def noun_source():
    lookup = pytest.importorskip("german_nouns.lookup", reason="the package german-nouns is not installed (extra dev)")
    return lookup.Nouns()


@pytest.mark.parametrize("noun", LEXICON.nouns, ids=lambda noun: noun.de)
def test_noun(noun: Noun, noun_source) -> None:
    """Gender and every form in use are those of Wiktionary; words with several meanings need one entry that agrees in all."""
    entries = [entry for entry in noun_source[noun.de] if "Substantiv" in entry["pos"]]
    assert entries, f"german-nouns does not know {noun.de!r}"
    assert any(_agrees(noun, entry) for entry in entries), [(entry.get("genus"), entry["flexion"]) for entry in entries]


def _agrees(noun: Noun, entry: dict) -> bool:
    genders = {value for key, value in entry.items() if key.startswith("genus")}
    numbers = ("sg", "pl") if noun.de_plural else ("sg",)
    return noun.gender in genders and all(
        german_forms.noun_form(noun, number, case) in _known_forms(entry["flexion"], number, case)
        for number in numbers
        for case in CASE_NAMES
    )


def _known_forms(flexion: dict[str, str], number: str, case: str) -> set[str]:
    name = f"{CASE_NAMES[case]} {'singular' if number == 'sg' else 'plural'}"
    return {form for key, form in flexion.items() if key == name or key.startswith(name + " ")}


@pytest.mark.parametrize("verb", LEXICON.verbs, ids=lambda verb: verb.key)
def test_verb(verb: Verb) -> None:
    """Present, participle and auxiliary are those of ablaut; a separable prefix stands behind."""
    ablaut = pytest.importorskip("ablaut", reason="the package ablaut is not installed (extra dev)")
    known = ablaut.conjugate(verb.lemma)
    tail = f" {verb.prefix}" if verb.prefix else ""
    finite = german_forms.auxiliary("haben", 1, "sg") if verb.de == "haben" else german_forms.present(verb, 1, "sg")
    third = german_forms.auxiliary("haben", 3, "sg") if verb.de == "haben" else german_forms.present(verb, 3, "sg")
    plural = german_forms.present(verb, 3, "pl")
    assert [known.present[0], known.present[2], known.present[5]] == [finite + tail, third + tail, plural + tail]
    assert verb.de_participle == known.past_participle
    if verb.key not in AUXILIARY_EXCEPTIONS:
        assert verb.auxiliary == known.auxiliary


@pytest.mark.parametrize("modal", LEXICON.modals, ids=lambda modal: modal.de)
def test_modal(modal: Modal) -> None:
    """Modal verbs in the present, *should* in the subjunctive *sollte*."""
    ablaut = pytest.importorskip("ablaut", reason="the package ablaut is not installed (extra dev)")
    known = ablaut.conjugate(modal.de)
    forms = known.konjunktiv2 if modal.en == "should" else known.present
    for person, number, place in ((1, "sg", 0), (3, "sg", 2), (3, "pl", 5)):
        assert german_forms.modal(modal, number) == forms[place], person


@pytest.mark.parametrize("name", ["haben", "sein"])
def test_auxiliary(name: str) -> None:
    """Present of the auxiliaries."""
    ablaut = pytest.importorskip("ablaut", reason="the package ablaut is not installed (extra dev)")
    known = ablaut.conjugate(name).present
    assert [german_forms.auxiliary(name, *which) for which in ((1, "sg"), (3, "sg"), (3, "pl"))] == [known[0], known[2], known[5]]
