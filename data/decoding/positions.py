"""Makes positions.json: the grammar recipe trained as it ships and once more without positions, both asked who bites whom.

    python data/decoding/positions.py

takes a few minutes on two cores. Nothing else differs: same data, seed, steps.
"""

import json
import time
from pathlib import Path

import torch
from torch import nn

from lessons_lib.corpus import Pair, load_grammar
from lessons_lib.evaluation import exact_match
from lessons_lib.files import write_text
from lessons_lib.positions import NoPositions
from lessons_lib.presets import PRESETS, prepare
from lessons_lib.translation import Translator

FOLDER = Path(__file__).resolve().parent


def trained(with_positions: bool) -> tuple[Translator, float, float]:
    """The grammar recipe's model, its last training loss (nats a token) and its seconds."""
    run = prepare(PRESETS["grammar"])
    run.trainer.validate = None
    for model in {run.trainer.model, run.trainer.averaged, run.trainer.worker}:
        if not with_positions:
            remove_positions(model)
    losses: list[float] = []
    run.trainer.on_log = lambda row: losses.append(row["loss"])
    start = time.perf_counter()
    run.trainer.run()
    return Translator(run.trained()), losses[-1], time.perf_counter() - start


def remove_positions(model: nn.Module) -> None:
    """Let words enter encoder and decoder as they are."""
    model.source_entrance.positions, model.target_entrance.positions = NoPositions(), NoPositions()


def mirrored_row(pairs: list[Pair], written: list[str]) -> dict[str, float]:
    """How the mirrored pairs went: per cent of sentences right, of pairs with both right, of pairs that got one text twice."""
    twos = [(i, i + 1) for i in range(0, len(pairs), 2)]
    right = [text == pair.target for text, pair in zip(written, pairs, strict=True)]
    return {
        "mirrored": exact_match(written, [pair.target for pair in pairs]),
        "both right": 100 * sum(right[a] and right[b] for a, b in twos) / len(twos),
        "same text": 100 * sum(written[a] == written[b] for a, b in twos) / len(twos),
    }


def main() -> None:
    """Train both, translate, and write the file."""
    test, mirrored = load_grammar("test"), load_grammar("mirrored")
    rows = {}
    for name, with_positions in (("with positions", True), ("without positions", False)):
        translator, loss, seconds = trained(with_positions)
        written = translator.translate([pair.source for pair in test], beam=1)
        bites = translator.translate([pair.source for pair in mirrored], beam=1)
        rows[name] = {
            "test": exact_match(written, [pair.target for pair in test]),
            **mirrored_row(mirrored, bites),
            "loss": loss,
            "seconds": round(seconds),
            "written": bites,
        }
        print(name, rows[name], flush=True)
    write_text(FOLDER / "positions.json", json.dumps(rows, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
