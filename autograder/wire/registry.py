"""The tables of what can cross: how each type is written, and how each tag is read. The modules of types enter theirs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["LATE", "MUTABLE", "PLAIN_BASES", "READERS", "WRITERS", "late_writer", "reads", "writes"]

Write = Callable[[Any, Any, int], Any]  # (writer, value, depth) -> tree
Read = Callable[[Any, list[Any], int], Any]  # (reader, rest of the list, depth) -> value
WRITERS: dict[type, Write] = {}
READERS: dict[str, Read] = {}
# Types whose values can be changed: one of them that stands twice in a message is one object on the other side too.
MUTABLE: set[type] = {list, dict, set, bytearray}
# For types of libraries that need not be installed: a function from a type to its writer, or None.
LATE: list[Callable[[type], Write | None]] = []
# What a subclass counts as: a plain type, and what makes a plain value of the subclass's by methods that no subclass can replace.
PLAIN_BASES: dict[type, Callable[[Any], Any]] = {
    int: int.__int__,
    float: float.__float__,
    complex: complex.__complex__,
    str: str.__str__,
    bytes: lambda value: bytes.__getitem__(value, slice(None)),
    bytearray: lambda value: bytearray.__getitem__(value, slice(None)),
    list: lambda value: list.__getitem__(value, slice(None)),
    tuple: lambda value: tuple.__getitem__(value, slice(None)),
    dict: lambda value: dict(dict.items(value)),
    set: lambda value: set(set.__iter__(value)),
    frozenset: lambda value: frozenset(frozenset.__iter__(value)),
}


def late_writer(kind: type) -> Write | None:
    """The writer of a type that one of :data:`LATE` knows, or None."""
    return next(filter(None, (late(kind) for late in LATE)), None)


def writes(*kinds: type, mutable: bool = False) -> Callable[[Any], Any]:
    """Enter a function ``(writer, value, depth) -> tree`` for values of exactly these types."""

    def enter(function: Any) -> Any:
        WRITERS.update(dict.fromkeys(kinds, function))
        if mutable:
            MUTABLE.update(kinds)
        return function

    return enter


def reads(tag: str, mutable: bool = False) -> Callable[[Any], Any]:
    """Enter a function ``(reader, rest of the list, depth) -> value`` for a tag; *mutable* as for the type that it makes."""

    def enter(function: Any) -> Any:
        if mutable:

            def kept(reader: Any, rest: list[Any], depth: int) -> Any:
                before = reader.size
                return reader.keep(function(reader, rest, depth), before)

            READERS[tag] = kept
        else:
            READERS[tag] = function
        return function

    return enter
