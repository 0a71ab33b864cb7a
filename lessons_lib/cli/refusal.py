"""How a command says no: a few lines on standard error, and exit status 2."""

import sys

MOST_LINES = 4


class Refusal(Exception):
    """A request that cannot be met; the message names what was given, what is allowed, and what to do."""


def complain(command: str, message: str, hint: str = "") -> None:
    """Write a message to standard error under the command's name, in at most `MOST_LINES` lines, the hint as the last one."""
    lines = [line.rstrip() for line in message.splitlines() if line.strip()] or ["it failed without a reason"]
    room = MOST_LINES - bool(hint)
    if len(lines) > room:
        lines = [*lines[: room - 1], f"… and {len(lines) - room + 1} lines more"]
    print("\n".join([f"{command}: {lines[0]}", *lines[1:], *filter(None, [hint])]), file=sys.stderr)


def system_reason(error: OSError) -> str:
    """What the system says, without its number: `runs/a: Permission denied`."""
    reason = error.strerror or str(error) or type(error).__name__
    return f"{error.filename}: {reason}" if error.filename is not None else reason
