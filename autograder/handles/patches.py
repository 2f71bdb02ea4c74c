"""What a test patches that the student's code has to see during a call: attributes of modules and classes of libraries, and what holds for a process.

The text of a test says what it may patch (:meth:`autograder.instructor.source.Source.patches`), and nothing else is looked at. Here is found what is
other than it was when the test began; :mod:`autograder.candidate.patches` lets it be so over there for as long as the call takes.
"""

from __future__ import annotations

import decimal
import importlib
import os
import random
import sys
from collections.abc import Iterator, Mapping, Set
from types import FunctionType, ModuleType
from typing import Any

from autograder.handles.handle import held_of

__all__ = ["GONE", "Patches", "is_mock", "mocks_attribute", "runs_here"]

GONE: Any = object()
ENVIRONMENT = ("os", "environ")
DECIMALS = ("decimal", "getcontext")
AWAITS = ("asyncio", "")
# What is printed is looked at in another way.
STREAMS = {("sys", "stdout"), ("sys", "stderr")}
# Functions of these can be called with whatever a student's code gives them.
HARMLESS = frozenset(("cmath", "math", "random", "statistics", "time"))
HARMLESS_BUILTINS = frozenset(
    ("abs", "all", "any", "divmod", "enumerate", "filter", "len", "map", "max", "min", "pow", "range")
) | {"reversed", "round", "sorted", "sum", "zip"}
# Of a stand-in, what a stand-in for a context manager, a file or a container is asked for; the names without underscores are all there.
SPECIAL = frozenset(("__enter__", "__exit__", "__getitem__", "__iter__", "__len__", "__next__"))
CONTROLS = frozenset(("method_calls", "mock"))
DEPTH = 5


class Patches:
    """What a test may patch, as it is when the test begins.

    Attributes:
        awaits: whether the test may await coroutines.

    Args:
        paths: dotted names of attributes, from a module on; :data:`ENVIRONMENT` and :data:`DECIMALS` stand for all that is set there,
            :data:`AWAITS` for the use of coroutines.
        scope: the names of the notebook, which is the module ``__main__``.
    """

    def __init__(self, paths: Set[tuple[str, ...]], scope: Mapping[str, Any]) -> None:
        self._scope = scope
        self._names: dict[str, Any] = {}
        self._attributes: list[tuple[str, list[str], str, Any, Any]] = []
        self._environment = self._decimals = None
        self.awaits = AWAITS in paths
        for path in sorted({*paths} - {AWAITS}):
            if path[:2] == ENVIRONMENT:
                self._environment = dict(os.environ)
            elif path == DECIMALS:
                self._decimals = _context()
            elif path[0] == "__main__" and len(path) == 2:
                self._names[path[1]] = scope.get(path[1], GONE)
            elif path not in STREAMS and (found := _owner(path)) is not None:
                module, inner, owner = found
                before = vars(owner).get(path[-1], GONE)
                self._attributes.append((module, inner, path[-1], owner, before))

    def names(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """Names of the notebook that have another value than when the test began, but for those of the student's that were *found*."""
        now = {name: self._scope.get(name, GONE) for name in self._names if name not in found}
        return {name: value for name, value in now.items() if value is not self._names[name]}

    def changes(self) -> list[Any] | None:
        """The arguments of :class:`autograder.candidate.patches.Patches` for what is other than it was; None if nothing is."""
        attributes = [
            (module, inner, name, [] if now is GONE else [now])
            for module, inner, name, owner, before in self._attributes
            if (now := vars(owner).get(name, GONE)) is not before
        ]
        environment: dict[str, str | None] = {}
        if self._environment is not None and self._environment != os.environ:
            names = {*self._environment, *os.environ}
            now_and_before = {name: (os.environ.get(name), self._environment.get(name)) for name in names}
            environment = {name: now for name, (now, before) in now_and_before.items() if now != before}
        decimals = _context() if self._decimals is not None else None
        if decimals == self._decimals:
            decimals = None
        return [attributes, environment, decimals] if attributes or environment or decimals else None


def _owner(path: tuple[str, ...]) -> tuple[str, list[str], Any] | None:
    """The name of a module, the path from there, and what has the last name of *path*: a module, or a class of no student's."""
    for end in range(len(path) - 1, 0, -1):
        name = ".".join(path[:end])
        try:
            owner = importlib.import_module(name)
        except Exception:  # whoever runs the cell is told
            continue
        inner = list(path[end:-1])
        for part in inner:
            owner = getattr(owner, part, None)  # type: ignore[assignment]
        known = isinstance(owner, (ModuleType, type)) and held_of(owner) is None
        return (name, inner, owner) if known else None
    return None


def _context() -> dict[str, Any]:
    now = decimal.getcontext()
    plain = {name: getattr(now, name) for name in ("prec", "rounding", "Emin", "Emax", "capitals", "clamp")}
    return {**plain, "traps": sorted(kind.__name__ for kind, trapped in now.traps.items() if trapped)}


def is_mock(value: Any) -> bool:
    """Whether it is a stand-in of ``unittest.mock``."""
    mock = sys.modules.get("unittest.mock")
    return mock is not None and issubclass(type(value), mock.NonCallableMock)


def mocks_attribute(mock: Any, name: Any) -> Any:
    """What a stand-in has under a name that a student's code asks for.

    Raises:
        AttributeError: it is a name by which a test looks at the stand-in, or sets it up.
    """
    own = CONTROLS.union(dir(sys.modules["unittest.mock"].NonCallableMock)) - SPECIAL
    hidden = (
        type(name) is not str or (name.startswith("_") and name not in SPECIAL) or name.startswith("assert")
    )
    if hidden or name in own or runs_here(mock) is not None or vars(mock).get("_mock_wraps") is not None:
        raise AttributeError(f"a stand-in of the test has no {str(name)[:80]!r}")
    return getattr(mock, name)


def runs_here(value: Any, depth: int = 0) -> str | None:
    """The name of a function of a library that a stand-in would call in this process with a student's arguments, unless that is harmless."""
    for inner in _within(value):
        if is_mock(inner) or type(inner) is FunctionType:
            name = runs_here(inner, depth + 1) if depth < DEPTH else "another"
            if name is not None:
                return name
        if isinstance(inner, FunctionType) and inner.__module__ == "__main__":
            continue
        if callable(inner) and held_of(inner) is None and not is_mock(inner) and not _harmless(inner):
            return str(getattr(inner, "__qualname__", type(inner).__name__))
    return None


def _within(value: Any) -> Iterator[Any]:
    """What a stand-in calls."""
    if type(value) is FunctionType:
        value = vars(value).get("mock")
    if is_mock(value):
        own = vars(value)
        yield from (own[name] for name in ("_mock_wraps", "_mock_side_effect") if own.get(name) is not None)


def _harmless(function: Any) -> bool:
    if isinstance(function, type):
        return issubclass(function, BaseException)
    name, module = str(getattr(function, "__name__", "_")), str(getattr(function, "__module__", None) or "")
    if type(function) is FunctionType and module == "unittest.mock":  # a part of one of its stand-ins
        return "<locals>" in function.__qualname__
    if type(getattr(function, "__self__", None)) is random.Random:
        return not name.startswith("_")
    return name in HARMLESS_BUILTINS if module == "builtins" else module in HARMLESS
