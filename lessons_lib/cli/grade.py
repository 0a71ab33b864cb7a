"""`lessons grade`: what the checks say about a folder of submitted notebooks, as a table."""

from pathlib import Path
from typing import Annotated

import typer

from lessons_lib.cli.notebooks import ask_course

ABOUT = """\
Run the notebooks handed in by a class and write a CSV: one row each, with the checks passed, each exercise, and a remark in words.

FOLDER holds NAME.ipynb, or a folder of notebooks for each learner. A notebook may have any name: it is recognised by its exercises.
An exercise is right, wrong, not attempted, or not reached: its check gave no verdict, because its cell raised an error, ran too
long or is missing. Of several checks the last counts, but for stubs. A cell that fails does not stop the later ones; a kernel that has
ended is not started again (on Windows no cell can be interrupted: one that runs too long ends it). Ctrl-C keeps the rows so far.

Each notebook runs in a process, folder and home of its own, with these limits. That keeps accidents apart, it is no prison: what runs has
your rights, and can write verdicts itself. Grade work you do not trust in a container or a throwaway account.

\b
Examples:
  lessons grade handed-in --out scores.csv
  lessons grade handed-in --out scores.csv --notebook 01 --jobs 2
"""


def grade(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the submissions lie; it is only read.")],
    notebook: Annotated[
        str | None,
        typer.Option(metavar="NN", help="The notebook that was set, such as 01; if left out, each is recognised.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write the table; standard output if left out.", show_default=False)
    ] = None,
    cell_seconds: Annotated[float, typer.Option(metavar="S", help="Seconds that one cell may run.")] = 180,
    seconds: Annotated[float, typer.Option(metavar="S", help="Seconds that all cells of a notebook may run together.")] = 600,
    memory: Annotated[int, typer.Option(metavar="MB", help="Memory of a notebook with all its processes.")] = 3000,
    jobs: Annotated[int, typer.Option(metavar="N", help="Notebooks that run at the same time.")] = 1,
) -> int:
    """The command.

    Raises:
        Refusal: if the folder, the number, a limit or the output file will not do.
    """
    limits = {"cell_seconds": cell_seconds, "seconds": seconds, "megabytes": memory}
    return ask_course(
        lambda course: course.grade(folder, notebook=notebook, out=out, limits=course.Limits(**limits), jobs=jobs),
    )
