"""What the lexicon is made of: nouns, adjectives, verbs, prepositions, adverbs, each with its English and its German side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Case = Literal["nom", "acc", "dat"]
Gender = Literal["m", "f", "n"]
Numerus = Literal["sg", "pl"]
AdverbKind = Literal[
    "time",
    "habit",
    "season",
    "night",
    "plan",
    "frequency",
    "usual",
    "perfect",
    "speed",
    "volume",
    "care",
    "hour",
    "place",
    "sentence",
    "again",
]


@dataclass(frozen=True)
class Noun:
    """A noun with its principal parts; every other form follows from them (`german_forms.noun_form`)."""

    en: str
    en_plural: str
    de: str
    gender: Gender
    de_plural: str | None
    """Nominative plural, or None for a noun that the corpus uses in the singular alone."""
    weak: bool
    """True for the n-declension (der Junge, den Jungen)."""
    tags: frozenset[str]

    @property
    def mass(self) -> bool:
        """True for what is drunk or eaten by amount and then has no article (*drinks water*)."""
        return "mass" in self.tags


@dataclass(frozen=True)
class Adjective:
    """An adjective and the classes of nouns that it can describe."""

    en: str
    de: str
    stem: str
    """What the endings are attached to: *dunkl* for *dunkel*, else the word itself."""
    tags: frozenset[str]


@dataclass(frozen=True)
class Preposition:
    """A preposition in one use: *in* with the dative is another entry than *in* with the accusative."""

    name: str
    en: str
    de: str
    case: Case
    tags: frozenset[str]
    """The classes of nouns that may follow."""


@dataclass(frozen=True)
class Slot:
    """One complement of a verb: an object in a case, or one of several prepositional phrases."""

    role: Literal["acc", "dat", "pp"]
    tags: frozenset[str]
    prepositions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verb:
    """A verb in one use, with English and German principal parts, the classes of its subject and its complements."""

    key: str
    """Unique name of the entry, such as ``eat:fressen``."""
    en: str
    en_particle: str
    """What follows the English verb: *up* in *gets up*, *to* in *listens to*; may be empty."""
    en_participle: str
    de: str
    """Infinitive without a separable prefix."""
    prefix: str
    """Separable prefix or an empty string."""
    de_changed_stem: str
    """Stem of the third person singular: *lies* for *lesen*."""
    de_participle: str
    auxiliary: Literal["haben", "sein"]
    subject: frozenset[str]
    slots: tuple[Slot, ...]
    flags: frozenset[str]

    @property
    def lemma(self) -> str:
        """The German infinitive with its prefix: *aufstehen*."""
        return self.prefix + self.de


@dataclass(frozen=True)
class Modal:
    """A modal verb in the form that translates the English one: *should* is the subjunctive *sollte*; *want to* needs do-support."""

    en: str
    de: str
    de_singular: str
    """First and third person, which are alike."""
    de_plural: str
    negatable: bool


@dataclass(frozen=True)
class Adverb:
    """An adverb or a fixed adverbial (*every day*, *jeden Tag*)."""

    en: str
    de: str
    kind: AdverbKind
    can_front: bool


@dataclass(frozen=True)
class Pronoun:
    """A personal pronoun with its cases on both sides."""

    en: str
    en_object: str
    person: Literal[1, 3]
    number: Numerus
    nom: str
    acc: str
    dat: str
    group: str
    """Pronouns of one group do not stand together in one clause (*I see us*)."""


Determiner = Literal["the", "a", "this", "every", "no", "my", "his", "her", "our", "their", "two", "three", "many", "bare"]
POSSESSIVES: tuple[Determiner, ...] = ("my", "his", "her", "our", "their")
