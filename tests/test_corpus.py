"""The data sets: what is damaged or missing is named with the way to get it."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from lessons_lib import corpus
from lessons_lib.corpus import (
    MULTI30K,
    DataError,
    Pair,
    SplitFile,
    has_multi30k,
    load_grammar,
    load_multi30k,
    load_wmt14,
    read_hub,
    read_pairs,
    rows_hash,
    verify,
)

ROOT = Path(__file__).resolve().parent.parent
ROWS = [Pair("A dog.", "Ein Hund."), Pair("Two\u2028men.", "Zwei Männer."), Pair('"Yes"', "„Ja“")]
HOW = "load_dataset.*LESSONS_DATA_DIR"


def write_rows(path: Path, rows: list[Pair] = ROWS) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"en": row.source, "de": row.target}, ensure_ascii=False) + "\n" for row in rows]
    path.write_text("".join(lines), encoding="utf-8")


@pytest.fixture
def small_multi30k(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the layout of the real one, three rows a split, and hashes to match."""
    wanted = {split: SplitFile(file.file, len(ROWS), rows_hash(ROWS)) for split, file in MULTI30K.items()}
    monkeypatch.setattr(corpus, "MULTI30K", wanted)
    monkeypatch.setenv("LESSONS_DATA_DIR", str(tmp_path))
    for split in wanted.values():
        write_rows(tmp_path / "multi30k" / split.file)
    return tmp_path / "multi30k"


def test_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    write_rows(tmp_path / "x.jsonl")
    assert read_pairs(tmp_path / "x.jsonl") == ROWS
    assert read_pairs(tmp_path / "x.jsonl", "de", "en")[0] == Pair("Ein Hund.", "A dog.")


def test_a_byte_order_mark_is_no_part_of_the_first_row(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"en": "a", "de": "b"}\n', encoding="utf-8-sig")
    assert read_pairs(tmp_path / "x.jsonl") == [Pair("a", "b")]


NO_ROWS = ["no json", '{"en": "a"}', "[1]", "3", '{"en": "a", "de"', "", '{"en": null, "de": "b"}', '{"en": "a", "de": ["b"]}']


@pytest.mark.parametrize("line", NO_ROWS)
def test_a_damaged_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"en": "a", "de": "b"}\n' + line + "\n")
    with pytest.raises(DataError, match="x.jsonl, line 2"):
        read_pairs(path)


def test_a_damaged_line_is_named_wherever_a_block_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "BLOCK", 30)
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"en": "a", "de": "b"}\r\n' * 9 + b'{"en": "a", "de": "\xff"}')
    with pytest.raises(DataError, match="x.jsonl, line 10: not UTF-8"):
        read_pairs(path)
    path.write_bytes(b'{"en": "a", "de": "b"}\r\n' * 9)
    assert read_pairs(path) == [Pair("a", "b")] * 9


def test_missing_and_undecodable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="gone.jsonl: No such file"):
        read_pairs(tmp_path / "gone.jsonl")
    (tmp_path / "x.jsonl").write_bytes(b'{"en": "a", "de": "b\xff"}\n')
    with pytest.raises(DataError, match="x.jsonl, line 1: not UTF-8"):
        read_pairs(tmp_path / "x.jsonl")


def test_the_hash_is_that_of_the_texts() -> None:
    assert rows_hash([Pair("a", "b"), Pair("c", "ß")]) == hashlib.sha256("a\tb\nc\tß\n".encode()).hexdigest()


def test_a_small_multi30k_is_read_and_verified(small_multi30k: Path) -> None:
    assert has_multi30k()
    assert [load_multi30k(split) for split in ("train", "validation", "test")] == [ROWS] * 3


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_a_missing_file_of_multi30k_is_named_with_the_way_to_get_it(small_multi30k: Path, split: str) -> None:
    (small_multi30k / MULTI30K[split].file).unlink()
    assert not has_multi30k()
    with pytest.raises(DataError, match=f"{MULTI30K[split].file} is not there.*{HOW}"):
        load_multi30k(split)


def test_a_damaged_file_of_multi30k_is_named_with_the_way_to_get_it(small_multi30k: Path) -> None:
    write_rows(small_multi30k / "train.jsonl", ROWS[:2])
    with pytest.raises(DataError, match=f"train.jsonl has 2 rows instead of 3.*{HOW}"):
        load_multi30k("train")
    write_rows(small_multi30k / "val.jsonl", [*ROWS[:2], Pair("changed", "geändert")])
    with pytest.raises(DataError, match=f"val.jsonl has the right number of rows, but not the right text.*{HOW}"):
        load_multi30k("validation")


def write_wmt14(folder: Path) -> Path:
    """The rows in the layout of the hub's data set, one file a split."""
    folder.mkdir(parents=True, exist_ok=True)
    for split in ("train", "validation", "test"):
        lines = [json.dumps({"translation": {"en": row.source, "de": row.target}}) + "\n" for row in ROWS]
        (folder / f"{split}.jsonl").write_text("".join(lines))
    return folder


