"""The same translator in `transformers`: Marian, or Pegasus, which is Marian with its norms before the sublayers.

Both hold our weights exactly, so that outputs can be compared and not speed alone.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from lessons_lib.batching import in_chunks, pad
from lessons_lib.bench.material import Material
from lessons_lib.bench.textbook import PlainLoop, cross_entropy
from lessons_lib.bench.weights import Match, copy_to, demand_sinusoidal, linear, stacks
from lessons_lib.models import EncoderDecoder
from lessons_lib.positions import sinusoidal_table
from lessons_lib.tokenization import BOS_ID, EOS_ID, PAD_ID


def library_model(ours: EncoderDecoder) -> nn.Module:
    """A model of `transformers` that computes what ours computes, with a copy of its weights.

    Raises:
        ValueError: if our positions are not sinusoidal.
    """
    import transformers

    demand_sinusoidal(ours)
    c = ours.config
    kind = "Pegasus" if c.norm_placement == "pre" else "Marian"
    config = getattr(transformers, f"{kind}Config")(
        vocab_size=c.vocabulary_size, d_model=c.d_model, max_position_embeddings=c.max_length, scale_embedding=True,
        encoder_layers=c.n_encoder_layers, encoder_attention_heads=c.n_heads, encoder_ffn_dim=c.d_ff,
        decoder_layers=c.n_decoder_layers, decoder_attention_heads=c.n_heads, decoder_ffn_dim=c.d_ff,
        activation_function=c.activation, dropout=c.dropout, activation_dropout=c.feed_forward_dropout,
        attention_dropout=c.attention_dropout,
        pad_token_id=PAD_ID, bos_token_id=BOS_ID, eos_token_id=EOS_ID, decoder_start_token_id=BOS_ID, forced_eos_token_id=None,
    )  # fmt: skip
    model = getattr(transformers, {"Pegasus": "PegasusForConditionalGeneration", "Marian": "MarianMTModel"}[kind])(config)
    copy_to(matches(ours, model))
    with torch.no_grad():  # theirs holds all sines, then all cosines; ours one after the other
        for stack in (model.model.encoder, model.model.decoder):
            stack.embed_positions.weight.copy_(sinusoidal_table(c.max_length, c.d_model))
    return model


def matches(ours: EncoderDecoder, theirs: Any) -> Iterator[Match]:
    """Which of its tensors holds which of ours."""
    yield [ours.table.weight], theirs.model.shared.weight
    for name, number, layer in stacks(ours):
        their = getattr(theirs.model, name).layers[number]
        yield from _attention(layer.self_attention, their.self_attn)
        yield from linear(layer.around_attention.norm, their.self_attn_layer_norm)
        if name == "decoder":
            yield from _attention(layer.cross_attention, their.encoder_attn)
            yield from linear(layer.around_cross.norm, their.encoder_attn_layer_norm)
        yield from linear(layer.feed_forward.expand, their.fc1)
        yield from linear(layer.feed_forward.contract, their.fc2)
        yield from linear(layer.around_feed_forward.norm, their.final_layer_norm)
    if ours.config.norm_placement == "pre":
        yield from linear(ours.encoder.final_norm, theirs.model.encoder.layer_norm)
        yield from linear(ours.decoder.final_norm, theirs.model.decoder.layer_norm)


def _attention(ours: Any, theirs: Any) -> Iterator[Match]:
    for mine, their in (("project_q", "q_proj"), ("project_k", "k_proj"), ("project_v", "v_proj"), ("project_out", "out_proj")):
        yield from linear(getattr(ours, mine), getattr(theirs, their))


class Logits(nn.Module):
    """A model of `transformers` as (source, target) → logits."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """source int64 (B, S), target int64 (B, T) → logits (B, T, V)."""
        mask = (source != PAD_ID).long()
        return self.model(input_ids=source, attention_mask=mask, decoder_input_ids=target, use_cache=False).logits


def marian(material: Material) -> PlainLoop:
    """The model of `transformers` on our batches."""
    model = library_model(material.first_model())
    return PlainLoop(material, Logits(model), cross_entropy(material), material.our_groups, lambda ours: matches(ours, model))


class Generate:
    """`generate` of `transformers` with our weights, on batches of sentences of similar length."""

    def __init__(self, ours: EncoderDecoder, side_by_side: Mapping[int, int]) -> None:
        self.model, self.side_by_side = library_model(ours).eval(), side_by_side

    @torch.inference_mode()
    def __call__(self, sources: list[list[int]], beam: int) -> list[list[int]]:
        """The target ids of each source, without BOS and EOS. Its limit of length is one a batch, ours one a sentence."""
        found: list[list[int]] = [[] for _ in sources]
        penalty = {"length_penalty": 1.0, "early_stopping": True} if beam > 1 else {}
        for rows in in_chunks([len(ids) for ids in sources], self.side_by_side[beam]):
            source = pad([[*sources[i], EOS_ID] for i in rows], PAD_ID)
            most = min(2 * source.shape[1] + 8, self.model.config.max_position_embeddings - 1)
            written = self.model.generate(
                input_ids=source, attention_mask=(source != PAD_ID).long(), num_beams=beam, do_sample=False, max_new_tokens=most,
                **penalty,
            )  # fmt: skip
            for i, ids in zip(rows, written.tolist(), strict=True):
                found[i] = _until_eos(ids[1:])
        return found


def _until_eos(ids: list[int]) -> list[int]:
    return ids[: ids.index(EOS_ID)] if EOS_ID in ids else [i for i in ids if i != PAD_ID]
