"""`lessons notebooks …`: the building room behind five words."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from lessons_lib.cli.refusal import Refusal

ABOUT = """\
Look after the notebooks. NN is a number such as 01; without numbers, all notebooks are meant.

\b
Examples:
  lessons notebooks reset 01     a fresh copy of notebook 01; yours is kept beside it
  lessons notebooks run          does every notebook run here, how long, how much memory
  lessons notebooks build 01     make the notebook from notebooks/source/01_….py (needs the extra dev)
  lessons notebooks check        do the notebooks still say what their sources say
  lessons notebooks handout class 01    notebook 01 without its solutions, in the folder class
"""

Numbers = Annotated[
    list[str] | None, typer.Argument(metavar="NN", help="Numbers of notebooks, such as 01; all if left out.", show_default=False)
]


def build(numbers: Numbers = None) -> int:
    """Make notebooks, learner's and solved, from their sources: executed, with outputs."""
    return ask_course(lambda course: course.build(numbers))


def run(numbers: Numbers = None) -> int:
    """Run notebooks in fresh kernels and show a table of seconds, peak memory and result; no file is changed."""
    return ask_course(lambda course: course.run(numbers))


def check(numbers: Numbers = None) -> int:
    """Compare the notebooks with their sources, without running them."""
    return ask_course(lambda course: course.check(numbers))


def reset(
    numbers: Annotated[list[str], typer.Argument(metavar="NN", help="Numbers of the notebooks to make fresh, such as 01.")],
) -> int:
    """Put a fresh copy of a notebook in place. Your own stays beside it as NN_name.mine-1.ipynb; nothing is overwritten."""
    return ask_course(lambda course: course.reset(*numbers))


def handout(
    folder: Annotated[Path, typer.Argument(help="Where to write them; what it holds is not overwritten.")], numbers: Numbers = None
) -> int:
    """Write notebooks without their folded solutions into a folder, for a class. `lessons grade` takes them as it takes the others."""
    return ask_course(lambda course: course.handout(folder, numbers))


def ask_course(request: Callable[[ModuleType], int]) -> int:
    """The exit status of what the course is asked for.

    Raises:
        Refusal: if it cannot be met.
    """
    # On import jsonschema, which nbformat brings, has a parser made for internationalised addresses: over a second, for something that
    # no notebook holds. It does without where the package is absent.
    sys.modules.setdefault("rfc3987_syntax", None)
    from lessons_lib import course

    try:
        return request(course)
    except course.CourseError as error:
        raise Refusal(str(error)) from error
