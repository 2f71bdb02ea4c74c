"""What a test has set that holds for the student's code too: random numbers, names, builtins, the limit of recursion, and what it has patched.

Here is found what is other than it was when the test began; :mod:`autograder.candidate.setting` lets it be so over there for as long as a call takes.
"""

from __future__ import annotations

import builtins
import operator
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from autograder.handles.patches import GONE, Patches
from autograder.handles.seeds import seeded, watch_seeds
from autograder.wire.errors import Refused
from autograder.wire.generators import changed_states, follow_globally, global_marks
from autograder.wire.plain import Writer, encode

__all__ = ["Setting"]

# Builtins that a test may replace for the student's code too: none that a process needs for talking to the other.
PATCHED = ("abs", "eval", "exec", "input", "max", "min", "pow", "print", "round", "sorted", "sum")
LARGEST = 64 << 20  # bytes of a value that a test gives to a name of the student's


class Setting:
    """What one test has set.

    Attributes:
        scope: the names as the test has them.
        found: what the student's names stood for when the test began.
        patches: what the test may patch besides; None for nothing.
        dropped: numbers of what the other process need not hold any more; :meth:`changes` takes out those that it tells.

    Args:
        refer: gives the tree of what is no plain data, or None.
    """

    def __init__(self, refer: Callable[[Any], list[Any] | None]) -> None:
        self.scope: Mapping[str, Any] = {}
        self.found: Mapping[str, Any] = {}
        self.patches: Patches | None = None
        self.dropped: set[int] = set()
        self._refer = refer
        self._tried: dict[str, tuple[Any, bool]] = {}
        self._builtins = {name: getattr(builtins, name) for name in PATCHED}
        self._ambient = _ambient()
        watch_seeds()
        self._seeded, self._follows = seeded(), False
        self._marks: list[Any] = [None, None]

    def changes(self) -> list[Any] | None:
        """The arguments of :meth:`autograder.candidate.setting.Setting.applied`; None if there is nothing to apply."""
        if not (self._follows or self.dropped or self.patches is not None) and (
            seeded() == self._seeded
            and _is_same(self._builtins, vars(builtins))
            and _is_same(self.found, self.scope)
            and _ambient() == self._ambient
        ):
            return None  # nearly always, and before each call
        states: list[list[Any]] = []
        self._follows = self._follows or seeded() != self._seeded
        if self._follows:
            before, self._marks = self._marks, global_marks()
            states = changed_states(before, self._marks)
        patched = _changed(self._builtins, vars(builtins))
        dropped = [self.dropped.pop() for _ in range(len(self.dropped))]
        ambient = {name: value for name, value in _ambient().items() if value != self._ambient[name]}
        replaced, deleted = self._rebound()
        patches = self.patches.changes() if self.patches is not None else None
        if not (states or patched or dropped or ambient or replaced or deleted or patches):
            return None
        return [states, patched, dropped, ambient, replaced, deleted, patches]

    def drew(self, which: int, state: list[Any]) -> None:
        """Let the test's random numbers go on from where the student's function left them."""
        follow_globally(which, state)
        self._marks = global_marks()

    def _rebound(self) -> tuple[dict[str, Any], list[str]]:
        """The student's names that the test has given another value, and those that it has deleted: so they are for the student's code too."""
        changed = _changed(self.found, self.scope)
        if self.patches is not None:
            changed |= {n: now for n, now in self.patches.names(self.found).items() if self._crosses(n, now)}
        deleted = [name for name, now in changed.items() if now is GONE]
        return {name: now for name, now in changed.items() if now is not GONE}, deleted

    def _crosses(self, name: str, value: Any) -> bool:
        """Whether it can be so over there: a test may use a name of the student's for something of its own."""
        known, crosses = self._tried.get(name, (GONE, True))
        if known is not value:
            try:
                encode(value, LARGEST, Writer(self._refer))
                crosses = True
            except Refused:
                crosses = False
            self._tried[name] = value, crosses
        return crosses


def _is_same(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether all that stood in *before* stands in *now*: the same objects under the same names."""
    return all(map(operator.is_, map(now.get, before), before.values()))


def _changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in *now* under the names whose value is not the object that it was; :data:`~autograder.handles.patches.GONE` for nothing."""
    if _is_same(before, now):
        return {}
    found = {name: now.get(name, GONE) for name in before}
    return {name: value for name, value in found.items() if value is not before[name]}


def _ambient() -> dict[str, Any]:
    """What holds for a whole process, and a test may change for a call."""
    return {"recursion": sys.getrecursionlimit(), "errors": np.geterr()}
