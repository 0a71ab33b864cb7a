"""The live picture of notebook 03 on positions: two clock hands at two places, and the product that knows their distance alone."""

from lessons_lib.figures.positions import draw_clocks
from lessons_lib.widgets.house import LiveBox, live, slider


def clocks(place: float = 1, shift: float = 2) -> LiveBox:
    """A slider for the place (0 to 12) and one for the shift (−6 to 6); the arrow keys move each by one place."""
    return live(draw_clocks, [slider("place", place, 0, 12, step=1, digits=0), slider("shift", shift, -6, 6, step=1, digits=0)])
