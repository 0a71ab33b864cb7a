"""The whole model against `nn.Transformer`, and what must hold for any input: padding, the future, order, the cache."""

from typing import Any

import pytest
import torch
from tiny_models import tiny_config, tiny_model
from torch import Tensor, nn

from lessons_lib.attention import causal_mask
from lessons_lib.batching import pad
from lessons_lib.models import DecodingState, EncoderDecoder

SOURCES = [[5, 6, 7, 8, 9, 10, 2], [11, 12, 2], [13, 2]]
TARGETS = [[1, 14, 15], [1, 16, 17, 18, 19, 20], [1]]
EVERY_KIND = [dict(norm_placement=n, positions=p) for n in ("pre", "post") for p in ("sinusoidal", "learned", "rotary")]


def copy_attention(ours: nn.Module, theirs: nn.MultiheadAttention) -> None:
    projections = [ours.project_q, ours.project_k, ours.project_v]
    theirs.in_proj_weight.data = torch.cat([p.weight for p in projections])
    theirs.in_proj_bias.data = torch.cat([p.bias for p in projections])
    theirs.out_proj.load_state_dict(ours.project_out.state_dict())


def pytorch_twin(model: EncoderDecoder) -> nn.Transformer:
    """`nn.Transformer` with our model's weights. In training mode: its fast path of evaluation leaves padding out of the result."""
    c = model.config
    twin = nn.Transformer(
        c.d_model, c.n_heads, c.n_encoder_layers, c.n_decoder_layers, c.d_ff, dropout=0.0, activation=c.activation,
        batch_first=True, norm_first=c.norm_placement == "pre",
    )  # fmt: skip
    for ours, theirs in zip([*model.encoder.layers, *model.decoder.layers], [*twin.encoder.layers, *twin.decoder.layers], strict=True):
        copy_attention(ours.self_attention, theirs.self_attn)
        residuals = [ours.around_attention, ours.around_feed_forward]
        if hasattr(ours, "cross_attention"):
            copy_attention(ours.cross_attention, theirs.multihead_attn)
            residuals.insert(1, ours.around_cross)
        for i, residual in enumerate(residuals, 1):
            getattr(theirs, f"norm{i}").load_state_dict(residual.norm.state_dict())
        theirs.linear1.load_state_dict(ours.feed_forward.expand.state_dict())
        theirs.linear2.load_state_dict(ours.feed_forward.contract.state_dict())
    for ours, theirs in ((model.encoder, twin.encoder), (model.decoder, twin.decoder)):
        if c.norm_placement == "pre":
            theirs.norm.load_state_dict(ours.final_norm.state_dict())
        else:
            theirs.norm = None  # with post-norm the last layer has normalised already; PyTorch's does it once more
    return twin


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("placement", ["pre", "post"])
def test_the_whole_model_equals_pytorchs(placement: str, activation: str) -> None:
    model = tiny_model(norm_placement=placement, activation=activation)
    twin, source, target = pytorch_twin(model), pad(SOURCES, 0), pad(TARGETS, 0)
    hidden = twin(
        model.source_entrance(model.embed(source)),
        model.target_entrance(model.embed(target)),
        tgt_mask=~causal_mask(target.shape[1]),
        src_key_padding_mask=source == 0,
        memory_key_padding_mask=source == 0,
    )
    real = target != 0
    torch.testing.assert_close(model(source, target)[real], (hidden @ model.table.weight.T)[real], atol=1e-5, rtol=1e-5)


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
def test_parameters_of_the_pencil_example() -> None:
    small = dict(d_model=4, n_heads=2, d_ff=8, n_encoder_layers=1, n_decoder_layers=1)
    assert EncoderDecoder(tiny_config(10, **small)).n_parameters == 488
    assert EncoderDecoder(tiny_config(10, norm_placement="post", **small)).n_parameters == 488 - 16  # no final norms
    assert EncoderDecoder(tiny_config(10, positions="learned", **small)).n_parameters == 488 + 2 * 48 * 4
    assert sum(p.numel() for p in nn.Transformer(4, 2, 1, 1, 8).parameters()) == 488 - 40


def test_embeddings_are_scaled_to_the_size_of_positions() -> None:
    model = EncoderDecoder(tiny_config(2000, d_model=64))
    ids = torch.arange(3, 2000)[None]
    torch.testing.assert_close(model.embed(ids), model.table.weight[ids] * 8)
    assert model.embed(ids).std().item() == pytest.approx(1, abs=0.02)


def test_attention_can_begin_as_pytorchs_does() -> None:
    torch.manual_seed(1)
    shape = dict(d_model=256, n_heads=4, n_encoder_layers=1, n_decoder_layers=1)
    theirs = nn.MultiheadAttention(256, 4).in_proj_weight.std().item()
    for gain, wanted in ((1.0, theirs * 2**0.5), (0.5**0.5, theirs)):
        model = EncoderDecoder(tiny_config(attention_gain=gain, **shape))
        for attention in (model.encoder.layers[0].self_attention, model.decoder.layers[0].cross_attention):
            for project in (attention.project_q, attention.project_k, attention.project_v):
                assert project.weight.std().item() == pytest.approx(wanted, rel=0.02)
            assert attention.project_out.weight.std().item() == pytest.approx(theirs * 2**0.5, rel=0.02)
    with pytest.raises(ValueError, match="attention_gain is 0.0: it must be above 0"):
        tiny_config(attention_gain=0.0)


