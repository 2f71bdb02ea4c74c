"""What all that stands in a test for something of the student's has in common: how it is known, and whom to ask."""

from __future__ import annotations

from typing import Any, NoReturn, Protocol

from autograder.handles.raised import StudentError

__all__ = ["Asks", "Handle", "Held", "held_of", "record"]


class Asks(Protocol):
    """Calls something in the student's process."""

    def ask(
        self,
        target: Any,
        told: str,
        arguments: tuple[Any, ...],
        keywords: dict[str, Any],
        inputs: tuple[Any, ...] | None = None,
    ) -> Any:
        """What something gives that is called there.

        Args:
            target: a name of the student's, or what a message can refer to.
            told: what it is called in sentences.
            inputs: the arguments that are told, by default all.

        Raises:
            StudentError: it raised, gave something that may not cross, took too long or ended the process.
        """

    def refuse(self, sentence: str) -> NoReturn:
        """Say that something cannot be had; a test that catches this is failed all the same, as nothing of the kind is raised in a kernel.

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

    def length(self, handle: Any) -> int:
        """The length of what is known so; *handle* stands for it."""
        value = self.call(len, handle)
        if type(value) is not int or value < 0:
            raise StudentError("A length has to be a whole number.")
        return value

    def get(self, handle: Any, name: str) -> Any:
        """An attribute of what is known so; *handle* stands for it."""
        return self.asks.ask(getattr, f"{self.title}.{name}", (handle, name), {}, ())

    def set(self, handle: Any, name: str, value: Any) -> None:
        """Set an attribute of what is known so; *handle* stands for it."""
        self.asks.ask(setattr, f"{self.title}.{name}", (handle, name, value), {}, (value,))


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
