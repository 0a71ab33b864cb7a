"""Attention: masks, the formula, many heads, and the cache that makes decoding cheap.

Letters used throughout: B batch, T positions that ask (queries), S positions that are asked (keys), H heads, d_model width,
d_head = d_model / H.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

Rotation = Callable[[Tensor, int], Tensor]


def causal_mask(length: int, device: torch.device | str | None = None) -> Tensor:
    """The mask that hides the future: position i may look at positions 0 … i.

    Args:
        length: T, the number of positions.
        device: where the mask lives; the default device if None.

    Returns:
        bool (T, T), True where looking is allowed.
    """
    return torch.ones(length, length, dtype=torch.bool, device=device).tril()


def padding_mask(ids: Tensor, pad_id: int) -> Tensor:
    """The mask that hides padding: every query may look at every real token.

    Args:
        ids: int64 (B, S), token ids.
        pad_id: the id that fills short rows.

    Returns:
        bool (B, 1, 1, S), ready to broadcast over heads and queries; True at real tokens.
    """
    return (ids != pad_id)[:, None, None, :]


def scaled_dot_product_attention(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, dropout: nn.Module | None = None
) -> tuple[Tensor, Tensor]:
    """softmax(q kᵀ / √d_head) v: each query takes a weighted mean of the values (Vaswani et al. 2017, equation 1).

    A query that may look at nothing gets weights and output of 0.

    Args:
        q: (…, T, d_head) queries.
        k: (…, S, d_head) keys.
        v: (…, S, d_v) values.
        mask: bool, broadcastable to (…, T, S), True where looking is allowed; None allows everything.
        dropout: applied to the weights before they mix the values; None for none.

    Returns:
        output (…, T, d_v) and weights (…, T, S); each row of weights sums to 1, or to 0 where nothing is allowed.

    Raises:
        ValueError: if the last axes of q and k, or the lengths of k and v, differ, or the mask is not boolean.
    """
    if q.shape[-1] != k.shape[-1]:
        raise ValueError(f"queries have width {q.shape[-1]} and keys {k.shape[-1]}: they need the same d_head to be compared")
    if k.shape[-2] != v.shape[-2]:
        raise ValueError(f"{k.shape[-2]} keys but {v.shape[-2]} values: each key needs its value")
    if mask is not None and mask.dtype != torch.bool:
        raise ValueError(f"the mask has dtype {mask.dtype}: it must be bool, True where looking is allowed")
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])  # (…, T, S)
    if mask is None:
        weights = scores.softmax(dim=-1)
    else:
        # The lowest finite number, not −∞: a row in which all is masked would become NaN. The second fill makes such a row 0.
        weights = scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(dim=-1).masked_fill(~mask, 0.0)
    mixing = weights if dropout is None else dropout(weights)
    return mixing @ v, weights


class KeyValueCache:
    """Keys and values of one attention layer, kept between decoding steps so that each is computed once.

    Attributes:
        k, v: (B, H, S, d_head), or None before the first step.
        is_complete: True when the keys will not grow any more (cross-attention after its first step).
    """

    def __init__(self) -> None:
        self.k: Tensor | None = None
        self.v: Tensor | None = None
        self.is_complete = False

    @property
    def length(self) -> int:
        """S, the number of positions held."""
        return 0 if self.k is None else self.k.shape[-2]

    def append(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Add the keys and values of new positions, (B, H, n, d_head) each, and return all of them."""
        self.k = k if self.k is None else torch.cat((self.k, k), dim=-2)
        self.v = v if self.v is None else torch.cat((self.v, v), dim=-2)
        return self.k, self.v

    def reorder(self, rows: Tensor) -> None:
        """Keep the batch rows named by `rows`, int64 (B_new,), in that order: beams move, repeat or end."""
        if self.k is not None and self.v is not None:
            self.k, self.v = self.k[rows], self.v[rows]


