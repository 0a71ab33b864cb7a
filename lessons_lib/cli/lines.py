"""Lines in and out: UTF-8 whatever the machine's settings, LF and CRLF alone end a line."""

import os
import sys
from pathlib import Path
from typing import BinaryIO

from lessons_lib.cli.refusal import Refusal, system_reason
from lessons_lib.files import print_utf8, read_lines

STANDARD_INPUT = "standard input"


def standard_input() -> BinaryIO:
    """The bytes that come in.

    Raises:
        Refusal: if standard input is closed.
    """
    if sys.stdin is None:
        raise Refusal("standard input is closed: name a FILE, or pipe sentences in")
    return sys.stdin.buffer


def read_text_lines(path: Path | None) -> list[str]:
    """All lines of a file, or of standard input for None or `-`; a byte-order mark before the first is left out.

    Raises:
        Refusal: if the file cannot be read, or a line is not UTF-8; names the line.
    """
    name = shown_name(path)
    try:
        data = standard_input().read() if name == STANDARD_INPUT else Path(path).read_bytes()
    except OSError as error:
        raise Refusal(system_reason(error)) from error
    return decoded(data, name)


def decoded(data: bytes, name: str) -> list[str]:
    """The lines of these bytes. Raises Refusal, naming `name` and the line, if one is not UTF-8."""
    try:
        return read_lines(data.removeprefix(b"\xef\xbb\xbf"), name)
    except ValueError as error:
        raise Refusal(str(error)) from error


def shown_name(path: Path | None) -> str:
    """What to call an input in messages."""
    return STANDARD_INPUT if path is None or str(path) == "-" else os.fspath(path)


def write_line(text: str) -> None:
    """Write one line to standard output, in UTF-8 and with LF on every system.

    Raises:
        Refusal: if standard output is closed.
    """
    if sys.stdout is None:
        raise Refusal("standard output is closed: there is nowhere to write to")
    print_utf8(f"{text}\n")


def is_terminal(stream: object) -> bool:
    """Whether a person is looking at this stream."""
    return stream is not None and stream.isatty()
