"""Random relative clauses, and sentences that hold one."""

from __future__ import annotations

from dataclasses import replace

from lessons_lib.grammar.clauses import RELATIVE, Style, clause, predicate_clause, verbs
from lessons_lib.grammar.lexicon import fits
from lessons_lib.grammar.sampling import Sampler
from lessons_lib.grammar.structures import Argument, Clause, Gap, NounPhrase, Sentence
from lessons_lib.grammar.words import POSSESSIVES, Noun, Numerus, Slot


def relative_clause(sampler: Sampler, noun: Noun, number: Numerus) -> Clause | None:
    """A relative clause about a noun, its gap being subject, object or the noun of a preposition."""
    gap = Gap("relative", "human" in noun.tags, noun.gender, number)
    role = sampler.weighted((("subject", 0.45), ("acc", 0.26), ("dat", 0.14), ("pp", 0.15)))
    if role == "subject":
        able = [verb for verb in verbs(sampler) if fits(noun.tags, verb.subject)]
        return clause(sampler, RELATIVE, sampler.balanced(able, "lemma"), gap) if able else None
    able_slots = [
        (verb, slot, name) for verb in verbs(sampler) for slot in verb.slots if slot.role == role for name in _names(sampler, slot, noun)
    ]
    if not able_slots:
        return None
    verb, slot, name = sampler.pick(able_slots)
    filled = Argument(slot.role, gap, sampler.lexicon.prepositions[name] if name else None)
    return _other_subject(clause(sampler, RELATIVE, verb, gap=(slot, filled)), noun)


def _names(sampler: Sampler, slot: Slot, noun: Noun) -> list[str]:
    """The prepositions under which a noun fills a slot; one empty name for an object without preposition."""
    if slot.role != "pp":
        return [""] if fits(noun.tags, slot.tags) else []
    return [name for name in slot.prepositions if fits(noun.tags, sampler.lexicon.prepositions[name].tags)]


def _other_subject(made: Clause, noun: Noun) -> Clause | None:
    if made.negated or (isinstance(made.subject, NounPhrase) and (made.subject.noun is noun or made.subject.determiner in ("no", "every"))):
        return None
    return made


def with_relative(sampler: Sampler) -> Sentence | None:
    """A relative clause at the subject, or at an object that ends its clause."""
    light = Style(modal=0.1, perfect=0.08, negation=0.05, adverb=0.05, adjunct=0.0, fronted=0.0, plain=True, pronoun=0.5)
    at_subject = sampler.chance(0.5)
    if at_subject:
        light = replace(light, pronoun=0.0)
        made = predicate_clause(sampler, light) if sampler.chance(0.35) else clause(sampler, light)
        return relative_at_subject(sampler, made) if made else None
    made = clause(sampler, replace(light, modal=0.0, perfect=0.0, negation=0.0, adverb=0.0))
    if made.verb.prefix or not made.arguments or not isinstance(made.arguments[-1].phrase, NounPhrase):
        return None
    last = made.arguments[-1]
    if last.phrase.determiner == "bare" or last.phrase.noun.mass or last.phrase.determiner in (*POSSESSIVES, "this"):
        return None
    relative = relative_clause(sampler, last.phrase.noun, last.phrase.number)
    if relative is None:
        return None
    filled = replace(last, phrase=replace(last.phrase, relative=relative))
    return Sentence("statement", replace(made, arguments=(*made.arguments[:-1], filled)))


def relative_at_subject(sampler: Sampler, made: Clause) -> Sentence | None:
    """The clause with a relative clause at its subject, or None where its determiner does not bear one."""
    subject = made.subject
    if not isinstance(subject, NounPhrase) or subject.determiner not in ("the", "every", "two", "three", "many", "a"):
        return None
    relative = relative_clause(sampler, subject.noun, subject.number)
    return Sentence("statement", replace(made, subject=replace(subject, relative=relative))) if relative else None
