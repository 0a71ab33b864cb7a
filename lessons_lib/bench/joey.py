"""JoeyNMT 2 (Kreutzer et al. 2019), a library made for learning, too: its own model and loss, on our batches.

It installs beside torch 2.13, but asks for less than it imports (importlib-metadata) and for more than it needs (protobuf 3, pylint): an
environment of its own is the better place for it. Its label smoothing spares padding and the right word, so that its loss is not quite
ours, and its weights are drawn its own way.
"""

import logging
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from lessons_lib.batching import Batch
from lessons_lib.bench.material import Material
from lessons_lib.bench.textbook import PlainLoop
from lessons_lib.config import ModelConfig
from lessons_lib.tokenization import BOS_ID, EOS_ID, PAD_ID, SPECIAL, UNK_ID

ORDER = (UNK_ID, PAD_ID, BOS_ID, EOS_ID)
"""Our special ids in the order in which JoeyNMT counts them."""


def joey_model(c: ModelConfig, smoothing: float, seed: int) -> nn.Module:
    """JoeyNMT's Transformer in the shape of ours, one table for both languages and the output."""
    from joeynmt.model import build_model
    from joeynmt.vocabulary import Vocabulary

    names = {f"{name}_token": SPECIAL[i] for name, i in zip(("unk", "pad", "bos", "eos"), ORDER, strict=True)}
    numbers = {f"{name}_id": place for place, name in enumerate(("unk", "pad", "bos", "eos"))}
    special = SimpleNamespace(**names, **numbers, sep_token=None, sep_id=None, lang_tags=[])
    vocabulary = Vocabulary([f"t{i}" for i in range(len(SPECIAL), c.vocabulary_size)], special)

    def stack(n_layers: int) -> dict[str, Any]:
        table = {"embedding_dim": c.d_model, "scale": True, "dropout": c.dropout}
        return {
            "type": "transformer", "num_layers": n_layers, "num_heads": c.n_heads, "hidden_size": c.d_model, "ff_size": c.d_ff,
            "dropout": c.dropout, "layer_norm": c.norm_placement, "activation": c.activation, "embeddings": table,
        }  # fmt: skip

    ties = {"tied_embeddings": True, "tied_softmax": True, "initializer": "xavier_uniform", "embed_initializer": "xavier_uniform"}
    torch.manual_seed(seed)
    model = build_model({"encoder": stack(c.n_encoder_layers), "decoder": stack(c.n_decoder_layers), **ties}, vocabulary, vocabulary)
    model.loss_function = ("crossentropy", smoothing)
    return model


class JoeyLoop(PlainLoop):
    """The plain loop, with nothing to compare before it begins."""

    def facts(self) -> dict[str, float]:
        """None: other weights and another smoothing give another loss."""
        return {}


def joeynmt(material: Material) -> JoeyLoop:
    """JoeyNMT's model and loss on our batches."""
    logging.getLogger("joeynmt").setLevel(logging.WARNING)  # it tells each step of building a model
    theirs = torch.arange(material.model.vocabulary_size)
    theirs[list(ORDER)] = torch.arange(len(ORDER))
    model = joey_model(material.model, material.training.label_smoothing, material.training.seed)

    def loss(model: nn.Module, batch: Batch) -> Tensor:
        real = batch.source != PAD_ID
        total, *_ = model(
            return_type="loss", src=theirs[batch.source], src_mask=real[:, None], src_length=real.sum(dim=1),
            trg_input=theirs[batch.target_in], trg=theirs[batch.target_out], trg_mask=(batch.target_out != PAD_ID)[:, None],
        )  # fmt: skip
        return total / batch.n_target

    return JoeyLoop(material, model, loss, material.our_groups)
