"""`lessons bench train|decode`: how fast is the course's own code beside others', here and now?"""

import datetime
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lessons_lib import files
from lessons_lib.cli import machine
from lessons_lib.cli.progress import say
from lessons_lib.cli.refusal import Refusal, system_reason
from lessons_lib.cli.values import positive_number, whole_number
from lessons_lib.runtime import threads_each, usable_cores

if TYPE_CHECKING:
    from lessons_lib.bench.contest import Contestant, Result, Turn
    from lessons_lib.bench.rows import Occasion
    from lessons_lib.corpus import Pair
    from lessons_lib.recipes import Preset

STANDARD_OUTPUT = "-"
REPEATS, SECONDS = 5, 8.0
"""Rounds that count, and how long each trains in one, where nothing else is asked for."""

ABOUT = """\
Measure speed: the course's training and decoding beside others', on the same data, model and machine, taking turns.

Each system works in a process of its own, one at a time; a first round, which there is not with --minutes, warms up and is not counted.
Close what else computes, and compare the ratios within one run: seconds of two days or two machines are no measure. Peers beyond PyTorch
come with the extra `peers` (JoeyNMT with `joeynmt`): python -m pip install -e '.[peers]'

\b
Examples:
  lessons bench train
  lessons bench train --preset grammar --seconds 3 --repeats 3
  lessons bench train --peers textbook --ours plain,together --json rows.jsonl
  lessons bench train --peers textbook --ours processes --minutes 20
  lessons bench decode --peers generate,ctranslate2
"""
TRAIN = """\
Tokens a second of training: ours piece by piece, and the peers.

\b
Ours: plain (fp32), bf16 (where the processor is faster in it), each speed-up alone, together, processes (together, the step shared out).
Peers: textbook (torch.nn.Transformer on shuffled batches of 128), bucketed (the same on our batches), marian (transformers), joeynmt.
All begin with the same weights, JoeyNMT's apart, and the losses on the first batch are compared.
"""
DECODE = """\
Sentences a second of decoding, greedy and with beam 5: ours and others.

\b
Ours: fast (what Translator does), plain (what the notebooks teach), bf16 (fast in bfloat16, where the processor is faster in it).
Peers: generate (transformers), ctranslate2.
All have the weights of the same shipped checkpoint, in float32 but for bf16, and translate the same sentences; translations are compared.
"""

Repeats = Annotated[
    int | None,
    typer.Option(metavar="N", parser=whole_number(1), help=f"Rounds that count; {REPEATS} if left out.", show_default=False),
]
Seconds = Annotated[
    float | None,
    typer.Option(metavar="S", parser=positive_number, help=f"How long a turn lasts; {SECONDS:g} if left out.", show_default=False),
]
Threads = Annotated[
    int | None, typer.Option(metavar="N", parser=whole_number(1), help="Threads of each system; all cores if left out.", show_default=False)
]
NOTHING = "there is nothing to measure: leave --ours, --peers or --beams out, or name something there"
PresetName = Annotated[
    str | None,
    typer.Option("--preset", metavar="NAME", help="tiny, multi30k or grammar; tiny if Multi30k is here, else grammar.", show_default=False),
]
Peers = Annotated[
    str | None, typer.Option(metavar="NAME,…", help="Others to compare with; those installed if left out.", show_default=False)
]
Ours = Annotated[str | None, typer.Option(metavar="NAME,…", help="Which of ours; all if left out.", show_default=False)]
Minutes = Annotated[
    float | None,
    typer.Option(metavar="M", parser=positive_number, help="Let each learn so long, then judge its translations.", show_default=False),
]
JsonFile = Annotated[
    str | None,
    typer.Option("--json", metavar="FILE", help="Write rows of JSON to a file, or to - instead of the table.", show_default=False),
]


