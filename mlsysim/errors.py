"""Errors for bad input: each names the argument, its value and what is allowed."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from typing import Any, NoReturn

import numpy as np

__all__ = ["InputError", "UnknownNameError", "check_number", "check_shapes", "unknown_name"]


class InputError(ValueError):
    """An argument is of the wrong type or outside its range."""


class UnknownNameError(InputError, AttributeError):
    """A name is in none of the registries; an ``AttributeError`` too, so that ``hasattr`` works."""


def unknown_name(kind: str, name: object, known: Iterable[str]) -> UnknownNameError:
    """The error for an unknown *kind* (model, device, precision …), naming the nearest known ones."""
    known = sorted(known)
    folded = {k.casefold().replace("-", "").replace("_", "").replace(" ", ""): k for k in known}
    wanted = str(name).casefold().replace("-", "").replace("_", "").replace(" ", "")
    near = [folded[k] for k in difflib.get_close_matches(wanted, folded, n=3, cutoff=0.5)]
    near += [k for f, k in folded.items() if wanted and wanted in f and k not in near][: 3 - len(near)]
    hint = f"nearest known: {', '.join(near)}" if near else f"known: {', '.join(known)}"
    return UnknownNameError(f"unknown {kind} {name!r}; {hint}")


def check_number(
    name: str,
    value: Any,
    low: float,
    high: float = math.inf,
    *,
    integer: bool = False,
    open_low: bool = False,
) -> Any:
    """Return *value* (a number, or an array of numbers) if all of it lies in the range.

    A Python or NumPy scalar comes back as a Python number, anything array-like as an array.

    Raises:
        InputError: wrong type, NaN, not whole although ``integer``, or out of range.
    """
    kind = type(value)
    if kind is int or kind is float:
        if (low < value or (low == value and not open_low)) and value <= high and value < math.inf:
            if not integer or kind is int or value == int(value):
                return value
        _refuse(name, value, low, high, integer, open_low)
    if isinstance(value, (bool, np.bool_, str, bytes)) or value is None:
        _refuse(name, value, low, high, integer, open_low)
    try:
        array = np.asarray(value)
    except (ValueError, TypeError):
        _refuse(name, value, low, high, integer, open_low)
    if array.dtype.kind not in "iuf" or array.size == 0:
        _refuse(name, value, low, high, integer, open_low)
    low_ok = array > low if open_low else array >= low
    good = low_ok & (array <= high) & np.isfinite(array)
    if integer:
        good &= array == np.floor(array)
    if not good.all():
        _refuse(name, array[~good].flat[0].item(), low, high, integer, open_low)
    return array.item() if array.ndim == 0 else array


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


def _refuse(name: str, value: object, low: float, high: float, integer: bool, open_low: bool) -> NoReturn:
    what = "a whole number" if integer else "a number"
    if high == math.inf:
        allowed = f"{what} {'above' if open_low else 'of at least'} {low:g}"
    else:
        allowed = (
            f"{what} {'above' if open_low else 'from'} {low:g} {'and up to' if open_low else 'to'} {high:g}"
        )
    shown = repr(value)
    if len(shown) > 60:
        shown = shown[:57] + "..."
    raise InputError(f"{name} = {shown} is not allowed: give {allowed} (or an array of them)")
