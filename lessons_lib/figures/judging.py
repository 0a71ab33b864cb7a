"""Pictures of notebook 07's second half: bootstrap draws, wider beams by score and by length, BLEU by group of sentences."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lessons_lib.figures import house
from lessons_lib.figures.house import number

Row = Mapping[str, float]
Group = tuple[str, float, float, float]  # label, score, low, high


@house.picture
def draws(means: Sequence[float], low: float, high: float) -> tuple[Figure, str]:
    """How often each mean of a bootstrap draw comes up, with the 95 % interval; bars at or below 0 are hatched."""
    counted = sorted(Counter(round(mean, 6) for mean in means).items())
    at_most_0 = 100 * sum(n for mean, n in counted if mean <= 0) / len(means)
    figure, ax = house.new_figure(f"{number(at_most_0, 1)} % of the draws say that A is not better", 3.0)
    for mean, n in counted:
        worse = mean <= 0
        ax.bar(mean, n, width=0.15, color="white" if worse else house.BLUE, edgecolor=house.RUST if worse else house.BLUE)
        if worse:
            ax.bar(mean, n, width=0.15, facecolor="none", edgecolor=house.RUST, hatch="////", linewidth=0)
    top = max(n for _, n in counted)
    ax.plot([low, high], [top * 1.13] * 2, color=house.INK, linewidth=2, marker="|", markersize=10)
    ax.text((low + high) / 2, top * 1.17, f"95 % of the draws: {number(low, 1)} to {number(high, 1)}", ha="center", fontsize=9.5)
    ax.set(xlabel="mean difference A − B of a draw of five sentences", ylabel=f"draws (of {number(len(means), 0)})", ylim=(0, top * 1.32))
    alt = f"Mean differences of all {len(means):,} draws, from {number(counted[0][0], 1)} to {number(counted[-1][0], 1)}. "
    return figure, f"{alt}95 % lie between {number(low, 1)} and {number(high, 1)}; {number(at_most_0, 1)} % are 0 or less."


@house.picture
def beams(rows: Sequence[Row], gains: Mapping[tuple[float, float], tuple[float, float]], measured_on: str) -> tuple[Figure, str]:
    """BLEU and words a sentence against the beam (log axis), a line a length penalty.

    Args:
        rows: with "beam", "penalty", "bleu", "words" and "reference_words"; the row of beam 1, greedy, belongs to both lines.
        gains: (beam, penalty) -> the 95 % interval of its BLEU minus greedy's, drawn at that point.
        measured_on: the sentences.
    """
    figure, (left, right) = house.new_figure("Wider beams: likelier texts, and shorter ones", 3.3, 2)
    lines = {penalty: [row for row in rows if row["penalty"] == penalty or row["beam"] == 1] for penalty in (1.0, 0.0)}
    names = {1.0: "÷ length", 0.0: "total"}
    for ax, key, title in ((left, "bleu", "BLEU"), (right, "words", "words a sentence")):
        for i, (_, line) in enumerate(lines.items()):
            ax.plot([row["beam"] for row in line], [row[key] for row in line], marker=house.MARKERS[i], markersize=5)
        _beam_axis(ax, sorted({int(row["beam"]) for row in rows}), title)
    reference = rows[0]["reference_words"]
    right.axhline(reference, color=house.QUIET, linestyle="--", linewidth=1.2)
    right.text(1, reference + 0.03, "the references", color=house.QUIET, fontsize=9.5)
    right.set_ylim(top=reference + 0.2)
    for ax, key in ((left, "bleu"), (right, "words")):
        ends = [(line[-1]["beam"], line[-1][key], names[p], house.CATEGORIES[i]) for i, (p, line) in enumerate(lines.items())]
        house.label_ends(ax, ends)
    _gains(left, lines, gains)
    left.set_xlabel(f"beam (log axis; {measured_on})")
    told = "; ".join(
        f"{names[p]}: BLEU {number(line[0]['bleu'], 1)} to {number(line[-1]['bleu'], 1)}, "
        f"words {number(line[0]['words'], 1)} to {number(line[-1]['words'], 1)}"
        for p, line in lines.items()
    )
    sure = "; ".join(f"beam {beam:.0f}, {names[p]}, {number(low, 1)} to {number(high, 1)}" for (beam, p), (low, high) in gains.items())
    alt = f"From beam 1 to {rows[-1]['beam']:.0f}, {measured_on}. {told}. The references have {number(reference, 1)} words. "
    return figure, f"{alt}95 % intervals of the BLEU gained over greedy: {sure}."


def _gains(ax: Axes, lines: Mapping[float, Sequence[Row]], gains: Mapping[tuple[float, float], tuple[float, float]]) -> None:
    """Upright bars for the intervals of what is gained over greedy, whose BLEU is a dashed line."""
    greedy = lines[1.0][0]["bleu"]
    ax.axhline(greedy, color=house.QUIET, linestyle="--", linewidth=1.2)
    for (beam, penalty), (low, high) in gains.items():
        colour = house.CATEGORIES[list(lines).index(penalty)]
        ax.plot([beam, beam], [greedy + low, greedy + high], color=colour, linewidth=1.5, linestyle="-", marker="_", markersize=8)
    lowest, highest = (end(greedy + gain[i] for gain in gains.values()) for i, end in enumerate((min, max)))
    ax.set_ylim(lowest - 0.35, highest + 0.15)
    ax.text(1, lowest - 0.17, "bars: 95 %, over greedy", color=house.QUIET, fontsize=9)


def _beam_axis(ax: Axes, sizes: Sequence[int], title: str) -> None:
    ax.set_xscale("log", base=2)
    ax.set_xticks(sizes, [str(size) for size in sizes])
    ax.minorticks_off()
    ax.set(title=title, xlabel="beam (log axis)")


@house.picture
def groups(by_length: Sequence[Group], by_rarity: Sequence[Group], measured_on: str) -> tuple[Figure, str]:
    """Two panels of BLEU with its 95 % interval: by words of the source, and by how often its rarest word occurs in training."""
    figure, axes = house.new_figure("BLEU falls with length, and more with rare words", 3.2, 2, sharey=True)
    panels = ((by_length, "English words"), (by_rarity, "the rarest word: times in training"))
    for ax, (rows, label), colour in zip(axes, panels, (house.BLUE, house.RUST), strict=True):
        for x, (_, score, low, high) in enumerate(rows):
            ax.plot([x, x], [low, high], color=colour, linewidth=2, linestyle="-")
            ax.plot(x, score, marker="o" if colour == house.BLUE else "s", color=colour, markersize=7)
            ax.text(x + 0.12, score, number(score, 0), color=colour, va="center", fontsize=9.5)
        ax.set_xticks(range(len(rows)), [name for name, *_ in rows])
        ax.set(xlabel=label, xlim=(-0.5, len(rows) - 0.3))
    axes[0].set(ylabel="BLEU, 95 % interval", ylim=(0, math.ceil(max(row[3] for row in (*by_length, *by_rarity)) / 10) * 10))
    axes[0].set_title(measured_on, color=house.QUIET, fontsize=9)
    told = "; ".join(
        f"{label}: " + ", ".join(f"{name} {number(score, 1)} ({number(low, 1)} to {number(high, 1)})" for name, score, low, high in rows)
        for rows, label in panels
    )
    return figure, f"BLEU by group, {measured_on}. {told}."