def train(
    peers: Peers = None,
    ours: Ours = None,
    preset: PresetName = None,
    repeats: Repeats = None,
    seconds: Seconds = None,
    minutes: Minutes = None,
    threads: Threads = None,
    json_file: JsonFile = None,
) -> None:
    """The command.

    Raises:
        Refusal: if a name is unknown or impossible here, options exclude one another, data is missing, or a system fails.
    """
    from lessons_lib.bench import hindrances, learning, material, table, training_systems

    n_threads = threads or threads_each()
    if minutes is not None and (repeats, seconds) != (None, None):
        raise Refusal("--minutes lets each learn once, for so long: leave --repeats and --seconds out")
    name, recipe = preset_named(preset)
    processes = training_systems.process_count(recipe.training.micro_batches, n_threads)
    cannot = {} if minutes is None else learning.CANNOT
    others = chosen("--peers", peers, training_systems.PEERS, lambda name, peer: cannot.get(name) or hindrances.missing(peer))
    own = chosen("--ours", ours, dict.fromkeys(training_systems.OURS), lambda name, _: hindrances.of_ours(name, n_threads, processes))
    if not own + others:
        raise Refusal(NOTHING)
    demand_writable(json_file)
    prepared = obtained(lambda: material.prepare(recipe))
    when = occasion("bench train", f"{name}, {prepared.shape}", n_threads)
    if minutes is not None:
        systems = learning.contestants(prepared, own, others, n_threads)
        measure(systems, (1, 60 * minutes), when, json_file, lambda found: table.learning_table(when, found, processes), warms_up=False)
        return
    systems = training_systems.contestants(prepared, own, others, n_threads)
    rounds = repeats or REPEATS, seconds or SECONDS
    measure(systems, rounds, when, json_file, lambda found: table.training_table(when, found, prepared, processes))


def decode(
    peers: Peers = None,
    ours: Ours = None,
    beams: Annotated[str, typer.Option(metavar="NAME,…", help="greedy, beam5 or both.")] = "greedy,beam5",
    preset: PresetName = None,
    sentences: Annotated[int, typer.Option(metavar="N", parser=whole_number(1), help="How many, of the preset's test set.")] = 1000,
    repeats: Repeats = None,
    threads: Threads = None,
    json_file: JsonFile = None,
) -> None:
    """The command.

    Raises:
        Refusal: as `train`.
    """
    from lessons_lib.bench import decoding_systems, hindrances, table
    from lessons_lib.checkpoints import find

    n_threads = threads or threads_each()
    others = {name: about for name, about in decoding_systems.DECODERS.items() if name not in decoding_systems.OURS}
    names = chosen("--ours", ours, dict.fromkeys(decoding_systems.OURS), lambda name, _: hindrances.of_ours(name))
    names += chosen("--peers", peers, others, lambda _, peer: hindrances.missing(peer))
    widths = chosen("--beams", beams, decoding_systems.BEAMS, lambda *_: "")
    if not names or not widths:
        raise Refusal(NOTHING)
    demand_writable(json_file)
    name, recipe = preset_named(preset)
    pairs: list[Pair] = obtained(lambda: recipe.pairs("test"))[:sentences]
    checkpoint = obtained(lambda: find(f"{name}-en-de"))
    systems = decoding_systems.contestants(str(checkpoint), [pair.source for pair in pairs], names, widths, n_threads)
    when = occasion("bench decode", f"checkpoint {checkpoint.name}", n_threads)
    measure(systems, (repeats or REPEATS, 0.0), when, json_file, lambda found: table.decoding_table(when, found))


def chosen(option: str, given: str | None, known: Mapping[str, Any], why_not: Callable[[str, Any], str]) -> list[str]:
    """The names given, each once, in order; all that are possible here if none is given.

    `why_not` gives for (name, what it names) what stands against it here, in words that follow the name; empty if nothing does.

    Raises:
        Refusal: if a name is unknown, or what it names is not possible here.
    """
    if given is None:
        here = [name for name, what in known.items() if not why_not(name, what)]
        if left_out := [name for name in known if name not in here]:
            say(f"Left out, since not installed or not possible here: {', '.join(left_out)}")
        return here
    names = list(dict.fromkeys(name.strip() for name in given.split(",") if name.strip()))
    if unknown := [name for name in names if name not in known]:
        raise Refusal(f"{option} names {', '.join(unknown)}: use {', '.join(known)}, or several with commas")
    if refused := [f"{option} {name} {reason}" for name in names if (reason := why_not(name, known[name]))]:
        raise Refusal("\n".join(refused))
    return names


