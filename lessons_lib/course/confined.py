"""The cells of one submission, run in a kernel that has its own process, folder, home, and limits of time and memory.

The grader speaks with the kernel over its shell channel alone and never listens to its outputs, so that a cell which prints without end
costs nobody memory; and it never waits for a kernel to end by itself.

What this keeps off are accidents: loops, crashes, deleted files, processes left behind. It is no prison. A submission runs as the
user who grades: it can read what that user can read, write verdicts of its own, or delete files by their full path. Grade the work of
people you do not trust in a container or under a throwaway account.
"""

import contextlib
import json
import math
import os
import queue
import signal
import site
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from lessons_lib.course.places import absolute_data_dir, import_path
from lessons_lib.course.processes import descendants, kill_all, resident_megabytes
from lessons_lib.runtime import hub_home

STARTUP_SECONDS = 180
GRACE_SECONDS = 5
_TICK = 0.2
_MARK = "LESSONS_GRADED_RUN"
_MOST_VERDICTS = 100_000  # bytes a cell
_LARGEST_REPLY = 10_000_000  # bytes
# - `-P` and the early import: a folder lessons_lib among the submitted files does not take the place of this one.
# - What is printed goes to the kernel's own standard output, which is nowhere. Sent as messages that nobody takes it would fill the
#   kernel's memory, as would IPython's habit of keeping it (`_tee`; where a later IPython names that otherwise, the limit still holds).
_KERNEL = """
import contextlib, lessons_lib.exercises
from IPython.core.interactiveshell import InteractiveShell
from ipykernel.kernelapp import IPKernelApp

InteractiveShell._tee = lambda shell, channel: contextlib.nullcontext()
IPKernelApp.launch_instance(outstream_class=None)
"""
# A cell that fails before its import of `check` would otherwise take the later exercises with it.
_PREPARATION = "from lessons_lib.exercises import check"


@dataclass(frozen=True)
class Limits:
    """What a submission may use.

    Attributes:
        cell_seconds: seconds a cell.
        seconds: seconds in all, without the kernel's start.
        megabytes: resident memory of all its processes together, and memory that each of them may ask for.
        threads: of PyTorch; if None, as many as it takes by itself.
    """

    cell_seconds: float = 180
    seconds: float = 600
    megabytes: int = 3000
    threads: int | None = None


@dataclass
class Outcome:
    """What came of a run: the last verdict of each key that had one, the names of the cells that ended well, what went wrong in words, and
    seconds from first cell to last. A stub, such as the copy of a cell, takes no verdict back."""

    verdicts: dict[str, str] = field(default_factory=dict)
    ended_well: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    seconds: float = 0.0


class _Ended(Exception):
    """The kernel cannot go on; the message says why, to stand after the name of the cell."""


def run_cells(
    cells: Mapping[str, tuple[str, Collection[str]]], files: Mapping[str, bytes], limits: Limits, stop: threading.Event
) -> Outcome:
    """Run code cells in their order in a kernel of their own.

    A cell that raises, or runs too long and heeds the interrupt, does not stop the later ones. After one that ends the kernel, or has to
    be ended with it, nothing more runs.

    Args:
        cells: name of a cell, to be called by in remarks -> its source, and the keys of the exercises whose verdict it may give.
        files: path in the kernel's folder -> content.
        limits: what it may use.
        stop: when set, the run is given up.

    Returns:
        The outcome. A verdict counts only if it was given while a cell ran that holds the check of this exercise.
    """
    outcome = Outcome()
    with tempfile.TemporaryDirectory(prefix="lessons-", ignore_cleanup_errors=True) as folder:
        own = Path(folder)
        for name in ("work", "home", "tmp", "line", "packages"):
            (own / name).mkdir()
        for name, content in files.items():
            (own / "work" / name).parent.mkdir(parents=True, exist_ok=True)
            (own / "work" / name).write_bytes(content)
        # Held open from here on: what a submission puts in this file's place is never opened.
        with open(own / "line" / "verdicts", "x+b") as verdicts, _Kernel(own, limits, stop) as kernel:
            try:
                kernel.start()
            except _Ended as end:
                outcome.remarks.append(f"not run: the step before its first cell {end} (does `lessons notebooks run` work here?)")
                return outcome
            begin = time.monotonic()
            for name, (source, keys) in cells.items():
                try:
                    if remark := kernel.run(source, limits.cell_seconds, begin + limits.seconds):
                        outcome.remarks.append(f"{name} {remark}")
                    else:
                        outcome.ended_well.append(name)
                except _Ended as end:
                    outcome.remarks.append(f"{name} {end}")
                    break
                finally:
                    _take_over(_new_verdicts(_last_bytes(verdicts), keys), outcome.verdicts)
            outcome.seconds = time.monotonic() - begin
    return outcome


def _last_bytes(file: BinaryIO) -> bytes:
    """What was added since the last read, at most so much from its end."""
    begin, end = file.tell(), file.seek(0, os.SEEK_END)
    file.seek(max(begin, end - _MOST_VERDICTS))
    return file.read(end - file.tell())


def _take_over(new: dict[str, str], verdicts: dict[str, str]) -> None:
    verdicts |= {key: verdict for key, verdict in new.items() if key not in verdicts or verdict != "not attempted"}


def _new_verdicts(data: bytes, keys: Collection[str]) -> dict[str, str]:
    """The last verdict on each of `keys` in the lines that a cell has added; lines of another form are nobody's verdict."""
    found: dict[str, str] = {}
    for line in data.splitlines():
        with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
            entry = json.loads(line)
            if entry["key"] in keys and entry["verdict"] in ("right", "wrong", "not attempted"):
                _take_over({entry["key"]: entry["verdict"]}, found)
    return found


