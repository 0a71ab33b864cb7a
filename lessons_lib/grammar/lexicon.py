"""Reads the tables of words into one frozen `Lexicon` and refuses a table that contradicts itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from lessons_lib.grammar import modifiers, nouns, verbs
from lessons_lib.grammar.english_forms import regular_participle, regular_plural
from lessons_lib.grammar.german_forms import regular_participle as german_participle
from lessons_lib.grammar.german_forms import verb_stem
from lessons_lib.grammar.words import Adjective, Adverb, Modal, Noun, Preposition, Pronoun, Slot, Verb


@dataclass(frozen=True)
class Lexicon:
    """All words of the corpus, each list in the order of its table."""

    nouns: tuple[Noun, ...]
    verbs: tuple[Verb, ...]
    adjectives: tuple[Adjective, ...]
    adverbs: tuple[Adverb, ...]
    prepositions: dict[str, Preposition]
    modals: tuple[Modal, ...]
    pronouns: tuple[Pronoun, ...]

    def lemmas(self) -> frozenset[str]:
        """German lemmas of the open classes: nouns, verbs with their prefix (modal verbs and *sein* too), adjectives, adverbs."""
        words = {noun.de for noun in self.nouns} | {verb.lemma for verb in self.verbs} | {modal.de for modal in self.modals}
        return frozenset(words | {"sein"} | {adjective.de for adjective in self.adjectives} | {adverb.de for adverb in self.adverbs})


@cache
def fits(tags: frozenset[str], wanted: frozenset[str]) -> bool:
    """True if a word with `tags` belongs to one of the `wanted` classes and to none that `wanted` excludes with a minus sign."""
    if any("-" + tag in wanted for tag in tags):
        return False
    return any(tag in wanted for tag in tags)


def _rows(table: str, columns: int) -> list[list[str]]:
    rows = []
    for line in table.strip().splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) != columns:
            raise ValueError(f"a row of the lexicon has {len(cells)} columns, not {columns}: {line!r}; add or remove a '|'")
        rows.append(cells)
    return rows


def _noun(cells: list[str], shared: str) -> Noun:
    english, german, tags = cells
    singular, _, plural = english.partition("/")
    lemma, gender, german_plural, *rest = german.split()
    if gender not in ("m", "f", "n"):
        raise ValueError(f"gender of {lemma!r} is {gender!r}; allowed are m, f, n")
    own_tag = singular.replace(" ", "_")
    return Noun(
        en=singular,
        en_plural=plural or regular_plural(singular),
        de=lemma,
        gender=gender,
        de_plural=None if german_plural == "-" else german_plural,
        weak="weak" in rest,
        tags=frozenset(f"{shared} {tags} {own_tag}".split()),
    )


def _slots(text: str) -> tuple[Slot, ...]:
    slots = []
    for part in (piece.strip() for piece in text.split(";")):
        if not part:
            continue
        role, *names = part.split()
        if role == "pp":
            slots.append(Slot("pp", frozenset(), tuple(names)))
        elif role in ("acc", "dat"):
            slots.append(Slot(role, frozenset(names)))
        else:
            raise ValueError(f"complement {part!r} begins with {role!r}; allowed are acc, dat, pp")
    return tuple(slots)


def _verb(cells: list[str]) -> Verb:
    english, german, subject, slots, flags = cells
    phrase, _, participle = english.partition("=")
    base, _, particle = phrase.partition(" ")
    infinitive, *parts = german.split()
    prefix, slash, stem_verb = infinitive.rpartition("/")
    changed = next((part[:-1] for part in parts if part.endswith("-")), verb_stem(stem_verb))
    strong = next((part for part in parts if not part.endswith("-") and part != "s"), None)
    return Verb(
        key=f"{phrase}:{prefix}{stem_verb}:{slots}",
        en=base,
        en_particle=particle,
        en_participle=(participle.split()[0] if participle else regular_participle(base)),
        de=stem_verb,
        prefix=prefix,
        de_changed_stem=changed,
        de_participle=strong or german_participle(stem_verb, prefix),
        auxiliary="sein" if "s" in parts else "haben",
        subject=frozenset(subject.split()),
        slots=_slots(slots),
        flags=frozenset(flags.split()),
    )


def _adjective(cells: list[str]) -> Adjective:
    english, german, tags = cells
    lemma, *stem = german.split()
    return Adjective(english, lemma, stem[0] if stem else lemma, frozenset(tags.split()))


def _adverb(cells: list[str]) -> Adverb:
    english, german, kind = cells
    name, *front = kind.split()
    return Adverb(english, german, name, "front" in front)  # type: ignore[arg-type]


def _preposition(cells: list[str]) -> Preposition:
    name, english, german, case, tags = cells
    return Preposition(name, english, german, case, frozenset(tags.split()))  # type: ignore[arg-type]


def _check(lexicon: Lexicon) -> None:
    known = {tag for noun in lexicon.nouns for tag in noun.tags}
    wanted: list[tuple[str, frozenset[str]]] = [(verb.key, verb.subject) for verb in lexicon.verbs]
    wanted += [(verb.key, slot.tags) for verb in lexicon.verbs for slot in verb.slots]
    wanted += [(adjective.en, adjective.tags) for adjective in lexicon.adjectives]
    wanted += [(preposition.name, preposition.tags) for preposition in lexicon.prepositions.values()]
    for word, tags in wanted:
        unknown = sorted({tag.lstrip("-") for tag in tags} - known)
        if unknown:
            raise ValueError(f"{word!r} asks for classes that no noun has: {unknown}; correct the spelling or give a noun the class")
    for verb in lexicon.verbs:
        for slot in verb.slots:
            missing = [name for name in slot.prepositions if name not in lexicon.prepositions]
            if missing:
                raise ValueError(f"{verb.key!r} names prepositions that the table lacks: {missing}")


@cache
def load_lexicon() -> Lexicon:
    """The lexicon, read once. Raises ValueError for a row that cannot be read or names a class that does not exist."""
    lexicon = Lexicon(
        nouns=tuple(_noun(cells, shared) for shared, table in nouns.GROUPS for cells in _rows(table, 3)),
        verbs=tuple(_verb(cells) for table in verbs.TABLES for cells in _rows(table, 5)),
        adjectives=tuple(_adjective(cells) for cells in _rows(modifiers.ADJECTIVES, 3)),
        adverbs=tuple(_adverb(cells) for cells in _rows(modifiers.ADVERBS, 3)),
        prepositions={cells[0]: _preposition(cells) for cells in _rows(modifiers.PREPOSITIONS, 5)},
        modals=modifiers.MODALS,
        pronouns=modifiers.PRONOUNS,
    )
    _check(lexicon)
    return lexicon