def preset_named(name: str | None) -> tuple[str, "Preset"]:
    """A preset and its name; the tiny one of Multi30k if none is asked for and the files are here, else the grammar's.

    Raises:
        Refusal: if there is none of this name.
    """
    from lessons_lib.corpus import has_multi30k
    from lessons_lib.presets import find

    name = name or ("tiny" if has_multi30k() else "grammar")
    return name, obtained(lambda: find(name))


def obtained(get: Callable[[], Any]) -> Any:
    """What `get` gives; a ValueError (missing data, no checkpoint) as a Refusal."""
    try:
        return get()
    except ValueError as error:
        raise Refusal(str(error)) from error


def measure(
    systems: "list[Contestant]", rounds: tuple[int, float], when: "Occasion", file: str | None, table: Callable[[Any], str], **how: bool
) -> None:
    """Let the systems compete, with a line on standard error for each turn, and tell what was found.

    Args:
        systems, rounds, how: of the contest; `rounds` are how many, and the seconds of a turn.
        when, file: of the rows, into which also goes what was found before a failure or an interruption.
        table: results → what is printed.

    Raises:
        Refusal: if a system fails (names it, and says what went wrong), or the file cannot be written.
    """
    from lessons_lib.bench.contest import ContestError, compete
    from lessons_lib.bench.rows import rows

    def show(name: str, number: int, turn: "Turn") -> None:
        pace = f": {turn.tokens / turn.seconds:,.0f} tokens/s" if turn.tokens else ""
        say(f"{f'round {number} of {rounds[0]}' if number else 'warm-up'}, {name}{pace}")

    results: list[Result] = []
    say(f"{len(systems)} systems take turns: setting them up")
    try:
        compete(systems, *rounds, show, results=results, **how)
    except (ContestError, KeyboardInterrupt) as error:
        keep(file, when, [result for result in results if result.turns])
        if isinstance(error, KeyboardInterrupt):
            raise
        raise Refusal(str(error)) from error
    tell(file, rows(when, results), lambda: table(results))


def occasion(study: str, data: str, threads: int) -> "Occasion":
    """Where and when."""
    import torch

    from lessons_lib.bench.rows import Occasion

    has = torch.cpu.get_capabilities()
    units = [words for name, words in (("amx_bf16", "AMX"), ("avx512_bf16", "AVX512-BF16"), ("avx2", "AVX2")) if has.get(name)]
    shared = f"{threads} {'thread' if threads == 1 else 'threads'}"
    hardware = f"{machine.processor()}{f' ({units[0]})' if units else ''}, {usable_cores():g} cores, {shared}"
    return Occasion(study, data, hardware, torch.__version__, datetime.date.today().isoformat())


def demand_writable(json_file: str | None) -> None:
    """Raise Refusal, before anything is measured, unless rows can be written where they are wanted."""
    if json_file is None or json_file == STANDARD_OUTPUT:
        return
    try:
        files.demand_writable(Path(json_file))
    except OSError as error:
        raise Refusal(f"--json is {json_file}: {error.strerror or error}") from error


def keep(json_file: str | None, when: "Occasion", measured: "list[Result]") -> None:
    """Write the rows of a contest that did not reach its end, if it came to any that are wanted; what stands against it is only said."""
    from lessons_lib.bench.rows import rows

    if json_file is None or not measured:
        return
    say(f"The contest did not reach its end: {sum(len(result.turns) for result in measured)} turns count")
    try:
        write(json_file, rows(when, measured))
    except Refusal as refusal:
        say(str(refusal))


def tell(json_file: str | None, found: list[dict[str, Any]], table: Callable[[], str]) -> None:
    """Write rows where they are wanted, first of all, and the table unless the rows took its place.

    Raises:
        Refusal: if the file cannot be written.
    """
    try:
        write(json_file, found)
    finally:
        if json_file != STANDARD_OUTPUT:
            print(table())


def write(json_file: str | None, found: list[dict[str, Any]]) -> None:
    """Write rows where they are wanted, if anywhere.

    Raises:
        Refusal: if the file cannot be written.
    """
    from lessons_lib.bench.rows import as_lines

    if json_file == STANDARD_OUTPUT:
        print(as_lines(found), end="")
    elif json_file is not None:
        try:
            files.write_text(Path(json_file), as_lines(found))
        except OSError as error:
            raise Refusal(system_reason(error)) from error
        say(f"{len(found)} rows are in {json_file}")
