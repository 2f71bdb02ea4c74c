"""Makes what stands in a test for the objects of a student's process."""

from __future__ import annotations

import types
import weakref
from abc import ABCMeta
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from autograder.handles.classes import StudentClass, class_below, make_class
from autograder.handles.drawings import Drawing
from autograder.handles.functions import Awaits, Generates, Iterates, StudentFunction
from autograder.handles.handle import Asks, Held, held_of
from autograder.handles.instances import Instance, make_instance
from autograder.handles.operators import special_methods
from autograder.handles.unnamed import Unnamed, unnamed_class
from autograder.wire.errors import WireError

__all__ = ["Objects"]

LONGEST_NAME = 80
LONGEST_TITLE = 60


class Objects:
    """The objects of one process that tests have, one handle for each.

    Attributes:
        dropped: numbers of those that no test has any more.
        unnamed: what the classes are called of instances that came, of which the test names no class, since somebody emptied it.

    Args:
        asks: calls something over there.
        classes: what stands for the student's classes, by the names that the test uses.
    """

    def __init__(self, asks: Asks, classes: dict[str, StudentClass]) -> None:
        self.dropped: set[int] = set()
        self.unnamed: list[str] = []
        self._asks, self._classes = asks, classes
        self._handles: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
        self._made: dict[int, StudentClass] = {}
        self._below: dict[tuple[Any, ...], StudentClass] = {}

    def make_class(
        self, name: str, told: dict[str, Any], above: list[Any], scope: Mapping[str, Any]
    ) -> StudentClass:
        """The class that stands for the student's of this name; the same one as long as it is the same over there.

        Args:
            told: what its process says of it.
            above: what stands for the classes of the student's that it is derived from.
            scope: where the instructor's classes are found that it may be derived from.

        Raises:
            WireError: *told* is no description of a class.
        """
        number = told.get("id")
        if type(number) is not int or type(told.get("title")) is not str:
            raise WireError("not a message: no class")
        if number not in self._made:
            held = Held(self._asks, ["name", name], name, named=True)
            made = make_class(held, told, above, [*_instructors(told.get("below"), scope)])
            for kind in _abstract(told.get("below"), scope):
                kind.register(made)
            self._made[number] = made
        return self._made[number]

    def resolve(self, tag: str, rest: list[Any], asked: str) -> Any:
        """What stands here for something over there, which came as an answer of what is called *asked* in sentences.

        Raises:
            WireError: there is nothing of the kind.
        """
        match tag, rest:
            case "name", [str(name)] if name in self._classes:
                return self._classes[name]
            case "function", [int(number), str(name), (str() | None) as doc]:
                title = asked if len(asked) > LONGEST_TITLE else f"{asked}(…)"
                return self._once(
                    number, StudentFunction, title, lambda held: StudentFunction(held, name, doc)
                )
            case "iterates", [int(number), bool(generates)]:
                kind = Generates if generates else Iterates
                return self._once(number, kind, asked, kind)
            case "awaits", [int(number)]:
                return self._once(number, Awaits, asked, Awaits)
            case "drawing", [int(number), str(name)]:
                return self._once(number, Drawing, name[:LONGEST_NAME], lambda held: Drawing(held, name))
            case "instance", [int(number), str(named), str(name), list(special), str(compares)] if (
                named in self._classes
            ):

                def make(held: Held) -> Instance:
                    held.compares = compares
                    return make_instance(self._class_below(self._classes[named], name, special), held)

                return self._once(number, Instance, name[:LONGEST_NAME], make)
            case "object", [int(number), str(name), list(special), str(compares)]:

                def bring(held: Held) -> Instance:
                    held.compares = compares
                    return make_instance(unnamed_class(held, name, special), held)

                self.unnamed.append(name[:LONGEST_NAME])
                return self._once(number, Unnamed, name[:LONGEST_NAME], bring)
        raise WireError(f"not a message: unknown tag {tag[:8]!r}")

    def _once(self, number: int, kind: type, title: str, make: Callable[[Held], Any]) -> Any:
        """The one handle on an object over there."""
        found = self._handles.get(number)
        if isinstance(found, Instance) and isinstance(found, Unnamed) != (kind is Unnamed):
            found = None  # another test names its class, or does not
        if found is None:
            if type(number) is not int or number < 0:
                raise WireError("not a message: no such object")
            found = make(Held(self._asks, ["held", number], title, epoch=self))
            self._handles[number] = found
            self.dropped.discard(number)
            weakref.finalize(found, self._drop, number).atexit = False
        if not issubclass(type(found), kind):
            raise WireError("not a message: an object that is now of another kind")
        return found

    def _drop(self, number: int) -> None:
        if number not in self._handles:
            self.dropped.add(number)

    def _class_below(self, above: StudentClass, title: str, special: list[Any]) -> StudentClass:
        """The class of an instance: the test's, or one below it that it does not know by name."""
        methods = special_methods(special)
        key = (above, title, *sorted(methods))
        if key not in self._below:
            self._below[key] = class_below(above, title, methods)
        return self._below[key]


def _abstract(names: Any, scope: Mapping[str, Any]) -> Iterator[Any]:
    """Abstract classes of the instructor's cells by these names: a class is one of them by being registered."""
    for name in names if type(names) is list else ():
        found = scope.get(name) if type(name) is str else None
        if type(found) is ABCMeta and found.__module__ == "__main__":
            yield found


def _instructors(names: Any, scope: Mapping[str, Any]) -> Iterator[type]:
    """Classes of the instructor's cells by these names, of those from which others can be derived as from any."""
    for name in names if type(names) is list else ():
        found = scope.get(name) if type(name) is str else None
        # One that has an __init_subclass__ of its own wants to know of those below it.
        if (
            type(found) is type
            and found.__module__ == "__main__"
            and held_of(found) is None
            and isinstance(found.__init_subclass__, types.BuiltinMethodType)
        ):
            yield found
