"""Pictures of notebook 05: which outputs move when one input is changed, where the parameters are, and the three families as masks.

`Movements` holds what the notebook has measured; `draw_change` draws one change, for the static picture and for the widget
(`lessons_lib.widgets.whole_model`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from lessons_lib.figures import house, svg
from lessons_lib.figures.palette import BLUE, TEAL, WIDTH

SIDES = ("German", "English")  # the words written so far, the words read
STEP, TOP = 82, 66  # px a word, y of the first row of boxes
HATCH = {"lit": "moved", "plain": "exactly as before"}


@dataclass(frozen=True)
class Movements:
    """How far each output moved when each input word was replaced.

    Attributes:
        read, written, predicted: the words of the source, of the decoder's input, and those its outputs predict.
        tables: (side, causal mask kept) → (outputs, inputs) float, the largest change of a score; side is one of `SIDES`.
    """

    read: tuple[str, ...]
    written: tuple[str, ...]
    predicted: tuple[str, ...]
    tables: Mapping[tuple[str, bool], Tensor]

    def words(self, side: str) -> tuple[str, ...]:
        """The input words of a side."""
        return self.written if side == "German" else self.read

    def moved(self, side: str, place: int, masked: bool) -> list[bool]:
        """For each output, whether it moved at all when the input word at `place` (from 0) was replaced."""
        return [bool(value != 0) for value in self.tables[side, masked][:, place]]


@house.picture
def who_moves(movements: Movements) -> tuple[Figure, str]:
    """Three heat maps, outputs by changed inputs: a German word, an English word, and a German word with the mask forgotten."""
    panels = (("German", True, "German word"), ("English", True, "English word"), ("German", False, "German, no mask"))
    figure, axes = house.new_figure("Only the mask hides the future (darker: moves further)", 2.95, 3)
    said = []
    for ax, (side, masked, title) in zip(axes, panels, strict=True):
        table = movements.tables[side, masked].numpy()
        _map(ax, table, movements.words(side), movements.predicted if ax is axes[0] else [""] * len(movements.predicted))
        ax.set_title(title, pad=4)
        ax.set_xlabel("word changed")
        still = int((table == 0).sum())
        said.append(f"{title}: {f'{still} of {table.size} cells are exactly 0' if still else 'everything moves'}")
    axes[0].set_ylabel("prediction of")
    alt = f"Three tables, predictions by the word changed, darker where one moves further. {'; '.join(said)}."
    return figure, f"{alt} The zeros are the predictions before the change."


def _map(ax: Axes, table: np.ndarray, columns: Sequence[str], rows: Sequence[str]) -> None:
    """Cells darker the further an output moved (square root, for small ones to be seen); one that did not move at all is empty."""
    top = table.max()
    for i, j in np.ndindex(*table.shape):
        if table[i, j]:
            colour = house.SEQUENTIAL(0.15 + 0.85 * float(np.sqrt(table[i, j] / top)))
            ax.add_patch(Rectangle((j + 0.04, i + 0.04), 0.92, 0.92, facecolor=colour))
        else:
            ax.text(j + 0.5, i + 0.52, "0", ha="center", va="center", fontsize=9)
    ax.set(xlim=(0, len(columns)), ylim=(len(rows), 0), aspect="equal", yticks=np.arange(len(rows)) + 0.5, yticklabels=rows)
    ax.set_xticks(np.arange(len(columns)) + 0.5, columns, rotation=90, fontsize=9)
    ax.tick_params(length=0)
    ax.grid(False)


def change(movements: Movements) -> None:
    """Show what moves when *Hund*, the third word that the decoder reads, is replaced."""
    svg.show_svg(*draw_change(movements, "German", 2, True))


def draw_change(movements: Movements, side: str, place: int, masked: bool) -> tuple[str, str]:
    """(SVG string, alt text): the words read and written in two rows, one of them replaced, and below the predictions that move."""
    words, moved = movements.words(side), movements.moved(side, place, masked)
    pieces = [svg.text(10, 20, f"Another word instead of {words[place]}: which predictions move?", bold=True)]
    rows = (("English", "the encoder reads", movements.read), ("German", "the decoder reads", movements.written))
    for i, (name, says, row) in enumerate(rows):
        y = TOP + 74 * i
        pieces.append(svg.text(10, y - 8, says, size=svg.SMALL, fill="quiet"))
        for j, word in enumerate(row):
            replaced = name == side and j == place
            pieces.append(svg.box(10 + STEP * j, y, STEP - 8, 30, f"not {word}" if replaced else word, size=svg.SMALL))
            if replaced:
                pieces.append(svg.rect(8 + STEP * j, y - 2, STEP - 4, 34, stroke="ink", width=3, dash="5 3"))
    y = TOP + 74 * 2
    pieces.append(svg.text(10, y - 8, f"and predicts ({'with' if masked else 'without'} the causal mask)", size=svg.SMALL, fill="quiet"))
    for j, (word, moves) in enumerate(zip(movements.predicted, moved, strict=True)):
        pieces.append(svg.box(10 + STEP * j, y, STEP - 8, 30, word, "lit" if moves else "plain", size=svg.SMALL))
    for i, (state, says) in enumerate(HATCH.items()):
        x = 10 + 130 * i
        pieces += [svg.box(x, y + 44, 22, 14, "", state), svg.text(x + 30, y + 55.5, says, size=svg.SMALL)]
    count, where = sum(moved), "with" if masked else "without"
    kept = ", ".join(word for word, moves in zip(movements.predicted, moved, strict=True) if not moves) or "none"
    alt = f"{words[place]} is replaced, {where} the causal mask: {count} of {len(moved)} predictions move. Exactly as before: {kept}."
    return svg.svg(WIDTH, y + 70, pieces, alt), alt


@house.picture
def parameters(models: Mapping[str, Mapping[str, int]]) -> tuple[Figure, str]:
    """One bar a model, its parameters by part as shares; `models` gives name → part → count, the same parts for all."""
    figure, ax = house.new_figure("The table is a third of it, the decoder the largest part", 0.95 + 0.62 * len(models))
    said = []
    for i, (name, parts) in enumerate(models.items()):
        total, left = sum(parts.values()), 0.0
        for j, (part, count) in enumerate(parts.items()):
            share, colour = count / total, house.CATEGORIES[j]
            ax.barh(i, share, left=left, color=colour, height=0.56, edgecolor="white")
            if share > 0.1:
                words = f"{part} {share:.0%}" if i == 0 or share > 0.2 else f"{share:.0%}"
                ax.text(left + share / 2, i, words, ha="center", va="center", color=house.ink_on(colour), fontsize=9)
            left += share
        said.append(f"{name} {total:,}: " + ", ".join(f"{part} {count / total:.0%}" for part, count in parts.items()))
    labels = [f"{name}\n{sum(parts.values()):,}" for name, parts in models.items()]
    ax.set(xlim=(0, 1), ylim=(len(models) - 0.55, -0.5), yticks=range(len(models)), yticklabels=labels, xticks=[])
    ax.grid(False)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    return figure, f"Parameters by part. {'. '.join(said)}."


FAMILIES = (  # name, rows that are read, rows that are written, lines below
    ("encoder only", 4, 0, ("every word sees every word", "reads: BERT (2019)")),
    ("decoder only", 0, 4, ("each word sees itself", "and those before", "goes on: GPT (2018)")),
    ("encoder–decoder", 3, 3, ("written words see", "those read, too", "rewrites: T5 (2020)")),
)
CELL = 22  # px


def families() -> None:
    """Show the three families of Transformers as tables of who sees whom."""
    svg.show_svg(*draw_families())


def draw_families() -> tuple[str, str]:
    """(SVG string, alt text): for each family a square of cells, askers by row, filled where one may look at the other."""
    pieces = []
    for n, (name, read, written, lines) in enumerate(FAMILIES):
        x, size = 14 + 194 * n, read + written
        pieces.append(svg.text(x, 22, name, bold=True))
        for i in range(size):
            for j in range(size):
                seen = j < read if i < read else j < read or j <= i
                colour = TEAL if j < read else BLUE
                state = dict(fill=colour) if seen else dict(stroke="quiet", width=1, dash="2 3")
                pieces.append(svg.rect(x + CELL * j, 40 + CELL * i, CELL - 3, CELL - 3, rx=2, **state))
                if seen and i >= read > j:
                    pieces.append(
                        svg.text(x + CELL * j + 9.5, 40 + CELL * i + 14, "×", anchor="middle", size=svg.SMALL, fill="page", bold=True)
                    )
        for k, line in enumerate(lines):
            pieces.append(svg.text(x, 200 + 18 * k, line, size=svg.SMALL))
    y = 270
    pieces += [svg.rect(14, y - 12, 15, 15, fill=TEAL, rx=2), svg.text(36, y, "a word that is read", size=svg.SMALL)]
    pieces += [svg.rect(184, y - 12, 15, 15, fill=BLUE, rx=2), svg.text(206, y, "a word that is written", size=svg.SMALL)]
    pieces += [
        svg.rect(364, y - 12, 15, 15, fill=TEAL, rx=2),
        svg.text(371.5, y, "×", anchor="middle", size=svg.SMALL, fill="page", bold=True),
    ]
    pieces.append(svg.text(386, y, "seen by cross-attention", size=svg.SMALL))
    pieces.append(svg.text(14, y + 26, "row: the word that looks; column: the word it looks at", size=svg.SMALL))
    alt = (
        "Three tables, askers by row, the asked by column, filled where one may look at the other. "
        "Encoder only, four words: all 16 cells. Decoder only, four words: the diagonal and what lies below, 10 cells. "
        "Encoder–decoder, three words read and three written: the read words see each other, "
        "9 cells; the written words see all read ones by cross-attention, 9, and themselves and those before, 6."
    )
    return svg.svg(WIDTH, 308, pieces, alt), alt
