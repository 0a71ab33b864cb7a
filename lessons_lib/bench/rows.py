"""What was measured, as rows for other programs, and the numbers that a table needs."""

import json
import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from lessons_lib.bench.contest import Result

Row = dict[str, str | int | float | None]


@dataclass(frozen=True)
class Occasion:
    """Where and when: what a number is worth nothing without.

    Attributes:
        study: `bench train` or `bench decode`.
        data: preset or checkpoint.
        hardware: processor, cores, threads, what it has for bf16.
        torch: its version.
        date: the day, as 2026-11-25.
    """

    study: str
    data: str
    hardware: str
    torch: str
    date: str


@dataclass(frozen=True)
class Summary:
    """A quantity over the turns of a system.

    Attributes:
        median: of the turns.
        spread: (largest − smallest) / median.
    """

    median: float
    spread: float


def summary(values: Iterable[float]) -> Summary:
    """Median and spread.

    Raises:
        ValueError: if there are no values.
    """
    values = list(values)
    if not values:
        raise ValueError("there is nothing to summarise: a system needs at least one turn that counts")
    middle = statistics.median(values)
    return Summary(middle, (max(values) - min(values)) / middle if middle else 0.0)


def speed(result: Result) -> Summary:
    """Tokens a second, source and target without padding."""
    return summary(turn.tokens / turn.seconds for turn in result.turns)


def value(result: Result, name: str) -> Summary:
    """Another quantity that its turns tell."""
    return summary(turn.values[name] for turn in result.turns)


def rows(occasion: Occasion, results: list[Result]) -> list[Row]:
    """One row a system, repeat and metric; what holds for a system as a whole has no repeat."""
    found: list[Row] = []
    for result in results:
        for repeat, turn in enumerate(result.turns, 1):
            metrics = ({"tokens_per_second": turn.tokens / turn.seconds} if turn.tokens else {}) | turn.values
            found += [_row(occasion, result, repeat, turn.tokens, turn.seconds, name, metric) for name, metric in metrics.items()]
        whole = {"peak_memory_mb": result.memory / 1e6} | result.facts
        found += [_row(occasion, result, None, None, None, name, metric) for name, metric in whole.items()]
    return found


def _row(
    occasion: Occasion, result: Result, repeat: int | None, tokens: int | None, seconds: float | None, metric: str, number: float
) -> Row:
    measured = {"system": result.name, "repeat": repeat, "tokens": tokens, "seconds": seconds and round(seconds, 3)}
    return {**asdict(occasion), **measured, "metric": metric.replace(" ", "_"), "value": round(number, 4)}


def as_lines(found: list[Row]) -> str:
    """The rows as JSON, one a line."""
    return "".join(json.dumps(row) + "\n" for row in found)
