"""What was handed in: the notebooks in a folder, and which lesson each of them is, told by the exercises that it asks for."""

import io
import json
import os
import re
import tokenize
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lessons_lib.course.places import CourseError, Lesson

LARGEST_NOTEBOOK = 50_000_000  # bytes
LARGEST_FOLDER = 200_000_000
_NO_CODE = {tokenize.COMMENT, tokenize.NL}
_KEY = r"[\"']([\w.]+)[\"']"
_CHECK = re.compile(rf"^[^#\n]*?\bcheck\(\s*{_KEY}", re.MULTILINE)


class Unusable(Exception):
    """A submission that cannot be run; the message says why, as a remark beside its name."""


class OtherLesson(Unusable):
    """A notebook of the course, but not the one that was set."""

    def __init__(self, lesson: Lesson, wanted: Lesson) -> None:
        super().__init__(f"not run: this is notebook {lesson.number}, {wanted.number} was set")
        self.lesson = lesson


@dataclass(frozen=True)
class Submission:
    """One notebook handed in.

    Attributes:
        name: its path in the folder, with slashes.
        path: where it lies.
        cells: sources of its code cells that hold anything, in order.
        unusable: why it cannot be run; empty if it can.
    """

    name: str
    path: Path
    cells: tuple[str, ...] = ()
    unusable: str = ""

    def files(self, folder: Path) -> dict[str, bytes]:
        """What its kernel's folder begins with: the notebook, and what lies beside it where it has a folder of its own.

        Args:
            folder: the folder that holds all submissions; a notebook directly in it comes alone.

        Returns:
            Relative path -> content. Links and what is hidden are left out.

        Raises:
            Unusable: if that is more than 200 MB, or cannot be read.
        """
        there = [self.path] if self.path.parent == folder else _files(self.path.parent)
        beside = [path for path in there if os.path.isfile(path) and not os.path.islink(path)]
        try:
            size = sum(path.stat().st_size for path in beside)
            if size > LARGEST_FOLDER:
                raise Unusable(f"not run: its folder holds {size / 1e6:.0f} MB, more than {LARGEST_FOLDER / 1e6:.0f}")
            return {path.relative_to(self.path.parent).as_posix(): path.read_bytes() for path in beside}
        except OSError as error:
            raise Unusable(f"not run: {error.strerror or error}") from None


def asked_for(code: str) -> list[str]:
    """Keys of the exercises whose `check("key", …)` stands in this code, in order, each once; those behind a # do not count."""
    try:
        tokens = [token for token in tokenize.generate_tokens(io.StringIO(code).readline) if token.type not in _NO_CODE]
    except (tokenize.TokenError, SyntaxError):  # a cell with magics, or one that does not run
        return list(dict.fromkeys(_CHECK.findall(code)))
    threes = zip(tokens, tokens[1:], tokens[2:], strict=False)
    found = [re.fullmatch(_KEY, key.string) for name, bracket, key in threes if (name.string, bracket.string) == ("check", "(")]
    return list(dict.fromkeys(key[1] for key in found if key))


def official_keys(lesson: Lesson) -> list[str]:
    """Keys of a lesson's exercises, in its order: from its source, or from the learner's notebook where the source is absent.

    Raises:
        CourseError: if what is there is not a notebook.
    """
    if lesson.source.exists():
        return asked_for(lesson.source.read_text(encoding="utf-8"))
    try:
        return asked_for("\n".join(_code_cells(lesson.learner)))
    except Unusable as reason:
        raise CourseError(f"{lesson.learner.name}: {reason}. Put it in place again: lessons notebooks reset {lesson.number}") from None


