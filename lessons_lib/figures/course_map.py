"""The course as a picture: the notebooks that exist as boxes with what each needs, the parts still to come as quiet rows.

A notebook that is added to `notebooks/source` gets a line in `LESSONS`; a test holds the two together.
"""

from dataclasses import dataclass

from lessons_lib.figures import svg
from lessons_lib.figures.palette import WIDTH

EDGE, ACROSS, WIDE, TALL, GAP = 12, 3, 170, 66, 33  # px (ACROSS: boxes in a row)
HEAD, COMING, ROW = 30, 26, TALL + 20  # px: height of a part's title, of a part still to come, of a row of boxes


@dataclass(frozen=True)
class Lesson:
    """A notebook that exists: its two digits, short title (at most 18 letters), the notebooks it needs, minutes to work through it."""

    number: str
    title: str
    needs: tuple[str, ...]
    minutes: int

    def __post_init__(self) -> None:
        if len(self.title) > 18:
            raise ValueError(f"title {self.title!r} has {len(self.title)} letters, at most 18 fit its box")


@dataclass(frozen=True)
class CoursePart:
    """A part of the course: Roman number, title, its first and last notebook, and in a few words what is still to come in it."""

    roman: str
    title: str
    first: str
    last: str
    coming: str


PARTS = (
    CoursePart("I", "From one formula to a trained translator", "00", "09", "a language model"),
    CoursePart("II", "Choosing training techniques, by experiment", "10", "15", ""),
    CoursePart("III", "The families of models and their tasks", "16", "19", ""),
    CoursePart("IV", "From a checkpoint to a service", "20", "21", ""),
    CoursePart("V", "Where next", "22", "22", ""),
)
LESSONS = (
    Lesson("00", "Start here", (), 55),
    Lesson("01", "Attention by hand", ("00",), 115),
    Lesson("02", "Many heads", ("01",), 140),
    Lesson("03", "Text to tensors", ("01", "02"), 140),
    Lesson("04", "Transformer block", ("02", "03"), 115),
    Lesson("05", "Encoder–decoder", ("02", "03", "04"), 120),
    Lesson("06", "The training loop", ("05",), 130),
    Lesson("07", "Decode and judge", ("05", "06"), 140),
    Lesson("08", "Train it in full", ("06", "07"), 125),
)


def show(here: str) -> None:
    """Show the course map with notebook `here` (two digits, as text) lit."""
    svg.show_svg(*draw(here))


def draw(here: str, lessons: tuple[Lesson, ...] = LESSONS) -> tuple[str, str]:
    """(SVG string, alt text) of the course map with notebook `here` lit; `lessons` are the notebooks to draw as boxes."""
    if here not in {lesson.number for lesson in lessons}:
        known = ", ".join(lesson.number for lesson in lessons)
        raise ValueError(f"notebook {here!r} is not on the map; it has {known}")
    pieces, y = [], 8.0
    for part in PARTS:
        mine = [lesson for lesson in lessons if part.first <= lesson.number <= part.last]
        drawn, y = _part(part, mine, here, y) if mine else ([_coming(part, y)], y + COMING)
        pieces += drawn
    alt = _alt(here, lessons)
    return svg.svg(WIDTH, y + 8, pieces, alt), alt


def _part(part: CoursePart, lessons: list[Lesson], here: str, y: float) -> tuple[list[str], float]:
    """Title, boxes in rows of three, what is still to come; and the y below them."""
    pieces = [svg.text(EDGE, y + 16, f"Part {part.roman} · {part.title}", bold=True)]
    y += HEAD
    places = {one.number: (EDGE + i % ACROSS * (WIDE + GAP), y + i // ACROSS * ROW) for i, one in enumerate(lessons)}
    pieces += [_arrow(places[need], places[one.number]) for one in lessons for need in one.needs if need in places]
    pieces += [_lesson(one, *places[one.number], one.number == here) for one in lessons]
    y += -(-len(lessons) // ACROSS) * ROW
    if rest := _rest(part, lessons):
        pieces.append(svg.text(EDGE, y, rest, size=svg.SMALL, fill="quiet"))
        y += 16
    return pieces, y


def _lesson(lesson: Lesson, x: float, y: float, lit: bool) -> str:
    """A box of three lines: number and minutes, title, what it needs."""
    state = "lit" if lit else "plain"
    words = svg.STATES[state][1]
    needs = f"needs {', '.join(lesson.needs)}" if lesson.needs else "needs some Python"
    return (
        svg.box(x, y, WIDE, TALL, "", state)
        + svg.text(x + 10, y + 20, lesson.number, bold=True, fill=words)
        + svg.text(x + WIDE - 10, y + 20, "you are here" if lit else f"{lesson.minutes} min", size=svg.SMALL, anchor="end", fill=words)
        + svg.text(x + 10, y + 39, lesson.title, bold=True, fill=words)
        + svg.text(x + 10, y + 57, needs, size=svg.SMALL, fill=words)
    )


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    """From a box to the next one in its row; a need further away stands in words in the box, an arrow would cross others."""
    if start[1] != end[1] or end[0] - start[0] != WIDE + GAP:
        return ""
    y = start[1] + TALL / 2
    return svg.line(start[0] + WIDE + 3, y, end[0] - 3, y, arrow=True, width=1.8)


def _rest(part: CoursePart, lessons: list[Lesson]) -> str:
    """Which notebooks of a part are still to come, in words; empty if none."""
    start = f"{int(lessons[-1].number) + 1:02}" if lessons else part.first
    if start > part.last:
        return ""
    numbers = start if start == part.last else f"{start}\u2013{part.last}"
    return f"{numbers} to come" + (f": {part.coming}" if part.coming else "")


def _coming(part: CoursePart, y: float) -> str:
    return (
        svg.rect(EDGE, y + 2, WIDTH - 2 * EDGE, COMING - 5, stroke="quiet", width=1, dash="3 3")
        + svg.text(EDGE + 10, y + 17, f"Part {part.roman}", size=svg.SMALL, fill="quiet")
        + svg.text(EDGE + 70, y + 17, part.title, size=svg.SMALL, fill="quiet")
        + svg.text(WIDTH - EDGE - 10, y + 17, _rest(part, []), size=svg.SMALL, anchor="end", fill="quiet")
    )


def _alt(here: str, lessons: tuple[Lesson, ...]) -> str:
    said = []
    for part in PARTS:
        mine = [lesson for lesson in lessons if part.first <= lesson.number <= part.last]
        boxes = [f"{one.number} {one.title} needs {' and '.join(one.needs) or 'some Python'}" for one in mine]
        said.append(f"Part {part.roman}, {part.title}: {'; '.join(filter(None, [*boxes, _rest(part, mine)]))}.")
    title = next(lesson.title for lesson in lessons if lesson.number == here)
    return f"Course map. You are at {here}, {title}. {' '.join(said)}"
