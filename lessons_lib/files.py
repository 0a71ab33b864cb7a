"""Writing files so that each is whole or absent, and line files that only LF and CRLF divide."""

import contextlib
import errno
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

_PART = ".part"


def write_together(files: Mapping[Path, bytes]) -> None:
    """Write files under temporary names beside their own, force all to disk, then rename them in the order given.

    What stood there stays until every new file is whole, so that a full disk leaves a folder as it was; after a rename that fails, those
    before it are undone. Where a link stands, the file that it names is written.

    Raises:
        OSError: if a write, sync or rename fails; names the file. The temporary files are then removed.
    """
    files = {path.resolve() if path.is_symlink() else path: data for path, data in files.items()}
    parts = {path: path.with_name(f".{path.name}.{os.getpid()}{_PART}") for path in files}
    path, old, renamed = None, {}, []
    try:
        for path, data in files.items():
            with open(parts[path], "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        old = {known: known.read_bytes() for known in [*files][:-1] if known.is_file()}
        for path in files:
            os.replace(parts[path], path)
            renamed.append(path)
    except OSError as error:
        for known in renamed:
            _put_back(known, old.get(known), parts[known])
        raise OSError(error.errno, f"{error.strerror}; what stood there is unchanged", str(path)) from error
    finally:
        for part in parts.values():
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
    for folder in {path.parent for path in files}:
        _sync_folder(folder)


def _put_back(path: Path, data: bytes | None, part: Path) -> None:
    """Give a file what it held before; None where there was no file."""
    if data is None:
        path.unlink()
    else:
        part.write_bytes(data)
        os.replace(part, path)


def write_bytes(path: Path, data: bytes) -> None:
    """Write one file, whole or not at all; a device or a pipe is written into, since no file can take its place. Raises OSError as
    `write_together`."""
    path = Path(path)
    if path.exists() and not path.is_file():
        path.write_bytes(data)
    else:
        write_together({path: data})


def demand_writable(path: Path) -> None:
    """Raise OSError, whose `strerror` says why, unless a file can be written there, or take the place of the one that is there."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "that is a folder; name a file", str(path))
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, f"there is no folder {path.parent}; make it first", str(path))
    if path.exists() and not path.is_file():
        return  # a device or a pipe, which is written into
    with tempfile.TemporaryFile(dir=path.parent):
        pass


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files that a process killed while writing has left in this folder."""
    for part in folder.glob(f".*{_PART}"):
        part.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make a rename durable; systems that cannot open a folder (Windows) have no such step."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8, whole or not at all. Raises OSError as `write_bytes`."""
    write_bytes(Path(path), text.encode("utf-8"))


def print_utf8(text: str) -> None:
    """Write text to standard output in UTF-8, whatever a terminal would need, and with its line ends as they are. Where that has no bytes,
    as in a notebook, the text itself is written."""
    binary = getattr(sys.stdout, "buffer", None)
    if binary is None:
        sys.stdout.write(text)
    else:
        binary.write(text.encode("utf-8"))


def read_lines(data: bytes, name: str, before: int = 0) -> list[str]:
    """The lines of UTF-8 bytes. Only LF and CRLF end a line; U+2028, form feeds and the like are part of it.

    Args:
        data: the file's content.
        name: what to call it in an error.
        before: lines of the file that stand before these.

    Raises:
        ValueError: if a line is not UTF-8; names the line.
    """
    lines = data.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    decoded = []
    for number, line in enumerate(lines, before + 1):
        try:
            decoded.append(line.removesuffix(b"\r").decode("utf-8"))
        except UnicodeDecodeError as error:
            raise ValueError(f"{name}, line {number}: not UTF-8 (byte {line[error.start]:#04x} at position {error.start + 1})") from error
    return decoded
