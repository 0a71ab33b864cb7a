"""Notebook 06's exercises beyond what holds for all: other right answers pass, numbers are PyTorch's, the gallery hangs in order."""

import math
import random
import re
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from lessons_lib.exercises.framework import Verdict, find
from lessons_lib.exercises.optimising import adamw_step, clip
from lessons_lib.exercises.training import BUGS, GALLERY, costs_in_bits, shift, token_mean

SOURCE = Path(__file__).resolve().parents[1] / "notebooks" / "source" / "06_training_loop.py"


def verdict(key: str, answer: object) -> Verdict:
    return find(key).verdict(answer)


def test_the_smoothed_loss_is_pytorchs() -> None:
    logits, den = torch.tensor([[0.5, 0.25, 0.125, 0.125]]).log(), torch.tensor([0])
    nats = F.cross_entropy(logits, den, label_smoothing=0.1).item()
    assert nats / math.log(2) == pytest.approx(find("training.smoothed_loss").solution, abs=1e-4)


def test_perplexity_may_be_a_whole_number_or_not() -> None:
    assert verdict("training.perplexity", 4.0).status == "right"
    assert "mean probability" in verdict("training.perplexity", 3.2).text


def test_the_batch_of_two_has_ten_targets() -> None:
    padded = torch.tensor([[1, 3, 5, 7, 4, 6, 2], [1, 3, 6, 7, 2, 0, 0]])
    given, wanted, count = shift(padded)
    assert given.tolist() == [[1, 3, 5, 7, 4, 6], [1, 3, 6, 7, 2, 0]]
    assert wanted.tolist() == [[3, 5, 7, 4, 6, 2], [3, 6, 7, 2, 0, 0]]
    assert count == 10


def test_the_mean_over_tokens_is_fourteen_tenths_of_a_bit() -> None:
    logits, targets = costs_in_bits()
    assert token_mean(logits, targets).item() / math.log(2) == pytest.approx(1.4, abs=1e-5)
    torch.testing.assert_close(logits.exp().sum(dim=-1), torch.ones(2, 6))


def test_other_ways_to_the_mean_pass() -> None:
    def ignoring(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(logits.transpose(1, 2), targets, ignore_index=0)

    assert verdict("training.token_mean", ignoring).status == "right"
    assert verdict("training.shift", lambda padded: [padded[:, :-1], padded[:, 1:], (padded[:, 1:] > 0).sum()]).status == "right"


def test_adamw_follows_pytorchs_for_five_steps() -> None:
    parameter = torch.nn.Parameter(torch.tensor([1.0], dtype=torch.float64))
    optimizer = torch.optim.AdamW([parameter], lr=0.1, betas=(0.9, 0.999), weight_decay=0.1)
    w, m, v = 1.0, 0.0, 0.0
    for t, gradient in enumerate((4.0, -4.0, 0.5, 4000.0, 0.01), 1):
        parameter.grad = torch.tensor([gradient], dtype=torch.float64)
        optimizer.step()
        w, m, v = adamw_step(w, gradient, m, v, t, 0.1, 0.1)
        assert w == pytest.approx(parameter.item(), abs=1e-6)


def test_clipping_is_pytorchs() -> None:
    gradients = [torch.tensor([3.0, 4.0]), torch.tensor([12.0])]
    weights = [torch.nn.Parameter(torch.zeros_like(g)) for g in gradients]
    for weight, gradient in zip(weights, gradients, strict=True):
        weight.grad = gradient.clone()
    torch.nn.utils.clip_grad_norm_(weights, 2.6)
    for ours, weight in zip(clip(gradients, 2.6), weights, strict=True):
        torch.testing.assert_close(ours, weight.grad)


def test_the_gallery_hangs_in_the_notebooks_order() -> None:
    (seed,) = re.findall(r"random\.Random\((\d+)\)\.sample\(BUGS, 6\)", SOURCE.read_text(encoding="utf-8"))
    assert dict(zip("ABCDEF", random.Random(int(seed)).sample(BUGS, 6), strict=True)) == GALLERY


def test_the_gallerys_stub_and_halves() -> None:
    assert verdict("training.gallery", dict.fromkeys("ABCDEF", ...)).status == "not attempted"
    assert (
        verdict("training.gallery", {**dict.fromkeys("ABCDEF", ...), "C": "healthy"}).text == "So far right: C. Still open: A, B, D, E, F."
    )
    assert "C: no shift has to repeat" in verdict("training.gallery", {**GALLERY, "C": "no shift"}).text
