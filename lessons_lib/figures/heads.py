"""Pictures of notebook 02: the two hand-made heads with their masks, the split of one matrix, a trained layer's heads, the cost of length.

`draw_heads(scene)` is drawn still by `hand_made` and live by the widget (`lessons_lib.widgets.heads`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from torch import Tensor

from lessons_lib.attention import causal_mask, scaled_dot_product_attention
from lessons_lib.figures import house, svg
from lessons_lib.figures.house import number
from lessons_lib.figures.palette import BLUE, RUST, WIDTH

# animal, human, action; the place is added. Rows of the matrices: animal, human, action, place.
WORDS = {"dog": (1.0, 0.0, 0.0), "bites": (0.0, 0.0, 1.0), "man": (0.0, 1.0, 0.0)}
ORDERS = {"dog bites man": ("dog", "bites", "man"), "man bites dog": ("man", "bites", "dog")}
ASKS = {"A": ((-1.0, 1.0), (0.0, 1.0), (1.0, 0.0), (0.0, 0.0)), "B": ((0.0, 1.0), (-1.0, 1.0), (1.0, 0.0), (0.0, 0.0))}
FOUND_BY = {"A": ((3.0, 2.0), (2.0, 0.0), (0.0, 1.0)), "B": ((2.0, 0.0), (3.0, 2.0), (0.0, 1.0))}
PLACE_ROW = {"A": -1.0, "B": 1.0}  # what one place to the right adds to the first number of a key
HANDS_OVER = ((10.0, 0.0), (0.0, 10.0), (0.0, 0.0), (0.0, 0.0))
# What the signs of the columns animal and human say: plus bites, minus is bitten; under the causal mask one of them is out of sight.
SAYS: dict[tuple[int, ...], str] = {
    (1, -1): "an animal bites",
    (-1, 1): "a human bites",
    (1, 0): "an animal bites: whom?",
    (0, 1): "a human bites: whom?",
    (0, -1): "a human is bitten: who bites?",
    (0, 0): "cannot tell who bites",
}
N_PADS = 2
CELL_WIDTH, CELL_HEIGHT, LEFT, TOP, PANEL = 54, 36, 62, 66, 368  # px
HEIGHT = TOP + 5 * CELL_HEIGHT + 14


@dataclass(frozen=True)
class Heads:
    """What is on display: a sentence, the head whose weights are drawn, both masks, and the strength of the place column."""

    sentence: str = "dog bites man"
    head: str = "A"
    is_causal: bool = False
    hides_padding: bool = False
    place: float = 1.0

    def words(self) -> tuple[str, ...]:
        """The three words and the PADs behind them."""
        return (*ORDERS[self.sentence], *["PAD"] * N_PADS)

    def allowed(self) -> Tensor:
        """The mask, bool (5, 5), True where looking is allowed."""
        real = torch.tensor([word != "PAD" for word in self.words()])
        mask = torch.ones(len(real), len(real), dtype=torch.bool) if not self.hides_padding else real.expand(len(real), -1)
        return mask & causal_mask(len(real)) if self.is_causal else mask

    def attend(self, head: str) -> tuple[Tensor, Tensor]:
        """Output (5, 2) and weights (5, 5) of one head, as the library computes them."""
        places = (-1.0, 0.0, 1.0)
        rows = [(*WORDS[word], place) for word, place in zip(ORDERS[self.sentence], places, strict=True)]
        x = torch.tensor([*rows, *[(0.0,) * 4] * N_PADS])
        keys = x @ torch.tensor((*FOUND_BY[head], (self.place * PLACE_ROW[head], 0.0)))
        return scaled_dot_product_attention(x @ torch.tensor(ASKS[head]), keys, x @ torch.tensor(HANDS_OVER), self.allowed())

    def verdict(self) -> tuple[list[float], str]:
        """(what W_o writes at *bites* into the columns animal and human, what their signs say)."""
        heard = (self.attend("A")[0][1] - self.attend("B")[0][1]).tolist()
        return heard, SAYS[tuple((one > 0.05) - (one < -0.05) for one in heard)]


def hand_made(scene: Heads | None = None) -> None:
    """Show `scene`, by default head A on "dog bites man" and two PADs, without a mask."""
    svg.show_svg(*draw_heads(scene or Heads()))


def draw_heads(scene: Heads) -> tuple[str, str]:
    """(SVG string, alt text): the weights of one head as a table, and what *bites* hears from both heads and from W_o."""
    weights, allowed, words = scene.attend(scene.head)[1], scene.allowed(), scene.words()
    pieces = [svg.text(LEFT, 20, f"head {scene.head}: weights", bold=True)]
    pieces.append(svg.text(LEFT, 38, "row asks, column is asked", size=svg.SMALL, fill="quiet"))
    pieces += _table(words, weights, allowed)
    pieces.append(svg.rect(LEFT - 1, TOP + CELL_HEIGHT - 1, 5 * CELL_WIDTH + 2, CELL_HEIGHT + 2, stroke="ink", width=2.2, rx=3))
    (animal, human), says = scene.verdict()
    lost = float(weights[1, 3:].sum())
    heard = {head: scene.attend(head)[0][1].tolist() for head in "AB"}
    lines = [
        ("What bites takes over", True),
        (f"head A   ({number(heard['A'][0], 1)}, {number(heard['A'][1], 1)})", False),
        (f"head B   ({number(heard['B'][0], 1)}, {number(heard['B'][1], 1)})", False),
        (f"after W_o ({number(animal, 1)}, {number(human, 1)})", False),
        (says, True),
        (f"spent on PAD: {N_PADS} × {number(lost / N_PADS, 3)} = {number(lost)}" if lost else "spent on PAD: 0", False),
    ]
    steps = (20, 66, 90, 126, 150, 196)
    pieces += [svg.text(PANEL, y, words, bold=bold) for y, (words, bold) in zip(steps, lines, strict=True)]
    masks = " and ".join(name for name, on in (("causal mask", scene.is_causal), ("padding mask", scene.hides_padding)) if on) or "no mask"
    row = ", ".join(f"{word} {number(w)}" for word, w, may in zip(words, weights[1].tolist(), allowed[1].tolist(), strict=True) if may)
    alt = f"{scene.sentence}, {masks}, place × {number(scene.place, 1)}. Head {scene.head}, row bites: {row}. After W_o: {says}."
    return svg.svg(WIDTH, HEIGHT, pieces, alt), alt


def _table(words: Sequence[str], weights: Tensor, allowed: Tensor) -> list[str]:
    """A cell a pair of words; a pair that is not allowed has no fill, no edge and no number."""
    pieces = []
    for i, word in enumerate(words):
        pieces.append(svg.text(LEFT - 8, TOP + (i + 0.62) * CELL_HEIGHT, word, size=svg.SMALL, anchor="end"))
        pieces.append(svg.text(LEFT + (i + 0.5) * CELL_WIDTH, TOP - 8, word, size=svg.SMALL, anchor="middle"))
        for j, weight in enumerate(weights[i].tolist()):
            if allowed[i, j]:
                pieces += _cell(LEFT + j * CELL_WIDTH, TOP + i * CELL_HEIGHT, CELL_WIDTH, CELL_HEIGHT, weight, number(weight))
    return pieces


def _cell(x: float, y: float, w: float, h: float, weight: float, words: str) -> list[str]:
    colour = to_hex(house.SEQUENTIAL(weight))
    box = svg.rect(x + 1, y + 1, w - 2, h - 2, fill=colour, stroke="#8da2d6", width=0.8, rx=1)
    said = svg.text(x + w / 2, y + h / 2 + 4.5, words, size=svg.SMALL, anchor="middle", fill=house.ink_on(colour)) if words else ""
    return [box, said]


def split() -> None:
    """Show how one product is cut into heads: `view` and `transpose`, and what `view` alone makes."""
    svg.show_svg(*draw_split())


def draw_split() -> tuple[str, str]:
    """(SVG string, alt text): three words of four columns, numbered word-column; rightly cut into two heads, and wrongly."""
    labels = torch.tensor([[10 * word + column for column in (1, 2, 3, 4)] for word in (1, 2, 3)])
    right, wrong = labels.view(3, 2, 2).transpose(0, 1), labels.view(2, 3, 2)
    pieces = [svg.text(14, 20, "one product: 3 words × 4", bold=True), *_numbers(labels, 58, 62)]
    pieces += [svg.text(50, 84 + 32 * i, word, size=svg.SMALL, anchor="end") for i, word in enumerate(("dog", "bites", "man"))]
    pieces += [svg.text(58 + 34 * (2 * i + 1), 54, f"head {name}", size=svg.SMALL, anchor="middle") for i, name in enumerate("AB")]
    for x, tables, title, says in (
        (232, right, "view, then transpose", "each head: 3 words × 2"),
        (422, wrong, "view alone", "same shape, words mixed"),
    ):
        pieces += [svg.text(x, 20, title, bold=True), svg.text(x, 38, says, size=svg.SMALL, fill="quiet")]
        for i, table in enumerate(tables):
            pieces += _numbers(table, x + 84 * i, 62)
            pieces.append(svg.text(x + 84 * i + 34, 54, f"head {'AB'[i]}", size=svg.SMALL, anchor="middle"))
    pieces += _key()
    alt = (
        "Three words with four columns each. View, then transpose, gives head A columns 1 and 2 of all words, head B columns 3 and 4. "
        "View alone gives head A all of dog and half of bites: words and heads are mixed."
    )
    return svg.svg(WIDTH, 198, pieces, alt), alt


def _numbers(table: Tensor, x: float, y: float) -> list[str]:
    """Cells of 34 × 32 px; the colour and a dashed edge tell which head a number belongs to."""
    pieces = []
    for i, row in enumerate(table.tolist()):
        for j, label in enumerate(row):
            colour, dash = (BLUE, "") if label % 10 <= 2 else (RUST, "4 3")
            pieces.append(svg.rect(x + 34 * j + 1, y + 32 * i + 1, 31, 29, stroke=colour, width=2, dash=dash, rx=3))
            pieces.append(svg.text(x + 34 * j + 16.5, y + 32 * i + 20, str(label), anchor="middle"))
    return pieces


def _key() -> list[str]:
    words = ((58, BLUE, "", "columns of head A"), (232, RUST, "4 3", "columns of head B"))
    return [
        piece
        for x, colour, dash, says in words
        for piece in (svg.rect(x, 172, 16, 14, stroke=colour, width=2, dash=dash, rx=2), svg.text(x + 24, 184, says, size=svg.SMALL))
    ]


def trained(words: Sequence[str], weights: Tensor) -> None:
    """Show the heads of one layer, weights (4, S, S), as four tables; weights of half and more have their number."""
    svg.show_svg(*draw_trained(words, weights))


def draw_trained(words: Sequence[str], weights: Tensor) -> tuple[str, str]:
    """(SVG string, alt text) of four heads on a sentence of S words, S at most 7."""
    if weights.shape != (4, len(words), len(words)):
        raise ValueError(f"weights have shape {tuple(weights.shape)}; for {len(words)} words give (4, {len(words)}, {len(words)})")
    w, h, pieces, said = 36, 21, [], []
    for head, table in enumerate(weights):
        left, top = 44 + 298 * (head % 2), 44 + (62 + h * len(words)) * (head // 2)
        pieces.append(svg.text(left, top - 26, f"head {head + 1}", bold=True))
        for i, (word, row) in enumerate(zip(words, table.tolist(), strict=True)):
            pieces.append(svg.text(left - 6, top + h * i + 15, word, size=svg.SMALL, anchor="end"))
            pieces.append(svg.text(left + w * (i + 0.5), top - 6, word, size=svg.SMALL, anchor="middle"))
            for j, weight in enumerate(row):
                pieces += _cell(left + w * j, top + h * i, w, h, weight, number(weight) if weight >= 0.5 else "")
        found = (
            f"{word} at {words[int(row.argmax())]} {row.max():.2f}" for word, row in zip(words, table, strict=True) if row.max() >= 0.5
        )
        said.append(f"head {head + 1}: {', '.join(found)}")
    height = 44 + 2 * h * len(words) + 62 + 12
    alt = f"Four tables of weights, one a head. Where a word spends half or more on one word: {'; '.join(said)}."
    return svg.svg(WIDTH, height, pieces, alt), alt


def _plain_ticks(ax: Axes) -> None:
    """Label a log axis of y at 1, 2, 5 and their decades: powers of ten alone leave an axis of one decade with one number."""
    low, high = ax.get_ylim()
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    marks = [step * 10.0**decade for decade in decades for step in (1, 2, 5)]
    inside = [mark for mark in marks if low <= mark <= high]
    ax.set_yticks(inside, [f"{mark:g}" for mark in inside])


@house.picture
def cost(lengths: Sequence[int], seconds: Sequence[float], slope: float, bytes_: Sequence[int]) -> tuple[Figure, str]:
    """Time of one call (s) and size of its weights (bytes) against the sentence's length, log axes.

    `slope` was fitted to the last three times and is drawn through them.
    """
    figure, axes = house.new_figure("Four times the table for twice the words; the time follows late", 3.3, 2)
    milliseconds, megabytes = [1000 * s for s in seconds], [b / 2**20 for b in bytes_]
    axes[0].plot(lengths, milliseconds, marker=house.MARKERS[0], markersize=5)
    last = np.array(lengths[-3:], dtype=float)
    middle = np.exp(np.log(milliseconds[-3:]).mean())
    axes[0].plot(last, middle * (last / np.exp(np.log(last).mean())) ** slope, color=house.RUST, linestyle="--", linewidth=1.3)
    label = axes[0].text(0.04, 0.9, f"dashed: slope {number(slope, 1)}", transform=axes[0].transAxes)  # no curve that rises comes there
    label.set(color=house.RUST, fontsize=9.5, bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})
    axes[1].plot(lengths, megabytes, marker=house.MARKERS[0], markersize=5)
    for ax, title in zip(axes, ("time of a call (ms, log axis)", "all weights (MiB, log axis)"), strict=True):
        ax.set(xscale="log", yscale="log", xlabel="words T = S (log axis)", title=title)
        ax.set_xticks(list(lengths), [str(n) for n in lengths], fontsize=9)
        _plain_ticks(ax)
        ax.minorticks_off()
    low, high = number(milliseconds[0]), number(milliseconds[-1], 1)
    alt = (
        f"From {lengths[0]} to {lengths[-1]} words, time goes from {low} to {high} ms, slope {number(slope, 1)} at the end; "
        f"the weights from {number(megabytes[0])} to {number(megabytes[-1], 1)} MiB, slope 2."
    )
    return figure, alt
