"""Text in, text out: tokenizer, model and decoding together, batched and in order."""

import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from lessons_lib import decoding, fast_search
from lessons_lib.attention import recorded_weights
from lessons_lib.batching import in_chunks, pad
from lessons_lib.checkpoints import TrainedModel, find, load_model
from lessons_lib.cleaning import plain
from lessons_lib.decoding import Hypothesis
from lessons_lib.fast_decoding import FastDecodingState
from lessons_lib.models import DecodingState
from lessons_lib.runtime import side_by_side
from lessons_lib.tokenization import BOS_ID, EOS_ID, PAD_ID, Tokenizer

DEFAULT = "multi30k-en-de"
HYPOTHESES = 320
"""Beginnings in a batch: more cost memory and are hardly faster."""
FEWEST = 16
"""Sentences that are not divided among threads: smaller batches would take longer together."""


class SentenceError(ValueError):
    """A sentence cannot be translated; `index` says which, from 0."""

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(reason)
        self.index = index


@dataclass
class Translator:
    """A trained model that takes and gives sentences.

    Attributes:
        trained: weights, tokenizer and casing.
        device: where the model runs.
        fast: False decodes by the plain path, `DecodingState` with the searches of `decoding`; it finds the same, and calls the model's
            modules, so that their hooks see it (`recorded_weights`).
    """

    trained: TrainedModel
    device: torch.device = torch.device("cpu")
    fast: bool = True

    @classmethod
    def load(cls, name_or_path: str | Path = DEFAULT, device: str = "cpu", fast: bool = True) -> "Translator":
        """The translator of a shipped checkpoint, by name, or of a folder.

        Raises:
            CheckpointError: if there is none, or it is damaged.
        """
        trained = load_model(find(str(name_or_path)))
        trained.model.to(device)
        return cls(trained, torch.device(device), fast)

    def ids(self, sentence: str) -> list[int]:
        """The source ids of a sentence, without EOS."""
        return self.trained.tokenizer.encode(self.trained.casing.before_source(plain(sentence)))

    def check(self, sentences: Sequence[str]) -> list[list[int]]:
        """The source ids of each sentence.

        Raises:
            SentenceError: for the first sentence that is too long for the model.
        """
        longest = self.trained.model.config.max_length - 1  # EOS takes a place
        all_ids = []
        for index, sentence in enumerate(sentences):
            ids = self.ids(sentence)
            if len(ids) > longest:
                raise SentenceError(index, f"{len(ids)} tokens, but this model reads at most {longest}: divide it into shorter sentences")
            all_ids.append(ids)
        return all_ids

    def translate(
        self,
        sentences: Sequence[str],
        beam: int = 5,
        length_penalty: float | None = None,
        batch_size: int | None = None,
        on_progress: Callable[[int], None] = lambda n: None,
    ) -> list[str]:
        """Translate sentences; one with nothing to read gives an empty string. Several batches at once, one a thread that PyTorch may use.

        Args:
            sentences: source texts.
            beam: beginnings kept by beam search; 1 is greedy.
            length_penalty: exponent of the length in the score of finished hypotheses; the model's own if None.
            batch_size: the most sentences in a batch; if None, as many as give each thread work, at most `HYPOTHESES` / beam.
            on_progress: called with the number of sentences each finished batch held.

        Returns:
            One translation a sentence, in the same order.

        Raises:
            SentenceError: if a sentence is too long for the model; nothing is translated then.
            ValueError: if beam or batch_size is below 1, or `sentences` is one text instead of a list.
        """
        if isinstance(sentences, str):
            raise ValueError(f"sentences is one text, {sentences[:40]!r}: give a list, such as translate([{sentences[:40]!r}])")
        if beam < 1:
            raise ValueError(f"beam is {beam}: it must be a whole number above 0")
        if batch_size is not None and batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}: it must be a whole number above 0, or None")
        all_ids = self.check(sentences)
        translations = [""] * len(all_ids)
        real = [i for i, ids in enumerate(all_ids) if ids]
        on_progress(len(all_ids) - len(real))
        size = batch_size or min(max(1, HYPOTHESES // beam), max(FEWEST, -(-len(real) // torch.get_num_threads())))
        chunks = [[real[i] for i in chunk] for chunk in in_chunks([len(all_ids[i]) for i in real], size)]
        penalty = self.trained.length_penalty if length_penalty is None else length_penalty
        decoded = side_by_side(lambda rows: self._decode([all_ids[i] for i in rows], beam, penalty), chunks)
        for rows, found in zip(chunks, decoded, strict=True):
            for i, tokens in zip(rows, found, strict=True):
                translations[i] = self.text(tokens)
            on_progress(len(rows))
        return translations

    def batch(self, sources: Sequence[Sequence[int]]) -> tuple[Tensor, list[int]]:
        """Source ids as `ids` gives them → what a search begins with: int64 (B, S), each with EOS, and the most tokens it may become."""
        source = pad([[*ids, EOS_ID] for ids in sources], PAD_ID).to(self.device)
        return source, [min(2 * len(ids) + 10, self.trained.model.config.max_length - 1) for ids in sources]

    @torch.inference_mode()
    def _decode(self, sources: Sequence[Sequence[int]], beam: int, length_penalty: float) -> list[list[int]]:
        """The target tokens of each source, without BOS and EOS."""
        source, most = self.batch(sources)
        if self.fast:
            state = FastDecodingState(self.trained.model, source)
            if beam == 1:
                found = fast_search.greedy(state, BOS_ID, EOS_ID, most)
            else:
                found = fast_search.beam_search(state, BOS_ID, EOS_ID, most, beam, length_penalty)
        else:
            found = self._decode_plainly(source, most, beam, length_penalty)
        return [hypothesis.tokens for hypothesis in found]

    def _decode_plainly(self, source: Tensor, most: list[int], beam: int, length_penalty: float) -> list[Hypothesis]:
        state = DecodingState(self.trained.model, source)
        if beam == 1:
            return decoding.greedy(state, BOS_ID, EOS_ID, most, self.device)
        return decoding.beam_search(state, BOS_ID, EOS_ID, most, beam, length_penalty, device=self.device)

    def text(self, tokens: Sequence[int]) -> str:
        """What target ids spell, without BOS and EOS, on one line: the model writes bytes, and nothing keeps it from a line end's."""
        return self.trained.casing.after_target(plain(self.trained.tokenizer.decode(tokens)))

    @torch.inference_mode()
    def align(self, sentence: str, beam: int = 5) -> "Alignment":
        """Translate one sentence and say, for each word written, which source words the decoder looked at.

        Weights are those of cross-attention, mean over layers and heads; pieces of a word are put together again.

        Raises:
            SentenceError: if the sentence is too long for the model, or empty, or the model writes nothing.
        """
        tokenizer, casing, model = self.trained.tokenizer, self.trained.casing, self.trained.model
        (source,) = self.check([sentence])
        if not source:
            raise SentenceError(0, "there is nothing to read in this sentence")
        (target,) = self._decode([source], beam, self.trained.length_penalty)
        if not target:
            raise SentenceError(0, "this model writes nothing for this sentence")
        with recorded_weights(model.decoder) as weights:
            model(torch.tensor([[*source, EOS_ID]]).to(self.device), torch.tensor([[BOS_ID, *target]]).to(self.device))
        crossing = [w[0].mean(dim=0) for name, w in weights.items() if name.endswith("cross_attention")]  # (T, S) a layer
        mean = torch.stack(crossing).mean(dim=0)[:-1, :-1]  # row t wrote token t: the last, EOS, is left out, and so is the source's EOS
        (source_words, columns), (target_words, rows) = (words_of(tokenizer, ids) for ids in (source, target))
        by_word = torch.stack([mean[:, columns == j].sum(dim=1) for j in range(len(source_words))], dim=1)
        by_word = torch.stack([by_word[rows == i].mean(dim=0) for i in range(len(target_words))])
        return Alignment(source_words, (casing.after_target(target_words[0]), *target_words[1:]), by_word.cpu())


@dataclass(frozen=True)
class Alignment:
    """Which source words each word of a translation looked at.

    Attributes:
        source, target: the words.
        weights: float32 (target words, source words); a row sums to less than 1, the rest went to the end of the sentence.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    weights: Tensor


def words_of(tokenizer: Tokenizer, ids: Sequence[int]) -> tuple[tuple[str, ...], Tensor]:
    """The words that ids spell, and for each id the number of its word, int64 (n,). Punctuation of ASCII stands alone."""
    words: list[list[int]] = []
    number = []
    after_mark, after_space = True, False
    for i in ids:
        piece = tokenizer.backend.id_to_token(i)  # its characters stand for bytes, Ġ for a space
        bare = piece.removeprefix("Ġ")
        is_mark = bare != "" and all(character in string.punctuation for character in bare)
        if after_mark or piece.startswith("Ġ") or (is_mark and not after_space):
            words.append([])
        words[-1].append(i)
        number.append(len(words) - 1)
        after_mark, after_space = is_mark, bare == ""
    return tuple(tokenizer.decode(word) for word in words), torch.tensor(number)
