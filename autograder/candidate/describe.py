"""What a name of a student's stands for, as plain data, for the examiner to put something in its place."""

from __future__ import annotations

import builtins
import inspect
import sys
import types
from collections.abc import Mapping
from typing import Any

from autograder.candidate.held import Held, is_builtin
from autograder.candidate.special import compares, special
from autograder.wire.errors import Refused
from autograder.wire.plain import encode

__all__ = ["builtin_base", "classes_above", "describe"]

MAX_CLASSES = 20  # above another
LONGEST = 500  # characters of a module's or a class's name
LONGEST_DOC = 20_000
LONGEST_TEXT = 200  # of a default or an annotation
# Whether a function gives a coroutine, a generator, or a value.
FLAGS = inspect.CO_COROUTINE | inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR


def describe(name: str, names: Mapping[str, Any], held: Held) -> Any:
    """``missing``, ``value``, or what is to be known of a function, a class or an exception."""
    if name not in names:
        return "missing"
    value = names[name]
    if not callable(value) or held.named_class(type(value)):
        return "value"
    if not isinstance(value, type):
        return {"kind": "function", **_described(value, name)}
    if is_builtin(value):
        return "value"
    told = _described(value, name)
    if issubclass(value, tuple):
        if getattr(value, "_field_defaults", True):
            return told | {"kind": "function"}
        return told | {"kind": "named tuple", "fields": list(value._fields)}  # type: ignore[attr-defined]
    mine = {name for module, name in classes_above(value, names) if module == "__main__"}
    below = sorted(name for name in mine if names[name] is not value)
    told |= {"above": held.named_above(value), "below": below, "id": held.number(value)}
    if issubclass(value, BaseException):
        return told | {"kind": "exception", "base": builtin_base(value)}
    return told | {"kind": "class", "special": special(value), "compares": compares(value)}


def builtin_base(kind: type) -> str:
    """The nearest builtin type of an exception's."""
    return next(str(one.__name__) for one in kind.__mro__ if vars(builtins).get(one.__name__) is one)


def classes_above(kind: type, names: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A class and those above it, by module and name, where that is the one that is found there; down to a builtin one."""
    found = []
    for one in kind.__mro__:
        module, name = str(one.__module__), str(one.__name__)
        if module == "builtins":
            break
        there = names if module == "__main__" else vars(sys.modules.get(module, builtins))
        if there.get(name) is one:
            found.append((module[:LONGEST], name[:LONGEST]))
    return found[:MAX_CLASSES]


def _described(value: Any, name: str) -> dict[str, Any]:
    """What ``inspect`` and ``help`` say of a function: texts and plain values."""
    code = _attribute(value, "__code__", types.CodeType)
    doc = _attribute(value, "__doc__", str)
    told: dict[str, Any] = {
        "title": _attribute(value, "__name__", str) or name,
        "doc": None if doc is None else doc[:LONGEST_DOC],
        "parameters": None,
        "returns": None,
        "flags": 0 if code is None else code.co_flags & FLAGS,
    }
    try:
        signature = inspect.signature(value)
        told["parameters"] = [
            [
                parameter.name,
                int(parameter.kind),
                parameter.default is parameter.empty,
                _plain(parameter.default),
                parameter.annotation is parameter.empty,
                _plain(parameter.annotation),
            ]
            for parameter in signature.parameters.values()
        ]
        told["returns"] = [
            signature.return_annotation is signature.empty,
            _plain(signature.return_annotation),
        ]
    except Exception:  # not every callable has one
        pass
    return told


def _attribute(value: Any, name: str, kind: type) -> Any:
    """An attribute that is of this very type, or None."""
    try:
        found = getattr(value, name, None)
    except Exception:
        return None
    return found if type(found) is kind else None


def _plain(value: Any) -> Any:
    """A default or an annotation, or its text."""
    try:
        encode(value, 1 << 16)
    except Refused:
        return repr(value)[:LONGEST_TEXT]
    return value
