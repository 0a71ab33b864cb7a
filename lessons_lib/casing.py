"""Upper and lower case around a model: what it reads and writes can be simpler than what people read and write."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from lessons_lib.config import JsonConfig


@dataclass(frozen=True)
class Casing(JsonConfig):
    """Rules for the case of source and target.

    Attributes:
        lower_source: the model reads the source in lower case.
        lower_first: target words that lose their capital at the beginning of a sentence, since inside it they have none;
            on output the first letter is made a capital again.
    """

    lower_source: bool = False
    lower_first: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if not isinstance(self.lower_source, bool):
            raise ValueError(f"lower_source is {self.lower_source!r}: it must be true or false")
        if not (isinstance(self.lower_first, tuple) and all(isinstance(word, str) for word in self.lower_first)):
            raise ValueError("lower_first is no list of words")

    @classmethod
    def learn(cls, targets: Iterable[str], lower_source: bool = True) -> Self:
        """Learn `lower_first` from target texts: first words that elsewhere are mostly written small."""
        inside: Counter[str] = Counter()
        first: set[str] = set()
        for text in targets:
            words = text.split()
            first.update(words[:1])
            inside.update(words[1:])
        capitals = {word for word in first if word[:1].isupper() and word[1:] == word[1:].lower()}
        return cls(lower_source, tuple(sorted(word for word in capitals if inside[_lower_first(word)] > inside[word])))

    def before_source(self, text: str) -> str:
        """The source as the model reads it."""
        return text.lower() if self.lower_source else text

    def before_target(self, text: str) -> str:
        """The target as the model learns it."""
        first, _, _ = text.partition(" ")
        return _lower_first(text) if first in self._lowered else text

    def after_target(self, text: str) -> str:
        """What the model wrote, as people read it."""
        return text[:1].upper() + text[1:] if self.lower_first else text

    @property
    def _lowered(self) -> frozenset[str]:
        if "lowered" not in self.__dict__:
            object.__setattr__(self, "lowered", frozenset(self.lower_first))
        return self.__dict__["lowered"]


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