@pytest.fixture
def small_wmt14(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LESSONS_DATA_DIR", str(tmp_path))
    return write_wmt14(tmp_path / "wmt14")


def test_a_small_wmt14_is_read(small_wmt14: Path) -> None:
    assert [load_wmt14(split) for split in ("train", "validation", "test")] == [ROWS] * 3


def test_a_missing_or_damaged_wmt14_is_named_with_the_way_to_get_it(small_wmt14: Path) -> None:
    (small_wmt14 / "test.jsonl").unlink()
    with pytest.raises(DataError, match="test.jsonl is not there.*wmt/wmt14', 'de-en'.*wmt14/ and set LESSONS_DATA_DIR"):
        load_wmt14("test")
    with open(small_wmt14 / "train.jsonl", "a") as file:
        file.write('{"en": "a", "de": "b"}\n')
    with pytest.raises(DataError, match='train.jsonl, line 4: this is no row {"translation": {"en": …, "de": …}}'):
        load_wmt14("train")


@pytest.mark.slow
def test_wmt14_comes_through_the_hub_in_the_same_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("LESSONS_DATA_DIR", raising=False)
    splits = "".join(f"\n  - {{split: {split}, path: {split}.jsonl}}" for split in ("train", "validation", "test"))
    (write_wmt14(tmp_path / "hub") / "README.md").write_text(f"---\nconfigs:\n- config_name: de-en\n  data_files:{splits}\n---\n")
    monkeypatch.setattr(corpus, "WMT14_HUB_ID", str(tmp_path / "hub"))
    assert load_wmt14("validation") == ROWS
    monkeypatch.setattr(corpus, "WMT14_HUB_ID", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="nowhere cannot be loaded.*wmt14/ and set LESSONS_DATA_DIR"):
        load_wmt14("test")


def test_a_pair_turned_twice_is_itself() -> None:
    assert ROWS[0].turned() == Pair("Ein Hund.", "A dog.") and ROWS[0].turned().turned() == ROWS[0]


def test_unknown_splits_are_named() -> None:
    with pytest.raises(DataError, match="WMT 2014 has no split 'dev': it has train, validation, test"):
        load_wmt14("dev")
    with pytest.raises(DataError, match="no split 'dev': it has train, validation, test"):
        load_multi30k("dev")
    with pytest.raises(DataError, match="no split 'dev': it has .*unseen"):
        load_grammar("dev")


@pytest.mark.slow
def test_the_hub_path_reads_a_local_folder_in_the_same_layout(small_multi30k: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_DATASETS_CACHE", str(small_multi30k.parent / "cache"))
    assert [read_hub(str(small_multi30k), split) for split in ("train", "validation", "test")] == [ROWS] * 3
    monkeypatch.delenv("LESSONS_DATA_DIR")
    monkeypatch.setattr(corpus, "MULTI30K_HUB_ID", str(small_multi30k))
    assert load_multi30k("test") == ROWS
    with pytest.raises(DataError, match=f"nowhere cannot be loaded.*{HOW}"):
        read_hub(str(small_multi30k.parent / "nowhere"), "train")


def test_hub_and_files_are_verified_alike() -> None:
    with pytest.raises(DataError, match="the place has 3 rows instead of 29000"):
        verify(ROWS, MULTI30K["train"], "the place")


@pytest.mark.multi30k
@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_the_real_multi30k_has_its_rows_and_hash(split: str) -> None:
    if not has_multi30k():
        pytest.skip("LESSONS_DATA_DIR/multi30k is not there")
    pairs = load_multi30k(split)
    assert len(pairs) == {"train": 29_000, "validation": 1_014, "test": 1_000}[split]
    assert all(pair.source.strip() and pair.target.strip() for pair in pairs)


@pytest.fixture
def grammar_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_rows(tmp_path / "grammar" / "test.jsonl")
    digest = hashlib.sha256((tmp_path / "grammar" / "test.jsonl").read_bytes()).hexdigest()
    (tmp_path / "grammar" / "manifest.json").write_text(json.dumps({"files": {"test.jsonl": {"sha256": digest}}}))
    monkeypatch.setattr(corpus, "data_dir", lambda: tmp_path)
    return tmp_path / "grammar"


def test_a_grammar_file_is_verified(grammar_copy: Path) -> None:
    assert load_grammar("test") == ROWS
    write_rows(grammar_copy / "test.jsonl", ROWS[:2])
    with pytest.raises(DataError, match="test.jsonl is missing, or not the file that the manifest names. Make it again with: python -m"):
        load_grammar("test")


@pytest.mark.parametrize("content", [None, "", "{}", "[]", '{"files": []}', '{"files": {"test.jsonl": {}}}'])
def test_a_damaged_manifest_is_named(grammar_copy: Path, content: str | None) -> None:
    path = grammar_copy / "manifest.json"
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(DataError, match="manifest.json is missing or damaged. Make it again"):
        load_grammar("test")


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_clone_has_the_bytes_that_the_manifest_names_also_on_windows(tmp_path: Path) -> None:
    """Git for Windows writes CRLF where nothing is said about it."""
    data = b'{"en": "a", "de": "b"}\n'
    (tmp_path / "x.jsonl").write_bytes(data)
    shutil.copy(ROOT / ".gitattributes", tmp_path)
    (tmp_path / "new").mkdir()
    for words in ("init -q", "add .", "checkout-index -a --prefix=new/"):
        subprocess.run(["git", "-C", tmp_path, "-c", "core.autocrlf=true", *words.split()], check=True, capture_output=True)
    assert (tmp_path / "new" / "x.jsonl").read_bytes() == data


def test_the_shipped_grammar_corpus_is_what_its_manifest_says() -> None:
    for split in ("train", "validation", "test", "unseen", "longer", "mirrored"):
        pairs = load_grammar(split)
        assert pairs and all(pair.source and pair.target for pair in pairs)
