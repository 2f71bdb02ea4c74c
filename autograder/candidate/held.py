"""What the student's process keeps for the examiner, which knows it by a number, and what the examiner keeps for it."""

from __future__ import annotations

import functools
import importlib
import itertools
import operator
import os
import sys
import types
from collections.abc import Iterable
from typing import Any

import numpy as np

from autograder.candidate.callbacks import CALLED, Ask, Callback, doc_of
from autograder.candidate.special import compares, special
from autograder.wire.errors import Refused, WireError
from autograder.wire.plain import Writer
from autograder.wire.registry import LATE, PLAIN_BASES, late_writer
from autograder.wire.scalars import BUILTIN_TYPES

__all__ = ["Held", "is_builtin"]

DRAWS = "matplotlib."  # figures, axes, and what is drawn in them
MAX_HELD = 100_000
FUNCTIONS = (
    types.FunctionType,
    types.MethodType,
    types.BuiltinFunctionType,
    types.MethodWrapperType,
    functools.partial,
    functools._lru_cache_wrapper,
    operator.itemgetter,
    operator.attrgetter,
    operator.methodcaller,
    np.ufunc,
    np.vectorize,
)
EMPTY: tuple[Any, ...] = ((), [], {}, {}.values(), {}.items(), set(), "", b"", range(0))
ITERATORS = (
    types.GeneratorType,
    map,
    filter,
    zip,
    enumerate,
    reversed,
    *(one for one in vars(itertools).values() if isinstance(one, type) and hasattr(one, "__next__")),
    *(type(iter(one)) for one in EMPTY),
    *(type(reversed(one)) for one in EMPTY if hasattr(one, "__reversed__")),
)


class Held:
    """The objects that messages refer to.

    Args:
        names: the student's.
        ask: calls a function of the test by its number.
    """

    def __init__(self, names: dict[str, Any], ask: Ask) -> None:
        self._names, self._ask = names, ask
        self._folder = os.getcwd()  # the notebook's
        self.replaced: dict[str, Any] = {}  # what a test has put something else in the place of
        self._wanted: frozenset[str] = frozenset()
        self._classes: dict[int, str] = {}
        self._kept: dict[int, Any] = {}
        self._numbers: dict[int, int] = {}
        self._next = 0
        self._given: dict[int, tuple[Any, list[Any]]] = {}
        self._callbacks: dict[tuple[str, int], Callback] = {}

    def start(self, wanted: Iterable[str]) -> None:
        """A test begins that uses these names."""
        if not self._wanted.issuperset(wanted):
            self._wanted = frozenset(wanted)
        values = {name: self._names.get(name) for name in sorted(self._wanted)}
        self._classes = {
            id(value): name
            for name, value in values.items()
            if isinstance(value, type) and not is_builtin(value)
        }

    def named(self, name: str) -> Any:
        """What the student has under this name, whatever a test has put in its place."""
        return self.replaced[name] if name in self.replaced else self._names[name]

    def drop(self, numbers: Iterable[int]) -> None:
        """Forget what no test has any more."""
        for number in numbers:
            if number in self._kept:
                del self._numbers[id(self._kept.pop(number))]

    def resolve(self, tag: str, rest: list[Any]) -> Any:
        """What the examiner refers to."""
        if tag == "held":
            return self._kept[rest[0]]
        if tag == "name":
            return self.named(rest[0])
        if tag == "method":
            (inner, *more), name = rest
            return getattr(self.resolve(inner, more), name)
        if tag == "known":
            value = _known(*rest)
        elif tag in CALLED:
            number, *more = rest
            if (tag, number) not in self._callbacks:
                self._callbacks[tag, number] = CALLED[tag](self._ask, number, *more)
            value = self._callbacks[tag, number]
        else:
            raise WireError(f"not a message: unknown tag {tag[:8]!r}")
        self._given[id(value)] = (value, [tag, *rest])
        return value

    def refer(self, value: Any) -> list[Any] | None:
        """How the examiner can know something that is no plain data; None if it cannot."""
        given = self._given.get(id(value))
        if given is not None:
            return given[1]
        kind = type(value)
        if issubclass(kind, type):
            if is_builtin(value):
                return None
            if id(value) not in self._classes:
                raise Refused("a class")
            return ["name", self._classes[id(value)]]
        if kind in ITERATORS:
            return ["iterates", self.number(value), kind is types.GeneratorType]
        if kind is types.CoroutineType:
            return ["awaits", self.number(value)]
        if str(kind.__module__).startswith(DRAWS) and kind.__name__ != "ArtistList":
            if issubclass(kind, tuple | list):
                return None
            return ["drawing", self.number(value), kind.__name__[:80]]
        named = self.named_class(kind)
        if named is not None:
            return ["instance", self.number(value), named, kind.__name__[:80], special(kind), compares(kind)]
        if isinstance(value, FUNCTIONS):
            name = str(getattr(value, "__name__", kind.__name__))[:80]
            return ["function", self.number(value), name, doc_of(value)]
        if _is_students(kind, self._folder):
            return ["object", self.number(value), kind.__name__[:80], special(kind), compares(kind)]
        return None

    def named_class(self, kind: type) -> str | None:
        """The name by which the test knows a class or the nearest one above it; not of an exception or a kind of tuple, which cross in other ways."""
        return None if issubclass(kind, (BaseException, tuple)) else self.nearest_named(kind)

    def named_above(self, kind: type) -> list[str]:
        """The names by which the test knows the classes that a class is derived from, nearest first."""
        return self._named(kind.__mro__[1:])

    def _named(self, kinds: Iterable[type]) -> list[str]:
        return [self._classes[id(one)] for one in kinds if id(one) in self._classes]

    def nearest_named(self, kind: type) -> str | None:
        """The name by which the test knows a class or the nearest one above it."""
        return next(iter(self._named(kind.__mro__)), None)

    def number(self, value: Any) -> int:
        """The number by which the examiner knows an object."""
        number = self._numbers.get(id(value))
        if number is None:
            if len(self._kept) >= MAX_HELD:
                raise Refused(f"one more of more than {MAX_HELD:,} objects that a test has")
            number = self._numbers[id(value)] = self._next
            self._kept[number] = value
            self._next += 1
        return number


def _known(module: str, path: str) -> Any:
    """A function of a library by its name, or one that says when it is called that there is none."""
    try:
        value = importlib.import_module(module)
        for name in path.split("."):
            value = getattr(value, name)
    except (ImportError, AttributeError) as error:
        text = str(error)

        def missing(*arguments: Any, **keywords: Any) -> Any:
            raise ImportError(text)

        return missing
    return value


def _is_students(kind: type, folder: str) -> bool:
    """Whether a class is of the notebook or of a module in its *folder*, and no kind of plain data."""
    module = str(kind.__module__).split(".")[0]
    if (
        module in sys.stdlib_module_names
        or issubclass(kind, BaseException)
        or late_writer(kind) is not None
        or any(base in PLAIN_BASES for base in kind.__mro__)
    ):
        return False
    file = str(getattr(sys.modules.get(module), "__file__", None) or "")
    return module == "__main__" or file.startswith(folder + os.sep)


def is_builtin(kind: type) -> bool:
    """Whether a class is one of Python's builtin types, which cross as what they are."""
    return BUILTIN_TYPES.get(kind.__name__) is kind


def _write_artists(writer: Writer, value: Any, depth: int) -> Any:
    return writer.tree(list(value), depth)


LATE.append(lambda kind: _write_artists if kind.__name__ == "ArtistList" else None)
