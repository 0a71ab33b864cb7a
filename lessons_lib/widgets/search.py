"""The live pictures of notebook 07: beam search step by step, and what a translator looks at in any sentence."""

import ipywidgets as widgets
import matplotlib as mpl

from lessons_lib.figures import alignment, house
from lessons_lib.figures.palette import WIDTH, image
from lessons_lib.figures.search import Search, draw_step
from lessons_lib.translation import SentenceError, Translator
from lessons_lib.widgets.house import LiveBox, live, slider

NO_SENTENCE = "Run this cell to type a sentence; the picture above shows one."  # fits a line at 800 px
NO_SLIDERS = "Run this cell for sliders; the picture above shows one step."


def beam_explorer(found: Search, step: int = 1, beam: int = 2) -> LiveBox:
    """Two sliders, the step and the beam, over the beginnings kept and the finished texts of a search."""
    longest = max(len(steps) for steps in found.steps.values())
    sliders = [slider("step", step, 1, longest, step=1, digits=0), slider("beam", beam, 1, max(found.steps), step=1, digits=0)]
    return live(lambda at, width: draw_step(found, at, width), sliders, NO_SLIDERS)


def alignment_explorer(translator: Translator, sentence: str) -> LiveBox:
    """A text field: Enter translates what stands in it and shows which words were looked at. What cannot be read is refused in words."""
    field = widgets.Text(value=sentence, description="English", continuous_update=False, layout=widgets.Layout(width=f"{WIDTH}px"))
    page = widgets.HTML(_page(translator, sentence))

    def redraw(_change: object) -> None:
        page.value = _page(translator, field.value)

    field.observe(redraw, "value")
    return LiveBox([field, page], NO_SENTENCE)


def _page(translator: Translator, sentence: str) -> str:
    try:
        found = translator.align(sentence)
    except SentenceError as error:
        return f"<p>{error}.</p>"
    with mpl.rc_context(house.STYLE):
        figure, alt = alignment.draw(found)
        return image("image/png", house.to_png(figure, 100, 32), alt, WIDTH)
