"""The set-up is one: addresses, versions and files that say the same thing in several places are held equal here."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import lessons_lib
from lessons_lib.course.places import is_named_like_a_lesson

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ADDRESS = PROJECT["urls"]["Repository"]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LOCKS = ("learner", "dev")
CUDA = re.compile(r"^(nvidia|cuda|triton|torch)", re.MULTILINE)
needs_the_venv = pytest.mark.skipif(
    Path(sys.prefix) != ROOT / ".venv", reason="checks what make installed into .venv; this is another Python"
)


def lock_text(name: str) -> str:
    return (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")


def pins(name: str) -> list[Requirement]:
    """The lines of a requirements file, without comments."""
    return [Requirement(line) for line in lock_text(name).splitlines() if line and not line.startswith("#")]


def versions(name: str) -> dict[str, list[str]]:
    """Canonical name -> the versions pinned (several where they depend on the Python)."""
    found: dict[str, list[str]] = {}
    for pin in pins(name):
        (clause,) = pin.specifier
        assert clause.operator == "==", f"{pin} is no exact version"
        found.setdefault(canonicalize_name(pin.name), []).append(clause.version)
    return found


def environment(path: str) -> tuple[dict, list[str]]:
    """An environment file: its conda packages as name -> version, and the lines of its pip section."""
    read = yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))
    conda = [item for item in read["dependencies"] if isinstance(item, str)]
    (section,) = [item["pip"] for item in read["dependencies"] if isinstance(item, dict)]
    return {name: version for name, _, version in (item.partition("=") for item in conda)}, section


# --- one address ---


def test_badge_clone_line_and_citation_have_the_address_of_pyproject() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    badges = re.findall(r"mybinder\.org/v2/gh/([^/\s]+/[^/\s]+)/", README)
    assert [f"https://github.com/{name}" for name in badges] == [ADDRESS]
    assert re.findall(r"^git clone (\S+)$", README, re.MULTILINE) == [ADDRESS]
    assert re.findall(r"^git clone \S+\ncd (\S+)$", README, re.MULTILINE) == [ADDRESS.rpartition("/")[2]]
    assert citation["repository-code"] == ADDRESS
    assert citation["version"] == lessons_lib.__version__


def test_badge_and_commands_open_a_notebook_that_exists() -> None:
    opened = re.findall(r"(?:urlpath=|default_url=/)lab/tree/([^\s)]+)", README + (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert len(opened) == 4
    assert [path for path in opened if not (ROOT / path).is_file()] == []


# --- one set of versions ---


def test_the_locks_hold_every_range_of_pyproject() -> None:
    dependencies = [Requirement(text) for text in PROJECT["dependencies"]]
    for lock, wanted in {
        "learner": [need for need in dependencies if need.name != "torch"],
        "torch": [need for need in dependencies if need.name == "torch"],
        "dev": [Requirement(text) for text in PROJECT["optional-dependencies"]["dev"]],
    }.items():
        assert wanted
        pinned = versions(lock)
        for need in wanted:
            assert all(need.specifier.contains(version) for version in pinned[canonicalize_name(need.name)]), f"{need} and {lock}.txt"


def test_the_dev_lock_holds_the_learners_line_for_line() -> None:
    assert set(lock_text("learner").splitlines()) - set(lock_text("dev").splitlines()) == set()


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_holds_torch_cuda_or_an_address(lock: str) -> None:
    assert CUDA.findall(lock_text(lock)) == []
    assert re.findall(r"https?:|file:|--|/", lock_text(lock)) == []


def test_nbgrader_stays_out_of_the_learners_environment() -> None:
    assert "nbgrader" in versions("dev")
    assert "nbgrader" not in versions("learner")


def test_the_lock_holds_what_the_installed_torch_asks_for() -> None:
    needs = {canonicalize_name(Requirement(text).name): Requirement(text) for text in metadata.requires("torch") or []}
    asked = {name: need for name, need in needs.items() if "extra" not in str(need.marker) and not CUDA.match(name)}
    written = (ROOT / "requirements" / "torch-needs.in").read_text(encoding="utf-8").splitlines()
    assert {canonicalize_name(Requirement(line).name) for line in written if not line.startswith("#")} == set(asked)
    pinned = versions("learner")
    for name, need in asked.items():
        assert all(need.specifier.contains(version) for version in pinned[name]), f"torch wants {need}, the lock has {pinned[name]}"


def test_the_three_environment_files_are_in_step() -> None:
    root_conda, root_pip = environment("environment.yml")
    binder_conda, binder_pip = environment("binder/environment.yml")
    assert root_conda == binder_conda
    assert set(root_conda) == {"python", "pip"}
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(root_conda["python"])
    assert root_pip == ["-r requirements/torch.txt", "-r requirements/learner.txt", "-e ."]
    # In Binder the same files, found from the folder binder/, and the build of torch for CPUs.
    assert binder_pip == [
        "--extra-index-url https://download.pytorch.org/whl/cpu",
        "-r ../requirements/torch.txt",
        "-r ../requirements/learner.txt",
        "-e ..",
    ]


def test_repo2docker_reads_the_binder_folder() -> None:
    pytest.importorskip("repo2docker", reason="jupyter-repo2docker is not installed")
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(ROOT)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    said = answer.stdout + answer.stderr
    assert answer.returncode == 0, said[-2000:]
    assert f"python={environment('binder/environment.yml')[0]['python']}" in said
    assert '--file "binder/environment.yml"' in said


# --- what the code uses is declared, what is declared is installed ---


def third_party(folder: str, without: tuple[str, ...]) -> dict[str, str]:
    """Top-level names that the Python files of a folder import from elsewhere, each with one file that does."""
    found = {}
    files = [file for file in (ROOT / folder).rglob("*.py") if not {ROOT / left_out for left_out in without} & set(file.parents)]
    own = {"lessons_lib", "tests"} | {file.stem for file in files}
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            found |= {name.split(".")[0]: str(file.relative_to(ROOT)) for name in names}
    return {name: file for name, file in found.items() if name not in sys.stdlib_module_names | own}


@pytest.mark.parametrize(
    ("folder", "without", "extras"),
    [
        ("lessons_lib", ("lessons_lib/course", "lessons_lib/bench"), []),
        ("lessons_lib/course", (), ["dev"]),
        ("lessons_lib/bench", (), ["peers", "joeynmt"]),
        ("notebooks/source", (), []),
        ("tests", (), ["dev"]),
        ("scripts", (), ["dev"]),
    ],
)
def test_what_is_imported_is_declared(folder: str, without: tuple[str, ...], extras: list[str]) -> None:
    """A reader has no extras: only building notebooks and testing may use what `dev` brings, only the bench what its peers bring."""
    texts = PROJECT["dependencies"] + [text for extra in extras for text in PROJECT["optional-dependencies"][extra]]
    declared = {canonicalize_name(Requirement(text).name) for text in texts}
    distributions = metadata.packages_distributions()
    undeclared = {
        name: file
        for name, file in third_party(folder, without).items()
        if not declared & {canonicalize_name(distribution) for distribution in distributions.get(name, [name])}
    }
    assert undeclared == {}


@needs_the_venv
def test_make_installed_the_lock_version_for_version() -> None:
    wanted = {pin.name: next(iter(pin.specifier)).version for pin in pins("dev") if not pin.marker or pin.marker.evaluate()}
    wanted["torch"] = versions("torch")["torch"][0]
    installed = {name: metadata.version(name).partition("+")[0] for name in wanted}
    assert installed == wanted


@needs_the_venv
def test_jupyterlab_starts_without_news_and_without_nbgraders_buttons() -> None:
    settings = Path(sys.prefix) / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    assert json.loads(settings.read_text())["@jupyterlab/apputils-extension:notification"] == {
        "fetchNews": "false",
        "checkForUpdates": False,
    }
    page = json.loads((Path(sys.prefix) / "etc" / "jupyter" / "labconfig" / "page_config.json").read_text())
    assert page["disabledExtensions"] == {"@jupyter/nbgrader": True}


# --- the README tells of what exists ---


def test_the_readme_lists_exactly_the_notebooks_that_exist() -> None:
    rows = re.findall(r"^\| \[(\w+)\]\(notebooks/(\w+)\.ipynb\) \|(.*)\|$", README, re.MULTILINE)
    existing = sorted(file.stem for file in (ROOT / "notebooks").glob("*.ipynb") if is_named_like_a_lesson(file))
    assert [name for name, _, _ in rows] == [link for _, link, _ in rows] == existing
    assert all(cell.strip() for _, _, cells in rows for cell in cells.split("|"))
    assert existing == sorted(file.stem for file in (ROOT / "notebooks" / "source").glob("[0-9]*.py"))


def test_the_readmes_minutes_are_those_each_notebook_names() -> None:
    rows = re.findall(r"\(notebooks/(\w+)\.ipynb\) \|[^|]*\| (\d+) \|", README)
    for name, minutes in rows:
        source = (ROOT / "notebooks" / "source" / f"{name}.py").read_text(encoding="utf-8")
        (times,) = re.findall(r"\*\*Time:\*\* (\d+) minutes to read, (\d+) for the exercises", source)
        assert int(minutes) == sum(map(int, times)), name


def test_the_readme_says_what_each_notebook_takes_and_none_takes_too_much() -> None:
    rows = re.findall(r"^\| (\d\d) \| ([\d.]+) \| (\d+) \|$", README, re.MULTILINE)
    assert [number for number, _, _ in rows] == sorted(file.stem[:2] for file in (ROOT / "notebooks" / "source").glob("[0-9]*.py"))
    assert all(float(seconds) <= 120 and int(megabytes) <= 1500 for _, seconds, megabytes in rows)


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "LICENSES/README.md", "notebooks/glossary.md"])
def test_relative_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text)
    assert links
    assert [link for link in links if not ((ROOT / page).parent / link).exists()] == []
