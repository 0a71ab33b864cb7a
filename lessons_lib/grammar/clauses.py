"""Random clauses: a verb with what it asks for, then tense, negation and adverbials that go with it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from lessons_lib.grammar import phrases
from lessons_lib.grammar.modifiers import STATES
from lessons_lib.grammar.sampling import Sampler
from lessons_lib.grammar.structures import Argument, Clause, Gap, NounPhrase, Phrase, PronounPhrase
from lessons_lib.grammar.words import Adjective, Noun, Preposition, Slot, Verb

MANNER_FLAGS = {"q": "speed", "l": "volume", "c": "care", "e": "hour"}
OPEN = frozenset({"outside", "nature", "village", "house", "kitchen", "human"})
"""Where animals are; and with whom."""
CLOTHES = frozenset({"cloth"})
WHEN = {"time", "plan", "habit", "season", "night", "frequency", "usual", "perfect"}
INDEFINITE_COUNT = ("two", "three", "many", "every", "no")


@dataclass(frozen=True)
class Style:
    """How much a clause may hold: the shares of each addition, and whether noun phrases stay plain."""

    modal: float = 0.15
    perfect: float = 0.1
    negation: float = 0.13
    adverb: float = 0.36
    adjunct: float = 0.2
    fronted: float = 0.2
    plain: bool = False
    pronoun: float = 0.2


FULL = Style()
ASKED = Style(negation=0, fronted=0)
SHORT = Style(modal=0.1, perfect=0.08, negation=0.08, adverb=0.12, adjunct=0.06, fronted=0, plain=True, pronoun=0.3)
RELATIVE = Style(modal=0.05, perfect=0.06, negation=0.03, adverb=0.08, adjunct=0.1, fronted=0, plain=True, pronoun=0.35)


def verbs(sampler: Sampler) -> tuple[Verb, ...]:
    """The verbs of ordinary clauses: all but those that need a *that* clause."""
    return sampler.ordinary_verbs


def clause(
    sampler: Sampler, style: Style = FULL, verb: Verb | None = None, subject: Phrase | None = None, gap: tuple[Slot, Argument] | None = None
) -> Clause:
    """A clause with a full verb.

    Args:
        sampler: source of chance.
        style: how much to add.
        verb: the verb, or None for any.
        subject: a ready subject; its fitness is the caller's care.
        gap: a complement of `verb` that is already filled, for relative clauses and questions.
    """
    verb = verb or sampler.balanced(verbs(sampler), "lemma")
    subject = subject or _subject(sampler, verb, style)
    arguments = []
    for slot in verb.slots:
        others = [subject, *(item.phrase for item in arguments)]
        arguments.append(gap[1] if gap and gap[0] is slot else _argument(sampler, verb, slot, others, style))
    result = Clause(subject, verb, arguments=tuple(arguments))
    result = _tense(sampler, result, style)
    return _additions(sampler, _negation(sampler, result, style), style)


def predicate_clause(
    sampler: Sampler, style: Style = FULL, subject: Phrase | None = None, among: Collection[str] = (), of_whom: Collection[Noun] = ()
) -> Clause | None:
    """A clause such as *the house is old*; None where nothing can be said of the subject.

    Args:
        sampler: source of chance.
        style: how much to add.
        subject: a ready subject, or None for any.
        among: English adjectives to choose from; empty for all that fit.
        of_whom: nouns to choose the subject from; empty for all.
    """
    if subject is None:
        subject = phrases.noun_phrase(sampler, tuple(of_whom or sampler.lexicon.nouns), "predicated", plain=True)
    fitting = [item for item in _sayable(sampler, subject) if not among or item.en in among]
    if not fitting:
        return None
    said = sampler.balanced(fitting)
    result = Clause(subject, predicate=said)
    if isinstance(subject, NounPhrase) and (subject.determiner in (*INDEFINITE_COUNT, "a") or said.en == "beautiful"):
        return result
    if sampler.chance(style.negation):
        return replace(result, negated=True)
    if said.en in STATES and sampler.chance(style.adverb):
        fitting = [item for item in sampler.lexicon.adverbs if item.kind in ("time", "frequency")]
        return replace(result, adverbs=(sampler.balanced(fitting),))
    return result


def _sayable(sampler: Sampler, subject: Phrase) -> tuple[Adjective, ...]:
    if isinstance(subject, PronounPhrase):
        return tuple(item for item in sampler.lexicon.adjectives if item.tags & {"person", "living"})
    return sampler.adjectives(subject.noun) if isinstance(subject, NounPhrase) else ()


def _subject(sampler: Sampler, verb: Verb, style: Style) -> Phrase:
    if verb.subject & {"person", "living", "adult"} and sampler.chance(style.pronoun):
        chosen = phrases.pronoun(sampler, ())
        if chosen:
            return chosen
    options = sampler.nouns(verb.subject)
    return phrases.noun_phrase(sampler, options, "subject", style.plain)


def _argument(sampler: Sampler, verb: Verb, slot: Slot, others: list[Phrase], style: Style) -> Argument:
    used = {item.noun.en for item in others if isinstance(item, NounPhrase)}
    groups = {item.pronoun.group for item in others if isinstance(item, PronounPhrase)}
    preposition = sampler.lexicon.prepositions[sampler.pick(slot.prepositions)] if slot.role == "pp" else None
    tags = preposition.tags if preposition else slot.tags
    movable = verb.en_particle in ("", "to") or preposition is not None
    if tags & {"person", "living"} and movable and sampler.chance(0.16):
        chosen = phrases.pronoun(sampler, groups)
        if chosen:
            return Argument(slot.role, chosen, preposition)
    options = [noun for noun in sampler.nouns(tags) if noun.en not in used]
    position = "place" if preposition else "second" if slot.role == "acc" and len(verb.slots) > 1 else "object"
    while True:
        chosen_phrase = phrases.noun_phrase(sampler, options, position, style.plain, others[0])
        if not CLOTHES <= slot.tags <= CLOTHES | {"-hat"} or _worn_by(chosen_phrase, others[0]):
            return Argument(slot.role, chosen_phrase, preposition)


def _worn_by(clothes: NounPhrase, wearer: Phrase) -> bool:
    """One person wears one hat, but shoes."""
    return (clothes.number == "pl") == (clothes.noun.en == "shoe" or wearer.number == "pl")


def _tense(sampler: Sampler, made: Clause, style: Style) -> Clause:
    flags = made.verb.flags
    if "st" in flags:
        return made
    if sampler.chance(style.modal) and _can_be_told(made.subject):
        bold = ("can",) if "unwilled" in flags else ("can", "want to")
        free = _is_human(made.subject) and "unwilled" not in flags
        modals = [item for item in sampler.lexicon.modals if free or item.en in bold]
        return replace(made, modal=sampler.balanced(modals))
    return replace(made, perfect=True) if sampler.chance(style.perfect) else made


def _can_be_told(subject: Phrase) -> bool:
    return not isinstance(subject, NounPhrase) or "living" in subject.noun.tags


def _is_human(subject: Phrase) -> bool:
    return subject.human if isinstance(subject, Gap) else not isinstance(subject, NounPhrase) or "human" in subject.noun.tags


def _negation(sampler: Sampler, made: Clause, style: Style) -> Clause:
    if not sampler.chance(style.negation) or (made.modal and not made.modal.negatable):
        return made
    if isinstance(made.subject, NounPhrase) and made.subject.determiner in INDEFINITE_COUNT + ("a", "bare"):
        return made
    return replace(made, negated=True) if all(_negatable(item) for item in made.arguments) else made


def _negatable(item: Argument) -> bool:
    """*Nicht* stands behind definite objects and before prepositions; *kein* takes the place of *ein* in the accusative."""
    if not isinstance(item.phrase, NounPhrase):
        return True
    if item.phrase.determiner in INDEFINITE_COUNT:
        return False
    return item.phrase.definite or item.role == "acc"


def _allowed_kinds(made: Clause) -> set[str]:
    flags = made.verb.flags
    if "st" in flags:
        return set()
    if isinstance(made.subject, NounPhrase) and "living" not in made.subject.noun.tags and "depart" not in made.subject.noun.tags:
        return {"time", "perfect"} if made.perfect else {"time"}
    kinds = {"time"} | {kind for flag, kind in MANNER_FLAGS.items() if flag in flags}
    if made.modal:
        kinds |= {"plan"}
    if made.negated:
        return kinds - ({"speed", "volume", "care", "hour"} if _says_kein(made) else {"speed"})
    kinds |= {"again"}
    if made.perfect:
        kinds |= {"perfect"}
    elif not made.modal and "once" not in flags:
        kinds |= {"habit"} | {kind for flag, kind in (("y", "season"), ("n", "night")) if flag in flags}
        if not _quantified(made.subject):
            kinds |= {"frequency", "usual"}
    if "loc" in flags:
        kinds |= {"place"}
    return kinds


def _quantified(subject: Phrase) -> bool:
    return isinstance(subject, NounPhrase) and subject.determiner in ("no", "every")


def _says_kein(made: Clause) -> bool:
    return any(isinstance(item.phrase, NounPhrase) and not item.phrase.definite for item in made.arguments if item.role == "acc")


def _additions(sampler: Sampler, made: Clause, style: Style) -> Clause:
    kinds = _allowed_kinds(made)
    if sampler.chance(style.adjunct):
        adjunct = _adjunct(sampler, made)
        if adjunct:
            made, kinds = replace(made, adjunct=adjunct), kinds - {"place"}
    fitting = [item for item in sampler.lexicon.adverbs if item.kind in kinds and item.kind != "usual"]
    if fitting and sampler.chance(style.adverb):
        made = replace(made, adverbs=(sampler.balanced(fitting),))
    if sampler.chance(style.fronted):
        made = _front(sampler, made)
    return made


def _front(sampler: Sampler, made: Clause) -> Clause:
    """Put a place, a time or *perhaps* first; two times in one clause would be too many."""
    if made.adjunct and made.adjunct.preposition.name.endswith("_place") and not made.negated and sampler.chance(0.7):
        return replace(made, fronted=made.adjunct, adjunct=None)
    kinds = (_allowed_kinds(made) | {"sentence"}) - {"place", "again"}
    if any(item.kind in WHEN for item in made.adverbs):
        kinds -= WHEN
    if _quantified(made.subject) or made.negated:
        kinds -= {"sentence", "frequency", "usual"}
    if any(item.kind == "frequency" for item in made.adverbs):
        kinds -= {"sentence"}
    fitting = [item for item in sampler.lexicon.adverbs if item.can_front and item.kind in kinds]
    return replace(made, fronted=sampler.balanced(fitting)) if fitting else made


def _adjunct(sampler: Sampler, made: Clause) -> Argument | None:
    """A place, company, somebody it is done for, or a tool, as the verb's flags allow."""
    flags = made.verb.flags
    names = []
    if "loc" in flags and not made.negated:
        names += ["in_place", "in_place", "on_place", "at_place"]
    if "with" in flags:
        names += ["with_person", "with_person"] + ([] if made.negated else ["without_person"])
    names += [
        name for flag, name in (("for", "for_person"), ("knife", "with_knife"), ("pen", "with_pen")) if flag in flags and not made.negated
    ]
    if not names:
        return None
    preposition: Preposition = sampler.lexicon.prepositions[sampler.pick(names)]
    used = {item.noun.en for kind, item in made.phrases() if isinstance(item, NounPhrase)}
    groups = {item.pronoun.group for kind, item in made.phrases() if isinstance(item, PronounPhrase)}
    if "person" in preposition.tags and sampler.chance(0.2):
        chosen = phrases.pronoun(sampler, groups)
        if chosen:
            return Argument("pp", chosen, preposition)
    options = [noun for noun in sampler.nouns(preposition.tags) if noun.en not in used and (_is_human(made.subject) or noun.tags & OPEN)]
    if not options:
        return None
    chosen_phrase = phrases.noun_phrase(sampler, options, "place", True)
    if made.negated and not chosen_phrase.definite:
        return None
    return Argument("pp", chosen_phrase, preposition)
