"""Cleaning a parallel corpus: text made uniform, pairs that teach nothing or something false left out, and a count for each rule."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from lessons_lib.corpus import Pair

# Frequent words that the other language does not have: "die", "was", "in" or "an" say nothing about which one it is.
FREQUENT_WORDS = {
    "en": frozenset("the a of and is are with to on at from this that his their for by two who while it has".split()),
    "de": frozenset("der das und ist ein eine einen einem einer mit auf im den dem von zu nicht sind zwei sich sie er es wird".split()),
}


@dataclass(frozen=True)
class Limits:
    """What a pair has to keep to.

    Attributes:
        max_characters: longest text, in characters.
        max_ratio: how many times as long the longer of the two texts may be as the shorter, in characters.
        min_evidence: by how many frequent words another language must lead before a text counts as written in it.
        source_language, target_language: keys of `FREQUENT_WORDS`; a language that it lacks is not checked.
    """

    max_characters: int = 500
    max_ratio: float = 3.0
    min_evidence: int = 2
    source_language: str = "en"
    target_language: str = "de"

    def __post_init__(self) -> None:
        for name, least in (("max_characters", 1), ("max_ratio", 1), ("min_evidence", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)!r}: it must be at least {least}")


@dataclass(frozen=True)
class TokenLimits:
    """What a pair has to keep to once it is cut into tokens: the usual rule for web-sized corpora, where odd lengths mean bad alignment.

    Attributes:
        max_tokens: longest text, in tokens; the shortest has one.
        max_ratio: how many times as many tokens the longer of the two texts may have as the shorter.
    """

    max_tokens: int = 250
    max_ratio: float = 1.5

    def __post_init__(self) -> None:
        for name in ("max_tokens", "max_ratio"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)!r}: it must be at least 1")

    def keeps(self, source_lengths: np.ndarray, target_lengths: np.ndarray) -> np.ndarray:
        """Which pairs to train on, bool (N,); lengths in tokens, int (N,)."""
        shorter, longer = np.minimum(source_lengths, target_lengths), np.maximum(source_lengths, target_lengths)
        return (shorter > 0) & (longer <= self.max_tokens) & (longer <= self.max_ratio * shorter)


Rule = Callable[[Pair, Limits], bool]


def plain(text: str) -> str:
    """The text as a model can read it: composed Unicode (NFC), control characters out, white space single, none at the ends.

    >>> plain(" a\\tdog  bites ")
    'a dog bites'
    """
    if not text.isprintable():
        text = "".join(ch for ch in text if ch.isspace() or unicodedata.category(ch) not in ("Cc", "Cs"))  # Cs: half of a character
    return " ".join(unicodedata.normalize("NFC", text).split())


def is_empty(pair: Pair, limits: Limits) -> bool:
    """Whether a side has no text."""
    return not (pair.source and pair.target)


def is_too_long(pair: Pair, limits: Limits) -> bool:
    """Whether a side has more characters than allowed."""
    return max(len(pair.source), len(pair.target)) > limits.max_characters


def is_copy(pair: Pair, limits: Limits) -> bool:
    """Whether source and target are the same text: nobody translated it."""
    return pair.source == pair.target


def is_lopsided(pair: Pair, limits: Limits) -> bool:
    """Whether one side is so much longer that it probably says something else."""
    shorter, longer = sorted((len(pair.source), len(pair.target)))
    return longer > limits.max_ratio * shorter


def is_in_another_language(pair: Pair, limits: Limits) -> bool:
    """Whether the frequent words of a side speak for another language than the one expected there."""
    sides = ((pair.source, limits.source_language), (pair.target, limits.target_language))
    return any(speaks_for_another(text, language, limits.min_evidence) for text, language in sides)


def speaks_for_another(text: str, language: str, min_evidence: int) -> bool:
    """Whether another language of `FREQUENT_WORDS` has at least `min_evidence` frequent words more in the text than `language` has.

    >>> speaks_for_another("der Hund ist auf dem Dach", "en", 2)
    True
    """
    if language not in FREQUENT_WORDS:
        return False
    words = [word.strip(".,;:!?\"'()„“”") for word in text.lower().split()]
    hits = {name: sum(word in frequent for word in words) for name, frequent in FREQUENT_WORDS.items()}
    return any(count - hits[language] >= min_evidence for count in hits.values())


RULES: dict[str, Rule] = {
    "empty": is_empty,
    "too long": is_too_long,
    "source and target identical": is_copy,
    "lengths too different": is_lopsided,
    "probably another language": is_in_another_language,
}
NORMALISED, DUPLICATE, KEPT = "made uniform", "duplicate", "kept"


def fates(pairs: Iterable[Pair], limits: Limits | None = None) -> list[tuple[Pair, str]]:
    """What becomes of each pair: its texts made uniform (`plain`), and the first rule that leaves it out, `KEPT` if none does.

    Args:
        pairs: source and target texts.
        limits: what the rules allow; the defaults of `Limits` if None.
    """
    limits = limits or Limits()
    seen: set[Pair] = set()
    found = []
    for given in pairs:
        pair = Pair(plain(given.source), plain(given.target))
        fate = next((name for name, rule in RULES.items() if rule(pair, limits)), DUPLICATE if pair in seen else KEPT)
        if fate == KEPT:
            seen.add(pair)
        found.append((pair, fate))
    return found


def clean(pairs: Iterable[Pair], limits: Limits | None = None) -> tuple[list[Pair], dict[str, int]]:
    """Make texts uniform (`plain`), then leave out what a rule catches, and what has been kept before.

    Args:
        pairs: source and target texts.
        limits: what the rules allow; the defaults of `Limits` if None.

    Returns:
        The pairs kept, in their order, and how many each rule has caught. A pair caught counts once, for the first rule that caught it;
        `made uniform` counts pairs whose text was changed, whatever became of them.
    """
    pairs = list(pairs)
    found = fates(pairs, limits)
    counts = Counter(dict.fromkeys((NORMALISED, *RULES, DUPLICATE), 0))
    counts.update(fate for _, fate in found if fate != KEPT)
    counts[NORMALISED] = sum(pair != given for given, (pair, _) in zip(pairs, found, strict=True))
    return [pair for pair, fate in found if fate == KEPT], dict(counts)
