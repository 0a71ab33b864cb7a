"""The losses in one pass: each makes its gradients on the way forward, from the one softmax that it needs anyway.

The output layer is the widest of the model; whoever writes the logits, their logarithms and their gradient one after the other goes over
the same millions of numbers many times. `losses` has the same losses plain.
"""

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from lessons_lib.batching import Batch
from lessons_lib.losses import twice
from lessons_lib.models import EncoderDecoder

ROWS = 256


def at_least_float32(x: Tensor) -> torch.dtype:
    """The dtype in which sums over x are exact enough: float32, float64 where x is."""
    return torch.promote_types(x.dtype, torch.float32)


def _cross_entropy(logits: Tensor, chances: Tensor, mean: Tensor, targets: Tensor, smoothing: float) -> Tensor:
    """The smoothed cross-entropy summed over N targets, from logits and their softmax, both (N', V), and each row's mean logit, (N',)."""
    n, places = targets.shape[0], torch.arange(targets.shape[0], device=logits.device)
    exact = at_least_float32(logits)
    right = logits[places, targets].to(exact)
    log_right = chances[places, targets].to(exact).clamp_min(torch.finfo(exact).tiny).log()
    return -((1 - smoothing) * log_right + smoothing * (mean[:n] - right + log_right)).sum()


def _mean_row(table: Tensor) -> Tensor:
    """The mean of the table's rows, (V, d) → (d,). A product with it is the mean logit: to sum logits of bfloat16 in float32, PyTorch would
    first copy them all into float32."""
    return table.mean(dim=0, dtype=at_least_float32(table))


def _through_the_product(
    gradient: Tensor, hidden: Tensor, table: Tensor, n: int, smoothing: float, mean_row: Tensor
) -> tuple[Tensor, Tensor]:
    """From the gradient by logits = hidden @ tableᵀ to those by hidden and table.

    Args:
        gradient: (passes, N', V), but for what is the same for every word; changed in place.
        hidden: (passes, N', d).
        table: (V, d).
        n: rows that count; those beyond only fill up.
        smoothing: what is still to be taken off, the same share of it for every word. That needs no pass over the logits, only
        mean_row: of the table, (d,).
    """
    gradient[:, n:] = 0
    by_hidden, by_table = gradient @ table, gradient.flatten(0, 1).T @ hidden.flatten(0, 1)
    if smoothing:
        by_hidden[:, :n] -= (mean_row * smoothing).to(hidden.dtype)
        by_table -= (hidden[:, :n].sum(dim=(0, 1), dtype=mean_row.dtype) * (smoothing / table.shape[0])).to(table.dtype)
    return by_hidden, by_table


class _OnePassCrossEntropy(torch.autograd.Function):
    """Smoothed cross-entropy of hidden @ tableᵀ. For one token its gradient by the logits is p − (1 − ε)·onehot − ε/V."""

    @staticmethod
    def forward(ctx: FunctionCtx, hidden: Tensor, table: Tensor, targets: Tensor, smoothing: float) -> Tensor:
        n, places = targets.shape[0], torch.arange(targets.shape[0], device=hidden.device)
        logits = hidden @ table.T  # (N', V)
        gradient, mean_row = logits.softmax(dim=-1), _mean_row(table)
        loss = _cross_entropy(logits, gradient, hidden.to(mean_row.dtype) @ mean_row, targets, smoothing)
        gradient[places, targets] -= 1 - smoothing
        by_hidden, by_table = _through_the_product(gradient[None], hidden[None], table, n, smoothing, mean_row)
        ctx.save_for_backward(by_hidden[0], by_table)
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, Tensor, None, None]:
        by_hidden, by_table = ctx.saved_tensors
        return by_hidden * gradient.to(by_hidden.dtype), by_table * gradient.to(by_table.dtype), None, None


