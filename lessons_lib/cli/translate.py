"""`lessons translate`: a sentence a line in, a translation a line out, and nothing else on standard output."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lessons_lib.cli.lines import STANDARD_INPUT, decoded, is_terminal, read_text_lines, shown_name, standard_input, write_line
from lessons_lib.cli.refusal import Refusal, complain
from lessons_lib.cli.values import one_of, whole_number
from lessons_lib.corpus import DIRECTIONS

if TYPE_CHECKING:
    from lessons_lib.translation import Translator

DEFAULT_CHECKPOINTS = {direction: f"multi30k-{direction}" for direction in DIRECTIONS}
"""The translator of each direction that serves where none is named."""
BLOCK = 1024
"""Sentences translated before their lines are written: many enough to sort by length, few enough that a reader sees progress."""

ABOUT = """\
Translate: one sentence a line in, one translation a line out, in the same order.

Reads FILE, or standard input, and checks all of it before the first line is written; in a terminal, a line at a time. A blank line stays
blank.

\b
Examples:
  printf 'A man rides a bike.\\n' | lessons translate
  lessons translate captions.en > captions.de
  lessons translate --direction de-en captions.de
  lessons translate --checkpoint runs/grammar --beam 1 captions.en
  lessons translate                    (then type; Ctrl-D ends, on Windows Ctrl-Z and Enter)
"""


def translate(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="UTF-8 text; standard input if left out, or -.")] = None,
    checkpoint: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH",
            help="A model by name (lessons doctor lists them), or the folder of a trained one; the caption model if left out.",
            show_default=False,
        ),
    ] = None,
    direction: Annotated[
        str | None,
        typer.Option(
            metavar="FROM-TO", parser=one_of(*DIRECTIONS), help="en-de or de-en; the model's own if left out.", show_default=False
        ),
    ] = None,
    beam: Annotated[
        int,
        typer.Option(
            metavar="K", parser=whole_number(1, 1000), help="Beginnings kept while searching; 1 takes the likeliest word each time."
        ),
    ] = 5,
) -> None:
    """The command.

    Raises:
        Refusal: if input, checkpoint or direction will not do.
    """
    by_hand = shown_name(file) == STANDARD_INPUT and is_terminal(sys.stdin)
    lines = [] if by_hand else read_text_lines(file)  # before torch is loaded: a typing slip need not wait for it
    translator = load(checkpoint, direction)
    if by_hand:
        converse(translator, beam)
    else:
        translate_all(translator, lines, beam, shown_name(file))


def load(checkpoint: str | None, direction: str | None) -> "Translator":
    """The translator of a checkpoint; without one, of this direction.

    Raises:
        Refusal: if there is none, it is damaged, or translates in another direction.
    """
    from lessons_lib.checkpoints import CheckpointError
    from lessons_lib.runtime import keep_freed_memory
    from lessons_lib.translation import Translator

    keep_freed_memory()
    if checkpoint is None:
        checkpoint = DEFAULT_CHECKPOINTS[direction or DIRECTIONS[0]]
    try:
        translator = Translator.load(checkpoint)
    except CheckpointError as error:
        raise Refusal(str(error)) from error
    known = translator.trained.direction
    if direction not in (None, known):
        raise Refusal(f"--direction is {direction!r}: {checkpoint} translates {known} only")
    return translator


def translate_all(translator: "Translator", lines: list[str], beam: int, name: str) -> None:
    """Check all lines, then translate and write them block by block.

    Args:
        translator: the model.
        lines: one sentence each.
        beam: beginnings kept.
        name: what to call the input in an error.

    Raises:
        Refusal: if a line cannot be translated; nothing is written then.
    """
    from tqdm import tqdm

    from lessons_lib.translation import SentenceError

    try:
        translator.check(lines)
    except SentenceError as error:
        raise Refusal(f"{name}, line {error.index + 1}: {error}") from error
    with tqdm(total=len(lines), unit=" lines", file=sys.stderr, leave=False, disable=not is_terminal(sys.stderr)) as bar:
        for start in range(0, len(lines), BLOCK):
            block = lines[start : start + BLOCK]
            for text in translator.translate(block, beam, on_progress=bar.update):
                write_line(text)
            sys.stdout.flush()


def converse(translator: "Translator", beam: int) -> None:
    """Translate what a person types, a line at a time; a line that cannot be translated is answered with the reason.

    Raises:
        typer.Exit: with status 2 at the end, if there was such a line.
    """
    from lessons_lib.translation import SentenceError

    if is_terminal(sys.stderr):
        print(f"Type a sentence and press Enter ({translator.trained.direction}); Ctrl-D ends.", file=sys.stderr)
    refused = False
    for number, data in enumerate(typed_lines(), 1):
        try:
            (text,) = translator.translate(decoded(data, STANDARD_INPUT) or [""], beam)
        except SentenceError as error:
            complain("lessons translate", f"{STANDARD_INPUT}, line {number}: {error}")
            refused = True
        except Refusal:
            complain("lessons translate", f"{STANDARD_INPUT}, line {number}: not UTF-8")
            refused = True
        else:
            write_line(text)
            sys.stdout.flush()
    if refused:
        raise typer.Exit(2)


def typed_lines() -> Iterator[bytes]:
    """Lines as they are typed, until the end of the input."""
    while data := standard_input().readline():
        yield data
