"""The contest: each contestant in a process of its own, all in turn, round after round.

A process of its own has its own memory, threads and allocator, so that none profits or suffers from what another one set up. Only one
works at a time; what the machine does meanwhile (others' work, heat) meets all of them, since they take turns.
"""

import contextlib
import dataclasses
import multiprocessing
import os
import socket
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True)
class Turn:
    """What was done in one turn.

    Attributes:
        tokens: real tokens, source and target, without padding.
        seconds: how long it took.
        values: whatever else was found, name → number. `cpu_seconds` is the time of all processors used, which on a machine that others use
            too says more than the clock; a turn that does more than what it times gives it, for any other the contest adds it.
        texts: what was written, where something is.
    """

    tokens: int
    seconds: float
    values: dict[str, float] = field(default_factory=dict)
    texts: tuple[str, ...] = ()


class System(Protocol):
    """A contestant, set up."""

    def turn(self, seconds: float) -> Turn:
        """Work for this long, and to the end of what has been begun by then."""
        ...

    def facts(self) -> dict[str, Any]:
        """What is asked once, before the first turn and outside its time."""
        ...


@dataclass(frozen=True)
class Contestant:
    """How a system is made.

    Attributes:
        name: as it stands in the table.
        make: makes it, in its process; must be picklable.
        threads: of each process.
        processes: above 1 they find each other as those of `torchrun` do.
    """

    name: str
    make: Callable[[], System]
    threads: int
    processes: int = 1


@dataclass
class Result:
    """What a contestant has done.

    Attributes:
        name: the contestant's.
        facts: of its system.
        turns: one a round, without the first, which only warms up.
        memory: the most that its processes held, in bytes.
    """

    name: str
    facts: dict[str, Any]
    turns: list[Turn] = field(default_factory=list)
    memory: int = 0


class ContestError(RuntimeError):
    """A contestant failed; the message names it, and says how its traceback ends."""


def compete(
    contestants: list[Contestant],
    repeats: int,
    seconds: float,
    on_turn: Callable[[str, int, Turn], None] = lambda *_: None,
    warms_up: bool = True,
    results: list[Result] | None = None,
) -> list[Result]:
    """Let all of them take turns.

    Args:
        contestants: in the order in which they take turns.
        repeats: rounds that count; one more comes before them, in which each warms up.
        seconds: how long a turn lasts at least.
        on_turn: called after each turn with name, round (0 is the warm-up) and turn.
        warms_up: False leaves the round before them out, for turns so long that it does not matter.
        results: an empty list that is filled as the turns come, and still holds them where the contest does not reach its end.

    Raises:
        ContestError: if one of them fails.
    """
    results = [] if results is None else results
    teams: list[_Team] = []
    try:
        for contestant in contestants:  # one after the other: ten at once would fight for the cores
            teams.append(_Team(contestant))
        results += [Result(team.name, team.facts) for team in teams]
        for number in range(0 if warms_up else 1, repeats + 1):
            for team, result in zip(teams, results, strict=True):
                turn, result.memory = team.turn(seconds)
                if number:
                    result.turns.append(turn)
                on_turn(team.name, number, turn)
        return results
    finally:
        for team in teams:
            team.end()


class _Team:
    """The processes of one contestant, seen from outside."""

    def __init__(self, contestant: Contestant) -> None:
        self.name = contestant.name
        context = multiprocessing.get_context("spawn")
        port = _free_port() if contestant.processes > 1 else 0
        self.lines: list[Connection] = []
        self.members = []
        for rank in range(contestant.processes):
            ours, theirs = context.Pipe()
            member = context.Process(target=_serve, args=(theirs, contestant, rank, port), daemon=True)
            member.start()
            theirs.close()
            self.lines.append(ours)
            self.members.append(member)
        try:
            self.facts = self._answers()[0]
        except BaseException:
            self.end()
            raise

    def turn(self, seconds: float) -> tuple[Turn, int]:
        for line in self.lines:
            with contextlib.suppress(OSError):  # its process is gone: that it does not answer says so
                line.send(seconds)
        answers = self._answers()
        first = answers[0][0]
        counted = dataclasses.replace(first, values=first.values | {"cpu_seconds": sum(cpu for _, cpu, _ in answers)})
        return counted, sum(memory for _, _, memory in answers)

    def _answers(self) -> list[Any]:
        """One answer a process, in the order of the processes; heard as they come, since one that failed leaves the others waiting."""
        answers: dict[int, Any] = {}
        while len(answers) < len(self.lines):
            for line in wait([line for i, line in enumerate(self.lines) if i not in answers]):
                try:
                    fine, answer = line.recv()
                except (EOFError, OSError):
                    fine, answer = False, "its process ended without a word; was it killed for its memory?"
                if not fine:
                    raise ContestError(f"{self.name} failed: {answer.strip().splitlines()[-1]}")
                answers[self.lines.index(line)] = answer
        return [answers[i] for i in range(len(self.lines))]

    def end(self) -> None:
        for line in self.lines:
            line.close()
        for member in self.members:
            member.join(timeout=0.5)
            if member.is_alive():
                member.terminate()
                member.join()


def _serve(line: Connection, contestant: Contestant, rank: int, port: int) -> None:
    """What runs in a contestant's process: take turns until the line closes."""
    if contestant.processes > 1:
        os.environ.update(RANK=str(rank), WORLD_SIZE=str(contestant.processes), MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    import torch

    try:
        torch.set_num_threads(contestant.threads)
        system = contestant.make()
        line.send((True, system.facts()))
        while True:
            wanted, began = line.recv(), time.process_time()
            turn = system.turn(wanted)
            used = turn.values.get("cpu_seconds", time.process_time() - began)
            line.send((True, (turn, used, peak_memory())))
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        os._exit(0)  # a process group still joined would wait for the others
    except Exception:
        line.send((False, traceback.format_exc()))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def peak_memory() -> int:
    """The most memory this process has held, in bytes (resident)."""
    try:  # unlike getrusage's number, this one begins anew with the program: it does not count what the parent held
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024
    except (OSError, StopIteration):
        import psutil

        found = psutil.Process().memory_info()
        return getattr(found, "peak_wset", found.rss)  # macOS tells no peak: what is held now
