"""Pictures of notebook 03 on positions: two clock hands at two places, and what recommends each kind of positions."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from lessons_lib.figures import house, svg
from lessons_lib.figures.palette import BLUE, QUIET, RUST, WIDTH, number

HEIGHT, RADIUS, MIDDLE = 226, 46, 108  # px of the drawing, of a clock, of the clocks' middle line
HANDS = (("fast", 90.0, BLUE), ("slow", 30.0, RUST))  # name, degrees a place, colour
CENTRES = (66, 176, 330, 440)  # px, the two clocks of the first place, the two of the second


def hand(place: float, degrees: float) -> tuple[float, float]:
    """(sine, cosine) of a hand that turns by `degrees` a place."""
    angle = math.radians(degrees * place)
    return math.sin(angle), math.cos(angle)


def show_clocks(place: float = 1, shift: float = 2) -> None:
    """Show the two hands at `place` and `shift` places later, and the product of the two rows."""
    svg.show_svg(*draw_clocks(place, shift))


def draw_clocks(place: float, shift: float) -> tuple[str, str]:
    """(SVG string, alt text) of a fast and a slow clock hand at `place` and at `place + shift`, with the product of the two rows."""
    rows = [[hand(p, degrees) for _, degrees, _ in HANDS] for p in (place, place + shift)]
    parts = [sum(a * b for a, b in zip(*pair, strict=True)) for pair in zip(*rows, strict=True)]
    names, pieces = (f"place {place:g}", f"place {place + shift:g}"), []
    for n, (name, row) in enumerate(zip(names, rows, strict=True)):
        x = CENTRES[2 * n]
        pieces.append(svg.text(x - RADIUS, 22, name, bold=True))
        for (label, _, colour), (sine, cosine), centre in zip(HANDS, row, CENTRES[2 * n : 2 * n + 2], strict=True):
            pieces += _clock(centre, sine, cosine, label, colour)
        numbers = ", ".join(number(value) for pair in row for value in pair)
        pieces.append(svg.text(x - RADIUS, 188, f"({numbers})"))
    product = number(sum(parts))
    pieces += [
        svg.text(512, 62, "product", bold=True),
        svg.text(512, 86, f"fast {number(parts[0])}", size=svg.SMALL),
        svg.text(512, 106, f"slow {number(parts[1])}", size=svg.SMALL),
        svg.text(512, 132, product, size=19, bold=True),
        svg.text(20, 214, "sine: how far right; cosine: how far up; the hands start at 12 o'clock", size=svg.SMALL, fill="quiet"),
    ]
    told = "; ".join(f"{name} ({', '.join(number(v) for pair in row for v in pair)})" for name, row in zip(names, rows, strict=True))
    alt = f"Two clock hands, the fast one 90° a place, the slow one 30°. {told}. Product {product}: {shift:g} places apart."
    return svg.svg(WIDTH, HEIGHT, pieces, alt), alt


def _clock(x: float, sine: float, cosine: float, label: str, colour: str) -> list[str]:
    """A clock face of radius `RADIUS` with one hand."""
    rim = [(x + RADIUS * math.sin(a), MIDDLE - RADIUS * math.cos(a)) for a in np.linspace(0, 2 * math.pi, 49)]
    ticks = [(math.sin(a), math.cos(a)) for a in np.arange(12) * math.pi / 6]
    marks = [svg.line(x + 41 * s, MIDDLE - 41 * c, x + RADIUS * s, MIDDLE - RADIUS * c, stroke="quiet", width=1) for s, c in ticks]
    end = (x + 40 * sine, MIDDLE - 40 * cosine)
    name = svg.text(x, 50, label, size=svg.SMALL, anchor="middle", fill="quiet")
    return [svg.path(rim, stroke="quiet", width=1.2), *marks, svg.line(x, MIDDLE, *end, stroke=colour, width=4, arrow=True), name]


@house.picture
def three_kinds(sinusoidal: Tensor, learned: Tensor, rotary: Tensor) -> tuple[Figure, str]:
    """Three square tables side by side, each with its scale: products of places (n, n), of learned places (m, m), rotary scores (n, n).

    m is at most n; the learned table is drawn into the same square: beyond its last place there is nothing.
    """
    size, end = len(sinusoidal), len(learned)
    figure, axes = house.new_figure("Two kinds know the distance; learned rows fit other patterns", 2.9, 3)
    titles = ("sinusoidal: no end", "learned: lines of a poem", "rotary: before ≠ after")
    for ax, table, title in zip(axes, (sinusoidal, learned, rotary), titles, strict=True):
        scale = _square(ax, table.tolist(), size)
        ax.set_title(title, fontsize=9.5)
        bar = figure.colorbar(scale, ax=ax, location="bottom", shrink=0.9, aspect=14, pad=0.03)
        low, high = scale.get_clim()
        ticks = [low, 0.0, high] if low < 0 else [low, high]
        bar.set_ticks(ticks, labels=[number(tick, 0) for tick in ticks])
        bar.outline.set_visible(False)
        bar.ax.tick_params(length=0, labelsize=9.5)
    axes[0].set_ylabel("place of the asker")
    if end < size:
        axes[1].text(size / 2, (size + end) / 2, f"no row after {end - 1}", ha="center", va="center", color=QUIET, fontsize=9.5)
    return figure, _told(sinusoidal, learned, rotary)


def _told(sinusoidal: Tensor, learned: Tensor, rotary: Tensor) -> str:
    """The alt text of `three_kinds`."""
    inside, outside = number(learned.max().item(), 0), number(learned.min().item(), 0)
    before, after = number(rotary[1, 0].item(), 1), number(rotary[0, 1].item(), 1)
    return (
        f"Three tables of products between {len(sinusoidal)} places. Sinusoidal: the same number along each diagonal, on both sides alike, "
        f"from {number(sinusoidal[0, 0].item(), 0)} on the main one to {number(sinusoidal.min().item(), 0)}. Learned: squares of places "
        f"that belong together, {_alike(learned)}, {inside} inside and {outside} outside, and nothing beyond place {len(learned) - 1}. "
        f"Rotary: the same number along each diagonal, {before} for the word before and {after} for the word after."
    )


def _alike(table: Tensor) -> str:
    """The runs of places whose neighbours' product is above the middle of the table, such as "0 to 3, 4 to 7"."""
    middle = (table.max() + table.min()).item() / 2
    starts = [0, *(i for i in range(1, len(table)) if table[i, i - 1].item() < middle), len(table)]
    return ", ".join(f"{first} to {after - 1}" for first, after in zip(starts, starts[1:], strict=False))


def _square(ax: Axes, rows: Sequence[Sequence[float]], size: int) -> ScalarMappable:
    """Numbers as cells, what lies beyond the table empty; returns the scale.

    Where some are below 0: rust below and blue above it; else pale at the lowest, navy at the highest (rounded to whole numbers).
    """
    low, high = (round(f(value for row in rows for value in row)) for f in (min, max))
    if low < 0:
        low, high = -max(-low, high), max(-low, high)
    scale = ScalarMappable(Normalize(low, high), house.DIVERGING if low < 0 else house.SEQUENTIAL)
    for i, row in enumerate(rows):
        for j, value in enumerate(row):
            ax.add_patch(Rectangle((j, i), 1, 1, facecolor=scale.to_rgba(value), edgecolor="none"))
    last = size - 1
    ax.set(xlim=(0, size), ylim=(size, 0), aspect="equal", xticks=[0.5, last + 0.5], yticks=[0.5, last + 0.5])
    ax.set(xticklabels=["0", str(last)], yticklabels=["0", str(last)], xlabel="place of the asked")
    ax.tick_params(length=0)
    ax.grid(False)
    return scale
