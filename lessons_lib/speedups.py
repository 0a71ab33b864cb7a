"""What makes a training step cheap on a processor: pieces that each replace a plain one, compute the same, and can be left out.

They are put into the model that computes loss and gradients (`Trainer.worker`); the model that is kept stays plain.
"""

import math
from collections.abc import Callable, Iterable
from functools import cache, partial

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable

from lessons_lib.attention import KeyValueCache, MultiHeadAttention, joined
from lessons_lib.batching import Batch
from lessons_lib.config import SPEEDUPS, TrainingConfig
from lessons_lib.layers import Dropout
from lessons_lib.losses import r_drop_loss, translation_loss
from lessons_lib.models import EncoderDecoder
from lessons_lib.one_pass import at_least_float32, one_pass_r_drop_loss, one_pass_translation_loss

POOL_SIZE = 2**22
ALIGNMENT = 64


class PooledDropout(nn.Module):
    """Dropout whose masks are cut from one large mask, drawn beforehand, at an offset that chance decides.

    Drawing a random number costs more than ten multiplications; here a layer draws one for its offset. Each number is still dropped with
    probability p, but two masks that overlap in the pool are not independent.
    """

    def __init__(self, p: float, pool: Tensor) -> None:
        """Args:
        p: the probability of dropping.
        pool: (N,), zeros and 1 / (1 − p), of the dtype of what will be dropped; see `mask_pool`.
        """
        super().__init__()
        self.p = p
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        """x of any shape → the same shape; x larger than the pool is dropped from as `Dropout` does."""
        if not self.training:
            return x
        spare = self.pool.numel() - x.numel()
        if spare < 0:
            return nn.functional.dropout(x, self.p)
        offset = int(torch.randint(spare // ALIGNMENT + 1, ())) * ALIGNMENT
        return x * self.pool[offset : offset + x.numel()].view(x.shape)

    def extra_repr(self) -> str:
        return f"p={self.p}"


def mask_pool(p: float, dtype: torch.dtype, seed: int, size: int = POOL_SIZE) -> Tensor:
    """`size` numbers of this dtype: 0 with probability p, else 1 / (1 − p). The same seed gives the same pool."""
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(size, generator=generator) >= p).to(dtype).div_(1 - p)


class _MaskedSoftmax(torch.autograd.Function):
    """softmax(scale · scores) over the last axis where the mask allows it, computed in float32 where the scores are in fewer bits.

    A softmax over the ten or thirty words of a caption is slower in bfloat16 than in float32, and its gradient four times as slow.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, scores: Tensor, mask: Tensor | None, scale: float) -> Tensor:
        exact = scores.to(at_least_float32(scores)).mul(scale)
        if mask is not None:
            exact.masked_fill_(~mask, torch.finfo(exact.dtype).min)
        weights = exact.softmax(dim=-1)
        if mask is not None and not bool(mask.any(dim=-1).all()):
            weights.masked_fill_(~mask, 0.0)  # a row in which nothing is allowed
        weights = weights.to(scores.dtype)
        ctx.save_for_backward(weights)
        ctx.scale = scale
        return weights

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, None, None]:
        (weights,) = ctx.saved_tensors
        exact = weights.to(at_least_float32(weights))
        weighted = gradient * exact
        weighted.addcmul_(exact, weighted.sum(dim=-1, keepdim=True), value=-1.0)
        return weighted.mul_(ctx.scale).to(gradient.dtype), None, None


class PackedAttention(MultiHeadAttention):
    """`MultiHeadAttention` with one product for queries, keys and values, and the softmax above."""

    def __init__(self, plain: MultiHeadAttention) -> None:
        """Take over the projections of a plain one; the parameters are shared, not copied."""
        nn.Module.__init__(self)
        self.n_heads, self.dropout, self.rotate = plain.n_heads, plain.dropout, plain.rotate
        self.project_q, self.project_k, self.project_v = plain.project_q, plain.project_k, plain.project_v
        self.project_out = plain.project_out

    def forward(
        self, x: Tensor, source: Tensor | None = None, mask: Tensor | None = None, cache: KeyValueCache | None = None
    ) -> tuple[Tensor, Tensor]:
        """As `MultiHeadAttention.forward`, which it calls where there is a cache or there are rotary positions."""
        if cache is not None or self.rotate is not None:
            return super().forward(x, source, mask, cache)
        if source is None:
            q, k, v = self._project(x, self.project_q, self.project_k, self.project_v)
        else:
            (q,) = self._project(x, self.project_q)
            k, v = self._project(source, self.project_k, self.project_v)
        weights = _MaskedSoftmax.apply(q @ k.transpose(-2, -1), mask, 1 / math.sqrt(q.shape[-1]))  # (B, H, T, S)
        mixing = weights if self.dropout is None else self.dropout(weights)
        return self.project_out(self.merge(mixing @ v)), weights

    def _project(self, x: Tensor, *projections: nn.Linear) -> Iterable[Tensor]:
        """x (B, n, d_model) → one (B, H, n, d_head) a projection, all from one product."""
        side_by_side = nn.functional.linear(x, *joined(projections)).unflatten(-1, (len(projections), self.n_heads, -1))
        return side_by_side.permute(2, 0, 3, 1, 4).contiguous()  # (projections, B, H, n, d_head)


def speed_up(model: EncoderDecoder, names: Iterable[str], seed: int) -> None:
    """Put these pieces into the model, in place; parameters, their order and names, and training or evaluation stay as they are.

    Args:
        model: on a processor, in the dtype in which it will compute.
        names: of `config.SPEEDUPS`; `one_pass_loss` changes no module, see `loss_of`.
        seed: decides the pool of dropout masks.

    Raises:
        ValueError: if a name is unknown.
    """
    names = set(names)
    if unknown := names - set(SPEEDUPS):
        raise ValueError(f"there is no piece called {', '.join(sorted(unknown))}: use {', '.join(SPEEDUPS)}")
    dtype = model.table.weight.dtype
    pool = cache(lambda p: mask_pool(p, dtype, seed))

    def replace_in(module: nn.Module) -> None:
        for name, child in list(module.named_children()):
            if "mask_pool" in names and isinstance(child, Dropout):
                setattr(module, name, PooledDropout(child.p, pool(child.p)).train(child.training))
            elif "packed_attention" in names and type(child) is MultiHeadAttention:
                setattr(module, name, PackedAttention(child).train(child.training))
            replace_in(getattr(module, name))

    replace_in(model)


def loss_function(names: Iterable[str]) -> Callable[[EncoderDecoder, Batch, float], Tensor]:
    """(model, batch, smoothing) → the summed loss without R-Drop: the one-pass one if it is among the names, else the plain one."""
    return one_pass_translation_loss if "one_pass_loss" in set(names) else translation_loss


def loss_of(config: TrainingConfig) -> Callable[[EncoderDecoder, Batch], Tensor]:
    """(model, batch) → the summed loss that this configuration asks for: with R-Drop or without, in one pass or plain."""
    if not config.r_drop:
        return partial(loss_function(config.speedups), smoothing=config.label_smoothing)
    loss = one_pass_r_drop_loss if "one_pass_loss" in config.speedups else r_drop_loss
    return partial(loss, smoothing=config.label_smoothing, weight=config.r_drop)
