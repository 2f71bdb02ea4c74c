"""Special methods of what stands for an instance of a student's class.

An operator that mixes an instance with plain data works only on an instance that the test itself made: else a function could return an object
whose operators find every comparison right.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from autograder.candidate.special import BINARY, INPLACE, ORDER, UNARY
from autograder.handles.functions import Method, next_of
from autograder.handles.handle import record
from autograder.handles.instances import Instance

__all__ = ["special_methods"]


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


def _function(word: str) -> Callable[..., Any]:
    found: Callable[..., Any] = getattr(operator, f"{word}_" if word in ("and", "or") else word)
    return found


SPECIAL: dict[str, Any] = {
    **{f"__{word}__": _operator(_function(word)) for word in (*BINARY, *INPLACE, *ORDER)},
    **{f"__r{word}__": _operator(_function(word), swapped=True) for word in BINARY},
    **{f"__{word}__": _unary(_function(word)) for word in UNARY},
    "__len__": lambda self: record(self).length(self),
    "__getitem__": lambda self, key: record(self).call(operator.getitem, self, key),
    "__setitem__": lambda self, key, value: record(self).call(operator.setitem, self, key, value),
    "__delitem__": lambda self, key: record(self).call(operator.delitem, self, key),
    "__contains__": _contains,
    "__iter__": lambda self: record(self).call(iter, self),
    "__next__": next_of,
    "__reversed__": lambda self: record(self).call(reversed, self),
    "__call__": _called,
    "__bool__": _truth,
    "__enter__": lambda self: Method(record(self), "__enter__")(),
    "__exit__": _exit,
}


def special_methods(names: Any) -> dict[str, Any]:
    """The special methods of these names, as far as there is something to stand for them."""
    return {name: SPECIAL[name] for name in names or () if type(name) is str and name in SPECIAL}
