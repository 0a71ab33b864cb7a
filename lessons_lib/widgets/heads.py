"""The live picture of notebook 02: two hand-made heads on a padded sentence, with masks to switch and the strength of places to move."""

import ipywidgets as widgets

from lessons_lib.figures.heads import ORDERS, Heads, draw_heads
from lessons_lib.widgets.house import LiveBox, slider

NO_KERNEL = "Run this cell for switches and a slider; the picture above shows one setting."  # fits a line at 800 px


class HeadsExplorer:
    """What the switches and the slider do to the heads on display.

    Attributes:
        sentence, head: toggle buttons.
        padding, causal: a checkbox a mask.
        place: the slider for the strength of the place column, 0 to 2.
        drawing: the HTML widget that holds the SVG.
        box: all of it, to be shown in a cell.
    """

    def __init__(self, scene: Heads) -> None:
        """Show `scene`."""
        self.sentence = widgets.ToggleButtons(options=list(ORDERS), value=scene.sentence, style={"button_width": "120px"})
        self.head = widgets.ToggleButtons(options=["A", "B"], value=scene.head, style={"button_width": "44px"})
        self.padding = widgets.Checkbox(value=scene.hides_padding, description="padding mask", indent=False)
        self.causal = widgets.Checkbox(value=scene.is_causal, description="causal mask", indent=False)
        self.place = slider("strength of place", scene.place, 0, 2, step=0.1, width=300)
        self.drawing = widgets.HTML()
        for one in (self.padding, self.causal):
            one.layout = widgets.Layout(width="130px")
        for one in (self.sentence, self.head):
            one.layout = widgets.Layout(width="auto")
        row = widgets.Layout(flex_flow="row wrap", align_items="center")
        first = widgets.HBox([self.sentence, widgets.Label("head"), self.head], layout=row)
        second = widgets.HBox([self.padding, self.causal, self.place], layout=row)
        self.box = LiveBox([first, second, self.drawing], NO_KERNEL)
        self._draw()
        for one in (self.sentence, self.head, self.padding, self.causal, self.place):
            one.observe(lambda _: self._draw(), "value")

    @property
    def scene(self) -> Heads:
        """The heads on display."""
        return Heads(self.sentence.value, self.head.value, self.causal.value, self.padding.value, self.place.value)

    def _draw(self) -> None:
        self.drawing.value = draw_heads(self.scene)[0]


def heads_explorer(scene: Heads | None = None) -> LiveBox:
    """Switches for sentence, head and masks and a slider for the strength of places, over `scene`, by default *man bites dog*."""
    return HeadsExplorer(scene or Heads("man bites dog")).box
