"""Pictures of notebook 04: a sublayer with its norm before or after it, the block as a road with two detours, and how deep stacks start.

`show_placements()` shows the pencil example; `draw_placements(*x)` is the same drawing for any four numbers, and the live widget
(`lessons_lib.widgets.blocks`) draws with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from lessons_lib.figures import house, svg
from lessons_lib.figures.house import number
from lessons_lib.figures.palette import BLUE, RUST, TEAL, WIDTH

F_NAME = "f: swap, ReLU"
PENCIL = (0.0, 0.0, 4.0, 4.0)  # the notebook's x
LEFT, RIGHT, CELL = 62, 362, 54  # px: first number of either half, width of a number
TOP, ROW, UNIT = 78, 82, 3  # px: first row's base line, from row to row, height of a bar a unit
HIGH = 4.0  # inches, the picture of depth
Measured = Mapping[str, Mapping[str, Mapping[int, tuple[float, float]]]]


def sublayer(x: Tensor) -> Tensor:
    """The pencil example's sublayer for x (…, 4): swap the middle two numbers, then ReLU."""
    return x[..., [0, 2, 1, 3]].relu()


@dataclass(frozen=True)
class Half:
    """One arrangement: its title, its rows of four numbers with their names, and the row into which the way around leads."""

    title: str
    rows: tuple[tuple[str, Tensor], ...]
    joins: int


def arrangements(x: Tensor) -> tuple[Half, Half]:
    """Pre-norm x + f(norm(x)) and post-norm norm(x + f(x)) of x (4,), step by step."""
    norm = F.layer_norm(x, (4,))
    pre = (("x", x), ("norm", norm), (F_NAME, sublayer(norm)), ("+", x + sublayer(norm)))
    total = x + sublayer(x)
    post = (("x", x), (F_NAME, sublayer(x)), ("+", total), ("norm", F.layer_norm(total, (4,))))
    return Half("Pre-norm: x + f(norm(x))", pre, 3), Half("Post-norm: norm(x + f(x))", post, 2)


def show_placements(x: Sequence[float] = PENCIL) -> None:
    """Show both arrangements for four numbers, by default those of the pencil example."""
    svg.show_svg(*draw_placements(*x))


def draw_placements(first: float, second: float, third: float, fourth: float) -> tuple[str, str]:
    """(SVG string, alt text): pre-norm on the left, post-norm on the right, four numbers a step, each with a bar as high as it is."""
    x = torch.tensor([first, second, third, fourth], dtype=torch.float32)
    halves = arrangements(x)
    pieces = [piece for left, half in zip((LEFT, RIGHT), halves, strict=True) for piece in _half(left, half)]
    told = "; ".join(f"{half.title} gives {_row(half.rows[-1][1])}" for half in halves)
    alt = f"x = {_row(x)} goes through the sublayer f, swap the middle two, then ReLU. {told}."
    return svg.svg(WIDTH, TOP + 3 * ROW + 62, pieces, alt), alt


def _row(numbers: Tensor) -> str:
    return f"({', '.join(number(value) for value in numbers.tolist())})"


def _half(left: float, half: Half) -> list[str]:
    """Four rows from above, the name of each step on an arrow before it, and the way around as a line at the left."""
    pieces = [svg.text(left - 44, 20, half.title, bold=True)]
    for i, (name, numbers) in enumerate(half.rows):
        base = TOP + i * ROW
        last = i == len(half.rows) - 1
        pieces += _bars(left, base, numbers.tolist(), last)
        if i:
            middle = left + 4 * CELL + 4
            pieces.append(svg.line(middle, base - ROW + 2, middle, base - 6, arrow=True, stroke="quiet", width=1.2))
            pieces.append(svg.text(middle - 5, base - ROW / 2 + 9, name, anchor="end", bold=True, halo=True))
    x = left - 22
    start, end = TOP - 8, TOP + half.joins * ROW - 8
    pieces += [svg.path([(left - 6, start), (x, start), (x, end)], stroke=RUST, width=2)]
    pieces += [svg.line(x, end, left - 4, end, arrow=True, stroke=RUST, width=2)]
    pieces.append(svg.text(x - 6, (start + end) / 2, "+ x", anchor="end", bold=True))
    first, final = half.rows[0][1], half.rows[-1][1]
    said = f"standard deviation {number(first.std(correction=0).item())} → {number(final.std(correction=0).item())}"
    return [*pieces, svg.text(left - 44, TOP + 3 * ROW + 50, said, size=svg.SMALL)]


def _bars(left: float, base: float, numbers: Sequence[float], last: bool) -> list[str]:
    """Four numbers below a base line, a bar of `UNIT` px a unit on it; the last row is set in bold."""
    pieces = [svg.line(left, base, left + 4 * CELL - 8, base, stroke="quiet", width=1)]
    for i, value in enumerate(numbers):
        x, height = left + i * CELL, abs(value) * UNIT
        pieces.append(svg.rect(x + 13, base - height if value > 0 else base, 20, height, fill=BLUE if last else TEAL, rx=1))
        below = max(0.0, -value) * UNIT
        pieces.append(svg.text(x + 23, base + below + 16, number(value), anchor="middle", bold=last, size=svg.SMALL))
    return pieces