class MultiHeadAttention(nn.Module):
    """H attentions side by side, each on its own slice of the width, mixed by one output projection (Vaswani et al. 2017, 3.2.2).

    Self-attention when queries and keys come from the same x, cross-attention when the keys come from elsewhere.
    """

    def __init__(self, d_model: int, n_heads: int, dropout: nn.Module | None = None, rotate: Rotation | None = None) -> None:
        """Args:
            d_model: width of the input and the output.
            n_heads: H; must divide d_model.
            dropout: applied to the weights; None for none.
            rotate: (tensor (B, H, n, d_head), first position) → the same shape, for rotary positions; None for none.

        Raises:
            ValueError: if n_heads does not divide d_model.
        """
        super().__init__()
        if n_heads < 1 or d_model % n_heads:
            raise ValueError(f"{n_heads} heads cannot share a width of {d_model}: d_model must be a multiple of n_heads")
        self.n_heads = n_heads
        self.project_q = nn.Linear(d_model, d_model)
        self.project_k = nn.Linear(d_model, d_model)
        self.project_v = nn.Linear(d_model, d_model)
        self.project_out = nn.Linear(d_model, d_model)
        self.dropout = dropout
        self.rotate = rotate

    @torch.no_grad()
    def scale_projections(self, gain: float) -> None:
        """Multiply the weights that make queries, keys and values."""
        for project in (self.project_q, self.project_k, self.project_v):
            project.weight.mul_(gain)

    def split(self, x: Tensor) -> Tensor:
        """(B, n, d_model) → (B, H, n, d_head): head h takes columns h·d_head … (h + 1)·d_head − 1."""
        return x.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)

    def merge(self, heads: Tensor) -> Tensor:
        """(B, H, n, d_head) → (B, n, d_model): the heads' outputs side by side."""
        return heads.transpose(1, 2).flatten(2)

    def forward(
        self, x: Tensor, source: Tensor | None = None, mask: Tensor | None = None, cache: KeyValueCache | None = None
    ) -> tuple[Tensor, Tensor]:
        """Let each position of x look at the positions of source.

        Args:
            x: (B, T, d_model), where the queries come from.
            source: (B, S, d_model), where keys and values come from; x itself if None. Rotary positions turn within one text only, so not
                where a source is given.
            mask: bool, broadcastable to (B, H, T, S), True where looking is allowed.
            cache: grows by the positions of x (self-attention) or keeps those of source after the first call (cross-attention).

        Returns:
            output (B, T, d_model) and weights (B, H, T, S).
        """
        first = cache.length if cache is not None and source is None else 0
        q = self.split(self.project_q(x))  # (B, H, T, d_head)
        if self.rotate is not None and source is None:
            q = self.rotate(q, first)
        if cache is not None and cache.is_complete and cache.k is not None and cache.v is not None:
            k, v = cache.k, cache.v
        else:
            k, v = self._keys_and_values(x if source is None else source, first, turn=source is None)
            if cache is not None:
                k, v = cache.append(k, v)
                cache.is_complete = source is not None
        output, weights = scaled_dot_product_attention(q, k, v, mask, self.dropout)
        return self.project_out(self.merge(output)), weights

    def _keys_and_values(self, source: Tensor, first: int, turn: bool) -> tuple[Tensor, Tensor]:
        k, v = self.split(self.project_k(source)), self.split(self.project_v(source))  # (B, H, S, d_head)
        return (self.rotate(k, first) if turn and self.rotate is not None else k), v


def projections(attention: MultiHeadAttention) -> tuple[nn.Linear, nn.Linear, nn.Linear]:
    """Those of queries, keys and values, in this order."""
    return attention.project_q, attention.project_k, attention.project_v


def joined(layers: Iterable[nn.Linear]) -> tuple[Tensor, Tensor]:
    """Weight (n · d_out, d_in) and bias (n · d_out,) of one product that takes the place of n of these sizes."""
    layers = list(layers)
    return torch.cat([layer.weight for layer in layers]), torch.cat([layer.bias for layer in layers])


@contextmanager
def recorded_weights(module: nn.Module) -> Iterator[dict[str, Tensor]]:
    """Within this context, keep the weights of every `MultiHeadAttention` in the module as it computes.

    Yields:
        the name of each attention in the module → its latest weights (B, H, T, S); filled by calling the module.
    """
    recorded: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[..., None]:
        return lambda attention, given, answer: recorded.__setitem__(name, answer[1].detach())

    hooks = [m.register_forward_hook(keep(name)) for name, m in module.named_modules() if isinstance(m, MultiHeadAttention)]
    try:
        yield recorded
    finally:
        for hook in hooks:
            hook.remove()
