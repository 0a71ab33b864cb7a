"""Generic parts of a live picture: named sliders, and a drawing that follows them.

    live(attention_steps, [slider("q, first", 1, -3, 3), slider("q, second", 0, -3, 3)])

The drawing is an SVG string written in Python at each move (about 20 ms), the same function that draws the static twin beside it:
without a kernel the twin is all a reader sees. Only sliders are used: JupyterLab takes the arrow keys from radio buttons and drop-downs.
"""

from collections.abc import Callable, Sequence

import anywidget
import ipywidgets as widgets

from lessons_lib.figures.palette import WIDTH

NO_KERNEL = "Run this cell for sliders; the picture above shows where they start."  # fits a line at 800 px


class SliderNames(anywidget.AnyWidget):
    """Gives the slider handles of the box it stands in their label as accessible name; ipywidgets leaves them nameless."""

    _esm = """export default { render({ el }) {
      const name = () => el.closest('.widget-vbox')?.querySelectorAll('.widget-slider').forEach((slider) =>
        slider.querySelector('.noUi-handle')?.setAttribute('aria-label', slider.querySelector('.widget-label').textContent));
      setTimeout(name, 0); setTimeout(name, 500); } }"""


class LiveBox(widgets.VBox):
    """A column of controls over their drawing, as wide as a picture; its sliders are named.

    Where no kernel runs it is the sentence `without_kernel`, which points to the still picture.
    """

    def __init__(self, children: Sequence[widgets.Widget], without_kernel: str = NO_KERNEL) -> None:
        super().__init__([*children, SliderNames()], layout=widgets.Layout(max_width=f"{WIDTH + 4}px"))
        self.without_kernel = without_kernel

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:
        bundle = super()._repr_mimebundle_(include=include, exclude=exclude)
        bundle["text/plain"] = self.without_kernel
        return bundle


def slider(
    label: str,
    value: float,
    low: float,
    high: float,
    step: float = 0.5,
    digits: int = 1,
    width: int = 290,
) -> widgets.FloatSlider:
    """A described slider from `low` to `high`, `width` px wide, moved by `step` with an arrow key; it shows `digits` decimals."""
    return widgets.FloatSlider(
        value=value,
        min=low,
        max=high,
        step=step,
        description=label,
        readout_format=f".{digits}f",
        style={"description_width": "initial"},
        layout=widgets.Layout(width=f"{width}px"),
    )


def live(draw: Callable[..., tuple[str, str]], sliders: Sequence[widgets.FloatSlider], without_kernel: str = NO_KERNEL) -> LiveBox:
    """Sliders over a drawing that is drawn again whenever one of them moves.

    `draw(*values)` gets the sliders' values in their order (float) and returns (SVG string, alt text), as a static figure does;
    the alt text is the drawing's accessible name. Two sliders stand side by side, more wrap into rows.
    """
    unnamed = [i for i, one in enumerate(sliders) if not one.description]
    if unnamed:
        raise ValueError(f"slider {unnamed[0]} has no description; a reader who cannot see it needs one")
    drawing = widgets.HTML(draw(*(one.value for one in sliders))[0])

    def redraw(_change: object) -> None:
        drawing.value = draw(*(one.value for one in sliders))[0]

    for one in sliders:
        one.observe(redraw, "value")
    row = widgets.HBox(list(sliders), layout=widgets.Layout(flex_flow="row wrap"))
    return LiveBox([row, drawing], without_kernel)
