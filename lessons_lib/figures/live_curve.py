"""A training curve that draws itself while a run goes on, from the rows that `lessons train` writes into metrics.jsonl.

    curve = LiveCurve(steps=900)
    trainer.on_log = curve.show

JupyterLab and VS Code redraw the picture in its place; a terminal, with IPython or without, gets a line of text a row.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from IPython import get_ipython
from IPython.display import display

from lessons_lib.figures import svg
from lessons_lib.figures.palette import BLUE, RUST, WIDTH, image, number

Row = Mapping[str, Any]
HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 250, 52, 16, 58, 36  # px
TICKS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10)


class LiveCurve:
    """Bar, loss curve and scores of one run.

    Attributes:
        rows: what has been shown so far.
    """

    def __init__(self, steps: int) -> None:
        """`steps` is how long the run will last."""
        self.steps, self.rows = steps, []
        self._handle: Any = None

    def show(self, row: Row) -> None:
        """Take a row of metrics in and draw again."""
        self.rows.append(row)
        if get_ipython() is None:  # a script: there `display` would print the picture's source
            print(progress(row, self.steps), flush=True)
            return
        if self._handle is None:
            self._handle = display(self._page(), raw=True, display_id=True)
        else:
            self.redraw()

    def redraw(self) -> None:
        """Send the picture as it stands once more: a page that was busy, asleep or away may have missed its last rows."""
        if self._handle is not None:
            self._handle.update(self._page(), raw=True)

    def _page(self) -> dict[str, str]:
        drawing, alt = draw(self.rows, self.steps)
        return {"text/html": image("image/svg+xml", drawing.encode(), alt, WIDTH), "text/plain": progress(self.rows[-1], self.steps)}


def progress(row: Row, steps: int) -> str:
    """One line on how far the run is, with exact match where it was measured; the time left only while there is some."""
    left = row["seconds"] / row["step"] * (steps - row["step"])
    scores = row.get("validation", {})
    score = f", exact match {number(scores['exact_match'], 1)} %" if "exact_match" in scores else ""
    return f"step {row['step']} of {steps}, loss {row['loss']:.3f}{score}" + (f", {left:.0f} s left" if left else "")


def draw(rows: Sequence[Row], steps: int) -> tuple[str, str]:
    """(SVG string, alt text): a bar for the share that is done, the loss on a log axis, exact match where it was measured."""
    done = rows[-1]["step"] / steps
    across = WIDTH - LEFT - RIGHT
    pieces = [svg.text(12, 22, progress(rows[-1], steps)[:84], bold=True, size=svg.SMALL)]
    pieces += [svg.rect(12, 32, WIDTH - 24, 10, stroke="quiet", width=1), svg.rect(12, 32, (WIDTH - 24) * done, 10, fill=BLUE)]

    def at(step: float, loss: float) -> tuple[float, float]:
        high = math.log(TICKS[-1] / TICKS[0])
        share = math.log(min(max(loss, TICKS[0]), TICKS[-1]) / TICKS[0]) / high
        return LEFT + across * step / steps, HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)

    for tick in TICKS:
        y = at(0, tick)[1]
        pieces += [svg.line(LEFT, y, WIDTH - RIGHT, y, stroke="faint", width=0.8)]
        pieces += [svg.text(LEFT - 6, y + 4, f"{tick:g}", size=svg.SMALL, anchor="end", fill="quiet")]
    points = [at(row["step"], row["loss"]) for row in rows]
    if len(points) > 1:
        pieces.append(svg.path(points, stroke=BLUE, width=2))
    scored = [(row["step"], row["loss"], row["validation"]["exact_match"]) for row in rows if "exact_match" in row.get("validation", {})]
    for step, loss, score in scored:
        x, y = at(step, loss)
        pieces += [svg.mark(x, y, "square", RUST, r=5)]
        pieces += [svg.text(min(x, WIDTH - 40), y - 12, f"{number(score, 0)} %", size=svg.SMALL, anchor="middle", halo=True)]
    ends = (("0", LEFT, "start"), (f"step {steps}", WIDTH - RIGHT, "end"))
    pieces += [svg.text(x, HEIGHT - 20, words, size=svg.SMALL, anchor=anchor, fill="quiet") for words, x, anchor in ends]
    axis = "line: training loss (nats a token, log axis); squares: exact match, held out"
    pieces.append(svg.text(LEFT, HEIGHT - 5, axis, size=svg.SMALL, fill="quiet"))
    told = "; ".join(f"{number(score, 0)} % exact match at step {step}" for step, _, score in scored) or "no score yet"
    alt = f"Loss goes from {number(rows[0]['loss'])} to {number(rows[-1]['loss'])} at step {rows[-1]['step']} of {steps}; {told}."
    return svg.svg(WIDTH, HEIGHT, pieces, alt), alt
