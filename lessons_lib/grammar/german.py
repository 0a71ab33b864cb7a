"""A sentence structure said in German: case, agreement, verb second, verb last, separable verbs, the place of *nicht*."""

from __future__ import annotations

from lessons_lib.grammar import german_forms as forms
from lessons_lib.grammar.structures import Argument, Clause, Gap, NounPhrase, Phrase, PronounPhrase, Sentence
from lessons_lib.grammar.words import Adverb, Case

BEFORE_MANNER = ("time", "plan", "habit", "season", "night", "frequency", "perfect", "sentence", "again")
OBJECT_PRONOUNS = ("mich", "mir", "uns", "ihn", "ihm", "ihr", "ihnen")
MANNER = ("speed", "volume", "care", "hour")


def say(sentence: Sentence) -> str:
    """The German sentence, capitalised, with its commas and its full stop or question mark."""
    link = sentence.link[1]
    if sentence.kind == "statement":
        words = main_clause(sentence.main)
    elif sentence.kind == "question":
        words = _verb_first(sentence.main)
    elif sentence.kind == "wh":
        words = (f"{link} " if link else _front_word(sentence.main) + " ") + _verb_first(sentence.main)
    elif sentence.kind == "sub_last":
        words = f"{main_clause(sentence.main)}, {link} {verb_last(sentence.second)}"
    elif sentence.kind == "sub_first":
        words = f"{link} {verb_last(sentence.second)}, {_verb_first(sentence.main)}"
    else:
        comma = "," if link == "aber" else ""
        words = f"{main_clause(sentence.main)}{comma} {link} {main_clause(sentence.second)}"
    text = words[0].upper() + words[1:]
    return (text + ("?" if sentence.kind in ("question", "wh") else ".")).replace(",.", ".").replace(",?", "?").replace(",,", ",")


def main_clause(clause: Clause) -> str:
    """Verb second: the subject or what is fronted, the finite verb, the rest."""
    if clause.fronted is None:
        finite, last = _bracket(clause)
        return _join(phrase(clause.subject, "nom"), finite, *_middle(clause), last)
    front = clause.fronted.de if isinstance(clause.fronted, Adverb) else argument(clause.fronted)
    return _join(front, _verb_first(clause))


def _verb_first(clause: Clause) -> str:
    """The finite verb, the subject unless it is a gap, the rest: a yes-no question, or what follows the first place of a sentence."""
    finite, last = _bracket(clause)
    subject = "" if isinstance(clause.subject, Gap) else phrase(clause.subject, "nom")
    first, *rest = _middle(clause)
    # "Heute besucht ihn der Arzt": a pronoun that cannot be the subject goes before a noun that is
    if isinstance(clause.subject, NounPhrase) and first in OBJECT_PRONOUNS:
        return _join(finite, first, subject, *rest, last)
    return _join(finite, subject, first, *rest, last)


def verb_last(clause: Clause) -> str:
    """A subordinate clause behind its conjunction: the finite verb at the end, a separable prefix joined to it (*aufsteht*)."""
    finite, last = _bracket(clause)
    simple = clause.verb is not None and not clause.modal and not clause.perfect
    ending = last + finite if simple else _join(last, finite)
    subject = "" if isinstance(clause.subject, Gap) else phrase(clause.subject, "nom")
    return _join(subject, *_middle(clause), ending)


def _bracket(clause: Clause) -> tuple[str, str]:
    """The finite verb and what closes the clause: a prefix, an infinitive, a participle or nothing."""
    person, number = clause.subject.person, clause.subject.number
    if clause.verb is None:
        return forms.auxiliary("sein", person, number), ""
    if clause.modal:
        return forms.modal(clause.modal, number), clause.verb.lemma
    if clause.perfect:
        return forms.auxiliary(clause.verb.auxiliary, person, number), clause.verb.de_participle
    if clause.verb.de == "haben":
        return forms.auxiliary("haben", person, number), ""
    return forms.present(clause.verb, person, number), clause.verb.prefix


