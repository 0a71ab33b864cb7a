"""The listing of the article that the course follows (its sections 5.2 and 5.4), run step by step: what breaks, and what mends it.

It needs Keras 3, which only the extra `article` installs. So its messages are recorded, and where Keras is missing the record is shown:

    python -m lessons_lib.listing        runs the listing and writes data/article/listing.json

`results` runs it in a process of its own, on Keras' torch backend: the notebook that asks never imports Keras.
"""

import argparse
import dataclasses
import importlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lessons_lib.files import write_text

RECORD = Path(__file__).resolve().parents[1] / "data" / "article" / "listing.json"
COMMAND = "python -m lessons_lib.listing"
SECONDS = 120  # the longest that a run may take before the record is shown instead
LONGEST = 60  # characters of a message that are kept

# Quoted from "Zen and the Art of Computer Programming" (pen name, undated), section 5.2. The imports are shown, not run: Layer is Keras'.
IMPORTS = """\
import tensorflow as tf
from tensorflow.keras.layers import Layer
"""
LISTING = """\
class TransformerBlock(Layer):
    def __init__(self, d_model, num_heads, dff, rate=0.1):
        super(TransformerBlock, self).__init__()
        self.mha = MultiHeadAttention(d_model, num_heads)
        self.ffn = FFNN(d_model, dff)
        self.layernorm1 = LayerNormalization(d_model)
        self.layernorm2 = LayerNormalization(d_model)
        self.dropout1 = Dropout(rate)
        self.dropout2 = Dropout(rate)

    def call(self, x, training=False):
        attn_output = self.mha(x, x, x)
        attn_output = self.dropout1(attn_output, training=training)
        out1 = self.layernorm1(x + attn_output)
        ffn_output = self.ffn(out1)
        ffn_output = self.dropout2(ffn_output, training=training)
        out2 = self.layernorm2(out1 + ffn_output)
        return out2
"""
PRINTED = f"{IMPORTS}\n{LISTING}"


@dataclass(frozen=True)
class Step:
    """One try: what was given to the listing, and what came of it in a line, such as "NameError: name 'FFNN' is not defined"."""

    given: str
    result: str


class RecordMissing(RuntimeError):
    """The recorded messages cannot be read."""


