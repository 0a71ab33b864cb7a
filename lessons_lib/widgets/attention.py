"""The live picture of notebook 01: sliders for the query of *bites* and for the key and value of one word, over the steps."""

from dataclasses import replace

import ipywidgets as widgets

from lessons_lib.figures.attention import Pair, Scene, draw_steps
from lessons_lib.widgets.house import LiveBox, slider


class AttentionExplorer:
    """What the sliders, the choice of a word and the button do to the scene on display.

    Attributes:
        scene: the query, keys and values on display.
        sliders: by name, "q, first" to "value, second".
        choice: whose key and value the sliders move.
        reset: back to the numbers it was opened with.
        drawing: the HTML widget that holds the SVG.
        box: all of it, to be shown in a cell.
    """

    def __init__(self, scene: Scene) -> None:
        """Show `scene` with the first of its words chosen."""
        self.start = self.scene = scene
        self.listening = True
        self.sliders = {
            f"{vector}, {place}": slider(f"{vector}, {place}", 0, *limits, width=285)
            for vector, limits in (("q", (-4, 4, 0.5)), ("key", (-4, 4, 0.5)), ("value", (0, 10, 1)))
            for place in ("first", "second")
        }
        self.choice = widgets.ToggleButtons(options=scene.words, style={"button_width": "80px"}, layout=widgets.Layout(width="auto"))
        self.reset = widgets.Button(description="Reset", layout=widgets.Layout(width="80px"))
        self.drawing = widgets.HTML()
        self.box = self._lay_out()
        self._show()
        for one in self.sliders.values():
            one.observe(self._moved, "value")
        self.choice.observe(lambda _: self._show(), "value")
        self.reset.on_click(self._restart)

    def _lay_out(self) -> LiveBox:
        row = widgets.Layout(flex_flow="row wrap", align_items="center")
        sliders = list(self.sliders.values())
        word = [widgets.Label("key and value of"), self.choice, self.reset]
        rows = [widgets.HBox(children, layout=row) for children in (sliders[:2], word, sliders[2:4], sliders[4:])]
        return LiveBox([*rows, self.drawing])

    def _pair(self, vector: str) -> Pair:
        return self.sliders[f"{vector}, first"].value, self.sliders[f"{vector}, second"].value

    def _moved(self, _change: object) -> None:
        if not self.listening:
            return
        i = self.choice.index
        keys, values = list(self.scene.keys), list(self.scene.values)
        keys[i], values[i] = self._pair("key"), self._pair("value")
        self.scene = replace(self.scene, query=self._pair("q"), keys=tuple(keys), values=tuple(values))
        self.drawing.value = draw_steps(self.scene)[0]

    def _show(self) -> None:
        """Set the sliders to the scene and the chosen word, without taking that for the reader's moves, and draw."""
        i = self.choice.index
        self.listening = False
        for vector, pair in (("q", self.scene.query), ("key", self.scene.keys[i]), ("value", self.scene.values[i])):
            self.sliders[f"{vector}, first"].value, self.sliders[f"{vector}, second"].value = pair
        self.listening = True
        self.drawing.value = draw_steps(self.scene)[0]

    def _restart(self, _button: object) -> None:
        self.scene = self.start
        self._show()


def attention_explorer(scene: Scene | None = None) -> LiveBox:
    """Six sliders over the steps of `scene`, by default *bites* in "dog bites man"; arrow keys move a slider by one step."""
    return AttentionExplorer(scene or Scene()).box
