"""Sentences as structures that belong to neither language: noun phrases, clauses, sentences, and what they are made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from lessons_lib.grammar.words import Adjective, Adverb, Case, Determiner, Gender, Modal, Noun, Numerus, Preposition, Pronoun, Verb

DEFINITE: tuple[Determiner, ...] = ("the", "this", "every", "my", "his", "her", "our", "their")
Combination = tuple[str, str, str]
"""Kind (`object`, `subject`, `adjective`), the English word that governs, the English noun."""


@dataclass(frozen=True)
class NounPhrase:
    """A noun with its determiner, perhaps an adjective, perhaps a relative clause."""

    noun: Noun
    determiner: Determiner
    number: Numerus = "sg"
    adjective: Adjective | None = None
    relative: Clause | None = None

    @property
    def person(self) -> int:
        """Grammatical person: always the third."""
        return 3

    @property
    def definite(self) -> bool:
        """True for *the*, *this*, *every* and possessives: in German such objects stand before an adverb."""
        return self.determiner in DEFINITE


@dataclass(frozen=True)
class PronounPhrase:
    """A personal pronoun."""

    pronoun: Pronoun

    @property
    def person(self) -> int:
        """First or third person."""
        return self.pronoun.person

    @property
    def number(self) -> Numerus:
        """Singular or plural."""
        return self.pronoun.number


@dataclass(frozen=True)
class Gap:
    """The place of a relative pronoun or a question word, which both languages move to the front of the clause."""

    kind: Literal["relative", "question"]
    human: bool
    gender: Gender = "m"
    number: Numerus = "sg"

    @property
    def person(self) -> int:
        """Grammatical person: always the third."""
        return 3


Phrase = NounPhrase | PronounPhrase | Gap


@dataclass(frozen=True)
class Argument:
    """A phrase and its part in the clause: an object in a case, or the noun phrase of a preposition."""

    role: Literal["acc", "dat", "pp"]
    phrase: Phrase
    preposition: Preposition | None = None

    @property
    def case(self) -> Case:
        """The German case."""
        return self.preposition.case if self.preposition else self.role  # type: ignore[return-value]


@dataclass(frozen=True)
class Clause:
    """One clause. `predicate` (*is old*) stands instead of `verb`; `fronted` is said first and is no part of `adverbs` or `adjunct`."""

    subject: Phrase
    verb: Verb | None = None
    predicate: Adjective | None = None
    arguments: tuple[Argument, ...] = ()
    adjunct: Argument | None = None
    adverbs: tuple[Adverb, ...] = ()
    fronted: Adverb | Argument | None = None
    negated: bool = False
    modal: Modal | None = None
    perfect: bool = False

    def phrases(self) -> Iterator[tuple[str, Phrase]]:
        """Each phrase with the kind of its combination with the verb: `subject`, `object` or `place`."""
        yield "subject", self.subject
        for argument in self.arguments:
            yield "object", argument.phrase
        for extra in (self.adjunct, self.fronted):
            if isinstance(extra, Argument):
                yield "place", extra.phrase

    def gap(self) -> tuple[Gap, Argument | None] | None:
        """The gap of a relative clause or question, with the argument that it fills (None: the subject)."""
        if isinstance(self.subject, Gap):
            return self.subject, None
        for argument in self.arguments:
            if isinstance(argument.phrase, Gap):
                return argument.phrase, argument
        return None


@dataclass(frozen=True)
class Sentence:
    """One or two clauses. `link` is the conjunction (or question word) in English and German."""

    kind: Literal["statement", "question", "wh", "sub_last", "sub_first", "coordinate"]
    main: Clause
    second: Clause | None = None
    link: tuple[str, str] = ("", "")

    def clauses(self) -> Iterator[tuple[Clause, Noun | None]]:
        """All clauses, also relative ones; with a relative clause comes the noun that its gap stands for."""
        for clause in (self.main, self.second):
            if clause is not None:
                yield from _nested(clause, None)

    def combinations(self) -> frozenset[Combination]:
        """Which noun stands with which verb and adjective: what the split `unseen` holds back."""
        found: set[Combination] = set()
        for clause, antecedent in self.clauses():
            for kind, phrase in clause.phrases():
                noun = phrase.noun if isinstance(phrase, NounPhrase) else antecedent if isinstance(phrase, Gap) else None
                if noun and clause.verb and kind != "place":
                    found.add((kind, clause.verb.en + " " + clause.verb.lemma, noun.en))
                if noun and clause.predicate and kind == "subject":
                    found.add(("adjective", clause.predicate.en, noun.en))
                if isinstance(phrase, NounPhrase) and phrase.adjective:
                    found.add(("adjective", phrase.adjective.en, phrase.noun.en))
        return frozenset(found)

    def lemmas(self) -> list[str]:
        """German lemmas of the open classes, one for each time they are used."""
        found: list[str] = []
        for clause, _ in self.clauses():
            found.append(clause.verb.lemma if clause.verb else "sein")
            found += [word.de for word in (clause.modal, clause.predicate, *clause.adverbs) if word]
            if isinstance(clause.fronted, Adverb):
                found.append(clause.fronted.de)
            for _, phrase in clause.phrases():
                if isinstance(phrase, NounPhrase):
                    found.append(phrase.noun.de)
                    found += [phrase.adjective.de] if phrase.adjective else []
        return found


def _nested(clause: Clause, antecedent: Noun | None) -> Iterator[tuple[Clause, Noun | None]]:
    yield clause, antecedent
    for _, phrase in clause.phrases():
        if isinstance(phrase, NounPhrase) and phrase.relative:
            yield from _nested(phrase.relative, phrase.noun)
