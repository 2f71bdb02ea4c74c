"""What stands for a student's classes in a test."""

from __future__ import annotations

import contextlib
import operator
from typing import Any, NoReturn

from autograder.handles.handle import Held, held_of, record
from autograder.handles.instances import Instance
from autograder.handles.operators import special_methods
from autograder.handles.raised import StudentError
from autograder.handles.signatures import read_signature

__all__ = ["StudentClass", "class_below", "make_class"]


class StudentClass(type):
    """A class of the student's: calling it makes an instance over there."""

    def __call__(cls, *arguments: Any, **keywords: Any) -> Any:
        held = _record(cls)
        made = held.asks.ask(cls, held.title, arguments, keywords)
        if isinstance(made, Instance):
            record(made).bare = False
        return made

    def __new__(
        mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], made: bool = False
    ) -> Any:
        if not made:
            above = next((base.__name__ for base in bases if isinstance(base, StudentClass)), name)
            raise StudentError(
                f"A test's own class cannot be derived from `{above}`: the student's class is in another process."
            )
        return super().__new__(mcs, name, bases, namespace)

    def __init__(
        cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], made: bool = False
    ) -> None:
        super().__init__(name, bases, namespace)

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__") or not isinstance(held := vars(cls).get("_class_held_"), Held):
            raise AttributeError(name)
        return held.get(cls, name)

    def __setattr__(cls, name: str, value: Any) -> None:
        _record(cls).set(cls, name, value)

    def __iter__(cls) -> Any:
        return _record(cls).call(iter, cls)

    def __len__(cls) -> int:
        return _record(cls).length(cls)

    def __getitem__(cls, key: Any) -> Any:
        return _record(cls).call(operator.getitem, cls, key)

    def __contains__(cls, value: Any) -> bool:
        return held_of(value) is not None and _record(cls).call(operator.contains, cls, value) is True

    def __bool__(cls) -> bool:
        return True

    def __dir__(cls) -> Any:
        return _record(cls).call(dir, cls)


def _record(cls: StudentClass) -> Held:
    found: Held = type.__getattribute__(cls, "_class_held_")
    return found


class _Asked:
    """In the place of what the instructor's class has: the student's may have another."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return (
            StudentClass.__getattr__(owner, self._name)
            if instance is None
            else record(instance).get(instance, self._name)
        )


def _refused(name: str) -> Any:
    def refuse(self: Any, *arguments: Any, **keywords: Any) -> NoReturn:
        record(self).asks.refuse(
            f"`{name}` of an instance of `{record(self).title}` cannot be asked for here."
        )

    return refuse


def _hidden(kind: type, known: dict[str, Any]) -> dict[str, Any]:
    """What is to stand in a class below the instructor's *kind*, so that nothing of that class runs in the place of the student's."""
    names = {name for one in kind.__mro__[:-1] for name in vars(one)} - known.keys() - set(dir(Instance))
    special = {name for name in names if name.startswith("__")}
    asked: dict[str, Any] = {name: _Asked(name) for name in names - special}
    return asked | {name: _refused(name) for name in special if callable(getattr(kind, name, None))}


def make_class(held: Held, told: dict[str, Any], above: list[type], kinds: list[type]) -> StudentClass:
    """The class that stands for one of the student's, below those of its own that the test knows too, and below *kinds*, which are the instructor's."""
    bases = tuple(
        one for one in above if not any(one is not two and issubclass(two, one) for two in above)
    ) or (Instance,)
    title = str(told["title"])[:80]
    namespace = special_methods(told.get("special"))
    namespace |= {"__doc__": told.get("doc"), "__module__": "__main__", "_class_held_": held, "__slots__": ()}
    if (signature := read_signature(told)) is not None:
        namespace["__signature__"] = signature
    title = title if title.isidentifier() else "Class"
    for kind in kinds[:1]:
        with contextlib.suppress(TypeError):  # it says what may be derived from it
            return StudentClass(title, (*bases, kind), namespace | _hidden(kind, namespace), made=True)
    return StudentClass(title, bases, namespace, made=True)


def class_below(above: StudentClass, title: str, methods: dict[str, Any]) -> StudentClass:
    """The class of an instance whose nearest class that the test knows by name is *above*: that one, or one below it with these special methods."""
    if set(methods) <= set(dir(above)) and title == above.__name__:
        return above
    namespace = {
        "__slots__": (),
        "_class_held_": vars(above)["_class_held_"],
        "__module__": "__main__",
        **methods,
    }
    return StudentClass(title if title.isidentifier() else above.__name__, (above,), namespace, made=True)
