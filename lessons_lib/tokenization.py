"""Text to ids and back: the `tokenizers` library for real work, the course's own BPE for drawing segmentations."""

import json
import random
from array import array
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from functools import cached_property
from pathlib import Path

import numpy as np
import tokenizers
from tokenizers import decoders, models, pre_tokenizers, trainers

from lessons_lib.bpe import BytePairEncoder
from lessons_lib.files import write_text

SPECIAL = ("<pad>", "<bos>", "<eos>", "<unk>")
PAD_ID, BOS_ID, EOS_ID, UNK_ID = range(4)
MOST_KNOWN = 2**16
"""Words whose ids are remembered at most."""
CHUNK = 4096
"""Texts that the library encodes at once, in threads of its own."""


class Tokenizer:
    """Byte-level BPE: any text becomes ids without an unknown symbol, and comes back as it was, but for one space at its beginning.

    A word carries the space before it, and the first word is given one, so that it looks the same at the beginning and inside.
    """

    def __init__(self, backend: tokenizers.Tokenizer) -> None:
        """Wrap a tokenizer of the `tokenizers` library whose first four ids are `SPECIAL`.

        Raises:
            ValueError: if they are not.
        """
        found = [backend.id_to_token(i) for i in range(len(SPECIAL))]
        if found != list(SPECIAL):
            raise ValueError(f"the first ids of this tokenizer are {found}: they must be {list(SPECIAL)}")
        self.backend = backend
        self.known: dict[str, tuple[int, ...]] = {}  # the ids of words met before

    @classmethod
    def train(cls, texts: Iterable[str], vocabulary_size: int, min_count: int = 2) -> "Tokenizer":
        """Learn merges from texts until the vocabulary, special tokens and the 256 bytes included, is full.

        Raises:
            ValueError: if the vocabulary cannot even hold bytes and special tokens.
        """
        smallest = len(SPECIAL) + 256
        if vocabulary_size < smallest:
            raise ValueError(f"a vocabulary of {vocabulary_size} is too small: special tokens and bytes need {smallest}")
        backend = tokenizers.Tokenizer(models.BPE())
        backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        backend.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        backend.train_from_iterator(
            texts,
            trainers.BpeTrainer(
                vocab_size=vocabulary_size,
                min_frequency=min_count,
                special_tokens=list(SPECIAL),
                initial_alphabet=alphabet,
                show_progress=False,
            ),
        )
        return cls(backend)

    @classmethod
    def load(cls, path: Path | str) -> "Tokenizer":
        """The tokenizer that `save` wrote.

        Raises:
            ValueError: if the file is missing or no tokenizer.
        """
        try:
            return cls(tokenizers.Tokenizer.from_str(Path(path).read_text(encoding="utf-8")))
        except OSError as error:
            raise ValueError(f"there is no tokenizer at {path}: {error.strerror}") from error
        except Exception as error:  # the library raises bare Exception
            raise ValueError(f"{path} is damaged, or no tokenizer: {error}") from error

    def save(self, path: Path | str) -> None:
        """Write the tokenizer as JSON, whole or not at all."""
        write_text(Path(path), self.backend.to_str(pretty=False))

    @property
    def vocabulary_size(self) -> int:
        """V, special tokens included."""
        return self.backend.get_vocab_size()

    def encode(self, text: str) -> list[int]:
        """The ids of a text, without BOS or EOS. What looks like a special token is text as any other."""
        words = text.split(" ")
        if words != text.split():  # other white space belongs to no word
            return list(self._ids(text))
        return [i for word in words for i in self._ids_of_word(word)]

    def _ids_of_word(self, word: str) -> tuple[int, ...]:
        """The ids of what stands between two spaces: words come again and again, and to look one up costs a tenth of cutting it up."""
        ids = self.known.get(word)
        if ids is None:
            if len(self.known) >= MOST_KNOWN:
                self.known.clear()
            ids = self.known[word] = self._ids(word)
        return ids

    def _ids(self, text: str) -> tuple[int, ...]:
        pieces = self.backend.pre_tokenizer.pre_tokenize_str(text)
        return tuple(token.id for word, _ in pieces for token in self.backend.model.tokenize(word))

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text."""
        return [self.encode(text) for text in texts]

    def encode_chunk(self, texts: Sequence[str]) -> Iterator[list[int]]:
        """As `encode_batch`, in the library's threads; it holds what it makes of all the texts at once, so hand it some thousands."""
        for text, found in zip(texts, self.backend.encode_batch_fast(texts, add_special_tokens=False), strict=True):
            special = any(token in text for token in SPECIAL)  # which the library would not take for text
            yield self.encode(text) if special else found.ids

    def decode(self, ids: Iterable[int]) -> str:
        """The text of these ids; special tokens are left out, bytes that form no character become U+FFFD."""
        return self.backend.decode([i for i in ids if i >= len(SPECIAL)], skip_special_tokens=False).removeprefix(" ")

    def pieces(self, text: str) -> list[str]:
        """The pieces a text is cut into, as a person reads them: a leading space is shown as `▁`."""
        return [self.backend.decode([i], skip_special_tokens=False).replace(" ", "▁") for i in self.encode(text)]

    @cached_property
    def readable(self) -> BytePairEncoder:
        """The same merges in the course's own encoder; its characters stand for bytes."""
        merges = json.loads(self.backend.to_str())["model"]["merges"]
        return BytePairEncoder(tuple(sorted(pre_tokenizers.ByteLevel.alphabet())), tuple((a, b) for a, b in merges))


