"""Notebook 04's exercises beyond what holds for all: the references are PyTorch's, the pencil numbers are what the library computes."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lessons_lib.exercises.blocks import bend, loud_norm, mix, pre_norm_block, quiet_norm, starting_std
from lessons_lib.exercises.framework import Verdict, find
from lessons_lib.exercises.norms import layer_norm
from lessons_lib.layers import FeedForward, Residual

X = torch.tensor([-1.0, 3.0, -1.0, 3.0])


def verdict(key: str, answer: object) -> Verdict:
    return find(key).verdict(answer)


def sublayer(x: torch.Tensor) -> torch.Tensor:
    return F.relu(x[..., [0, 2, 1, 3]])


def test_the_parameters_are_those_of_the_librarys_network() -> None:
    network = FeedForward(4, 16, nn.ReLU(), nn.Identity())
    assert sum(p.numel() for p in network.parameters()) == find("blocks.count_parameters").solution


def test_the_norm_by_hand_is_pytorchs() -> None:
    wanted = F.layer_norm(torch.tensor([6.0, 6.0, 0.0, 8.0]), (4,))
    torch.testing.assert_close(torch.tensor(find("norms.by_hand").solution), wanted, atol=0.005, rtol=0)


@pytest.mark.parametrize("placement", ["pre", "post"])
def test_the_rows_by_hand_are_the_librarys_residual(placement: str) -> None:
    around = Residual(4, placement, nn.Identity())
    wanted = around.leave(X, sublayer(around.enter(X)))
    solution = torch.tensor(find(f"blocks.{placement}_by_hand").solution)
    torch.testing.assert_close(wanted.detach(), solution, atol=0.005, rtol=0)


def test_each_arrangement_is_met_by_its_own_words() -> None:
    """The slips are not only numbers: each is what that arrangement gives."""
    norm = layer_norm
    pre = {
        "normed x": norm(X) + sublayer(norm(X)),
        "on the sublayer's output": X + norm(sublayer(X)),
        "way around is missing": sublayer(norm(X)),
        "without any norm": X + sublayer(X),
        "post-norm": norm(X + sublayer(X)),
        "swap is missing": X + F.relu(norm(X)),
        "n − 1": X + sublayer((X - X.mean()) / X.std()),
        "variance": X + sublayer((X - X.mean()) / X.var(correction=0)),
        "RMSNorm": X + sublayer(F.rms_norm(X, (4,))),
        "ReLU was left out": X + norm(X)[[0, 2, 1, 3]],
    }
    for words, answer in pre.items():
        assert words in verdict("blocks.pre_by_hand", answer).text, words
    total = X + sublayer(X)
    post = {
        "norm comes last": total,
        "pre-norm": X + sublayer(norm(X)),
        "way around is missing": norm(sublayer(X)),
        "on the sublayer's output": X + norm(sublayer(X)),
        "n − 1": (total - total.mean()) / total.std(),
        "variance": (total - total.mean()) / total.var(correction=0),
        "RMSNorm": F.rms_norm(total, (4,)),
        "ReLU is missing": norm(X + X[[0, 2, 1, 3]]),
        "leave the swap out": norm(X + F.relu(X)),
        "before f as well": norm(X + sublayer(norm(X))),
    }
    for words, answer in post.items():
        assert words in verdict("blocks.post_by_hand", answer).text, words


def test_layer_norm_is_pytorchs_and_other_right_ways_pass() -> None:
    x = torch.randn(2, 3, 7, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(layer_norm(x), F.layer_norm(x, (7,)))

    def by_moments(x: torch.Tensor) -> torch.Tensor:
        mean, square = x.mean(dim=-1, keepdim=True), x.square().mean(dim=-1, keepdim=True)
        return (x - mean) * (square - mean.square() + 1e-5).rsqrt()

    assert verdict("norms.layer_norm", by_moments).status == "right"
    assert verdict("norms.layer_norm", lambda x: F.layer_norm(x, x.shape[-1:])).status == "right"


def test_layer_norm_without_keepdim_is_told_what_keepdim_does() -> None:
    def forgotten(x: torch.Tensor) -> torch.Tensor:
        return (x - x.mean(dim=-1)) / (x.var(dim=-1, correction=0) + 1e-5).sqrt()

    said = verdict("norms.layer_norm", forgotten)
    assert said.status == "wrong" and "keepdim=True keeps the side" in said.text


def test_the_block_is_two_of_the_librarys_residuals() -> None:
    x = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    first, second = Residual(4, "pre", nn.Identity()), Residual(4, "pre", nn.Identity())
    nn.init.constant_(second.norm.weight, 2.0)
    nn.init.constant_(second.norm.bias, 1.0)
    middle = first.leave(x, mix(first.enter(x)))
    wanted = second.leave(middle, bend(second.enter(middle)))
    torch.testing.assert_close(pre_norm_block(x, mix, bend, quiet_norm, loud_norm), wanted)


def test_the_starting_scale_does_what_it_promises() -> None:
    torch.manual_seed(0)
    x = torch.randn(2000, 64)
    assert (x @ torch.randn(64, 500) * starting_std(64, None)).std().item() == pytest.approx(1, abs=0.02)
    depth = 16
    answers = [torch.randn(2000, 64) @ torch.randn(64, 64) * starting_std(64, depth) for _ in range(2 * depth)]
    assert torch.stack(answers).sum(dim=0).std().item() == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("key", ["norms.layer_norm", "blocks.pre_norm_block", "blocks.starting_std"])
def test_a_stub_is_not_attempted(key: str) -> None:
    def stub(*arguments: object, **named: object) -> None: ...

    assert verdict(key, stub).status == "not attempted"
