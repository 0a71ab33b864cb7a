"""Notebook 05's exercises beyond what holds for all: answers are the library's, other right ways pass, small slips get their words."""

import pytest
import torch
import torch.nn.functional as F
from tiny_models import tiny_config
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from lessons_lib.attention import causal_mask
from lessons_lib.exercises.counting import multiply_adds
from lessons_lib.exercises.framework import Verdict, find
from lessons_lib.exercises.whole_model import THREE, Predictor, attend, looks_back, looks_everywhere, moved, norm, paper_layer, think
from lessons_lib.models import EncoderDecoder

TOY = dict(d_model=4, n_heads=2, d_ff=8, n_encoder_layers=1, n_decoder_layers=1)


def verdict(key: str, answer: object) -> Verdict:
    return find(key).verdict(answer)


@pytest.mark.parametrize("answer", [[8, 16], (8.0, 16), torch.tensor([8, 16]), ["8", "16"]])
def test_the_mirrors_bits_in_any_carrier(answer: object) -> None:
    assert verdict("whole_model.mirror_bits", answer).status == "right"


def test_the_mirrors_bits_are_the_products() -> None:
    right, mirror = torch.tensor([0.5, 0.5, 1, 0.5, 0.5, 1]).prod(), torch.tensor([0.5, 0.25, 0.5, 0.5, 0.25, 0.5]).prod()
    assert find("whole_model.mirror_bits").solution == [-mirror.log2().item(), (right / mirror).item()]
    assert "Number 2 is off" in verdict("whole_model.mirror_bits", [8, 15]).text


def test_the_shape_is_that_of_the_librarys_cross_attention() -> None:
    layer = EncoderDecoder(tiny_config(d_model=128, n_heads=4)).decoder.layers[0]
    weights = layer.cross_attention(torch.randn(2, 3, 128), torch.randn(2, 5, 128))[1]
    assert list(weights.shape) == find("whole_model.shapes").solution


def test_the_papers_layer_is_pytorchs_without_its_matrices() -> None:
    """`nn.TransformerDecoderLayer`, post-norm, one head, every matrix the identity, in float32."""
    theirs = nn.TransformerDecoderLayer(4, 1, 4, dropout=0.0, batch_first=True, norm_first=False)
    with torch.no_grad():
        for parameter in theirs.parameters():
            if parameter.dim() == 2:
                parameter.copy_(torch.eye(4).repeat(len(parameter) // 4, 1))
        for name, parameter in theirs.named_parameters():
            if name.endswith("bias"):
                parameter.zero_()
    x, memory = THREE, torch.randn(5, 4, generator=torch.Generator().manual_seed(2))
    wanted = theirs(x[None], memory[None], tgt_mask=~causal_mask(3))[0]
    torch.testing.assert_close(paper_layer(x, memory, causal_mask(3)), wanted, atol=1e-5, rtol=0)


def test_the_papers_layer_may_be_written_out() -> None:
    def written_out(x: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
        for f in (lambda x: attend(x, x, x, mask=mask), lambda x: attend(q=x, k=memory, v=memory), think):
            x = norm(x + f(x))
        return x

    def by_pytorch(x: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
        x = F.layer_norm(x + F.scaled_dot_product_attention(x[None], x[None], x[None], mask)[0], (4,))
        x = F.layer_norm(x + F.scaled_dot_product_attention(x[None], memory[None], memory[None])[0], (4,))
        return F.layer_norm(x + F.relu(x), (4,))

    assert verdict("whole_model.paper_layer", written_out).status == "right"
    assert verdict("whole_model.paper_layer", by_pytorch).status == "right"


def test_what_moved_in_the_checks_models() -> None:
    ids = torch.tensor([1, 3, 5, 7])
    assert moved(looks_back, ids, 2, 6).tolist() == [False, False, True, True]
    assert moved(looks_everywhere, ids, 2, 6).all()


def test_what_moved_may_be_found_in_other_ways() -> None:
    def by_distance(model: Predictor, ids: Tensor, place: int, new: int) -> Tensor:
        other = torch.cat((ids[:place], torch.tensor([new]), ids[place + 1 :]))
        return (model(other) - model(ids)).abs().amax(dim=-1) > 0

    assert verdict("whole_model.moved", by_distance).status == "right"


def test_a_small_leak_and_two_columns_that_cancel_are_not_overlooked() -> None:
    def by_closeness(model: Predictor, ids: Tensor, place: int, new: int) -> Tensor:
        other = ids.clone()
        other[place] = new
        return ~torch.isclose(model(other), model(ids)).all(dim=-1)

    def by_sum(model: Predictor, ids: Tensor, place: int, new: int) -> Tensor:
        other = ids.clone()
        other[place] = new
        return model(other).sum(dim=-1) != model(ids).sum(dim=-1)

    assert "a small difference counts as none" in verdict("whole_model.moved", by_closeness).text
    assert "+1 and -1 cancel" in verdict("whole_model.moved", by_sum).text


def test_a_mask_on_the_memory_is_named_though_its_shape_does_not_fit_elsewhere() -> None:
    def masked_twice(x: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
        x = norm(x + attend(x, x, x, mask))
        x = norm(x + attend(x, memory, memory, mask))
        return norm(x + think(x))

    assert "the second attention has the mask, too" in verdict("whole_model.paper_layer", masked_twice).text


def test_changing_the_readers_ids_is_told() -> None:
    def in_place(model: Predictor, ids: Tensor, place: int, new: int) -> Tensor:
        before = model(ids)
        ids[place] = new
        return (model(ids) != before).any(dim=-1)

    assert "changes what it was given" in verdict("whole_model.moved", in_place).text


def test_the_parameters_are_the_models() -> None:
    assert find("counting.parameters").solution == EncoderDecoder(tiny_config(10, **TOY)).n_parameters
    without_biases = EncoderDecoder(tiny_config(10, **TOY))
    attention_biases = [p for name, p in without_biases.named_parameters() if "project" in name and name.endswith("bias")]
    assert "biases of the three attentions" in verdict("counting.parameters", 488 - sum(p.numel() for p in attention_biases)).text
    assert "heads share the width" in verdict("counting.parameters", 680).text.lower()


@pytest.mark.parametrize(("S", "T", "d", "d_ff", "V"), [(5, 6, 4, 8, 10), (3, 7, 8, 16, 20), (9, 2, 16, 32, 40)])
def test_pytorch_counts_twice_the_multiply_adds(S: int, T: int, d: int, d_ff: int, V: int) -> None:
    model = EncoderDecoder(tiny_config(V, **(TOY | dict(d_model=d, d_ff=d_ff)))).eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.full((1, S), 3), torch.full((1, T), 3))
    assert counter.get_total_flops() == 2 * multiply_adds(S, T, d, d_ff, V)