def find_submissions(folder: Path) -> list[Submission]:
    """Every notebook in a folder and below, by name, already read; a folder of the first level without one counts as one that is not there.

    All are read before any is run, so that none can change what another says.

    Raises:
        CourseError: if there is no such folder, or nothing in it to grade.
    """
    if not folder.is_dir():
        raise CourseError(f"{folder} is {'not a folder' if folder.exists() else 'not there'}. Give the folder that holds the submissions.")
    found = [_read(path, folder) for path in _files(folder) if is_notebook(path)]
    for below in folder.iterdir():
        if below.is_dir() and _is_shown(below.name) and not any(below in entry.path.parents for entry in found):
            nothing = "no notebook (.ipynb) in this folder" if os.access(below, os.R_OK | os.X_OK) else "this folder cannot be read"
            found.append(Submission(_name(below, folder), below, unusable=nothing))
    if not found:
        raise CourseError(f"{folder} holds no notebooks. Put the submissions into it, as NAME.ipynb or NAME/….ipynb.")
    return sorted(found, key=lambda submission: (submission.name.casefold(), submission.name))


def is_notebook(path: Path) -> bool:
    """Whether a file is called like a notebook."""
    return path.suffix.lower() == ".ipynb"


def left_out(folder: Path) -> list[str]:
    """Names of the files of the first level that are no notebooks: perhaps somebody's, packed or misnamed."""
    return sorted(path.name for path in folder.iterdir() if _is_shown(path.name) and not path.is_dir() and not is_notebook(path))


def recognise(submission: Submission, keys: dict[Lesson, list[str]], set_lesson: Lesson | None) -> Lesson:
    """The lesson that a submission is about, whatever its file is called: that with which it shares the most keys.

    Args:
        submission: one that was read.
        keys: lesson -> its keys.
        set_lesson: the lesson that was set, for a notebook whose keys name none.

    Raises:
        Unusable: if its keys name no lesson and none was set; OtherLesson if they name another than was set.
    """
    own = {key for cell in submission.cells for key in asked_for(cell)}
    shared = {lesson: len(own.intersection(known)) for lesson, known in keys.items()}
    best = max(shared, key=lambda lesson: (shared[lesson], lesson == set_lesson))
    if shared[best] == 0:
        if set_lesson is None:
            raise Unusable("not one of the course's notebooks: no cell checks an exercise (say which it is with --notebook NN)")
        return set_lesson
    if set_lesson is not None and best != set_lesson:
        raise OtherLesson(best, set_lesson)
    return best


def _is_shown(name: str) -> bool:
    """Whether a file or folder is neither hidden nor what a Mac packs beside the files."""
    return not name.startswith(".") and name != "__MACOSX"


def _files(folder: Path) -> list[Path]:
    """Files in a folder and below that are not hidden, and whatever else is called like a notebook; linked folders are not entered."""
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = filter(_is_shown, folders)
        found += [path for name in filter(_is_shown, names) if is_notebook(path := Path(place, name)) or os.path.isfile(path)]
    return sorted(found)


def _read(path: Path, folder: Path) -> Submission:
    try:
        if os.path.islink(path):
            raise Unusable("not run: a link, not a file")
        if not os.path.isfile(path):
            raise Unusable("not run: no file that can be read")
        return Submission(_name(path, folder), path, tuple(_code_cells(path)))
    except Unusable as reason:
        return Submission(_name(path, folder), path, unusable=str(reason))


def _name(path: Path, folder: Path) -> str:
    """The path as text that can be written, and found in a list: a file's name need not be UTF-8, and a Mac parts é into e and accent."""
    return unicodedata.normalize("NFC", os.fsencode(path.relative_to(folder).as_posix()).decode("utf-8", "replace"))


def _code_cells(path: Path) -> Sequence[str]:
    """Sources of the code cells of a notebook's file. Raises Unusable if it is none."""
    try:
        if path.stat().st_size > LARGEST_NOTEBOOK:
            raise Unusable(f"not run: larger than {LARGEST_NOTEBOOK / 1e6:.0f} MB (clear its outputs)")
        notebook = json.loads(path.read_bytes().decode("utf-8-sig"))
        if "worksheets" in notebook:
            raise Unusable("not run: an old format of notebooks; open it in JupyterLab and save it")
        cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        sources = [cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"]) for cell in cells]
    except OSError as error:
        raise Unusable(f"cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError):
        raise Unusable("not a notebook: its content is not JSON" + (" (the file is empty)" if path.stat().st_size == 0 else "")) from None
    except (KeyError, TypeError):
        raise Unusable("not a notebook: JSON, but without a notebook's cells") from None
    return [source for source in sources if source.strip()]
