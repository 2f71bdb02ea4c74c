"""What stands for a student's functions, methods and iterators in a test: each use of one is asked over there.

What comes back is plain data, or again something of these. A function that came as an answer has no truth of its own and no methods:
it could stand where a value was expected.
"""

from __future__ import annotations

import asyncio
import types
from collections.abc import Generator
from typing import Any, NoReturn, Protocol

from autograder.handles.raised import EndOfIteration

__all__ = [
    "Awaits",
    "Drawing",
    "Generates",
    "Handle",
    "Held",
    "Iterates",
    "Method",
    "StudentFunction",
    "held_of",
    "next_of",
    "record",
]


class Asks(Protocol):
    """Calls something over there: what to call, by the tree that a message has for it, and how to tell of it."""

    def ask(
        self,
        target: Any,
        told: str,
        arguments: tuple[Any, ...],
        keywords: dict[str, Any],
        inputs: tuple[Any, ...] | None = None,
    ) -> Any:
        """What it gives; *inputs* are the arguments that are told, by default all."""

    def refuse(self, sentence: str) -> NoReturn:
        """Say that something cannot be had; the test fails also where it catches that.

        Raises:
            StudentError: always.
        """


class Held:
    """How something of the student's is known.

    Attributes:
        tree: as which it stands in a message.
        title: what it is called in sentences.
        bare: it came as the answer of a function, method or operator, and was not made by the test.
        epoch: while which process it is known; None for what is known by name.
        named: the test knows it by a name of the student's.
        compares: what says what it is equal to: "" for being one object, the name of a plain type, or "own" for its class.
    """

    __slots__ = ("asks", "bare", "compares", "epoch", "named", "title", "tree")

    def __init__(
        self, asks: Asks, tree: list[Any], title: str, *, named: bool = False, epoch: object = None
    ) -> None:
        self.asks, self.tree, self.title, self.named, self.epoch = asks, tree, title, named, epoch
        self.bare, self.compares = True, ""

    def call(self, function: Any, *arguments: Any) -> Any:
        """Have a function of the standard library called with this and more."""
        inputs = tuple(one for one in arguments if held_of(one) is None)
        return self.asks.ask(function, f"{self.title}.{function.__name__}", arguments, {}, inputs)


class Handle:
    """Something of the student's."""

    __slots__ = ("__weakref__", "_held_")


def held_of(value: Any) -> Held | None:
    """How something of the student's is known; None for anything else."""
    if isinstance(value, type):
        found: Held | None = type.__getattribute__(value, "__dict__").get("_class_held_")
        return found
    return record(value) if issubclass(type(value), Handle) else None


def record(value: Any) -> Held:
    """How a handle is known."""
    found: Held = object.__getattribute__(value, "_held_")
    return found


class StudentFunction(Handle):
    """A function of the student's, or something else that can be called."""

    __slots__ = ("__dict__",)  # for what inspect asks of a function

    def __init__(self, held: Held, name: str) -> None:
        object.__setattr__(self, "_held_", held)
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
        value = held.asks.ask(getattr, f"{held.title}.{name}", (self, name), {}, ())
        if not held.named and (held_of(value) is not None or callable(value)):
            held.asks.refuse(f"`{name}` of `{held.title}` is no plain value.")
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        held = record(self)
        if name.startswith("__"):
            object.__setattr__(self, name, value)
        else:
            held.asks.ask(setattr, f"{held.title}.{name}", (self, name, value), {}, (value,))

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
        held = record(self)
        held.asks.ask(Method(held, "close"), f"{held.title}.close", (), {})


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
        held = record(self)
        held.asks.ask(Method(held, "close"), f"{held.title}.close", (), {})

    def __repr__(self) -> str:
        return f"<coroutine of {record(self).title}>"


class Drawing(Handle):
    """A figure, axes, or something that is drawn in them; what it is like is asked by what Matplotlib calls ``get_…``, and by a few names more."""

    __slots__ = ("_kind_",)
    PARTS = frozenset(
        [
            "axes",
            "figure",
            "lines",
            "patches",
            "collections",
            "texts",
            "images",
            "artists",
            "containers",
            "legends",
            "title",
            "xaxis",
            "yaxis",
            "name",
        ]
    )

    def __init__(self, held: Held, kind: type) -> None:
        object.__setattr__(self, "_held_", held)
        object.__setattr__(self, "_kind_", kind)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return object.__getattribute__(self, "_kind_")

    def __bool__(self) -> bool:
        record(self).asks.refuse(f"`{record(self).title}` is a drawing, where a value was expected.")

    def __getattr__(self, name: str) -> Any:
        held = record(self)
        if name.startswith("__"):
            raise AttributeError(name)
        if name not in Drawing.PARTS and not name.startswith("get_"):
            held.asks.refuse(f"`{name}` of a drawing cannot be asked for here.")
        return held.asks.ask(getattr, f"{held.title}.{name}", (self, name), {}, ())

    def __repr__(self) -> str:
        return f"<{object.__getattribute__(self, '_kind_').__name__}>"


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
