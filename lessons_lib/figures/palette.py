"""Colours, sizes and number format that every picture of the course shares; needs neither matplotlib nor a browser.

The five categories are told apart under the three colour-vision deficiencies and reach 4.5 : 1 on white (tests/test_figures_house.py
computes it). They are about equally dark, so a colour never stands alone: the n-th series also has the n-th dash and marker.
"""

import base64
import html

WIDTH = 600  # px of every picture; JupyterLab's output area is 614 px wide in a window of 800
LIMIT = 40_000  # characters that one picture may add to a notebook

INK, QUIET, FAINT = "#212121", "#6b6b6b", "#d9d9d9"  # text, secondary text, grid
BLUE, RUST, TEAL, ROSE, PLUM = CATEGORIES = ("#3569e8", "#a34a00", "#1f8069", "#dd1a5e", "#80508c")
DASHES = ("-", (0, (5, 2)), (0, (1, 1.4)), (0, (6, 2, 1, 2)), (0, (3, 1.5)))
MARKERS = ("o", "s", "^", "D", "v")


def number(value: float, digits: int = 2, sign: bool = False) -> str:
    """`value` as the reader sees it: fixed digits, thousands comma, a true minus, no minus zero (`sign` adds a plus)."""
    return f"{round(value, digits) + 0.0:{'+' if sign else ''},.{digits}f}".replace("-", "\u2212")


def image(mime: str, data: bytes, alt: str, width: int) -> str:
    """An `<img>` as a white card, `width` px wide, that shrinks with the page.

    It uses only what JupyterLab keeps in a notebook that is not trusted yet: there inline SVG, ids and style sheets are dropped.
    """
    if not alt.strip():
        raise ValueError("a picture needs an alt text that says what it shows; it was empty")
    return (
        f'<img alt="{html.escape(alt)}" width="{width}" style="max-width:100%;background:#fff;border-radius:6px" '
        f'src="data:{mime};base64,{base64.b64encode(data).decode()}">'
    )
