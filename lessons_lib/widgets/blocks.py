"""The live picture of notebook 04."""

from lessons_lib.figures.blocks import PENCIL, draw_placements
from lessons_lib.widgets.house import LiveBox, live, slider

NO_KERNEL = "Run this cell for sliders; the picture above shows where they start."  # fits a line at 800 px


class PlacementsBox(LiveBox):
    """The sliders over their drawing; without a kernel, words that point to the still picture above."""

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:
        return {**super()._repr_mimebundle_(include=include, exclude=exclude), "text/plain": NO_KERNEL}


def placements() -> PlacementsBox:
    """Four sliders, −4 to 6, for the numbers of x over pre-norm and post-norm; an arrow key moves one by 0.5."""
    places = ("first", "second", "third", "fourth")
    box = live(draw_placements, [slider(place, value, -4, 6) for place, value in zip(places, PENCIL, strict=True)])
    return PlacementsBox(box.children, layout=box.layout)
