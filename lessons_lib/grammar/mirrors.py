"""Sentences and their mirrors: *the dog bites the man*, *the man bites the dog*. In German the cases follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lessons_lib.grammar import german, phrases
from lessons_lib.grammar.lexicon import fits
from lessons_lib.grammar.sampling import Sampler
from lessons_lib.grammar.structures import Argument, Clause, NounPhrase, Sentence
from lessons_lib.grammar.words import Noun, Slot, Verb

BITTEN = frozenset({"man", "woman", "child", "girl", "boy", "farmer", "police_officer", "waiter"})
"""Who bites back, in this split alone."""
SHAPES = (("statement", 0.7), ("question", 0.15), ("today", 0.15))


def mirrored_pairs(sampler: Sampler, count: int, allowed: Callable[[Sentence], bool]) -> list[tuple[Sentence, Sentence]]:
    """Sentences with their mirrors, the first about the dog and the man; all English sides differ.

    Args:
        sampler: source of chance.
        count: how many pairs.
        allowed: says whether a sentence may be used.
    """
    made = [_dog_and_man(sampler)]
    said = {german.say(item) for item in made[0]}
    while len(made) < count:
        pair = _draw(sampler)
        if pair is None or not (allowed(pair[0]) and allowed(pair[1])):
            continue
        texts = {german.say(item) for item in pair}
        if len(texts) == 2 and not texts & said:
            said |= texts
            made.append(pair)
    return made


def mirror(sentence: Sentence) -> Sentence:
    """Subject and object exchanged."""
    clause = sentence.main
    argument = clause.arguments[0]
    return replace(sentence, main=replace(clause, subject=argument.phrase, arguments=(replace(argument, phrase=clause.subject),)))


def _dog_and_man(sampler: Sampler) -> tuple[Sentence, Sentence]:
    nouns = {noun.en: noun for noun in sampler.lexicon.nouns}
    bite = next(verb for verb in sampler.lexicon.verbs if verb.en == "bite")
    first = Sentence(
        "statement", Clause(NounPhrase(nouns["dog"], "the"), bite, arguments=(Argument("acc", NounPhrase(nouns["man"], "the")),))
    )
    return first, mirror(first)


def _draw(sampler: Sampler) -> tuple[Sentence, Sentence] | None:
    able = [verb for verb in sampler.lexicon.verbs if len(verb.slots) == 1 and verb.slots[0].role != "pp" and len(_both(sampler, verb)) > 1]
    verb = sampler.pick(able)
    slot = verb.slots[0]
    doers = sampler.nouns(verb.subject) if verb.en == "bite" else _both(sampler, verb)
    others = sampler.nouns(BITTEN) if verb.en == "bite" else _both(sampler, verb)
    subject = phrases.noun_phrase(sampler, doers, "subject")
    other = phrases.noun_phrase(sampler, [noun for noun in others if noun is not subject.noun], "object")
    if not _shows_case(subject, slot) and not _shows_case(other, slot):
        return None
    if {subject.determiner, other.determiner} & {"no", "every", "bare"}:
        return None
    first = _shaped(sampler, Clause(subject, verb, arguments=(Argument(slot.role, other),)))
    return first, mirror(first)


def _both(sampler: Sampler, verb: Verb) -> list[Noun]:
    """The nouns that can do it and undergo it."""
    return [noun for noun in sampler.nouns(verb.subject) if "living" in noun.tags and fits(noun.tags, verb.slots[0].tags)]


def _shows_case(phrase: NounPhrase, slot: Slot) -> bool:
    """True where the German nominative differs from the case of the object."""
    return german.phrase(phrase, "nom") != german.phrase(phrase, slot.role)  # type: ignore[arg-type]


def _shaped(sampler: Sampler, clause: Clause) -> Sentence:
    shape = sampler.weighted(SHAPES)
    if shape == "today" and "st" not in clause.verb.flags:
        today = next(item for item in sampler.lexicon.adverbs if item.en == "today")
        return Sentence("statement", replace(clause, fronted=today))
    return Sentence("question" if shape == "question" else "statement", clause)