class _Kernel:
    """An IPython kernel behind its guard; on leaving, it and every process that came from it is killed."""

    def __init__(self, folder: Path, limits: Limits, stop: threading.Event) -> None:
        from jupyter_client.blocking import BlockingKernelClient
        from jupyter_client.connect import write_connection_file

        self._limits, self._stop = limits, stop
        self._mark = uuid.uuid4().hex
        socket = str(folder / "line" / "kernel")
        by_file = os.name != "nt" and len(socket) < 90  # no port that another kernel could take; a socket's path has at most 103 letters
        transport = {"transport": "ipc", "ip": socket} if by_file else {}
        file, _ = write_connection_file(str(folder / "line" / "kernel.json"), key=uuid.uuid4().hex.encode(), **transport)
        self._client = BlockingKernelClient(connection_file=file)
        self._client.load_connection_file()
        self._client.context.maxmsgsize = _LARGEST_REPLY  # the words of an exception can be a gigabyte
        guard = [sys.executable, "-I", str(Path(__file__).with_name("guard.py")), str(limits.megabytes)]
        kernel = [sys.executable, "-P", "-c", _KERNEL, "-f", file, "--IPKernelApp.log_level=50"]
        self._process = subprocess.Popen(
            guard + kernel,
            cwd=folder / "work",
            env=_environment(folder, limits.threads) | {_MARK: self._mark},
            stdin=subprocess.PIPE,  # nothing is written: by its end the guard knows that the grader is gone
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def __enter__(self) -> "_Kernel":
        return self

    def __exit__(self, *_: object) -> None:
        kill_all(self._process, _MARK, self._mark)
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._client.stop_channels()

    def start(self) -> None:
        """Wait until the kernel answers. Raises _Ended if it does not."""
        self._client.start_channels(shell=True, iopub=False, stdin=False, hb=False, control=True)
        if remark := self.run(_PREPARATION, STARTUP_SECONDS, math.inf):
            raise _Ended(remark)

    def run(self, source: str, seconds: float, deadline: float) -> str:
        """Run one cell; return what went wrong in words, or nothing. Raises _Ended if the kernel is gone or has to go."""
        message = self._client.execute(source, allow_stdin=False, stop_on_error=False)
        patience = min(seconds, deadline - time.monotonic())
        reply = self._reply(message, patience)
        if reply is not None:
            return "" if reply["status"] == "ok" else f"raised {str(reply.get('ename', 'an error'))[:40]}"
        if patience < seconds:
            raise _Ended(f"was running when the {self._limits.seconds:g} s for all cells were over")
        self._client.control_channel.send(self._client.session.msg("interrupt_request", {}))
        if self._reply(message, GRACE_SECONDS) is None:
            raise _Ended(f"ran longer than {seconds:g} s and did not heed the interrupt")
        return f"ran longer than {seconds:g} s and was stopped"

    def _reply(self, message: str, seconds: float) -> dict[str, Any] | None:
        """The kernel's answer to this message, or None if there is none after so many seconds."""
        end = time.monotonic() + seconds
        while True:
            try:
                answer = self._client.get_shell_msg(timeout=max(0.0, min(_TICK, end - time.monotonic())))
            except (queue.Empty, ValueError):  # nothing yet, or nothing that this kernel has signed
                answer = {}
            self._look()
            if answer.get("parent_header", {}).get("msg_id") == message:
                return answer["content"]
            if time.monotonic() >= end:
                return None

    def _look(self) -> None:
        """Raise _Ended if the kernel is gone, holds too much memory, or the run is given up."""
        if self._stop.is_set():
            raise _Ended("was running when the grading was given up")
        held = resident_megabytes(descendants(self._process.pid))
        if held > self._limits.megabytes:
            raise _Ended(f"held {held:.0f} MB, more than the {self._limits.megabytes} MB allowed, and was stopped")
        if self._process.poll() is not None:
            raise _Ended(f"ended the kernel ({_how_it_ended(self._process.returncode)})")


def _how_it_ended(status: int) -> str:
    """An exit status in words; the guard's own is that of the kernel, 256 less a signal's number included."""
    if status < 0:
        return "the process above it was killed"
    if status == 255:  # what a program chooses that ends itself, rather than SIGHUP
        return "exit status 255"
    try:
        return signal.Signals(256 - status).name
    except ValueError:
        return f"exit status {status}"


def _environment(folder: Path, threads: int | None) -> dict[str, str]:
    """This process's environment, with a home and places for packages and temporary files in `folder`."""
    elsewhere = {"MPLBACKEND", "MPLCONFIGDIR", "IPYTHONDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"}
    kept = {name: value for name, value in os.environ.items() if name not in elsewhere}
    home, temporary = str(folder / "home"), str(folder / "tmp")
    return {
        # Packages and data sets that were installed or fetched under the real home are still found.
        "PYTHONUSERBASE": site.getuserbase(),
        "HF_HOME": str(hub_home()),
        **kept,
        **{name: home for name in ("HOME", "USERPROFILE")},
        **{name: temporary for name in ("TMPDIR", "TEMP", "TMP")},
        # What a cell installs with pip is this submission's own.
        "PIP_TARGET": str(folder / "packages"),
        "PYTHONPATH": os.pathsep.join([import_path(), str(folder / "packages")]),
        **absolute_data_dir(),
        **({} if threads is None else {"OMP_NUM_THREADS": str(threads)}),
        "PYTHONIOENCODING": "utf-8:backslashreplace",
        "LESSONS_VERDICTS": str(folder / "line" / "verdicts"),
    }
