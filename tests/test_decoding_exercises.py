"""Notebook 07's exercises on decoding: the numbers are what the searches give, and other right ways pass."""

import math

import pytest
import torch
from pencil_tree import Tree

from lessons_lib.config import ModelConfig
from lessons_lib.decoding import beam_search, greedy
from lessons_lib.exercises.decoding import END, echo, wait_k
from lessons_lib.exercises.framework import Verdict, find
from lessons_lib.models import DecodingState, EncoderDecoder

WORDS = ["⟨start⟩", END, "der", "ein", "das", "Kind", "schläft"]
TREE = {
    "": {"der": 1, "ein": 2, "das": 3},
    "der": {"Kind": 3},
    "ein": {"Kind": 2},
    "das": {"Kind": 0},
    "der Kind": {"schläft": 1},
    "ein Kind": {"schläft": 1},
    "das Kind": {"schläft": 0},
    "der Kind schläft": {END: 1},
    "ein Kind schläft": {END: 0},
    "das Kind schläft": {END: 1},
}


def verdict(key: str, answer: object) -> Verdict:
    return find(key).verdict(answer)


def test_the_three_beams_are_what_the_library_finds() -> None:
    found = [greedy(Tree(WORDS, TREE), 0, 1, [9])[0], *(beam_search(Tree(WORDS, TREE), 0, 1, [9], beam, 0.0)[0] for beam in (2, 3))]
    bits = [round(-one.log_probability / math.log(2), 4) for one in found]
    assert bits == find("decoding.three_beams").solution


def test_the_cache_of_the_exercise_is_the_models() -> None:
    config = ModelConfig(vocabulary_size=10, d_model=4, n_heads=2, d_ff=8, n_encoder_layers=1, n_decoder_layers=2, dropout=0.0, pad_id=0)
    model, passes = EncoderDecoder(config).eval(), []
    model.decoder.register_forward_hook(lambda module, given, result: passes.append(given[0].shape[1]))
    source, target = torch.tensor([[3, 4, 5, 6, 2]]), torch.tensor([[1, 4, 6, 7, 3, 5, 4, 8]])
    memory, mask = model.encode(source)
    for t in range(1, 9):
        model.decode(target[:, :t], memory, mask)
    without, state = sum(passes), DecodingState(model, source)
    passes.clear()
    for t in range(8):
        state.step(target[:, t])
    kept = sum(part.k.numel() + part.v.numel() for layer in state.caches for part in (layer.own, layer.memory))
    assert [without, sum(passes), kept] == find("decoding.cache").solution


def test_roots_of_lengths() -> None:
    scores = [bits / math.sqrt(length) for bits, length in ((3, 3), (5, 6), (6, 7))]
    assert find("decoding.root_of_length").solution == pytest.approx(scores, abs=0.005)
    assert verdict("decoding.root_of_length", torch.tensor(scores)).status == "right"


def test_wait_k_stays_k_words_behind() -> None:
    source = "the dog bites the man".split()
    assert wait_k(source, 2, echo) == [("THE", 2), ("DOG", 3), ("BITES", 4), ("THE", 5), ("MAN", 5)]
    assert wait_k(source, 0, echo)[:2] == [("…", 0), ("…", 1)]
    assert wait_k(source, 9, echo)[0] == ("THE", 5)


def test_another_way_to_wait_passes() -> None:
    def reading_loop(source: list[str], k: int, next_word: object) -> list[tuple[str, int]]:
        read, coming, written = list(source[:k]), list(source[k:]), []
        while (word := next_word(read, [one for one, _ in written])) != END:
            written.append((word, len(read)))
            if coming:
                read.append(coming.pop(0))
        return written

    assert verdict("decoding.wait_k", reading_loop).status == "right"


def test_a_stub_is_not_attempted() -> None:
    def stub(source: list[str], k: int, next_word: object) -> None: ...

    assert verdict("decoding.wait_k", stub).status == "not attempted"
