"""Checks of numbers, arrays and flags; what fails is an error that names the argument, its value and the range."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from mlsysim.errors import InputError, shown

__all__ = ["MAX_BATCH", "MAX_CONTEXT", "Numbers", "check_flag", "check_number", "check_shapes", "one_number"]

Numbers = float | np.number[Any] | Sequence[Any] | np.ndarray  # one number, or an array of them
MAX_BATCH = MAX_CONTEXT = 2**31  # sequences, and tokens of each
LARGEST, SMALLEST = 1e60, 1e-60  # no number of this model comes near; a product of a few of them stays finite
PIECE = 2**16  # entries of an array that stay in a cache
NO_NUMBERS = (bool, np.bool_, str, bytes, bytearray, memoryview, type(None))


def check_number(
    name: str,
    value: Any,
    low: float,
    high: float = math.inf,
    *,
    integer: bool = False,
    open_low: bool = False,
    open_high: bool = False,
    single: bool = False,
) -> Any:
    """Return *value* (a number, or an array of numbers) if all of it lies in the range.

    A Python or NumPy scalar comes back as a Python number, anything array-like as an array of 64-bit integers (if
    *integer*) or floats, so that nothing computed from a short type overflows.

    Args:
        integer: whole numbers only.
        open_low, open_high: the bound itself is not allowed.
        single: one number only, no array.

    Raises:
        InputError: wrong type, NaN, not whole although *integer*, out of range, masked, or a quantity with a unit.
    """
    kind = type(value)
    if kind is int and low <= value <= high and value <= LARGEST and not (open_low or open_high):
        return value  # as nearly every one is
    if kind is int or kind is float:
        if (max(low, SMALLEST) <= value if open_low else low <= value) and value <= min(high, LARGEST):
            if not (open_high and value == high):
                if not integer or kind is int:
                    return value
                if value == int(value):
                    return int(value)
        wrong = value
    elif (array := _array(value)) is None:
        wrong = value
    elif single and array.ndim:
        raise InputError(f"{name} = {shown(value)} is not allowed: give one number, not an array")
    elif _all_within(array, low, high, integer, open_low, open_high):
        array = array.astype(np.int64 if integer else np.float64, copy=False)
        return array.item() if array.ndim == 0 else array
    else:  # which is the first that is not
        low_ok = array >= max(low, SMALLEST) if open_low else array >= low
        high_ok = array < high if open_high else array <= min(high, LARGEST)
        good = low_ok & high_ok
        if integer and array.dtype.kind == "f":
            good &= array == np.floor(array)
        wrong = array[~good].flat[0].item()
    what = "a whole number" if integer else "a number"
    more = "" if single else " (or an array of them)"
    allowed = f"{what} {_range(wrong, low, high, open_low, open_high)}{more}"
    raise InputError(f"{name} = {shown(wrong)} is not allowed: give {allowed}")


def _all_within(
    array: np.ndarray, low: float, high: float, integer: bool, open_low: bool, open_high: bool
) -> bool:
    """Whether all of *array* lies in the range; no array is made, and each piece is read from memory once."""
    rows = np.atleast_1d(array)
    step = max(1, PIECE * len(rows) // rows.size)
    pieces = [rows[start : start + step] for start in range(0, len(rows), step)]
    # NaN, which is in no range, is the least and the greatest where there is one.
    ends = [(piece.min().item(), piece.max().item()) for piece in pieces]
    return bool(
        all(max(low, SMALLEST) <= least if open_low else low <= least for least, _ in ends)
        and all(most < high if open_high else most <= min(high, LARGEST) for _, most in ends)
        and not (integer and array.dtype.kind == "f" and (array != np.floor(array)).any())
    )


def _array(value: Any) -> np.ndarray | None:
    """*value* as an array in 64 bits, or None if it is not made of numbers."""
    # A quantity would lose its unit, a masked array its mask, without a word.
    if isinstance(value, NO_NUMBERS) or hasattr(value, "units") or np.ma.isMaskedArray(value):
        return None
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, OverflowError):
        return None
    if array.dtype.kind not in "iuf" or array.size == 0:
        return None
    if array.dtype.kind == "f" or array.dtype == np.uint64:
        return array.astype(np.float64, copy=False)
    return array.astype(np.int64, copy=False)


def one_number(name: str, value: Any, low: float, high: float = math.inf, **kind: bool) -> Any:
    """As :func:`check_number`, but a single number only."""
    return check_number(name, value, low, high, single=True, **kind)


def check_flag(name: str, value: Any) -> bool:
    """Return *value* if it is True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise InputError(f"{name} = {shown(value)} is not allowed: give True or False")
    return bool(value)


def check_shapes(**arguments: Any) -> tuple[int, ...]:
    """The shape that the *arguments* broadcast to; ``()`` if all are plain numbers.

    Raises:
        InputError: they do not broadcast; the message says each one's shape.
    """
    shapes = {name: np.shape(value) for name, value in arguments.items()}
    try:
        return np.broadcast_shapes(*shapes.values())
    except ValueError:
        listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items() if shape)
        raise InputError(f"arrays do not broadcast: {listed}") from None


def _range(wrong: object, low: float, high: float, open_low: bool, open_high: bool) -> str:
    """The range in words; the limits of every number are named only to one that passes them."""
    if isinstance(wrong, (int, float)):
        if open_low and low < wrong < SMALLEST:
            low = SMALLEST
        if high == math.inf and LARGEST < wrong < math.inf:
            high = LARGEST
    least, most = _bound(low), _bound(high)
    unit = " without a unit" if hasattr(wrong, "units") else ""
    if high == math.inf:
        return f"{'above' if open_low else 'of at least'} {least}{unit}"
    first, second = (
        "above" if open_low else "from",
        "to below" if open_high else "and up to" if open_low else "to",
    )
    return f"{first} {least} {second} {most}{unit}"


def _bound(value: float) -> str:
    return f"{int(value):,}" if abs(value) < 1e15 and value == int(value) else f"{value:g}"
