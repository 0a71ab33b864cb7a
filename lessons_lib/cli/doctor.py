"""`lessons doctor`: what is here, what is missing and the line that gets it, what will be slow."""

import json
import os
import platform
import textwrap
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer

from lessons_lib import __version__
from lessons_lib.cli import machine
from lessons_lib.cli.translate import DEFAULT_CHECKPOINTS
from lessons_lib.corpus import FETCH_MULTI30K, MULTI30K_HUB_ID, MULTI30K_LICENCE, DataError, has_multi30k, load_grammar, multi30k_folder
from lessons_lib.runtime import data_dir, hub_home, matmul_speeds, usable_cores

PACKAGES = ("torch", "numpy", "jupyterlab", "ipywidgets", "matplotlib", "tokenizers", "safetensors", "datasets", "sacrebleu", "psutil")
INSTALL = "python -m pip install -r requirements/torch.txt -r requirements/learner.txt -e ."
MAKE_GRAMMAR = "python -m lessons_lib.grammar data/grammar"
GRAMMAR_SPLITS = ("train", "validation", "test", "unseen", "longer", "mirrored")
NEEDED = (*DEFAULT_CHECKPOINTS.values(), "tiny-en-de", "grammar-en-de")
"""The translators that the command line and the notebooks load."""
COLUMNS = 76

ABOUT = """\
Look at this machine: versions, device, cores, memory, data, trained models, and what will be slow.

What is missing is named together with the line that gets it. A missing GPU or Multi30k is no fault: the exit status is 1 only if something
is missing or damaged that the course cannot do without.
"""


@dataclass(frozen=True)
class Lack:
    """Something that is not here: what it is, and the line to type that gets it."""

    what: str
    line: str


@dataclass
class Findings:
    """What the doctor saw.

    Attributes:
        versions: of Python, the course, and the packages that matter; `missing` where there is none.
        system, device: in words.
        cores, memory_gb: what may be used here.
        speed_gflops: measured; `fp32` and `bf16`.
        data: name → what is there.
        checkpoints: name → what is there.
        slow: what will take its time, a sentence each.
        missing: what the course cannot do without.
        optional: what it can do without.
    """

    versions: dict[str, str] = field(default_factory=dict)
    system: str = ""
    device: str = ""
    cores: float = 0.0
    memory_gb: float = 0.0
    speed_gflops: dict[str, float] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)
    checkpoints: dict[str, str] = field(default_factory=dict)
    slow: list[str] = field(default_factory=list)
    missing: list[Lack] = field(default_factory=list)
    optional: list[Lack] = field(default_factory=list)


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Write JSON for other programs.")] = False) -> int:
    """The command; returns 1 if something necessary is missing."""
    findings = look()
    print(json.dumps(asdict(findings), indent=1) if as_json else as_text(findings))
    return int(bool(findings.missing))


def look() -> Findings:
    """Look at everything; nothing is fetched or changed."""
    found = Findings(system=machine.system(), cores=round(usable_cores(), 1), memory_gb=round(machine.usable_memory_gb(), 1))
    _look_at_versions(found)
    _look_at_data(found)
    if _look_at_torch(found):
        _look_at_checkpoints(found)
    foresee(found)
    return found


