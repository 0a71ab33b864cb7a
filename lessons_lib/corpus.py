"""The data sets: the grammar corpus and the dirty file, which ship; Multi30k, verified, and WMT 2014 from their files or the hub."""

import hashlib
import json
import logging
import os
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from lessons_lib.files import read_lines
from lessons_lib.runtime import data_dir

MULTI30K_HUB_ID = "bentrevett/multi30k"
MULTI30K_LICENCE = "Multi30k (Elliott et al. 2016), CC BY-NC-SA 4.0"
FETCH_MULTI30K = f"python -c \"import datasets; datasets.load_dataset('{MULTI30K_HUB_ID}')\""
HOW_TO_GET_MULTI30K = (
    f"Get it with a network: {FETCH_MULTI30K}; "
    "without: put its train.jsonl, val.jsonl and test.jsonl into a folder multi30k/ and set LESSONS_DATA_DIR to the folder above that."
)

WMT14_HUB_ID, WMT14_CONFIGURATION = "wmt/wmt14", "de-en"
FETCH_WMT14 = f"python -c \"import datasets; datasets.load_dataset('{WMT14_HUB_ID}', '{WMT14_CONFIGURATION}')\""
WMT14_SPLITS = ("train", "validation", "test")
HOW_TO_GET_WMT14 = (
    f"Get it with a network: {FETCH_WMT14}; without: put train.jsonl, validation.jsonl and test.jsonl, each line "
    '{"translation": {"en": …, "de": …}}, into a folder wmt14/ and set LESSONS_DATA_DIR to the folder above that.'
)
BLOCK = 2**24
"""Bytes of a file that are read at once."""
DIRECTIONS = ("en-de", "de-en")
"""What the corpora can teach; they are read as the first, and turned round for the second."""


class Pair(NamedTuple):
    """A sentence and its translation."""

    source: str
    target: str

    def turned(self) -> "Pair":
        """The translation and its sentence."""
        return Pair(self.target, self.source)


class DataError(ValueError):
    """A data set is missing or not what it should be; the message says how to get it."""


@dataclass(frozen=True)
class SplitFile:
    """What a split has to be: its file, its rows, and the SHA-256 of its rows as `rows_hash` gives it."""

    file: str
    rows: int
    sha256: str


MULTI30K = {
    "train": SplitFile("train.jsonl", 29_000, "4e95eaa6bc198739d60673c8be0cac3eb018af776b13b9116f5373d55388f2cb"),
    "validation": SplitFile("val.jsonl", 1_014, "2da4aa9f2f00e8aa94e3df29b4669e663fe821b662405a2d9b7fe9ca0ca1f837"),
    "test": SplitFile("test.jsonl", 1_000, "5a087b0b6254fc8da010153b56c4450c369a2709abed12cce8b9ef6db260db35"),
}


def rows_hash(pairs: Iterable[Pair]) -> str:
    """SHA-256 over the texts alone, source TAB target LF a pair, so that files and hub give the same."""
    digest = hashlib.sha256()
    for pair in pairs:
        digest.update(f"{pair.source}\t{pair.target}\n".encode())
    return digest.hexdigest()


def read_pairs(path: Path, source: str = "en", target: str = "de") -> list[Pair]:
    """The pairs of a file with one `{"en": …, "de": …}` a line.

    Raises:
        DataError: if the file is missing, or a line is damaged; names file and line.
    """
    return _read_rows(path, lambda row: _pair(row[source], row[target]), f'{{"{source}": …, "{target}": …}}')


def _pair(source: Any, target: Any) -> Pair:
    """Two texts. Raises TypeError if one is none."""
    if not (isinstance(source, str) and isinstance(target, str)):
        raise TypeError(f"{source!r} and {target!r} are not two texts")
    return Pair(source, target)


def _read_rows(path: Path, parse: Callable[[Any], Pair], form: str) -> list[Pair]:
    """What `parse` makes of the JSON of each line; `form` says in an error what a line should be. Raises DataError as `read_pairs`."""
    pairs = []
    try:
        for number, line in enumerate(_lines(path), 1):
            try:
                pairs.append(parse(json.loads(line)))
            except (json.JSONDecodeError, KeyError, TypeError) as error:
                raise DataError(f"{path}, line {number}: this is no row {form}") from error
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error
    return pairs


def _lines(path: Path) -> Iterator[str]:
    """The lines of a file, a block at a time: a corpus of gigabytes is never held whole beside its pairs."""
    with open(path, "rb") as file:
        before, mark = 0, file.read(len(BOM_UTF8))  # some editors begin a file with a mark
        file.seek(len(BOM_UTF8) if mark == BOM_UTF8 else 0)
        while block := file.readlines(BLOCK):
            try:
                yield from read_lines(b"".join(block), str(path), before)
            except ValueError as error:
                raise DataError(str(error)) from error
            before += len(block)


