"""Where the labels of points go in an SVG drawing, so that words do not lie on words when the points move."""

import itertools
from collections.abc import Sequence

from lessons_lib.figures import svg

Box = tuple[float, float, float, float]  # left, top, right, bottom in px
Spot = tuple[float, float, str]  # x, y of the baseline, anchor

# above, below, right, left, then the corners: baseline against the point, and which part of the words stands there
OFFSETS: tuple[Spot, ...] = (
    (0, -11, "middle"),
    (0, 21, "middle"),
    (11, 4.5, "start"),
    (-11, 4.5, "end"),
    (8, -10, "start"),
    (-8, -10, "end"),
    (8, 19, "start"),
    (-8, 19, "end"),
    (-26, 21, "start"),
    (28, 21, "end"),
    (0, -26, "middle"),
    (0, 36, "middle"),
)


def place_labels(points: Sequence[tuple[float, float]], labels: Sequence[str], bounds: Box, taken: Sequence[Box] = ()) -> list[Spot]:
    """A spot for the small label of each point, chosen together: as little overlap as possible, then as near to the top of `OFFSETS`.

    Points are px. Labels stay inside `bounds` where they can, and keep clear of all points, of `taken` and of each other.
    All arrangements are tried, so at most four labels make sense.
    """
    busy = [*taken, *((x - 6, y - 6, x + 6, y + 6) for x, y in points)]
    spots = [[(x + dx, y + dy, anchor) for dx, dy, anchor in OFFSETS] for x, y in points]
    boxes = [[label_box(spot, label) for spot in choices] for choices, label in zip(spots, labels, strict=True)]
    alone = [[_cost(box, bounds, busy) + rank for rank, box in enumerate(choices)] for choices in boxes]
    pairs = {(i, j): [[overlap(a, b) for b in boxes[j]] for a in boxes[i]] for i, j in itertools.combinations(range(len(labels)), 2)}

    def total(chosen: tuple[int, ...]) -> float:
        return sum(alone[i][c] for i, c in enumerate(chosen)) + sum(table[chosen[i]][chosen[j]] for (i, j), table in pairs.items())

    best = min(itertools.product(range(len(OFFSETS)), repeat=len(labels)), key=total)
    return [spots[i][c] for i, c in enumerate(best)]


def label_box(spot: Spot, label: str) -> Box:
    """The px that a small label covers, at the width of the widest font in use."""
    x, y, anchor = spot
    width = 0.65 * svg.SMALL * len(label)
    left = x - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
    return left, y - 11, left + width, y + 3


def overlap(a: Box, b: Box) -> float:
    """The area that two boxes share, in square px."""
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))


def _cost(box: Box, bounds: Box, busy: Sequence[Box]) -> float:
    outside = (box[2] - box[0]) * (box[3] - box[1]) - overlap(box, bounds)
    return 10 * outside + sum(overlap(box, other) for other in busy)
