"""Random sentences: statements, questions, subordinate and relative clauses, coordination."""

from __future__ import annotations

from dataclasses import replace

from lessons_lib.grammar import phrases
from lessons_lib.grammar.clauses import ASKED, SHORT, clause, predicate_clause, verbs
from lessons_lib.grammar.lexicon import fits
from lessons_lib.grammar.modifiers import COLORS, CONJUNCTIONS, HARDSHIPS, IT, MOTIVES
from lessons_lib.grammar.relatives import relative_at_subject, with_relative
from lessons_lib.grammar.sampling import Sampler
from lessons_lib.grammar.structures import Argument, Clause, Gap, NounPhrase, Phrase, PronounPhrase, Sentence
from lessons_lib.grammar.words import Noun, Verb

PATTERNS: tuple[tuple[str, float], ...] = (
    ("statement", 0.42),
    ("predicate", 0.09),
    ("question", 0.08),
    ("wh", 0.07),
    ("sub_last", 0.09),
    ("sub_first", 0.05),
    ("thing", 0.09),
    ("embedding", 0.07),
    ("relative", 0.1),
    ("coordinate", 0.03),
)
UNCONNECTED = ("no", "every")
REASONS = ("because", "although")
ASLEEP = ("schlafen", "einschlafen", "aufwachen", "aufstehen", "zurückkommen", "ankommen")
"""What nobody does while doing something else."""
ALIVE = frozenset(("person", "human", "living", "adult", "animal", "kid", "young", "pet", "barker", "hunter", "biter", "flier"))
REASON = replace(SHORT, negation=0.0, modal=0.03, adverb=0.05, adjunct=0.0)
MEANWHILE = replace(SHORT, modal=0.0, perfect=0.0, negation=0.0, adverb=0.0, adjunct=0.05)
"""Style of clauses that go on at the same time or one after the other."""
CONTENT = replace(SHORT, modal=0.12, perfect=0.12, adverb=0.2)
LONG = replace(MEANWHILE, adverb=0.4, adjunct=0.4, plain=False, pronoun=0.05)


def sentence(sampler: Sampler) -> Sentence | None:
    """One sentence of a random pattern, or None where the draw led nowhere; then draw again."""
    pattern = sampler.weighted(PATTERNS)
    if pattern == "statement":
        return Sentence("statement", clause(sampler))
    if pattern == "predicate":
        made = predicate_clause(sampler)
        return Sentence("statement", made) if made else None
    makers = {"question": _question, "wh": _wh, "sub_last": _sub_last, "sub_first": _sub_first}
    makers |= {"embedding": _embedding, "thing": _about_thing, "relative": with_relative, "coordinate": _coordinate}
    return makers[pattern](sampler)


def _question(sampler: Sampler) -> Sentence | None:
    made = predicate_clause(sampler, ASKED) if sampler.chance(0.15) else clause(sampler, ASKED)
    if made is None or _odd_in_question(made) or any(item.en in ("never", "rarely") for item in made.adverbs):
        return None
    if isinstance(made.subject, PronounPhrase) and made.subject.person == 1 and not made.modal:
        return None
    return Sentence("question", made)


def _odd_in_question(made: Clause) -> bool:
    return isinstance(made.subject, NounPhrase) and made.subject.determiner in ("no", "every", "two", "three", "many", "bare", "a")


def _wh(sampler: Sampler) -> Sentence | None:
    word = sampler.weighted((("why", 0.22), ("where", 0.14), ("when", 0.12), ("gap", 0.52)))
    if word == "gap":
        return _gap_question(sampler)
    style = replace(ASKED, adverb=0.0, adjunct=0.0, perfect=0.0, modal=0.1)
    if word == "where":
        made = clause(sampler, style, sampler.balanced([verb for verb in verbs(sampler) if "loc" in verb.flags], "lemma"))
    elif word == "when":
        made = clause(sampler, style, sampler.balanced([verb for verb in verbs(sampler) if "st" not in verb.flags], "lemma"))
    else:
        made = predicate_clause(sampler, style) if sampler.chance(0.3) else clause(sampler, style)
    if made is None or _odd_in_question(made):
        return None
    return Sentence("wh", made, link=(word, {"why": "warum", "where": "wo", "when": "wann"}[word]))


def _gap_question(sampler: Sampler) -> Sentence | None:
    """*Who helps the man? What does she read? Who does the dog bite?*"""
    style = replace(ASKED, plain=True, perfect=0.05, adjunct=0.1, adverb=0.15)
    verb = sampler.balanced([item for item in verbs(sampler) if "st" not in item.flags], "lemma")
    slots = [slot for slot in verb.slots if slot.role != "pp"]
    if not slots or sampler.chance(0.4):
        if not verb.subject & {"person", "adult", "living"}:
            return None
        return Sentence("wh", clause(sampler, style, verb, Gap("question", human=True)))
    slot = sampler.pick(slots)
    human = any("human" in noun.tags for noun in sampler.nouns(slot.tags))
    if verb.en_particle not in ("", "to") and human:
        return None
    made = clause(sampler, style, verb, gap=(slot, Argument(slot.role, Gap("question", human=human))))
    return None if _odd_in_question(made) else Sentence("wh", made)


