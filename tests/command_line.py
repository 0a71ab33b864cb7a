"""The command line run inside the test's own process: torch is loaded once, and still streams and exit status are those of a process."""

import io
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from lessons_lib.casing import Casing
from lessons_lib.checkpoints import TrainedModel, save_model
from lessons_lib.cli import main
from lessons_lib.config import ModelConfig
from lessons_lib.models import EncoderDecoder
from lessons_lib.tokenization import Tokenizer

ROOT = Path(__file__).resolve().parent.parent
SENTENCES = ["A man rides a bike .", "Two dogs run in the grass .", "A woman reads a book ."]


@dataclass(frozen=True)
class Outcome:
    """What a command left: exit status, the bytes on standard output, the text on standard error."""

    status: int
    out: bytes
    err: str

    @property
    def lines(self) -> list[str]:
        """The lines on standard output; only LF ends one."""
        return self.out.decode().removesuffix("\n").split("\n") if self.out else []


class Stream(io.TextIOWrapper):
    """A standard stream that keeps its bytes, and says whether it is a terminal."""

    def __init__(self, data: bytes = b"", terminal: bool = False) -> None:
        self.kept = io.BytesIO(data)
        self.terminal = terminal
        super().__init__(self.kept, encoding="utf-8", write_through=True)

    def isatty(self) -> bool:
        return self.terminal


def lessons(*arguments: object, stdin: bytes = b"", terminal: bool = False) -> Outcome:
    """Run `lessons …`; with `terminal`, standard error is one."""
    with pytest.MonkeyPatch.context() as patch:
        out, err = Stream(), Stream(terminal=terminal)
        patch.setattr(sys, "stdin", Stream(stdin))
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        status = main([str(argument) for argument in arguments])
        err.flush()
    return Outcome(status, out.kept.getvalue(), err.kept.getvalue().decode())


def assert_refused(outcome: Outcome, *words: str) -> None:
    """Exit status 2, nothing on standard output, and at most four lines on standard error that hold these words."""
    assert (outcome.status, outcome.out) == (2, b"")
    assert 1 <= len(outcome.err.splitlines()) <= 4, outcome.err
    assert "Traceback" not in outcome.err
    for word in words:
        assert word in outcome.err, outcome.err


def save_tiny_translator(folder: Path, max_length: int = 64, direction: str = "en-de") -> Path:
    """A translator that has learned nothing, but is whole: the folder can be given as --checkpoint."""
    torch.manual_seed(0)
    tokenizer = Tokenizer.train(SENTENCES * 2, 320)
    shape = dict(d_model=16, n_heads=2, d_ff=32, n_encoder_layers=1, n_decoder_layers=1, dropout=0.0)
    model = EncoderDecoder(ModelConfig(vocabulary_size=tokenizer.vocabulary_size, max_length=max_length, **shape))
    save_model(folder, TrainedModel(model, tokenizer, Casing(), direction))
    return folder
