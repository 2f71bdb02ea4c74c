"""Lets everything be as a test has it for as long as a call of the student's code takes; :mod:`autograder.handles.setting` says what."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from autograder.candidate.held import Held
from autograder.candidate.patches import Patches
from autograder.wire.generators import changed_states, global_marks, set_global_state

__all__ = ["Setting"]


class Setting:
    """What holds for calls.

    Args:
        names: the student's.
        held: what the examiner refers to.
    """

    def __init__(self, names: dict[str, Any], held: Held) -> None:
        self._names, self._held = names, held
        # Of the random numbers when the last call was over, if the examiner knows their states.
        self._marks: list[Any] | None = None

    def begin_test(self) -> None:
        """The examiner knows the states of random numbers only once the test has set them."""
        self._marks = None

    @contextlib.contextmanager
    def applied(
        self,
        states: list[Any],
        patched: dict[str, Any],
        dropped: list[int],
        ambient: dict[str, Any],
        replaced: dict[str, Any],
        deleted: list[str],
        patches: list[Any] | None,
    ) -> Iterator[Patches]:
        """Let everything be as the test has it, and in the end as it was, but for random numbers."""
        self._held.drop(dropped)
        for which, state in states:
            set_global_state(which, state)
        if states:
            self._marks = global_marks()
        attributes, *more = patches or ([],)
        of_builtins: list[Any] = [("builtins", [], name, [value]) for name, value in patched.items()]
        recursion, errors = sys.getrecursionlimit(), np.geterr()
        sys.setrecursionlimit(ambient.get("recursion", recursion))
        np.seterr(**ambient.get("errors", {}))
        named = {name: self._names[name] for name in (*replaced, *deleted) if name in self._names}
        before, self._held.replaced = self._held.replaced, {**named, **self._held.replaced}
        self._names.update(replaced)
        for name in deleted:
            self._names.pop(name, None)
        try:
            with Patches([*of_builtins, *attributes], *more).applied() as applied:
                yield applied
        finally:
            for name in replaced.keys() - named.keys():
                self._names.pop(name, None)
            self._names.update(named)
            self._held.replaced = before
            sys.setrecursionlimit(recursion)
            np.seterr(**errors)

    def drawn(self) -> list[Any]:
        """Which states of random numbers are not those that the examiner knows, and what they are."""
        if self._marks is None:
            return []
        before, self._marks = self._marks, global_marks()
        return changed_states(before, self._marks)