def _linked_clause(sampler: Sampler, subject: Phrase, word: str, scene: bool) -> Clause | None:
    """A short clause about somebody already named, of a kind that goes with the conjunction `word`."""
    if word in REASONS and sampler.chance(0.8):
        return predicate_clause(sampler, REASON, subject, HARDSHIPS if word == "although" else MOTIVES)
    able = [verb for verb in _verbs_after(sampler, word, scene) if _can_do(subject, verb)]
    if word == "while":
        able = [verb for verb in able if verb.lemma not in ASLEEP]
    return clause(sampler, REASON if word in REASONS else MEANWHILE, sampler.balanced(able, "lemma"), subject) if able else None


def _verbs_after(sampler: Sampler, word: str, scene: bool = False) -> list[Verb]:
    """Verbs of living subjects; states (*needs*) only where a reason is given. `scene`: only what something else happens at."""
    able = [verb for verb in verbs(sampler) if verb.subject & ALIVE]
    if word in REASONS:
        return able
    return [verb for verb in able if "st" not in verb.flags and (not scene or "scene" in verb.flags)]


def _can_do(subject: Phrase, verb: Verb) -> bool:
    if isinstance(subject, NounPhrase):
        return fits(subject.noun.tags, verb.subject)
    return bool(verb.subject & {"person", "living", "adult"})


def _second_clause(sampler: Sampler, first: Clause, word: str, scene: bool) -> Clause | None:
    """The other clause of a pair: about the same person (*because he is tired*) or somebody else."""
    again = phrases.pronoun_for(sampler, first.subject)
    if again and sampler.chance(0.65):
        return _linked_clause(sampler, again, word, scene)
    if word in REASONS and sampler.chance(0.85):
        return predicate_clause(
            sampler, REASON, among=HARDSHIPS if word == "although" else MOTIVES, of_whom=sampler.nouns(frozenset({"human"}))
        )
    return clause(sampler, REASON if word in REASONS else MEANWHILE, sampler.balanced(_verbs_after(sampler, word, scene), "lemma"))


def _about_thing(sampler: Sampler) -> Sentence | None:
    """*He sells the table because it is old.*"""
    able = [verb for verb in verbs(sampler) if [slot.role for slot in verb.slots] == ["acc"] and not verb.en_particle]
    made = clause(sampler, replace(REASON, adverb=0.0, pronoun=0.35), sampler.balanced(able, "lemma"))
    thing = _only_thing(made)
    if thing is None or made.negated or _unconnected(made):
        return None
    fitting = [item for item in sampler.adjectives(thing) if item.en not in COLORS]
    if not fitting:
        return None
    link = sampler.weighted(((("because", "weil"), 0.7), (("although", "obwohl"), 0.3)))
    return Sentence("sub_last", made, Clause(PronounPhrase(IT[thing.gender]), predicate=sampler.balanced(fitting)), link)


def _only_thing(made: Clause) -> Noun | None:
    """The one thing in the singular that *it* can mean in the next clause."""
    things = [item for _, item in made.phrases() if isinstance(item, NounPhrase) and "living" not in item.noun.tags]
    objects = [item.phrase for item in made.arguments if item.role == "acc" and item.phrase in things]
    if len(things) != 1 or not objects or isinstance(made.subject, NounPhrase) and "person" not in made.subject.noun.tags:
        return None
    only = objects[0]
    return only.noun if only.number == "sg" and only.definite and only.determiner != "every" and not only.adjective else None


def _pair(sampler: Sampler, link: tuple[str, str], leads: bool) -> tuple[Clause, Clause] | None:
    """Two clauses for a conjunction; `leads` says that the first of them is the subordinate one."""
    style = replace(SHORT, adverb=0.05, adjunct=0.0) if link[0] in REASONS else MEANWHILE
    first = clause(sampler, style, sampler.balanced(_verbs_after(sampler, link[0], leads), "lemma"))
    second = _second_clause(sampler, first, link[0], not leads)
    if second is None or _unconnected(first) or _unconnected(second) or _same(first.subject, second.subject):
        return None
    if _nouns(first) & _nouns(second):
        return None
    return (first, second) if _alive(first.subject) and _alive(second.subject) else None


def _alive(phrase: Phrase) -> bool:
    return not isinstance(phrase, NounPhrase) or "living" in phrase.noun.tags


def _nouns(made: Clause) -> set[str]:
    return {phrase.noun.en for _, phrase in made.phrases() if isinstance(phrase, NounPhrase)}


