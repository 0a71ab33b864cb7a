"""A small process between the grader and the kernel of one submission: it sets the limits, and nothing outlives it.

Run as a script, `python guard.py MEGABYTES COMMAND …`, because what it sets has to hold before the kernel is there. A submission that
kills its parent kills this process, not the grader; and when the grader itself is gone, this process ends the kernel.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading

LARGEST_FILE_MB = 1000


def main(megabytes: int, command: list[str]) -> int:
    """Run `command` to its end under the limits; return its exit status. When the grader is gone, and with it the other end of this
    process's standard input, it ends the command, itself and its process group."""
    _limit(megabytes)
    kernel = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    threading.Thread(target=_end_with_the_grader, args=[kernel], daemon=True).start()
    return kernel.wait()


def _end_with_the_grader(kernel: "subprocess.Popen[bytes]") -> None:
    os.read(0, 1)  # not sys.stdin: a thread that waits in it would abort this process at its end
    kernel.kill()
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)


def _limit(megabytes: int) -> None:
    """Limit the memory a process may ask for and the size of a file; no core dumps. Without such limits the grader's watch is alone."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return
    # RLIMIT_DATA counts what can be written. RLIMIT_AS would also count what torch maps without ever touching it.
    limits = {"RLIMIT_DATA": megabytes * 10**6, "RLIMIT_FSIZE": LARGEST_FILE_MB * 10**6, "RLIMIT_CORE": 0}
    for name, value in limits.items():
        with contextlib.suppress(AttributeError, ValueError, OSError):  # unknown here, or a lower limit holds already
            resource.setrlimit(getattr(resource, name), (value, value))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
