"""Values of options, read strictly: what is refused is named with what is allowed."""

import math
from collections.abc import Callable

import typer


def whole_number(low: int, high: int | None = None) -> Callable[[str], int]:
    """A reader of whole numbers from `low` to `high`, or without end; it raises BadParameter for anything else."""

    def read(text: str) -> int:
        text = str(text)  # a default comes as it is
        allowed = f"a whole number from {low} to {high}" if high is not None else f"a whole number, at least {low}"
        if not text.isascii() or not text.removeprefix("-").isdigit():
            raise typer.BadParameter(f"{text!r} is not {allowed}")
        if int(text) < low or (high is not None and int(text) > high):
            raise typer.BadParameter(f"{text} is not {allowed}")
        return int(text)

    return read


def positive_number(text: str) -> float:
    """A number above 0 and below infinity. Raises BadParameter for anything else."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise typer.BadParameter(f"{text!r} is not a number above 0")
    return value


def one_of(*allowed: str) -> Callable[[str], str]:
    """A reader of one of these words; it raises BadParameter for anything else."""

    def read(text: str) -> str:
        if text not in allowed:
            raise typer.BadParameter(f"{text!r} is not one of {', '.join(allowed)}")
        return text

    return read
