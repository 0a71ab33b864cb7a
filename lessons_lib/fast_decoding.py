"""Decoding for speed: what `DecodingState` computes, arranged so that a step costs little more than its matrix products.

The beginnings of a text share what they have in common. The memory's keys and values are projected once a text and never copied for a
beginning. Nor does the beginnings' own past ever move: each token written keeps its slot, and a tree says which slots are the past of
which beginning. The plain path gathers all of this anew at every step.

Letters: B texts, W beginnings of each, H heads, N slots, S source tokens.
"""

import torch
from torch import Tensor
from torch.nn import functional

from lessons_lib.attention import joined, projections
from lessons_lib.layers import DecoderLayer
from lessons_lib.models import EncoderDecoder

REGISTER = 16
"""Softmax takes as many numbers at once as a vector register holds, and fewer than these one by one: widths are multiples of this."""
READ_AT_ONCE = 64
"""Sentences encoded together: what lies between two products of more would not fit into a processor's cache."""
HIDDEN = float("-inf")
"""Added to the score of what may not be looked at."""


class FastDecodingState:
    """A batch of texts half-way through decoding. It writes into its own tensors: for use under `torch.inference_mode()`.

    Attributes:
        model: the weights; they must not change while decoding lasts.
        position: how many tokens each beginning has.
    """

    def __init__(self, model: EncoderDecoder, source: Tensor) -> None:
        """Encode source, int64 (B, S)."""
        self.model, self.position = model, 0
        self.layers: list[DecoderLayer] = list(model.decoder.layers)
        self.n_heads = model.config.n_heads
        self.d_head = model.config.d_model // self.n_heads
        self.own = [joined(projections(layer.self_attention)) for layer in self.layers]
        parts = [self._read(part) for part in source.split(READ_AT_ONCE)]
        self.memory = torch.cat([memory for memory, _ in parts], dim=2)  # keys and values, (layers, 2, B, H, S, d_head)
        self.memory_hidden = torch.cat([hidden for _, hidden in parts])  # (B, H, 1, S)
        self.past = self.memory.new_zeros(*self.memory.shape[:4], 0, self.d_head)
        self.tree = self.memory.new_full((len(source), 1, 0), HIDDEN)  # added to the scores of each slot, (B, W, N)
        self.n_slots = 0

    def _read(self, source: Tensor) -> tuple[Tensor, Tensor]:
        """What all layers will look at of source, int64 (B, S), and what hides its padding."""
        memory, hidden = encode(self.model, source)
        weights = joined(p for layer in self.layers for p in projections(layer.cross_attention)[1:])  # keys and values
        read = split(functional.linear(memory.flatten(0, 1), *weights), len(source), self.n_heads, 2 * len(self.layers))
        return widened(read.unflatten(0, (-1, 2)), hidden.shape[-1]), hidden

    def step(self, tokens: Tensor, parents: Tensor | None = None) -> Tensor:
        """Continue beginnings, each by one token.

        Args:
            tokens: int64 (B, W), the next token of each new beginning.
            parents: int64 (B, W), the number of the beginning that it continues; None at the first step.

        Returns:
            what the decoder makes of each, (B · W, d_model).

        Raises:
            ValueError: if a beginning becomes longer than the model's max_length.
        """
        hidden = self._plant(tokens.shape[1], parents)
        x = self.model.target_entrance(self.model.embed(tokens.view(-1, 1)), first=self.position)[:, 0]
        for number, layer in enumerate(self.layers):
            x = layer.around_attention.leave(x, self._look_back(number, layer.around_attention.enter(x), hidden))
            x = layer.around_cross.leave(x, self._look_across(number, layer.around_cross.enter(x)))
            x = layer.around_feed_forward.leave(x, layer.feed_forward(layer.around_feed_forward.enter(x)))
        self.n_slots += tokens.shape[1]
        self.position += 1
        return self.model.decoder.final_norm(x)

    def keep(self, texts: Tensor) -> None:
        """Keep the texts named by `texts`, int64 (B_new,), in that order."""
        self.memory, self.memory_hidden = self.memory.index_select(2, texts), self.memory_hidden[texts]
        self.past, self.tree = self.past.index_select(2, texts), self.tree[texts]

    def _plant(self, width: int, parents: Tensor | None) -> Tensor:
        """Give each new beginning the slots of its parent and one of its own → what hides slots from each, (B · H, W, N)."""
        end = self.n_slots + width
        if parents is not None:
            self.tree = self.tree.gather(1, parents[:, :, None].expand(-1, -1, self.tree.shape[-1]))
        if end > self.tree.shape[-1]:
            room = rounded_up(8 * width)  # for as many steps before all is copied again
            self.tree = functional.pad(self.tree, (0, room), value=HIDDEN)
            self.past = functional.pad(self.past, (0, 0, 0, room))
        self.tree[:, :, self.n_slots : end].diagonal(dim1=1, dim2=2).zero_()
        seen = self.tree[:, None, :, : rounded_up(end)]
        return seen.expand(-1, self.n_heads, -1, -1).flatten(0, 1)

    def _look_back(self, number: int, x: Tensor, hidden: Tensor) -> Tensor:
        """Self-attention of a layer, x (B · W, d_model) → the same shape."""
        attention, past = self.layers[number].self_attention, self.past[number]
        _, n_texts, _, _, _ = past.shape
        new = split(functional.linear(x, *self.own[number]), n_texts, self.n_heads, 3)  # q, k, v: (3, B, H, W, d_head)
        if attention.rotate is not None:
            turned = attention.rotate(new[:2, ..., None, :], self.position).squeeze(-2)
            new = torch.cat((turned, new[2:]))
        past[:, :, :, self.n_slots : self.n_slots + new.shape[3]] = new[1:]
        k, v = past[..., : hidden.shape[-1], :].flatten(1, 2)
        return attention.project_out(attend(new[0], k, v, hidden))

    def _look_across(self, number: int, x: Tensor) -> Tensor:
        """Cross-attention of a layer, x (B · W, d_model) → the same shape."""
        attention, memory = self.layers[number].cross_attention, self.memory[number]
        (q,) = split(attention.project_q(x), memory.shape[1], self.n_heads, 1)
        k, v = memory.flatten(1, 2)
        return attention.project_out(attend(q, k, v, self.memory_hidden.flatten(0, 1)))


