"""What stands in a student's process for what a test passes: calling it has the examiner call the test's."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

__all__ = ["CALLED", "Ask", "Callback", "doc_of"]

LONGEST_DOC = 2_000  # characters of a function's text

# Calls a function of the test by its number.
Ask = Callable[[int, tuple[Any, ...], dict[str, Any]], Any]


def doc_of(function: Any) -> str | None:
    """The text of a function, as far as it crosses."""
    doc = getattr(function, "__doc__", None)
    return doc[:LONGEST_DOC] if type(doc) is str else None


class Callback:
    """A function of the test: calling it has the examiner call it."""

    def __init__(self, ask: Ask, number: int, name: str, doc: str | None = None) -> None:
        self._ask, self._number = ask, number
        self.__name__ = self.__qualname__ = name
        self.__doc__ = doc

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        return self._ask(self._number, arguments, keywords)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)


class StandIn(Callback):
    """A stand-in of the test for an object: its attributes are asked for."""

    def __init__(self, ask: Ask, number: int, name: str, asker: int) -> None:
        super().__init__(ask, number, name)
        self._asker = asker

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self  # as in a kernel: no function, so no method

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._ask(self._asker, (name,), {})

    def _special(self, name: str, *arguments: Any) -> Any:
        return self._ask(self._asker, (name,), {})(*arguments)

    def __enter__(self) -> Any:
        return self._special("__enter__")

    def __exit__(self, *error: Any) -> bool:
        return self._special("__exit__", None, None, None) is True

    def __iter__(self) -> Any:
        return iter(self._special("__iter__"))

    def __next__(self) -> Any:
        return self._special("__next__")

    def __len__(self) -> int:
        return int(self._special("__len__"))

    def __bool__(self) -> bool:
        return True

    def __getitem__(self, key: Any) -> Any:
        return self._special("__getitem__", key)


class CalledIterator(Callback):
    """An iterator of the test."""

    def __iter__(self) -> CalledIterator:
        return self

    def __next__(self) -> Any:
        return self()


# By the tag that a message has for it.
CALLED: dict[str, type[Callback]] = {"callback": Callback, "iterator": CalledIterator, "mock": StandIn}
