"""House style of the course's pictures: matplotlib figures, tables, and how both reach the page.

    @house.picture
    def squares(values):
        figure, ax = house.new_figure("Squares grow faster than their roots")
        ax.plot(values, [v * v for v in values])
        return figure, f"A curve that rises from {min(values)} to {max(values)} squared."

`squares([1, 2, 3])` in a notebook then draws in house style and shows a white card with that alt text. Drawings of structure are SVG
strings (`lessons_lib.figures.svg`). Palette, `number`, `image` and `show_svg` can be had from here too: one import serves a topic file.
"""

import base64
import functools
import html
import io
from collections.abc import Callable, Iterable, Sequence
from statistics import fmean
from typing import ParamSpec

import matplotlib as mpl
import numpy as np
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from PIL import Image

from lessons_lib.figures.palette import (
    BLUE,
    CATEGORIES,
    DASHES,
    FAINT,
    INK,
    LIMIT,
    MARKERS,
    PLUM,
    QUIET,
    ROSE,
    RUST,
    TEAL,
    WIDTH,
    image,
    number,
)
from lessons_lib.figures.svg import show_svg

__all__ = [
    "BLUE", "CATEGORIES", "DASHES", "DIVERGING", "FAINT", "INK", "LIMIT", "MARKERS", "PLUM", "QUIET",
    "ROSE", "RUST", "SEQUENTIAL", "STYLE", "TEAL", "WIDTH", "image", "ink_on",
    "label_ends", "new_figure", "number", "picture", "show", "show_svg", "show_table", "to_png",
]  # fmt: skip

Arguments = ParamSpec("Arguments")

# Pale to navy for shares of a whole; rust, white, blue for signed values with zero in the middle.
SEQUENTIAL = LinearSegmentedColormap.from_list(
    "sequential", [(0, "#f3f6fd"), (0.2, "#c3d3f9"), (0.4, "#7fa0ef"), (0.55, "#3569e8"), (0.8, "#1d3f96"), (1, "#0d1f52")]
)
DIVERGING = LinearSegmentedColormap.from_list("diverging", ["#5c2a00", "#a34a00", "#d99a63", "#f7f7f7", "#8fabf0", "#3569e8", "#17327a"])

STYLE = {
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.1,
    "figure.constrained_layout.h_pad": 0.08,
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": QUIET,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.8,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "lines.linewidth": 2,
    "lines.markersize": 7,
    "axes.prop_cycle": mpl.cycler(color=CATEGORIES, linestyle=DASHES),
}


def picture(draw: Callable[Arguments, tuple[Figure, str]]) -> Callable[Arguments, None]:
    """Decorate a function that returns (figure, alt text): calling it draws in house style and shows the result.

    The undecorated function stays reachable as `__wrapped__`, for tests and for other pages than a notebook.
    """

    @functools.wraps(draw)
    def shown(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        with mpl.rc_context(STYLE):
            show(*draw(*args, **kwargs))

    return shown


def new_figure(
    title: str,
    height: float = 3.2,
    columns: int = 1,
    *,
    rows: int = 1,
    sharex: bool = False,
    sharey: bool | str = False,
    widths: Sequence[float] | None = None,
) -> tuple[Figure, Axes | Sequence[Axes]]:
    """A figure 600 px wide and `height` inches high, outside pyplot, with one axes, or `rows` of `columns` axes.

    `title` is a sentence that says what the figure shows, at most 60 letters; `widths` are the columns' shares of the width.
    """
    if len(title) > 64:
        raise ValueError(f"title has {len(title)} letters, at most 64 fit a picture's width; shorten {title!r}")
    figure = Figure(figsize=(WIDTH / 100, height))
    figure.suptitle(title, x=0.017, ha="left", fontsize=10.5, fontweight="bold")
    return figure, figure.subplots(rows, columns, sharex=sharex, sharey=sharey, width_ratios=widths)


def ink_on(background: str | Sequence[float]) -> str:
    """The ink that is readable on `background` (a matplotlib colour): white where its WCAG 2 contrast reaches 4.5, else black."""
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(background))
    return "black" if 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.1833 else "white"


def label_ends(ax: Axes, ends: Iterable[tuple[float, float, str, str]], gap: float = 14) -> None:
    """Write each (x, y, label, colour) to the right of its line's end, in place of a legend.

    x and y are data coordinates; labels that would touch move apart until `gap` points lie between them. Set the axes' limits first.
    """
    ax.figure.draw_without_rendering()
    ends = sorted(ends, key=lambda end: end[1])
    wanted = [ax.transData.transform(end[:2])[1] * 72 / ax.figure.dpi for end in ends]
    for (x, y, label, colour), shift in zip(ends, _shifts(wanted, gap), strict=True):
        ax.annotate(
            label,
            (x, y),
            (8, shift),
            textcoords="offset points",
            color=colour,
            va="center",
            fontsize=9.5,
            fontweight="bold",
            annotation_clip=False,
        )