class SegmentationSampler:
    """Texts whose segmentation changes from pass to pass (BPE-dropout, Provilkov et al. 2020).

    Each word has a few segmentations, drawn when they are first needed; a pass picks one for each word of a text. A pass is the same
    however often it is asked for, and whatever was asked for before.
    """

    def __init__(
        self, tokenizer: Tokenizer, texts: Sequence[str], dropout: float, n_variants: int = 16, seed: int = 0, longest: int | None = None
    ) -> None:
        """Args:
        tokenizer: its merges are used.
        texts: what will be encoded.
        dropout: probability of passing over a merge; 0 gives `encode` each time.
        n_variants: segmentations a word.
        seed: decides which.
        longest: a text of which a pass would make more ids is encoded without dropout in it; None for any length.
        """
        split = tokenizer.backend.pre_tokenizer.pre_tokenize_str
        words: dict[str, str] = {}  # a word that occurs again is the same string: a large corpus would else be held word by word
        self.texts = [[words.setdefault(word, word) for word, _ in split(text)] for text in texts]
        self.dropout = dropout
        self.n_variants = n_variants if dropout else 1
        self.seed = seed
        self.longest = longest
        self.piece_to_id = tokenizer.backend.get_vocab()
        self.encoder = tokenizer.readable
        self.variants: dict[str, list[list[int] | None]] = {word: [None] * self.n_variants for word in words}

    def encode(self, number: int) -> list[list[int]]:
        """The ids of each text in pass `number`."""
        pick = random.Random(f"{self.seed} pass {number}").random
        sampled = ([i for word in text for i in self._variant(word, int(pick() * self.n_variants))] for text in self.texts)
        return [
            ids if self.longest is None or len(ids) <= self.longest else self._whole(text)
            for ids, text in zip(sampled, self.texts, strict=True)
        ]

    def _whole(self, text: list[str]) -> list[int]:
        """The ids of a text's words by all merges."""
        return [self.piece_to_id[piece] for word in text for piece in self.encoder.segment(word)]

    def _variant(self, word: str, which: int) -> list[int]:
        """The ids of one segmentation of a word: 29,000 captions have more words than a first pass should wait for."""
        ids = self.variants[word][which]
        if ids is None:
            pieces = self.encoder.segment(word, self.dropout, random.Random(f"{self.seed} {word} {which}"))
            ids = self.variants[word][which] = [self.piece_to_id[piece] for piece in pieces]
        return ids


class EncodedTexts(Sequence[list[int]]):
    """Texts as ids, the same in each pass: one number after the other in 2 or 4 bytes, so that millions of sentences fit into memory.

    Lists of Python's numbers took six times as much when measured, lists of words forty times. Indexing gives the ids of one text.
    """

    def __init__(self, tokenizer: Tokenizer, texts: Sequence[str]) -> None:
        """Encode the texts, each as `Tokenizer.encode` does."""
        flat, lengths = array("H" if tokenizer.vocabulary_size <= 2**16 else "I"), array("I")
        for start in range(0, len(texts), CHUNK):
            for ids in tokenizer.encode_chunk(texts[start : start + CHUNK]):
                flat.extend(ids)
                lengths.append(len(ids))
        self.ids = np.frombuffer(flat, flat.typecode)
        self.lengths = np.frombuffer(lengths, lengths.typecode).astype(np.int64)  # (N,), in tokens
        self.ends = np.cumsum(self.lengths)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: int) -> list[int]:
        end = self.ends[index]
        return self.ids[end - self.lengths[index] : end].tolist()

    def take(self, kept: np.ndarray) -> "EncodedTexts":
        """Those of the texts for which `kept`, bool (N,), is True."""
        part = copy(self)
        part.lengths, part.ends = self.lengths[kept], self.ends[kept]
        return part

    def encode(self, number: int) -> "EncodedTexts":
        """The ids of each text in pass `number`: as `SegmentationSampler.encode`, but always the same."""
        return self


def lengths_of(rows: Sequence[Sequence[int]]) -> np.ndarray:
    """The number of tokens of each text, int64 (N,)."""
    return rows.lengths if isinstance(rows, EncodedTexts) else np.fromiter(map(len, rows), np.int64, len(rows))
