"""Checkpoints that are whole or absent, in safetensors only: a trained model in a folder, and the state of a run."""

import dataclasses
import hashlib
import json
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from lessons_lib.casing import Casing
from lessons_lib.config import ModelConfig
from lessons_lib.files import write_bytes, write_together
from lessons_lib.models import EncoderDecoder
from lessons_lib.runtime import data_dir
from lessons_lib.tokenization import Tokenizer

WEIGHTS, CONFIG, TOKENIZER, CASING, STATE = "model.safetensors", "config.json", "tokenizer.json", "casing.json", "state.safetensors"
KEPT = ("direction", "length_penalty")
"""What a file of weights says besides its model's shape and its tokenizer's fingerprint; one that says less has the defaults of
`TrainedModel`."""

Parsed = TypeVar("Parsed")


class CheckpointError(ValueError):
    """A checkpoint is missing, damaged, or belongs to something else; the message says which and what to do."""


def save_tensors(path: Path, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Write tensors and facts (anything JSON can hold) as one safetensors file, whole or not at all.

    Raises:
        OSError: if the disk refuses; what stood at `path` is then still there.
    """
    write_bytes(path, _packed(tensors, facts))


def _packed(tensors: dict[str, Tensor], facts: dict[str, Any]) -> bytes:
    on_cpu = {name: tensor.detach().to("cpu").contiguous() for name, tensor in tensors.items()}
    text = json.dumps({**facts, "sha256": _checksum(on_cpu)}, ensure_ascii=False, sort_keys=True)
    return safetensors.torch.save(on_cpu, {"facts": text})  # one entry: safetensors writes several in an order that changes


def _checksum(tensors: dict[str, Tensor]) -> str:
    """SHA-256 over names and numbers: safetensors notices a file cut short, but not a byte that flipped."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and facts that `save_tensors` wrote.

    Raises:
        CheckpointError: if the file is missing, cut short or otherwise damaged.
    """
    if not path.exists():
        raise CheckpointError(f"there is no checkpoint at {path}")
    try:
        with safetensors.safe_open(path, "pt") as file:
            texts = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        facts = json.loads(texts.get("facts", "{}"))
        if not isinstance(facts, dict):
            raise ValueError("its facts are no JSON object")
        checksum = facts.pop("sha256", None)
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path} is damaged or cut short ({error}): fetch or train it again") from error
    if checksum is not None and checksum != _checksum(tensors):
        raise CheckpointError(f"{path} is damaged (its numbers do not give its checksum): fetch or train it again")
    return tensors, facts


def fingerprint(tokenizer: Tokenizer) -> str:
    """Sixteen hex digits that differ when the tokenizer's text does: they tie weights to their tokenizer."""
    return hashlib.sha256(tokenizer.backend.to_str().encode()).hexdigest()[:16]


@dataclass(frozen=True)
class TrainedModel:
    """All that translates.

    Attributes:
        model: the weights.
        tokenizer: text to ids and back.
        casing: how text is cased before and after.
        direction: from which language into which.
        length_penalty: the exponent with which beam search divides by the length, where none is asked for.
    """

    model: EncoderDecoder
    tokenizer: Tokenizer
    casing: Casing
    direction: str = "en-de"
    length_penalty: float = 1.0


def save_model(folder: Path, trained: TrainedModel, half: bool = False) -> None:
    """Write a model with its configuration, tokenizer and casing into a folder, which is made if need be.

    The weights come last: a folder that holds them is complete. On an error what the folder held stays.

    Args:
        folder: where to.
        trained: what to write.
        half: store the weights in 16 bits; half the size, and the same translations but for rare ties.

    Raises:
        OSError: if the disk refuses.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: t.half() if half else t for name, t in trained.model.state_dict().items()}
    facts = {name: getattr(trained, name) for name in KEPT} | {"tokenizer": fingerprint(trained.tokenizer)}
    facts["model"] = dataclasses.asdict(trained.model.config)
    files = {
        TOKENIZER: trained.tokenizer.backend.to_str(pretty=False).encode(),
        CONFIG: f"{trained.model.config.to_json()}\n".encode(),
        CASING: f"{trained.casing.to_json()}\n".encode(),
        WEIGHTS: _packed(weights, facts),
    }
    write_together({folder / name: data for name, data in files.items()})


def load_model(folder: Path) -> TrainedModel:
    """The model that `save_model` wrote, ready to translate, in float32 on the CPU.

    Raises:
        CheckpointError: if a file is missing or damaged, or weights, configuration and tokenizer do not belong together.
    """
    for name in (WEIGHTS, CONFIG, TOKENIZER, CASING):
        if not (folder / name).exists():
            raise CheckpointError(f"{folder} is no complete checkpoint: {name} is missing")
    config = parsed(folder / CONFIG, ModelConfig.from_json)
    casing = parsed(folder / CASING, Casing.from_json)
    try:
        tokenizer = Tokenizer.load(folder / TOKENIZER)
    except ValueError as error:
        raise CheckpointError(str(error)) from error
    weights, facts = load_tensors(folder / WEIGHTS)
    if facts.get("tokenizer") != fingerprint(tokenizer) or tokenizer.vocabulary_size != config.vocabulary_size:
        raise CheckpointError(
            f"{folder / TOKENIZER} is the tokenizer of another model: the ids would mean other words. Restore the right one"
        )
    if changed := [name for name, value in facts.get("model", {}).items() if getattr(config, name, None) != value]:
        raise CheckpointError(f"{folder / CONFIG} is not the configuration of these weights: its {', '.join(changed)} changed. Restore it")
    if not all(bool(t.isfinite().all()) for t in weights.values()):
        raise CheckpointError(f"{folder / WEIGHTS} holds weights that are no finite numbers: its training went wrong. Train anew")
    model = EncoderDecoder(config)
    load_weights(model, {name: t.float() for name, t in weights.items()}, folder / WEIGHTS)
    return TrainedModel(model.eval(), tokenizer, casing, **{name: facts[name] for name in KEPT if name in facts})


def parsed(path: Path, parse: Callable[[str], Parsed]) -> Parsed:
    """What `parse` makes of a file's text. Raises CheckpointError if it cannot be read or makes no sense."""
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} is damaged: {error}") from error


