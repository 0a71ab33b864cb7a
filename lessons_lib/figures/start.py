"""Pictures of notebook 00: how shapes stretch to meet, and how gradient descent walks down a parabola."""

from collections.abc import Sequence

from lessons_lib.figures import svg
from lessons_lib.figures.palette import BLUE, RUST, WIDTH, number

CELL_WIDE, CELL_TALL = 40, 32  # px
GOAL, BEGIN, STEPS = 3.0, 0.0, 6  # the parabola (w - GOAL)², where the walk begins, how many steps are drawn
UNIT, X0, Y0, RISE = 36.0, 84.0, 222.0, 9.6  # px of one w, of w = 0, of loss 0, of one unit of loss
LOW, HIGH, TALLEST = -1.4, 7.4, 19.4  # the part of the plane that is drawn


def show_broadcast(column: Sequence[int], row: Sequence[int]) -> None:
    """Show how a (n, 1) column and a (m,) row add up to an (n, m) table; the stretched copies are dashed."""
    svg.show_svg(*broadcast(column, row))


def broadcast(column: Sequence[int], row: Sequence[int]) -> tuple[str, str]:
    """(SVG string, alt text) of `column` (n whole numbers, shape (n, 1)) plus `row` (m whole numbers, shape (m,)), at most 3 each."""
    n, m = len(column), len(row)
    if not (1 <= n <= 3 and 1 <= m <= 3):
        raise ValueError(f"column has {n} and row {m} numbers; the picture has room for 1 to 3 each")
    total = [[a + b for b in row] for a in column]
    top, wide, pieces = 58.0, m * CELL_WIDE, []
    grids = (
        (f"({n}, 1) \u2192 ({n}, {m})", [[a] * m for a in column], lambda i, j: j == 0),
        (f"({m},) \u2192 ({n}, {m})", [list(row)] * n, lambda i, j: i == 0),
        (f"({n}, {m})", total, lambda i, j: True),
    )
    for k, (title, numbers, own) in enumerate(grids):
        x = 30 + k * (wide + 84)
        pieces.append(svg.text(x + wide / 2, 36, title, anchor="middle", bold=True))
        pieces += [
            svg.box(
                x + j * CELL_WIDE + 2, top + i * CELL_TALL + 2, CELL_WIDE - 4, CELL_TALL - 4, str(value), "plain" if own(i, j) else "later"
            )
            for i, line in enumerate(numbers)
            for j, value in enumerate(line)
        ]
        if k < 2:
            pieces.append(svg.text(x + wide + 42, top + n * CELL_TALL / 2 + 6, "+="[k], size=20, anchor="middle", bold=True))
    pieces.append(svg.text(30, top + n * CELL_TALL + 26, "dashed: copies that nobody has to write", size=svg.SMALL, fill="quiet"))
    alt = (
        f"A column {list(column)} of shape ({n}, 1) is stretched to {m} columns, a row {list(row)} of shape ({m},) to {n} rows; "
        f"their sum has shape ({n}, {m}): {total}."
    )
    return svg.svg(WIDTH, top + n * CELL_TALL + 42, pieces, alt), alt


def show_descent(rate: float) -> None:
    """Show six steps of gradient descent on (w - 3)², from w = 0, with learning rate `rate`."""
    svg.show_svg(*descent(rate))


def walk(rate: float) -> list[float]:
    """w before the first step and after each of the `STEPS` steps w ← w - rate · 2 (w - GOAL)."""
    places = [BEGIN]
    for _ in range(STEPS):
        places.append(places[-1] - rate * 2 * (places[-1] - GOAL))
    return places