def recorded(path: Path = RECORD) -> list[Step]:
    """The steps as they were recorded. Raises RecordMissing if the file is missing or is no such record."""
    try:
        return [Step(**step) for step in json.loads(path.read_text(encoding="utf-8"))["steps"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecordMissing(f"{path} cannot be read ({type(error).__name__}: {error}); make it with: {COMMAND}") from error


def results() -> tuple[list[Step], str]:
    """The steps, run live where Keras is installed and recorded elsewhere, and a sentence that says which of the two."""
    if importlib.util.find_spec("keras") is None:
        return recorded(), "Recorded messages: Keras is not installed here (pip install -e '.[article]' brings it)."
    command = [sys.executable, "-m", "lessons_lib.listing", "--print"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=SECONDS, check=True)
        run = json.loads(answer.stdout)
        return [Step(**step) for step in run["steps"]], f"Run here, now, with Keras {run['keras']}."
    except (OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
        return recorded(), f"Keras is installed, but the run failed ({type(error).__name__}): these are the recorded messages."


def run_in_this_process() -> dict[str, Any]:
    """Run every step: {"keras": its version, "torch": torch's version, "command": …, "steps": [{"given", "result"}, …]}.

    Raises:
        ModuleNotFoundError: without Keras; says how to get it.
    """
    os.environ["KERAS_BACKEND"] = "torch"
    try:
        keras = importlib.import_module("keras")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"{error}; the listing needs the extra article: pip install -e '.[article]'") from error
    import torch

    steps = [dataclasses.asdict(step) for step in _steps(keras)]
    return {"command": COMMAND, "keras": keras.__version__, "torch": torch.__version__.partition("+")[0], "steps": steps}


def _steps(keras: Any) -> list[Step]:
    """The steps in the order in which a reader would run into them: each mends what stopped the one before."""
    names = _supplied(keras)
    four = list(names)
    given = [_attempt(keras, "as printed", {}, (10, 50))]
    for count, name in enumerate(four, 1):
        given.append(_attempt(keras, f"{name} supplied", {key: names[key] for key in four[:count]}, (10, 50)))
    given.append(_attempt(keras, "a batch axis and the right width: x is (1, 10, 64)", names, (1, 10, 64)))
    mended = {**names, "LayerNormalization": lambda width: keras.layers.LayerNormalization(axis=-1)}
    for shape in ((10, 50), (1, 10, 50)):
        given.append(_attempt(keras, f"norm over the last axis, x is {shape}", mended, shape))
    given.append(_attempt(keras, "norm over the last axis, x is (1, 10, 64)", mended, (1, 10, 64), _widths))
    given.append(_attempt(keras, "the same, with a mask for padding", mended, (1, 10, 64), keywords=("attention_mask",)))
    given.append(_attempt(keras, "the same, with an encoder's memory", mended, (1, 10, 64), keywords=("memory",)))
    return given


def _supplied(keras: Any) -> dict[str, Callable[..., Any]]:
    """The four names that the listing neither imports nor defines: Keras' own, and for FFNN the plainest reading."""

    class FFNN(keras.layers.Layer):
        """Expand to dff, ReLU, contract to d_model."""

        def __init__(self, d_model: int, dff: int) -> None:
            super().__init__()
            self.expand, self.contract = keras.layers.Dense(dff, activation="relu"), keras.layers.Dense(d_model)

        def call(self, x: Any) -> Any:
            return self.contract(self.expand(x))

    layers = keras.layers
    return {
        "MultiHeadAttention": layers.MultiHeadAttention,
        "FFNN": FFNN,
        "LayerNormalization": layers.LayerNormalization,
        "Dropout": layers.Dropout,
    }


def _attempt(
    keras: Any,
    given: str,
    names: Mapping[str, Callable[..., Any]],
    shape: tuple[int, ...],
    tell: Callable[[Any], str] = lambda block: "",
    keywords: tuple[str, ...] = (),
) -> Step:
    """Define the block with these names, make it as section 5.4 does, (64, 2, 64), and call it on an x of this shape."""
    x = importlib.import_module("numpy").zeros(shape, dtype="float32")
    space: dict[str, Any] = {"Layer": keras.layers.Layer, **names}
    exec(LISTING, space)  # the quoted text above, nothing from outside
    try:
        block = space["TransformerBlock"](64, 2, 64)
        output = block(x, **{name: x for name in keywords})
    except Exception as error:  # whatever it is, it is what the step is about
        return Step(given, _in_a_line(error))
    return Step(given, f"runs, output {tuple(output.shape)}{tell(block)}")


def _widths(block: Any) -> str:
    """What the numbers (64, 2, 64) have made of the block."""
    _, heads, width = block.mha.get_weights()[0].shape
    return f"; {heads} heads {width} wide; feed-forward {' to '.join(map(str, block.ffn.get_weights()[0].shape))}"


def _in_a_line(error: Exception) -> str:
    """The error's type, the layer inside the block that it came from where Keras names one, and the first words of its message."""
    lines = [line.strip() for line in re.sub(r"\x1b\[[0-9;]*m", "", str(error)).splitlines() if line.strip()]
    called = re.match(r"Exception encountered when calling (\w+)\.call\(\)", lines[0]) if lines else None
    said = (lines[1:] if called else lines) or [""]
    where = f" in {called[1]}" if called and called[1] != "TransformerBlock" else ""
    return f"{type(error).__name__}{where}: {textwrap.shorten(said[0].rstrip('.'), LONGEST, placeholder=' …')}"


def main(arguments: list[str] | None = None) -> int:
    """Run the listing and record it, or print the record; 0, or 2 with a message where Keras is missing."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Run the article's listing and record what comes of it.")
    parser.add_argument("--print", action="store_true", help="print the JSON instead of writing data/article/listing.json")
    chosen = parser.parse_args(arguments)
    try:
        text = json.dumps(run_in_this_process(), indent=1, ensure_ascii=False) + "\n"
    except ModuleNotFoundError as error:
        print(error, file=sys.stderr)
        return 2
    if chosen.print:
        print(text, end="")
    else:
        RECORD.parent.mkdir(parents=True, exist_ok=True)
        write_text(RECORD, text)
        print(f"{RECORD.name}: {len(json.loads(text)['steps'])} steps")
    return 0


if __name__ == "__main__":
    sys.exit(main())
