"""What stands for a student's functions, classes, instances and iterators in a test: each use of one is asked over there.

What comes back is plain data, or again something of these. No method of a student's decides here what a value is equal to: two instances
are equal if they are one object. An operator that mixes an instance with plain data works only on an instance that the test itself made:
else a function could return an object whose operators find every comparison right.
"""

from __future__ import annotations

import copy
import inspect
import operator
import types
from collections.abc import Callable
from typing import Any, NoReturn, Protocol

from autograder.exam.raised import EndOfIteration, StudentError

__all__ = [
    "Generates",
    "Handle",
    "Held",
    "Instance",
    "Iterates",
    "StudentClass",
    "StudentFunction",
    "describe",
    "held_of",
    "make_class",
    "make_instance",
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
        compares: its class says itself what its instances are equal to.
    """

    __slots__ = ("asks", "bare", "compares", "epoch", "named", "title", "tree")

    def __init__(
        self, asks: Asks, tree: list[Any], title: str, *, named: bool = False, epoch: object = None
    ) -> None:
        self.asks, self.tree, self.title, self.named, self.epoch = asks, tree, title, named, epoch
        self.bare, self.compares = True, False

    def call(self, function: Any, *arguments: Any) -> Any:
        """Have a function of the standard library called with this and more."""
        inputs = tuple(one for one in arguments if held_of(one) is None)
        return self.asks.ask(function, f"{self.title}.{function.__name__}", arguments, {}, inputs)


class Handle:
    """Something of the student's."""

    __slots__ = ("__weakref__", "_held_")


def held_of(value: Any) -> Held | None:
    """How something of the student's is known; None for anything else."""
    kind = type(value)
    if kind is StudentClass:
        found: Held = type.__getattribute__(value, "_class_held_")
        return found
    return _held(value) if issubclass(kind, Handle) else None


def _held(value: Any) -> Held:
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
        held = _held(self)
        return held.asks.ask(self, held.title, arguments, keywords)

    @property
    def __class__(self) -> Any:
        return types.FunctionType

    def __copy__(self) -> StudentFunction:
        return self

    def __deepcopy__(self, memo: Any) -> StudentFunction:
        return self

    def __bool__(self) -> bool:
        if not _held(self).named:
            _held(self).asks.refuse(f"`{_held(self).title}` is a function, where a value was expected.")
        return True

    def __getattr__(self, name: str) -> Any:
        held = _held(self)
        if name.startswith("__"):
            raise AttributeError(name)
        value = held.asks.ask(getattr, f"{held.title}.{name}", (self, name), {}, ())
        if not held.named and (held_of(value) is not None or callable(value)):
            held.asks.refuse(f"`{name}` of `{held.title}` is no plain value.")
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        held = _held(self)
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
        return _next(self)

    def __repr__(self) -> str:
        return f"<iterator of {_held(self).title}>"


class Generates(Iterates):
    """A generator."""

    __slots__ = ()

    @property
    def __class__(self) -> Any:
        return types.GeneratorType

    def send(self, value: Any) -> Any:
        return _next(self, value)

    def close(self) -> None:
        held = _held(self)
        held.asks.ask(Method(held, "close"), f"{held.title}.close", (), {})


def _next(iterator: Any, *sent: Any) -> Any:
    held = _held(iterator)
    function, arguments = (Method(held, "send"), sent) if sent else (next, (iterator,))
    try:
        return held.asks.ask(function, held.title, arguments, {}, sent)
    except EndOfIteration as end:
        raise StopIteration(*end.args[1:]) from None


class Method(Handle):
    """A method of something that is held, not yet asked for."""

    __slots__ = ("__name__",)

    def __init__(self, of: Held, name: str) -> None:
        held = Held(of.asks, ["method", of.tree, name], f"{of.title}.{name}", named=True, epoch=of.epoch)
        object.__setattr__(self, "_held_", held)
        object.__setattr__(self, "__name__", name)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        held = _held(self)
        return held.asks.ask(self, held.title, arguments, keywords)

    def __repr__(self) -> str:
        return f"<method {self.__name__}>"


class StudentClass(type):
    """A class of the student's: calling it makes an instance over there."""

    def __call__(cls, *arguments: Any, **keywords: Any) -> Any:
        held: Held = type.__getattribute__(cls, "_class_held_")
        made = held.asks.ask(cls, held.title, arguments, keywords)
        if isinstance(made, Instance):
            _held(made).bare = False
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


def _whole(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise StudentError("A length has to be a whole number.")
    return value


class Instance(Handle):
    """An instance of a student's class."""

    __slots__ = ()

    @property
    def __dict__(self) -> Any:
        return _held(self).call(vars, self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        held = _held(self)
        return held.asks.ask(getattr, f"{held.title}.{name}", (self, name), {}, ())

    def __setattr__(self, name: str, value: Any) -> None:
        held = _held(self)
        held.asks.ask(setattr, f"{held.title}.{name}", (self, name, value), {}, (value,))

    def __delattr__(self, name: str) -> None:
        held = _held(self)
        held.asks.ask(delattr, f"{held.title}.{name}", (self, name), {}, ())

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        held = _held(self)
        if held.compares and other is not None:
            _not_compared(held)
        return NotImplemented

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return id(self)

    def __copy__(self) -> Any:
        return _held(self).call(copy.copy, self)

    def __deepcopy__(self, memo: Any) -> Any:
        return _held(self).call(copy.deepcopy, self)

    def __str__(self) -> str:
        return _shown(self, str)

    def __repr__(self) -> str:
        return _shown(self, repr)

    def __format__(self, spec: str) -> str:
        return format(str(self), spec) if not spec else _shown(self, format, spec)


def _shown(value: Any, function: Any, *more: Any) -> str:
    text = _held(value).call(function, value, *more)
    if type(text) is not str:
        raise StudentError("A text was expected.")
    return text


def _not_compared(held: Held) -> NoReturn:
    held.asks.refuse(
        f"Instances of `{held.title}` are not compared here by their own `__eq__`, which could say anything. Compare their attributes."
    )


def _operator(function: Callable[..., Any], swapped: bool = False) -> Any:
    def operate(self: Any, other: Any) -> Any:
        held = _held(self)
        if held.bare and not isinstance(other, Instance):
            held.asks.refuse(
                f"An answer is an instance of `{held.title}`, not plain data, so that nothing can be computed or compared with it."
            )
        return held.call(function, *((other, self) if swapped else (self, other)))

    return operate


def _unary(function: Callable[..., Any]) -> Any:
    return lambda self: _held(self).call(function, self)


def _contains(self: Any, value: Any) -> bool:
    held = _held(self)
    if held.bare and not isinstance(value, Instance):
        held.asks.refuse(f"An answer is an instance of `{held.title}`, not plain data.")
    return held.call(operator.contains, self, value) is True


def _truth(self: Any) -> bool:
    return _held(self).call(bool, self) is True


def _exit(self: Any, kind: Any, error: Any, trace: Any) -> bool:
    # Without the error: a test that expects one says so outside of the block.
    held = _held(self)
    held.asks.ask(Method(held, "__exit__"), f"{held.title}.__exit__", (None, None, None), {}, ())
    return False


def _called(self: Any, *arguments: Any, **keywords: Any) -> Any:
    held = _held(self)
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
    "__len__": lambda self: _whole(_held(self).call(len, self)),
    "__getitem__": lambda self, key: _held(self).call(operator.getitem, self, key),
    "__setitem__": lambda self, key, value: _held(self).call(operator.setitem, self, key, value),
    "__delitem__": lambda self, key: _held(self).call(operator.delitem, self, key),
    "__contains__": _contains,
    "__iter__": lambda self: _held(self).call(iter, self),
    "__next__": _next,
    "__reversed__": lambda self: _held(self).call(reversed, self),
    "__call__": _called,
    "__bool__": _truth,
    "__enter__": lambda self: _held(self).asks.ask(
        Method(_held(self), "__enter__"), f"{_held(self).title}.__enter__", (), {}
    ),
    "__exit__": _exit,
}


def make_class(held: Held, told: dict[str, Any], above: list[type]) -> StudentClass:
    """The class that stands for one of the student's, below those of its own that the test knows too."""
    bases = tuple(
        one for one in above if not any(one is not two and issubclass(two, one) for two in above)
    ) or (Instance,)
    title = str(told["title"])[:80]
    namespace = special_methods(told.get("special"))
    namespace |= {"__doc__": told.get("doc"), "__module__": "__main__", "_class_held_": held, "__slots__": ()}
    if (signature := read_signature(told)) is not None:
        namespace["__signature__"] = signature
    return StudentClass(title if title.isidentifier() else "Class", bases, namespace, made=True)


def special_methods(names: Any) -> dict[str, Any]:
    """The special methods of these names, as far as there is something to stand for them."""
    return {name: SPECIAL[name] for name in names or () if type(name) is str and name in SPECIAL}


def describe(function: StudentFunction, told: dict[str, Any]) -> StudentFunction:
    """Give a function the text and the signature that it has over there."""
    signature = read_signature(told)
    if signature is not None:
        parameters = signature.parameters.values()
        positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        keyword = {
            p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is not p.empty
        }
        notes = {p.name: p.annotation for p in parameters if p.annotation is not p.empty}
        if signature.return_annotation is not signature.empty:
            notes["return"] = signature.return_annotation
        function.__signature__ = signature
        function.__defaults__ = tuple(p.default for p in positional if p.default is not p.empty) or None
        function.__kwdefaults__ = keyword or None
        function.__annotations__ = notes
    function.__doc__ = told.get("doc")
    return function


def read_signature(told: dict[str, Any]) -> inspect.Signature | None:
    """The signature of a description, if it has one that makes sense."""
    try:
        parameters = [
            inspect.Parameter(
                name,
                tuple(inspect._ParameterKind)[kind],
                default=inspect.Parameter.empty if without else default,
                annotation=inspect.Parameter.empty if bare else annotation,
            )
            for name, kind, without, default, bare, annotation in told["parameters"]
        ]
        without, returns = told["returns"]
        return inspect.Signature(
            parameters, return_annotation=inspect.Signature.empty if without else returns
        )
    except (TypeError, ValueError, KeyError, IndexError):
        return None


def make_instance(kind: type, held: Held) -> Instance:
    """An instance of a class of :func:`make_class` that is known so; its class is not called."""
    made: Instance = object.__new__(kind)
    object.__setattr__(made, "_held_", held)
    return made
