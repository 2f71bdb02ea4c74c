"""What a test passes to the student's code that is no plain data: functions and iterators, which are called back, and what libraries have."""

from __future__ import annotations

import builtins
import functools
from collections.abc import Callable, Iterator
from typing import Any

from autograder.candidate.callbacks import doc_of
from autograder.handles.libraries import library_name
from autograder.handles.patches import is_mock, mocks_attribute, runs_here
from autograder.handles.raised import CROSSING
from autograder.wire.errors import Refused, WireError
from autograder.wire.plain import encode

__all__ = ["Callbacks"]

MAX_CALLBACKS = 200_000  # in a test
MAX_FUNCTIONS = 10_000  # of a test's own that it passes
MAX_KEPT = 1_000  # of them that stay for the tests after it
LONGEST = 200  # characters of an error's text
LARGEST_ERROR = 1 << 16  # bytes


class Callbacks:
    """What one process of the student's knows of the tests' own."""

    def __init__(self) -> None:
        self._functions: dict[int, tuple[Callable[..., Any], Any]] = {}
        self._askers: dict[int, Callable[..., Any]] = {}  # for each stand-in, what gives its attributes
        self._numbers: dict[int, int] = {}
        self._next = 0
        self._known: dict[tuple[str, str], Any] = {}
        self._called = 0

    def begin_test(self) -> None:
        """A test begins."""
        self._called = 0
        if len(self._functions) > MAX_KEPT:
            self._functions.clear()
            self._numbers.clear()
            self._askers.clear()

    def refer(self, value: Any) -> list[Any] | None:
        """The tree of something of a library, or of a function, an iterator or a stand-in of the test; None for anything else.

        Raises:
            Refused: it may not be called with what a student's code gives it, or there are too many.
        """
        if (name := library_name(value)) is not None:
            self._known[name] = value
            return ["known", *name]
        if (within := runs_here(value)) is not None:
            raise Refused(f"a stand-in that calls {within}, which would run in the test's process")
        if is_mock(value):
            asker = self._askers.setdefault(id(value), functools.partial(mocks_attribute, value))
            return ["mock", self._number(value, value), "stand-in", self._number(asker, asker)]
        if callable(value):
            title = str(getattr(value, "__name__", type(value).__name__))[:80]
            return ["callback", self._number(value, value), title, doc_of(value)]
        if isinstance(value, Iterator):
            return ["iterator", self._number(value.__next__, value), "iterator"]
        return None

    def resolve(self, tag: str, rest: list[Any]) -> Any:
        """What was passed, when it comes back; None if it was not."""
        match tag, rest:
            case "known", [str(module), str(path)]:
                return self._known.get((module, path))
            case "callback" | "iterator" | "mock", [int(number), str(), *_] if number in self._functions:
                return self._functions[number][1]
        return None

    def call(self, number: int, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> list[Any]:
        """Call a function that a test passed; see :meth:`autograder.candidate.peer.Peer.call_back`."""
        self._called += 1
        if not 0 <= number < self._next or self._called > MAX_CALLBACKS:
            raise WireError("not a message: no such function")
        if number not in self._functions:
            return ["raised", ["RuntimeError", ("this function belongs to an earlier test",)]]
        function, _ = self._functions[number]
        try:
            return ["value", function(*arguments, **keywords)]
        except Exception as error:
            return ["raised", _as_builtin(error)]

    def _number(self, function: Callable[..., Any], key: Any) -> int:
        number = self._numbers.get(id(key))
        if number is None:
            if len(self._functions) >= MAX_FUNCTIONS:
                raise Refused(f"a function after {MAX_FUNCTIONS:,} others")
            number = self._numbers[id(key)] = self._next
            self._next += 1
            self._functions[number] = function, key  # the key is kept so that its id stays its own
        return number


def _as_builtin(error: Exception) -> list[Any]:
    """The name of the nearest builtin exception that may cross, and its arguments."""
    name = next(
        one.__name__
        for one in type(error).__mro__
        if one.__name__ in {*CROSSING, "StopIteration"} and one.__module__ == "builtins"
    )
    try:
        encode(error.args, LARGEST_ERROR)
        getattr(builtins, name)(*error.args)
    except (Refused, TypeError):
        return ["RuntimeError" if name.startswith("Unicode") else name, (str(error)[:LONGEST],)]
    return [name, error.args]
