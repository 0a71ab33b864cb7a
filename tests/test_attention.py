"""Attention against PyTorch's own, and the properties that make it attention."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from lessons_lib.attention import KeyValueCache, MultiHeadAttention, causal_mask, padding_mask, scaled_dot_product_attention

B, H, T, S, D_HEAD, D_V = 3, 2, 5, 7, 4, 6


@pytest.fixture
def qkv() -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = ((B, H, T, D_HEAD), (B, H, S, D_HEAD), (B, H, S, D_V))
    q, k, v = (torch.randn(shape, generator=generator, dtype=torch.float64) * 3 for shape in shapes)
    return q, k, v


def random_mask() -> Tensor:
    mask = torch.rand(B, 1, T, S, generator=torch.Generator().manual_seed(1)) < 0.6
    mask[0, 0, 2] = False  # a query that may look at nothing
    mask[1, 0, 0] = torch.arange(S) == 3
    return mask


def test_attention_equals_pytorchs(qkv: tuple[Tensor, Tensor, Tensor]) -> None:
    output, weights = scaled_dot_product_attention(*qkv)
    torch.testing.assert_close(output, functional.scaled_dot_product_attention(*qkv))
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(B, H, T, dtype=torch.float64))
    torch.testing.assert_close(weights @ qkv[2], output)


@pytest.mark.parametrize("mask", [random_mask(), torch.rand(B, 1, 1, S) < 0.7], ids=["any", "padding"])
def test_masked_attention_equals_pytorchs(qkv: tuple[Tensor, Tensor, Tensor], mask: Tensor) -> None:
    mask[..., -1] |= ~mask.any(dim=-1) & (mask.shape[-2] == 1)
    output, weights = scaled_dot_product_attention(*qkv, mask)
    torch.testing.assert_close(output, functional.scaled_dot_product_attention(*qkv, attn_mask=mask))
    assert (weights[~mask.expand_as(weights)] == 0).all()


def test_causal_attention_equals_pytorchs(qkv: tuple[Tensor, Tensor, Tensor]) -> None:
    q, k, v = qkv[0], qkv[1][:, :, :T], qkv[2][:, :, :T]
    output, _ = scaled_dot_product_attention(q, k, v, causal_mask(T))
    torch.testing.assert_close(output, functional.scaled_dot_product_attention(q, k, v, is_causal=True))


def test_large_scores_do_not_overflow(qkv: tuple[Tensor, Tensor, Tensor]) -> None:
    q, k, v = (x.float() for x in qkv)
    output, _ = scaled_dot_product_attention(q * 1e4, k, v, random_mask())
    assert output.isfinite().all()


def test_a_query_that_may_look_at_nothing_gets_zero_and_finite_gradients(qkv: tuple[Tensor, Tensor, Tensor]) -> None:
    leaves = [x.requires_grad_() for x in qkv]
    output, weights = scaled_dot_product_attention(*leaves, random_mask())
    assert (output[0, :, 2] == 0).all() and (weights[0, :, 2] == 0).all()
    assert (output[0, :, 1] != 0).any()
    output.square().sum().backward()
    assert all(leaf.grad is not None and leaf.grad.isfinite().all() for leaf in leaves)
    assert leaves[0].grad is not None and (leaves[0].grad[0, :, 2] == 0).all()


def test_gradients_are_those_of_the_formula() -> None:
    generator = torch.Generator().manual_seed(2)
    leaves = [torch.randn(2, 3, n, generator=generator, dtype=torch.float64, requires_grad=True) for n in (2, 2, 3)]
    assert torch.autograd.gradcheck(lambda q, k, v: scaled_dot_product_attention(q, k, v, causal_mask(3)), leaves)


@pytest.mark.parametrize(
    ("shapes", "mask", "says"),
    [
        (((2, 3), (4, 5), (4, 3)), None, "width 3 and keys 5"),
        (((2, 3), (4, 3), (5, 3)), None, "4 keys but 5 values"),
        (((2, 3), (4, 3), (4, 3)), torch.ones(2, 4), "must be bool, True where looking is allowed"),
    ],
)
def test_wrong_input_is_named(shapes: tuple[tuple[int, int], ...], mask: Tensor | None, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        scaled_dot_product_attention(*(torch.zeros(shape) for shape in shapes), mask=mask)


def test_masks_by_hand() -> None:
    assert causal_mask(3).tolist() == [[True, False, False], [True, True, False], [True, True, True]]
    assert padding_mask(torch.tensor([[5, 6, 0], [7, 0, 0]]), 0).tolist() == [[[[True, True, False]]], [[[True, False, False]]]]


def twins(d_model: int = 8, n_heads: int = 2) -> tuple[MultiHeadAttention, nn.MultiheadAttention]:
    """Ours and PyTorch's with the same weights."""
    torch.manual_seed(3)
    ours, theirs = MultiHeadAttention(d_model, n_heads), nn.MultiheadAttention(d_model, n_heads, batch_first=True)
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.normal_()
        projections = (ours.project_q, ours.project_k, ours.project_v)
        for i, projection in enumerate(projections):
            projection.weight.copy_(theirs.in_proj_weight[i * d_model : (i + 1) * d_model])
            projection.bias.copy_(theirs.in_proj_bias[i * d_model : (i + 1) * d_model])
        ours.project_out.load_state_dict(theirs.out_proj.state_dict())
    return ours, theirs


