"""What stands for an instance of a student's class that the test does not name, such as a node of a linked list.

It has attributes and items, and methods that are called without arguments. A method that is given something could say of it what it likes: a test that hands
something to one has to name the class, as it then expects an instance of it.
"""

from __future__ import annotations

from typing import Any

from autograder.handles.classes import StudentClass
from autograder.handles.functions import StudentFunction
from autograder.handles.handle import Held, held_of, record
from autograder.handles.instances import Instance
from autograder.handles.operators import special_methods

__all__ = ["Unnamed", "unnamed_class"]


class Unnamed(Instance):
    """An instance of a class that the test does not name."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        value = super().__getattr__(name)
        return _Method(held_of(value), self) if isinstance(value, StudentFunction) else value


class _Method:
    """A method of such an instance."""

    def __init__(self, held: Held | None, of: Unnamed) -> None:
        assert held is not None
        self._held, self._of = held, of

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        if arguments or keywords:
            title = record(self._of).title
            self._held.asks.refuse(
                f"A method of an instance of `{title}` cannot be given anything by a test that does not name that class."
            )
        return self._held.asks.ask(StudentFunction(self._held, ""), self._held.title, (), {})


class _UnnamedClass(StudentClass):
    def __call__(cls, *arguments: Any, **keywords: Any) -> Any:
        held = vars(cls)["_class_held_"]
        held.asks.refuse(f"The class `{held.title}` cannot be called by a test that does not name it.")

    def __getattr__(cls, name: str) -> Any:
        raise AttributeError(name)


def unnamed_class(held: Held, title: str, special: list[Any]) -> Any:
    """The class of such an instance."""
    methods = special_methods(special)
    methods.pop("__call__", None)  # it would be given what the test likes
    known = Held(held.asks, held.tree, held.title, epoch=held.epoch)
    namespace = {"__slots__": (), "__module__": "__main__", "_class_held_": known, **methods}
    return _UnnamedClass(title if title.isidentifier() else "Class", (Unnamed,), namespace, made=True)