def _look_at_versions(found: Findings) -> None:
    found.versions = {"course": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found.versions[package] = version(package)
        except PackageNotFoundError:
            found.versions[package] = "missing"
    absent = [name for name, value in found.versions.items() if value == "missing"]
    if absent:
        found.missing.append(Lack(f"Packages: {', '.join(absent)}. Install them from the course's folder:", INSTALL))


def _look_at_data(found: Findings) -> None:
    try:
        pairs = {split: len(load_grammar(split)) for split in GRAMMAR_SPLITS}
        found.data["grammar"] = f"{sum(pairs.values()):,} pairs in data/grammar, verified"
    except DataError:
        found.data["grammar"] = "missing or damaged"
        found.missing.append(Lack("The grammar corpus, data/grammar, is missing or damaged. Make it again:", MAKE_GRAMMAR))
    if has_multi30k():
        found.data["multi30k"] = "found in multi30k/ under LESSONS_DATA_DIR"
    elif multi30k_folder() is None and _in_hub_cache():
        found.data["multi30k"] = "in the cache of datasets: training finds it, notebooks 07 and 08 look under LESSONS_DATA_DIR alone"
    else:
        _lack_multi30k(found)


def _lack_multi30k(found: Findings) -> None:
    what = f"{MULTI30K_LICENCE}: 29,000 captions, to train the large translator. "
    files = "train.jsonl, val.jsonl and test.jsonl"
    if multi30k_folder() is None:
        found.data["multi30k"] = "not found (LESSONS_DATA_DIR is not set)"
        what += f"Without a network put its {files} into a folder multi30k/ and set LESSONS_DATA_DIR to the folder above that. With one:"
        found.optional.append(Lack(what, FETCH_MULTI30K))
    else:
        found.data["multi30k"] = "not found (LESSONS_DATA_DIR is set, but its multi30k/ lacks files)"
        what += f"Put its {files} into multi30k/ under LESSONS_DATA_DIR; or, with a network, unset the variable first:"
        found.optional.append(Lack(what, FETCH_MULTI30K))


def _in_hub_cache() -> bool:
    """Whether `datasets` has Multi30k already, where it keeps what it fetched; importing it to ask would take seconds."""
    cache = Path(os.environ.get("HF_DATASETS_CACHE") or hub_home() / "datasets")
    return any((cache / MULTI30K_HUB_ID.replace("/", "___")).glob("**/*.arrow"))


def _look_at_torch(found: Findings) -> bool:
    """Whether torch loads; if so, device and speed are noted."""
    try:
        found.device, found.speed_gflops = machine.device(), matmul_speeds()
    except (ImportError, OSError) as error:
        found.device = "torch does not load"
        if found.versions["torch"] != "missing":
            found.missing.append(Lack(f"torch does not load ({relative(str(error))}). Install it again:", INSTALL))
        return False
    return True


def _look_at_checkpoints(found: Findings) -> None:
    try:
        from lessons_lib.checkpoints import CheckpointError, load_model, shipped
    except ImportError as error:
        if "missing" not in found.versions.values():
            found.missing.append(Lack(f"The course's own code does not load ({relative(str(error))}). Install again:", INSTALL))
        return
    for name, folder in shipped().items():
        try:
            trained = load_model(folder)
            n = sum(p.numel() for p in trained.model.parameters()) / 1e6
            size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
            found.checkpoints[name] = f"{trained.direction}, {n:.1f} million parameters, {size:.1f} MB in data/checkpoints/{name}"
        except CheckpointError as error:
            found.checkpoints[name] = "damaged"
            found.missing.append(Lack(f"{relative(str(error))}. Get it back:", f"git checkout -- data/checkpoints/{name}"))
    for name in NEEDED:
        if name not in found.checkpoints:
            found.missing.append(Lack(f"The translator {name} is missing. Get it back:", f"git checkout -- data/checkpoints/{name}"))


def foresee(found: Findings) -> None:
    """What will be slow: times of the recipes are those of two cores (`lessons_lib.presets`)."""
    on_processor = "GPU:" not in found.device
    if on_processor:
        found.slow.append("Without a GPU: lessons train grammar takes a minute or two, lessons train multi30k more than an hour.")
    if found.cores < 2:
        found.slow.append(f"With {found.cores:g} core: everything that computes takes about twice the minutes that the notebooks name.")
    if on_processor and found.speed_gflops and found.speed_gflops["bf16"] <= found.speed_gflops["fp32"]:
        found.slow.append("This processor is slower in bfloat16 than in float32: lessons train computes in float32, and takes longer.")
    if 0 < found.memory_gb < 3:
        found.slow.append(f"With {found.memory_gb:g} GB of memory: keep one notebook running at a time (Kernel, Shut Down Kernel).")


def relative(text: str) -> str:
    """The text without this machine's paths: those of the project begin at the repository."""
    home = Path.home()
    text = text.replace(f"{data_dir().parent}{os.sep}", "")
    return text if home == home.parent else text.replace(str(home), "~")


def as_text(found: Findings) -> str:
    """The findings for people; a line to type stands alone and unbroken, so that it can be copied."""
    rows = {
        "Versions": ", ".join(f"{name} {value}" for name, value in found.versions.items()),
        "Machine": f"{found.system}, {found.cores:g} {'core' if found.cores == 1 else 'cores'}, {found.memory_gb:g} GB of memory",
        "Device": found.device,
        **{f"Data {name}": value for name, value in found.data.items()},
        **{f"Model {name}": value for name, value in found.checkpoints.items()},
    }
    width = max(map(len, rows)) + 2
    parts = ["\n".join(_wrapped(f"{name:{width}}{value}", " " * width) for name, value in rows.items())]
    if found.slow:
        parts.append("\n".join(["Slow here:", *(_wrapped(f"- {sentence}", "  ") for sentence in found.slow)]))
    for title, lacks in {"Missing, but optional": found.optional, "Missing": found.missing}.items():
        if lacks:
            parts.append("\n".join([f"{title}:", *(f"{_wrapped(f'- {lack.what}', '  ')}\n      {lack.line}" for lack in lacks)]))
    parts.append("Something necessary is missing: see above." if found.missing else "All that the course needs is here.")
    return "\n\n".join(parts)


def _wrapped(text: str, indent: str) -> str:
    return textwrap.fill(text, COLUMNS, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