def show_block() -> None:
    """Show the pre-norm encoder block: the stream as a road, its two sublayers as detours that add something."""
    svg.show_svg(*draw_block())


def draw_block() -> tuple[str, str]:
    """(SVG string, alt text) of the pre-norm encoder block from left to right."""
    road, top = 132, 46
    pieces = [svg.line(10, road, WIDTH - 4, road, width=5, arrow=True, stroke=RUST)]
    for left, name, says in ((26, "attention", "words look at words"), (312, "feed-forward", "each word alone")):
        pieces += _detour(left, top, road, name)
        pieces.append(svg.text(left + 118, top - 14, says, size=svg.SMALL, anchor="middle"))
    below = ((14, "x: (B, S, d_model)", "start", False), (WIDTH / 2 - 8, "the stream runs straight through", "middle", True))
    for x, words, anchor, bold in (*below, (WIDTH - 10, "the same shape", "end", False)):
        pieces.append(svg.text(x, road + 34, words, size=svg.SMALL, anchor=anchor, bold=bold))
    alt = (
        "The pre-norm block. The stream x of shape (B, S, d_model) runs straight through. Two detours leave it and are added back: "
        "norm, attention, dropout; then norm, feed-forward, dropout. It comes out in the same shape."
    )
    return svg.svg(WIDTH, road + 48, pieces, alt), alt


def _detour(left: float, top: float, road: float, name: str) -> list[str]:
    """Off the road at `left`, through norm, the sublayer and dropout, and back onto it at a plus."""
    middle = top + 16
    pieces = [svg.path([(left, road), (left, middle)]), svg.line(left, middle, left + 12, middle, arrow=True)]
    x = left + 12.0
    for label, wide in (("norm", 48), (name, 100), ("dropout", 64)):
        pieces.append(svg.box(x, top, wide, 32, label, "lit" if label == name else "plain", size=svg.SMALL))
        x += wide
        if label != "dropout":
            pieces.append(svg.line(x, middle, x + 12, middle, arrow=True, width=1.2))
            x += 12
    pieces += [svg.path([(x, middle), (x + 10, middle), (x + 10, road - 20)]), svg.line(x + 10, road - 26, x + 10, road - 11, arrow=True)]
    return [*pieces, svg.mark(x + 10, road, "circle", RUST, r=11), svg.text(x + 10, road + 5, "+", anchor="middle", bold=True, fill="page")]


@house.picture
def depth(measured: Measured) -> tuple[Figure, str]:
    """Likeness of two words and gradient at the first block against the number of blocks, one line a standard deviation.

    `measured` gives for "pre" and "post" and each initialisation the (cosine similarity, gradient) at each depth, as notebook 04
    measures them.
    """
    figure, axes = house.new_figure("The scale of the weights decides how a deep stack starts", HIGH, 2, rows=2, sharex=True, sharey="row")
    for column, (placement, kinds) in enumerate((name, measured[name]) for name in ("pre", "post")):
        axes[0][column].set_title(f"{placement}-norm", fontweight="bold")
        axes[1][column].set_xlabel("blocks (log axis)")
        for row in (0, 1):
            _curves(axes[row][column], kinds, row)
    for row, what in enumerate(("how alike dog\nand man are", "gradient at\nthe first block")):
        axes[row][0].set_ylabel(what)
        for column, placement in enumerate(("pre", "post")):
            _name_lines(axes[row][column], measured[placement], row)
    return figure, _told(measured)


def _curves(ax: Axes, kinds: Mapping[str, Mapping[int, tuple[float, float]]], which: int) -> None:
    depths = sorted(next(iter(kinds.values())))
    for i, points in enumerate(kinds.values()):
        ax.plot(depths, [points[n][which] for n in depths], marker=house.MARKERS[i], markersize=5)
    ax.set(xscale="log", yscale="log" if which else "linear", xlim=(depths[0] * 0.85, depths[-1] * 1.15))
    ax.set_xticks(depths, [str(n) for n in depths])
    ax.minorticks_off()


def _name_lines(ax: Axes, kinds: Mapping[str, Mapping[int, tuple[float, float]]], which: int) -> None:
    """Each line's name at its end."""
    ends = [(max(points), points[max(points)][which]) for points in kinds.values()]
    house.label_ends(ax, [(*end, kind, house.CATEGORIES[i]) for i, (end, kind) in enumerate(zip(ends, kinds, strict=True))])


def _told(measured: Measured) -> str:
    parts = []
    for placement, kinds in measured.items():
        for kind, points in kinds.items():
            few, many = min(points), max(points)
            (alike, gradient), (deep_alike, deep_gradient) = points[few], points[many]
            likeness = f"likeness {alike:.2f} to {deep_alike:.2f}"
            parts.append(f"{placement}-norm, {kind}: {likeness}, gradient {gradient:.2g} to {deep_gradient:.2g}")
    return f"From {few} to {many} blocks. {'; '.join(parts)}."
