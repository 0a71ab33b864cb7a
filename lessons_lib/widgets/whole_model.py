"""The live picture of notebook 05: replace one word that the model reads or has written, and see which predictions move."""

import ipywidgets as widgets

from lessons_lib.figures.whole_model import SIDES, Movements, draw_change
from lessons_lib.widgets.house import LiveBox, slider

NO_KERNEL = "Run this cell for a slider; the picture above shows one of its settings."


class WordChanger:
    """What the slider, the choice of a sentence and the box for the mask do to the drawing.

    Attributes:
        place: which word is replaced, counted from 1.
        side: which sentence it stands in.
        mask: whether the decoder keeps its causal mask.
        drawing: the HTML widget that holds the SVG.
        box: all of it, to be shown in a cell.
    """

    def __init__(self, movements: Movements) -> None:
        """Show `movements` with the third English word replaced, under the mask: the still picture has the third German one."""
        self.movements = movements
        self.place = slider("word", 3, 1, len(movements.read), step=1, digits=0, width=285)
        self.side = widgets.ToggleButtons(
            options=SIDES, value="English", style={"button_width": "90px"}, layout=widgets.Layout(width="auto")
        )
        self.mask = widgets.Checkbox(True, description="causal mask", indent=False, layout=widgets.Layout(width="130px"))
        self.drawing = widgets.HTML()
        row = widgets.HBox([self.side, self.mask], layout=widgets.Layout(flex_flow="row wrap", align_items="center"))
        self.box = LiveBox([row, self.place, self.drawing], NO_KERNEL)
        self.side.observe(self._turn, "value")
        for control in (self.place, self.mask):
            control.observe(self._draw, "value")
        self._draw()

    def _turn(self, _change: object) -> None:
        """The other sentence may have another length."""
        self.place.max = len(self.movements.words(self.side.value))
        self._draw()

    def _draw(self, _change: object = None) -> None:
        self.drawing.value = draw_change(self.movements, self.side.value, int(self.place.value) - 1, self.mask.value)[0]


def word_changer(movements: Movements) -> LiveBox:
    """A slider over the words, a choice of sentence and a box for the mask, over the predictions that move."""
    return WordChanger(movements).box
