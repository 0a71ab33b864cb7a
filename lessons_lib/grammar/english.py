"""A sentence structure said in English: do-support, third person, the place of adverbs, *who*, *whom* and *that*."""

from __future__ import annotations

from lessons_lib.grammar import english_forms as forms
from lessons_lib.grammar.structures import Argument, Clause, Gap, Phrase, PronounPhrase, Sentence
from lessons_lib.grammar.words import Adverb

BEFORE_VERB = ("frequency", "perfect")
END_ORDER = ("speed", "volume", "care", "hour", "place", "again", "time", "plan", "habit", "season", "night")
ARTICLES = {"the": "the", "no": "no", "every": "every", "two": "two", "three": "three", "many": "many", "bare": ""}


def say(sentence: Sentence) -> str:
    """The English sentence, capitalised, with its full stop or question mark."""
    link = sentence.link[0]
    if sentence.kind == "statement":
        words = statement(sentence.main)
    elif sentence.kind == "question":
        words = question(sentence.main)
    elif sentence.kind == "wh":
        words = _wh_question(sentence.main, link)
    elif sentence.kind == "sub_last":
        words = f"{statement(sentence.main)} {link} {statement(sentence.second)}"
    elif sentence.kind == "sub_first":
        words = f"{link} {statement(sentence.second)}, {statement(sentence.main)}"
    else:
        comma = "," if link == "but" else ""
        words = f"{statement(sentence.main)}{comma} {link} {statement(sentence.second)}"
    return words[0].upper() + words[1:] + ("?" if sentence.kind in ("question", "wh") else ".")


def statement(clause: Clause) -> str:
    """Subject, verb, rest; what is fronted comes before the subject."""
    front = ""
    if clause.fronted is not None:
        front = clause.fronted.en if isinstance(clause.fronted, Adverb) else argument(clause.fronted)
    subject = "" if isinstance(clause.subject, Gap) else phrase(clause.subject, True)
    helper, main = _verbs(clause, helped=clause.negated)
    negation = "not" if clause.negated else ""
    if helper == "can" and negation:
        helper, negation = "cannot", ""
    return _join(front, subject, helper, negation, _before_verb(clause), main, *_after_verb(clause))


def question(clause: Clause) -> str:
    """Helping verb, subject, verb, rest."""
    helper, main = _verbs(clause, helped=True)
    subject = phrase(clause.subject, True)
    return _join(helper, subject, _before_verb(clause), main, *_after_verb(clause))


def _wh_question(clause: Clause, link: str) -> str:
    if link:
        return f"{link} {question(clause)}"
    gap, filled = clause.gap()
    word = "who" if gap.human else "what"
    return f"{word} {question(clause)}" if filled else f"{word} {statement(clause)}"


def _verbs(clause: Clause, helped: bool) -> tuple[str, str]:
    """The helping verb and the rest of the verb; `helped` asks for *do* where nothing else helps."""
    third = clause.subject.person == 3 and clause.subject.number == "sg"
    if clause.verb is None:
        plural = clause.subject.number == "pl"
        return ("is" if third else "are" if plural else "am"), ""
    if clause.perfect:
        return ("has" if third else "have"), clause.verb.en_participle
    base = clause.verb.en
    if clause.modal and clause.modal.en != "want to":
        return clause.modal.en, base
    first, rest = (("want", "to " + base)) if clause.modal else (base, "")
    if helped:
        return ("does" if third else "do"), _join(first, rest)
    return "", _join(forms.third_person(first) if third else first, rest)


def _before_verb(clause: Clause) -> str:
    return _join(*(item.en for item in clause.adverbs if item.kind in BEFORE_VERB))


def _after_verb(clause: Clause) -> list[str]:
    """Particle, objects, prepositional phrases, then manner, place and time."""
    words = [clause.verb.en_particle if clause.verb else "", clause.predicate.en if clause.predicate else ""]
    words += [argument(item) for item in clause.arguments if not isinstance(item.phrase, Gap)]
    adverbs = sorted((item for item in clause.adverbs if item.kind in END_ORDER), key=lambda item: END_ORDER.index(item.kind))
    manner = [item.en for item in adverbs if item.kind in ("speed", "volume", "care", "hour")]
    last = clause.gap()
    # the recipient who is asked for leaves its preposition behind: *Who does she give the book to?*
    stranded = "to" if last and last[0].kind == "question" and last[1] and _recipient(clause, last[1]) else ""
    later = [item.en for item in adverbs if item.kind not in ("speed", "volume", "care", "hour")]
    return [*words, stranded, *manner, argument(clause.adjunct) if clause.adjunct else "", *later]


def argument(item: Argument) -> str:
    """An object, or a preposition with its noun phrase."""
    return _join(item.preposition.en if item.preposition else "", phrase(item.phrase, False))


def phrase(item: Phrase, subject: bool) -> str:
    """A noun phrase, or a pronoun as subject or object."""
    if isinstance(item, PronounPhrase):
        return item.pronoun.en if subject else item.pronoun.en_object
    if isinstance(item, Gap):
        raise ValueError("a gap is said at the front of its clause, not in its place; leave it out")
    noun = item.noun.en if item.number == "sg" else item.noun.en_plural
    adjective = item.adjective.en if item.adjective else ""
    if item.determiner == "a":
        determiner = forms.indefinite_article(adjective or noun)
    elif item.determiner == "this":
        determiner = "this" if item.number == "sg" else "these"
    else:
        determiner = ARTICLES.get(item.determiner, item.determiner)
    return _join(determiner, adjective, noun, relative_clause(item.relative) if item.relative else "")


def relative_clause(clause: Clause) -> str:
    """*who reads the book*, *whom the dog bites*, *that the man sees*, *in which the woman lives*."""
    gap, filled = clause.gap()
    if filled is None:
        word = "who" if gap.human else "that"
    elif filled.preposition and filled.preposition.en:
        word = f"{filled.preposition.en} {'whom' if gap.human else 'which'}"
    elif _recipient(clause, filled):
        word = "to whom"
    else:
        word = "whom" if gap.human else "that"
    return f"{word} {statement(clause)}"


def _recipient(clause: Clause, item: Argument) -> bool:
    """True for whom something is given to: the dative beside an accusative."""
    return item.role == "dat" and any(other.role == "acc" for other in clause.arguments)


def _join(*parts: str) -> str:
    return " ".join(part for part in parts if part)
