"""Ctrl-C that waits for the record under way."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Any

__all__ = ["CtrlC"]


class CtrlC:
    """While entered: Ctrl-C raises KeyboardInterrupt, but inside :meth:`held_off` only at its end, or in a wait."""

    def __init__(self) -> None:
        self._held = False
        self._asked = False
        self._before: Any = None

    def __enter__(self) -> CtrlC:
        self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *error: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self._held:
            raise KeyboardInterrupt
        self._asked = True

    @contextlib.contextmanager
    def held_off(self) -> Iterator[None]:
        """For what must not be left half done."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        self._raise_if_asked()

    @contextlib.contextmanager
    def let_through(self) -> Iterator[None]:
        """Inside :meth:`held_off`, for a wait in which nothing is half done: Ctrl-C raises KeyboardInterrupt at once."""
        held, self._held = self._held, False
        try:
            self._raise_if_asked()
            yield
        finally:
            self._held = held

    def _raise_if_asked(self) -> None:
        if self._asked:
            self._asked = False
            raise KeyboardInterrupt
