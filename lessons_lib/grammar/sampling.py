"""Seeded choices that use every word about equally often."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import TypeVar

from lessons_lib.grammar.lexicon import Lexicon, fits
from lessons_lib.grammar.words import Adjective, Noun

T = TypeVar("T")
UNUSED = 4_000_000_000
"""Weight of a word that has not been used yet."""


class Sampler:
    """Draws from the lexicon. Only `random.Random.random` is used: its sequence is the same in every Python version.

    The weight of a word that has been used c times in accepted sentences falls with 1 / (c + 5)², so rare ones catch up.
    """

    def __init__(self, lexicon: Lexicon, seed: int) -> None:
        self.lexicon = lexicon
        self._random = random.Random(seed)
        self._counts: dict[str, int] = {}
        self._weights: dict[str, int] = {}
        self._nouns: dict[frozenset[str], tuple[Noun, ...]] = {}
        self._adjectives: dict[str, tuple[Adjective, ...]] = {}
        self.ordinary_verbs = tuple(verb for verb in lexicon.verbs if not verb.flags & {"that", "whether"})

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self._random.random() < probability

    def pick(self, options: Sequence[T]) -> T:
        """One of the options, each equally likely."""
        return options[int(self._random.random() * len(options))]

    def weighted(self, options: Sequence[tuple[T, float]]) -> T:
        """One of the options, by the weights beside them (counted in thousandths)."""
        return self._by_weight([option for option, _ in options], [round(weight * 1000) for _, weight in options])

    def balanced(self, options: Sequence[T], lemma: str = "de") -> T:
        """One of the options, preferring words used seldom so far; `lemma` names the attribute that holds the German word."""
        known = self._weights
        return self._by_weight(options, [known.get(getattr(option, lemma), UNUSED) for option in options])

    def _by_weight(self, options: Sequence[T], weights: list[int]) -> T:
        # whole numbers: the sum of floats differs between Python 3.11 and 3.12
        limits = list(accumulate(weights))
        return options[bisect_right(limits, int(self._random.random() * limits[-1]))]

    def used(self, lemmas: Iterable[str]) -> None:
        """Count the words of an accepted sentence."""
        for lemma in lemmas:
            count = self._counts.get(lemma, 0) + 1
            self._counts[lemma] = count
            self._weights[lemma] = UNUSED * 25 // ((count + 5) * (count + 5))

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """A new list in random order (Fisher and Yates)."""
        result = list(items)
        for last in range(len(result) - 1, 0, -1):
            other = int(self._random.random() * (last + 1))
            result[last], result[other] = result[other], result[last]
        return result

    def nouns(self, wanted: frozenset[str]) -> tuple[Noun, ...]:
        """The nouns of the wanted classes, in the order of the lexicon."""
        if wanted not in self._nouns:
            self._nouns[wanted] = tuple(noun for noun in self.lexicon.nouns if fits(noun.tags, wanted))
        return self._nouns[wanted]

    def adjectives(self, noun: Noun) -> tuple[Adjective, ...]:
        """The adjectives that can describe a noun."""
        if noun.en not in self._adjectives:
            self._adjectives[noun.en] = tuple(item for item in self.lexicon.adjectives if fits(noun.tags, item.tags))
        return self._adjectives[noun.en]