def encode(model: EncoderDecoder, source: Tensor) -> tuple[Tensor, Tensor]:
    """What `model.encode` computes.

    Args:
        model: the weights.
        source: int64 (B, S).

    Returns:
        the memory, (B, S, d_model), and what hides padding from each head, (B, H, 1, S or a little more).
    """
    n_texts, length = source.shape
    n_heads = model.config.n_heads
    wide = rounded_up(length)
    padding = functional.pad(source, (0, wide - length), value=model.config.pad_id) == model.config.pad_id
    x = model.source_entrance(model.embed(source)).flatten(0, 1)
    hidden = torch.zeros(padding.shape, dtype=x.dtype, device=x.device).masked_fill_(padding, HIDDEN)
    hidden = hidden[:, None, None, :].expand(-1, n_heads, -1, -1).contiguous()
    for layer in model.encoder.layers:
        attention = layer.self_attention
        both = functional.linear(layer.around_attention.enter(x), *joined(projections(attention)))
        both = split(both, n_texts, n_heads, 3)  # q, k, v: (3, B, H, S, d_head)
        if attention.rotate is not None:
            both = torch.cat((attention.rotate(both[:2].flatten(0, 1), 0).unflatten(0, (2, n_texts)), both[2:]))
        q, (k, v) = both[0], widened(both[1:], wide).flatten(1, 2)
        x = layer.around_attention.leave(x, attention.project_out(attend(q, k, v, hidden.flatten(0, 1))))
        x = layer.around_feed_forward.leave(x, layer.feed_forward(layer.around_feed_forward.enter(x)))
    return model.encoder.final_norm(x).unflatten(0, (n_texts, length)), hidden


def attend(q: Tensor, k: Tensor, v: Tensor, hidden: Tensor) -> Tensor:
    """Attention of all beginnings of a text to what they share; a query must be allowed to look at something.

    Args:
        q: (B, H, W, d_head).
        k, v: (B · H, N, d_head).
        hidden: added to the scores, broadcastable to (B · H, W, N): 0 where looking is allowed, −∞ elsewhere.

    Returns:
        the heads' outputs side by side, (B · W, d_model).
    """
    n_texts, n_heads, width, d_head = q.shape
    q = q.reshape(n_texts * n_heads, width, d_head)
    weights = torch.baddbmm(hidden, q, k.transpose(1, 2), alpha=d_head**-0.5).softmax(dim=-1)
    mixed = torch.bmm(weights, v).unflatten(0, (n_texts, n_heads))
    return mixed.transpose(1, 2).reshape(n_texts * width, n_heads * d_head)


def split(x: Tensor, n_texts: int, n_heads: int, n: int) -> Tensor:
    """What a product joined of n gave, (B · W, n · d_model) → (n, B, H, W, d_head), a view."""
    return x.view(n_texts, -1, n, n_heads, x.shape[-1] // (n * n_heads)).permute(2, 0, 3, 1, 4)


def widened(x: Tensor, width: int) -> Tensor:
    """x (…, S, d_head) in memory of its own, with zeros behind, (…, width, d_head)."""
    wide = x.new_empty(*x.shape[:-2], width, x.shape[-1])
    wide[..., : x.shape[-2], :] = x
    wide[..., x.shape[-2] :, :] = 0
    return wide


def rounded_up(width: int) -> int:
    """The next multiple of `REGISTER`."""
    return -(-width // REGISTER) * REGISTER
