"""Each piece that makes training fast computes what the plain piece computes."""

import dataclasses
from functools import partial

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from lessons_lib.attention import MultiHeadAttention, causal_mask
from lessons_lib.batching import Batch, make_batch
from lessons_lib.config import SPEEDUPS, Budget, ModelConfig, TrainingConfig
from lessons_lib.layers import Dropout
from lessons_lib.losses import label_smoothed_cross_entropy, translation_loss
from lessons_lib.models import EncoderDecoder
from lessons_lib.one_pass import one_pass_cross_entropy, one_pass_translation_loss
from lessons_lib.speedups import PackedAttention, PooledDropout, _MaskedSoftmax, loss_function, mask_pool, speed_up
from lessons_lib.training import Trainer

CONFIG = ModelConfig(vocabulary_size=50, d_model=16, n_heads=4, d_ff=32, n_encoder_layers=2, n_decoder_layers=2, dropout=0.0)


def batch(seed: int = 0) -> Batch:
    """Seven pairs of uneven lengths."""
    generator = torch.Generator().manual_seed(seed)
    rows = [torch.randint(4, 50, (n,), generator=generator).tolist() for n in (3, 9, 5, 7, 1, 8, 4)]
    return make_batch(rows, rows[::-1], 0, 1, 2)


def fast_and_plain(names: tuple[str, ...], **fields: object) -> tuple[EncoderDecoder, EncoderDecoder]:
    """Two models with equal weights, the first made of the faster pieces."""
    torch.manual_seed(3)
    plain = EncoderDecoder(dataclasses.replace(CONFIG, **fields))
    fast = EncoderDecoder(plain.config)
    fast.load_state_dict(plain.state_dict())
    speed_up(fast, names, seed=1)
    return fast, plain


# --- dropout from a pool ---------------------------------------------------------------------------------------------------------------


def test_the_pool_drops_the_share_it_should_and_keeps_the_mean() -> None:
    pool = mask_pool(0.2, torch.float32, seed=1)
    assert set(pool.unique().tolist()) == {0.0, 1.25}
    assert (pool == 0).float().mean().item() == pytest.approx(0.2, abs=0.001)
    assert pool.mean().item() == pytest.approx(1, abs=0.002)


def test_neighbours_in_the_pool_are_dropped_independently() -> None:
    dropped = (mask_pool(0.3, torch.float32, seed=1) == 0).float()
    for distance in (1, 64, 128 * 20):
        both = (dropped[distance:] * dropped[:-distance]).mean().item()
        assert both == pytest.approx(0.09, abs=0.002), distance


def test_every_place_is_dropped_as_often_as_p_says_over_many_steps() -> None:
    torch.manual_seed(0)
    dropout = PooledDropout(0.25, mask_pool(0.25, torch.float32, seed=1))
    dropped = torch.stack([dropout(torch.ones(50)) == 0 for _ in range(4000)]).float().mean(dim=0)  # (50,)
    assert dropped.min() > 0.21 and dropped.max() < 0.29  # six standard errors of 0.0068


def test_two_masks_of_one_layer_differ_and_a_seed_brings_the_first_back() -> None:
    dropout = PooledDropout(0.5, mask_pool(0.5, torch.float32, seed=1))
    torch.manual_seed(0)
    first, second = dropout(torch.ones(8, 40)), dropout(torch.ones(8, 40))
    torch.manual_seed(0)
    assert not torch.equal(first, second)
    assert torch.equal(dropout(torch.ones(8, 40)), first)


def test_nothing_is_dropped_in_evaluation_and_beyond_the_pool_it_is_dropped_as_usual() -> None:
    dropout = PooledDropout(0.5, torch.ones(10))
    assert set(dropout(torch.ones(100)).tolist()) == {0.0, 2.0}
    assert torch.equal(dropout.eval()(torch.ones(12)), torch.ones(12))


# --- attention -------------------------------------------------------------------------------------------------------------------------


def attention_with_gradients(attention: MultiHeadAttention, x: Tensor, source: Tensor | None, mask: Tensor | None) -> list[Tensor]:
    """Output, weights, and the gradients of everything that takes part."""
    parts = [x, *([] if source is None else [source]), *attention.parameters()]
    for part in parts:
        part.grad = None
    output, weights = attention(x, source, mask)
    (output * torch.linspace(-1, 1, output.numel()).view(output.shape)).sum().backward()
    return [output, weights, *(part.grad for part in parts)]


HIDDEN = torch.tensor([[True, True, False, True, False]])
MASKS = {"none": None, "causal": causal_mask(5), "padding": HIDDEN[:, None, None, :], "a row of nothing": causal_mask(5).tril(-1)}


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS.keys())
@pytest.mark.parametrize("cross", [False, True], ids=["self", "cross"])
def test_packed_attention_and_its_gradients_equal_the_plain_ones(mask: Tensor | None, cross: bool) -> None:
    torch.manual_seed(1)
    plain = MultiHeadAttention(16, 4)
    x = torch.randn(2, 5, 16, requires_grad=True)
    source = torch.randn(2, 5, 16, requires_grad=True) if cross else None
    wanted = [t.clone() for t in attention_with_gradients(plain, x, source, mask)]
    found = attention_with_gradients(PackedAttention(plain), x, source, mask)
    assert len(found) == len(wanted) == (12 if cross else 11)
    for one, other in zip(found, wanted, strict=True):
        assert_close(one, other, atol=2e-6, rtol=1e-5)


def test_the_gradient_of_the_masked_softmax_is_its_numerical_one() -> None:
    torch.manual_seed(1)
    scores = torch.randn(2, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda s: _MaskedSoftmax.apply(s, causal_mask(4), 0.7), (scores,))


