"""Byte-pair encoding written to be read (Sennrich et al. 2016): learn which neighbours to join, then join them in that order."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Merge = tuple[str, str]


def count_pairs(words: Mapping[tuple[str, ...], int]) -> Counter[Merge]:
    """How often each pair of neighbouring pieces occurs.

    Args:
        words: a word as its pieces → how often the word occurs.

    >>> count_pairs({("d", "e", "r"): 4, ("d", "e", "n"): 3})[("d", "e")]
    7
    """
    pairs: Counter[Merge] = Counter()
    for pieces, count in words.items():
        for pair in zip(pieces, pieces[1:], strict=False):
            pairs[pair] += count
    return pairs


def join(pieces: Sequence[str], pair: Merge) -> tuple[str, ...]:
    """The pieces with every occurrence of the pair joined, from left to right.

    >>> join(("d", "e", "r"), ("d", "e"))
    ('de', 'r')
    """
    joined: list[str] = []
    i = 0
    while i < len(pieces):
        if i + 1 < len(pieces) and (pieces[i], pieces[i + 1]) == pair:
            joined.append(pieces[i] + pieces[i + 1])
            i += 2
        else:
            joined.append(pieces[i])
            i += 1
    return tuple(joined)


@dataclass(frozen=True)
class BytePairEncoder:
    """Merges in the order in which they were learned, and the pieces that can come out.

    Attributes:
        alphabet: the single characters, sorted.
        merges: pairs, first learned first.
    """

    alphabet: tuple[str, ...]
    merges: tuple[Merge, ...]

    @classmethod
    def train(cls, word_counts: Mapping[str, int], n_merges: int, min_count: int = 1) -> "BytePairEncoder":
        """Learn merges: again and again join the most frequent pair.

        Ties go to the pair whose pieces came into the vocabulary first, as in the `tokenizers` library.

        Args:
            word_counts: word → how often it occurs.
            n_merges: the most merges to learn.
            min_count: stop when no pair occurs as often.
        """
        alphabet = tuple(sorted({character for word in word_counts for character in word}))
        ids = {piece: i for i, piece in enumerate(alphabet)}
        words = {tuple(word): count for word, count in word_counts.items()}
        merges: list[Merge] = []
        while len(merges) < n_merges:
            pairs = count_pairs(words)
            if not pairs:
                break
            best = min(pairs, key=lambda pair: (-pairs[pair], ids[pair[0]], ids[pair[1]]))
            if pairs[best] < min_count:
                break
            merges.append(best)
            ids.setdefault("".join(best), len(ids))
            words = {join(pieces, best): count for pieces, count in words.items()}
        return cls(alphabet, tuple(merges))

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """Every piece that can come out: the alphabet, then one new piece a merge."""
        return tuple(dict.fromkeys((*self.alphabet, *("".join(merge) for merge in self.merges))))

    def segment(self, word: str, dropout: float = 0.0, generator: random.Random | None = None) -> tuple[str, ...]:
        """Cut a word into pieces: of all merges that apply, the one learned first is made first.

        Args:
            word: the word; characters outside the alphabet stay alone.
            dropout: probability that a merge that applies is passed over this time (BPE-dropout, Provilkov et al. 2020); 0 for none. A pair
                that stands in the word twice is joined at both places unless both draws pass it over; `tokenizers` decides for each.
            generator: source of randomness, needed with dropout.

        Raises:
            ValueError: if there is dropout and no generator.

        >>> BytePairEncoder(tuple("denr"), (("d", "e"), ("de", "r"))).segment("der")
        ('der',)
        """
        if dropout and generator is None:
            raise ValueError(f"dropout is {dropout}: it needs a generator, random.Random(seed)")
        pieces = tuple(word)
        ranks = self._ranks
        while len(pieces) > 1:
            pairs = [pair for pair in zip(pieces, pieces[1:], strict=False) if pair in ranks]
            if generator is not None and dropout:
                pairs = [pair for pair in pairs if generator.random() >= dropout]
            if not pairs:
                break
            pieces = join(pieces, min(pairs, key=ranks.__getitem__))
        return pieces

    @property
    def _ranks(self) -> dict[Merge, int]:
        if "ranks" not in self.__dict__:
            object.__setattr__(self, "ranks", {merge: i for i, merge in enumerate(self.merges)})
        return self.__dict__["ranks"]
