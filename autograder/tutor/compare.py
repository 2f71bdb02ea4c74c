"""Comparing plain values that crossed from a student's process."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

__all__ = ["folded", "form_of", "has_fractions", "plain", "same"]

CLOSE = 1e-6


def same(a: Any, b: Any, tolerance: float = CLOSE) -> bool:
    """Whether two plain values are equal, numbers up to a relative *tolerance*, lists, tuples and arrays item by item."""
    a, b = (plain(value) for value in (a, b))
    if isinstance(a, bool) or isinstance(b, bool):
        return isinstance(a, bool) and isinstance(b, bool) and a == b
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        try:
            return math.isfinite(a) and math.isfinite(b) and math.isclose(a, b, rel_tol=tolerance)
        except OverflowError:  # a whole number that no float holds
            return a == b
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y, tolerance) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key], tolerance) for key in a)
    return (type(a) is type(b) and a is not None and bool(a == b)) or (a is None and b is None)


def plain(value: Any) -> Any:
    """*value* without NumPy, and tuples as lists."""
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.tolist()
    return list(value) if isinstance(value, tuple) else value


def has_fractions(value: Any) -> bool:
    """Whether there is a floating-point number in *value*."""
    value = plain(value)
    if isinstance(value, (list, dict)):
        return any(map(has_fractions, value.values() if isinstance(value, dict) else value))
    return isinstance(value, float)


def folded(text: str) -> str:
    """*text* without what spelling may differ in: capital letters, spaces, hyphens, underscores, quotes, a full stop at its end."""
    return re.sub(r"[\s\-‐-―_'\"`]+", "", text.casefold()).rstrip(".")


def form_of(value: Any) -> str:
    """What kind of value it is, in words: "a number", "a list"."""
    value = plain(value)
    known = {bool: "a truth value", int: "a number", float: "a number", str: "a text", list: "a list"}
    if type(value) in known or value is None:
        return known.get(type(value), "nothing")
    # Of the class alone: what stands for something of a student's would have to ask for its attributes.
    if hasattr(type(value), "__next__"):
        return "an iterator"
    return "a function" if callable(value) else f"a {type(value).__name__}"
