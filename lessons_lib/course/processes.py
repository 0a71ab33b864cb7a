"""Processes that came from one that was started here: how much memory they hold, and how all of them are ended."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psutil import Process

_ROUNDS = 20


def descendants(process_id: int) -> "list[Process]":
    """The process and all its descendants that are alive."""
    import psutil

    try:
        process = psutil.Process(process_id)
        return [member for member in (process, *process.children(recursive=True)) if _lives(member)]
    except psutil.Error:  # it has ended
        return []


def resident_megabytes(processes: "Iterable[Process]") -> float:
    """Resident memory of the processes together, in MB; a page that two of them share counts twice."""
    import psutil

    total = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):  # ended in this moment
            total += process.memory_info().rss
    return total / 1e6


def kill_all(process: "subprocess.Popen[bytes]", variable: str, mark: str) -> None:
    """Kill a process and what came from it, also what has a session of its own or has lost its parent.

    Args:
        process: the first of them; it is waited for.
        variable: an environment variable that only they have inherited.
        mark: its value.
    """
    import psutil

    for _ in range(_ROUNDS):  # each meets what was forked during the last one
        victims = {victim.pid: victim for victim in descendants(process.pid) + _marked(variable, mark)}
        _kill_groups(victims)
        for victim in victims.values():
            with contextlib.suppress(psutil.Error):
                victim.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=1)
        if not victims:
            return


def _kill_groups(victims: Iterable[int]) -> None:
    """Kill the process groups of these, each at one blow: what forks faster than its processes are found would outrun a list of them."""
    if not hasattr(os, "killpg"):  # Windows
        return
    groups = set()
    for victim in victims:
        with contextlib.suppress(OSError):  # ended in this moment
            groups.add(os.getpgid(victim))
    for group in groups - {os.getpgrp()}:
        with contextlib.suppress(OSError):
            os.killpg(group, signal.SIGKILL)


def _marked(variable: str, mark: str) -> "list[Process]":
    import psutil

    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):  # another user's, or ended
            if process.environ().get(variable) == mark and _lives(process):
                found.append(process)
    return found


def _lives(process: "Process") -> bool:
    import psutil

    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
