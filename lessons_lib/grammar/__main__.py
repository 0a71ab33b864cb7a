"""`python -m lessons_lib.grammar FOLDER [--seed N]`: make the grammar corpus and write it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lessons_lib.grammar.splits import DEFAULT_SEED, generate
from lessons_lib.grammar.writing import write_corpus


def main(arguments: list[str] | None = None) -> int:
    """Write the corpus; 0, or 2 with a message if the folder cannot be written to."""
    parser = argparse.ArgumentParser(prog="python -m lessons_lib.grammar", description="Make the English–German grammar corpus.")
    parser.add_argument("folder", type=Path, help="where the .jsonl files and manifest.json go, for instance data/grammar")
    parser.add_argument(
        "--seed", type=int, default=DEFAULT_SEED, help="another seed, another corpus (default: %(default)s, the shipped one)"
    )
    chosen = parser.parse_args(arguments)
    splits = generate(chosen.seed)
    try:
        write_corpus(chosen.folder, splits, chosen.seed)
    except OSError as error:
        print(f"{chosen.folder}: {error.strerror or error}; name a folder that can be written to", file=sys.stderr)
        return 2
    for name, pairs in splits.items():
        print(f"{name}.jsonl: {len(pairs)} pairs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
