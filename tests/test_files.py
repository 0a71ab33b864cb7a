"""Files are whole or absent, whatever the disk does."""

import errno
import io
import os
from pathlib import Path
from typing import Any

import pytest

from lessons_lib import files
from lessons_lib.files import read_lines, remove_leftovers, write_bytes, write_text, write_together


def fail_at(monkeypatch: pytest.MonkeyPatch, where: str, code: int = errno.ENOSPC, after: int = 0) -> None:
    """Let the system refuse one call of `open`, `write`, `fsync` or `replace`, when `after` have gone well."""
    calls = {"left": after}

    def refuse() -> None:
        calls["left"] -= 1
        if calls["left"] == -1:
            raise OSError(code, os.strerror(code))

    class Full(io.FileIO):
        def write(self, data: Any) -> int:
            super().write(bytes(data)[: len(data) // 2])  # a full disk takes what still fits
            refuse()
            return super().write(bytes(data)[len(data) // 2 :])

    def opening(path: Path, mode: str) -> io.FileIO:
        if where == "open":
            refuse()
        return Full(path, mode.replace("b", "")) if where == "write" else io.FileIO(path, mode.replace("b", ""))

    monkeypatch.setattr(files, "open", opening, raising=False)
    for name in ("fsync", "replace"):
        if where == name:
            real = getattr(os, name)
            monkeypatch.setattr(os, name, lambda *a, real=real: (refuse(), real(*a))[1])


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES])
@pytest.mark.parametrize("where", ["open", "write", "fsync", "replace"])
def test_a_refusing_disk_leaves_the_old_file_and_no_other(where: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.bin"
    write_bytes(path, b"good")
    fail_at(monkeypatch, where, code)
    with pytest.raises(OSError, match="model.bin") as caught:
        write_bytes(path, b"new and longer")
    assert caught.value.errno == code and os.strerror(code) in str(caught.value) and "what stood there is unchanged" in str(caught.value)
    assert path.read_bytes() == b"good"
    assert os.listdir(tmp_path) == ["model.bin"]


@pytest.mark.parametrize("after", [0, 1, 2])
@pytest.mark.parametrize("where", ["open", "write", "fsync", "replace"])
def test_files_written_together_change_together(where: str, after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second of three files is a new one."""
    old = {tmp_path / "a": b"old a", tmp_path / "c": b"old c"}
    write_together(old)
    fail_at(monkeypatch, where, after=after)
    with pytest.raises(OSError, match=f"/{'abc'[after]}'"):
        write_together({tmp_path / name: b"new" for name in "abc"})
    assert {path: path.read_bytes() for path in old} == old
    assert sorted(os.listdir(tmp_path)) == ["a", "c"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes need a Unix")
def test_a_pipe_is_written_into_and_stays_one(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_bytes(tmp_path / "pipe", b"data")
    assert os.read(reader, 9) == b"data" and (tmp_path / "pipe").is_fifo()
    os.close(reader)


def test_where_a_link_stands_its_file_is_written(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for target in ("folder/a", "folder/new"):
        link = tmp_path / Path(target).name
        link.symlink_to(target)
        write_bytes(link, b"data")
        assert link.is_symlink() and (tmp_path / target).read_bytes() == b"data"
    assert sorted(os.listdir(tmp_path / "folder")) == ["a", "new"]


def test_data_is_on_disk_before_it_gets_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *a, name=name, real=real: (done.append(name), real(*a))[1])
    write_together({tmp_path / "a": b"1", tmp_path / "b": b"2"})
    assert done[:4] == ["fsync", "fsync", "replace", "replace"]
    assert done[4:] in ([], ["fsync"])  # the folder, where the system can


def test_an_interrupted_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_bytes(tmp_path / "a", b"data")
    assert os.listdir(tmp_path) == []


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere/a"):
        write_bytes(tmp_path / "nowhere" / "a", b"data")


def test_leftovers_of_a_killed_process_are_swept(tmp_path: Path) -> None:
    for name in (".model.safetensors.77.part", "part", ".hidden", "model.safetensors"):
        (tmp_path / name).write_bytes(b"x")
    remove_leftovers(tmp_path)
    assert sorted(os.listdir(tmp_path)) == [".hidden", "model.safetensors", "part"]


def test_only_lf_and_crlf_end_a_line() -> None:
    text = "one\r\ntwo\u2028still two\x0b\x0c\x85\rstill\n\nfour"
    assert read_lines(text.encode(), "x") == ["one", "two\u2028still two\x0b\x0c\x85\rstill", "", "four"]
    assert read_lines(b"", "x") == [] and read_lines(b"\n", "x") == [""]


def test_what_is_no_utf8_is_named_by_line() -> None:
    with pytest.raises(ValueError, match="in.txt, line 2: not UTF-8 .byte 0xff at position 3"):
        read_lines(b"good\nab\xff\n", "in.txt")


def test_text_is_written_as_utf8(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "beißt\n")
    assert (tmp_path / "a").read_bytes() == "beißt\n".encode()
