"""Where the notebooks live, and which of them a command is about."""

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

_SOURCE_NAME = re.compile(r"(\d{2})_\w+\.py")
_READERS_COPY = re.compile(r".+\.mine-\d+\.ipynb")


class CourseError(Exception):
    """Something about the notebooks that their reader or author has to mend; the message says what and how."""


@dataclass(frozen=True)
class Lesson:
    """One notebook of the course: `number` as text ("01"), `name` ("01_attention_by_hand"), `root` the repository's folder."""

    number: str
    name: str
    root: Path

    @property
    def source(self) -> Path:
        """The only file a person edits."""
        return self.root / "notebooks" / "source" / f"{self.name}.py"

    @property
    def learner(self) -> Path:
        """The notebook with the exercises open."""
        return self.root / "notebooks" / f"{self.name}.ipynb"

    @property
    def solved(self) -> Path:
        """The same notebook with the exercises solved."""
        return self.root / "notebooks" / "solutions" / f"{self.name}.ipynb"


def repository() -> Path:
    """The folder that holds `notebooks/` and `lessons_lib/`."""
    return Path(__file__).resolve().parents[2]


def import_path() -> str:
    """PYTHONPATH for a kernel that is started here: this repository's library first, then what the variable already names."""
    return os.pathsep.join(filter(None, [str(repository()), os.environ.get("PYTHONPATH")]))


def absolute_data_dir() -> dict[str, str]:
    """The variable LESSONS_DATA_DIR, where it is set, for a kernel that is started here but runs in another folder."""
    given = os.environ.get("LESSONS_DATA_DIR")
    return {"LESSONS_DATA_DIR": os.path.abspath(given)} if given else {}


def all_lessons(root: Path) -> list[Lesson]:
    """Every lesson, by number: each source is one; where there are none, each notebook that git knows, so that one deleted or renamed
    can be brought back; without git, each that is called like one. What a reader keeps beside the lessons is none of them.

    Raises CourseError when there is none, or when two of them share a number.
    """
    folder = root / "notebooks"
    names = {path.stem for path in (folder / "source").glob("*.py")}
    if not names:
        known = [root / line for line in (git(root, "ls-files", "--", "notebooks/*.ipynb") or "").splitlines()]
        there = [path for path in known if path.parent == folder] or folder.glob("*.ipynb")
        names = {path.stem for path in there if is_named_like_a_lesson(path)}
    if not names:
        raise CourseError(f"{folder} holds no notebooks. Run this from a clone of the course's repository.")
    lessons: dict[str, Lesson] = {}
    for name in sorted(names):
        match = _SOURCE_NAME.fullmatch(name + ".py")
        if not match:
            raise CourseError(f"notebooks: {name} is not named like 01_attention_by_hand (two digits, underscore, words). Rename it.")
        if match[1] in lessons:
            raise CourseError(f"notebooks: {lessons[match[1]].name} and {name} share the number {match[1]}. Rename one of them.")
        lessons[match[1]] = Lesson(match[1], name, root)
    return list(lessons.values())


def git(root: Path, *arguments: str) -> str | None:
    """What git prints, or None without git, outside a repository, or when it fails."""
    try:
        done = subprocess.run(
            ["git", "-c", f"safe.directory={root}", "-C", str(root), *arguments], capture_output=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


def choose(numbers: Sequence[str | int] | None, root: Path) -> list[Lesson]:
    """The lessons with these numbers ("01", "1", 1 or "01_attention_by_hand"); all of them for None or an empty sequence."""
    lessons = all_lessons(root)
    if not numbers:
        return lessons
    known = {lesson.number: lesson for lesson in lessons} | {lesson.name: lesson for lesson in lessons}
    wanted = [str(number).removesuffix(".ipynb").removesuffix(".py") for number in numbers]
    unknown = [number for number in wanted if not number or number.zfill(2) not in known]  # "".zfill(2) is "00"
    if unknown:
        there = ", ".join(lesson.number for lesson in lessons)
        raise CourseError(f"There is no notebook {', '.join(number or repr(number) for number in unknown)}. There are: {there}.")
    return list(dict.fromkeys(known[number.zfill(2)] for number in wanted))


def is_named_like_a_lesson(path: Path) -> bool:
    """Whether a notebook has a name such as 01_attention_by_hand: not a reader's copy, nor JupyterLab's (`…-Copy1`)."""
    return bool(_SOURCE_NAME.fullmatch(path.stem + ".py"))


def is_readers_copy(path: Path) -> bool:
    """Whether `path` is a copy of a reader's own work, set aside by `reset` or `build`."""
    return bool(_READERS_COPY.fullmatch(path.name))


def set_aside(path: Path) -> Path:
    """Give a reader's notebook a name of its own, `NN_name.mine-1.ipynb` (-2, … if that exists), and return it.

    Two callers at once cannot take the same name. Where `path` is a link, what it leads to is kept, since that is written over next.
    """
    for number in count(1):
        kept = path.with_name(f"{path.stem}.mine-{number}.ipynb")
        try:
            os.link(path.resolve(), kept)  # unlike a rename, this refuses to replace a file
        except FileExistsError:
            continue
        except OSError:  # a file system without hard links, or a link to another one
            try:
                with open(kept, "xb") as file:
                    file.write(path.read_bytes())
            except FileExistsError:
                continue
        return kept
    raise AssertionError("count() does not end")
