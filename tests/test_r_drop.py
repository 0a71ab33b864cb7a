"""R-Drop: the plain loss against PyTorch's parts, the one-pass one against the plain one, and a run that uses it."""

import dataclasses

import pytest
import torch
from tiny_models import tiny_preset
from torch import Tensor, nn
from torch.testing import assert_close

from lessons_lib.batching import Batch, make_batch
from lessons_lib.config import SPEEDUPS, Budget, ModelConfig, TrainingConfig
from lessons_lib.losses import r_drop_cross_entropy, r_drop_loss, translation_loss, twice
from lessons_lib.models import EncoderDecoder
from lessons_lib.one_pass import one_pass_r_drop, one_pass_r_drop_loss
from lessons_lib.presets import prepare
from lessons_lib.speedups import loss_of, speed_up

CONFIG = ModelConfig(vocabulary_size=50, d_model=16, n_heads=4, d_ff=32, n_encoder_layers=2, n_decoder_layers=2, dropout=0.3)


def batch() -> Batch:
    """Six pairs of uneven lengths."""
    generator = torch.Generator().manual_seed(0)
    rows = [torch.randint(4, 50, (n,), generator=generator).tolist() for n in (3, 9, 5, 7, 1, 8)]
    return make_batch(rows, rows[::-1], 0, 1, 2)


def model(**changes: object) -> EncoderDecoder:
    torch.manual_seed(3)
    return EncoderDecoder(dataclasses.replace(CONFIG, **changes)).train()


