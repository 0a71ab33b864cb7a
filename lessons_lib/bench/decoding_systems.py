"""Who takes part when decoding is measured: ours, `generate` of `transformers`, and CTranslate2, all with the same weights."""

import copy
import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from lessons_lib.bench.contest import Contestant, Turn
from lessons_lib.bench.ctranslate import CTranslate
from lessons_lib.bench.marian import Generate
from lessons_lib.bench.training_systems import EXTRA
from lessons_lib.runtime import keep_freed_memory
from lessons_lib.translation import Translator

BEAMS = {"greedy": 1, "beam5": 5}
COMPARED_WITH, SAME_AS = "generate", "fast"
SIDE_BY_SIDE = {1: 128, 5: 64}
"""Beam → sentences that a peer decodes at once, those of similar length together: where `generate` was fastest of 16, 32, … 512."""

Decode = Callable[[list[str], int], list[str]]
"""(sentences, beam) → translations."""


@dataclass(frozen=True)
class Decoder:
    """A system that translates.

    Attributes:
        make: (translator of ours, threads) → translates with the same weights.
        needs: the module it is made of, as Python imports it.
        install: the line that gets it.
        about: for the table.
    """

    make: Callable[[Translator, int], Decode]
    needs: str
    install: str
    about: str


def _fast(translator: Translator, threads: int) -> Decode:
    keep_freed_memory()  # as `lessons translate` does
    return translator.translate


def _plain(translator: Translator, threads: int) -> Decode:
    return dataclasses.replace(translator, fast=False).translate


def _bf16(translator: Translator, threads: int) -> Decode:
    keep_freed_memory()
    trained = dataclasses.replace(translator.trained, model=copy.deepcopy(translator.trained.model).bfloat16())
    return dataclasses.replace(translator, trained=trained).translate


def _with_our_words(translator: Translator, decode: Callable[[list[list[int]], int], list[list[int]]]) -> Decode:
    """Text in, text out, with our tokenizer and casing round another's decoding."""
    return lambda sentences, beam: [translator.text(ids) for ids in decode(translator.check(sentences), beam)]


def _generate(translator: Translator, threads: int) -> Decode:
    return _with_our_words(translator, Generate(translator.trained.model, SIDE_BY_SIDE))


def _ctranslate2(translator: Translator, threads: int) -> Decode:
    return _with_our_words(translator, CTranslate(translator.trained.model, SIDE_BY_SIDE, threads))


DECODERS = {
    "fast": Decoder(_fast, "", "", "this course"),
    "plain": Decoder(_plain, "", "", "its plain path"),
    "bf16": Decoder(_bf16, "", "", "ours in bfloat16"),
    "generate": Decoder(_generate, "transformers", EXTRA, "transformers"),
    "ctranslate2": Decoder(_ctranslate2, "ctranslate2", EXTRA, "C++, float32"),
}

OURS = ("fast", "plain", "bf16")
"""Ours: what `Translator` does, its plain path, and the fast one in bf16."""


class Decoding:
    """One system with one width of beam; a turn translates all sentences once."""

    def __init__(self, checkpoint: str, sentences: list[str], name: str, beam: int, threads: int) -> None:
        translator = Translator.load(checkpoint)
        trained = dataclasses.replace(translator.trained, length_penalty=1.0)  # the rule that all can follow
        self.translator = dataclasses.replace(translator, trained=trained)
        self.sentences, self.beam = sentences, beam
        self.decode = DECODERS[name].make(self.translator, threads)

    def facts(self) -> dict[str, Any]:
        """None."""
        return {}

    def turn(self, seconds: float) -> Turn:
        """Translate all sentences, however long it takes. Tokens are those of both sides, as our tokenizer counts them."""
        began, cpu_began = time.perf_counter(), time.process_time()
        texts = self.decode(self.sentences, self.beam)
        taken, used = time.perf_counter() - began, time.process_time() - cpu_began
        trained = self.translator.trained
        written = sum(len(trained.tokenizer.encode(trained.casing.before_target(text))) + 1 for text in texts)
        read = sum(len(self.translator.ids(sentence)) + 1 for sentence in self.sentences)
        return Turn(read + written, taken, {"sentences_per_second": len(texts) / taken, "cpu_seconds": used}, tuple(texts))


def contestants(checkpoint: str, sentences: list[str], names: list[str], beams: list[str], threads: int) -> list[Contestant]:
    """Each system with each beam: `fast greedy`, `generate greedy`, …"""
    return [
        Contestant(f"{name} {beam}", partial(Decoding, checkpoint, sentences, name, BEAMS[beam], threads), threads)
        for beam in beams
        for name in names
    ]
