"""The same weights in CTranslate2, an engine in C++ made for decoding alone (Klein et al. 2020), in float32."""

import os
import tempfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lessons_lib.attention import projections
from lessons_lib.bench.weights import demand_sinusoidal, stacks
from lessons_lib.models import EncoderDecoder
from lessons_lib.positions import sinusoidal_table
from lessons_lib.tokenization import EOS_ID, SPECIAL

BOS, EOS, UNKNOWN = SPECIAL[1], SPECIAL[2], SPECIAL[3]


class CTranslate:
    """CTranslate2 with our weights."""

    def __init__(self, ours: EncoderDecoder, side_by_side: Mapping[int, int], threads: int) -> None:
        """Args:
            ours: the model to copy.
            side_by_side: width of beam → sentences at once.
            threads: each decodes a batch of its own.

        Raises:
            ValueError: if our positions are not sinusoidal.
        """
        import ctranslate2

        self.names = _names(ours.config.vocabulary_size)
        self.numbers = {name: i for i, name in enumerate(self.names)}
        self.max_length, self.side_by_side = ours.config.max_length, side_by_side
        with tempfile.TemporaryDirectory() as folder:
            spec = specification(ours)
            spec.validate()
            spec.save(folder)
            self.engine = ctranslate2.Translator(
                os.fspath(folder), device="cpu", compute_type="float32", inter_threads=threads, intra_threads=1
            )

    def __call__(self, sources: list[list[int]], beam: int) -> list[list[int]]:
        """The target ids of each source, without BOS and EOS. Its limit of length is one for all, ours one a sentence.

        Batches of `max_batch_size` sentences are decoded side by side, one a thread, as ours are.
        """
        texts = [[self.names[i] for i in [*ids, EOS_ID]] for ids in sources]
        most = min(2 * max(map(len, texts)) + 8, self.max_length - 1)
        answers = self.engine.translate_batch(
            texts, beam_size=beam, length_penalty=1.0, max_decoding_length=most, max_batch_size=self.side_by_side[beam]
        )
        return [[self.numbers[name] for name in answer.hypotheses[0]] for answer in answers]


def _names(size: int) -> list[str]:
    """Its tokens are texts: those of ours are their numbers, but for the special ones."""
    return [*SPECIAL, *(f"t{i}" for i in range(len(SPECIAL), size))]


def specification(ours: EncoderDecoder) -> Any:
    """CTranslate2's description of our model, weights included."""
    from ctranslate2.specs import Activation, TransformerSpec

    demand_sinusoidal(ours)
    c = ours.config
    activation = {"relu": Activation.RELU, "gelu": Activation.GELU}[c.activation]
    spec = TransformerSpec.from_config(
        (c.n_encoder_layers, c.n_decoder_layers), c.n_heads, pre_norm=c.norm_placement == "pre", activation=activation
    )
    places = sinusoidal_table(c.max_length, c.d_model)
    spec.encoder.embeddings[0].weight = spec.decoder.embeddings.weight = spec.decoder.projection.weight = _array(ours.table.weight)
    spec.encoder.position_encodings.encodings = spec.decoder.position_encodings.encodings = _array(places)
    for name, number, layer in stacks(ours):
        _fill_layer(getattr(spec, name).layer[number], layer, crosses=name == "decoder")
    if c.norm_placement == "pre":
        _fill_norm(spec.encoder.layer_norm, ours.encoder.final_norm)
        _fill_norm(spec.decoder.layer_norm, ours.decoder.final_norm)
    names = _names(c.vocabulary_size)
    spec.register_source_vocabulary(names)
    spec.register_target_vocabulary(names)
    spec.config.bos_token, spec.config.eos_token, spec.config.unk_token = BOS, EOS, UNKNOWN
    spec.config.decoder_start_token, spec.config.layer_norm_epsilon = BOS, 1e-5
    return spec


def _fill_layer(spec: Any, layer: Any, crosses: bool) -> None:
    _fill_linear(spec.self_attention.linear[0], *projections(layer.self_attention))
    _fill_linear(spec.self_attention.linear[1], layer.self_attention.project_out)
    _fill_norm(spec.self_attention.layer_norm, layer.around_attention.norm)
    if crosses:
        q, k, v = projections(layer.cross_attention)
        _fill_linear(spec.attention.linear[0], q)
        _fill_linear(spec.attention.linear[1], k, v)
        _fill_linear(spec.attention.linear[2], layer.cross_attention.project_out)
        _fill_norm(spec.attention.layer_norm, layer.around_cross.norm)
    _fill_linear(spec.ffn.linear_0, layer.feed_forward.expand)
    _fill_linear(spec.ffn.linear_1, layer.feed_forward.contract)
    _fill_norm(spec.ffn.layer_norm, layer.around_feed_forward.norm)


def _fill_linear(spec: Any, *ours: nn.Linear) -> None:
    spec.weight = _array(torch.cat([linear.weight for linear in ours]))
    spec.bias = _array(torch.cat([linear.bias for linear in ours]))


def _fill_norm(spec: Any, ours: nn.LayerNorm) -> None:
    spec.gamma, spec.beta = _array(ours.weight), _array(ours.bias)


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().float().numpy()
