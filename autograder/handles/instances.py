"""What stands for a student's classes and their instances in a test.

No method of a student's decides here what a value is equal to: two instances are equal if they are one object. An operator that mixes an
instance with plain data works only on an instance that the test itself made: else a function could return an object whose operators find
every comparison right.
"""

from __future__ import annotations

import contextlib
import copy
import operator
from collections.abc import Callable
from typing import Any, NoReturn

from autograder.handles.functions import Handle, Held, Method, held_of, next_of, record
from autograder.handles.raised import StudentError
from autograder.handles.signatures import read_signature

__all__ = ["Instance", "StudentClass", "make_class", "make_instance", "special_methods"]


# How to ask for the plain value of an instance that compares as a plain type does.
PLAIN: dict[str, Any] = {
    "list": list,
    "dict": dict,
    "set": set,
    "int": int.__int__,
    "float": float.__float__,
    "str": str.__str__,
}


class StudentClass(type):
    """A class of the student's: calling it makes an instance over there."""

    def __call__(cls, *arguments: Any, **keywords: Any) -> Any:
        held: Held = type.__getattribute__(cls, "_class_held_")
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
        return held.asks.ask(getattr, f"{held.title}.{name}", (cls, name), {}, ())

    def __setattr__(cls, name: str, value: Any) -> None:
        held: Held = type.__getattribute__(cls, "_class_held_")
        held.asks.ask(setattr, f"{held.title}.{name}", (cls, name, value), {}, (value,))

    def __iter__(cls) -> Any:
        return type.__getattribute__(cls, "_class_held_").call(iter, cls)

    def __len__(cls) -> int:
        return _whole(type.__getattribute__(cls, "_class_held_").call(len, cls))

    def __getitem__(cls, key: Any) -> Any:
        return type.__getattribute__(cls, "_class_held_").call(operator.getitem, cls, key)

    def __contains__(cls, value: Any) -> bool:
        return (
            held_of(value) is not None
            and type.__getattribute__(cls, "_class_held_").call(operator.contains, cls, value) is True
        )

    def __bool__(cls) -> bool:
        return True

    def __dir__(cls) -> Any:
        return type.__getattribute__(cls, "_class_held_").call(dir, cls)


