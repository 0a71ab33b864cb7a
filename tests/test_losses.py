"""Label smoothing against PyTorch's, by its gradient, and with the numbers of the pencil example."""

import math

import pytest
import torch
from tiny_models import tiny_model
from torch import nn

from lessons_lib.batching import make_batch
from lessons_lib.losses import label_smoothed_cross_entropy, translation_loss


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.6])
def test_value_and_gradient_equal_pytorchs(smoothing: float) -> None:
    logits = torch.randn(7, 11, generator=torch.Generator().manual_seed(0)) * 4
    targets = torch.randint(11, (7,), generator=torch.Generator().manual_seed(1))
    ours, theirs = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    loss = label_smoothed_cross_entropy(ours, targets, smoothing)
    wanted = nn.CrossEntropyLoss(label_smoothing=smoothing, reduction="sum")(theirs, targets)
    loss.backward()
    wanted.backward()
    torch.testing.assert_close(loss, wanted)
    torch.testing.assert_close(ours.grad, theirs.grad)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_gradient_is_that_of_the_value(smoothing: float) -> None:
    logits = torch.randn(3, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64, requires_grad=True)
    targets = torch.tensor([1, 4, 0])
    assert torch.autograd.gradcheck(lambda x: label_smoothed_cross_entropy(x, targets, smoothing), [logits])


def test_the_pencil_example_in_bits() -> None:
    """den ½, der ¼, dem ⅛, die ⅛; the target is den: 1 bit, with ε = .1 1.125 bits."""
    logits = torch.tensor([[0.5, 0.25, 0.125, 0.125]]).log()
    target = torch.tensor([0])
    assert label_smoothed_cross_entropy(logits, target).item() / math.log(2) == pytest.approx(1)
    assert label_smoothed_cross_entropy(logits, target, 0.1).item() / math.log(2) == pytest.approx(1.125)


def test_the_floor_of_a_perfect_pupil() -> None:
    logits = torch.tensor([[0.925, 0.025, 0.025, 0.025]]).log()
    assert label_smoothed_cross_entropy(logits, torch.tensor([0]), 0.1).item() == pytest.approx(0.349, abs=5e-4)


def test_half_precision_logits_are_summed_in_float32() -> None:
    logits = torch.randn(4, 600).bfloat16()
    loss = label_smoothed_cross_entropy(logits, torch.tensor([1, 2, 3, 4]), 0.1)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, label_smoothed_cross_entropy(logits.float(), torch.tensor([1, 2, 3, 4]), 0.1))


@pytest.mark.parametrize(
    ("shape", "targets", "smoothing", "says"),
    [((3, 5), (4,), 0.0, r"\(N, V\) and \(N,\)"), ((2, 3, 5), (2, 3), 0.0, r"\(N, V\)"), ((3, 5), (3,), 1.0, "smoothing is 1.0")],
)
def test_wrong_input_is_named(shape: tuple[int, ...], targets: tuple[int, ...], smoothing: float, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        label_smoothed_cross_entropy(torch.zeros(shape), torch.zeros(targets, dtype=torch.int64), smoothing)


def test_a_batch_costs_what_its_sentences_cost_alone() -> None:
    """Padding is not paid for, and costs nothing: the sum over sentences is that of the batch."""
    model = tiny_model()
    sources, targets = [[5, 6, 7, 8], [9], [10, 11]], [[12, 13], [14, 15, 16, 17, 18], [19]]
    together = translation_loss(model, make_batch(sources, targets, 0, 1, 2), 0.1)
    alone = sum(translation_loss(model, make_batch([s], [t], 0, 1, 2), 0.1) for s, t in zip(sources, targets, strict=True))
    torch.testing.assert_close(together, alone)
    batch = make_batch(sources, targets, 0, 1, 2)
    logits = model(batch.source, batch.target_in)
    wanted = nn.CrossEntropyLoss(label_smoothing=0.1, reduction="sum", ignore_index=0)(logits.flatten(0, 1), batch.target_out.flatten())
    torch.testing.assert_close(together, wanted)
