"""The house stands as CONTRIBUTING.md draws it: its picture is read here, and every import of `lessons_lib` is held to it."""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "lessons_lib"
FLOORS = ("base", "model", "run", "use")
DRAWING = {"IPython", "anywidget", "ipywidgets", "matplotlib"}
ONLY_ABOVE_RUN = DRAWING | {"fastapi", "typer", "uvicorn"}
LONGEST_FILE = 300

House = dict[str, tuple[str, int]]
"""Room -> (its floor, its place counted from the ground): an import goes only to a lower place."""


def read_house(contributing: str) -> House:
    """Read the picture: a line a floor, `floor │ room  room  …`, built from base upwards and from left to right."""
    drawn = dict(re.findall(r"^\W*(base|model|run|use)\s*│(.*)$", contributing, re.MULTILINE))
    house: House = {}
    for floor in FLOORS:
        for room in re.findall(r"\w+", drawn[floor]):
            assert room not in house, f"{room} is drawn twice"
            house[room] = (floor, len(house))
    return house


def modules(tree: Path) -> dict[str, Path]:
    """Dotted name -> file, for every Python file of the package under `tree`."""
    found = {}
    for file in sorted((tree / PACKAGE).rglob("*.py")):
        parts = file.relative_to(tree).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def imports(name: str, file: Path) -> Iterator[str]:
    """Dotted names that a file imports anywhere in it, inside functions and `if TYPE_CHECKING` too; relative ones made absolute."""
    package = name.split(".") if file.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])]) if node.level else node.module
            yield from (f"{base}.{alias.name}" for alias in node.names)


def graph(tree: Path) -> dict[str, set[str]]:
    """Module -> modules of the package it imports. `from package import name` means the module `name` where there is one."""
    known = modules(tree)
    edges: dict[str, set[str]] = {}
    for name, file in known.items():
        targets = set()
        for wanted in imports(name, file):
            if wanted.split(".")[0] == PACKAGE:
                targets.add(wanted if wanted in known else wanted.rpartition(".")[0])
        edges[name] = targets - {name}
    return edges


def room(name: str) -> str:
    """The room of a module: `lessons_lib.figures.house` lies in `figures`; the package itself in none (an empty string)."""
    return name.split(".")[1] if "." in name else ""


def homeless(tree: Path, house: House) -> list[str]:
    rooms = {room(name) for name in modules(tree)} - {"", "__main__"}
    return [f"{PACKAGE}.{name} has no place in CONTRIBUTING.md's picture" for name in sorted(rooms - set(house))]


def uphill(tree: Path, house: House) -> list[str]:
    complaints = []
    for name, targets in graph(tree).items():
        own = house.get(room(name), ("use", len(house)))[1]
        for target in sorted(targets):
            if target == PACKAGE or room(target) == room(name):
                continue
            if house.get(room(target), ("use", len(house)))[1] >= own:
                complaints.append(f"{name} imports {target}, which stands above it")
    return complaints


def circles(tree: Path, house: House) -> list[str]:
    """A circle of files, also one inside a room. The package's own `__init__` counts as any file."""
    edges, done, complaints = graph(tree), set(), []

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            complaints.append(" -> ".join([*path[path.index(name) :], name]))
        elif name not in done:
            for target in sorted(edges.get(name, ())):
                visit(target, (*path, name))
            done.add(name)

    for name in edges:
        visit(name, ())
    return complaints


def misplaced(tree: Path, house: House) -> list[str]:
    """Drawing belongs to figures and widgets (showing with IPython to any room of *use*), the web and the command line to *use*."""
    complaints = []
    for name, file in modules(tree).items():
        floor = house.get(room(name), ("use", 0))[0]
        forbidden = ONLY_ABOVE_RUN if floor != "use" or name == PACKAGE else set()
        if room(name) not in {"figures", "widgets"}:
            forbidden = forbidden | (DRAWING - {"IPython"})
        used = {wanted.split(".")[0] for wanted in imports(name, file)}
        complaints += [f"{name} ({floor}) imports {library}" for library in sorted(used & forbidden)]
    return complaints


def long_files(tree: Path, house: House) -> list[str]:
    sizes = {name: len(file.read_text(encoding="utf-8").splitlines()) for name, file in modules(tree).items()}
    return [f"{name} has {size} lines, {LONGEST_FILE} are allowed" for name, size in sizes.items() if size > LONGEST_FILE]


def catch_alls(tree: Path, house: House) -> list[str]:
    return [
        f"{name}: say what it is for instead"
        for name in modules(tree)
        if name.split(".")[-1] in {"utils", "util", "helpers", "common", "misc"}
    ]