# --- the loss --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_one_pass_loss_and_its_gradients_equal_the_plain_ones(smoothing: float) -> None:
    torch.manual_seed(1)
    hidden, table = torch.randn(9, 6, requires_grad=True), torch.randn(20, 6, requires_grad=True)
    targets = torch.randint(0, 20, (7,))
    plain = label_smoothed_cross_entropy(hidden[:7] @ table.T, targets, smoothing)
    wanted = torch.autograd.grad(plain / 7, (hidden, table))
    loss = one_pass_cross_entropy(hidden, table, targets, smoothing)
    found = torch.autograd.grad(loss / 7, (hidden, table))
    assert_close(loss, plain)
    assert_close(found, wanted)
    assert found[0][7:].abs().max() == 0


def test_the_gradient_of_the_one_pass_loss_is_its_numerical_one() -> None:
    torch.manual_seed(1)
    hidden = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    table = torch.randn(6, 3, dtype=torch.float64, requires_grad=True)
    targets = torch.tensor([5, 0, 2])
    assert torch.autograd.gradcheck(lambda h, t: one_pass_cross_entropy(h, t, targets, 0.2), (hidden, table))


def test_more_targets_than_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="3 targets for 2 rows"):
        one_pass_cross_entropy(torch.ones(2, 4), torch.ones(5, 4), torch.tensor([0, 1, 2]))


# --- together --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("placement", ["pre", "post"])
@pytest.mark.parametrize("names", [(), *[(name,) for name in SPEEDUPS], SPEEDUPS], ids=lambda names: "+".join(names) or "none")
def test_a_model_of_faster_pieces_has_the_same_loss_and_gradients(names: tuple[str, ...], placement: str) -> None:
    fast, plain = fast_and_plain(names, norm_placement=placement)
    wanted, found = translation_loss(plain, batch(), 0.1), loss_function(names)(fast, batch(), 0.1)
    wanted.backward()
    found.backward()
    assert_close(found, wanted)
    assert [name for name, _ in fast.named_parameters()] == [name for name, _ in plain.named_parameters()]
    for (name, one), other in zip(fast.named_parameters(), plain.parameters(), strict=True):
        assert_close(one.grad, other.grad, atol=1e-5, rtol=1e-4, msg=lambda text, name=name: f"{name}: {text}")


def test_every_dropout_is_replaced_that_of_the_weights_too() -> None:
    fast, _ = fast_and_plain(SPEEDUPS, dropout=0.2, attention_dropout=0.1)
    kinds = [type(m) for m in fast.modules()]
    assert Dropout not in kinds and MultiHeadAttention not in kinds
    assert {m.p for m in fast.modules() if isinstance(m, PooledDropout)} == {0.1, 0.2}
    assert fast.decoder.layers[0].cross_attention.dropout.p == 0.1


def test_in_bfloat16_loss_and_gradient_stay_close_to_float32() -> None:
    fast, plain = fast_and_plain(SPEEDUPS)
    fast.bfloat16()
    wanted, found = translation_loss(plain, batch(), 0.1), one_pass_translation_loss(fast, batch(), 0.1)
    wanted.backward()
    found.backward()
    assert found.item() == pytest.approx(wanted.item(), rel=0.01)
    ours = torch.cat([p.grad.flatten().float() for p in fast.parameters()])
    theirs = torch.cat([p.grad.flatten() for p in plain.parameters()])
    assert torch.cosine_similarity(ours, theirs, dim=0) > 0.999


def trained(names: tuple[str, ...], steps: int = 12) -> tuple[EncoderDecoder, list[float]]:
    """A tiny model after some steps, and its losses."""
    torch.manual_seed(5)
    config = TrainingConfig(learning_rate=1e-2, warmup_steps=2, micro_batches=2, log_every=1, ema_decay=0.5, speedups=names)
    losses: list[float] = []
    trainer = Trainer(
        EncoderDecoder(CONFIG), partial(loss_function(names), smoothing=0.1), lambda number: [batch(i) for i in range(4)], config,
        Budget(steps=steps), on_log=lambda row: losses.append(row["loss"]),
        quicken=partial(speed_up, names=names, seed=1) if names else None,
    )  # fmt: skip
    return trainer.run(), losses


def test_a_run_with_the_faster_pieces_is_the_plain_run() -> None:
    (fast, fast_losses), (plain, plain_losses) = trained(SPEEDUPS), trained(())
    assert plain_losses[-1] < plain_losses[0] - 0.5
    assert fast_losses == pytest.approx(plain_losses, abs=2e-3)
    assert_close(fast.table.weight, plain.table.weight, atol=2e-3, rtol=0)
    assert type(fast.encoder.layers[0].self_attention) is MultiHeadAttention


@pytest.mark.parametrize("training", [True, False])
def test_the_pieces_train_or_not_as_the_model_did_before(training: bool) -> None:
    model = EncoderDecoder(ModelConfig(vocabulary_size=10, d_model=8, n_heads=2, d_ff=8, dropout=0.3)).train(training)
    speed_up(model, SPEEDUPS, seed=1)
    assert {module.training for module in model.modules()} == {training}


def test_an_unknown_piece_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="no piece called turbo: use mask_pool, packed_attention, one_pass_loss"):
        speed_up(EncoderDecoder(CONFIG), ["turbo"], seed=1)
    with pytest.raises(ValueError, match="speedups is 'turbo': it must be one of mask_pool"):
        TrainingConfig(speedups=("turbo",))
