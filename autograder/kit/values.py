"""Values as people write them: ``3.35 TB/s``, ``8.35 ms``, long lists cut."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np

__all__ = ["MANY", "MOST", "number", "plain", "rounded", "shown", "with_unit"]

PREFIXES = ((15, "P"), (12, "T"), (9, "G"), (6, "M"), (3, "k"))  # powers of ten
SMALL = ((0, ""), (-3, "m"), (-6, "µ"), (-9, "n"))
DIGITS = 6  # of a number that is no shorter in full
MOST = 4  # items of a list that are shown
MANY = 24  # items of an array that is shown as a list
LONGEST_WHOLE = 24  # digits of a whole number that is written in full

_short = reprlib.Repr()
_short.maxstring, _short.maxother, _short.maxlevel = 60, 80, 3
_short.maxdict = _short.maxlist = _short.maxtuple = MOST


def _repr(value: Any) -> str:
    try:
        return _short.repr(value)
    except ValueError:  # a whole number of too many digits to print
        return f"a {type(value).__name__}"


def number(value: float) -> str:
    """*value* as short as it can be without being another number: six significant digits or fewer, or else all that it takes."""
    if isinstance(value, int) and value.bit_length() > 1000:  # more than a float holds
        return f"a whole number of {value.bit_length()} bits"
    if isinstance(value, int) and abs(value) < 10**6:
        return str(value)
    if not math.isfinite(value):
        return str(value)
    short = f"{float(value):.{DIGITS}g}"
    if float(short) == value:
        return _tidy(short)
    whole = isinstance(value, int) and abs(value) < 10**LONGEST_WHOLE
    return str(value) if whole else _tidy(repr(float(value)))


def with_unit(value: float, unit: str) -> str:
    """*value* with its unit, prefixed where that reads better; as a number it is what :func:`number` says."""
    if (
        "/" in unit.removesuffix("/s")  # a ratio of its own, such as FLOP/byte, has no prefix
        or not value
        or (isinstance(value, int) and value.bit_length() > 1000)
        or not math.isfinite(value)
    ):
        return f"{number(value)} {unit}"
    size = abs(value)
    if unit == "s":
        power, prefix = next(((p, name) for p, name in SMALL if size >= 10.0**p), SMALL[-1])
    else:
        power, prefix = next(((p, name) for p, name in PREFIXES if size >= 10**p), (0, ""))
    if size < 1e-12 or size / 10.0**power >= 1e6 or (unit != "s" and size < 1e-3):
        return f"{number(value)} {unit}"
    shifted = f"{value / 10.0**power:.{DIGITS}g}"
    if float(Decimal(shifted).scaleb(power)) != value:
        exact = Decimal(value) if isinstance(value, int) else Decimal(repr(float(value)))
        shifted = f"{exact.scaleb(-power):f}"
    return f"{_tidy(shifted)} {prefix}{unit}"


def rounded(value: Any) -> Any:
    """*value*, a plain one, with its numbers rounded to six digits, as long as none becomes a shorter number that it is not."""
    value = plain(value)
    if isinstance(value, float) and math.isfinite(value):
        short = f"{value:.{DIGITS}g}"
        if _significant(short) < DIGITS:
            tries = (f"{value:.{digits}g}" for digits in (9, 12, 15, 17))
            short = next((one for one in tries if _significant(one) > _significant(short)), short)
        return float(short)
    if type(value) in (list, tuple):
        return type(value)(map(rounded, value))
    if type(value) is dict:
        return {key: rounded(item) for key, item in value.items()}
    return value


def _significant(text: str) -> int:
    return len(text.partition("e")[0].replace(".", "").lstrip("-0").rstrip("0"))


def _tidy(text: str) -> str:
    """A number's text without what says nothing: the end of 2.0, the plus of 1e+06."""
    mantissa, mark, power = text.partition("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{mantissa}e{int(power)}" if mark else mantissa


def plain(value: Any) -> Any:
    """*value*, a NumPy scalar or a small array as Python has it."""
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.size <= MANY):
        return value.tolist()
    return value


def shown(value: Any, most: int = MOST) -> str:
    """A value as a student would write it: NumPy scalars as numbers, of long lists *most* items."""
    value = plain(value)
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, (int, float)):
        return number(value)
    if isinstance(value, Mapping) and len(value) <= 6:
        return "{" + ", ".join(f"{_key(key)}: {shown(item, most)}" for key, item in value.items()) + "}"
    if type(value) in (list, tuple):
        inside = ", ".join(shown(item, most) for item in value[:most])
        inside += ", …" if len(value) > most else "," if type(value) is tuple and len(value) == 1 else ""
        return f"[{inside}]" if type(value) is list else f"({inside})"
    return _repr(value)


def _key(key: Any) -> str:
    return key if isinstance(key, str) and key.isidentifier() else _repr(key)
