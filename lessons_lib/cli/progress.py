"""Progress of a training on standard error: a bar for a terminal, now and then a line for a log."""

import contextlib
import sys
from typing import TYPE_CHECKING, Any, Self

from lessons_lib.cli.lines import is_terminal

if TYPE_CHECKING:
    from tqdm import tqdm

Row = dict[str, Any]
SECONDS_BETWEEN_LINES = 10.0


def say(text: str) -> None:
    """Write a line to standard error; where nobody reads it any more (`| head`), the work goes on without."""
    with contextlib.suppress(BrokenPipeError):
        print(text, file=sys.stderr, flush=True)


class Progress:
    """Shows the metrics rows of a run.

    Attributes:
        last: the row that came last; None before the first.
    """

    def __init__(self, steps: int | None, seconds: float | None) -> None:
        """How long the run will last: steps or seconds, one of the two."""
        self.last: Row | None = None
        self._measure, self._total = ("step", float(steps)) if steps is not None else ("seconds", seconds or 0.0)
        self._said = float("-inf")
        self._validation = ""
        self._bar: tqdm | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self, row: Row) -> None:
        """Show a row as it comes."""
        self.last = row
        if "validation" in row:
            self._validation = ", validation: " + ", ".join(f"{name} {value}" for name, value in row["validation"].items())
        if is_terminal(sys.stderr):
            self._move(row)
        elif "validation" in row or row["seconds"] - self._said >= SECONDS_BETWEEN_LINES:
            self._said = row["seconds"]
            score = self._validation if "validation" in row else ""
            say(f"step {row['step']}, {row['seconds']:.0f} s: loss {row['loss']:.3f}, {row['tokens_per_second']} tokens/s{score}")

    def _move(self, row: Row) -> None:
        now = min(row[self._measure], self._total)
        if self._bar is None:  # begun at the first row: reading the data, or what an earlier run did, is no pace to go by
            self._bar = _bar(now, self._total, "steps" if self._measure == "step" else "s")
        self._bar.set_postfix_str(f"loss {row['loss']:.3f}{self._validation}", refresh=False)
        self._bar.update(now - self._bar.n)


def _bar(now: float, total: float, unit: str) -> "tqdm":
    from tqdm import tqdm

    shape = "{percentage:3.0f}% |{bar}| {n:.0f}/{total:.0f} " + unit + ", {remaining} left{postfix}"
    return tqdm(total=total, initial=now, file=sys.stderr, dynamic_ncols=True, bar_format=shape)
