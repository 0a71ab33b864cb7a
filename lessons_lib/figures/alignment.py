"""Pictures of cross-attention: which source words each word of a translation looked at."""

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lessons_lib.figures import house
from lessons_lib.translation import Alignment

LETTERS = 80  # as many stand side by side above the columns


def draw(alignment: Alignment) -> tuple[Figure, str]:
    """(figure, alt text): a row a word written, a column a word read, darker for more attention; the strongest of a row has its number."""
    n_rows, n_columns = alignment.weights.shape
    figure, ax = house.new_figure("Which source words each target word looked at", 1.15 + 0.27 * n_rows)
    strongest = alignment.weights.argmax(dim=1).tolist()
    top = float(alignment.weights.max())
    for i, row in enumerate(alignment.weights.tolist()):
        for j, weight in enumerate(row):
            colour = house.SEQUENTIAL(weight / top)
            ax.add_patch(Rectangle((j + 0.02, i + 0.02), 0.96, 0.96, facecolor=colour, edgecolor="#8da2d6", linewidth=0.6))
            if j == strongest[i]:
                ax.text(j + 0.5, i + 0.52, house.number(weight), ha="center", va="center", color=house.ink_on(colour[:3]), fontsize=9)
    ax.set(xlim=(0, n_columns), ylim=(n_rows, 0))
    slanted = max(map(len, alignment.source)) * n_columns > LETTERS
    ax.set_xticks([j + 0.5 for j in range(n_columns)], alignment.source, rotation=35 if slanted else 0, ha="left" if slanted else "center")
    ax.set_yticks([i + 0.5 for i in range(n_rows)], alignment.target)
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.grid(False)
    ax.spines[:].set_visible(False)
    pairs = ", ".join(f"{word} at {alignment.source[j]}" for word, j in zip(alignment.target, strongest, strict=True))
    return figure, f"Attention of a translation to its source. Each target word looked most at one source word: {pairs}."


show = house.picture(draw)
