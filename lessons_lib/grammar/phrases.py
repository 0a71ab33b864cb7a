"""Random noun phrases and pronouns that make sense where they stand."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from lessons_lib.grammar.sampling import Sampler
from lessons_lib.grammar.structures import NounPhrase, Phrase, PronounPhrase
from lessons_lib.grammar.words import POSSESSIVES, Determiner, Noun, Numerus

Position = Literal["subject", "object", "second", "place", "predicated"]
"""`second`: the accusative beside a dative; `predicated`: the subject of *is old*."""
PLURAL_SHARE: dict[Position, float] = {"subject": 0.26, "object": 0.24, "second": 0.15, "place": 0.15, "predicated": 0.25}
SINGULAR: dict[Position, tuple[tuple[str, float], ...]] = {
    "subject": (("the", 0.46), ("a", 0.18), ("this", 0.07), ("own", 0.16), ("every", 0.05), ("no", 0.035)),
    "object": (("the", 0.42), ("a", 0.33), ("this", 0.06), ("own", 0.16)),
    "place": (("the", 0.66), ("a", 0.14), ("this", 0.06), ("own", 0.12)),
}
PLURAL: dict[Position, tuple[tuple[str, float], ...]] = {
    "subject": (("the", 0.42), ("two", 0.12), ("three", 0.12), ("many", 0.1), ("this", 0.08), ("own", 0.12)),
    "object": (("the", 0.38), ("bare", 0.2), ("two", 0.11), ("three", 0.11), ("this", 0.07), ("own", 0.1)),
    "place": (("the", 0.7), ("this", 0.1), ("two", 0.1), ("own", 0.1)),
}
ADJECTIVE_SHARE = 0.33
EIN_ADJECTIVE_SHARE = 0.55
"""Behind *ein* and the like, whose adjective endings are the most varied."""
PLAIN_ADJECTIVE_SHARE = 0.14
DER_WORDS: tuple[Determiner, ...] = ("the", "this", "every")
PREDICATED: dict[Numerus, tuple[tuple[str, float], ...]] = {
    "sg": (("the", 0.6), ("this", 0.18), ("own", 0.22)),
    "pl": (("the", 0.6), ("this", 0.2), ("own", 0.2)),
}
COUNTED: tuple[Determiner, ...] = ("two", "three", "many", "every", "no")


def noun_phrase(
    sampler: Sampler, options: Collection[Noun], position: Position, plain: bool = False, owner: Phrase | None = None
) -> NounPhrase:
    """A noun phrase over one of the nouns.

    Args:
        sampler: source of chance.
        options: the nouns that make sense.
        position: where the phrase will stand.
        plain: fewer adjectives, no numbers, no *every* and *no*.
        owner: whose things a possessive names by preference.
    """
    noun = sampler.balanced(tuple(options))
    countable = noun.de_plural and (position != "place" or "human" in noun.tags)
    number: Numerus = "pl" if countable and sampler.chance(PLURAL_SHARE[position]) else "sg"
    determiner = _determiner(sampler, noun, number, position, plain, owner)
    adjective = None
    fitting = sampler.adjectives(noun)
    share = PLAIN_ADJECTIVE_SHARE if plain else ADJECTIVE_SHARE if determiner in DER_WORDS else EIN_ADJECTIVE_SHARE
    if fitting and position != "predicated" and sampler.chance(share):
        adjective = sampler.balanced(fitting)
    return NounPhrase(noun, determiner, number, adjective)


def _determiner(sampler: Sampler, noun: Noun, number: Numerus, position: Position, plain: bool, owner: Phrase | None) -> Determiner:
    if noun.mass:
        return "bare" if position in ("object", "second") and sampler.chance(0.55) else "the"
    ownable = bool(noun.tags & {"own", "owned"}) and not noun.tags & {"public"}
    if ownable and "kin" in noun.tags and sampler.chance(0.5):
        return sampler.pick(POSSESSIVES)
    barred = (COUNTED if plain else ()) + (() if ownable else ("own",)) + (("bare",) if "human" in noun.tags else ())
    if "kin" in noun.tags and number == "sg":
        barred += ("a", "this")
    choices = [(name, share) for name, share in _table(number, position) if name not in barred]
    name = sampler.weighted(choices)
    if name != "own":
        return name  # type: ignore[return-value]
    fitting = _possessive_of(owner)
    return fitting if fitting and sampler.chance(0.6) else sampler.pick(POSSESSIVES)


def _table(number: Numerus, position: Position) -> tuple[tuple[str, float], ...]:
    if position == "predicated":
        return PREDICATED[number]
    if position == "second":
        return SINGULAR["object"] if number == "sg" else PREDICATED["pl"]
    return (SINGULAR if number == "sg" else PLURAL)[position]


def _possessive_of(owner: Phrase | None) -> Determiner | None:
    """*my* of *I*, *her* of *the woman*, *their* of any plural; None where it is not plain."""
    if isinstance(owner, PronounPhrase):
        return {"I": "my", "we": "our", "he": "his", "she": "her", "they": "their"}.get(owner.pronoun.en)  # type: ignore[return-value]
    if not isinstance(owner, NounPhrase) or "person" not in owner.noun.tags:
        return None
    if owner.number == "pl":
        return "their"
    return "his" if "male" in owner.noun.tags else "her" if "female" in owner.noun.tags else None


def pronoun(sampler: Sampler, avoid: Collection[str]) -> PronounPhrase | None:
    """A personal pronoun of a group that is not to be avoided (*I* and *us* are one group); None if none is left."""
    left = [item for item in sampler.lexicon.pronouns if item.group not in avoid]
    return PronounPhrase(sampler.weighted([(item, 1.6 if item.en == "I" else 1.0) for item in left])) if left else None


def pronoun_for(sampler: Sampler, phrase: Phrase) -> PronounPhrase | None:
    """The pronoun that takes a person up again: *he* for *the man*; None where the English or the German one is not plain."""
    if isinstance(phrase, PronounPhrase):
        return phrase
    if not isinstance(phrase, NounPhrase) or phrase.determiner in ("every", "no", "bare") or "person" not in phrase.noun.tags:
        return None
    group = "they" if phrase.number == "pl" else "he" if "male" in phrase.noun.tags else "she" if "female" in phrase.noun.tags else ""
    return next((PronounPhrase(item) for item in sampler.lexicon.pronouns if item.group == group), None)