def load_weights(model: torch.nn.Module, weights: dict[str, Tensor], path: Path | str, wanted: str = "its configuration") -> None:
    """Copy weights into the model; `path`, or the name they go by, is named in the error, and what they should fit.

    Raises:
        CheckpointError: if a name is missing or left over, or a shape differs.
    """
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        first = str(error).splitlines()[1].strip() if "\n" in str(error) else str(error)
        raise CheckpointError(f"{path} does not fit {wanted}: {textwrap.shorten(first, 160, placeholder=' …')}") from error


def grown(weights: dict[str, Tensor], model: torch.nn.Module) -> dict[str, Tensor]:
    """The weights for a model whose feed-forward layers have more units, which then computes the same: the new units keep the model's own
    first weights, and nothing leaves them yet (Chen, Goodfellow and Shlens 2016, arXiv:1511.05641; so for Transformers Gesmundo and Maile
    2023, arXiv:2308.06103). What does not differ so, or is not there, is returned as it was."""
    all_weights = dict(weights)
    for name, own in model.state_dict().items():
        layer, _, kind = name.rpartition("feed_forward.")
        old, along = weights.get(name), int(kind == "contract.weight")
        if not layer or old is None or old.shape[along] >= own.shape[along]:
            continue
        new = own.narrow(along, old.shape[along], own.shape[along] - old.shape[along])
        if old.shape[1 - along : 2 - along] == new.shape[1 - along : 2 - along]:  # as wide as the other's stream
            all_weights[name] = torch.cat([old, torch.zeros_like(new) if along else new], dim=along)
    return all_weights


def shipped() -> dict[str, Path]:
    """The checkpoints that come with the project: name → folder."""
    root = data_dir() / "checkpoints"
    return {path.parent.name: path.parent for path in sorted(root.glob(f"*/{WEIGHTS}"))}


def find(name_or_path: str) -> Path:
    """The folder of a shipped checkpoint, by name, or of one's own, by path.

    Raises:
        CheckpointError: if there is neither; names those that ship.
    """
    if name_or_path in shipped():
        return shipped()[name_or_path]
    if Path(name_or_path).is_dir():
        return Path(name_or_path)
    raise CheckpointError(
        f"there is no checkpoint {name_or_path!r}: use {', '.join(shipped()) or 'a folder'}, or the path of a trained folder"
    )
