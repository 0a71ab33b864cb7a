"""The live picture of notebook 03 on positions: two clock hands at two places, and the product that knows their distance alone."""

from lessons_lib.figures.positions import draw_clocks
from lessons_lib.widgets.house import LiveBox, live, slider

NO_KERNEL = "Run this cell for sliders; the picture above shows where they start."  # fits a line at 800 px


class ClockBox(LiveBox):
    """The sliders over the clocks; without a kernel, words that point to the still picture above."""

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:
        return {**super()._repr_mimebundle_(include=include, exclude=exclude), "text/plain": NO_KERNEL}


def clocks(place: float = 1, shift: float = 2) -> LiveBox:
    """A slider for the place (0 to 12) and one for the shift (−6 to 6); the arrow keys move each by one place."""
    box = live(draw_clocks, [slider("place", place, 0, 12, step=1, digits=0), slider("shift", shift, -6, 6, step=1, digits=0)])
    return ClockBox(box.children, layout=box.layout)
