"""Exercises whose answer is a function: it is run on inputs and held against the reference, and slips are recognised."""

import copy
import dis
import inspect
import linecache
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

import torch
from torch import Generator, Tensor

from lessons_lib.exercises.comparing import describe, difference, kind
from lessons_lib.exercises.verdicts import Exercise, Verdict, WrongAnswer, as_wrong_answers, not_attempted, register, right, wrong

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
# What to look at, by the words of an error.
_ADVICE = (
    (r"out=NoneType", "That is NumPy's function, given a tensor: write x.mean(dim=…, keepdim=True), x.max(…), torch.sum(x, …)."),
    (r"mat1 and mat2|shapes? cannot be multiplied|must match|size mismatch|broadcast", "Print the shapes of both sides of that line."),
    (r"torch\.return_types", "max(dim=…) gives values and indices: take .values."),
    (r"only for scalar outputs", "The loss has to be one number: average over the points."),
    (r"leaf Variable that requires grad", "Put the step under `with torch.no_grad():`."),
    (
        r"does not require grad",
        "Was it made with requires_grad=True? a = a - … makes a new tensor without: write a -= … instead. backward stays outside no_grad.",
    ),
    (
        r"unsupported operand.*NoneType",
        "One side is None: an argument that may be None (the task says what then), a return missing, or a .grad: before any backward() "
        "(with its brackets), cleared too early, or of a new tensor (write a -= …, not a = a - …)?",
    ),
    (
        r"unsupported operand.*'list'|can't multiply sequence",
        "Lists are not reckoned with number by number: [a - b for a, b in zip(…)], or a loop over them.",
    ),
    (r"NoneType.*zero_", ".grad is None until the first backward: set it to None after the step instead."),
    (r"graph a second time", "Compute the loss anew inside the loop."),
    (r"is not defined", "Is the name spelt as above, was the cell that defines it run, or is an import missing?"),
    (r"'tuple' object has no attribute", "A function that returns a pair gives a tuple: take the part you need, [0] or [1]."),
    (r"Expected size for first two dimensions", "Print the shapes of what you multiply."),
    (r"Expected target size", "cross_entropy wants (N, V) and (N,): flatten both, or pick with the mask."),
    (r"must be tuple of ints|'float' object cannot be interpreted", "A size is a whole number: divide with //."),
    (r"NoneType", "A step before it gave None: is a return missing, or a value not filled in yet?"),
    (
        r"list (assignment )?index out of range",
        "Python counts from 0: is the place beyond the end? Did the list get shorter while a loop ran along it?",
    ),
    (
        r"numel\(\) == 0",
        "Nothing is left to take the largest of: does the loop run past the end? range(0, len(K), block) stops in time.",
    ),
    (r"out of range|out of bounds|Dimension", "Python counts from 0; print the shape to see how many there are."),
    (
        r"'(?:float|int)' object has no attribute|must be Tensor, not (?:float|int)|got \((?:float|int), (?:float|int|Tensor)\)",
        "A plain number stands there, not a tensor: write x**0.5 or math.sqrt(x) for a root, and Python's own min(a, b).",
    ),
    (
        r"invalid combination of arguments|missing \d+ required positional",
        "Is an argument missing, such as dim=…, or is one of the wrong kind?",
    ),
    (r"operator\.invert", "~ turns truth values round: make the mask with dtype=torch.bool."),
    (
        r"more than one (value|element) is ambiguous",
        "`max`, `if`, `not` and `and` want one truth value. For a tensor: scores.max(), ~mask, a & b.",
    ),
    (r"dtype|expected scalar type", "Print the dtype of each tensor in that line."),
)

_KEPT = "Does it keep something from call to call: a list made outside it, or in its def line?"


@dataclass(frozen=True)
class Case:
    """One input: the arguments, and how the learner's message names it (by default the arguments themselves)."""

    arguments: tuple[Any, ...]
    says: str = ""
    keywords: dict[str, Any] = field(default_factory=dict)


def wave(*shape: int, pace: float, size: float = 1.5) -> Tensor:
    """Numbers for a case, float32 of this shape, between −size and size: they look drawn and are the same in every run."""
    return (torch.arange(float(math.prod(shape))) * pace).sin().reshape(shape) * size


@dataclass(frozen=True)
class Slip:
    """A typical mistake: the function that makes it, and how it goes on after "that is what comes out when …".

    `look` is a sentence that points to the mend.
    """

    says: str
    function: Callable[..., Any]
    look: str = ""


@dataclass(frozen=True)
class _Failure:
    """A run of the learner's function that ended in an error, in words."""

    text: str


