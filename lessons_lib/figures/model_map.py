"""The encoder–decoder of figure 1 in Vaswani et al. 2017 as boxes: what a notebook adds is lit, what earlier ones built is outlined.

`show("02")` stands near the end of notebook 02. A part that is built in steps (one head first, then many) has a stage for each.
"""

import re
from dataclasses import dataclass

from lessons_lib.figures import svg
from lessons_lib.figures.palette import WIDTH

HEIGHT, WIDE, TALL, GAP, PAD = 416, 218, 28, 13, 13  # px: picture, box, box, between boxes, between boxes and the frame round a layer
THIN = 18  # px, height of what sits on a box: what surrounds a sublayer
LEFT = {"encoder": 52, "decoder": 330}  # px, left edge of each column's boxes
READS = {"encoder": ("Encoder reads", "the dog bites the man"), "decoder": ("Decoder has written", "der Hund beißt")}
STATES = (("lit", "this notebook"), ("plain", "you have it"), ("later", "still to come"))


@dataclass(frozen=True)
class Part:
    """One box: its column, its (notebook, label) stages in order, whether it belongs to the layer that is repeated, whether it is thin
    and sits on the box below, as the norm and the way around a sublayer do."""

    column: str
    stages: tuple[tuple[str, str], ...]
    repeated: bool = False
    attached: bool = False

    def at(self, notebook: str) -> tuple[str, str, str]:
        """(state, label, notebook of the stage shown) of this part at the end of `notebook`."""
        had = [stage for stage in self.stages if stage[0] <= notebook]
        if not had:
            return "later", self.stages[-1][1], self.stages[0][0]
        number, label = had[-1]
        return "lit" if number == notebook else "plain", label, number


ADD_AND_NORM = (("04", "add and norm"),)

MODEL = (  # each column from the bottom up
    Part("encoder", (("03", "embedding"),)),
    Part("encoder", (("03", "+ positions"),)),
    Part("encoder", (("01", "one attention head"), ("02", "self-attention")), True),
    Part("encoder", ADD_AND_NORM, True, True),
    Part("encoder", (("04", "feed-forward"),), True),
    Part("encoder", ADD_AND_NORM, True, True),
    Part("decoder", (("03", "embedding"),)),
    Part("decoder", (("03", "+ positions"),)),
    Part("decoder", (("01", "one masked head"), ("02", "masked self-attention")), True),
    Part("decoder", ADD_AND_NORM, True, True),
    Part("decoder", (("02", "cross-attention"),), True),
    Part("decoder", ADD_AND_NORM, True, True),
    Part("decoder", (("04", "feed-forward"),), True),
    Part("decoder", ADD_AND_NORM, True, True),
    Part("decoder", (("05", "output: word scores"),)),
)


@dataclass
class Stack:
    """A drawn column: its pieces, the y of its top edge, the (top, bottom) of the repeated layer, the y of each label's box."""

    pieces: list[str]
    top: float
    frame: tuple[float, float]
    tops: dict[str, float]


def show(notebook: str, layers: int = 4) -> None:
    """Show the model at the end of `notebook` ("01" to "99"); `layers` is the number written beside the repeated layer."""
    svg.show_svg(*draw(notebook, layers))


def draw(notebook: str, layers: int = 4) -> tuple[str, str]:
    """(SVG string, alt text) of the model at the end of `notebook`."""
    if not re.fullmatch(r"\d\d", notebook):
        raise ValueError(f'notebook is {notebook!r}; give its two digits as text, for example "01"')
    stacks = {column: _stack(column, notebook) for column in LEFT}
    frames = [_frame(column, stack, layers) for column, stack in stacks.items()]
    pieces = [*frames, *(piece for stack in stacks.values() for piece in stack.pieces), *_wires(stacks), *_legend()]
    return svg.svg(WIDTH, HEIGHT, pieces, _alt(notebook)), _alt(notebook)


def _alt(notebook: str) -> str:
    labels: dict[str, list[str]] = {state: [] for state, _ in STATES}
    for part in MODEL:
        state, label, _ = part.at(notebook)
        if label not in labels[state]:
            labels[state].append(label)
    new, had, come = (", ".join(labels[state]) or "nothing" for state in labels)
    return f"The model so far. New in this notebook: {new}. Already built: {had}. Still to come: {come}."


def _arrow_up(x: float, y: float, length: float = GAP) -> str:
    return svg.line(x, y, x, y - length + 1, arrow=True, stroke="quiet", width=1.2)


def _stack(column: str, notebook: str) -> Stack:
    """Boxes from the bottom up, an arrow below each, room for the frame round those that are repeated."""
    x, y = LEFT[column], HEIGHT - 48.0
    centre, (who, words) = x + WIDE / 2, READS[column]
    pieces = [svg.text(centre, HEIGHT - 26, who, anchor="middle", size=svg.SMALL, bold=True)]
    pieces.append(svg.text(centre, HEIGHT - 10, words, anchor="middle", size=svg.SMALL))
    parts = [part for part in MODEL if part.column == column]
    bottom, top, tops = 0.0, 0.0, {}
    for i, part in enumerate(parts):
        if part.repeated and not bottom:
            bottom, y = y - GAP, y - PAD
        height = THIN if part.attached else TALL
        if not part.attached:
            pieces.append(_arrow_up(centre, y))
            y -= GAP
        y -= height
        state, label, number = part.at(notebook)
        pieces.append(svg.box(x, y, WIDE, height, label, state, number, size=svg.SMALL if part.attached else svg.BODY))
        tops[part.stages[-1][1]] = y
        if part.repeated and not (i + 1 < len(parts) and parts[i + 1].repeated):
            y -= PAD
            top = y
    return Stack(pieces, y, (top, bottom), tops)


def _frame(column: str, stack: Stack, layers: int) -> str:
    (top, bottom), x = stack.frame, LEFT[column]
    beside, anchor = (x - 18, "end") if column == "encoder" else (x + WIDE + 18, "start")
    frame = svg.rect(x - 12, top, WIDE + 24, bottom + 2 - top, stroke="quiet", width=1.2, rx=9)
    return frame + svg.text(beside, (top + bottom) / 2 + 5, f"× {layers}", bold=True, anchor=anchor)


def _wires(stacks: dict[str, Stack]) -> list[str]:
    """What leaves the columns: the encoder's vectors into cross-attention, the next word out of the decoder."""
    start, bend, into = LEFT["encoder"] + WIDE / 2, (LEFT["encoder"] + WIDE + LEFT["decoder"]) / 2, LEFT["decoder"] - 1
    top, cross = stacks["encoder"].top, stacks["decoder"].tops["cross-attention"] + TALL / 2
    out, above = LEFT["decoder"] + WIDE / 2, stacks["decoder"].top
    return [
        svg.path([(start, top), (start, top - 16), (bend, top - 16), (bend, cross)]),
        svg.line(bend, cross, into, cross, arrow=True),
        svg.text(bend - 6, top - 23, "one vector a source word", anchor="end", size=svg.SMALL),
        _arrow_up(out, above, 16),
        svg.text(out, above - 21, "next word: den", anchor="middle", size=svg.SMALL, bold=True),
    ]


def _legend() -> list[str]:
    rows = ((14 + 20 * i, state, words) for i, (state, words) in enumerate(STATES))
    return [svg.box(40, y, 22, 14, "", state) + svg.text(71, y + 11.5, words, size=svg.SMALL) for y, state, words in rows]
