"""What stands for instances of a student's classes in a test.

No method of a student's decides here what a value is equal to: two instances are equal if they are one object.
"""

from __future__ import annotations

import copy
from typing import Any, NoReturn

from autograder.handles.handle import Handle, Held, held_of, record
from autograder.handles.raised import StudentError

__all__ = ["Instance", "make_instance"]

# How to ask for the plain value of an instance that compares as a plain type does.
PLAIN: dict[str, Any] = {
    "list": list,
    "dict": dict,
    "set": set,
    "int": int.__int__,
    "float": float.__float__,
    "str": str.__str__,
}


class Instance(Handle):
    """An instance of a student's class."""

    __slots__ = ()

    @property
    def __dict__(self) -> Any:  # type: ignore[override]
        return record(self).call(vars, self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return record(self).get(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        record(self).set(self, name, value)

    def __delattr__(self, name: str) -> None:
        held = record(self)
        held.asks.ask(delattr, f"{held.title}.{name}", (self, name), {}, ())

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        held = record(self)
        if other is None or not held.compares:
            return NotImplemented
        plain = PLAIN.get(held.compares)
        if plain is None:
            _not_compared(held)
        mine, others = held.call(plain, self), _plain(other)
        return held_of(mine) is None and bool(mine == others)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return id(self)

    def __dir__(self) -> Any:
        return record(self).call(dir, self)

    def __copy__(self) -> Any:
        return record(self).call(copy.copy, self)

    def __deepcopy__(self, memo: Any) -> Any:
        return record(self).call(copy.deepcopy, self)

    def __str__(self) -> str:
        return _shown(self, str)

    def __repr__(self) -> str:
        return _shown(self, repr)

    def __format__(self, spec: str) -> str:
        return format(str(self), spec) if not spec else _shown(self, format, spec)


def _shown(value: Any, function: Any, *more: Any) -> str:
    text = record(value).call(function, value, *more)
    if type(text) is not str:
        raise StudentError("A text was expected.")
    return text


def _plain(value: Any) -> Any:
    """An instance that compares as a plain type does, as one."""
    plain = PLAIN.get(record(value).compares) if isinstance(value, Instance) else None
    return value if plain is None else record(value).call(plain, value)


def _not_compared(held: Held) -> NoReturn:
    held.asks.refuse(
        f"Instances of `{held.title}` are not compared here by their own `__eq__`, which could say anything. Compare their attributes."
    )


def make_instance(kind: type, held: Held) -> Instance:
    """An instance of a class of :func:`autograder.handles.classes.make_class` that is known so; its class is not called."""
    made: Instance = object.__new__(kind)
    object.__setattr__(made, "_held_", held)
    return made
