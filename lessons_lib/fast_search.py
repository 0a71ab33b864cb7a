"""Greedy and beam search on a whole batch in tensors: what `decoding` finds, without a list for each text.

Letters: B texts that are still written, W beginnings of each, V words.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from lessons_lib.decoding import NOTHING_FINISHED, Hypothesis
from lessons_lib.fast_decoding import FastDecodingState

GROUPS = 160
"""The most groups into which the vocabulary is divided."""
WORTH_DROPPING = 1 / 8
"""Finished texts are dropped when they are this share of the batch: until then, to carry them along costs less than to copy the others."""


@torch.inference_mode()
def greedy(state: FastDecodingState, bos_id: int, eos_id: int, max_lengths: Sequence[int]) -> list[Hypothesis]:
    """Take the likeliest word each time; arguments and result are those of `decoding.greedy`."""
    device = state.tree.device
    limits = torch.tensor(max_lengths, device=device)
    texts = torch.zeros(len(limits), int(limits.max()) + 1, dtype=torch.long, device=device)
    totals = torch.zeros(len(limits), dtype=torch.float64, device=device)
    going = torch.arange(len(limits), device=device)  # the number of each text in the batch
    lengths, words = limits.clone(), torch.full((len(limits), 1), bos_id, device=device)
    for step in range(texts.shape[1]):
        gained, _, words = best_words(_log_probabilities(state, words), totals.new_zeros(len(going), 1).float(), 1)
        open_ = lengths[going] > step
        texts[going, step] = words[:, 0]
        totals[going] += gained[:, 0].double() * open_
        ended = words[:, 0] == eos_id
        lengths[going] = torch.where(open_ & ended, step, lengths[going])
        rows = (open_ & ~ended & (limits[going] > step + 1)).nonzero()[:, 0]
        if len(rows) == 0:
            break
        if len(rows) <= len(going) * (1 - WORTH_DROPPING):
            state.keep(rows)
            going, words = going[rows], words[rows]
    found = zip(texts.tolist(), lengths.tolist(), totals.tolist(), strict=True)
    return [Hypothesis(text[:length], total) for text, length, total in found]


@torch.inference_mode()
def beam_search(
    state: FastDecodingState, bos_id: int, eos_id: int, max_lengths: Sequence[int], beam: int, length_penalty: float = 1.0
) -> list[Hypothesis]:
    """Keep the `beam` best beginnings of each text; arguments, result and errors are those of `decoding.beam_search`."""
    if beam < 1:
        raise ValueError(f"beam is {beam}: it must be a whole number above 0")
    search = _Searches(max_lengths, beam, eos_id, length_penalty, state.tree.device)
    words, parents = torch.full((len(max_lengths), 1), bos_id, device=state.tree.device), None
    while True:
        log_p = _log_probabilities(state, words, parents)
        n = min(2 * beam, words.shape[1] * log_p.shape[-1])  # 2 · beam: enough if all `beam` end
        parents, words = search.advance(*best_words(log_p, search.totals, n))
        rows = search.is_going.nonzero()[:, 0]
        if len(rows) == 0:
            return search.best()
        if len(rows) <= len(words) * (1 - WORTH_DROPPING):
            state.keep(rows)
            search.keep(rows)
            parents, words = parents[rows], words[rows]


def _log_probabilities(state: FastDecodingState, words: Tensor, parents: Tensor | None = None) -> Tensor:
    return torch.log_softmax(state.model.scores(state.step(words, parents)).float(), dim=-1)


def best_words(log_p: Tensor, totals: Tensor, n: int) -> tuple[Tensor, Tensor, Tensor]:
    """The likeliest continuations of each text, over all its beginnings. What is no number counts as −∞.

    To put all words in order costs more than to compute them. So first come the best of each group of words, then the words of the n best
    groups: the n best words cannot lie in more.

    Args:
        log_p: float32 (B · W, V), log-probabilities of the next word.
        totals: float32 (B, W), log-probabilities of the beginnings.
        n: how many, at most W · V.

    Returns:
        log-probability of the continued text, beginning and word of each, best first: float32, int64, int64 (B, n).
    """
    n_texts, width = totals.shape
    n_groups = max(n for n in range(1, GROUPS + 1) if log_p.shape[-1] % n == 0)
    log_p = log_p.view(n_texts, width, -1, n_groups)  # word w is in group w mod n_groups
    groups = (log_p.amax(dim=2) + totals[:, :, None]).nan_to_num_(nan=-math.inf, neginf=-math.inf).flatten(1)
    leading = groups.topk(min(n, groups.shape[1]), dim=-1).indices  # beginning · n_groups + group
    beginnings, group = leading // n_groups, leading % n_groups
    chosen = log_p[torch.arange(n_texts, device=totals.device)[:, None], beginnings, :, group]  # (B, n, V / n_groups)
    chosen = (chosen + totals.gather(1, beginnings)[:, :, None]).nan_to_num_(nan=-math.inf, neginf=-math.inf)
    best = chosen.flatten(1).topk(n, dim=-1)
    which, row = best.indices // chosen.shape[-1], best.indices % chosen.shape[-1]
    return best.values, beginnings.gather(1, which), row * n_groups + group.gather(1, which)


class _Searches:
    """Beam searches side by side.

    Attributes:
        totals: float32 (B, W), log-probabilities of the beginnings, best first; −∞ where there is none.
        is_going: bool (B,), whether a text is still written; one that is not has no beginnings.
    """

    def __init__(self, max_lengths: Sequence[int], beam: int, eos_id: int, length_penalty: float, device: torch.device) -> None:
        n = len(max_lengths)
        self.beam, self.eos_id, self.length_penalty = beam, eos_id, length_penalty
        self.found: list[Hypothesis | None] = [None] * n
        self.numbers = torch.arange(n, device=device)
        self.max_lengths = torch.tensor(max_lengths, device=device)
        self.totals = torch.zeros(n, 1, device=device)
        self.texts = torch.empty(n, 1, 0, dtype=torch.long, device=device)
        self.n_finished = torch.zeros(n, dtype=torch.long, device=device)
        self.best_scores = torch.full((n,), -math.inf, dtype=torch.float64, device=device)
        self.is_going = torch.ones(n, dtype=torch.bool, device=device)

    def advance(self, values: Tensor, parents: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:
        """Take the best continuations, as `best_words` gives them → parents and words of the new beginnings, int64 (B, W) each."""
        length = self.texts.shape[-1] + 1
        ends = words == self.eos_id
        early = ends[:, : self.beam] & (values[:, : self.beam] > -math.inf)
        first = early.long().argmax(dim=1, keepdim=True)  # of those that end now the likeliest has the best score
        self._finish(early.any(dim=1), values.gather(1, first)[:, 0], parents.gather(1, first)[:, 0], length)
        self.n_finished += early.sum(dim=1)
        values, order = values.masked_fill(ends, -math.inf).sort(dim=1, descending=True, stable=True)
        order = order[:, : self.beam]
        self.totals, parents, words = values[:, : self.beam], parents.gather(1, order), words.gather(1, order)
        self.texts = torch.cat((self.texts.gather(1, parents[:, :, None].expand(-1, -1, length - 1)), words[:, :, None]), dim=-1)
        open_ = (self.n_finished < self.beam) & (self.totals[:, 0] > -math.inf)
        full = open_ & (self.max_lengths <= length)
        self._finish(full, self.totals[:, 0], torch.zeros_like(self.numbers), length)
        self.is_going = open_ & ~full
        self.totals = self.totals.masked_fill(~self.is_going[:, None], -math.inf)
        return parents, words

    def _finish(self, rows: Tensor, totals: Tensor, beginnings: Tensor, length: int) -> None:
        """Where `rows`, bool (B,), is True, note that a beginning is a whole text, if it is better than those before it."""
        scores = totals.double() / length**self.length_penalty
        better = (rows & (scores > self.best_scores)).nonzero()[:, 0]
        if len(better):
            self.best_scores[better] = scores[better]
            texts = self.texts[better, beginnings[better]].tolist()
            for number, text, total in zip(self.numbers[better].tolist(), texts, totals[better].tolist(), strict=True):
                self.found[number] = Hypothesis(text, total)

    def keep(self, rows: Tensor) -> None:
        """Keep the texts named by `rows`, int64 (B_new,)."""
        for name in ("numbers", "max_lengths", "totals", "texts", "n_finished", "best_scores", "is_going"):
            setattr(self, name, getattr(self, name)[rows])

    def best(self) -> list[Hypothesis]:
        """The best of each text.

        Raises:
            ValueError: if one could not be finished, since no next word had a probability above 0.
        """
        found = [hypothesis for hypothesis in self.found if hypothesis is not None]
        if len(found) < len(self.found):
            raise ValueError(NOTHING_FINISHED)
        return found
