"""`make lab` and the set-up behind it, with a Python that only writes down what it was asked."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = ["Makefile", "pyproject.toml", "requirements", "settings"]
CPU_INDEX = "--index-url https://download.pytorch.org/whl/cpu"
PRETENDER = """#!/bin/sh
echo "$(basename "$0") $*" >> "$LOG"
case "$*" in
*version_info*) exit ${TOO_OLD:-0} ;;
*ensurepip*) exit ${NO_VENV:-0} ;;
--version) echo "Python 3.9.2" ;;
"-m venv "*) mkdir -p .venv/bin && cp "$0" .venv/bin/python && cp "$0" .venv/bin/jupyter ;;
"lab "*) echo "${PATH%%:*}" > "$LOG.path" ;;
*whl/cpu*) exit ${NO_CPU_INDEX:-0} ;;
*" -r requirements/"*) exit ${NO_NETWORK:-0} ;;
"labextension "*) [ -z "$NO_LABEXTENSION" ] || { echo "there is no such extension" >&2; exit 1; } ;;
esac
"""
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


class House:
    """A copy of the set-up files in a folder of its own, with a pretended Python and a pretended nvidia-smi."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log, tools = folder / "house", folder / "log", folder / "tools"
        self.folder.mkdir()
        tools.mkdir()
        for name in FILES:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, self.folder / name)
        self.python, self.nvidia_smi = tools / "python3", tools / "nvidia-smi"
        self.write(self.python, PRETENDER)
        self.write(self.nvidia_smi, "#!/bin/sh\nexit 1\n")

    def write(self, tool: Path, text: str) -> None:
        tool.write_text(text)
        tool.chmod(tool.stat().st_mode | stat.S_IXUSR)

    def make(self, *words: str, **settings: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
        """Run make; return how it ended and what was asked of Python, pip and jupyter meanwhile."""
        self.log.write_text("")
        clean = {
            name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PORT", "ARGS", "PYTHON"}
        }
        environment = clean | settings | {"LOG": str(self.log)}
        command = ["make", f"PYTHON={self.python}", *words]
        environment["PATH"] = f"{self.python.parent}{os.pathsep}{environment['PATH']}"
        ended = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        return ended, [line for line in self.log.read_text().splitlines() if "install" in line or line.startswith("jupyter")]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_a_fresh_lab_installs_the_lock_then_torch_for_cpus_then_the_package(house: House) -> None:
    ended, (lock, torch, package, lab) = house.make("lab")
    assert ended.returncode == 0, ended.stderr
    assert lock.endswith("install -r requirements/learner.txt")
    assert CPU_INDEX in torch and "--retries 0 --timeout 5" in torch and torch.endswith("-r requirements/torch.txt")
    assert package.endswith("install --no-deps --no-build-isolation -e .")
    assert lab.startswith("jupyter lab --port=8888 --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb")
    assert Path(f"{house.log}.path").read_text().strip() == str(house.folder / ".venv" / "bin"), (
        "a terminal in JupyterLab has to find `lessons`"
    )
    assert ("--allow-root" in lab) == (os.geteuid() == 0)


def test_setup_installs_what_lab_does_and_opens_nothing(house: House) -> None:
    ended, asked = house.make("setup")
    assert ended.returncode == 0 and len(asked) == 3 and not any(line.startswith("jupyter lab") for line in asked)
    assert [line.split()[0] for line in house.make("lab")[1]] == ["jupyter"]


def test_a_copied_folder_is_told_to_make_an_environment_of_its_own(house: House, tmp_path: Path) -> None:
    house.make("lab")
    first, house.folder = house.folder, tmp_path / "copy"
    shutil.copytree(first, house.folder)
    ended, asked = house.make("lab")
    assert ended.returncode == 2 and f"made in another folder, {first}. Here make its own: make clean" in ended.stderr and not asked
    assert house.make("clean")[0].returncode == 0
    assert house.make("lab")[0].returncode == 0


def test_a_second_lab_installs_nothing_and_passes_port_and_words_on(house: House) -> None:
    house.make("lab")
    _, asked = house.make("lab", "PORT=9000", "ARGS=--no-browser --ip=0.0.0.0")
    assert len(asked) == 1
    assert asked[0].startswith("jupyter lab --port=9000") and asked[0].endswith("--no-browser --ip=0.0.0.0")


def test_where_the_cpu_index_does_not_answer_torch_comes_as_pip_finds_it(house: House) -> None:
    ended, asked = house.make("lab", NO_CPU_INDEX="1")
    assert ended.returncode == 0
    assert CPU_INDEX in asked[1]
    assert asked[2].endswith("install -c requirements/learner.txt -r requirements/torch.txt")


def test_with_an_nvidia_gpu_the_cpu_build_is_not_asked_for(house: House) -> None:
    house.write(house.nvidia_smi, "#!/bin/sh\nexit 0\n")
    _, asked = house.make("lab")
    assert not any(CPU_INDEX in line for line in asked)
    assert asked[1].endswith("install -c requirements/learner.txt -r requirements/torch.txt")


def test_an_installation_that_fails_is_not_taken_for_done(house: House) -> None:
    ended, asked = house.make("lab", NO_NETWORK="1")
    assert ended.returncode != 0
    assert not any(line.startswith("jupyter") for line in asked)
    ended, asked = house.make("lab")
    assert ended.returncode == 0
    assert asked[0].endswith("-r requirements/learner.txt")


def test_a_changed_lock_is_installed_again(house: House) -> None:
    house.make("lab")
    lock = house.folder / "requirements" / "learner.txt"
    later = (house.folder / ".venv" / ".learner-installed").stat().st_mtime + 5
    os.utime(lock, (later, later))
    _, asked = house.make("lab")
    assert asked[0].endswith("-r requirements/learner.txt")


def test_the_tests_set_up_holds_the_learners_and_switches_nbgraders_buttons_off(house: House) -> None:
    _, asked = house.make(".venv/.dev-installed")
    assert asked[0].endswith("install --no-deps -r requirements/dev.txt")
    assert asked[-1] == "jupyter labextension disable --level=sys_prefix @jupyter/nbgrader"
    _, asked = house.make("lab")
    assert [line.split()[1] for line in asked] == ["lab"]


def test_buttons_that_cannot_be_switched_off_end_the_set_up_with_the_reason(house: House) -> None:
    ended, _ = house.make(".venv/.dev-installed", NO_LABEXTENSION="1")
    assert ended.returncode != 0 and "there is no such extension" in ended.stderr


@pytest.mark.parametrize(
    ("trouble", "said"),
    [("TOO_OLD", ["3.11", "Python 3.9.2", "PYTHON=python3.12"]), ("NO_VENV", ["apt install python3-venv"])],
)
def test_what_is_missing_is_named_before_anything_is_made(house: House, trouble: str, said: list[str]) -> None:
    ended, asked = house.make("lab", **{trouble: "1"})
    assert ended.returncode != 0
    assert [text for text in said if text not in ended.stderr] == []
    assert asked == []
    assert not (house.folder / ".venv").exists()


def test_help_names_every_command(house: House) -> None:
    ended, _ = house.make()
    targets = [line.split(":")[0] for line in (ROOT / "Makefile").read_text().splitlines() if ": " in line and " ## " in line]
    assert {"lab", "test", "test-matrix", "build"} <= set(targets)
    assert [target for target in targets if f"make {target} " not in ended.stdout] == []
