"""The live picture of notebook 03 on text: a text that the reader types, in the pieces that the first merges make."""

import ipywidgets as widgets

from lessons_lib.figures.text import SAMPLE, draw_segments
from lessons_lib.tokenization import Tokenizer
from lessons_lib.widgets.house import LiveBox, slider

NO_KERNEL = "Run this cell for a text field and a slider; the picture below is an example."  # fits a line at 800 px


class SegmentExplorer:
    """A text field and a slider over the text's pieces.

    Attributes:
        words: the text field.
        merges: the slider, how many of the tokenizer's merges are made.
        drawing: the HTML widget that holds the SVG.
        box: all of it, to be shown in a cell.
    """

    def __init__(self, tokenizer: Tokenizer, text: str, n_merges: int) -> None:
        """Show `text` after `n_merges` merges."""
        self.tokenizer = tokenizer
        self.words = widgets.Text(value=text, description="text", layout=widgets.Layout(width="420px"))
        most = len(tokenizer.readable.merges)
        self.merges = slider("merges", n_merges, 0, most - most % 20, step=20, digits=0, width=420)
        self.drawing = widgets.HTML()
        for one in (self.words, self.merges):
            one.observe(lambda _: self._draw(), "value")
        self.box = LiveBox([self.words, self.merges, self.drawing], NO_KERNEL)
        self._draw()

    def _draw(self) -> None:
        self.drawing.value = draw_segments(self.tokenizer, self.words.value, self.merges.value)[0]


def segment_explorer(tokenizer: Tokenizer, text: str = SAMPLE, n_merges: int = 300) -> LiveBox:
    """A text field and a slider for the number of merges; the arrow keys move the slider by 20."""
    return SegmentExplorer(tokenizer, text, n_merges).box
