"""`lessons train`: a recipe, a folder, a bar that shows how far it is; stopped, it says how to go on."""

import json
import os
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lessons_lib.cli.progress import Progress, say
from lessons_lib.cli.refusal import Refusal, system_reason
from lessons_lib.cli.values import one_of, positive_number, whole_number
from lessons_lib.config import LARGEST_SEED
from lessons_lib.corpus import DIRECTIONS, read_pairs

if TYPE_CHECKING:
    from lessons_lib.config import Budget
    from lessons_lib.presets import Preset

WRITTEN = ("model.safetensors", "config.json", "tokenizer.json", "casing.json", "training.json", "metrics.jsonl", "state.safetensors")
FIRST_SENTENCES = dict(zip(DIRECTIONS, ("The dog sleeps.", "Der Hund schläft."), strict=True))

ABOUT = """\
Train a model from a recipe, PRESET.

\b
  grammar            the shipped corpus; a minute on two cores
  tiny               29,000 photo captions; more than an hour on two cores
  multi30k           the same captions, twice the parameters
  multi30k-further   the same with less dropout, to go on with (--from, --also)
  multi30k-wider     twice the feed-forward units, to go on with as well
  base               WMT 2014 with the base model of the 2017 paper; for GPUs, many hours

English to German, or the other way with --direction de-en. Writes the model, its configuration and tokenizer, metrics.jsonl (a row every
few steps) and the state of the run into a folder, by default runs/PRESET, or runs/PRESET-de-en for that direction. Stop it with Ctrl-C
whenever you like: --resume goes on from the last state.

\b
Examples:
  lessons train grammar
  lessons train multi30k --minutes 20 --out runs/short
  lessons train multi30k --direction de-en
  lessons train grammar --also mine.jsonl --out runs/mine
  lessons train multi30k-wider --from multi30k-en-de
  lessons train grammar --steps 200 --seed 2 --out runs/seed2
  lessons train multi30k --resume
  torchrun --nproc-per-node 2 -m lessons_lib train multi30k
"""


@dataclass(frozen=True)
class Options:
    """What the command was given, but for `--resume`."""

    preset: str
    direction: str
    minutes: float | None
    steps: int | None
    seed: int | None
    also: Path | None
    start: str | None
    out: Path | None
    device: str

    @property
    def folder(self) -> Path:
        """Where the run is written."""
        return self.out or Path("runs") / (self.preset if self.direction == DIRECTIONS[0] else f"{self.preset}-{self.direction}")

    def command_to_resume(self) -> str:
        """The line that goes on with this run."""
        world = os.environ.get("WORLD_SIZE", "1")
        words = ["lessons"] if world == "1" else ["torchrun", "--nproc-per-node", world, "-m", "lessons_lib"]
        words += ["train", self.preset, *([] if self.direction == DIRECTIONS[0] else ["--direction", self.direction])]
        given = {name: getattr(self, name) for name in ("minutes", "steps", "seed", "also")} | {"from": self.start, "out": self.out}
        for name, value in given.items():
            words += [] if value is None else [f"--{name}", f"{value:g}" if isinstance(value, float) else str(value)]
        words += [] if self.device == "auto" else ["--device", self.device]
        return shlex.join([*words, "--resume"])


def train(
    preset: Annotated[str, typer.Argument(metavar="PRESET", help="grammar, tiny, multi30k, multi30k-further, multi30k-wider or base.")],
    direction: Annotated[str, typer.Option(metavar="FROM-TO", parser=one_of(*DIRECTIONS), help="Languages: en-de or de-en.")] = DIRECTIONS[
        0
    ],
    minutes: Annotated[
        float | None, typer.Option(metavar="M", parser=positive_number, help="Stop after so many minutes.", show_default=False)
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(metavar="N", parser=whole_number(1), help="Stop after so many steps; such a run repeats exactly.", show_default=False),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(metavar="N", parser=whole_number(0, LARGEST_SEED), help="Decides all that chance decides.", show_default=False),
    ] = None,
    also: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help='More pairs to train on, {"en": …, "de": …} a line, whatever the direction.', show_default=False),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="NAME|PATH",
            help="A trained model to begin with: its weights, tokenizer and casing; from nothing if left out.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where to write, if not to runs/PRESET.", show_default=False)] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the folder. Give the same options as before.")] = False,
    device: Annotated[str, typer.Option(metavar="NAME", help="auto (a GPU where there is one), cpu, cuda or cuda:N.")] = "auto",
) -> None:
    """The command.

    Raises:
        Refusal: if a value is not allowed, data is missing, the folder will not do, or the run cannot be resumed.
    """
    if minutes is not None and steps is not None:
        raise Refusal("--minutes and --steps are both given: choose one of them")
    options = Options(preset, direction, minutes, steps, seed, also, start, out, device)
    folder, again = options.folder, options.command_to_resume()
    demand_writable(folder)
    try:
        run(options, resume)
    except KeyboardInterrupt:
        if is_first():
            say(f"\nStopped. {standing(folder)} Go on with: {again}")
        raise
    except OSError as error:
        hint = f". The last good state is still there; when that is mended, go on with: {again}" if state(folder) else ""
        raise Refusal(system_reason(error) + hint) from error