def descent(rate: float) -> tuple[str, str]:
    """(SVG string, alt text) of the walk with learning rate `rate`: the parabola with the steps on it, their numbers beside it."""
    places = walk(rate)
    losses = [(w - GOAL) ** 2 for w in places]
    pieces = [*_plane(), *_steps(places, losses), *_numbers(places, losses)]
    factor, verdict = 1 - 2 * rate, _verdict(1 - 2 * rate)
    pieces.append(svg.text(10, 266, f"rate {number(rate)}: each step multiplies the distance to 3 by {number(factor)}", bold=True))
    pieces.append(svg.text(10, 285, verdict))
    said = (
        f"each step multiplies the distance to 3 by {number(factor)}; {verdict}",
        f"w goes {', '.join(number(w) for w in places)}",
        f"the loss goes from {number(losses[0])} to {number(losses[-1])}",
    )
    alt = f"Gradient descent on (w \u2212 3)\u00b2 with learning rate {number(rate)}: {'; '.join(said)}."
    return svg.svg(WIDTH, 296, pieces, alt), alt


def _at(w: float, loss: float) -> tuple[float, float]:
    return X0 + UNIT * w, Y0 - RISE * loss


def _plane() -> list[str]:
    """Axes with their names, and the parabola."""
    curve = [LOW + i * (HIGH - LOW) / 60 for i in range(61)]
    pieces = [
        svg.line(*_at(LOW, 0), *_at(HIGH, 0), stroke="quiet", width=1),
        svg.line(*_at(0, 0), *_at(0, TALLEST), stroke="faint", width=1),
    ]
    pieces += [svg.text(*_at(w, -1.6), str(w), size=svg.SMALL, anchor="middle", fill="quiet") for w in (0, 3, 6)]
    pieces += [svg.text(_at(LOW, 0)[0] - 4, _at(0, loss)[1] + 4, str(loss), size=svg.SMALL, anchor="end", fill="quiet") for loss in (0, 9)]
    pieces += [svg.text(_at(HIGH, 0)[0] + 8, _at(0, 0)[1] + 4, "w", size=svg.SMALL, fill="quiet")]
    pieces += [svg.text(10, 18, "loss (w \u2212 3)\u00b2", bold=True)]
    return [*pieces, svg.path([_at(w, (w - GOAL) ** 2) for w in curve], stroke="quiet", width=1.5)]


def _steps(places: Sequence[float], losses: Sequence[float]) -> list[str]:
    """Arrows from place to place and a mark on each, as far as they lie in the picture."""
    inside = [LOW <= w <= HIGH and loss <= TALLEST for w, loss in zip(places, losses, strict=True)]
    seen = inside.index(False) if False in inside else len(inside)
    points = [_at(w, loss) for w, loss in zip(places[:seen], losses[:seen], strict=True)]
    arrows = [svg.line(*a, *b, stroke=RUST, width=1.5) for a, b in zip(points, points[1:], strict=False)]
    marks = [svg.mark(*point, "circle", BLUE, r=5) for point in points[1:]]
    first = svg.mark(*points[0], "square", BLUE, r=6) + svg.text(points[0][0] - 9, points[0][1] + 17, "start", size=svg.SMALL, anchor="end")
    return [*arrows, *marks, first]


def _numbers(places: Sequence[float], losses: Sequence[float]) -> list[str]:
    columns = ((432, "step"), (506, "w"), (588, "loss"))
    pieces = [svg.text(x, 18, words, anchor="end", bold=True) for x, words in columns]
    for i, (w, loss) in enumerate(zip(places, losses, strict=True)):
        rows = zip(columns, (str(i), number(w), number(loss)), strict=True)
        pieces += [svg.text(x, 44 + 26 * i, words, anchor="end") for (x, _), words in rows]
    return pieces


def _verdict(factor: float) -> str:
    """What comes of a walk that multiplies its distance to the goal by `factor` at each step, in words."""
    if abs(factor) < 1e-9:
        return "one step arrives"
    if abs(abs(factor) - 1) < 1e-9:
        return "it leaps from side to side and never comes closer"
    if abs(factor) > 1:
        return "each leap is longer than the last: it flies off, out of the picture"
    return "it creeps towards 3 from one side" if factor > 0 else "it leaps from side to side, closer each time"
