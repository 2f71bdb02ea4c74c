"""What a test has patched, for as long as a call of the student's code takes: attributes of modules, the environment, the context of decimals."""

from __future__ import annotations

import contextlib
import decimal
import importlib
import os
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["Patches"]


class Patches:
    """Patches that are on or off: a function of the test, which is called meanwhile, finds everything as it is without them.

    Args:
        attributes: (name of a module, path from there to a module or class, name, value in a list, or an empty list for none).
        environment: environment variables; None for one that is not there.
        decimals: arguments of a :class:`decimal.Context`, its traps by their names; None for what it is.
    """

    def __init__(
        self,
        attributes: list[tuple[str, list[str], str, list[Any]]] | None = None,
        environment: dict[str, str | None] | None = None,
        decimals: dict[str, Any] | None = None,
    ) -> None:
        self._attributes, self._environment, self._decimals = attributes or [], environment or {}, decimals
        self._undo: list[Callable[[], object]] = []

    def on(self) -> None:
        """Let everything be as the test has it."""
        for module, path, name, value in self._attributes:
            # What is not there, or may not be set, is so in a kernel too.
            with contextlib.suppress(ImportError, AttributeError, TypeError):
                self._set(_owner(module, path), name, value)
        for name, text in self._environment.items():
            self._undo.append(_putting(name, os.environ.get(name)))
            _putting(name, text)()
        if self._decimals is not None:
            before = decimal.getcontext()
            traps = [getattr(decimal, name) for name in self._decimals["traps"]]
            decimal.setcontext(decimal.Context(**{**self._decimals, "traps": traps}))
            self._undo.append(lambda: decimal.setcontext(before))

    def off(self) -> None:
        """Let everything be as it was."""
        while self._undo:
            with contextlib.suppress(Exception):  # the student's code may have seen to it
                self._undo.pop()()

    @contextlib.contextmanager
    def applied(self) -> Iterator[Patches]:
        """On inside."""
        self.on()
        try:
            yield self
        finally:
            self.off()

    def _set(self, owner: Any, name: str, value: list[Any]) -> None:
        had = name in vars(owner)
        before = vars(owner).get(name)
        if value:
            setattr(owner, name, value[0])
        elif had:
            delattr(owner, name)
        self._undo.append(lambda: setattr(owner, name, before) if had else delattr(owner, name))


def _owner(module: str, path: list[str]) -> Any:
    found: Any = importlib.import_module(module)
    for name in path:
        found = getattr(found, name)
    return found


def _putting(name: str, text: str | None) -> Callable[[], object]:
    return lambda: os.environ.pop(name, None) if text is None else os.environ.update({name: text})
