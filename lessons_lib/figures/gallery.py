"""The gallery of notebook 06: six short runs side by side, five of them with a planted bug."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from lessons_lib.figures import house

POINTS = 80  # at most so many points a line


@house.picture
def curves(losses: Mapping[str, Sequence[float]], start: float) -> tuple[Figure, str]:
    """A panel a run: the loss of each step (nats, log axis), and a dashed line at `start`, ln V, where a fresh model should begin.

    `losses` gives six runs by their letter, each the loss at every step from the first.
    """
    if len(losses) != 6:
        raise ValueError(f"the gallery has six panels; {len(losses)} runs were given")
    figure, axes = house.new_figure("Six runs: only one of them is healthy", 4.0, 3, rows=2, sharex=True, sharey=True)
    said = []
    for i, (ax, (letter, values)) in enumerate(zip(axes.flat, losses.items(), strict=True)):
        every = -(-len(values) // POINTS)
        steps = list(range(1, len(values) + 1, every))
        ax.plot(steps, [max(values[step - 1], 1e-3) for step in steps], color=house.BLUE, linestyle="-", linewidth=1.8)
        ax.axhline(start, color=house.QUIET, linestyle="--", linewidth=1.2)
        ax.set(yscale="log", ylim=(8e-4, 100), xlim=(0, len(values)))
        ax.set_yticks([0.001, 0.01, 0.1, 1, 10, 100], ["0.001", "0.01", "0.1", "1", "10", "100"])
        ax.minorticks_off()
        ax.set_title(letter, fontweight="bold")
        if i == 2:
            ax.text(len(values), start * 1.35, "ln V", ha="right", color=house.QUIET, fontsize=9.5)
        if i % 3 == 0:
            ax.set_ylabel("loss (nats, log axis)")
        if i > 2:
            ax.set_xlabel("steps (one seed)")
        middle = values[len(values) // 4]
        said.append(f"{letter} from {_short(values[0])} over {_short(middle)} at a quarter to {_short(values[-1])}")
    return figure, f"Training loss of six runs on a log axis, ln V is {_short(start)}: {'; '.join(said)}."


def _short(value: float) -> str:
    return house.number(value, 1 if value >= 1 else 2)


@house.picture
def early_stopping(steps: Sequence[int], training: Sequence[float], held_out: Sequence[float], best: int) -> tuple[Figure, str]:
    """Training and held-out loss (nats a token) against steps, and the step whose held-out loss is lowest as a dashed line."""
    figure, ax = house.new_figure("The held-out loss turns while the training loss still falls", 3.1)
    ax.plot(steps, training, marker=house.MARKERS[0], markersize=4, clip_on=False)  # the last markers lie on the axis' end
    ax.plot(steps, held_out, marker=house.MARKERS[1], markersize=4, clip_on=False)
    ax.axvline(best, color=house.QUIET, linestyle="--", linewidth=1.2)
    ax.set(xlabel="optimiser steps (150 pairs, one seed)", ylabel="loss (nats a token)", xlim=(0, steps[-1]), ylim=(0, None))
    ax.text(best, 0.99, f" keep step {best}", transform=ax.get_xaxis_transform(), color=house.QUIET, fontsize=9.5, va="top")
    house.label_ends(ax, [(steps[-1], training[-1], "training", house.BLUE), (steps[-1], held_out[-1], "held out", house.RUST)])
    lowest = held_out[list(steps).index(best)]
    return figure, (
        f"Training loss goes from {_short(training[0])} to {_short(training[-1])}; "
        f"held-out loss is lowest at step {best}, {_short(lowest)}, "
        f"and ends at {_short(held_out[-1])}."
    )


@house.picture
def schedules(rates: Mapping[str, Sequence[float]], warmup: int) -> tuple[Figure, str]:
    """Factors on the learning rate against steps, one line a schedule, with the end of the warm-up as a dashed line."""
    figure, ax = house.new_figure("Up in a straight line, then down in one of several ways", 2.9)
    for name, values in rates.items():
        every = -(-len(values) // POINTS)
        ax.plot(range(1, len(values) + 1, every), values[::every], label=name)
    last = max(len(values) for values in rates.values())
    ax.axvline(warmup, color=house.QUIET, linestyle="--", linewidth=1.2)
    ax.set(xlabel="steps", ylabel="factor on the rate", xlim=(0, last), ylim=(0, 1.05))
    ax.text(warmup, 0.03, f" warm-up ends: step {warmup}", color=house.QUIET, fontsize=9.5)
    house.label_ends(ax, [(last, values[-1], name, house.CATEGORIES[i]) for i, (name, values) in enumerate(rates.items())])
    ends = ", ".join(f"{name} {house.number(values[-1])}" for name, values in rates.items())
    return figure, f"Learning rates rise in a straight line to step {warmup}; at step {last} their factors are: {ends}."
