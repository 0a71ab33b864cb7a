"""The commands put together, and how they end: exit status, refusals, a closed pipe, Ctrl-C."""

import os
import sys
from collections.abc import Callable, Sequence

import typer

from lessons_lib.cli import bench, doctor, evaluate, grade, notebooks, train, translate
from lessons_lib.cli.refusal import Refusal, complain, system_reason

# Its module differs between Typer's versions (click's, or Typer's own copy of it), its place in the family does not.
UsageError: type[Exception] = typer.BadParameter.__mro__[1]
REFUSED, INTERRUPTED = 2, 130

ABOUT = """\
The command line of the Transformer workbook: translate, train, score, look after the notebooks and grade them.

\b
Begin with:
  lessons doctor                                         what is here, what is missing
  printf 'A man rides a bike.\\n' | lessons translate     a first translation
  lessons train grammar                                  a model of your own, in about a minute
  lessons notebooks reset 01                             a fresh copy of notebook 01

Each command has its own help: lessons translate --help
"""


def build_app() -> typer.Typer:
    """The commands under one name, without colours, boxes or shell completion."""
    app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)
    app.callback(invoke_without_command=True, help=ABOUT)(_help_alone)
    app.command(help=doctor.ABOUT, short_help="What is here, what is missing, what will be slow.")(doctor.doctor)
    app.command(help=translate.ABOUT, short_help="Translate sentences, one a line.")(translate.translate)
    app.command(help=train.ABOUT, short_help="Train a model from a recipe.")(train.train)
    app.command(help=evaluate.ABOUT, short_help="Score translations: BLEU, chrF, intervals.")(evaluate.evaluate)
    app.command(help=grade.ABOUT, short_help="Run a class's notebooks: a table of the checks passed.")(grade.grade)
    group = typer.Typer(rich_markup_mode=None)
    group.callback(invoke_without_command=True, help=notebooks.ABOUT)(_help_alone)
    group.command(short_help="Make notebooks from their sources.")(notebooks.build)
    group.command(short_help="Run notebooks: seconds, memory, result.")(notebooks.run)
    group.command(short_help="Compare notebooks with their sources.")(notebooks.check)
    group.command(short_help="Put a fresh copy of a notebook in place.")(notebooks.reset)
    group.command(short_help="Write notebooks without solutions, for a class.")(notebooks.handout)
    app.add_typer(group, name="notebooks")
    measuring = typer.Typer(rich_markup_mode=None)
    measuring.callback(invoke_without_command=True, help=bench.ABOUT)(_help_alone)
    measuring.command(help=bench.TRAIN, short_help="Training: tokens a second.")(bench.train)
    measuring.command(help=bench.DECODE, short_help="Decoding: sentences a second.")(bench.decode)
    app.add_typer(measuring, name="bench")
    return app


def _help_alone(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: what stands after `lessons`; those of the process if None.

    Returns:
        The exit status: 0, 1 if something that was looked at is not well, 2 if the request was refused, 130 after Ctrl-C.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if hasattr(sys.stdout, "reconfigure"):  # a console that lacks a letter shows its number instead of stopping
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return _invoke(arguments)
    except BrokenPipeError:  # the reader, `head` for one, has what it wanted
        _forget_standard_output()
        return 0
    except KeyboardInterrupt:
        return INTERRUPTED


def _invoke(arguments: list[str]) -> int:
    name = " ".join(["lessons", *[word for word in arguments[:1] if not word.startswith("-")]])
    try:
        status = _typer_main(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()  # here, where an error can still be told
        return status
    except UsageError as error:
        context = getattr(error, "ctx", None)
        name = context.command_path if context is not None else name
        complain(name, error.format_message(), f"Try: {name} --help")
    except Refusal as error:
        complain(name, str(error))
    except BrokenPipeError:
        raise
    except OSError as error:
        complain(name, system_reason(error))
    return REFUSED


def _typer_main(arguments: list[str]) -> int:
    """Parse and run, leaving errors to the caller: Typer's own `main` would end the process."""
    command: Callable = typer.main.get_command(build_app())
    try:
        with command.make_context("lessons", arguments) as context:
            return command.invoke(context) or 0
    except typer.Exit as end:
        return end.exit_code


def _forget_standard_output() -> None:
    """Send what is still buffered nowhere: flushing it at exit would fail once more, and Python would say so."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
