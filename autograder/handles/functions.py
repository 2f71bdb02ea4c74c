"""What stands for a student's functions, methods and iterators in a test: each use of one is asked over there.

What comes back is plain data, or again something of these. A function that came as an answer has no truth of its own and no methods:
it could stand where a value was expected.
"""

from __future__ import annotations

import asyncio
import types
from collections.abc import Generator
from typing import Any

from autograder.handles.handle import Handle, Held, held_of, record
from autograder.handles.raised import EndOfIteration

__all__ = ["Awaits", "Generates", "Iterates", "Method", "StudentFunction", "next_of"]


class StudentFunction(Handle):
    """A function of the student's, or something else that can be called."""

    __slots__ = ("__dict__",)  # for what inspect asks of a function

    def __init__(self, held: Held, name: str, doc: str | None = None) -> None:
        object.__setattr__(self, "_held_", held)
        object.__setattr__(self, "__doc__", doc)
        object.__setattr__(self, "__name__", name)
        object.__setattr__(self, "__qualname__", name)
        object.__setattr__(self, "__module__", "__main__")

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        held = record(self)
        # A name is a shorter way to say what is asked for.
        target = held.tree[1] if held.tree[0] == "name" else self
        return held.asks.ask(target, held.title, arguments, keywords)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return types.FunctionType

    def __copy__(self) -> StudentFunction:
        return self

    def __deepcopy__(self, memo: Any) -> StudentFunction:
        return self

    def __bool__(self) -> bool:
        if not record(self).named:
            record(self).asks.refuse(f"`{record(self).title}` is a function, where a value was expected.")
        return True

    def __getattr__(self, name: str) -> Any:
        held = record(self)
        if name.startswith("__"):
            raise AttributeError(name)
        value = held.get(self, name)
        if not held.named and (held_of(value) is not None or callable(value)):
            held.asks.refuse(f"`{name}` of `{held.title}` is no plain value.")
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        held = record(self)
        if name.startswith("__"):
            object.__setattr__(self, name, value)
        else:
            held.set(self, name, value)

    def __repr__(self) -> str:
        return f"<function {self.__name__}>"


class Iterates(Handle):
    """A generator or another iterator of the student's: each item is asked for when the test takes it."""

    __slots__ = ()

    def __init__(self, held: Held) -> None:
        object.__setattr__(self, "_held_", held)

    def __iter__(self) -> Iterates:
        return self

    def __next__(self) -> Any:
        return next_of(self)

    def __repr__(self) -> str:
        return f"<iterator of {record(self).title}>"


class Generates(Iterates):
    """A generator."""

    __slots__ = ()

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return types.GeneratorType

    def send(self, value: Any) -> Any:
        return next_of(self, value)

    def close(self) -> None:
        Method(record(self), "close")()


def next_of(iterator: Any, *sent: Any) -> Any:
    """The next item of an iterator over there, which may be *sent* something."""
    held = record(iterator)
    function, arguments = (Method(held, "send"), sent) if sent else (next, (iterator,))
    try:
        return held.asks.ask(function, held.title, arguments, {}, sent)
    except EndOfIteration as end:
        raise StopIteration(*end.args[1:]) from None


class Awaits(Handle):
    """A coroutine of the student's: it runs over there to its end when the test awaits it."""

    __slots__ = ()

    def __init__(self, held: Held) -> None:
        object.__setattr__(self, "_held_", held)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return types.CoroutineType

    def __bool__(self) -> bool:
        record(self).asks.refuse(f"`{record(self).title}` gave a coroutine, where a value was expected.")

    def __await__(self) -> Generator[None, None, Any]:
        result: Any = record(self).call(asyncio.run, self)
        yield from ()
        return result

    def send(self, value: Any) -> Any:
        raise StopIteration(record(self).call(asyncio.run, self))

    def throw(self, *error: Any) -> Any:
        self.close()
        raise error[0]

    def close(self) -> None:
        Method(record(self), "close")()

    def __repr__(self) -> str:
        return f"<coroutine of {record(self).title}>"


class Method(Handle):
    """A method of something that is held, not yet asked for."""

    __slots__ = ("__name__",)
    __name__: str

    def __init__(self, of: Held, name: str) -> None:
        held = Held(of.asks, ["method", of.tree, name], f"{of.title}.{name}", named=True, epoch=of.epoch)
        object.__setattr__(self, "_held_", held)
        object.__setattr__(self, "__name__", name)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        held = record(self)
        return held.asks.ask(self, held.title, arguments, keywords)

    def __repr__(self) -> str:
        return f"<method {self.__name__}>"
