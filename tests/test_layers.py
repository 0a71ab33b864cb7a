"""Dropout's statistics, residuals by hand, layers of the block."""

import pytest
import torch
from tiny_models import tiny_config
from torch import nn

from lessons_lib.layers import DecoderLayer, Dropout, EncoderLayer, FeedForward, LayerCache, Residual, initialise, make_dropout

N = 400_000


def kept(p: float, n: int = N) -> torch.Tensor:
    """Which of n ones survive, float32 0 or 1."""
    torch.manual_seed(7)
    return (Dropout(p)(torch.ones(n)) != 0).float()


@pytest.mark.parametrize("p", [0.1, 0.3, 0.75])
def test_dropout_drops_its_share_in_every_lane(p: float) -> None:
    """One draw of 64 bits decides four numbers: each of the four must have the right rate."""
    spread = (p * (1 - p) / (N / 4)) ** 0.5
    for lane in range(4):
        assert 1 - kept(p)[lane::4].mean().item() == pytest.approx(p, abs=4.5 * spread)


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_dropped_numbers_are_independent_of_their_neighbours(p: float) -> None:
    survivors = kept(p).double() - (1 - p)
    for distance in (1, 2, 3, 4, 5, 8, 256):
        for lane in range(4):
            product = (survivors[:-distance] * survivors[distance:])[lane::4]
            correlation = product.mean().item() / (p * (1 - p))
            assert abs(correlation) < 4.5 * product.numel() ** -0.5, (distance, lane)


def test_what_survives_is_scaled_so_that_the_mean_stays() -> None:
    torch.manual_seed(8)
    x = torch.randn(1001, 7)  # no multiple of four
    y = Dropout(0.25)(x)
    assert y.shape == x.shape
    torch.testing.assert_close(y[y != 0], (x / 0.75)[y != 0])
    assert Dropout(0.25)(torch.ones(N)).mean().item() == pytest.approx(1, abs=0.006)


def test_dropout_reaches_the_gradient_and_changes_from_call_to_call() -> None:
    dropout, x = Dropout(0.5), torch.ones(64, requires_grad=True)
    y = dropout(x)
    y.sum().backward()
    assert x.grad is not None and torch.equal(x.grad, y.detach())
    assert not torch.equal(dropout(x), y)


def test_dropout_is_drawn_from_the_seed() -> None:
    assert torch.equal(kept(0.3, 100), kept(0.3, 100))


def test_dropout_keeps_type_and_layout() -> None:
    x = torch.ones(6, 5, dtype=torch.bfloat16).T
    y = Dropout(0.5)(x)
    assert y.dtype == torch.bfloat16 and set(y.flatten().tolist()) <= {0.0, 2.0}


def test_no_dropout_in_evaluation_and_none_at_all_for_zero() -> None:
    x = torch.randn(100)
    assert torch.equal(Dropout(0.5).eval()(x), x)
    assert isinstance(make_dropout(0.0), nn.Identity)
    assert isinstance(make_dropout(0.1), Dropout)


class Swap(nn.Module):
    """The pencil example's sublayer: swap the middle two of four, then ReLU."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[..., [0, 2, 1, 3]].relu()


@pytest.mark.parametrize(("placement", "wanted"), [("pre", [0, 1, 4, 5]), ("post", [-1.414, 0, 0, 1.414])])
def test_pre_and_post_norm_of_the_pencil_example(placement: str, wanted: list[float]) -> None:
    around, x = Residual(4, placement, nn.Identity()), torch.tensor([[[0.0, 0, 4, 4]]])
    y = around.leave(x, Swap()(around.enter(x)))
    torch.testing.assert_close(y[0, 0], torch.tensor(wanted, dtype=torch.float32), atol=1e-3, rtol=0)


def test_feed_forward_acts_on_each_position_alone() -> None:
    layer = FeedForward(4, 8, nn.ReLU(), nn.Identity())
    x = torch.randn(2, 3, 4)
    torch.testing.assert_close(layer(x)[:, 1], layer(x[:, 1]))
    by_hand = torch.relu(x @ layer.expand.weight.T + layer.expand.bias) @ layer.contract.weight.T + layer.contract.bias
    torch.testing.assert_close(layer(x), by_hand)


@pytest.mark.parametrize("placement", ["pre", "post"])
def test_every_dropout_of_a_layer_is_used(placement: str) -> None:
    """In training mode each of the dropouts is called: attention's, the feed-forward's, and one a residual."""
    config = tiny_config(dropout=0.2, attention_dropout=0.2, norm_placement=placement)
    memory = torch.randn(2, 3, 16)
    calls: list[nn.Module] = []
    for layer, arguments, count in ((EncoderLayer(config), (None,), 4), (DecoderLayer(config), (None, memory, None), 6)):
        dropouts = [module for module in layer.modules() if isinstance(module, Dropout)]
        for module in dropouts:
            module.register_forward_hook(lambda module, *_: calls.append(module))
        layer.train()(torch.randn(2, 5, 16), *arguments)
        assert len(calls) == len(dropouts) == count
        calls.clear()


def test_a_layers_cache_holds_both_attentions_and_reorders_both() -> None:
    layer, cache = DecoderLayer(tiny_config()).eval(), LayerCache()
    x, memory = torch.randn(2, 3, 16), torch.randn(2, 4, 16)
    steps = []
    for t in range(3):
        if t == 2:
            cache.reorder(torch.tensor([1, 0]))
        steps.append(layer(x[:, t : t + 1], None, memory, None, cache))
    x = torch.cat((x[:, :2], x[[1, 0], 2:]), dim=1)
    whole = layer(x, torch.ones(3, 3, dtype=torch.bool).tril(), memory, None)
    torch.testing.assert_close(torch.cat((*steps[:2], steps[2][[1, 0]]), dim=1), whole)


def test_initial_weights() -> None:
    linear, table = nn.Linear(400, 200), nn.Embedding(2000, 64, padding_idx=0)
    for module in (linear, table):
        initialise(module)
    assert linear.weight.std().item() == pytest.approx((2 / 600) ** 0.5, rel=0.02)
    assert (linear.bias == 0).all() and (table.weight[0] == 0).all()
    assert table.weight[1:].std().item() == pytest.approx(1 / 8, rel=0.02)


def test_the_feed_forwards_dropout_may_differ() -> None:
    inner, outer = (lambda layer: layer.feed_forward.dropout), (lambda layer: layer.around_attention.dropout)
    for given, wanted in ((None, 0.2), (0.1, 0.1)):
        layer = EncoderLayer(tiny_config(dropout=0.2, activation_dropout=given))
        assert (inner(layer).p, outer(layer).p) == (wanted, 0.2)
    assert isinstance(inner(EncoderLayer(tiny_config(dropout=0.2, activation_dropout=0.0))), nn.Identity)
    with pytest.raises(ValueError, match="activation_dropout is 1.0: it must be at least 0 and below 1"):
        tiny_config(activation_dropout=1.0)
