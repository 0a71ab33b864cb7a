"""Pictures of speed, from the rows that `lessons bench --json` writes: what each addition to a training loop gives, and others' loops."""

import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lessons_lib.figures import house
from lessons_lib.figures.palette import BLUE, QUIET, RUST, TEAL

Row = Mapping[str, object]
CHAIN = {
    "textbook": "nn.Transformer, random batches",
    "bucketed": "+ batches of similar length",
    "plain": "+ the course's model and loop",
    "bf16": "+ bfloat16",
    "together": "+ three faster pieces",
    "processes": "+ two processes, a thread each",
}
"""Each adds to the one before."""
ALONE = {"mask_pool": "pool of masks alone", "packed_attention": "packed attention alone", "one_pass_loss": "one-pass loss alone"}
"""Each adds one piece to bfloat16."""
OTHERS = {"marian": "Marian (transformers)", "joeynmt": "JoeyNMT"}
"""Loops of others, on the same batches of similar length."""
LEARNERS = {
    "textbook": CHAIN["textbook"],
    "bucketed": "the same, batches of similar length",
    "processes": "ours, in two processes",
}
"""Those who learn for the same minutes, in words; others go by their own names."""


class Bar(NamedTuple):
    """A system of the picture; times are multiples of the textbook's tokens a second, `start` those of what it adds to."""

    system: str
    label: str
    start: float
    times: float


def tokens_a_second(rows: Sequence[Row]) -> dict[str, float]:
    """System → median of its turns."""
    return medians(rows, "tokens_per_second")


def medians(rows: Sequence[Row], metric: str) -> dict[str, float]:
    """System → median of a metric over its turns."""
    turns: dict[str, list[float]] = {}
    for row in rows:
        if row["metric"] == metric:
            turns.setdefault(str(row["system"]), []).append(float(row["value"]))
    return {system: statistics.median(values) for system, values in turns.items()}


def bars(found: Mapping[str, float]) -> list[Bar]:
    """The systems in the order of the picture, from system → tokens a second; those that were not measured are left out.

    Raises:
        ValueError: if the textbook was not measured.
    """
    if "textbook" not in found:
        raise ValueError(f"the textbook, of whose speed the others' are multiples, was not measured: got {', '.join(found) or 'nothing'}")
    times = {system: value / found["textbook"] for system, value in found.items()}
    drawn: list[Bar] = []
    start = 0.0
    for system, label in CHAIN.items():
        if system == "together":
            drawn += [Bar(alone, words, start, times[alone]) for alone, words in ALONE.items() if alone in times]
        if system in times:
            drawn.append(Bar(system, label, start, times[system]))
            start = times[system]
    return drawn + [Bar(other, words, 0.0, times[other]) for other, words in OTHERS.items() if other in times]


@house.picture
def waterfall(rows: Sequence[Row]) -> tuple[Figure, str]:
    """Tokens a second from the textbook's loop to ours, each bar adding to the one before; others' loops as points."""
    found = tokens_a_second(rows)
    drawn = bars(found)
    figure, ax = house.new_figure("From the textbook's loop to ours, change by change", 0.9 + 0.29 * len(drawn))
    for y, bar in enumerate(drawn):
        words = f"{house.number(bar.times, 1)} ×"
        if bar.system in OTHERS:
            ax.plot(bar.times, y, marker="D", markersize=7, color=TEAL, markerfacecolor="white")
        elif bar.system in ALONE:
            ax.barh(y, bar.times - bar.start, left=bar.start, height=0.35, color=RUST)
        else:
            ax.barh(y, bar.times - bar.start, left=bar.start, height=0.62, color=BLUE)
            ax.plot([bar.start, bar.start], [y - 0.69, y - 0.31], color=QUIET, linewidth=1, linestyle="-")
            words += f"  {house.number(found[bar.system], 0)} tokens/s"
        _write_beside(ax, max(bar.start, bar.times), y, words)
    _name_bars(ax, [bar.label for bar in drawn])
    ax.set(xlim=(0, 1.7 * max(bar.times for bar in drawn)), xlabel="times the textbook's tokens a second")
    told = "; ".join(f"{bar.label.removeprefix('+ ')} {house.number(bar.times, 1)}" for bar in drawn)
    return figure, f"Tokens a second as multiples of the textbook's loop, each adds to the one before: {told}."


@house.picture
def learned(rows: Sequence[Row]) -> tuple[Figure, str]:
    """Validation BLEU after the same minutes, a bar a system, with the tokens that it read."""
    scored = [row for row in rows if row["metric"] == "bleu"]
    minutes = house.number(min(float(row["seconds"]) for row in scored) / 60, 0)
    labels = [LEARNERS.get(str(row["system"]), str(row["system"])) for row in scored]
    scores = [float(row["value"]) for row in scored]
    figure, ax = house.new_figure(f"What {minutes} minutes of training are worth", 0.9 + 0.42 * len(scored))
    told = []
    for y, (row, label, score) in enumerate(zip(scored, labels, scores, strict=True)):
        words = f"after {house.number(float(row['tokens']) / 1e6, 1)} million tokens"
        ax.barh(y, score, height=0.5, color=BLUE)
        _write_beside(ax, score, y, f"{house.number(score, 1)}  {words}")
        told.append(f"{label} {house.number(score, 1)} {words}")
    _name_bars(ax, labels)
    ax.set(xlim=(0, 2.5 * max(scores)), xlabel="validation BLEU (greedy, one seed)")
    return figure, f"Validation BLEU, lower-cased, Moses-tokenised, after {minutes} minutes each: {'; '.join(told)}."


def _write_beside(ax: Axes, x: float, y: float, words: str) -> None:
    """Words to the right of a bar that ends at x."""
    ax.annotate(words, (x, y), (7, 0), textcoords="offset points", va="center", fontsize=9.5)


def _name_bars(ax: Axes, labels: Sequence[str]) -> None:
    """A label for each bar, the first one on top."""
    ax.set(yticks=range(len(labels)), yticklabels=labels, ylim=(len(labels) - 0.4, -0.6))
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y", visible=False)
