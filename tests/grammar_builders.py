"""Sentence structures from a few words, for the tests: `np("the old man")`, `cl("the dog", BITE, ("acc", "the man"))`."""

from __future__ import annotations

from dataclasses import replace

from lessons_lib.grammar.lexicon import load_lexicon
from lessons_lib.grammar.structures import Argument, Clause, Gap, NounPhrase, Phrase, PronounPhrase, Sentence
from lessons_lib.grammar.words import Adverb, Verb

LEXICON = load_lexicon()
NOUNS = {noun.en: noun for noun in LEXICON.nouns} | {noun.en_plural: noun for noun in LEXICON.nouns if noun.de_plural}
ADJECTIVES = {adjective.en: adjective for adjective in LEXICON.adjectives}
ADVERBS = {adverb.en: adverb for adverb in LEXICON.adverbs}
MODALS = {modal.en: modal for modal in LEXICON.modals}
PRONOUNS = {pronoun.en: pronoun for pronoun in LEXICON.pronouns}


def np(text: str, relative: Clause | None = None) -> NounPhrase:
    """`the old man` → a noun phrase; a bare one begins with `-`."""
    determiner, *adjective, noun = text.replace("police officer", "police_officer").split()
    name = noun.replace("_", " ")
    number = "pl" if NOUNS[name].en != name else "sg"
    determiner = {"-": "bare", "an": "a", "these": "this"}.get(determiner, determiner)
    return NounPhrase(NOUNS[name], determiner, number, ADJECTIVES[adjective[0]] if adjective else None, relative)  # type: ignore[arg-type]


def ph(text: str) -> Phrase:
    return PronounPhrase(PRONOUNS[text]) if text in PRONOUNS else np(text)


def verb(english_verb: str, lemma: str) -> Verb:
    return next(item for item in LEXICON.verbs if item.lemma == lemma and f"{item.en} {item.en_particle}".strip() == english_verb)


def arg(role: str, phrase: str | Phrase) -> Argument:
    """`acc`, `dat` or the name of a preposition, and what stands there."""
    item = ph(phrase) if isinstance(phrase, str) else phrase
    return Argument(role, item) if role in ("acc", "dat") else Argument("pp", item, LEXICON.prepositions[role])  # type: ignore[arg-type]


def cl(subject: str | Phrase, verb_: tuple[str, str], *arguments: tuple[str, str | Phrase], modal: str = "", **more: object) -> Clause:
    item = ph(subject) if isinstance(subject, str) else subject
    made = Clause(item, verb(*verb_), arguments=tuple(arg(*pair) for pair in arguments), modal=MODALS.get(modal))
    return replace(made, **more)  # type: ignore[arg-type]


def is_(subject: str | Phrase, adjective: str, **more: object) -> Clause:
    return Clause(ph(subject) if isinstance(subject, str) else subject, predicate=ADJECTIVES[adjective], **more)  # type: ignore[arg-type]


def adv(*names: str) -> tuple[Adverb, ...]:
    return tuple(ADVERBS[name] for name in names)


def st(clause: Clause) -> Sentence:
    return Sentence("statement", clause)


def gap(noun: str, kind: str = "relative") -> Gap:
    found = NOUNS[noun]
    return Gap(kind, "human" in found.tags, found.gender, "pl" if found.en != noun else "sg")  # type: ignore[arg-type]


READ, SEE, BITE, HELP = ("read", "lesen"), ("see", "sehen"), ("bite", "beißen"), ("help", "helfen")
THANK = ("thank", "danken")
LISTEN_TO = ("listen to", "zuhören")
DRINK = ("drink", "trinken")
BUY = ("buy", "kaufen")
KNOW, KNOW_THAT = ("know", "kennen"), ("know", "wissen")
CLIMB = ("climb", "klettern")
SIT = ("sit", "sitzen")
VISIT = ("visit", "besuchen")
WRITE = ("write", "schreiben")
GET_UP = ("get up", "aufstehen")
SMILE = ("smile", "lächeln")
PUT_ON = ("put on", "anziehen")
TURN_OFF = ("turn off", "ausschalten")
READ_TO = ("read", "vorlesen")
EAT = ("eat", "essen")
WAIT_FOR = ("wait for", "warten")
SWIM = ("swim", "schwimmen")
BARK = ("bark", "bellen")
WORK = ("work", "arbeiten")
FLY = ("fly", "fliegen")
REPAIR = ("repair", "reparieren")
SLEEP = ("sleep", "schlafen")
SING = ("sing", "singen")
CRY = ("cry", "weinen")
SELL = ("sell", "verkaufen")
LIVE = ("live", "wohnen")
GO = ("go", "gehen")
GIVE = ("give", "geben")
LAY = ("put", "legen")
PUT = ("put", "stellen")
LIE = ("lie", "liegen")
RIDE = ("ride", "fahren")
EAT_ANIMAL = ("eat", "fressen")
COME_BACK = ("come back", "zurückkommen")
DANCE = ("dance", "tanzen")
FOLLOW = ("follow", "folgen")