class _OnePassRDrop(torch.autograd.Function):
    """The R-Drop loss of two passes whose logits are hidden @ tableᵀ.

    With p and q the two softmaxes and d = log p − log q, the divergence is Σ (p − q)·d, and its gradient by the first logits is
    p·(d − Σ p·d) + p − q; by the second the same with p and q exchanged. A number added to a whole row of d changes neither, so the
    difference of the logits will do for d, and no logarithm is taken.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, hidden: Tensor, table: Tensor, targets: Tensor, smoothing: float, weight: float) -> Tensor:
        n, places = targets.shape[0], torch.arange(targets.shape[0], device=hidden.device)
        logits = hidden @ table.T  # (2, N', V)
        chances, mean_row = logits.softmax(dim=-1), _mean_row(table)
        passes = zip(logits, chances, hidden.to(mean_row.dtype) @ mean_row, strict=True)
        loss = sum(_cross_entropy(*one, targets, smoothing) for one in passes) / 2
        apart = logits[0] - logits[1]  # (N', V)
        expected = (chances * apart).sum(dim=-1, keepdim=True, dtype=at_least_float32(logits))  # (2, N', 1)
        loss = loss + weight / 4 * (expected[0, :n] - expected[1, :n]).sum()
        gap, gradient = chances[0] - chances[1], torch.empty_like(chances)
        for i, pull in enumerate((weight / 4, -weight / 4)):
            torch.add((-pull * expected[i]).to(apart.dtype), apart, alpha=pull, out=gradient[i])
            gradient[i].mul_(chances[i]).add_(gap, alpha=pull).add_(chances[i], alpha=0.5)
            gradient[i, places, targets] -= (1 - smoothing) / 2
        ctx.save_for_backward(*_through_the_product(gradient, hidden, table, n, smoothing / 2, mean_row))
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        by_hidden, by_table = ctx.saved_tensors
        return by_hidden * gradient.to(by_hidden.dtype), by_table * gradient.to(by_table.dtype), None, None, None


def _demand_rows(targets: Tensor, n_rows: int) -> None:
    if targets.shape[0] > n_rows:
        raise ValueError(f"{targets.shape[0]} targets for {n_rows} rows of hidden states: there must be a row for each")


def one_pass_cross_entropy(hidden: Tensor, table: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
    """Sum over positions of the smoothed cross-entropy, as `label_smoothed_cross_entropy(hidden @ table.T, targets, smoothing)`.

    Args:
        hidden: (N', d), N' ≥ N; rows beyond N only fill up to a shape that repeats, and get no gradient.
        table: (V, d).
        targets: int64 (N,).
        smoothing: ε, at least 0 and below 1.

    Returns:
        scalar in nats, float32; a right word of less than 10⁻³⁸ counts as that, its gradient is exact. Cannot be differentiated once more.

    Raises:
        ValueError: if there are more targets than rows.
    """
    _demand_rows(targets, hidden.shape[0])
    return _OnePassCrossEntropy.apply(hidden, table, targets, smoothing)


def one_pass_r_drop(hidden: Tensor, table: Tensor, targets: Tensor, smoothing: float, weight: float) -> Tensor:
    """The R-Drop loss of two passes, as `losses.r_drop_cross_entropy` of `hidden[0] @ table.T` and `hidden[1] @ table.T`.

    Args:
        hidden: (2, N', d), N' ≥ N; rows beyond N only fill up, and get no gradient.
        table: (V, d).
        targets: int64 (N,).
        smoothing: ε, at least 0 and below 1.
        weight: α, at least 0.

    Returns:
        scalar in nats, float32. Its gradient cannot be differentiated once more.

    Raises:
        ValueError: if there are more targets than rows, or not two passes.
    """
    if hidden.ndim != 3 or hidden.shape[0] != 2:
        raise ValueError(f"hidden states of shape {tuple(hidden.shape)}: they must be (2, N', d), one block for each pass")
    _demand_rows(targets, hidden.shape[1])
    return _OnePassRDrop.apply(hidden, table, targets, smoothing, weight)


def _real_places(batch: Batch, pad_id: int) -> tuple[Tensor, Tensor]:
    """Where the N real target tokens stand in the flattened batch, filled up to a number that repeats, int64 (N',); and they, (N,)."""
    targets = batch.target_out.flatten()
    real = (targets != pad_id).nonzero().squeeze(-1)  # (N,)
    return torch.cat((real, real.new_zeros(-len(real) % ROWS))), targets[real]


def one_pass_translation_loss(model: EncoderDecoder, batch: Batch, smoothing: float) -> Tensor:
    """As `losses.translation_loss`, with the one-pass cross-entropy on a number of rows that repeats from batch to batch."""
    hidden = model.decode(batch.target_in, *model.encode(batch.source)).flatten(0, 1)  # (B·T, d_model)
    places, targets = _real_places(batch, model.config.pad_id)
    return one_pass_cross_entropy(hidden[places], model.table.weight, targets, smoothing)


def one_pass_r_drop_loss(model: EncoderDecoder, batch: Batch, smoothing: float, weight: float) -> Tensor:
    """As `losses.r_drop_loss`, from one softmax a pass, on a number of rows that repeats from batch to batch."""
    doubled = twice(batch)
    hidden = model.decode(doubled.target_in, *model.encode(doubled.source))  # (2·B, T, d_model)
    places, targets = _real_places(batch, model.config.pad_id)
    passes = hidden.unflatten(0, (2, -1)).flatten(1, 2)  # (2, B·T, d_model)
    return one_pass_r_drop(passes[:, places], model.table.weight, targets, smoothing, weight)
