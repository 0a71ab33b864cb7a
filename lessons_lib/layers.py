"""The Transformer's layers: dropout, feed-forward, and the blocks of encoder and decoder with their norms and residuals."""

import torch
from torch import Tensor, nn

from lessons_lib.attention import KeyValueCache, MultiHeadAttention, Rotation
from lessons_lib.config import ModelConfig


class FeedForward(nn.Module):
    """Two linear layers with a bend between, applied to each position alone (Vaswani et al. 2017, 3.3)."""

    def __init__(self, d_model: int, d_ff: int, activation: nn.Module, dropout: nn.Module) -> None:
        super().__init__()
        self.expand = nn.Linear(d_model, d_ff)
        self.activation = activation
        self.dropout = dropout
        self.contract = nn.Linear(d_ff, d_model)

    def forward(self, x: Tensor) -> Tensor:
        """x (…, d_model) → the same shape."""
        return self.contract(self.dropout(self.activation(self.expand(x))))


class Residual(nn.Module):
    """A sublayer's surroundings: its norm, its dropout and the way around it.

    Pre-norm computes x + f(norm(x)), post-norm norm(x + f(x)) (Xiong et al. 2020, figure 1).
    """

    def __init__(self, d_model: int, norm_placement: str, dropout: nn.Module) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(d_model)
        self.is_pre = norm_placement == "pre"
        self.dropout = dropout

    def enter(self, x: Tensor) -> Tensor:
        """What the sublayer reads, (B, n, d_model)."""
        return self.norm(x) if self.is_pre else x

    def leave(self, x: Tensor, change: Tensor) -> Tensor:
        """The stream after the sublayer has answered `change`; both (B, n, d_model)."""
        x = x + self.dropout(change)
        return x if self.is_pre else self.norm(x)


class Dropout(nn.Module):
    """Sets each number to 0 with probability p while training, and scales the others by 1 / (1 − p) (Srivastava et al. 2014).

    On a CPU drawing random numbers is most of the cost, so one draw of 64 bits decides four numbers, 16 bits each; p is then a multiple of
    1/65536. Elsewhere PyTorch's own dropout does the same.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """x of any shape → the same shape."""
        if not self.training:
            return x
        if x.device.type != "cpu":
            return nn.functional.dropout(x, self.p)
        draws = torch.empty((x.numel() + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
        keep = draws.view(torch.int16)[: x.numel()].view(x.shape) >= round(self.p * 2**16) - 2**15
        return x * keep.to(x.dtype).mul_(1 / (1 - self.p))

    def extra_repr(self) -> str:
        return f"p={self.p}"


def make_dropout(probability: float) -> nn.Module:
    """Dropout with this probability, or nothing at all for 0."""
    return Dropout(probability) if probability else nn.Identity()


def _attention(config: ModelConfig, rotate: Rotation | None = None) -> MultiHeadAttention:
    dropout = make_dropout(config.attention_dropout) if config.attention_dropout else None
    return MultiHeadAttention(config.d_model, config.n_heads, dropout, rotate)


def _feed_forward(config: ModelConfig) -> FeedForward:
    activation = {"relu": nn.ReLU, "gelu": nn.GELU}[config.activation]()
    return FeedForward(config.d_model, config.d_ff, activation, make_dropout(config.feed_forward_dropout))


def _residual(config: ModelConfig) -> Residual:
    return Residual(config.d_model, config.norm_placement, make_dropout(config.dropout))


class EncoderLayer(nn.Module):
    """Self-attention, then feed-forward."""

    def __init__(self, config: ModelConfig, rotate: Rotation | None = None) -> None:
        super().__init__()
        self.self_attention = _attention(config, rotate)
        self.feed_forward = _feed_forward(config)
        self.around_attention, self.around_feed_forward = _residual(config), _residual(config)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """x (B, S, d_model), mask bool broadcastable to (B, H, S, S) → (B, S, d_model)."""
        change, _ = self.self_attention(self.around_attention.enter(x), mask=mask)
        x = self.around_attention.leave(x, change)
        return self.around_feed_forward.leave(x, self.feed_forward(self.around_feed_forward.enter(x)))


class LayerCache:
    """What one decoder layer keeps between steps: its own past, and the memory's keys and values."""

    def __init__(self) -> None:
        self.own, self.memory = KeyValueCache(), KeyValueCache()

    def reorder(self, rows: Tensor) -> None:
        """Keep the batch rows named by `rows`, int64 (B_new,)."""
        self.own.reorder(rows)
        self.memory.reorder(rows)


class DecoderLayer(nn.Module):
    """Masked self-attention, cross-attention to the encoder's memory, then feed-forward."""

    def __init__(self, config: ModelConfig, rotate: Rotation | None = None) -> None:
        super().__init__()
        self.self_attention = _attention(config, rotate)
        self.cross_attention = _attention(config)
        self.feed_forward = _feed_forward(config)
        self.around_attention, self.around_cross, self.around_feed_forward = (_residual(config) for _ in range(3))

    def forward(
        self, x: Tensor, mask: Tensor | None, memory: Tensor, memory_mask: Tensor | None, cache: LayerCache | None = None
    ) -> Tensor:
        """One layer of the decoder.

        Args:
            x: (B, T, d_model).
            mask: bool, broadcastable to (B, H, T, positions so far).
            memory: (B, S, d_model), the encoder's output.
            memory_mask: bool (B, 1, 1, S), False at padding.
            cache: the layer's past, extended in place; None to compute everything.

        Returns:
            (B, T, d_model).
        """
        change, _ = self.self_attention(self.around_attention.enter(x), mask=mask, cache=cache and cache.own)
        x = self.around_attention.leave(x, change)
        change, _ = self.cross_attention(self.around_cross.enter(x), memory, memory_mask, cache and cache.memory)
        x = self.around_cross.leave(x, change)
        return self.around_feed_forward.leave(x, self.feed_forward(self.around_feed_forward.enter(x)))


def initialise(module: nn.Module) -> None:
    """Glorot-uniform weights and zero biases for linear layers, N(0, 1/d_model) for embeddings (for use with `module.apply`)."""
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=module.embedding_dim**-0.5)
        if module.padding_idx is not None:
            with torch.no_grad():
                module.weight[module.padding_idx].zero_()