RULES = [homeless, uphill, circles, misplaced, long_files, catch_alls]
Rule = Callable[[Path, House], list[str]]


@pytest.fixture(scope="module")
def house() -> House:
    return read_house((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps(rule: Rule, house: House) -> None:
    assert rule(ROOT, house) == []


def test_every_room_that_is_drawn_exists(house: House) -> None:
    assert len(modules(ROOT)) > 20
    assert sorted(set(house) - {room(name) for name in modules(ROOT)}) == []


SMALL_HOUSE = read_house("use │ figures  cli\n run │ training\n model │ attention  layers\nbase │ config  grammar\n")
WHOLE = {
    "config.py": "import json\n",
    "grammar/__init__.py": "from lessons_lib.grammar.lexicon import WORDS\n",
    "grammar/lexicon.py": "WORDS = ()\n",
    "layers.py": "from lessons_lib import attention\nfrom .config import ModelConfig\n",
    "attention.py": "import torch\n",
    "training.py": "def fit():\n    from lessons_lib.layers import Layer\n",
    "figures/house.py": "import matplotlib\nfrom ..training import fit\n",
    "figures/__init__.py": "",
    "cli.py": "import typer\nfrom IPython.display import HTML\n",
    "__init__.py": "",
    "__main__.py": "from lessons_lib.cli import main\n",
}
BROKEN: list[tuple[Rule, dict[str, str], str]] = [
    (homeless, {"extra.py": ""}, "lessons_lib.extra has no place"),
    (homeless, {"extra/__init__.py": ""}, "lessons_lib.extra has no place"),
    (uphill, {"config.py": "from lessons_lib.attention import x\n"}, "lessons_lib.config imports lessons_lib.attention"),
    (uphill, {"attention.py": "from lessons_lib import layers\n"}, "lessons_lib.attention imports lessons_lib.layers"),
    (uphill, {"layers.py": "def f():\n    import lessons_lib.training\n"}, "lessons_lib.layers imports lessons_lib.training"),
    (uphill, {"grammar/lexicon.py": "from ..layers import x\n"}, "lessons_lib.grammar.lexicon imports lessons_lib.layers"),
    (uphill, {"figures/house.py": "from .. import cli\n"}, "lessons_lib.figures.house imports lessons_lib.cli"),
    (
        uphill,
        {"training.py": "from lessons_lib.grammar import words\nfrom lessons_lib.figures import house\n"},
        "imports lessons_lib.figures.house",
    ),
    (
        circles,
        {"grammar/lexicon.py": "from lessons_lib.grammar import nouns\n", "grammar/nouns.py": "from .lexicon import WORDS\n"},
        "nouns -> ",
    ),
    (circles, {"grammar/lexicon.py": "from lessons_lib.grammar import sentence\n"}, "lessons_lib.grammar -> lessons_lib.grammar.lexicon"),
    (misplaced, {"training.py": "def plot():\n    import matplotlib.pyplot as plt\n"}, "lessons_lib.training (run) imports matplotlib"),
    (misplaced, {"config.py": "from IPython.display import HTML\n"}, "lessons_lib.config (base) imports IPython"),
    (misplaced, {"grammar/lexicon.py": "import typer\n"}, "lessons_lib.grammar.lexicon (base) imports typer"),
    (misplaced, {"attention.py": "import ipywidgets as widgets\n"}, "lessons_lib.attention (model) imports ipywidgets"),
    (misplaced, {"layers.py": "from fastapi import FastAPI\n"}, "lessons_lib.layers (model) imports fastapi"),
    (misplaced, {"cli.py": "import matplotlib\n"}, "lessons_lib.cli (use) imports matplotlib"),
    (long_files, {"config.py": "x = 1\n" * 301}, "lessons_lib.config has 301 lines"),
    (catch_alls, {"grammar/utils.py": ""}, "lessons_lib.grammar.utils"),
]


def build(tree: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        file = tree / PACKAGE / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return tree


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_no_rule_complains_about_a_sound_house(rule: Rule, tmp_path: Path) -> None:
    assert rule(build(tmp_path, WHOLE), SMALL_HOUSE) == []


@pytest.mark.parametrize(("rule", "change", "complaint"), BROKEN, ids=lambda value: getattr(value, "__name__", ""))
def test_each_rule_sees_it_broken(rule: Rule, change: dict[str, str], complaint: str, tmp_path: Path) -> None:
    complaints = rule(build(tmp_path, WHOLE | change), SMALL_HOUSE)
    assert any(complaint in text for text in complaints), complaints


def test_importing_the_package_brings_nothing_heavy() -> None:
    question = "import sys, lessons_lib; print(sorted({'torch', 'numpy', 'matplotlib', 'datasets', 'IPython'} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", question], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
