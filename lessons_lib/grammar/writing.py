"""The corpus as files: a JSON line a pair, and a manifest that names rows and SHA-256 of each file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from lessons_lib.files import write_bytes
from lessons_lib.grammar.splits import GrammarPair

MANIFEST = "manifest.json"


def as_bytes(pairs: Sequence[GrammarPair]) -> bytes:
    """`{"en": …, "de": …}` a line, UTF-8, LF."""
    lines = (json.dumps({"en": pair.source, "de": pair.target}, ensure_ascii=False) + "\n" for pair in pairs)
    return "".join(lines).encode("utf-8")


def write_corpus(folder: Path, splits: Mapping[str, Sequence[GrammarPair]], seed: int) -> None:
    """Write `<split>.jsonl` for each split, then the manifest; each file is whole or absent.

    Args:
        folder: where to; made if it is not there.
        splits: what `generate` gave.
        seed: the seed that it was given.

    Raises:
        OSError: if a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for name, pairs in splits.items():
        data = as_bytes(pairs)
        write_bytes(folder / f"{name}.jsonl", data)
        files[f"{name}.jsonl"] = {"rows": len(pairs), "sha256": hashlib.sha256(data).hexdigest()}
    manifest = {"seed": seed, "files": files}
    write_bytes(folder / MANIFEST, (json.dumps(manifest, indent=2) + "\n").encode("utf-8"))
