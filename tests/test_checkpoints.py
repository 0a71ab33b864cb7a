"""Checkpoints: the same model comes back, or an error says what is wrong and the good one stays."""

import dataclasses
import errno
import math
import os
from pathlib import Path

import pytest
import safetensors.torch
import torch
from test_files import fail_at
from tiny_models import tiny_model, tiny_pairs, tiny_translator

from lessons_lib.casing import Casing
from lessons_lib.checkpoints import (
    CASING,
    CONFIG,
    TOKENIZER,
    WEIGHTS,
    CheckpointError,
    find,
    load_model,
    load_tensors,
    save_model,
    save_tensors,
    shipped,
)
from lessons_lib.corpus import has_multi30k, load_grammar, load_multi30k
from lessons_lib.tokenization import Tokenizer
from lessons_lib.translation import Translator

SENTENCES = ["dog", "the man."]


@pytest.fixture(scope="module")
def translator() -> Translator:
    return tiny_translator(casing=Casing.learn(["Der Hund.", "Und der Mann."]))


@pytest.fixture
def saved(translator: Translator, tmp_path: Path) -> tuple[Path, Translator]:
    save_model(tmp_path / "good", translator.trained)
    return tmp_path / "good", translator


def test_a_saved_model_translates_as_before(saved: tuple[Path, Translator]) -> None:
    folder, translator = saved
    again = Translator.load(folder)
    assert again.translate(SENTENCES, beam=2) == translator.translate(SENTENCES, beam=2)
    assert again.trained.casing == translator.trained.casing and again.trained.direction == translator.trained.direction
    for name, tensor in translator.trained.model.state_dict().items():
        assert torch.equal(again.trained.model.state_dict()[name], tensor)
    assert sorted(os.listdir(folder)) == sorted([CASING, CONFIG, TOKENIZER, WEIGHTS])


def test_a_model_keeps_its_direction_and_its_length_penalty(translator: Translator, tmp_path: Path) -> None:
    save_model(tmp_path, dataclasses.replace(translator.trained, direction="de-en", length_penalty=1.4))
    again = load_model(tmp_path)
    assert (again.direction, again.length_penalty) == ("de-en", 1.4)
    weights, facts = load_tensors(tmp_path / WEIGHTS)
    save_tensors(tmp_path / WEIGHTS, weights, {"tokenizer": facts["tokenizer"]})  # as the first models were written
    assert (load_model(tmp_path).direction, load_model(tmp_path).length_penalty) == ("en-de", 1.0)


def test_half_precision_is_half_the_size(saved: tuple[Path, Translator], tmp_path: Path) -> None:
    folder, translator = saved
    save_model(tmp_path / "half", translator.trained, half=True)
    n_numbers = translator.trained.model.n_parameters
    assert (folder / WEIGHTS).stat().st_size - (tmp_path / "half" / WEIGHTS).stat().st_size == pytest.approx(2 * n_numbers, abs=200)
    assert Translator.load(tmp_path / "half").translate(SENTENCES, beam=2) == translator.translate(SENTENCES, beam=2)
    half = load_model(tmp_path / "half").model.state_dict()
    for name, tensor in translator.trained.model.state_dict().items():
        torch.testing.assert_close(half[name], tensor.half().float(), atol=0, rtol=0)


def test_weights_that_are_no_numbers_are_refused(saved: tuple[Path, Translator]) -> None:
    weights, facts = load_tensors(saved[0] / WEIGHTS)
    next(iter(weights.values()))[0] = math.nan
    save_tensors(saved[0] / WEIGHTS, weights, facts)
    with pytest.raises(CheckpointError, match="weights that are no finite numbers"):
        load_model(saved[0])


