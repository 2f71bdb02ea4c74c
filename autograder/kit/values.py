"""Values as people write them: ``3.35 TB/s``, ``8.35 ms``, long lists cut."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["number", "plain", "shown", "with_unit"]

PREFIXES = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
SMALL = ((1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))
MOST = 4  # items of a list that are shown

_short = reprlib.Repr()
_short.maxstring, _short.maxother, _short.maxlevel = 60, 80, 3
_short.maxdict = _short.maxlist = _short.maxtuple = MOST


def _repr(value: Any) -> str:
    try:
        return _short.repr(value)
    except ValueError:  # a whole number of too many digits to print
        return f"a {type(value).__name__}"


def number(value: float) -> str:
    """Six significant digits, whole numbers of up to six digits in full."""
    if isinstance(value, int) and abs(value) < 10**6:
        return str(value)
    if isinstance(value, int) and value.bit_length() > 1000:  # more than a float holds
        return f"a whole number of {value.bit_length()} bits"
    if not math.isfinite(value):
        return str(value)
    return f"{float(value):.6g}".replace("e+0", "e").replace("e+", "e").replace("e-0", "e-")


def with_unit(value: float, unit: str) -> str:
    """*value* with its unit, prefixed where that reads better."""
    if (
        "/" in unit.removesuffix("/s")  # a ratio of its own, such as FLOP/byte, has no prefix
        or not value
        or (isinstance(value, int) and value.bit_length() > 1000)
        or not math.isfinite(value)
    ):
        return f"{number(value)} {unit}"
    size = abs(value)
    if unit == "s":
        scale, prefix = next(((s, p) for s, p in SMALL if size >= s), SMALL[-1])
    else:
        scale, prefix = next(((s, p) for s, p in PREFIXES if size >= s), (1.0, ""))
    if size < 1e-12 or size / scale >= 1e6 or (unit != "s" and size < 1e-3):
        return f"{number(value)} {unit}"
    return f"{number(value / scale)} {prefix}{unit}"


def plain(value: Any) -> Any:
    """*value*, a NumPy scalar or a small array as Python has it."""
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.size <= MOST):
        return value.tolist()
    return value


def shown(value: Any) -> str:
    """A value as a student would write it: floats to six digits, NumPy scalars as numbers, long lists cut."""
    value = plain(value)
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, (int, float)):
        return number(value)
    if isinstance(value, Mapping) and len(value) <= 6:
        return "{" + ", ".join(f"{_key(key)}: {shown(item)}" for key, item in value.items()) + "}"
    if type(value) in (list, tuple):
        inside = ", ".join(shown(item) for item in value[:MOST])
        inside += ", …" if len(value) > MOST else "," if type(value) is tuple and len(value) == 1 else ""
        return f"[{inside}]" if type(value) is list else f"({inside})"
    return _repr(value)


def _key(key: Any) -> str:
    return key if isinstance(key, str) and key.isidentifier() else _repr(key)
