"""The live pictures of notebook 07: beam search step by step, and what a translator looks at in any sentence."""

import html
import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

import ipywidgets as widgets
import matplotlib as mpl

from lessons_lib.corpus import Pair
from lessons_lib.figures import alignment, house
from lessons_lib.figures.palette import WIDTH, image
from lessons_lib.figures.search import Search, draw_step
from lessons_lib.translation import SentenceError, Translator
from lessons_lib.widgets.house import LiveBox, live, slider

NO_SENTENCE = "Run this cell to type a sentence; the picture above shows one."  # fits a line at 800 px
NO_SLIDERS = "Run this cell for sliders; the picture above shows one step."


class Known(NamedTuple):
    """What the sentences trained on have: their words in lower case, and the characters they end with."""

    words: Collection[str]
    ends: Collection[str]


def beam_explorer(found: Search, step: int = 1, beam: int = 2) -> LiveBox:
    """Two sliders, the step and the beam, over the beginnings kept and the finished texts of a search."""
    longest = max(len(steps) for steps in found.steps.values())
    sliders = [slider("step", step, 1, longest, step=1, digits=0), slider("beam", beam, 1, max(found.steps), step=1, digits=0)]
    return live(lambda at, width: draw_step(found, at, width), sliders, NO_SLIDERS)


def alignment_explorer(translator: Translator, sentence: str, trained_on: Sequence[Pair]) -> LiveBox:
    """A text field: Enter translates what stands in it and shows which words were looked at.

    What cannot be read is refused in words; words and endings that `trained_on` does not have are named (none where it is empty).
    """
    sources = [pair.source for pair in trained_on]
    known = Known({word for source in sources for word in _words(source)}, {source.rstrip()[-1:] for source in sources})
    field = widgets.Text(value=sentence, description="English", continuous_update=False, layout=widgets.Layout(width=f"{WIDTH}px"))
    page = widgets.HTML(_page(translator, sentence, known))

    def redraw(_change: object) -> None:
        page.value = _page(translator, field.value, known)

    field.observe(redraw, "value")
    return LiveBox([field, page], NO_SENTENCE)


def _words(text: str) -> list[str]:
    return re.findall(r"[\w']+", text.lower())


def _warning(sentence: str, known: Known) -> str:
    """What the translator has never met in this sentence, as HTML; empty if nothing, or if it is not known what it has met."""
    if not known.words:
        return ""
    strange = dict.fromkeys(word for word in _words(sentence) if word not in known.words)
    said = [f"Not in the corpus: {', '.join(strange)}."] if strange else []
    end = sentence.rstrip()[-1:]
    said += [] if end in known.ends else [f"No sentence of the corpus ends like this: “{html.escape(end)}”."]
    return f"<p>{' '.join(said)} Do not trust what follows.</p>" if said else ""


def _page(translator: Translator, sentence: str, known: Known) -> str:
    try:
        found = translator.align(sentence)
    except SentenceError as error:
        return f"<p>{error}.</p>"
    with mpl.rc_context(house.STYLE):
        figure, alt = alignment.draw(found)
        return _warning(sentence, known) + image("image/png", house.to_png(figure, 100, 32), alt, WIDTH)
