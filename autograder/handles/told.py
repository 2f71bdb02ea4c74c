"""What is told of a call: a sentence of what it raised, and a record that asks nobody anything any more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograder.handles.handle import held_of

__all__ = ["Printed", "in_record", "raised_sentence"]


def raised_sentence(told: str, kind: Any, text: Any, frames: Any, why: str = "") -> str:
    """A sentence that goes on from *told*, the start of one about a call, and ends with *why*."""
    text = " ".join(str(text).split())[:200]
    what = f"{str(kind)[:80]}: {text}" if text else str(kind)[:80]
    where = ""
    if isinstance(frames, list) and frames and isinstance(frames[-1], list) and len(frames[-1]) == 2:
        line, source = frames[-1]
        where = (
            f" at line {line} of its cell: `{str(source)[:120]}`"
            if source
            else f" at line {line} of its cell"
        )
    if kind == "NotImplementedError" and not text:
        return f"{told.split(',')[0].removesuffix('()`').rstrip('`')}` has no code yet."
    return f"{told} raised {what}{where}{why}."


PLAIN = frozenset({type(None), bool, int, float, str})
ITEMS: dict[type, Callable[[Any], Any]] = {tuple: iter, dict: dict.values}


class _Told:
    """Stands for something of the student's in the record of calls: telling of it asks nothing."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


class Printed(_Told):
    """Stands for the None of a function that printed something.

    Attributes:
        text: the beginning of that, in one line.
    """

    def __init__(self, text: str) -> None:
        super().__init__("None")
        self.text = " ".join(text.split())[:60]


def in_record(value: Any) -> Any:
    """*value* as it can be told when nobody may be left to ask."""
    kind = type(value)
    if kind in PLAIN or (kind in ITEMS and {*map(type, ITEMS[kind](value))} <= PLAIN):
        return value
    if kind is tuple:
        return tuple(map(in_record, value))
    if type(value) is list and any(held_of(item) is not None for item in value[:8]):
        return [*map(in_record, value[:8])]
    if type(value) is dict and value:
        return {key: in_record(item) for key, item in value.items()} if len(value) <= 8 else value
    if held_of(value) is not None:
        title = type(value).__name__
        return _Told(
            {"StudentFunction": "a function", "Iterates": "an iterator", "Generates": "a generator"}.get(
                title, f"a {title}"
            )
        )
    return value