@pytest.mark.parametrize("name", [WEIGHTS, CONFIG, TOKENIZER, CASING])
@pytest.mark.parametrize("damage", ["missing", "empty", "cut short", "garbage"])
def test_a_damaged_file_is_named(saved: tuple[Path, Translator], name: str, damage: str) -> None:
    path = saved[0] / name
    whole = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes({"empty": b"", "cut short": whole[: len(whole) * 2 // 3], "garbage": b"\xff\x00" * 40}[damage])
    with pytest.raises(CheckpointError, match=r"good.*damaged|good.*is missing") as caught:
        load_model(saved[0])
    assert name in str(caught.value)


@pytest.mark.parametrize("facts", ["[]", "5", "null"])
def test_facts_that_are_no_object_are_damage(facts: str, tmp_path: Path) -> None:
    safetensors.torch.save_file({"w": torch.ones(2)}, tmp_path / "x", {"facts": facts})
    with pytest.raises(CheckpointError, match="x is damaged or cut short .its facts are no JSON object."):
        load_tensors(tmp_path / "x")


def test_one_flipped_bit_among_the_weights_is_noticed(saved: tuple[Path, Translator]) -> None:
    path = saved[0] / WEIGHTS
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match="model.safetensors is damaged .*checksum"):
        load_model(saved[0])


def test_the_tokenizer_of_another_model_is_refused(saved: tuple[Path, Translator]) -> None:
    other = Tokenizer.train([pair.target for pair in tiny_pairs()], 300)
    assert other.vocabulary_size == saved[1].trained.tokenizer.vocabulary_size
    other.save(saved[0] / TOKENIZER)
    with pytest.raises(CheckpointError, match="tokenizer.json is the tokenizer of another model"):
        load_model(saved[0])


@pytest.mark.parametrize(
    ("field", "value"), [("d_ff", 64), ("n_encoder_layers", 3), ("n_heads", 4), ("positions", "rotary"), ("activation", "gelu")]
)
def test_the_configuration_of_another_model_is_refused(saved: tuple[Path, Translator], field: str, value: object) -> None:
    other = dataclasses.replace(saved[1].trained.model.config, **{field: value})
    (saved[0] / CONFIG).write_text(other.to_json())
    with pytest.raises(CheckpointError, match=f"config.json is not the configuration of these weights: its {field} changed. Restore it"):
        load_model(saved[0])


@pytest.mark.parametrize(("field", "value"), [("d_ff", 64), ("n_encoder_layers", 3), ("n_decoder_layers", 1)])
def test_weights_that_do_not_say_their_configuration_must_fit_it(saved: tuple[Path, Translator], field: str, value: int) -> None:
    weights, facts = load_tensors(saved[0] / WEIGHTS)
    del facts["model"]  # as the first models were written
    save_tensors(saved[0] / WEIGHTS, weights, facts)
    load_model(saved[0])
    other = dataclasses.replace(saved[1].trained.model.config, **{field: value})
    (saved[0] / CONFIG).write_text(other.to_json())
    with pytest.raises(CheckpointError, match="model.safetensors does not fit its configuration"):
        load_model(saved[0])


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES])
@pytest.mark.parametrize(
    ("where", "after"), [("open", 3), ("write", 0), ("write", 3), ("fsync", 0), ("fsync", 3), ("replace", 0), ("replace", 3)]
)
def test_a_refusing_disk_leaves_the_last_good_model(
    saved: tuple[Path, Translator], where: str, after: int, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another model, with another tokenizer, is to replace a good one, and the disk fails at one of the four files."""
    folder, _ = saved
    before = {name: (folder / name).read_bytes() for name in os.listdir(folder)}
    other = tiny_translator(seed=5, d_ff=48)
    fail_at(monkeypatch, where, code, after)
    with pytest.raises(OSError, match="good/.*"):
        save_model(folder, other.trained)
    monkeypatch.undo()
    assert {name: (folder / name).read_bytes() for name in os.listdir(folder)} == before
    load_model(folder)


def test_tensors_and_facts_come_back(tmp_path: Path) -> None:
    tensors = {"a": torch.randn(3, 2), "b": torch.tensor(5.0), "c": torch.ones(4).bfloat16(), "d": torch.zeros(0), "e": torch.eye(3)[:, :2]}
    save_tensors(tmp_path / "x", tensors, {"best": float("-inf"), "name": "beißt"})
    found, facts = load_tensors(tmp_path / "x")
    assert facts == {"best": float("-inf"), "name": "beißt"} and set(found) == set(tensors)
    assert all(torch.equal(found[name], tensor) and found[name].dtype == tensor.dtype for name, tensor in tensors.items())


def test_nothing_is_ever_unpickled(tmp_path: Path) -> None:
    torch.save(tiny_model().state_dict(), tmp_path / "x")
    with pytest.raises(CheckpointError, match="damaged"):
        load_tensors(tmp_path / "x")


def test_finding_by_path_and_not_finding(saved: tuple[Path, Translator]) -> None:
    assert find(str(saved[0])) == saved[0]
    with pytest.raises(CheckpointError, match="no checkpoint 'no-such-model': use "):
        find("no-such-model")
    with pytest.raises(CheckpointError, match="no complete checkpoint: model.safetensors is missing"):
        load_model(saved[0].parent)


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_checkpoint_is_whole_and_rounding_to_half_changed_nothing(name: str, tmp_path: Path) -> None:
    """The weights that ship are 16-bit already: written once more in half precision they must give the same translations."""
    translator = Translator.load(name)
    known = load_multi30k("test")[:8] if has_multi30k() and not name.startswith("grammar") else []
    pairs = [*load_grammar("test")[:12], *known]
    sources = [pair.target if name.endswith("de-en") else pair.source for pair in pairs]
    save_model(tmp_path / "half", translator.trained, half=True)
    translations = translator.translate(sources, beam=2)
    assert Translator.load(tmp_path / "half").translate(sources, beam=2) == translations
    assert all(translations) and len(set(translations)) > len(sources) // 2