def load_grammar(split: str) -> list[Pair]:
    """A split of the shipped English–German grammar corpus, verified against its manifest.

    Args:
        split: train, validation, test, unseen, longer or mirrored.

    Raises:
        DataError: if the split is unknown, or its file is missing or changed.
    """
    folder = data_dir() / "grammar"
    again = f"Make it again with: python -m lessons_lib.grammar {folder}"
    try:
        files = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["files"]
        hashes = {name: file["sha256"] for name, file in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{folder / 'manifest.json'} is missing or damaged. {again}") from error
    name = f"{split}.jsonl"
    if name not in hashes:
        raise DataError(f"the grammar corpus has no split {split!r}: it has {', '.join(sorted(Path(file).stem for file in hashes))}")
    path = folder / name
    if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != hashes[name]:
        raise DataError(f"{path} is missing, or not the file that the manifest names. {again}")
    return read_pairs(path)


@dataclass(frozen=True)
class DirtyPair:
    """A pair of the dirty file, and what is known about it.

    Attributes:
        given: the texts as they stand in the file.
        wrong: what is wrong with it, the worst first; empty if nothing is.
        meant: the texts as they should be; None where no mending helps and the pair should be left out.
        note: why a good pair may look bad, or what the other language really says.
    """

    given: Pair
    wrong: tuple[str, ...]
    meant: Pair | None
    note: str


def load_dirty() -> list[DirtyPair]:
    """The small file of English–German pairs that were spoiled on purpose, in its order.

    Raises:
        DataError: if it is missing or damaged.
    """
    path = data_dir() / "dirty" / "pairs.jsonl"
    try:
        rows = [json.loads(line) for line in read_lines(path.read_bytes(), str(path))]
        pairs = [(Pair(row["en"], row["de"]), row) for row in rows]
        return [
            DirtyPair(
                given,
                tuple(row["wrong"]),
                Pair(row["meant"]["en"], row["meant"]["de"]) if "meant" in row else None if row["wrong"] else given,
                row.get("note", ""),
            )
            for given, row in pairs
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is missing or damaged. Get it back: git checkout -- data/dirty") from error


def _own_folder(name: str) -> Path | None:
    root = os.environ.get("LESSONS_DATA_DIR")
    return Path(root) / name if root else None


def multi30k_folder() -> Path | None:
    """LESSONS_DATA_DIR/multi30k, or None where the variable is not set."""
    return _own_folder("multi30k")


def load_multi30k(split: str) -> list[Pair]:
    """A split of Multi30k English–German (task 1; its test is test 2016), from LESSONS_DATA_DIR or through `datasets`.

    Args:
        split: train, validation or test.

    Raises:
        DataError: if the split is unknown, or cannot be had or is damaged; says how to get it.
    """
    if split not in MULTI30K:
        raise DataError(f"Multi30k has no split {split!r}: it has {', '.join(MULTI30K)}")
    wanted, folder = MULTI30K[split], multi30k_folder()
    if folder is not None:
        place = str(folder / wanted.file)
        if not Path(place).exists():
            raise DataError(f"{place} is not there. {HOW_TO_GET_MULTI30K}")
        pairs = read_pairs(Path(place))
    else:
        place = f"the data set {MULTI30K_HUB_ID}"
        pairs = read_hub(MULTI30K_HUB_ID, split)
    verify(pairs, wanted, place)
    return pairs


def load_wmt14(split: str) -> list[Pair]:
    """A split of WMT 2014 English–German, from LESSONS_DATA_DIR/wmt14 or through `datasets`; its test is newstest2014.

    The files have the hub's rows. Nobody has counted or hashed them here, so that a part of the corpus will do as well.

    Args:
        split: train (4.5 million pairs, 2.5 GB of memory), validation or test.

    Raises:
        DataError: if the split is unknown, or cannot be had or is damaged; says how to get it.
    """
    if split not in WMT14_SPLITS:
        raise DataError(f"WMT 2014 has no split {split!r}: it has {', '.join(WMT14_SPLITS)}")
    folder = _own_folder("wmt14")
    if folder is None:
        return read_hub(WMT14_HUB_ID, split, WMT14_CONFIGURATION, _translation, HOW_TO_GET_WMT14)
    path = folder / f"{split}.jsonl"
    if not path.exists():
        raise DataError(f"{path} is not there. {HOW_TO_GET_WMT14}")
    return _read_rows(path, _translation, '{"translation": {"en": …, "de": …}}')


def _translation(row: Any) -> Pair:
    return _pair(row["translation"]["en"], row["translation"]["de"])


def verify(pairs: Sequence[Pair], wanted: SplitFile, place: str) -> None:
    """Raise DataError unless the pairs have the rows and the hash that are wanted; `place` names them in the message."""
    if len(pairs) != wanted.rows:
        raise DataError(f"{place} has {len(pairs)} rows instead of {wanted.rows}. {HOW_TO_GET_MULTI30K}")
    if rows_hash(pairs) != wanted.sha256:
        raise DataError(f"{place} has the right number of rows, but not the right text. {HOW_TO_GET_MULTI30K}")


def read_hub(
    repository: str,
    split: str,
    configuration: str | None = None,
    parse: Callable[[Any], Pair] = lambda row: Pair(row["en"], row["de"]),
    how_to_get: str = HOW_TO_GET_MULTI30K,
) -> list[Pair]:
    """A split of a data set on the Hugging Face hub, or of a local folder in the same layout.

    Args:
        repository: its name there, or the folder.
        split: train, validation or test.
        configuration: which of the data sets under that name; None where there is one.
        parse: makes a pair of a row; as it stands, of the columns `en` and `de`.
        how_to_get: ends the error.

    Raises:
        DataError: if it cannot be had.
    """
    import datasets  # takes two seconds, and only this function needs it

    hub_log = logging.getLogger("huggingface_hub")
    level = hub_log.level
    hub_log.setLevel(logging.ERROR)  # without a network it warns of each of its five tries; the error below says it once
    try:
        return [parse(row) for row in datasets.load_dataset(repository, configuration, split=split)]
    except Exception as error:  # the library lets errors of many layers through: network, cache, parsing
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DataError(f"{repository} cannot be loaded ({reason[:160]}). {how_to_get}") from error
    finally:
        hub_log.setLevel(level)


def has_multi30k() -> bool:
    """Whether the files stand under LESSONS_DATA_DIR (nothing is read or fetched)."""
    folder = multi30k_folder()
    return folder is not None and all((folder / split.file).exists() for split in MULTI30K.values())