@pytest.mark.parametrize("kind", EVERY_KIND, ids=lambda kind: "-".join(kind.values()))
def test_padding_never_changes_a_result(kind: dict[str, Any]) -> None:
    """Logits of a batch against each sentence alone, float32, 1e-5."""
    model = tiny_model(**kind)
    together = model(pad(SOURCES, 0, multiple_of=4), pad(TARGETS, 0, multiple_of=4))
    for row, (source, target) in enumerate(zip(SOURCES, TARGETS, strict=True)):
        alone = model(torch.tensor([source]), torch.tensor([target]))[0]
        torch.testing.assert_close(together[row, : len(target)], alone, atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", EVERY_KIND, ids=lambda kind: "-".join(kind.values()))
def test_no_position_sees_its_future(kind: dict[str, Any]) -> None:
    model, source, target = tiny_model(**kind), torch.tensor(SOURCES[:1]), torch.tensor([[1, 14, 15, 16, 17]])
    before = model(source, target)
    for changed in range(1, 5):
        other = target.clone()
        other[0, changed] = 30
        after = model(source, other)
        assert torch.equal(after[0, :changed], before[0, :changed])
        assert all(not torch.allclose(after[0, t], before[0, t], atol=1e-4) for t in range(changed, 5))


def test_every_target_position_sees_every_source_word() -> None:
    model, target = tiny_model(), torch.tensor(TARGETS[1:2])
    before = model(torch.tensor(SOURCES[:1]), target)
    for place in range(len(SOURCES[0])):
        changed = SOURCES[0].copy()
        changed[place] = 33
        difference = (model(torch.tensor([changed]), target) - before).abs().amax(dim=-1)
        assert (difference > 1e-4).all()


def test_without_positions_the_encoder_only_permutes() -> None:
    model = tiny_model(positions="rotary")
    for layer in model.encoder.layers:
        layer.self_attention.rotate = None
    source, order = torch.tensor([[5, 6, 7, 8, 9]]), torch.tensor([3, 0, 4, 1, 2])
    memory, _ = model.encode(source)
    torch.testing.assert_close(model.encode(source[:, order])[0], memory[:, order], atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", ["sinusoidal", "learned", "rotary"])
def test_with_positions_order_matters(kind: str) -> None:
    model = tiny_model(positions=kind)
    source, order = torch.tensor([[5, 6, 7, 8, 9]]), torch.tensor([3, 0, 4, 1, 2])
    assert not torch.allclose(model.encode(source[:, order])[0], model.encode(source)[0][:, order], atol=1e-3)


def step_by_step(model: EncoderDecoder, source: Tensor, target: Tensor, reorder_at: dict[int, list[int]]) -> Tensor:
    state, steps = DecodingState(model, source), []
    for t in range(target.shape[1]):
        if t in reorder_at:
            state.reorder(torch.tensor(reorder_at[t]))
        steps.append(state.step(target[:, t]))
    return torch.stack(steps, dim=1)


@pytest.mark.parametrize("kind", EVERY_KIND, ids=lambda kind: "-".join(kind.values()))
def test_cached_decoding_equals_uncached(kind: dict[str, Any]) -> None:
    model, source = tiny_model(**kind), pad(SOURCES, 0)
    target = torch.randint(4, 40, (3, 9), generator=torch.Generator().manual_seed(5))
    wanted = model(source, target).log_softmax(dim=-1)
    torch.testing.assert_close(step_by_step(model, source, target, {}), wanted, atol=1e-5, rtol=0)


def test_reordered_rows_keep_their_own_past_and_source() -> None:
    model, source, rows = tiny_model(), pad(SOURCES, 0), [2, 0, 0]
    target = torch.randint(4, 40, (3, 4), generator=torch.Generator().manual_seed(6))
    cached = step_by_step(model, source, target, {2: rows})
    past = torch.cat((target[rows, :2], target[:, 2:]), dim=1)
    wanted = model(source[rows], past).log_softmax(dim=-1)
    torch.testing.assert_close(cached[:, 2:], wanted[:, 2:], atol=1e-5, rtol=0)


def test_too_many_tokens_are_refused_with_both_numbers() -> None:
    model = tiny_model()
    with pytest.raises(ValueError, match="49 tokens, but this model was made for at most 48"):
        model.encode(torch.ones(1, 49, dtype=torch.int64))


def test_padding_learns_nothing_from_being_read() -> None:
    model = tiny_model().train()
    model.encode(pad(SOURCES, 0))[0].sum().backward()
    gradient = model.table.weight.grad
    assert gradient is not None and (gradient[0] == 0).all() and (gradient[5] != 0).any()
