"""Values in words, the same on every machine, and where two values differ."""

import math
import numbers
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor

_SHOWN = 12  # elements; a longer value is named by its shape


def describe(value: Any) -> str:
    """A value as a learner would write it, four significant digits, long ones by their shape."""
    if isinstance(value, (bool, str)) or value is None:
        return repr(value) if not isinstance(value, str) else f"'{value[:60]}'"
    if isinstance(value, numbers.Integral):
        return str(int(value))
    if isinstance(value, complex):
        return f"{value:.4g}"
    if isinstance(value, numbers.Real):
        return _number(float(value))
    if isinstance(value, Tensor) or hasattr(value, "__array__"):
        array = torch.as_tensor(value).detach()
        return describe(array.tolist()) if array.numel() <= _SHOWN else kind(value)
    if isinstance(value, (list, tuple)) and _count(value) <= _SHOWN:
        inside = ", ".join(describe(part) for part in value)
        return f"({inside})" if isinstance(value, tuple) else f"[{inside}]"
    if isinstance(value, Mapping) and len(value) <= _SHOWN:
        return "{" + ", ".join(f"{describe(key)}: {describe(part)}" for key, part in value.items()) + "}"
    return kind(value)


def kind(value: Any) -> str:
    """What sort of thing a value is: "a number", "a list of 3", "a tensor of shape (2, 3)", …"""
    if isinstance(value, bool):
        return "a truth value"
    if _is_complex(value):
        shape = tuple(getattr(value, "shape", ()))
        return f"a tensor of complex numbers, shape {shape}" if shape else "a complex number"
    if isinstance(value, numbers.Number):
        return "a number"
    if isinstance(value, Tensor) or hasattr(value, "__array__"):
        return f"a tensor of shape {tuple(value.shape)}" if len(value.shape) else "a tensor holding one number"
    if isinstance(value, (list, tuple, dict, set)):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, str):
        return "a text"
    if value is None or value is ...:
        return "None" if value is None else "a ... not filled in yet"
    return "a function" if callable(value) and not isinstance(value, type) else f"an object of type {type(value).__name__}"


def _is_complex(value: Any) -> bool:
    """Whether a number, a tensor or what NumPy makes is complex."""
    if isinstance(value, Tensor):
        return value.is_complex()
    return isinstance(value, complex) or getattr(getattr(value, "dtype", None), "kind", "") == "c"


def as_tensor(value: Any) -> Tensor | None:
    """Real numbers in any carrier (number, tensor, array, nested lists of them) as one detached tensor; None if it is no such thing."""
    if isinstance(value, Tensor):
        return None if _is_complex(value) else value.detach().cpu()
    if isinstance(value, (float, Fraction, Decimal)):  # torch would make a float 32 bits wide, and refuse an answer on the tolerance
        return torch.tensor(float(value), dtype=torch.float64)
    if isinstance(value, numbers.Number) or hasattr(value, "__array__"):
        try:
            return as_tensor(torch.as_tensor(value))
        except (TypeError, ValueError, RuntimeError):
            return None
    if isinstance(value, (list, tuple)):
        parts = [as_tensor(part) for part in value]
        if parts and all(part is not None and part.shape == parts[0].shape for part in parts):
            dtype = torch.bool if all(part.dtype == torch.bool for part in parts) else torch.float64
            return torch.stack([part.to(dtype) for part in parts])
    return None


def difference(got: Any, expected: Any, tolerance: float) -> str | None:
    """Where `got` differs from `expected`, in a sentence without a full stop; None where it does not.

    Numbers may differ by `tolerance` and, besides, by that share of what is expected. A list of numbers passes for a tensor.
    """
    several = isinstance(expected, (list, tuple)) and any(isinstance(part, Tensor) and part.dim() for part in expected)
    wanted = None if several else as_tensor(expected)
    if wanted is not None and not (_is_row(expected) and _is_row(got) and as_tensor(got) is None):
        return _numbers_apart(got, wanted, expected, tolerance)
    if isinstance(expected, Mapping) and isinstance(got, Mapping):
        if set(got) != set(expected):
            return f"it should have the keys {describe(list(expected))}, and has {describe(list(got))}"
        parts = [(f"the entry {describe(key)}", got[key], expected[key]) for key in expected]
    elif _is_row(expected) and _is_row(got):
        if len(got) != len(expected):
            return f"it should have {len(expected)} parts, and has {len(got)}"
        parts = [(f"part {number}", *pair) for number, pair in enumerate(zip(got, expected, strict=True), 1)]
    elif type(got) is not type(expected):
        return f"it should be {kind(expected)}, and is {kind(got)}"
    else:
        return None if got == expected else f"it should be {describe(expected)}, and is {describe(got)}"
    for name, mine, theirs in parts:
        if apart := difference(mine, theirs, tolerance):
            return f"{name}: {apart}"
    return None


def _is_row(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _numbers_apart(got: Any, wanted: Tensor, expected: Any, tolerance: float) -> str | None:
    mine = as_tensor(got)
    if mine is None or (isinstance(got, bool) and not isinstance(expected, bool)):
        why = " (is it the root of a number below 0?)" if kind(got) == "a complex number" else ""
        return f"it should be {kind(expected)}, and is {kind(got)}{why}"
    if mine.shape != wanted.shape:
        return f"its shape should be {tuple(wanted.shape)}, and is {tuple(mine.shape)}"
    if (wanted.dtype == torch.bool) != (mine.dtype == torch.bool):
        names = ("truth values", "numbers") if wanted.dtype == torch.bool else ("numbers", "truth values")
        return f"it should hold {names[0]}, and holds {names[1]}"
    show = (lambda value: str(bool(value))) if wanted.dtype == torch.bool else _number
    mine, wanted = mine.double(), wanted.double()
    apart = ~torch.isclose(mine, wanted, rtol=tolerance, atol=tolerance, equal_nan=True)
    if not apart.any():
        return None
    place = tuple(apart.nonzero()[0].tolist())
    where = f"the element {list(place)}" if place else "it"
    a, b = wanted[place].item(), mine[place].item()
    asked, given = show(a), show(b)
    if asked == given:  # they differ beyond the digits shown
        asked, given = f"{a:.9g}", f"{b:.9g}"
    return f"{where} should be {asked}, and is {given}"


def _number(value: float) -> str:
    if math.isnan(value) or math.isinf(value):
        return str(value)
    if value != 0 and not 1e-3 <= abs(value) < 1e6:
        return f"{value:.3g}"
    digits = 4 if abs(value) < 10 else 2
    return f"{round(value, digits) + 0.0:.{digits}f}".rstrip("0").rstrip(".")


def _count(value: Sequence[Any]) -> int:
    return sum(_count(part) if isinstance(part, (list, tuple)) else 1 for part in value)
