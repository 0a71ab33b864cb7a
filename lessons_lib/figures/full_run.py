"""Pictures of notebook 08: padding in three plans, the steps of bfloat16, averaged weights, a recorded run, and where it stands."""

from collections.abc import Collection, Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lessons_lib.figures import house, svg
from lessons_lib.figures.palette import BLUE, RUST, WIDTH

Row = Mapping[str, object]
Ends = Sequence[tuple[float, float]]
PLACE, BETWEEN, GAP = 15, 5, 12  # px: a place, between rows of batches, between plans
POINTS = 100  # at most so many points a line


def show_padding(plans: Mapping[str, Sequence[Sequence[int]]]) -> None:
    """Show plans, name → batches, each the lengths of its sentences, as rows of places, full or empty."""
    svg.show_svg(*draw_padding(plans))


def draw_padding(plans: Mapping[str, Sequence[Sequence[int]]]) -> tuple[str, str]:
    """(SVG string, alt text): plans side by side, a block a batch, a row a sentence, filled places real and hollow ones padding."""
    across = WIDTH / len(plans)
    pieces, told, low = [], [], 0.0
    for n, (name, batches) in enumerate(plans.items()):
        x, y = 14 + n * across, 46.0
        for batch in batches:
            wide = max(batch)
            for length in batch:
                pieces += [_place(x + i * PLACE, y, i < length) for i in range(wide)]
                y += PLACE
            y += BETWEEN
        places, real = sum(len(b) * max(b) for b in batches), sum(map(sum, batches))
        share = f"{house.number(100 * (places - real) / places, 1)} % empty"
        pieces += [svg.text(x, 20, name, bold=True), svg.text(x, 37, f"{places - real} of {places}: {share}", size=svg.SMALL)]
        told.append(f"{name}: {places - real} of {places} places, {share}")
        low = max(low, y)
    pieces.append(svg.text(14, low + 17, "filled: a token; hollow: padding; a block: a batch", size=svg.SMALL, fill="quiet"))
    alt = f"Places that padding leaves empty. {'; '.join(told)}."
    return svg.svg(WIDTH, low + 28, pieces, alt), alt


def _place(x: float, y: float, real: bool) -> str:
    if real:
        return svg.rect(x, y, PLACE - 2, PLACE - 2, fill=BLUE, rx=2)
    return svg.rect(x + 0.5, y + 0.5, PLACE - 3, PLACE - 3, stroke="quiet", width=1, rx=2)


def show_number_line() -> None:
    """Show the numbers that bfloat16 has around 1."""
    svg.show_svg(*draw_number_line())


def draw_number_line() -> tuple[str, str]:
    """(SVG string, alt text): the numbers around 1 that bfloat16 can write, and where 1 + 1/256 and 1 − 1/256 go."""
    left, unit, y = 60.0, 60.0, 74.0  # px: edge, 1/256, the line

    def at(n: int) -> float:
        return left + (n + 2) * unit

    pieces = [svg.line(left - 26, y, WIDTH - 16, y, stroke="quiet")]
    for n, label in ((-1, "1 − 1/256"), (0, "1"), (2, "1 + 1/128"), (4, "1 + 2/128"), (6, "1 + 3/128")):
        pieces += [svg.line(at(n), y - 8, at(n), y + 8, width=2), svg.text(at(n), y + 28, label, size=svg.SMALL, anchor="middle")]
    for n, to in ((1, 0), (3, 4)):
        middle = (at(n) + at(to)) / 2
        pieces += [svg.mark(at(n), y, "diamond", RUST), svg.line(at(n), y - 12, middle, y - 26, stroke=RUST)]
        pieces.append(svg.line(middle, y - 26, at(to), y - 11, stroke=RUST, arrow=True))
        pieces.append(svg.text(middle, y - 34, f"1 + {n}/256", size=svg.SMALL, anchor="middle", bold=True))
    pieces.append(svg.text(left - 26, 22, "bfloat16 has only the marked numbers", bold=True))
    pieces.append(
        svg.text(left - 26, y + 54, "steps of 1/256 below 1, of 1/128 above; halfway goes to an even number of steps", size=svg.SMALL)
    )
    alt = (
        "Below 1, bfloat16 has a number every 1/256, above it one every 1/128. 1 + 1/256 lies halfway and goes down to 1, "
        "1 + 3/256 goes up to 1 + 2/128; 1 − 1/256 has a place of its own."
    )
    return svg.svg(WIDTH, y + 66, pieces, alt), alt