def random_passes(n_rows: int = 5, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    """Hidden states of two passes (2, rows, 4), a table (7, 4), four targets: the last rows only fill up."""
    generator = torch.Generator().manual_seed(0)
    hidden, table = (torch.randn(*shape, generator=generator, dtype=dtype) for shape in ((2, n_rows, 4), (7, 4)))
    return hidden.requires_grad_(), table.requires_grad_(), torch.tensor([1, 2, 6, 0])


# --- plain -----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_it_is_half_of_the_papers_loss_made_of_pytorchs_parts(smoothing: float) -> None:
    hidden, table, targets = random_passes(4)
    first, second = hidden @ table.T
    cross_entropy = nn.CrossEntropyLoss(label_smoothing=smoothing, reduction="sum")
    log_p, log_q = first.log_softmax(-1), second.log_softmax(-1)
    divergences = nn.functional.kl_div(log_q, log_p, reduction="sum", log_target=True) + nn.functional.kl_div(
        log_p, log_q, reduction="sum", log_target=True
    )
    paper = cross_entropy(first, targets) + cross_entropy(second, targets) + 5 / 2 * divergences  # equation 4
    assert_close(r_drop_cross_entropy(first, second, targets, smoothing, 5.0), paper / 2)


def test_the_divergence_by_hand() -> None:
    """(½, ½) against (¾, ¼): KL = .1438 and .1308 nats; weight 4 adds both to the mean of ln 2 and ln 4/3."""
    first, second = torch.tensor([[0.5, 0.5]]).log(), torch.tensor([[0.75, 0.25]]).log()
    loss = r_drop_cross_entropy(first, second, torch.tensor([0]), 0.0, 4.0)
    assert loss.item() == pytest.approx((0.6931 + 0.2877) / 2 + 0.1438 + 0.1308, abs=2e-4)


def test_without_dropout_both_passes_agree_and_the_divergence_is_nothing() -> None:
    still = model(dropout=0.0)
    wanted = translation_loss(still, batch(), 0.1)
    for loss in (r_drop_loss, one_pass_r_drop_loss):
        assert_close(loss(still, batch(), 0.1, 5.0), wanted)


def test_with_dropout_the_passes_differ_and_the_weight_decides_what_that_costs() -> None:
    costs = []
    for weight in (0.0, 1.0, 2.0):
        costs.append(r_drop_loss(model(), batch(), 0.1, weight).item())
    assert costs[1] > costs[0] + 1
    assert costs[2] - costs[1] == pytest.approx(costs[1] - costs[0], rel=1e-3)


def test_twice_is_twice_the_rows_and_as_many_tokens_of_data() -> None:
    doubled = twice(batch())
    assert doubled.source.shape[0] == 12 and torch.equal(doubled.target_out[:6], doubled.target_out[6:])
    assert (doubled.n_source, doubled.n_target) == (batch().n_source, batch().n_target)


def test_what_cannot_be_is_refused() -> None:
    targets = torch.tensor([0])
    with pytest.raises(ValueError, match=r"logits \(1, 3\) and \(1, 4\): both passes must have the same shape"):
        r_drop_cross_entropy(torch.zeros(1, 3), torch.zeros(1, 4), targets, 0.0, 1.0)
    with pytest.raises(ValueError, match="weight is -1.0: it must not be negative"):
        r_drop_cross_entropy(torch.zeros(1, 3), torch.zeros(1, 3), targets, 0.0, -1.0)
    with pytest.raises(ValueError, match="r_drop is -1.0: it must not be negative"):
        TrainingConfig(r_drop=-1.0)
    with pytest.raises(ValueError, match=r"\(1, 2, 3\): they must be \(2, N', d\)"):
        one_pass_r_drop(torch.zeros(1, 2, 3), torch.zeros(4, 3), targets, 0.0, 1.0)
    with pytest.raises(ValueError, match="4 targets for 3 rows"):
        one_pass_r_drop(torch.zeros(2, 3, 4), torch.zeros(7, 4), torch.zeros(4, dtype=torch.int64), 0.0, 1.0)


# --- in one pass -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weight", [0.0, 5.0])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_in_one_pass_loss_and_gradients_equal_the_plain_ones(smoothing: float, weight: float) -> None:
    hidden, table, targets = random_passes()
    found = one_pass_r_drop(hidden, table, targets, smoothing, weight)
    wanted = r_drop_cross_entropy(*(hidden[:, :4] @ table.T), targets, smoothing, weight)
    assert_close(found, wanted)
    for ours, theirs in zip(*(torch.autograd.grad(3 * loss, (hidden, table)) for loss in (found, wanted)), strict=True):
        assert_close(ours, theirs)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_its_gradient_is_the_numerical_one(smoothing: float) -> None:
    hidden, table, targets = random_passes()
    assert torch.autograd.gradcheck(lambda h, t: one_pass_r_drop(h, t, targets, smoothing, 5.0), (hidden, table))


def loss_and_gradients(fast: bool, smoothing: float, dtype: torch.dtype = torch.float32) -> tuple[float, Tensor]:
    """Of one model on one batch with padding and dropout, the same masks each time."""
    trained = model().to(dtype)
    torch.manual_seed(11)
    loss = (one_pass_r_drop_loss if fast else r_drop_loss)(trained, batch(), smoothing, 5.0)
    loss.backward()
    return loss.item(), torch.cat([p.grad.flatten().float() for p in trained.parameters()])


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_model_learns_the_same_from_both(smoothing: float) -> None:
    (found, ours), (wanted, theirs) = (loss_and_gradients(fast, smoothing) for fast in (True, False))
    assert found == pytest.approx(wanted, rel=1e-5)
    assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


def test_in_bfloat16_loss_and_gradient_stay_close_to_float32() -> None:
    (found, ours), (wanted, theirs) = loss_and_gradients(True, 0.1, torch.bfloat16), loss_and_gradients(False, 0.1)
    assert found == pytest.approx(wanted, rel=0.01)
    assert torch.cosine_similarity(ours, theirs, dim=0) > 0.999


# --- in a run --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("speedups", [(), SPEEDUPS], ids=["plain", "fast"])
@pytest.mark.parametrize("weight", [0.0, 5.0])
def test_the_configuration_alone_decides_the_loss(weight: float, speedups: tuple[str, ...]) -> None:
    trained = model(dropout=0.0)
    speed_up(trained, speedups, seed=1)
    loss = loss_of(TrainingConfig(label_smoothing=0.2, r_drop=weight, speedups=speedups))
    assert_close(loss(trained, batch()), translation_loss(trained, batch(), 0.2))
    name = loss.func.__name__
    assert ("r_drop" in name) == bool(weight) and name.startswith("one_pass") == bool(speedups)


@pytest.mark.parametrize("speedups", [(), SPEEDUPS], ids=["plain", "fast"])
def test_a_run_with_it_counts_tokens_of_data(speedups: tuple[str, ...]) -> None:
    rows: dict[float, dict] = {}
    for weight in (0.0, 5.0):
        run = prepare(tiny_preset(r_drop=weight, speedups=speedups, validate_every=0), Budget(steps=2))
        run.trainer.on_log = lambda row, weight=weight: rows.update({weight: row})
        run.trainer.run()
    assert rows[0.0]["tokens"] == rows[5.0]["tokens"] > 100
    assert rows[5.0]["loss"] > rows[0.0]["loss"]