def run(options: Options, resume: bool) -> None:
    """Look the values up, train, and say what was written. Raises Refusal as `train`."""
    from lessons_lib import presets
    from lessons_lib.config import Budget
    from lessons_lib.runtime import pick_device

    folder, minutes, steps = options.folder, options.minutes, options.steps
    try:
        recipe = presets.find(options.preset, options.direction)
    except ValueError as error:
        raise Refusal(str(error)) from error
    budget = recipe.budget if minutes is None and steps is None else Budget(steps, None if minutes is None else 60 * minutes)
    try:
        presets.demand_free(folder, resume)
        where = pick_device(options.device)
        if options.also is not None:
            recipe = recipe.with_more(read_pairs(options.also))
        recipe = replace(recipe, start=options.start or "")
        announce(options.preset, recipe, budget, folder, resume)
        with Progress(budget.steps, budget.seconds) as progress:
            presets.train(recipe, folder, budget, options.seed, resume, where, progress.show)
    except (ValueError, FileExistsError) as error:  # CheckpointError and DataError are ValueErrors
        raise Refusal(str(error)) from error
    leave_processes()
    if is_first():
        print(summary(folder, progress.last, options.direction))


def demand_writable(folder: Path) -> None:
    """Raise Refusal unless the folder is one that can be written to, or can be made."""
    if folder.exists() and not folder.is_dir():
        raise Refusal(f"--out is {folder}: that is a file, and a folder is needed")
    if folder.is_symlink() and not folder.exists():
        raise Refusal(f"--out is {folder}: that is a link to {folder.readlink()}, which is not there")
    nearest = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise Refusal(f"--out is {folder}: nothing can be written to {nearest}")


def is_first() -> bool:
    """Whether this process speaks for the run: the only one, or the first of those that torchrun started."""
    return os.environ.get("RANK", "0") == "0"


def leave_processes() -> None:
    """Part from the processes that `torchrun` started with this one, if it did."""
    import torch.distributed as dist

    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


def announce(preset: str, recipe: "Preset", budget: "Budget", folder: Path, resume: bool) -> None:
    """Say what begins; reading the data and learning the tokenizer take a while before the first row."""
    if not is_first():
        return
    length = f"{budget.steps} steps" if budget.steps is not None else f"{budget.seconds / 60:g} minutes"
    where = "continued" if resume and state(folder) else "from the beginning, since there is no state to resume" if resume else "new"
    what = preset if recipe.direction == DIRECTIONS[0] else f"{preset} {recipe.direction}"
    say(f"Training {what} ({recipe.about}) for {length} into {folder}, {where}. Data and tokenizer first …")


def state(folder: Path) -> Path | None:
    """The file that holds the state of the run, if one was written."""
    path = folder / "state.safetensors"
    return path if path.exists() else None


def standing(folder: Path) -> str:
    """Where the saved state stands."""
    if not state(folder):
        return "No state was written yet."
    import safetensors

    try:
        with safetensors.safe_open(state(folder), "pt") as file:
            step = json.loads((file.metadata() or {}).get("facts", "{}"))["at"]["step"]
    except (safetensors.SafetensorError, OSError, ValueError, KeyError):
        return f"The state is in {folder}."
    return f"The state after step {step} is in {folder}."


def summary(folder: Path, last: dict[str, Any] | None, direction: str) -> str:
    """What was written, and what to do with it."""
    sizes = {name: (folder / name).stat().st_size for name in WRITTEN if (folder / name).exists()}
    files = [f"  {name:18} {max(size / 1000, 1):8,.0f} kB" for name, size in sizes.items()]
    scores = ", ".join(f"{name} {value}" for name, value in (last or {}).get("validation", {}).items())
    done = f"Step {last['step']}, {last['seconds']:.0f} s of training" if last else "Nothing was left to train"
    return "\n".join([
        f"{done}{f'; validation: {scores}' if scores else ''}. Written to {folder}:",
        *files,
        f"Try it: printf '{FIRST_SENTENCES[direction]}\\n' | lessons translate --checkpoint {shlex.quote(str(folder))}",
    ])  # fmt: skip