def _same(one: Phrase, other: Phrase) -> bool:
    return isinstance(one, NounPhrase) and isinstance(other, NounPhrase) and one.noun is other.noun


def _unconnected(made: Clause) -> bool:
    return isinstance(made.subject, NounPhrase) and made.subject.determiner in UNCONNECTED


def _sub_last(sampler: Sampler) -> Sentence | None:
    link = sampler.pick(CONJUNCTIONS)
    made = _pair(sampler, link, leads=False)
    return Sentence("sub_last", made[0], made[1], link) if made else None


def _sub_first(sampler: Sampler) -> Sentence | None:
    """The subordinate clause names the person, the main clause takes it up: *When the man sleeps, he …*"""
    link = sampler.pick(CONJUNCTIONS)
    if link[0] in REASONS:
        return _reason_first(sampler, link)
    made = _pair(sampler, link, leads=True)
    return Sentence("sub_first", made[1], made[0], link) if made else None


def _reason_first(sampler: Sampler, link: tuple[str, str]) -> Sentence | None:
    """*Although the boy is tired, he reads the book.*"""
    said = HARDSHIPS if link[0] == "although" else MOTIVES
    reason = predicate_clause(sampler, REASON, among=said, of_whom=sampler.nouns(frozenset({"person"})))
    again = phrases.pronoun_for(sampler, reason.subject) if reason else None
    if again is None:
        return None
    able = [verb for verb in _verbs_after(sampler, link[0]) if _can_do(again, verb)]
    return Sentence("sub_first", clause(sampler, REASON, sampler.balanced(able, "lemma"), again), reason, link)


def _embedding(sampler: Sampler) -> Sentence | None:
    """*The woman knows that …*, *He asks whether …*, *She does not know whether …*"""
    options = [verb for verb in sampler.lexicon.verbs if verb.flags & {"that", "whether"}]
    verb = sampler.balanced(options, "lemma")
    head = clause(sampler, replace(SHORT, modal=0.0, perfect=0.0, negation=0.0, adverb=0.0, pronoun=0.4), verb)
    negated = verb.lemma == "wissen" and sampler.chance(0.4)
    whether = "whether" in verb.flags or negated
    content = predicate_clause(sampler, SHORT) if sampler.chance(0.2) else clause(sampler, CONTENT)
    if content is None or _unconnected(head) or _same(head.subject, content.subject):
        return None
    about_self = isinstance(content.subject, PronounPhrase) and content.subject == head.subject
    if whether and (content.negated or about_self or _odd_in_question(content)):
        return None
    return Sentence("sub_last", replace(head, negated=negated), content, ("whether", "ob") if whether else ("that", "dass"))


def _coordinate(sampler: Sampler) -> Sentence | None:
    """Two main clauses joined by *and* or *but*: what two do, or two qualities."""
    link = sampler.pick((("and", "und"), ("but", "aber")))
    living = sampler.nouns(frozenset({"living"}))
    if sampler.chance(0.6):
        first = predicate_clause(sampler, SHORT, of_whom=living)
        again = phrases.pronoun_for(sampler, first.subject) if first else None
        second = predicate_clause(sampler, SHORT, again if sampler.chance(0.5) else None, of_whom=living)
    else:
        able = _verbs_after(sampler, "while", scene=True)
        first, second = (clause(sampler, MEANWHILE, sampler.balanced(able, "lemma")) for _ in range(2))
    if first is None or second is None or _nouns(first) & _nouns(second) or first.subject == second.subject:
        return None
    if _unconnected(first) or _unconnected(second) or (first.predicate and first.predicate is second.predicate):
        return None
    return Sentence("coordinate", first, second, link)


def long_sentence(sampler: Sampler) -> Sentence | None:
    """A pair of clauses with adjectives, adverbials and a relative clause: longer than what `sentence` makes as a rule."""
    link = sampler.pick(CONJUNCTIONS)
    able = _verbs_after(sampler, "when")
    first = _lengthened(sampler, clause(sampler, LONG, sampler.balanced(able, "lemma")), 0.7)
    again = phrases.pronoun_for(sampler, first.subject) if first else None
    fitting = [verb for verb in able if again is None or _can_do(again, verb)]
    second = clause(sampler, LONG, sampler.balanced(fitting, "lemma"), again if again and sampler.chance(0.6) else None)
    second = _lengthened(sampler, second, 0.5)
    if first is None or second is None or _unconnected(first) or _unconnected(second) or _same(first.subject, second.subject):
        return None
    if not _alive(first.subject) or not _alive(second.subject):
        return None
    return Sentence("sub_last", first, second, link)


def _lengthened(sampler: Sampler, made: Clause, share: float) -> Clause | None:
    if not isinstance(made.subject, NounPhrase) or not sampler.chance(share):
        return made
    longer = relative_at_subject(sampler, made)
    return longer.main if longer else None
