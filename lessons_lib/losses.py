"""The losses that train a translator, cross-entropy with smoothed labels alone or with R-Drop: sums, to be divided once by all tokens."""

import torch
from torch import Tensor

from lessons_lib.batching import Batch
from lessons_lib.models import EncoderDecoder


def label_smoothed_cross_entropy(logits: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
    """Sum over positions of the cross-entropy to a target of 1 − ε on the right word plus ε/V on every word (Szegedy et al. 2016, 7).

    Equal to `nn.CrossEntropyLoss(label_smoothing=ε, reduction="sum")`. Leave padding out before calling; divide by the number of tokens
    of the whole batch afterwards.

    Args:
        logits: (N, V), any real numbers.
        targets: int64 (N,), the right words.
        smoothing: ε, at least 0 and below 1.

    Returns:
        scalar in nats, float32 (float64 where the logits are).

    Raises:
        ValueError: if the shapes do not fit or smoothing is out of range.
    """
    if logits.ndim != 2 or targets.shape != logits.shape[:1]:
        raise ValueError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)}: they must be (N, V) and (N,)")
    if not 0 <= smoothing < 1:
        raise ValueError(f"smoothing is {smoothing}: it must be at least 0 and below 1")
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    normaliser = torch.logsumexp(logits, dim=-1)  # (N,)
    right = logits.gather(-1, targets[:, None]).squeeze(-1)  # (N,)
    if not smoothing:
        return (normaliser - right).sum()
    return (normaliser - (1 - smoothing) * right - smoothing * logits.mean(dim=-1)).sum()


def translation_loss(model: EncoderDecoder, batch: Batch, smoothing: float) -> Tensor:
    """Sum of the smoothed cross-entropy over the batch's real target tokens, float32 scalar in nats.

    Output scores are computed at real tokens only, so that padding costs nothing there.
    """
    hidden = model.decode(batch.target_in, *model.encode(batch.source))  # (B, T, d_model)
    real = batch.target_out != model.config.pad_id  # (B, T)
    return label_smoothed_cross_entropy(model.scores(hidden[real]), batch.target_out[real], smoothing)


def r_drop_cross_entropy(first: Tensor, second: Tensor, targets: Tensor, smoothing: float, weight: float) -> Tensor:
    """Two answers to the same question: the mean of their cross-entropies, and what they disagree about (Liang et al. 2021, R-Drop).

    Dropout makes a model answer differently each time. R-Drop asks twice and charges for the difference: a token costs
    ½·(CE(p) + CE(q)) + α/4·(KL(p‖q) + KL(q‖p)). The paper (section 2, equations 2 to 4) adds up the two cross-entropies and α/2 of the two
    divergences, twice as much of everything: α means the same in both, and here a token weighs as much as without R-Drop, so that the
    learning rate need not change. Its α for translation is 5.

    Args:
        first, second: logits (N, V) of the two passes.
        targets: int64 (N,), the right words.
        smoothing: ε of the cross-entropies, at least 0 and below 1.
        weight: α, at least 0.

    Returns:
        scalar in nats, summed over positions, float32 (float64 where the logits are).

    Raises:
        ValueError: if the shapes do not fit, smoothing is out of range or the weight negative.
    """
    if first.shape != second.shape:
        raise ValueError(f"logits {tuple(first.shape)} and {tuple(second.shape)}: both passes must have the same shape")
    if weight < 0:
        raise ValueError(f"weight is {weight}: it must not be negative")
    cross_entropy = sum(label_smoothed_cross_entropy(logits, targets, smoothing) for logits in (first, second)) / 2
    exact = torch.promote_types(first.dtype, torch.float32)
    log_p, log_q = (logits.to(exact).log_softmax(dim=-1) for logits in (first, second))  # (N, V)
    p_from_q = (log_p.exp() * (log_p - log_q)).sum()  # KL(p‖q)
    q_from_p = (log_q.exp() * (log_q - log_p)).sum()  # KL(q‖p)
    return cross_entropy + weight / 4 * (p_from_q + q_from_p)


def twice(batch: Batch) -> Batch:
    """Each pair of the batch twice, the whole batch after itself; it still holds as many tokens as data as before."""
    doubled = (torch.cat((t, t)) for t in (batch.source, batch.target_in, batch.target_out))
    return Batch(*doubled, batch.n_source, batch.n_target)


def r_drop_loss(model: EncoderDecoder, batch: Batch, smoothing: float, weight: float) -> Tensor:
    """Sum of `r_drop_cross_entropy` over the batch's real target tokens, float32 scalar in nats.

    Both passes go through the model side by side, since dropout treats each row on its own. They read every token once more, but no new
    one: the sum is over `batch.n_target` tokens as that of `translation_loss`, and a step counts (and `tokens_per_second` measures) tokens
    of data.
    """
    doubled = twice(batch)
    hidden = model.decode(doubled.target_in, *model.encode(doubled.source))  # (2·B, T, d_model)
    real = batch.target_out != model.config.pad_id  # (B, T)
    first, second = (model.scores(half[real]) for half in hidden.chunk(2))  # (N, V)
    return r_drop_cross_entropy(first, second, batch.target_out[real], smoothing, weight)