def function_exercise(
    key: str,
    cases: Sequence[Case | tuple[Any, ...]],
    reference: Callable[..., Any],
    slips: Sequence[Slip],
    why: str,
    tolerance: float = 1e-4,
    wrong_answers: Iterable[tuple[str, Any, str]] = (),
) -> Exercise:
    """Register an exercise whose answer is a function.

    Args:
        key: "topic.name".
        cases: the inputs, each a Case or a tuple of arguments, telling ones first. Each call gets copies of its own.
        reference: the right function, with the parameter names that the notebook uses.
        slips: mistakes recognised by what they give on these inputs. The tests take each as a wrong answer.
        why: follows "Right: ", a sentence that ends in a full stop.
        tolerance: numbers may differ by this much, absolute or relative.
        wrong_answers: more (name, answer, expected words) for the tests.

    Raises:
        ValueError: without cases, or if a slip gives the right result on all of them, or what another slip gives.
    """
    inputs = [case if isinstance(case, Case) else Case(tuple(case)) for case in cases]
    expected = [call(reference, case) for case in inputs]
    if not inputs or any(isinstance(result, _Failure) for result in expected):
        raise ValueError(f"{key}: the reference has to run on at least one case; it gave {expected}.")
    mistaken = [[call(slip.function, case) for case in inputs] for slip in slips]
    _refuse_alike(key, slips, mistaken, expected, tolerance)

    def judge(answer: Any) -> Verdict:
        if refused := refuse_signature(answer, reference, inputs[0]):
            return refused
        results: list[Any] = []
        for case, wanted in zip(inputs, expected, strict=True):
            result, changed = call_and_watch(answer, case)
            results.append(result)
            if result is None and len(results) > 1:
                return wrong(f"Not yet. On {_input(case, reference)} your function gives back None: is a return missing there?")
            if verdict := refuse_result(answer, result, changed, case, reference):
                return verdict
            if apart := difference(result, wanted, tolerance):
                if len(results) > 1 and difference(call(answer, inputs[0]), expected[0], tolerance):
                    return wrong(f"Not yet. Called again on {_input(inputs[0], reference)} your function gives another answer. {_KEPT}")
                results += [call(answer, later) for later in inputs[len(results) :]]
                slip = _recognise(results, mistaken, tolerance)
                return wrong(_message(case, reference, result, wanted, apart, slips[slip] if slip is not None else None))
        return right(why)

    taken = [WrongAnswer(slip.says, slip.function, slip.says) for slip in slips]
    return register(Exercise(key, judge, reference, (*taken, *as_wrong_answers(wrong_answers))))


def call(function: Callable[..., Any], case: Case) -> Any:
    """What a function gives on the case: its result, `...` for a stub, or what `refuse_result` makes a verdict of where it stops."""
    return call_and_watch(function, case)[0]


def call_and_watch(function: Callable[..., Any], case: Case) -> tuple[Any, bool]:
    """The function's result (a _Failure if it raised) and whether it changed its arguments."""
    arguments, keywords = _copied(case.arguments), _copied(case.keywords)
    try:
        result = function(*arguments, **keywords)
    except NotImplementedError:
        return ..., False
    except (Exception, SystemExit) as error:
        if "ellipsis" in str(error).lower():  # the stub's ... stands where the function goes on with a value
            return ..., False
        see_more = "" if case.says else "Call it on this input in a cell of its own to see more."
        return _Failure(_explain(function, error, see_more)), False
    return result, _changed([arguments, keywords], [case.arguments, case.keywords])


def _copied(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, (list, tuple)):
        return type(value)(_copied(part) for part in value)
    if isinstance(value, dict):
        return {key: _copied(part) for key, part in value.items()}
    return value.clone_state() if isinstance(value, Generator) else copy.copy(value)


def _changed(one: Any, other: Any) -> bool:
    """Whether two copies of arguments differ; other objects than numbers and their containers are not looked into."""
    if isinstance(one, (list, tuple)):
        return len(one) != len(other) or any(_changed(*pair) for pair in zip(one, other, strict=True))
    if isinstance(one, dict):
        return set(one) != set(other) or any(_changed(one[key], other[key]) for key in one)
    if type(one) is not type(other):
        return True
    return isinstance(one, (Tensor, float, int, str)) and difference(one, other, 0.0) is not None