@house.picture
def averages(steps: Sequence[int], runs: Mapping[str, Mapping[str, Sequence[float]]]) -> tuple[Figure, str]:
    """Held-out loss of the last and of the averaged weights against the step, a panel a run; `runs` is name → {"last", "averaged"}."""
    figure, axes = house.new_figure("The average helps where the weights still jump", 3.0, len(runs), sharey=True)
    told = []
    for ax, (name, curves) in zip(axes, runs.items(), strict=True):
        ends = []
        for i, (label, curve) in enumerate(curves.items()):
            ax.plot(steps, curve, marker=house.MARKERS[i], markersize=5)
            ends.append((steps[-1], curve[-1], label, house.CATEGORIES[i]))
        ax.set_title(name)
        ax.set(xlabel="step", xlim=(0, steps[-1] * 1.42), ylim=(0, None), xticks=[0, steps[-1] // 2, steps[-1]])
        house.label_ends(ax, ends)
        told.append(f"{name}: " + ", ".join(f"{label} ends at {house.number(curve[-1])}" for label, curve in curves.items()))
    axes[0].set_ylabel("held-out loss (nats a token)")
    return figure, f"Held-out loss of last and averaged weights. {'; '.join(told)}."


@house.picture
def learning(rows: Sequence[Row], hardware: str) -> tuple[Figure, str]:
    """Training loss, and validation BLEU where it was measured, against minutes, side by side; `hardware` says what ran."""
    losses, scores = _minutes(rows, "loss"), bleu(rows)
    figure, axes = house.new_figure("Most of the score is there after a third of the time", 3.0, 2)
    _curve(axes[0], losses, "training loss (nats a token)", BLUE)
    _curve(axes[1], scores, "validation BLEU (lower-cased, Moses)", RUST, marker="s")
    axes[1].set_ylim(0, None)
    axes[0].set_ylim(0, None)
    _say_hardware(axes, hardware, rows)
    told = f"validation BLEU from {_ends(scores, 1)}, {house.number(_at(scores, 1 / 3), 1)} after a third of the time"
    return figure, f"Training loss, in means of {_group(rows)} rows, goes from {_ends(losses)}; {told}. Measured on {hardware}."


@house.picture
def pace(rows: Sequence[Row], hardware: str) -> tuple[Figure, str]:
    """Learning rate, and tokens a second, against minutes, side by side; `hardware` says what ran."""
    rates, speeds = _minutes(rows, "lr"), _minutes(rows, "tokens_per_second")
    rates, speeds = [(m, 1000 * r) for m, r in rates], [(m, s / 1000) for m, s in speeds]
    figure, axes = house.new_figure("The pace varies more than twofold: a shared machine", 3.0, 2)
    _curve(axes[0], rates, "learning rate (thousandths)", BLUE)
    _curve(axes[1], speeds, "thousand tokens a second", RUST)
    axes[1].set_ylim(0, None)
    _say_hardware(axes, hardware, rows)
    low, high = min(speed for _, speed in speeds), max(speed for _, speed in speeds)
    told = f"tokens a second between {house.number(1000 * low, 0)} and {house.number(1000 * high, 0)}"
    return figure, f"In means of {_group(rows)} rows: learning rate, thousandths, from {_ends(rates)}; {told}. Measured on {hardware}."


@house.picture
def attempts(runs: Mapping[str, Sequence[Row]], title: str) -> tuple[Figure, str]:
    """Validation BLEU of several runs, one seed each, against the step; `title` says what they show."""
    last = max(int(rows[-1]["step"]) for rows in runs.values())
    figure, ax = house.new_figure(title, 3.2)
    ends, told = [], []
    for i, (name, rows) in enumerate(runs.items()):
        points = [(int(row["step"]), _bleu_of(row)) for row in _validated(rows)]
        ax.plot(*zip(*points, strict=True), marker=house.MARKERS[i], markersize=5, zorder=3 - 0.1 * i)  # a single point stays seen
        ends.append((*points[-1], name, house.CATEGORIES[i]))
        told.append(f"{name}: {house.number(points[0][1], 1)} at step {points[0][0]}, {house.number(points[-1][1], 1)} at {points[-1][0]}")
    ax.set(xlabel="step (one seed each)", ylabel="validation BLEU", xlim=(0, last * 1.01), ylim=(0, None))
    house.label_ends(ax, ends)
    return figure, f"Validation BLEU, lower-cased, Moses-tokenised, of several runs. {'; '.join(told)}."


@house.picture
def standing(scores: Mapping[str, float], ours: Collection[str], measured_as: str) -> tuple[Figure, str]:
    """Scores of translators as points on one axis, lowest at the bottom; `ours` are filled, `measured_as` names the metric and test set."""
    order = sorted(scores, key=lambda name: scores[name])
    figure, ax = house.new_figure("Where the shipped models stand", 0.9 + 0.42 * len(order))
    for y, name in enumerate(order):
        colour, fill = (RUST, RUST) if name in ours else (BLUE, "white")
        ax.plot(scores[name], y, marker="s" if name in ours else "o", markersize=8, color=colour, markerfacecolor=fill)
        ax.annotate(house.number(scores[name]), (scores[name], y), (9, 0), textcoords="offset points", va="center", fontsize=9.5)
    ax.set(yticks=range(len(order)), yticklabels=order, ylim=(-0.6, len(order) - 0.4), xlabel=measured_as)
    ax.set_xlim(min(scores.values()) - 1, max(scores.values()) + 1.2)
    ax.tick_params(axis="y", length=0)
    return figure, f"{measured_as}: " + "; ".join(f"{name} {house.number(scores[name])}" for name in reversed(order)) + "."


def bleu(rows: Sequence[Row]) -> list[tuple[float, float]]:
    """(minutes, validation BLEU) of the rows that measured it."""
    return [(float(row["seconds"]) / 60, _bleu_of(row)) for row in _validated(rows)]


def _validated(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.get("validation")]


def _bleu_of(row: Row) -> float:
    return float(row["validation"]["bleu_lc_moses"])


def _minutes(rows: Sequence[Row], key: str) -> list[tuple[float, float]]:
    """(minutes, mean of `key`) over up to `POINTS` groups of neighbouring rows."""
    size = _group(rows)
    groups = [rows[i : i + size] for i in range(0, len(rows), size)]
    return [(float(group[-1]["seconds"]) / 60, sum(float(row[key]) for row in group) / len(group)) for group in groups]


def _group(rows: Sequence[Row]) -> int:
    """How many neighbouring rows make one point."""
    return -(-len(rows) // POINTS)


def _curve(ax: Axes, points: Ends, label: str, colour: str, marker: str = "") -> None:
    ax.plot(*zip(*points, strict=True), color=colour, marker=marker, markersize=4)
    ax.set_title(label)
    ax.set_xlim(0, None)


def _say_hardware(axes: Sequence[Axes], hardware: str, rows: Sequence[Row]) -> None:
    for ax in axes:
        ax.set_xlabel("minutes")
    axes[0].figure.supxlabel(f"{hardware}\none run, one seed; means of {_group(rows)} rows of the log", fontsize=9, x=0.5)


def _ends(points: Ends, digits: int = 2) -> str:
    return f"{house.number(points[0][1], digits)} to {house.number(points[-1][1], digits)}"


def _at(points: Ends, share: float) -> float:
    """The value of the last point within this share of the time."""
    end = points[-1][0]
    return [value for minute, value in points if minute <= share * end][-1]
