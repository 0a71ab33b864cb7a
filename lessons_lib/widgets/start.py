"""The live picture of notebook 00."""

from lessons_lib.figures import start
from lessons_lib.widgets.house import LiveBox, live, slider

NO_KERNEL = "Run this cell for a slider; the picture below shows one larger rate."  # fits a line at 800 px


def learning_rate(rate: float = 0.1) -> LiveBox:
    """A slider for the learning rate (0.05 to 1.10) over six steps of gradient descent; the arrow keys move it by 0.05."""
    return live(start.descent, [slider("learning rate", rate, 0.05, 1.10, step=0.05, digits=2, width=440)], NO_KERNEL)