def refuse_signature(answer: Callable[..., Any], reference: Callable[..., Any], case: Case) -> Verdict | None:
    """The verdict on what is no function, or cannot take the arguments of the case; None for one that can."""
    if not callable(answer):
        return wrong(f"Not yet. Give the function itself, its name without brackets; this is {kind(answer)}.")
    try:
        signature = inspect.signature(answer)
    except (TypeError, ValueError):  # built-in functions do not tell
        return None
    try:
        signature.bind(*case.arguments, **case.keywords)
    except TypeError:
        names = ", ".join(inspect.signature(reference).parameters)
        return wrong(
            f"Not yet. The check calls your function with ({names}), and yours takes {signature}. Give it these arguments, in this order."
        )
    return None


def refuse_result(answer: Any, result: Any, changed: bool, case: Case, reference: Callable[..., Any]) -> Verdict | None:
    if result is ... or result is None:
        return nothing_given(answer, result)
    if isinstance(result, _Failure):
        return wrong(f"Not yet. On {_input(case, reference)} your function {result.text}")
    if changed:
        given = _input(case, reference).rstrip(",")
        return wrong(f"Not yet. Your function changes what it was given ({given}). Work on a copy: the caller still needs the old one.")
    return None


def nothing_given(answer: Callable[..., Any], result: Any) -> Verdict:
    """The verdict on a function that gives `...` or None: a stub, or one whose return is missing."""
    is_stub = result is ... or _is_stub(answer)
    return not_attempted("" if is_stub else "your function gives back None. If you have written it, is its return missing?")


def _is_stub(function: Any) -> bool:
    """Whether a function's body is no more than `...`, `pass` or its docstring."""
    if not isinstance(function, FunctionType):
        return False
    return all(step.opname in {"RESUME", "NOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST"} for step in dis.get_instructions(function))


def _recognise(results: list[Any], mistaken: list[list[Any]], tolerance: float) -> int | None:
    """The slip that gives these results on every input; None if there is none."""
    for number, slip in enumerate(mistaken):
        if all(_same(mine, theirs, tolerance) for mine, theirs in zip(results, slip, strict=True)):
            return number
    return None


def _same(one: Any, other: Any, tolerance: float) -> bool:
    if isinstance(one, _Failure) or isinstance(other, _Failure):
        return isinstance(one, _Failure) and isinstance(other, _Failure)
    return difference(one, other, tolerance) is None


def _message(case: Case, reference: Callable[..., Any], result: Any, wanted: Any, apart: str, slip: Slip | None) -> str:
    given, asked = describe(result), describe(wanted)
    where = f"Not yet. On {_input(case, reference)} your function gives {given}"
    expected = f"Expected: {asked}." if given != asked else "Its kind and shape are right, what it holds is not."
    if slip is not None:
        return f"{where}; that is what comes out when {slip.says}. {expected}{' ' + slip.look if slip.look else ''}"
    told = apart == f"it should be {asked}, and is {given}"
    return f"{where}. {expected}{'' if told else f' The first difference: {apart}.'}"


def _input(case: Case, reference: Callable[..., Any]) -> str:
    if case.says:
        return case.says
    names = list(inspect.signature(reference).parameters)
    pairs = [*zip(names, case.arguments, strict=False), *case.keywords.items()]
    return ", ".join(f"{name} = {describe(value)}" for name, value in pairs)


def _explain(function: Callable[..., Any], error: Exception, otherwise: str = "") -> str:
    """What went wrong, in which line of the learner's cell, and what to look at, or `otherwise`: follows "your function "."""
    said = _ADDRESS.sub("", (str(error).splitlines() or [""])[0])[:160]
    code = getattr(function, "__code__", None)
    line, step = None, error.__traceback__
    while step is not None and code is not None:
        if step.tb_frame.f_code.co_filename == code.co_filename:
            line = linecache.getline(code.co_filename, step.tb_lineno).strip()
        step = step.tb_next
    place = f" in the line `{line[:80]}`" if line else ""
    advice = next((text for pattern, text in _ADVICE if re.search(pattern, str(error))), otherwise)
    return f"stops{place} with {type(error).__name__}: {said.rstrip('.')}. {advice}".rstrip()


def _refuse_alike(key: str, slips: Sequence[Slip], mistaken: list[list[Any]], expected: list[Any], tolerance: float) -> None:
    """Raise ValueError where the cases cannot tell a slip from the right function or from another slip."""
    for number, (slip, results) in enumerate(zip(slips, mistaken, strict=True)):
        if _recognise(results, [expected], tolerance) is not None:
            raise ValueError(f"{key}: the slip {slip.says!r} gives the right result on all cases; add a case that tells.")
        if (other := _recognise(results, mistaken[:number], tolerance)) is not None:
            raise ValueError(f"{key}: the slips {slip.says!r} and {slips[other].says!r} give the same on all cases; add a case.")