def _middle(clause: Clause) -> list[str]:
    """What stands between subject and closing verb, in order."""
    objects = [item for item in clause.arguments if item.role != "pp" and not isinstance(item.phrase, Gap)]
    pronouns = [item for item in objects if isinstance(item.phrase, PronounPhrase)]
    nouns = [item for item in objects if isinstance(item.phrase, NounPhrase)]
    # behind a recipient the adverb stands before the thing: "bringt ihm oft den Mantel"
    early = 1 if nouns and nouns[0].phrase.definite and not (pronouns and nouns[0].role == "acc") else 0
    early_objects, late_objects = nouns[:early], nouns[early:]
    kein = clause.negated and any(not item.phrase.definite for item in late_objects)
    nicht = ["nicht"] if clause.negated and not kein else []
    before = [item.de for item in clause.adverbs if item.kind in BEFORE_MANNER]
    manner = [item.de for item in clause.adverbs if item.kind in MANNER]
    place = [item.de for item in clause.adverbs if item.kind == "place"]
    is_for = clause.adjunct is not None and clause.adjunct.preposition.en == "for"
    adjunct = [argument(clause.adjunct)] if clause.adjunct else []
    late = [argument(item, kein) for item in late_objects]
    complements = [argument(item) for item in clause.arguments if item.role == "pp" and not isinstance(item.phrase, Gap)]
    words = [argument(item) for item in pronouns + early_objects] + before
    if clause.negated:
        words += [*late, *nicht, *manner, *place, *adjunct]
    elif is_for:
        words += [*manner, *place, *late, *adjunct]
    else:
        words += [*manner, *adjunct, *place, *late]
    return [*words, *complements, clause.predicate.de if clause.predicate else ""]


def argument(item: Argument, kein: bool = False) -> str:
    """An object or a prepositional phrase, with *im*, *zur* and the like where no relative clause follows."""
    text = phrase(item.phrase, item.case, kein)
    if item.preposition is None:
        return text
    first, _, rest = text.partition(" ")
    bare = isinstance(item.phrase, NounPhrase) and item.phrase.determiner == "the" and item.phrase.relative is None
    short = forms.CONTRACTIONS.get((item.preposition.de, first)) if bare else None
    return f"{short} {rest}" if short else f"{item.preposition.de} {text}"


def phrase(item: Phrase, case: Case, kein: bool = False) -> str:
    """A noun phrase or pronoun in a case. `kein` negates an indefinite noun phrase."""
    if isinstance(item, PronounPhrase):
        return {"nom": item.pronoun.nom, "acc": item.pronoun.acc, "dat": item.pronoun.dat}[case]
    if isinstance(item, Gap):
        return _gap_word(item, case)
    determiner = "no" if kein else item.determiner
    gender, number = item.noun.gender, item.number
    adjective = ""
    if item.adjective:
        ending = forms.adjective_ending(determiner, gender, number, case)
        adjective = forms.inflected_adjective(item.adjective.stem, ending)
    text = _join(forms.article(determiner, gender, number, case), adjective, forms.noun_form(item.noun, number, case))
    return text + (f", {relative_clause(item.relative)}," if item.relative else "")


def relative_clause(clause: Clause) -> str:
    """*der das Buch liest*, *den der Hund beißt*, *in dem die Frau wohnt*; without its commas."""
    return _join(_front_word(clause), verb_last(clause))


def _front_word(clause: Clause) -> str:
    gap, filled = clause.gap()
    case: Case = filled.case if filled else "nom"
    word = _gap_word(gap, case)
    return f"{filled.preposition.de} {word}" if filled and filled.preposition else word


def _gap_word(gap: Gap, case: Case) -> str:
    if gap.kind == "relative":
        return forms.relative_pronoun(gap.gender, gap.number, case)
    return {"nom": "wer", "acc": "wen", "dat": "wem"}[case] if gap.human else "was"


def _join(*parts: str) -> str:
    return " ".join(part for part in parts if part)
