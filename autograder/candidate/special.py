"""Special methods of a student's classes: those that a test may use on an instance, and what a class has of its own."""

from __future__ import annotations

__all__ = ["BINARY", "INPLACE", "ORDER", "SPECIAL", "UNARY", "compares", "special"]

# Words between the underscores; each of these is a function of ``operator`` too, some with an underscore at the end.
BINARY = (
    *("add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "pow"),
    *("and", "or", "xor", "lshift", "rshift"),
)
INPLACE = tuple(f"i{word}" for word in BINARY)
ORDER = ("lt", "le", "gt", "ge")
UNARY = ("neg", "pos", "abs", "invert")
REFLECTED = tuple(f"r{word}" for word in BINARY)
CONTAINER = ("len", "getitem", "setitem", "delitem", "contains", "iter", "next", "reversed")
OTHER = ("call", "bool", "enter", "exit")
SPECIAL = frozenset(
    f"__{word}__" for word in (*BINARY, *INPLACE, *ORDER, *UNARY, *REFLECTED, *CONTAINER, *OTHER)
)


def special(kind: type) -> list[str]:
    """Those of :data:`SPECIAL` that a class has of its own."""
    own = {name for one in kind.__mro__ if one is not object for name in vars(one)}
    return sorted(own & SPECIAL)


def compares(kind: type) -> str:
    """What says what the instances of a class are equal to: "" for being one object, the name of a plain type, or "own" for the class itself."""
    equal = getattr(kind, "__eq__", None)
    if equal is object.__eq__:
        return ""
    plain = (list, dict, set, int, float, str)
    return next((base.__name__ for base in plain if equal is vars(base)["__eq__"]), "own")