def test_multi_head_equals_pytorchs_in_self_attention() -> None:
    ours, theirs = twins()
    x = torch.randn(B, T, 8)
    wanted, wanted_weights = theirs(x, x, x, attn_mask=~causal_mask(T), average_attn_weights=False)
    output, weights = ours(x, mask=causal_mask(T))
    torch.testing.assert_close(output, wanted)
    torch.testing.assert_close(weights, wanted_weights)


def test_multi_head_equals_pytorchs_in_cross_attention_with_padding() -> None:
    ours, theirs = twins(12, 3)
    x, source = torch.randn(B, T, 12), torch.randn(B, S, 12)
    ids = torch.tensor([[1] * S, [1] * 4 + [0] * 3, [1] + [0] * 6])
    wanted, wanted_weights = theirs(x, source, source, key_padding_mask=ids == 0, average_attn_weights=False)
    output, weights = ours(x, source, padding_mask(ids, 0))
    torch.testing.assert_close(output, wanted)
    torch.testing.assert_close(weights, wanted_weights)


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValueError, match="3 heads cannot share a width of 8"):
        MultiHeadAttention(8, 3)


def test_a_cache_gives_what_the_whole_sequence_gives() -> None:
    ours, _ = twins()
    x, cache = torch.randn(B, T, 8), KeyValueCache()
    whole, _ = ours(x, mask=causal_mask(T))
    steps = [ours(x[:, t : t + 1], cache=cache)[0] for t in range(T)]
    torch.testing.assert_close(torch.cat(steps, dim=1), whole)
    assert cache.length == T


def test_the_cache_of_cross_attention_is_filled_once() -> None:
    ours, _ = twins()
    x, source, cache = torch.randn(B, T, 8), torch.randn(B, S, 8), KeyValueCache()
    whole, _ = ours(x, source)
    steps = [ours(x[:, t : t + 1], source if t == 0 else torch.zeros_like(source), cache=cache)[0] for t in range(T)]
    torch.testing.assert_close(torch.cat(steps, dim=1), whole)
    assert cache.length == S


def test_reordering_a_cache_moves_its_rows() -> None:
    ours, _ = twins()
    x, cache = torch.randn(B, T, 8), KeyValueCache()
    ours(x[:, :-1], cache=cache)
    rows = torch.tensor([2, 0, 0])
    cache.reorder(rows)
    output, _ = ours(x[rows, -1:], cache=cache)
    torch.testing.assert_close(output, ours(x, mask=causal_mask(T))[0][rows, -1:])
