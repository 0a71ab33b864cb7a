"""How a training run went, drawn from the rows of its `metrics.jsonl`.

A row is `{"step", "loss", "lr", "tokens", "seconds", "validation": {...}}`; `validation` is there only where something was measured.
"""

import math
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lessons_lib.figures import house

POINTS = 100  # at most so many points a line: noise is what makes a picture heavy
Row = Mapping[str, object]


@house.picture
def loss_curve(
    rows: Sequence[Row],
    title: str = "",
    validation: str = "loss",
    measured_on: str = "one run, one seed",
) -> tuple[Figure, str]:
    """Training loss, and validation loss where it was measured, in nats a token on a log axis against the optimiser step.

    `validation` is the key of the validation loss in a row's "validation"; `measured_on` says in the axis label what the run was;
    without a `title` the picture says where the training loss began and ended.
    Training loss is averaged over up to `POINTS` groups of neighbouring rows.
    """
    train = _averaged(_column(rows, "loss"))
    held_out = _scores(rows, validation)
    fell = f"Training loss goes from {house.number(train[0][1])} to {house.number(train[-1][1])}"
    figure, ax = house.new_figure(title or fell, 3.3)
    ax.plot(*zip(*train, strict=True), label="training")
    ends = [(*train[-1], "training", house.BLUE)]
    said = [_told("training loss", train)]
    if held_out:
        ax.plot(*zip(*held_out, strict=True), marker=house.MARKERS[1], markersize=5, clip_on=False)
        ends.append((*held_out[-1], "validation", house.RUST))
        step, lowest = min(held_out, key=lambda point: point[1])
        said.append(_told("validation loss", held_out) + f", lowest {house.number(lowest)} at step {step:,}")
    values = [value for _, value in (*train, *held_out)]
    ax.set(yscale="log", xlabel=f"optimiser steps ({measured_on})", ylabel="loss (nats a token, log axis)")
    _ticks(ax, min(values), max(values))
    _thousands(ax, train[-1][0])
    house.label_ends(ax, ends)
    return figure, f"Loss on a log axis against optimiser steps, {measured_on}: {'; '.join(said)}."


@house.picture
def score_curve(
    rows: Sequence[Row],
    score: str,
    name: str,
    title: str,
    measured_on: str = "one run, one seed",
) -> tuple[Figure, str]:
    """A validation score against the optimiser step: `score` is its key in a row's "validation", `name` what the axis calls it."""
    points = _scores(rows, score)
    if not points:
        raise ValueError(f"no row measured {score!r}; measured were: {', '.join(_measured(rows)) or 'none'}")
    figure, ax = house.new_figure(title, 3.0)
    ax.plot(*zip(*points, strict=True), marker=house.MARKERS[0], markersize=5, clip_on=False)
    ax.set(xlabel=f"optimiser steps ({measured_on})", ylabel=name)
    _thousands(ax, points[-1][0])
    house.label_ends(ax, [(*points[-1], house.number(points[-1][1], 1), house.BLUE)])
    best = max(points, key=lambda point: point[1])
    told = f"{_told(name, points, 1)}, highest {house.number(best[1], 1)} at step {best[0]:,}"
    return figure, f"{name} against optimiser steps, {measured_on}: {told}."


def _column(rows: Sequence[Row], key: str) -> list[tuple[int, float]]:
    points = [(int(row["step"]), float(row[key])) for row in rows if row.get(key) is not None]
    if not points:
        raise ValueError(f"no row has a {key!r}; give the rows of a metrics.jsonl, each with 'step' and {key!r}")
    return points


def _measured(rows: Sequence[Row]) -> list[str]:
    return sorted({key for row in rows for key in row.get("validation") or {}})


def _scores(rows: Sequence[Row], key: str) -> list[tuple[int, float]]:
    measured = [(row["step"], row["validation"]) for row in rows if row.get("validation")]
    return [(int(step), float(scores[key])) for step, scores in measured if key in scores]


def _averaged(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Neighbouring points averaged in groups, so that at most `POINTS` remain; a group stands at its last step."""
    size = -(-len(points) // POINTS)
    groups = [points[i : i + size] for i in range(0, len(points), size)]
    return [(group[-1][0], sum(value for _, value in group) / len(group)) for group in groups]


def _told(name: str, points: Sequence[tuple[int, float]], digits: int = 2) -> str:
    (first, start), (last, end) = points[0], points[-1]
    return f"{name} goes from {house.number(start, digits)} at step {first:,} to {house.number(end, digits)} at step {last:,}"


def _ticks(ax: Axes, low: float, high: float) -> None:
    """Labels at 1, 1.5, 2, 3, 4, 6, 8 and their decades: matplotlib's own leave a log axis of one decade nearly bare."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    marks = [step * 10.0**decade for decade in decades for step in (1, 1.5, 2, 3, 4, 6, 8)]
    inside = [mark for mark in marks if low / 1.15 <= mark <= high * 1.15]
    ax.set_yticks(inside, [f"{mark:g}" for mark in inside])
    ax.minorticks_off()


def _thousands(ax: Axes, last: int) -> None:
    ax.set_xlim(0, last)
    ticks = [tick for tick in MaxNLocator(5).tick_values(0, last) if tick <= last]
    ax.set_xticks(ticks, [house.number(tick, 0) for tick in ticks])
