"""Pictures of notebook 07's first half: the pencil tree, the length penalty as a knob, beam search step by step, what a cache saves."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from matplotlib.figure import Figure

from lessons_lib.decoding import Hypothesis, beam_search
from lessons_lib.figures import house, svg
from lessons_lib.figures.house import number
from lessons_lib.figures.palette import WIDTH
from lessons_lib.models import DecodingState
from lessons_lib.tokenization import BOS_ID, EOS_ID
from lessons_lib.translation import Translator

BITS = 1.4426950408889634  # bits a nat
Ending = tuple[str, float, int]  # name, total bits, tokens with the end
TREE_HEIGHT, LINE, ROOM = 236, 23, 58  # px: picture of the tree, a row of the beam's picture; letters that fit a row
EDGES = (  # the pencil tree: from, to, bits, word; a place is (column, row)
    ((0, 1), (1, 0), 1, "der"),
    ((1, 0), (2, 0), 2, "Mann"),
    ((2, 0), (3, 0), 2, "beißt"),
    ((3, 0), (4, 0), 1, "den"),
    ((4, 0), (5, 0), 1, "Hund"),
    ((5, 0), (6, 0), 0, "⟨e⟩ G"),
    ((0, 1), (1, 2), 2, "den"),
    ((1, 2), (2, 2), 0, "Mann"),
    ((2, 2), (3, 1), 1, "⟨e⟩ S"),
    ((2, 2), (3, 2), 2, "beißt"),
    ((3, 2), (4, 2), 0, "der"),
    ((4, 2), (5, 2), 0, "Hund"),
    ((5, 2), (6, 1), 1, "⟨e⟩ L"),
    ((5, 2), (6, 2), 2, "Hund"),
    ((6, 2), (7, 2), 0, "⟨e⟩ R"),
)


@dataclass(frozen=True)
class Step:
    """Beam search after a step: the beginnings kept, best first, and all that is finished so far."""

    kept: tuple[Hypothesis, ...]
    finished: tuple[Hypothesis, ...]


@dataclass(frozen=True)
class Search:
    """Beam search on one sentence, for several beams.

    Attributes:
        sentence: what is translated.
        translator: spells the tokens.
        steps: for each beam the steps in order.
    """

    sentence: str
    translator: Translator
    steps: Mapping[int, Sequence[Step]]


def tree() -> None:
    """Show the pencil tree, with what each word costs in bits and what each ending costs in all."""
    svg.show_svg(*draw_tree())


def draw_tree() -> tuple[str, str]:
    """(SVG string, alt text) of the pencil tree; the path that greedy takes is heavy."""
    pieces = [svg.text(10, 20, "What each next word costs, in bits", bold=True)]
    pieces += [svg.text(10, 38, "heavy: the cheapest word each time", size=svg.SMALL, fill="quiet")]
    for (x1, y1), (x2, y2), bits, word in EDGES:
        (ax, ay), (bx, by) = _place(x1, y1), _place(x2, y2)
        top = y2 == 0
        pieces.append(svg.line(ax + 6, ay, bx - 6, by, stroke="ink" if top else "quiet", width=3 if top else 1.5))
        pieces.append(svg.text((ax + bx) / 2, (ay + by) / 2 - 6, str(bits), size=svg.SMALL, anchor="middle", halo=True))
        pieces.append(svg.mark(bx, by, "circle", house.BLUE if "⟨e⟩" in word else house.PLUM, r=5))
        pieces.append(svg.text(bx, by + 20, word, size=svg.SMALL, anchor="middle", bold="⟨e⟩" in word, halo=True))
    pieces.append(svg.mark(*_place(0, 1), "square", house.PLUM, r=5))
    pieces.append(svg.text(10, 228, "S: 3 bits, 3 tokens · L: 5 bits, 6 · R: 6 bits, 7 · G: 7 bits, 6", size=svg.SMALL))
    alt = (
        "A tree of German words with their costs in bits. der costs 1 and leads to der Mann beißt den Hund, G, 7 bits in all. den costs 2 "
        "and leads to den Mann, S, 3 bits; den Mann beißt der Hund, L, 5 bits; and the same with a second Hund, R, 6 bits."
    )
    return svg.svg(WIDTH, TREE_HEIGHT, pieces, alt), alt


def _place(column: int, row: int) -> tuple[float, float]:
    return 22 + 76 * column, (70, 121, 172)[row]


@house.picture
def penalties(endings: Sequence[Ending], against: str) -> tuple[Figure, str]:
    """Bits divided by length^α against α, a line an ending, lowest wins; `endings` are (name, bits, tokens with the end).

    Scores are drawn as multiples of that of the ending named `against`, so that lines which cross at a small angle can be told apart.
    """
    alphas = [i / 50 for i in range(81)]
    figure, ax = house.new_figure("The exponent decides which text wins", 3.2)
    ends = []
    ((_, bits_1, length_1),) = [ending for ending in endings if ending[0] == against]
    for (name, bits, length), colour, dash in zip(endings, house.CATEGORIES, house.DASHES, strict=False):
        curve = [bits / bits_1 * (length_1 / length) ** alpha for alpha in alphas]
        ax.plot(alphas, curve, color=colour, linestyle=dash)
        ends.append((alphas[-1], curve[-1], name, colour))
    winners = _winners(endings, alphas[-1])
    for alpha, _ in winners[1:]:
        ax.axvline(alpha, color=house.QUIET, linestyle="--", linewidth=1.2)
    for alpha, best in winners:
        says = f"from {number(alpha)} {best} wins" if alpha else f"{best} wins"
        ax.text(alpha + 0.015, 1.83, says, color=house.QUIET, fontsize=9.5)
    ax.set(xlabel="α, the exponent of the length", ylabel=f"bits ÷ length^α, {against} = 1", xlim=(0, alphas[-1]), ylim=(0.5, 1.95))
    house.label_ends(ax, ends)
    told = ", then ".join(f"{name} from α = {number(alpha)}" for alpha, name in winners)
    return figure, f"Bits divided by length to the power α, lowest wins: {told}."


def _winners(endings: Sequence[Ending], last: float) -> list[tuple[float, str]]:
    """(α from which it wins, name) of each winner for α from 0 to `last`."""
    best = min(endings, key=lambda ending: ending[1])
    found = [(0.0, best[0])]
    while True:
        longer = [ending for ending in endings if ending[2] > best[2]]
        crossings = [(math.log(e[1] / best[1]) / math.log(e[2] / best[2]), e) for e in longer]
        alpha, best = min(crossings, default=(math.inf, best), key=lambda crossing: crossing[0])
        if alpha > last:
            return found
        found.append((alpha, best[0]))


@torch.inference_mode()
def search(translator: Translator, sentence: str, beams: Sequence[int] = (1, 2, 3, 4), length_penalty: float = 1.0) -> Search:
    """Beam search on one sentence with each of `beams`, all its steps kept."""
    source, most = translator.batch(translator.check([sentence]))
    found: dict[int, list[Step]] = {beam: [] for beam in beams}
    for beam, steps in found.items():
        state = DecodingState(translator.trained.model, source)

        def keep(_text: int, kept: list[Hypothesis], finished: list[Hypothesis], steps: list[Step] = steps) -> None:
            steps.append(Step(tuple(kept), tuple(finished)))

        beam_search(state, BOS_ID, EOS_ID, most, beam, length_penalty, keep, translator.device)
    return Search(sentence, translator, found)


def beam_step(found: Search, step: int, beam: int) -> None:
    """Show beam search on a sentence after `step` steps (from 1)."""
    svg.show_svg(*draw_step(found, step, beam, lines=beam))


def draw_step(found: Search, step: float, beam: float, lines: int = 0) -> tuple[str, str]:
    """(SVG string, alt text): the beginnings kept and the finished texts after a step; steps beyond the last show the last.

    There is room for `lines` texts in each list, by default as many as the widest beam needs, so that a live picture keeps its height.
    """
    steps = found.steps[int(beam)]
    at = min(int(step), len(steps))
    now = steps[at - 1]
    done = " (done)" if at == len(steps) else ""
    most = lines or max(found.steps)
    pieces = [svg.text(10, 20, found.sentence, bold=True), svg.text(10, 40, f"beam {int(beam)}, step {at} of {len(steps)}{done}")]
    pieces += _rows(found, "kept, best first", now.kept, 64, ended=False)
    pieces += _rows(found, "finished", now.finished, 64 + LINE * (most + 2), ended=True)
    kept = "; ".join(f"{_text(found, h)} {number(-h.log_probability * BITS, 1)}" for h in now.kept) or "nothing"
    ended = "; ".join(f"{_text(found, h)} {number(_per_token(h), 2)}" for h in now.finished) or "nothing"
    alt = f"Beam {int(beam)} after step {at} of {len(steps)}. Kept, in bits: {kept}. Finished, in bits a token: {ended}."
    return svg.svg(WIDTH, 64 + LINE * (2 * most + 3), pieces, alt), alt


def _rows(found: Search, title: str, texts: Sequence[Hypothesis], top: float, ended: bool) -> list[str]:
    """A headed list of texts with their bits and, for finished ones, their bits a token; the best finished one is bold."""
    heads = [(WIDTH - 84, "bits"), (WIDTH - 10, "÷ length")] if ended else [(WIDTH - 84, "bits")]
    pieces = [svg.text(10, top + 14, title, size=svg.SMALL, fill="quiet")]
    pieces += [svg.text(x, top + 14, words, size=svg.SMALL, anchor="end", fill="quiet") for x, words in heads]
    pieces.append(svg.line(10, top + 20, WIDTH - 10, top + 20, stroke="faint", width=1))
    best = min(texts, key=_per_token) if ended and texts else None
    for i, hypothesis in enumerate(texts):
        y, bold = top + 38 + LINE * i, hypothesis is best
        said = _text(found, hypothesis)
        pieces.append(svg.text(10, y, said if len(said) <= ROOM else "… " + said[2 - ROOM :], size=svg.SMALL, bold=bold))
        pieces.append(svg.text(WIDTH - 84, y, number(-hypothesis.log_probability * BITS, 1), anchor="end", bold=bold))
        if ended:
            pieces.append(svg.text(WIDTH - 10, y, number(_per_token(hypothesis), 2), anchor="end", bold=bold))
    if not texts:
        pieces.append(svg.text(10, top + 38, "none", fill="quiet"))
    return pieces


def _text(found: Search, hypothesis: Hypothesis) -> str:
    return found.translator.trained.tokenizer.decode(hypothesis.tokens).strip()


def _per_token(hypothesis: Hypothesis) -> float:
    return -hypothesis.log_probability * BITS / (len(hypothesis.tokens) + 1)


@house.picture
def cache_times(positions: Sequence[int], without: Sequence[float], cached: Sequence[float], hardware: str) -> tuple[Figure, str]:
    """Milliseconds for the next token against the tokens already written, without cache and with it; `hardware` names the machine."""
    figure, ax = house.new_figure("Without a cache each token costs more than the last", 3.1)
    ax.plot(positions, without, marker=house.MARKERS[0], markersize=5)
    ax.plot(positions, cached, marker=house.MARKERS[1], markersize=5)
    ax.set(xlabel=f"tokens already written ({hardware})", ylabel="milliseconds a token", ylim=(0, max(without) * 1.08))
    ax.set_xlim(0, positions[-1] * 1.02)
    labels = ((without, "no cache", house.BLUE), (cached, "cache", house.RUST))
    house.label_ends(ax, [(positions[-1], times[-1], name, colour) for times, name, colour in labels])
    told = "; ".join(f"{name} {number(times[0], 1)} to {number(times[-1], 1)} ms" for times, name, _ in labels)
    return figure, f"Milliseconds for the next token from {positions[0]} to {positions[-1]} tokens written, {hardware}: {told}."
