"""The six splits: what each holds, and that nothing stands in two of them."""

from __future__ import annotations

from typing import NamedTuple

from lessons_lib.grammar import english, german
from lessons_lib.grammar.lexicon import Lexicon, fits, load_lexicon
from lessons_lib.grammar.mirrors import mirrored_pairs
from lessons_lib.grammar.sampling import Sampler
from lessons_lib.grammar.sentences import long_sentence, sentence
from lessons_lib.grammar.structures import Combination, Sentence

DEFAULT_SEED = 2017
MAX_WORDS = 14
"""Longest sentence of train, validation, test, unseen and mirrored, in words, on either side."""
ROWS = {"train": 20_000, "validation": 1_000, "test": 1_000, "unseen": 500, "longer": 200, "mirrored": 200}
HELD_OUT_EACH_KIND = 90
HELD_OUT_FOR_A_WORD = 3


class GrammarPair(NamedTuple):
    """An English sentence and its German translation."""

    source: str
    target: str


def say(made: Sentence) -> GrammarPair:
    """Both sides of a sentence structure."""
    return GrammarPair(english.say(made), german.say(made))


def words(text: str) -> int:
    """Length in words: what spaces divide."""
    return len(text.split())


def possible_combinations(lexicon: Lexicon) -> list[Combination]:
    """Every noun with every verb (as subject, as object in a case) and adjective that its classes allow, in the order of the lexicon."""
    found: dict[Combination, None] = {}
    for noun in lexicon.nouns:
        for verb in lexicon.verbs:
            name = f"{verb.en} {verb.lemma}"
            if fits(noun.tags, verb.subject):
                found["subject", name, noun.en] = None
            if any(slot.role != "pp" and fits(noun.tags, slot.tags) for slot in verb.slots):
                found["object", name, noun.en] = None
        for adjective in lexicon.adjectives:
            if fits(noun.tags, adjective.tags):
                found["adjective", adjective.en, noun.en] = None
    return list(found)


def held_out(sampler: Sampler) -> frozenset[Combination]:
    """The combinations that only the split `unseen` contains.

    A word is held out with few partners, and only if it has at least eight, so that each part still occurs often in training.
    """
    possible = possible_combinations(sampler.lexicon)
    partners: dict[tuple[str, str], int] = {}
    for kind, first, noun in possible:
        for word in (first, noun):
            partners[kind, word] = partners.get((kind, word), 0) + 1
    chosen: set[Combination] = set()
    used: dict[tuple[str, str], int] = {}
    left = {kind: HELD_OUT_EACH_KIND for kind in ("subject", "object", "adjective")}
    for kind, first, noun in sampler.shuffled(possible):
        ends = ((kind, first), (kind, noun))
        if left[kind] and all(partners[end] >= 8 and used.get(end, 0) < HELD_OUT_FOR_A_WORD for end in ends):
            chosen.add((kind, first, noun))
            left[kind] -= 1
            for end in ends:
                used[end] = used.get(end, 0) + 1
    return frozenset(chosen)


class _Accepted:
    """Remembers what has been said, so that each English and each German sentence occurs once in the corpus."""

    def __init__(self) -> None:
        self._english: set[str] = set()
        self._german: set[str] = set()

    def add(self, pair: GrammarPair) -> bool:
        """True and remembered if both sides are new."""
        if pair.source in self._english or pair.target in self._german:
            return False
        self._english.add(pair.source)
        self._german.add(pair.target)
        return True


def generate(seed: int = DEFAULT_SEED) -> dict[str, list[GrammarPair]]:
    """The corpus, the same for the same seed on every machine and Python version.

    Args:
        seed: seed of the only source of chance.

    Returns:
        For each split (`train`, `validation`, `test`, `unseen`, `longer`, `mirrored`) its pairs.
        In `mirrored` each sentence is followed by its mirror.
    """
    return {name: [say(made) for made in sentences] for name, sentences in draw(seed).items()}


def draw(seed: int = DEFAULT_SEED) -> dict[str, list[Sentence]]:
    """The corpus as sentence structures, from which both languages are said. Arguments and splits as in `generate`."""
    sampler = Sampler(load_lexicon(), seed)
    withheld = held_out(sampler)
    accepted = _Accepted()
    pairs = mirrored_pairs(sampler, ROWS["mirrored"] // 2, lambda made: not made.combinations() & withheld)
    splits = {"mirrored": [made for pair in pairs for made in pair]}
    for made in splits["mirrored"]:
        if not accepted.add(say(made)):
            raise RuntimeError(f"a mirrored sentence came twice: {say(made)}; change the seed")
    same, unseen = _draw(sampler, accepted, withheld)
    same = sampler.shuffled(same)
    first, second = ROWS["train"], ROWS["train"] + ROWS["validation"]
    splits |= {"train": same[:first], "validation": same[first:second], "test": same[second:], "unseen": unseen}
    longest = max(max(words(side) for side in say(made)) for made in splits["train"])
    splits["longer"] = _draw_longer(sampler, accepted, withheld, longest)
    return {name: splits[name] for name in ROWS}


def _draw(sampler: Sampler, accepted: _Accepted, withheld: frozenset[Combination]) -> tuple[list[Sentence], list[Sentence]]:
    """Sentences without and with a combination that is held out."""
    wanted = ROWS["train"] + ROWS["validation"] + ROWS["test"]
    same: list[Sentence] = []
    unseen: list[Sentence] = []
    while len(same) < wanted or len(unseen) < ROWS["unseen"]:
        made = sentence(sampler)
        if made is None:
            continue
        is_new = bool(made.combinations() & withheld)
        kept, limit = (unseen, ROWS["unseen"]) if is_new else (same, wanted)
        pair = say(made)
        if len(kept) < limit and max(words(side) for side in pair) <= MAX_WORDS and accepted.add(pair):
            kept.append(made)
            sampler.used(made.lemmas())
    return same, unseen


def _draw_longer(sampler: Sampler, accepted: _Accepted, withheld: frozenset[Combination], longest: int) -> list[Sentence]:
    kept: list[Sentence] = []
    while len(kept) < ROWS["longer"]:
        made = long_sentence(sampler)
        if made is None or made.combinations() & withheld:
            continue
        pair = say(made)
        if min(words(side) for side in pair) > longest and accepted.add(pair):
            kept.append(made)
            sampler.used(made.lemmas())
    return kept
