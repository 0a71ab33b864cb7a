"""The house style of pictures: colours that can be read, pictures that stay small, the same bytes each time, alt text on the page."""

import base64
import html
import itertools
import re
from contextlib import ExitStack
from unittest import mock

import numpy as np
import pytest

from lessons_lib.figures import house, palette, svg

NAMED = dict(zip(("blue", "rust", "teal", "rose", "plum"), palette.CATEGORIES, strict=True))
VISION = {  # Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB
    "normal": np.eye(3),
    "protan": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "deutan": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
    "tritan": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]),
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(colour):
    """Linear RGB of "#rrggbb" or of three numbers between 0 and 1 (IEC 61966-2-1)."""
    rgb = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)] if isinstance(colour, str) else colour
    return np.array([c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb])


def contrast(first, second):
    """WCAG 2 contrast ratio of two colours."""
    low, high = sorted(float(linear(colour) @ XYZ[1]) for colour in (first, second))
    return (high + 0.05) / (low + 0.05)


def lab(light):
    """CIELAB of linear RGB under D65."""
    x = XYZ @ np.clip(light, 0, 1) / np.array([0.9505, 1, 1.089])
    f = np.where(x > 0.008856, np.cbrt(x), 7.787 * x + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@house.picture
def noisy_lines(points):
    """A picture of five noisy lines, as heavy as a curve of that many points gets."""
    noise = np.random.default_rng(0).normal(size=(5, points)).cumsum(1)
    figure, ax = house.new_figure("Five random walks")
    ax.plot(noise.T)
    house.label_ends(ax, [(points - 1, line[-1], f"walk {i}", palette.CATEGORIES[i]) for i, line in enumerate(noise)])
    return figure, "Five random walks <from 0> & on"


def shown(call, *arguments):
    """The MIME bundle that a call displays."""
    with ExitStack() as stack:
        displays = [stack.enter_context(mock.patch.object(module, "display")) for module in (house, svg)]
        call(*arguments)
    (bundle,) = [one.args[0] for display in displays for one in display.call_args_list]
    return bundle


@pytest.mark.parametrize("name", NAMED)
def test_a_category_is_readable_on_white_and_under_white_words(name):
    assert contrast(NAMED[name], "#ffffff") >= 4.5


def test_secondary_text_is_readable_on_white():
    assert contrast(palette.QUIET, "#ffffff") >= 4.5
    assert contrast(palette.INK, "#ffffff") >= 12


@pytest.mark.parametrize("vision", VISION)
def test_categories_stay_apart_under_colour_vision_deficiency(vision):
    seen = {name: lab(VISION[vision] @ linear(colour)) for name, colour in NAMED.items()}
    distances = {(a, b): float(np.linalg.norm(seen[a] - seen[b])) for a, b in itertools.combinations(seen, 2)}
    closest = min(distances, key=distances.get)
    assert distances[closest] >= 15, f"{closest} are {distances[closest]:.1f} apart"


@pytest.mark.parametrize("colours", [house.SEQUENTIAL, house.DIVERGING], ids=lambda colours: colours.name)
def test_a_number_on_a_cell_is_readable(colours):
    for share in np.linspace(0, 1, 201):
        cell = colours(share)[:3]
        ink = {"black": "#000000", "white": "#ffffff"}[house.ink_on(cell)]
        assert contrast(ink, cell) >= 4.5


def test_number_as_the_reader_sees_it():
    assert palette.number(-0.5) == "\u22120.50"
    assert palette.number(-0.001) == "0.00"
    assert palette.number(1234.56, 1) == "1,234.6"
    assert palette.number(2, 0, sign=True) == "+2"


def test_a_picture_reaches_the_page_with_its_alt_text_and_stays_small():
    data = shown(noisy_lines, 100)
    alt = re.search(r'<img alt="([^"]*)"', data["text/html"])[1]
    assert html.unescape(alt) == data["text/plain"] == "Five random walks <from 0> & on"
    assert sum(len(value) for value in data.values()) <= palette.LIMIT
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")


def test_a_picture_is_the_same_bytes_each_time():
    assert shown(noisy_lines, 60) == shown(noisy_lines, 60)


def test_a_picture_too_heavy_is_refused_and_says_what_helps():
    @house.picture
    def snow():
        figure, ax = house.new_figure("Snow")
        ax.imshow(np.random.default_rng(0).random((300, 300)), cmap="prism", aspect="auto", interpolation="nearest")
        return figure, "snow"

    with pytest.raises(ValueError, match="at most 100 points"):
        snow()


def test_the_palette_survives_the_reduction_of_colours():
    from PIL import Image

    with house.mpl.rc_context(house.STYLE):
        figure, _ = noisy_lines.__wrapped__(20)
        png = house.to_png(figure, 100, 32)
    pixels = np.asarray(Image.open(house.io.BytesIO(png)).convert("RGB")).reshape(-1, 3)
    found = {"#" + bytes(pixel).hex() for pixel in np.unique(pixels, axis=0)}
    assert set(palette.CATEGORIES) <= found


def test_end_labels_keep_their_distance():
    figure, ax = house.new_figure("Close ends")
    ax.plot([0, 1], [0, 1])
    house.label_ends(ax, [(1, 0.5, "a", palette.BLUE), (1, 0.501, "b", palette.RUST), (1, 0.502, "c", palette.TEAL)], gap=14)
    heights = sorted(ax.transData.transform(label.xy)[1] * 72 / figure.dpi + label.xyann[1] for label in ax.texts)
    assert all(above - below >= 13.9 for below, above in itertools.pairwise(heights))


def test_a_lone_end_label_stays_at_its_line_and_a_pair_moves_apart_evenly():
    figure, ax = house.new_figure("Two close ends and others")
    ax.set(xlim=(0, 1), ylim=(0, 1))
    house.label_ends(ax, [(1, y, str(y), palette.BLUE) for y in (0.9, 0.2, 0.5, 0.501)], gap=14)
    moved = {label.get_text(): label.xyann[1] for label in ax.texts}
    assert moved["0.2"] == moved["0.9"] == 0
    assert moved["0.5"] == pytest.approx(-moved["0.501"]) and -7 < moved["0.5"] < -6


def test_end_labels_that_move_do_not_move_onto_a_lone_one():
    assert house._shifts([0, 14, 14, 14], 14) == pytest.approx([-10.5, -10.5, 3.5, 17.5])


def test_a_figure_has_rows_of_axes_that_share_what_is_asked_for():
    _, axes = house.new_figure("Six", 4.0, 3, rows=2, sharex=True, sharey="row")
    axes[0][0].set(xlim=(0, 7), ylim=(0, 5))
    assert axes.shape == (2, 3) and axes[1][2].get_xlim() == (0, 7)
    assert axes[0][2].get_ylim() == (0, 5) != axes[1][0].get_ylim()


def test_a_picture_without_words_is_refused():
    with pytest.raises(ValueError, match="alt text"):
        svg.show_svg(svg.svg(10, 10, [], "x"), "  ")


def test_a_title_too_long_for_the_picture_is_refused():
    with pytest.raises(ValueError, match="at most 64"):
        house.new_figure("w" * 65)


def test_a_table_is_one_for_screen_readers_and_escapes_its_cells():
    data = shown(house.show_table, ("rule", "a < b"), (("sum", "3"), ("mean", "1.5")), "Which is larger", 1)
    page = data["text/html"]
    assert page.count('scope="col"') == 2 and page.count('scope="row"') == 2
    assert "a &lt; b" in page and "<caption" in page
    assert re.findall(r"font-weight:700[^>]*>([^<]*)", page) == ["rule", "a &lt; b", "mean", "1.5"]
    with pytest.raises(ValueError, match="has 1 cells, the head has 2"):
        house.show_table(("a", "b"), [("1",)], "short")


def test_an_svg_names_itself_and_keeps_what_a_page_can_share():
    drawing = svg.svg(
        100, 50, [svg.text(1, 2, "a & b"), svg.box(0, 0, 10, 10, "x", "lit", "01"), svg.mark(1, 1, "diamond", "#fff")], 'says "so"'
    )
    assert 'role="img"' in drawing and 'aria-label="says &quot;so&quot;"' in drawing
    assert not re.search(r"\sid=|<style|<title|<script", drawing)
    assert "a &amp; b" in drawing


def test_unknown_parts_of_a_drawing_are_refused_by_name():
    with pytest.raises(ValueError, match="'bright' is unknown; use one of lit, plain, later"):
        svg.box(0, 0, 1, 1, "x", "bright")
    with pytest.raises(ValueError, match="'star' is unknown"):
        svg.mark(0, 0, "star", "#fff")


def test_an_arrow_ends_where_it_points():
    drawn = svg.line(0, 0, 100, 0, arrow=True)
    tip = re.search(r'points="([\d.]+),([\d.]+) ', drawn)
    assert (float(tip[1]), float(tip[2])) == (100, 0)
    assert "polygon" not in svg.line(0, 0, 0.5, 0, arrow=True)
