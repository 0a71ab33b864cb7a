"""The loss that trains a translator: cross-entropy with smoothed labels, summed so that it can be divided once, by all tokens."""

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
