"""Notebook 02's own functions, taken out of its source: equal to PyTorch's and the library's on inputs the notebook does not try."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lessons_lib.attention import MultiHeadAttention, causal_mask, padding_mask

SOURCE = Path(__file__).resolve().parents[1] / "notebooks" / "source" / "02_multi_head_attention.py"


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture(scope="module")
def notebook() -> dict[str, Any]:
    """The functions `attend`, `split`, `merge` and `multi_head_self` as the notebook's cells define them."""
    found = re.findall(r"^def (?:attend|split|merge|multi_head_self)\(.*?(?=\n\n|\n\S)", SOURCE.read_text(encoding="utf-8"), re.M | re.S)
    names: dict[str, Any] = {"torch": torch}
    exec("\n\n".join(found), names)  # noqa: S102 - the notebook's own cells
    assert {"attend", "split", "merge", "multi_head_self"} <= names.keys()
    return names


def test_attend_is_pytorchs_with_and_without_a_mask(notebook: dict[str, Any]) -> None:
    q, k, v = (torch.randn(2, 3, n, d) for n, d in ((5, 4), (7, 4), (7, 6)))
    mask = padding_mask(torch.tensor([[1] * 7, [1, 2, 3, 0, 0, 0, 0]]), 0)
    for given in (None, mask):
        output, weights = notebook["attend"](q, k, v, given)
        torch.testing.assert_close(output, F.scaled_dot_product_attention(q, k, v, attn_mask=given))
        torch.testing.assert_close(weights.sum(dim=-1), torch.ones(2, 3, 5))


def test_split_and_merge_are_the_librarys(notebook: dict[str, Any]) -> None:
    x, library = torch.randn(2, 5, 12), MultiHeadAttention(12, 3)
    torch.testing.assert_close(notebook["split"](x, 3), library.split(x))
    torch.testing.assert_close(notebook["merge"](library.split(x)), x)


@pytest.mark.parametrize("n_heads", [1, 2, 4])
def test_many_heads_are_pytorchs_and_the_librarys(notebook: dict[str, Any], n_heads: int) -> None:
    x, matrices = torch.randn(2, 5, 8), [torch.randn(8, 8) for _ in range(4)]
    output, weights = notebook["multi_head_self"](x, *matrices, n_heads)
    theirs = nn.MultiheadAttention(8, n_heads, bias=False, batch_first=True).requires_grad_(False)
    theirs.in_proj_weight.copy_(torch.cat(matrices[:3], dim=1).T)
    theirs.out_proj.weight.copy_(matrices[3].T)
    wanted, wanted_weights = theirs(x, x, x, average_attn_weights=False)
    torch.testing.assert_close(output, wanted, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(weights, wanted_weights, atol=1e-5, rtol=1e-4)
    library = MultiHeadAttention(8, n_heads).requires_grad_(False)
    layers = (library.project_q, library.project_k, library.project_v, library.project_out)
    for layer, matrix in zip(layers, matrices, strict=True):
        layer.weight.copy_(matrix.T)
        layer.bias.zero_()
    torch.testing.assert_close(output, library(x)[0], atol=1e-4, rtol=1e-4)


def test_pytorchs_masks_are_the_opposite_and_a_row_of_nothing_is_nan_or_zero() -> None:
    theirs = nn.MultiheadAttention(4, 2, bias=False, batch_first=True).requires_grad_(False)
    x = torch.randn(1, 3, 4)
    unturned = theirs(x, x, x, attn_mask=causal_mask(3))[0]
    assert unturned[0, 2].isnan().all() and unturned[0, :2].isfinite().all()
    nothing = torch.ones(1, 3, dtype=torch.bool)
    assert theirs(x, x, x, key_padding_mask=nothing)[0].isnan().all()
    assert (theirs(x, x, x, key_padding_mask=nothing, need_weights=False)[0] == 0).all()


def test_a_row_of_nothing_spoils_every_gradient_of_the_values_with_minus_infinity_only(notebook: dict[str, Any]) -> None:
    x, allowed = torch.randn(3, 4), torch.ones(3, 3, dtype=torch.bool)
    allowed[2] = False
    for function, is_spoilt in ((notebook["attend"], True), (MultiHeadAttention, False)):
        W = torch.randn(4, 4, requires_grad=True)
        if function is MultiHeadAttention:
            layer = MultiHeadAttention(4, 2)
            layer(x[None], mask=allowed)[0][0, :2].sum().backward()
            gradient = layer.project_v.weight.grad
        else:
            function(x, x, x @ W, allowed)[0][:2].sum().backward()
            gradient = W.grad
        assert gradient is not None and bool(gradient.isnan().all()) is is_spoilt and bool(gradient.isfinite().all()) is not is_spoilt
