"""Writing files so that each is whole or absent, and line files that only LF and CRLF divide."""

import os
from pathlib import Path


def write_bytes(path: Path, data: bytes) -> None:
    """Write under a temporary name beside `path`, force it to disk, rename. What stood at `path` stays until the new file is whole.

    Raises:
        OSError: if a write, sync or rename fails; the temporary file is then removed.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


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


def read_lines(data: bytes, name: str) -> list[str]:
    """The lines of UTF-8 bytes. Only LF and CRLF end a line; U+2028, form feeds and the like are part of it.

    Args:
        data: the file's content.
        name: what to call it in an error.

    Raises:
        ValueError: if a line is not UTF-8; names the line.
    """
    lines = data.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    decoded = []
    for number, line in enumerate(lines, 1):
        try:
            decoded.append(line.removesuffix(b"\r").decode("utf-8"))
        except UnicodeDecodeError as error:
            raise ValueError(f"{name}, line {number}: not UTF-8 (byte {line[error.start]:#04x} at position {error.start + 1})") from error
    return decoded
