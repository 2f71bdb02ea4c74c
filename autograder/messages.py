"""Sentences for students."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["describe_call", "describe_failure", "printable"]

Call = tuple[str, tuple[Any, ...], dict[str, Any], Any]

_short = reprlib.Repr()
_short.maxdict, _short.maxlist, _short.maxtuple, _short.maxstring, _short.maxother, _short.maxlevel = (
    8,
    8,
    8,
    60,
    80,
    4,
)


def _shown(value: Any) -> str:
    """A value as a student would write it: floats to six digits, NumPy scalars as numbers."""
    if hasattr(value, "dtype") and getattr(value, "ndim", None) == 0:
        value = value.item()
    if type(value) is float:
        return f"{value:.6g}"
    if type(value) is dict and len(value) <= 8:
        return "{" + ", ".join(f"{_shown(k)}: {_shown(v)}" for k, v in value.items()) + "}"
    if type(value) in (list, tuple) and len(value) <= 8:
        inside = ", ".join(map(_shown, value))
        return f"[{inside}]" if type(value) is list else f"({inside}{',' if len(value) == 1 else ''})"
    return _short.repr(value)


def printable(text: str) -> str:
    """*text* without control characters: a student's words must not steer the terminal that they are printed in."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)


def describe_call(name: str, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> str:
    """``name(arguments)`` in a student's notation."""
    inside = [*map(_shown, arguments), *(f"{key}={_shown(value)}" for key, value in keywords.items())]
    return f"`{name}({', '.join(inside)})`"


def describe_failure(error: BaseException, called: Sequence[Call]) -> str:
    """Why a test failed: its own sentence, and the last call before it with what came back.

    The test's text and the value it wanted are not told.
    """
    asked = ""
    if called:
        name, arguments, keywords, value = called[-1]
        asked = f"{describe_call(name, arguments, keywords)} returned {_shown(value)}"
    if isinstance(error, AssertionError):
        sentence = str(error).split("\n")[0].strip()
        if sentence and not sentence.startswith("assert "):
            first = sentence.split()[0]
            if "_" not in first and first not in {call[0] for call in called}:  # a name keeps its spelling
                sentence = sentence[0].upper() + sentence[1:]
            sentence += "" if sentence.endswith(".") else "."
            return f"{sentence} {asked}." if asked else sentence
        return f"{asked}, which is not right." if asked else "The answer is not right."
    if isinstance(error, NameError):
        return f"`{error.name}` is not defined. Did the cell that defines it run without an error?"
    if type(error).__module__.startswith("hypothesis"):
        return (
            f"The same question got different answers. {asked}."
            if asked
            else "The same question got different answers."
        )
    return (
        f"{asked}, which is not of the form that was asked for."
        if asked
        else "An answer is not of the form that was asked for."
    )
