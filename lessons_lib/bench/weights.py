"""The same weights in another library's model: which of its tensors holds which of ours."""

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from lessons_lib.models import EncoderDecoder

Match = tuple[list[Tensor], Tensor]
"""Our tensors, and theirs that holds them one below the other."""


@torch.no_grad()
def copy_to(matches: Iterable[Match]) -> None:
    """Fill theirs with ours, in place.

    Raises:
        ValueError: if a shape differs.
    """
    for ours, theirs in matches:
        whole = torch.cat(ours)
        if whole.shape != theirs.shape:
            raise ValueError(f"our tensors make {tuple(whole.shape)}, theirs has {tuple(theirs.shape)}: these are two different models")
        theirs.copy_(whole)


@torch.no_grad()
def copy_back(matches: Iterable[Match]) -> None:
    """Fill ours with theirs, in place: what was trained elsewhere comes home."""
    for ours, theirs in matches:
        for mine, piece in zip(ours, theirs.split([len(t) for t in ours]), strict=True):
            mine.copy_(piece)


def linear(ours: nn.Linear, theirs: nn.Linear) -> Iterator[Match]:
    """Weight and bias of a linear layer, or of a norm: they have the same names everywhere."""
    yield [ours.weight], theirs.weight
    yield [ours.bias], theirs.bias


def stacks(model: EncoderDecoder) -> Iterator[tuple[str, int, Any]]:
    """The layers of a model: (`encoder` or `decoder`, number, layer)."""
    for name in ("encoder", "decoder"):
        for number, layer in enumerate(getattr(model, name).layers):
            yield name, number, layer


def demand_sinusoidal(model: EncoderDecoder) -> None:
    """Raise ValueError unless the model's positions are those that the peers have too."""
    if model.config.positions != "sinusoidal":
        raise ValueError(f"the model has {model.config.positions} positions: the peers can be compared with sinusoidal ones only")
