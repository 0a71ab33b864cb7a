"""Parts of an SVG drawing as strings, put together by `svg` and shown by `show_svg`.

The same string serves twice: inside a live widget it takes JupyterLab's colours, as an image it is a white card. So a drawing has
no ids, style sheets, scripts or `<title>`, names its colours through `THEME` and paints its own background.
Coordinates are px from the top left; a picture is `palette.WIDTH` wide. Allow 0.65 em a letter: the widest font in use needs it.
"""

import html
import math
from collections.abc import Iterable

from IPython.display import display

from lessons_lib.figures.palette import BLUE, FAINT, INK, QUIET, WIDTH, image

# The colours that follow JupyterLab's theme, each with what stands in for it elsewhere.
THEME = {
    "ink": ("--jp-content-font-color1", INK),
    "quiet": ("--jp-content-font-color2", QUIET),
    "faint": ("--jp-border-color1", FAINT),
    "page": ("--jp-layout-color0", "#fff"),
}
FONT = "system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif"
SMALL, BODY = 12.5, 13.5  # px
# state of a box: fill, words, edge, width of the edge in px, dash
STATES = {
    "lit": (BLUE, "#fff", "ink", 2.0, ""),
    "plain": ("page", "ink", "quiet", 1.2, ""),
    "later": ("page", "quiet", "quiet", 1.2, "3 3"),
}
SHAPES = {
    "square": ((-1, -1), (1, -1), (1, 1), (-1, 1)),
    "triangle": ((0, -1.2), (1.15, 0.9), (-1.15, 0.9)),
    "diamond": ((0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)),
}


def svg(width: float, height: float, parts: Iterable[str], alt: str) -> str:
    """One SVG string of `width` × `height` px with `alt` as its accessible name; it shrinks with the page."""
    names = ";".join(f"--{name}:var({variable},{fallback})" for name, (variable, fallback) in THEME.items())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" role="img" '
        f'aria-label="{html.escape(alt)}" style="max-width:100%;height:auto;font:{BODY}px {FONT};{names}">'
        f'<rect width="{width:g}" height="{height:g}" rx="6" style="fill:var(--page)"/>{"".join(parts)}</svg>'
    )


def show_svg(drawing: str, alt: str, width: int = WIDTH) -> None:
    """Show an SVG string as `<img alt>`, `width` px wide, with the alt text for viewers that show text only."""
    display({"text/html": image("image/svg+xml", drawing.encode(), alt, width), "text/plain": alt}, raw=True)


def text(
    x: float,
    y: float,
    words: str,
    *,
    size: float = BODY,
    anchor: str = "start",
    bold: bool = False,
    fill: str = "ink",
    halo: bool = False,
) -> str:
    """`words` with their baseline at y, in ink or quiet, never a category's colour; `halo` keeps them readable on top of lines.

    `anchor` is "start", "middle" or "end": which part of the words stands at x.
    """
    style = f"fill:{_colour(fill)}"
    style += f";font-size:{size:g}px" if size != BODY else ""
    style += ";font-weight:700" if bold else ""
    style += ";paint-order:stroke;stroke:var(--page);stroke-width:4px;stroke-linejoin:round" if halo else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" style="{style}">{html.escape(words)}</text>'


def line(
    x1: float,
    y1: float,
    x2: float,
    y2: float,
    *,
    stroke: str = "ink",
    width: float = 1.5,
    dash: str = "",
    arrow: bool = False,
) -> str:
    """A straight line; with `arrow` a head at its end (none on a line too short to carry one)."""
    length, head = math.hypot(x2 - x1, y2 - y1), ""
    if arrow and length > 1:
        size = min(4 + 2.2 * width, length)
        u, v = size * (x2 - x1) / length, size * (y2 - y1) / length
        corners = ((x2, y2), (x2 - u - 0.45 * v, y2 - v + 0.45 * u), (x2 - u + 0.45 * v, y2 - v - 0.45 * u))
        head, x2, y2 = _polygon(corners, f"fill:{_colour(stroke)}"), x2 - u, y2 - v
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" style="{_pen(stroke, width, dash)}"/>{head}'


def path(corners: Iterable[tuple[float, float]], *, stroke: str = "ink", width: float = 1.5, dash: str = "") -> str:
    """Straight lines from corner to corner, not filled: a curve through many points, or an edge that turns."""
    points = "L".join(f"{x:.1f} {y:.1f}" for x, y in corners)
    return f'<path d="M{points}" style="fill:none;stroke-linejoin:round;{_pen(stroke, width, dash)}"/>'


def rect(
    x: float,
    y: float,
    w: float,
    h: float,
    *,
    fill: str = "none",
    stroke: str = "none",
    width: float = 1.5,
    dash: str = "",
    rx: float = 4,
) -> str:
    """A rectangle whose top left corner is (x, y), by default with rounded corners; a negative `w` counts as 0."""
    style = f"fill:{_colour(fill)};{_pen(stroke, width, dash)}"
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(w, 0):.1f}" height="{h:.1f}" rx="{rx:g}" style="{style}"/>'


def box(x: float, y: float, w: float, h: float, label: str, state: str = "plain", tag: str = "", size: float = BODY) -> str:
    """A labelled box: "lit" (filled, bold, heavy edge), "plain" (outline) or "later" (dashed, quiet); `tag` stands at its right."""
    if state not in STATES:
        raise ValueError(f"box state {state!r} is unknown; use one of {', '.join(STATES)}")
    fill, words, edge, width, dash = STATES[state]
    middle, bold = y + h / 2 + size * 0.36, state == "lit"
    start = (x + 10, "start") if tag else (x + w / 2, "middle")
    name = text(start[0], middle, label, size=size, anchor=start[1], fill=words, bold=bold) if label else ""
    side = text(x + w - 9, middle, tag, size=SMALL, anchor="end", fill=words, bold=bold) if tag else ""
    return rect(x, y, w, h, fill=fill, stroke=edge, width=width, dash=dash) + name + side


def mark(x: float, y: float, shape: str, fill: str, r: float = 6) -> str:
    """A point as circle, square, triangle or diamond, so that a category has a shape as well as a colour."""
    style = f"fill:{_colour(fill)};stroke:var(--page);stroke-width:1.5"
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:g}" style="{style}"/>'
    if shape not in SHAPES:
        raise ValueError(f"mark shape {shape!r} is unknown; use circle, {', '.join(SHAPES)}")
    return _polygon(((x + 0.9 * a * r, y + 0.9 * b * r) for a, b in SHAPES[shape]), style)


def _colour(name: str) -> str:
    return f"var(--{name})" if name in THEME else name


def _pen(stroke: str, width: float, dash: str) -> str:
    if stroke == "none":
        return "stroke:none"
    return f"stroke:{_colour(stroke)};stroke-width:{width:g}" + (f";stroke-dasharray:{dash}" if dash else "")


def _polygon(corners: Iterable[tuple[float, float]], style: str) -> str:
    return f'<polygon points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in corners)}" style="{style}"/>'