def _whole(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise StudentError("A length has to be a whole number.")
    return value


class Instance(Handle):
    """An instance of a student's class."""

    __slots__ = ()

    @property
    def __dict__(self) -> Any:  # type: ignore[override]
        return record(self).call(vars, self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _asked_for(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        held = record(self)
        held.asks.ask(setattr, f"{held.title}.{name}", (self, name, value), {}, (value,))

    def __delattr__(self, name: str) -> None:
        held = record(self)
        held.asks.ask(delattr, f"{held.title}.{name}", (self, name), {}, ())

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        held = record(self)
        if other is None or not held.compares:
            return NotImplemented
        plain = PLAIN.get(held.compares)
        if plain is None:
            _not_compared(held)
        mine, others = held.call(plain, self), _plain(other)
        return held_of(mine) is None and bool(mine == others)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return id(self)

    def __dir__(self) -> Any:
        return record(self).call(dir, self)

    def __copy__(self) -> Any:
        return record(self).call(copy.copy, self)

    def __deepcopy__(self, memo: Any) -> Any:
        return record(self).call(copy.deepcopy, self)

    def __str__(self) -> str:
        return _shown(self, str)

    def __repr__(self) -> str:
        return _shown(self, repr)

    def __format__(self, spec: str) -> str:
        return format(str(self), spec) if not spec else _shown(self, format, spec)


def _shown(value: Any, function: Any, *more: Any) -> str:
    text = record(value).call(function, value, *more)
    if type(text) is not str:
        raise StudentError("A text was expected.")
    return text


def _plain(value: Any) -> Any:
    """An instance that compares as a plain type does, as one."""
    plain = PLAIN.get(record(value).compares) if isinstance(value, Instance) else None
    return value if plain is None else record(value).call(plain, value)


def _not_compared(held: Held) -> NoReturn:
    held.asks.refuse(
        f"Instances of `{held.title}` are not compared here by their own `__eq__`, which could say anything. Compare their attributes."
    )


def _operator(function: Callable[..., Any], swapped: bool = False) -> Any:
    def operate(self: Any, other: Any) -> Any:
        held = record(self)
        if held.bare and not isinstance(other, Instance):
            held.asks.refuse(
                f"An answer is an instance of `{held.title}`, not plain data, so that nothing can be computed or compared with it."
            )
        return held.call(function, *((other, self) if swapped else (self, other)))

    return operate


def _unary(function: Callable[..., Any]) -> Any:
    return lambda self: record(self).call(function, self)


def _contains(self: Any, value: Any) -> bool:
    held = record(self)
    if held.bare and not isinstance(value, Instance):
        held.asks.refuse(f"An answer is an instance of `{held.title}`, not plain data.")
    return held.call(operator.contains, self, value) is True


def _truth(self: Any) -> bool:
    return record(self).call(bool, self) is True


def _exit(self: Any, kind: Any, error: Any, trace: Any) -> bool:
    # Without the error: a test that expects one says so outside of the block.
    held = record(self)
    held.asks.ask(Method(held, "__exit__"), f"{held.title}.__exit__", (None, None, None), {}, ())
    return False


def _called(self: Any, *arguments: Any, **keywords: Any) -> Any:
    held = record(self)
    return held.asks.ask(self, held.title, arguments, keywords)


BINARY = [
    "add",
    "sub",
    "mul",
    "matmul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "and",
    "or",
    "xor",
    "lshift",
    "rshift",
]
INPLACE = ["iadd", "isub", "imul", "itruediv", "iand", "ior", "ixor"]
ORDER = ["lt", "le", "gt", "ge"]


def _name(word: str) -> str:
    return f"{word}_" if word in ("and", "or") else word


SPECIAL: dict[str, Any] = {
    **{f"__{word}__": _operator(getattr(operator, _name(word))) for word in (*BINARY, *INPLACE, *ORDER)},
    **{f"__r{word}__": _operator(getattr(operator, _name(word)), swapped=True) for word in BINARY},
    **{f"__{word}__": _unary(getattr(operator, word)) for word in ("neg", "pos", "abs", "invert")},
    "__len__": lambda self: _whole(record(self).call(len, self)),
    "__getitem__": lambda self, key: record(self).call(operator.getitem, self, key),
    "__setitem__": lambda self, key, value: record(self).call(operator.setitem, self, key, value),
    "__delitem__": lambda self, key: record(self).call(operator.delitem, self, key),
    "__contains__": _contains,
    "__iter__": lambda self: record(self).call(iter, self),
    "__next__": next_of,
    "__reversed__": lambda self: record(self).call(reversed, self),
    "__call__": _called,
    "__bool__": _truth,
    "__enter__": lambda self: record(self).asks.ask(
        Method(record(self), "__enter__"), f"{record(self).title}.__enter__", (), {}
    ),
    "__exit__": _exit,
}


class _Asked:
    """In the place of what the instructor's class has: the student's may have another."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return (
            StudentClass.__getattr__(owner, self._name)
            if instance is None
            else _asked_for(instance, self._name)
        )


def _asked_for(instance: Any, name: str) -> Any:
    """What an instance has over there."""
    held = record(instance)
    return held.asks.ask(getattr, f"{held.title}.{name}", (instance, name), {}, ())


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


def special_methods(names: Any) -> dict[str, Any]:
    """The special methods of these names, as far as there is something to stand for them."""
    return {name: SPECIAL[name] for name in names or () if type(name) is str and name in SPECIAL}


def make_instance(kind: type, held: Held) -> Instance:
    """An instance of a class of :func:`make_class` that is known so; its class is not called."""
    made: Instance = object.__new__(kind)
    object.__setattr__(made, "_held_", held)
    return made
