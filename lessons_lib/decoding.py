"""From next-word probabilities to text: greedy, beam search, sampling. They know a step function and nothing of the model behind it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

NOTHING_FINISHED = "no text could be finished: at some step no next token has a probability above 0 (are the model's numbers nan?)"


class Stepper(Protocol):
    """What decoding asks for: a batch of half-written texts that can be continued, repeated and dropped."""

    def step(self, tokens: Tensor) -> Tensor:
        """Append int64 (N,), one token a row → log-probabilities of the next, float32 (N, V)."""
        ...

    def reorder(self, rows: Tensor) -> None:
        """Keep the rows named by int64 (N_new,), in that order."""
        ...


@dataclass(frozen=True)
class Hypothesis:
    """A text, whole or begun: its tokens without BOS and EOS, and the sum of their log-probabilities (nats), EOS counted if reached."""

    tokens: list[int]
    log_probability: float


def greedy(stepper: Stepper, bos_id: int, eos_id: int, max_lengths: Sequence[int], device: torch.device | str = "cpu") -> list[Hypothesis]:
    """Take the likeliest word each time.

    Args:
        stepper: one row a text.
        bos_id: the first token.
        eos_id: the token that ends a text.
        max_lengths: for each text, the most tokens before EOS, at least 1.
        device: where the stepper computes.
    """
    return _one_by_one(stepper, bos_id, eos_id, max_lengths, lambda log_p: log_p.argmax(dim=-1), device)


def sample(
    stepper: Stepper,
    bos_id: int,
    eos_id: int,
    max_lengths: Sequence[int],
    generator: torch.Generator,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float = 1.0,
    device: torch.device | str = "cpu",
) -> list[Hypothesis]:
    """Draw each word from its probabilities; the other arguments are those of `greedy`.

    Args:
        generator: source of randomness.
        temperature: divides the logits; below 1 sharpens, above 1 flattens. Must be above 0.
        top_k: draw from the k likeliest words only; None for all.
        top_p: draw from the fewest words that together reach this probability (nucleus sampling, Holtzman et al. 2020).

    Raises:
        ValueError: if temperature, top_k or top_p is out of range.
    """
    if temperature <= 0:
        raise ValueError(f"temperature is {temperature}: it must be above 0 (for the likeliest word use greedy)")
    if (top_k is not None and top_k < 1) or not 0 < top_p <= 1:
        raise ValueError(f"top_k is {top_k} and top_p {top_p}: top_k must be at least 1, top_p above 0 and at most 1")

    def draw(log_p: Tensor) -> Tensor:
        return torch.multinomial(filtered(log_p / temperature, top_k, top_p), 1, generator=generator).squeeze(-1)

    return _one_by_one(stepper, bos_id, eos_id, max_lengths, draw, device)


def filtered(logits: Tensor, top_k: int | None = None, top_p: float = 1.0) -> Tensor:
    """Probabilities (N, V) of logits (N, V) after top-k and then top-p have taken words away; each row sums to 1."""
    if top_k is not None and top_k < logits.shape[-1]:
        lowest = logits.topk(top_k, dim=-1).values[:, -1:]
        logits = logits.masked_fill(logits < lowest, float("-inf"))
    probabilities = logits.softmax(dim=-1)
    if top_p < 1:
        descending, order = probabilities.sort(dim=-1, descending=True)
        before = descending.cumsum(dim=-1) - descending  # what the likelier words have together
        dropped = (before >= top_p).scatter(-1, order, before >= top_p)
        probabilities = probabilities.masked_fill(dropped, 0.0)
    return probabilities / probabilities.sum(dim=-1, keepdim=True)


def _one_by_one(
    stepper: Stepper,
    bos_id: int,
    eos_id: int,
    max_lengths: Sequence[int],
    choose: Callable[[Tensor], Tensor],
    device: torch.device | str,
) -> list[Hypothesis]:
    texts: list[list[int]] = [[] for _ in max_lengths]
    totals = [0.0] * len(texts)
    active = list(range(len(texts)))
    tokens = torch.full((len(texts),), bos_id, device=device)
    while active:
        log_p = stepper.step(tokens)  # (active, V)
        tokens = choose(log_p)
        gained = log_p.gather(-1, tokens[:, None]).squeeze(-1).tolist()
        going = []
        for row, (i, token) in enumerate(zip(active, tokens.tolist(), strict=True)):
            totals[i] += gained[row]
            if token != eos_id:
                texts[i].append(token)
                if len(texts[i]) < max_lengths[i]:
                    going.append(row)
        if len(going) < len(active):
            rows = torch.tensor(going, dtype=torch.long, device=tokens.device)
            active, tokens = [active[row] for row in going], tokens[rows]
            if going:
                stepper.reorder(rows)
    return [Hypothesis(text, total) for text, total in zip(texts, totals, strict=True)]


OnStep = Callable[[int, list[Hypothesis], list[Hypothesis]], None]


def beam_search(
    stepper: Stepper,
    bos_id: int,
    eos_id: int,
    max_lengths: Sequence[int],
    beam: int,
    length_penalty: float = 1.0,
    on_step: OnStep | None = None,
    device: torch.device | str = "cpu",
) -> list[Hypothesis]:
    """Keep the `beam` best beginnings of each text, and choose among the finished by log-probability / length^penalty (EOS counted).

    A text is done when `beam` of its hypotheses are finished, or none of its beginnings may grow; beam 1 is greedy.

    Args:
        stepper: one row a text, before its first step.
        bos_id, eos_id: first and last token.
        max_lengths: for each text, the most tokens before EOS, at least 1.
        beam: beginnings kept a text, at least 1.
        length_penalty: the exponent; 0 compares sums, 1 means a token.
        on_step: told after each step of each text its number, the beginnings kept, best first, and what is finished so far.
        device: where the stepper computes.

    Raises:
        ValueError: if beam is below 1.
    """
    if beam < 1:
        raise ValueError(f"beam is {beam}: it must be a whole number above 0")
    searches = [_Search([Hypothesis([], 0.0)], [], beam, eos_id, max_length, length_penalty) for max_length in max_lengths]
    active = list(range(len(searches)))
    tokens = torch.full((len(searches),), bos_id, device=device)
    while active:
        log_p = stepper.step(tokens)  # (rows, V): the beginnings of all active texts, one after the other
        totals = torch.tensor([b.log_probability for i in active for b in searches[i].beginnings], dtype=log_p.dtype, device=log_p.device)
        best = (log_p + totals[:, None]).topk(min(2 * beam, log_p.shape[-1]), dim=-1)  # 2 · beam: enough if all `beam` end
        values, choices = best.values.tolist(), best.indices.tolist()
        rows, following, still, offset = [], [], [], 0
        for i in active:
            search = searches[i]
            n = len(search.beginnings)
            parents = search.advance(values[offset : offset + n], choices[offset : offset + n])
            if on_step is not None:
                on_step(i, search.beginnings, [found for _, found in search.finished])
            if not search.is_done:
                rows += [offset + parent for parent in parents]
                following += [b.tokens[-1] for b in search.beginnings]
                still.append(i)
            offset += n
        active = still
        if active:
            stepper.reorder(torch.tensor(rows, device=log_p.device))
            tokens = torch.tensor(following, device=log_p.device)
    return [search.best() for search in searches]


@dataclass
class _Search:
    """Beam search for one text."""

    beginnings: list[Hypothesis]
    finished: list[tuple[float, Hypothesis]]
    beam: int
    eos_id: int
    max_length: int
    length_penalty: float

    def advance(self, values: list[list[float]], choices: list[list[int]]) -> list[int]:
        """Take the best continuations → for each new beginning, the number of the old one it grew from."""
        ranked = sorted(
            (
                (value, parent, token)
                for parent, (vs, ts) in enumerate(zip(values, choices, strict=True))
                for value, token in zip(vs, ts, strict=True)
                if value > -math.inf  # what is impossible is no candidate, nor is what is no number
            ),
            key=lambda candidate: -candidate[0],
        )
        grown: list[Hypothesis] = []
        parents: list[int] = []
        for rank, (value, parent, token) in enumerate(ranked):
            if len(grown) == self.beam:
                break
            tokens = self.beginnings[parent].tokens
            if token != self.eos_id:
                grown.append(Hypothesis([*tokens, token], value))
                parents.append(parent)
            elif rank < self.beam and len(self.finished) < self.beam:
                self._finish(tokens, value, len(tokens) + 1)
        self.beginnings = grown
        if grown and len(grown[0].tokens) >= self.max_length and not self.is_done:
            for beginning in grown:
                self._finish(beginning.tokens, beginning.log_probability, len(beginning.tokens))
            self.beginnings = []
        return parents

    def _finish(self, tokens: list[int], total: float, length: int) -> None:
        self.finished.append((total / length**self.length_penalty, Hypothesis(tokens, total)))

    @property
    def is_done(self) -> bool:
        return len(self.finished) >= self.beam or not self.beginnings

    def best(self) -> Hypothesis:
        """The finished hypothesis with the best score; the first among equals.

        Raises:
            ValueError: if nothing could be finished, since no next token had a probability above 0.
        """
        if not self.finished:
            raise ValueError(NOTHING_FINISHED)
        return max(self.finished, key=lambda scored: scored[0])[1]
