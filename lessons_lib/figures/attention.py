"""Pictures of notebook 01: attention of one word in three panels, heat maps of weights, and what the divisor of the scores does.

`steps()` shows *bites* in "dog bites man"; `draw_steps(scene)` is the same drawing for any query, keys and values, and the live widget
(`lessons_lib.widgets.attention`) draws with it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lessons_lib.attention import scaled_dot_product_attention
from lessons_lib.figures import house, svg
from lessons_lib.figures.house import number
from lessons_lib.figures.labels import label_box, overlap, place_labels
from lessons_lib.figures.palette import BLUE, PLUM, QUIET, RUST, WIDTH

Pair = tuple[float, float]
Measured = Mapping[int, Sequence[Sequence[float]]]

HEIGHT = 272  # px of the drawing
LOOK = (("circle", BLUE), ("square", PLUM), ("triangle", RUST))  # the n-th word keeps its shape and colour in all three panels
LEFT, MIDDLE, RIGHT = 10, 224, 416  # px, left edges of the three panels
KEY_UNIT, VALUE_UNIT, BAR = 21, 12.5, 130  # px a unit of a key, a unit of a value, a weight of 1
KEY_ZERO, VALUE_ZERO = (LEFT + 4.2 * KEY_UNIT, 62 + 4 * KEY_UNIT), (432, 206)  # px, where (0, 0) lies
DIVISORS = ("÷ 1", "÷ √d", "÷ d")


@dataclass(frozen=True)
class Scene:
    """One word that asks, and the words that are asked: a query, and for each of `words` a key and a value, all of two numbers."""

    query: Pair = (1.0, 0.0)
    keys: tuple[Pair, ...] = ((3.0, 2.0), (0.0, 1.0), (2.0, 0.0))
    values: tuple[Pair, ...] = ((10.0, 0.0), (0.0, 0.0), (0.0, 10.0))
    words: tuple[str, ...] = ("dog", "bites", "man")
    asking: str = "bites"

    def attend(self) -> tuple[list[float], list[float], list[float]]:
        """Scores q · k, weights and output, as the library computes them."""
        query, keys, values = (torch.tensor(rows, dtype=torch.float32) for rows in ([self.query], self.keys, self.values))
        output, weights = scaled_dot_product_attention(query, keys, values)
        return (query @ keys.T)[0].tolist(), weights[0].tolist(), output[0].tolist()


def steps(scene: Scene | None = None) -> None:
    """Show the steps of `scene`, by default *bites* in "dog bites man"."""
    svg.show_svg(*draw_steps(scene or Scene()))


def draw_steps(scene: Scene) -> tuple[str, str]:
    """(SVG string, alt text): step 1, the query among the keys; 2 and 3, scores to weights; 4, the output among the values."""
    scores, weights, output = scene.attend()
    pieces = [*_scores_step(scene, scores), *_weights_step(scene, scores, weights), *_output_step(scene, output)]
    shares = ", ".join(f"{word} {number(weight)}" for word, weight in zip(scene.words, weights, strict=True))
    listed = ", ".join(f"{word} {number(score, 1)}" for word, score in zip(scene.words, scores, strict=True))
    alt = f"{scene.asking} asks with q = {_pair(scene.query)}. Scores: {listed}. Weights: {shares}. Output {_pair(output)}."
    return svg.svg(WIDTH, HEIGHT, pieces, alt), alt


@house.picture
def maps(words: Sequence[str], free: torch.Tensor, masked: torch.Tensor, allowed: torch.Tensor) -> tuple[Figure, str]:
    """Two heat maps, weights (T, S) without a mask and with one; `allowed` is the mask, bool (T, S), True where looking is allowed."""
    figure, (left, right) = house.new_figure("Masked words are not there: the others share the weight", 3.45, 2)
    _heat_map(left, words, free, torch.ones_like(allowed))
    _heat_map(right, words, masked, allowed)
    left.set_title("no mask")
    right.set_title("causal mask")
    left.set_ylabel("this word (query)")
    middle = len(words) * 2.02 / 3
    note = {"ha": "center", "va": "center", "color": QUIET, "fontsize": 9.5, "fontstyle": "italic"}
    right.text(middle, 0.52, "not there:\nthe words to come", **note)
    most = ", ".join(f"{word} looks mostly at {words[int(row.argmax())]} ({row.max():.2f})" for word, row in zip(words, free, strict=True))
    seen = (
        f"{word} has " + ", ".join(f"{words[j]} {row[j]:.2f}" for j in range(len(words)) if may[j])
        for word, row, may in zip(words, masked, allowed, strict=True)
    )
    alt = f"Two heat maps of attention weights. Without a mask {most}. With the causal mask the later words are absent: {'; '.join(seen)}."
    return figure, alt


@house.picture
def divisors(measured: Measured) -> tuple[Figure, str]:
    """Mean largest weight and median gradient length against d_head (log axis), one line a divisor of the scores.

    `measured` gives for each d_head and each of `DIVISORS` (weight, median gradient, …), as notebook 01 measures them; more is left out.
    """
    sizes = sorted(measured)
    figure, axes = house.new_figure("Only the square root keeps both, whatever the width", 3.3, 2)
    for ax, which, title in zip(axes, (0, 1), ("largest of three weights (mean)", "gradient at the query (median)"), strict=True):
        curves = [[measured[d][i][which] for d in sizes] for i in range(len(DIVISORS))]
        for i, curve in enumerate(curves):
            ax.plot(sizes, curve, marker=house.MARKERS[i], markersize=5)
        ax.set_xscale("log", base=2)
        ax.set_xticks(sizes, [str(d) for d in sizes], fontsize=9)
        ax.minorticks_off()
        ax.set(title=title, xlabel="d = d_head (log axis)", ylim=((0.3, 1.0), (-0.02, 0.4))[which], xlim=(sizes[0] * 0.8, sizes[-1] * 1.25))
        house.label_ends(ax, [(sizes[-1], curve[-1], DIVISORS[i], house.CATEGORIES[i]) for i, curve in enumerate(curves)])
    said = "; ".join(
        f"{name}: weight {measured[sizes[0]][i][0]:.2f} to {measured[sizes[-1]][i][0]:.2f}, "
        f"gradient {measured[sizes[0]][i][1]:.3f} to {measured[sizes[-1]][i][1]:.3f}"
        for i, name in enumerate(DIVISORS)
    )
    return figure, f"Largest of three random weights, and gradient at the query, from d_head {sizes[0]} to {sizes[-1]:,}. {said}."


def _pair(numbers: Sequence[float]) -> str:
    return f"({number(numbers[0], 1)}, {number(numbers[1], 1)})"


def _title(x: float, title: str, below: str) -> str:
    return svg.text(x, 18, title, bold=True) + svg.text(x, 36, below, size=svg.SMALL, fill="quiet")


def _scores_step(scene: Scene, scores: Sequence[float]) -> list[str]:
    """The plane of queries and keys, from −4 to 4 each way: the query as an arrow, each key as a point with its score."""
    (x0, y0), unit, reach = KEY_ZERO, KEY_UNIT, 4 * KEY_UNIT
    pieces = [_title(LEFT, "1  Scores: q · key", "furthest along q wins")]
    pieces += [
        svg.line(x0 - reach, y0, x0 + reach, y0, stroke="faint", width=1),
        svg.line(x0, y0 - reach, x0, y0 + reach, stroke="faint", width=1),
    ]
    for step in (-4, -3, -2, -1, 1, 2, 3, 4):
        x, y = x0 + step * unit, y0 - step * unit
        pieces += [svg.line(x, y0 - 2, x, y0 + 3, stroke="quiet", width=1), svg.line(x0 - 3, y, x0 + 2, y, stroke="quiet", width=1)]
    ends = ((x0 + reach, y0 + 18, "middle"), (x0 - 8, y0 - reach + 5, "end"))
    pieces += [svg.text(*end[:2], "4", size=svg.SMALL, anchor=end[2], fill="quiet") for end in ends]
    qx, qy = scene.query
    pieces.append(svg.line(x0, y0, x0 + qx * unit, y0 - qy * unit, width=3, arrow=True))
    points = [(x0 + k[0] * unit, y0 - k[1] * unit) for k in scene.keys]
    pieces += [svg.mark(*point, *look) for point, look in zip(points, LOOK, strict=True)]
    labels = [f"{word} {number(score, 1)}" for word, score in zip(scene.words, scores, strict=True)]
    taken = [*_along(x0, y0, x0 + qx * unit, y0 - qy * unit), *(label_box(end, "4") for end in ends)]
    if length := math.hypot(qx, qy):  # q's name stands beside the middle of its arrow, on the side where no key lies
        sides = [(x0 + unit * qx / 2 + s * 12 * qy / length, y0 - unit * qy / 2 + s * 12 * qx / length + 4, "middle") for s in (1, -1)]
        keys = [(x - 6, y - 6, x + 6, y + 6) for x, y in points]
        spot = min(sides, key=lambda side: sum(overlap(label_box(side, "q"), key) for key in keys))
        pieces.append(svg.text(*spot[:2], "q", bold=True, anchor="middle", halo=True))
        taken.append(label_box(spot, "q"))
    for label, spot in zip(labels, place_labels(points, labels, (2, 44, MIDDLE - 8, 248), taken), strict=True):
        pieces.append(svg.text(*spot[:2], label, size=svg.SMALL, anchor=spot[2], halo=True))
    return [*pieces, svg.text(LEFT, 262, f"q = {_pair(scene.query)}", bold=True)]


def _along(x1: float, y1: float, x2: float, y2: float) -> list[tuple[float, float, float, float]]:
    """Small boxes along a line, for labels to keep clear of."""
    spots = [(x1 + t * (x2 - x1), y1 + t * (y2 - y1)) for t in np.linspace(0.1, 1, 7)]
    return [(x - 3, y - 3, x + 3, y + 3) for x, y in spots]


def _weights_step(scene: Scene, scores: Sequence[float], weights: Sequence[float]) -> list[str]:
    """For each word its score, the score divided by √2, and its weight as a bar."""
    pieces = [_title(MIDDLE, "2–3  Weights", "score → ÷ √2 → softmax")]
    for i, (word, score, weight) in enumerate(zip(scene.words, scores, weights, strict=True)):
        y, (shape, colour) = 72 + 62 * i, LOOK[i]
        arithmetic = f"{number(score, 1)} → {number(score / math.sqrt(2))}"
        pieces += [svg.mark(MIDDLE + 7, y - 4.5, shape, colour, r=5.5), svg.text(MIDDLE + 20, y, word)]
        pieces.append(svg.text(MIDDLE + 174, y, arithmetic, size=svg.SMALL, anchor="end", fill="quiet"))
        pieces.append(svg.rect(MIDDLE, y + 8, BAR, 18, stroke="quiet", width=1, rx=2))
        pieces.append(svg.rect(MIDDLE, y + 8, BAR * weight, 18, fill=colour, rx=2))
        pieces.append(svg.text(MIDDLE + 174, y + 22, number(weight), bold=True, anchor="end"))
    return [*pieces, svg.text(MIDDLE + 174, 262, f"sum {number(sum(weights))}", anchor="end", size=svg.SMALL, fill="quiet")]


def _output_step(scene: Scene, output: Sequence[float]) -> list[str]:
    """The plane of values, from 0 to 10 each way: a value a point, the output an arrow that ends among them."""
    (x0, y0), unit = VALUE_ZERO, VALUE_UNIT
    pieces = [_title(RIGHT, "4  Output", "the mix of the values")]
    pieces += [svg.line(x0, y0, x0 + 11 * unit, y0, stroke="faint", width=1), svg.line(x0, y0, x0, y0 - 11 * unit, stroke="faint", width=1)]
    points = [(x0 + v[0] * unit, y0 - v[1] * unit) for v in scene.values]
    pieces.append(svg.path([*points, points[0]], stroke="quiet", width=1.2, dash="4 3"))
    pieces += [svg.mark(*point, *look) for point, look in zip(points, LOOK, strict=True)]
    tip = (x0 + output[0] * unit, y0 - output[1] * unit)
    pieces.append(svg.line(x0, y0, *tip, width=3, arrow=True))
    labels = [f"{word} {number(v[0], 0)}, {number(v[1], 0)}" for word, v in zip(scene.words, scene.values, strict=True)]
    bounds = (MIDDLE + 180, 44, WIDTH - 4, 248)
    edges = [box for a, b in zip(points, [*points[1:], points[0]], strict=True) for box in _along(*a, *b)]
    for label, spot in zip(labels, place_labels(points, labels, bounds, [*_along(x0, y0, *tip), *edges]), strict=True):
        pieces.append(svg.text(*spot[:2], label, size=svg.SMALL, anchor=spot[2], halo=True))
    return [*pieces, svg.text(RIGHT, 262, f"output {_pair(output)}", bold=True)]


def _heat_map(ax: Axes, words: Sequence[str], weights: torch.Tensor, allowed: torch.Tensor) -> None:
    """Weights (T, S) as cells with their numbers. A cell that is not allowed has no fill, no edge and no number."""
    for i, row in enumerate(weights.tolist()):
        for j, value in enumerate(row):
            if not allowed[i][j]:
                continue
            colour = house.SEQUENTIAL(value)
            ax.add_patch(Rectangle((j + 0.02, i + 0.02), 0.96, 0.96, facecolor=colour, edgecolor="#8da2d6", linewidth=0.8))
            ax.text(j + 0.5, i + 0.5, f"{value:.2f}", ha="center", va="center", color=house.ink_on(colour[:3]), fontsize=10.5)
    size, middles = len(words), np.arange(len(words)) + 0.5
    ax.set(xlim=(0, size), ylim=(size, 0), aspect="equal", xticks=middles, yticks=middles, xticklabels=words, yticklabels=words)
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    ax.set_xlabel("looks at (key)", labelpad=6)
    ax.tick_params(length=0)
    ax.grid(False)
    ax.spines[:].set_visible(False)
