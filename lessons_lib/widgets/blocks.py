"""The live picture of notebook 04."""

from lessons_lib.figures.blocks import PENCIL, draw_placements
from lessons_lib.widgets.house import LiveBox, live, slider


def placements() -> LiveBox:
    """Four sliders, −4 to 6, for the numbers of x over pre-norm and post-norm; an arrow key moves one by 0.5."""
    places = ("first", "second", "third", "fourth")
    return live(draw_placements, [slider(place, value, -4, 6) for place, value in zip(places, PENCIL, strict=True)])
