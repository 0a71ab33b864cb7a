"""Pictures of notebook 03 on positions: two clock hands at two places, and what recommends each kind of positions."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
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
    """Three square tables side by side: products of places (n, n), products of learned places (m, m) with m < n, rotary scores (n, n).

    The learned table is drawn into the same square: beyond its last place there is nothing.
    """
    size = len(sinusoidal)
    figure, axes = house.new_figure("Along a diagonal the distance is the same", 2.6, 3)
    titles = ("sinusoidal: no end", f"learned: ends at {len(learned) - 1}", "rotary: before ≠ after")
    for ax, table, title in zip(axes, (sinusoidal, learned, rotary), titles, strict=True):
        _square(ax, table.tolist(), size)
        ax.set_title(title, fontsize=9.5)
    axes[0].set_ylabel("place of the asker")
    axes[1].text(len(learned) / 2, size - (size - len(learned)) / 2, "no rows here", ha="center", va="center", color=QUIET, fontsize=9.5)
    before, after = rotary[1, 0].item(), rotary[0, 1].item()
    alt = (
        f"Three tables of products between {size} places. Sinusoidal: the same number along each diagonal, on both sides alike, from "
        f"{number(sinusoidal[0, 0].item(), 1)} on the main one. Learned, before training: no pattern beside the main diagonal, and nothing "
        f"beyond place {len(learned) - 1}. Rotary: the same number along each diagonal, {number(before, 1)} for the word before and "
        f"{number(after, 1)} for the word after."
    )
    return figure, alt


def _square(ax: Axes, rows: Sequence[Sequence[float]], size: int) -> None:
    """Signed numbers as cells, rust below 0 and blue above; what lies beyond the table stays empty."""
    most = max(abs(value) for row in rows for value in row)
    for i, row in enumerate(rows):
        for j, value in enumerate(row):
            ax.add_patch(Rectangle((j, i), 1, 1, facecolor=house.DIVERGING(0.5 + value / most / 2), edgecolor="none"))
    last = size - 1
    ax.set(xlim=(0, size), ylim=(size, 0), aspect="equal", xticks=[0.5, last + 0.5], yticks=[0.5, last + 0.5])
    ax.set(xticklabels=["0", str(last)], yticklabels=["0", str(last)], xlabel="place of the asked")
    ax.tick_params(length=0)
    ax.grid(False)