def _shifts(wanted: Sequence[float], gap: float) -> list[float]:
    """The smallest shifts that bring the ascending `wanted` `gap` apart: those that would touch spread about their common mean."""
    runs: list[list[float]] = []  # each of one level where the i-th is taken i gaps down
    for i, y in enumerate(wanted):
        runs.append([y - i * gap])
        while len(runs) > 1 and fmean(runs[-2]) > fmean(runs[-1]):
            runs[-2:] = [runs[-2] + runs[-1]]
    return [fmean(run) - level for run in runs for level in run]


def to_png(figure: Figure, dpi: int, colours: int) -> bytes:
    """`figure` as a PNG with at most `colours` colours and no metadata, the same bytes each time.

    The commonest colours and five greys stay exact, so lines keep the house palette; the rest are rounded to their nearest.
    """
    raw, small = io.BytesIO(), io.BytesIO()
    figure.savefig(raw, format="png", dpi=dpi)
    full, half = Image.open(raw).convert("RGB"), colours // 2
    seen, place, count = np.unique(np.asarray(full, int) @ (65536, 256, 1), return_inverse=True, return_counts=True)
    seen = np.stack([seen >> 16, seen >> 8 & 255, seen & 255], 1)
    greys = [[grey] * 3 for grey in (33, 107, 150, 190, 230)]
    commonest = seen[np.argsort(-count, kind="stable")[: half - 5]]
    palette = np.vstack([greys, commonest, np.reshape(full.quantize(half).getpalette()[: 3 * half], (-1, 3))])
    nearest = ((seen[:, None] - palette) ** 2).sum(2).argmin(1).astype("uint8")
    rounded = Image.fromarray(nearest[place].reshape(full.size[::-1]))
    rounded.putpalette(palette.astype("uint8").tobytes())
    rounded.save(small, format="png", optimize=True)
    return small.getvalue()


def show(figure: Figure, alt: str) -> None:
    """Show `figure` as `<img alt>`, at twice the pixels if `LIMIT` allows, with a plain PNG for viewers that drop HTML.

    Raises ValueError if even one pixel a pixel is too large: then draw fewer points.
    """
    plain = {}
    for dpi, colours in ((200, 64), (200, 32), (150, 32), (135, 32), (100, 32), (100, 20)):
        page = image("image/png", to_png(figure, dpi, colours), alt, round(100 * figure.get_figwidth()))
        if len(page) < LIMIT and colours not in plain:
            plain[colours] = base64.b64encode(to_png(figure, 100, colours)).decode()
        if len(page) + len(plain.get(colours, "")) < LIMIT:
            display({"text/html": page, "image/png": plain[colours], "text/plain": alt}, raw=True)
            return
    raise ValueError(
        f"the picture needs {len(page):,} characters as HTML alone, {LIMIT:,} are allowed in all; draw at most 100 points a line"
    )


def show_table(head: Sequence[str], rows: Sequence[Sequence[str]], caption: str, lit: int | None = None) -> None:
    """Show rows of ready strings as a table in the theme's colours: first column left, the rest right.

    `caption` says what the table shows; `lit` is the index of a row to set in bold.
    """
    for row in rows:
        if len(row) != len(head):
            raise ValueError(f"a row has {len(row)} cells, the head has {len(head)}: {list(row)}")

    def cell(tag: str, words: str, column: int, bold: bool) -> str:
        look = f"text-align:{'right' if column else 'left'};font-weight:{700 if bold else 400}"
        return f'<{tag} style="{look}">{html.escape(words)}</{tag[:2]}>'

    top = "".join(cell('th scope="col"', words, i, True) for i, words in enumerate(head))
    body = ("".join(cell("td" if i else 'th scope="row"', words, i, n == lit) for i, words in enumerate(row)) for n, row in enumerate(rows))
    page = (
        f'<table><caption style="caption-side:top;text-align:left;font-size:14px">{html.escape(caption)}</caption>'
        f"<thead><tr>{top}</tr></thead><tbody><tr>{'</tr><tr>'.join(body)}</tr></tbody></table>"
    )
    display({"text/html": page, "text/plain": "\n".join(" | ".join(row) for row in (head, *rows))}, raw=True)
