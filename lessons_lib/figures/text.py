"""Pictures of notebook 03 on text: what cleaning does with each fault, what a larger vocabulary buys, and a text in its pieces."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from lessons_lib.bpe import BytePairEncoder
from lessons_lib.figures import house, svg
from lessons_lib.figures.palette import BLUE, RUST, TEAL, WIDTH
from lessons_lib.tokenization import Tokenizer

OUTCOMES = (("mended", TEAL), ("left out", BLUE), ("got through", RUST))
ROW, TOP, LETTER, ROWS = 34, 40, 9.2, 3  # px: a row of boxes, the first row, a letter of a piece; rows that are drawn
SHOWN, LONGEST = 8, 400  # words that the alt text spells out; characters of a text that are looked at
SAMPLE = "der Hund beißt den Mann"
# The stand-ins that byte-level BPE writes for bytes: a printable byte is its own Latin-1 character, the others follow from 256 on.
_PRINTABLE = (*range(33, 127), *range(161, 173), *range(174, 256))
_BYTES = {chr(byte): byte for byte in _PRINTABLE}
_BYTES |= {chr(256 + i): byte for i, byte in enumerate(byte for byte in range(256) if byte not in _PRINTABLE)}


@house.picture
def outcomes(counts: Mapping[str, Sequence[int]]) -> tuple[Figure, str]:
    """A bar for each fault, cut into pairs that were mended, left out and got through; `counts` gives these three numbers a fault."""
    order = sorted(counts, key=lambda fault: (-counts[fault][2] / sum(counts[fault]), -counts[fault][2], fault))
    through, total = (sum(f(row) for row in counts.values()) for f in (lambda row: row[2], sum))
    figure, ax = house.new_figure(f"{through} of {total} spoiled pairs get through the rules", 4.3)
    for y, fault in enumerate(order):
        left = 0
        for (_, colour), size in zip(OUTCOMES, counts[fault], strict=True):
            ax.barh(y, size, left=left, height=0.72, color=colour, edgecolor="white")
            if size:
                ax.text(left + size / 2, y, str(size), ha="center", va="center", color="white", fontsize=9.5, fontweight="bold")
            left += size
    most = max(sum(row) for row in counts.values())
    ax.set(yticks=range(len(order)), yticklabels=order, xlim=(0, most + 1.9), ylim=(len(order) - 0.4, -0.6), xlabel="pairs in the file")
    ax.set_xticks(range(most + 1))
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y", visible=False)
    for i, (name, colour) in enumerate(reversed(OUTCOMES)):
        ax.text(most + 0.35, i * 1.05, name, color=colour, fontsize=9.5, fontweight="bold", va="center")
    said = "; ".join(
        f"{fault}: " + ", ".join(f"{n} {name}" for n, (name, _) in zip(counts[fault], OUTCOMES, strict=True)) for fault in order
    )
    return figure, f"Bars of spoiled pairs by fault. {said}."


@house.picture
def vocabulary(measured: Mapping[int, Sequence[float]], names: Sequence[str] = ("English", "German")) -> tuple[Figure, str]:
    """Tokens a sentence against the size of the vocabulary (log axis), a line a language; `measured` gives size → one mean a language."""
    sizes = sorted(measured)
    figure, ax = house.new_figure("Each doubling of the vocabulary buys less", 3.2)
    curves = [[measured[size][i] for size in sizes] for i in range(len(names))]
    for i, curve in enumerate(curves):
        ax.plot(sizes, curve, marker=house.MARKERS[i], markersize=5)
    ax.set_xscale("log", base=2)
    ax.set_xticks(sizes, [f"{size:,}" for size in sizes])
    ax.minorticks_off()
    top = max(max(curve) for curve in curves)
    ax.set(xlabel="vocabulary: pieces, the 256 bytes included (log axis)", ylabel="tokens a sentence (mean)")
    ax.set(xlim=(sizes[0] * 0.9, sizes[-1] * 1.35), ylim=(0, top * 1.08))
    house.label_ends(
        ax, [(sizes[-1], curve[-1], name, house.CATEGORIES[i]) for i, (name, curve) in enumerate(zip(names, curves, strict=True))]
    )
    said = "; ".join(f"{name} {curve[0]:.1f} to {curve[-1]:.1f}" for name, curve in zip(names, curves, strict=True))
    return figure, f"Tokens a sentence fall as the vocabulary grows from {sizes[0]:,} to {sizes[-1]:,}: {said}."


def show_segments(tokenizer: Tokenizer, text: str = SAMPLE, n_merges: float = 300) -> None:
    """Show `text` in the pieces that the first `n_merges` merges of `tokenizer` make."""
    svg.show_svg(*draw_segments(tokenizer, text, n_merges))


def draw_segments(tokenizer: Tokenizer, text: str, n_merges: float) -> tuple[str, str]:
    """(SVG string, alt text) of a text in the pieces that the first merges of a byte-level tokenizer make, a box a piece.

    A piece that is part of a character only is shown by its bytes in hexadecimal. What does not fit the picture is counted, not drawn;
    of a text beyond 400 characters the rest is left out.
    """
    words = segments(tokenizer, text, round(n_merges))
    pieces, x, y, drawn = [], 10.0, float(TOP), 0
    total = sum(map(len, words))
    for n, word in enumerate(words):
        widths = [max(24.0, LETTER * len(piece) + 12) for piece in word]
        if x > 10 and x + sum(widths) > WIDTH - 10:
            x, y = 10.0, y + ROW
        for piece, width in zip(word, widths, strict=True):
            if x + width > WIDTH - 10:
                x, y = 10.0, y + ROW
            if y >= TOP + ROWS * ROW:
                continue
            pieces.append(svg.box(x, y, width - 2, 26, piece, "lit" if n % 2 == 0 else "plain"))
            x, drawn = x + width, drawn + 1
        x += 10
    high = min(max(y, TOP + ROW), TOP + (ROWS - 1) * ROW) + ROW + 28
    said = f"{round(n_merges):,} merges: {total} token{'s' * (total != 1)} for {len(words)} word{'s' * (len(words) != 1)}"
    rest = f" ({total - drawn} more do not fit here)" if drawn < total else ""
    pieces += [svg.text(10, 22, said, bold=True), svg.text(10, high - 10, _footnote(words) + rest, size=svg.SMALL, fill="quiet")]
    alt = f"{said}. {' '.join('|'.join(word[:60]) for word in words[:SHOWN])}"
    return svg.svg(WIDTH, high, pieces, alt), alt


def segments(tokenizer: Tokenizer, text: str, n_merges: int) -> list[list[str]]:
    """The pieces of each word of a text with the first `n_merges` merges, as they are drawn: characters, or bytes in hexadecimal."""
    whole = tokenizer.readable
    encoder = BytePairEncoder(whole.alphabet, whole.merges[:n_merges])
    split = tokenizer.backend.pre_tokenizer.pre_tokenize_str(text[:LONGEST])
    return [[_readable(piece) for piece in encoder.segment(word)] for word, _ in split]


def _readable(piece: str) -> str:
    raw = bytes(_BYTES[character] for character in piece)
    try:
        return raw.decode("utf-8").replace(" ", "▁")
    except UnicodeDecodeError:
        return raw.hex(" ").upper()


def _footnote(words: Sequence[Sequence[str]]) -> str:
    space = "▁ is a space" if any("▁" in piece for word in words for piece in word) else ""
    return "; ".join(filter(None, (space, "words alternate in colour")))
