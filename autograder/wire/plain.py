"""Plain data between the examiner and a candidate: MessagePack frames that cannot execute anything.

A value is sent as a tree. None, booleans, 64-bit integers, floats and strings stand for themselves; everything else is a list
whose first item says what it is. Types are matched exactly: a subclass could bring methods that lie.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import numpy as np

__all__ = ["Refused", "WireError", "decode", "encode"]

MAX_DEPTH = 64
MAX_INT_BITS = 4096
# What is hashed on arrival, or in a test, is bounded: values can be chosen to collide, and then the time grows with the square.
# Strings are safe, as their hashes are secret, and so are floats and 64-bit integers, few of which can have one hash.
MAX_HASHED = 10_000
MAX_SPENT = 100_000  # for the rest, in one message: an item of a tuple or a frozen set costs
ITEM, COMPLEX, LARGE_INT = 1, 10, 100
MAX_UNIT_NAME = 64
MAX_RANGE = 1_000_000
INT64 = range(-(2**63), 2**63)
ARRAY_KINDS = "biufcU"
DTYPE = re.compile(r"[<>|=]?(b1|[iu][1248]|f(2|4|8|16)|c(8|16|32)|U\d{1,6})")
TAGS: dict[type, str] = {list: "l", tuple: "t", set: "e", frozenset: "f"}


class WireError(Exception):
    """Bytes that are no message."""


class Refused(Exception):
    """A value that may not cross; the message says what it is."""


class _Overspent(Exception):
    """More than :data:`MAX_SPENT`."""


_spent = threading.local()


def encode(value: Any, limit: int) -> bytes:
    """*value* as bytes.

    Raises:
        Refused: it is not plain data, nested too deeply, or more than *limit* bytes.
    """
    _spent.total = 0
    try:
        data = msgspec.msgpack.encode(_tree(value, 0))
    except _Overspent:
        raise Refused("something with too many tuples, complex numbers or large integers") from None
    except RecursionError:
        raise Refused("something nested too deeply") from None
    if len(data) > limit:
        raise Refused(f"{len(data) // 1024} KB of data, more than the {limit // 1024} KB allowed")
    return data


def _tree(value: Any, depth: int) -> Any:
    kind = type(value)
    if value is None or kind is bool or kind is float:
        return value
    if kind is str:
        return value if value.isascii() else ["s", value.encode("utf-8", "surrogatepass")]
    if kind is int:
        if value in INT64:
            return value
        if value.bit_length() > MAX_INT_BITS:
            raise Refused(f"an integer of {value.bit_length()} bits")
        _spend(LARGE_INT)
        return ["i", format(value, "x")]
    if depth >= MAX_DEPTH:
        raise Refused("something nested too deeply")
    if kind is set or kind is frozenset or kind is dict:
        if len(value) > MAX_HASHED:
            raise Refused(f"a {kind.__name__} of {len(value):,} items, more than the {MAX_HASHED:,} allowed")
    if kind is list or kind is tuple or kind is set or kind is frozenset:
        items = value if kind is list or kind is tuple else _ordered(value)
        if kind is tuple or kind is frozenset:
            _spend(ITEM * len(value))
        return [
            TAGS[kind],
            *[_tree(v, depth + 1) for v in items],
        ]
    if kind is dict:
        return ["d", *[[_tree(k, depth + 1), _tree(v, depth + 1)] for k, v in value.items()]]
    if kind is bytes or kind is bytearray:
        return ["b", bytes(value)]
    if kind is complex:
        _spend(COMPLEX)
        return ["c", value.real, value.imag]
    if kind is range:
        if len(value) > MAX_RANGE:
            raise Refused(f"a range of {len(value):,} numbers")
        return ["r", value.start, value.stop, value.step]
    if kind is np.ndarray or (isinstance(value, np.generic) and kind.__module__ == "numpy"):
        array = np.ascontiguousarray(value)
        if array.dtype.kind not in ARRAY_KINDS:
            raise Refused(f"a NumPy array of {array.dtype.name}")
        tag = "a" if kind is np.ndarray else "n"
        return [tag, array.dtype.str, list(np.shape(value)), array.tobytes()]
    if kind.__module__.startswith("pint") and hasattr(value, "magnitude") and hasattr(value, "units"):
        return [
            "q",
            _tree(value.magnitude, depth + 1),
            *[[str(n), float(p)] for n, p in value.unit_items()],
        ]
    raise Refused(_called(value))


def _ordered(items: Any) -> list[Any]:
    # The order of a set depends on the process; sorted by text it does not.
    return sorted(items, key=repr)


def _called(value: Any) -> str:
    name = type(value).__name__[:80]
    if name in ("function", "builtin_function_or_method", "method", "type"):
        return "a function" if name != "type" else "a class"
    if name in ("generator", "coroutine", "async_generator"):
        return f"a {name.replace('_', ' ')}"
    base = next(
        (
            b.__name__
            for b in type(value).__mro__[1:]
            if b in (float, int, str, list, dict, tuple, np.ndarray)
        ),
        "",
    )
    return f"a {name}, a kind of {base} of its own" if base else f"a {name}"


def decode(data: bytes) -> Any:
    """The value of a message.

    Raises:
        WireError: the bytes are no message.
    """
    _spent.total = 0
    try:
        return _value(msgspec.msgpack.decode(data), 0)
    except WireError:
        raise
    except Exception as error:  # of any kind: NumPy and Pint raise many for what is no value of theirs
        raise WireError(f"not a message: {str(error)[:200]}") from None


def _value(tree: Any, depth: int) -> Any:
    if not isinstance(tree, list):
        if tree is None or type(tree) in (bool, int, float, str):
            return tree
        raise WireError("not a message: a bare value of another kind")
    if depth > MAX_DEPTH + 1 or not tree or type(tree[0]) is not str:
        raise WireError("not a message: no tag, or too deep")
    tag, *rest = tree
    read = _READERS.get(tag)
    if read is None:
        raise WireError(f"not a message: unknown tag {tag[:8]!r}")
    return read(rest, depth + 1)


def _items(rest: list[Any], depth: int) -> Iterator[Any]:
    return (_value(item, depth) for item in rest)


def _spend(cost: int) -> None:
    _spent.total += cost
    if _spent.total > MAX_SPENT:
        raise _Overspent


def _items_to_hash(rest: list[Any], depth: int) -> Iterator[Any]:
    _spend(ITEM * len(rest))
    return _items(rest, depth)


def _hashed(rest: list[Any]) -> list[Any]:
    if len(rest) > MAX_HASHED:
        raise WireError("not a message: too many items")
    return rest


def _bytes(rest: list[Any], depth: int = 0) -> bytes:
    (raw,) = rest
    if type(raw) is not bytes:  # bytes(n) of a number would be n bytes of memory
        raise WireError("not a message: no bytes")
    return raw


def _integer(rest: list[Any], depth: int) -> int:
    (digits,) = rest
    if type(digits) is not str or len(digits) > MAX_INT_BITS // 4 + 2:
        raise WireError("not a message: no integer")
    _spend(LARGE_INT)
    return int(digits, 16)


def _range(rest: list[Any], depth: int) -> range:
    start, stop, step = rest
    if (
        not type(start) is type(stop) is type(step) is int
        or len(made := range(start, stop, step)) > MAX_RANGE
    ):
        raise WireError("not a message: no range")
    return made


def _complex(rest: list[Any], depth: int) -> complex:
    real, imaginary = rest
    if not type(real) is type(imaginary) is float:
        raise WireError("not a message: no complex number")
    _spend(COMPLEX)
    return complex(real, imaginary)


def _array(rest: list[Any], depth: int) -> Any:
    dtype, shape, raw = rest
    if type(dtype) is not str or not DTYPE.fullmatch(dtype) or type(shape) is not list:
        raise WireError("not a message: an array of something else")
    if any(type(n) is not int or n < 0 for n in shape):
        raise WireError("not a message: an array of no shape")
    array = np.frombuffer(_bytes([raw]), np.dtype(dtype)).reshape(shape).copy()
    if array.dtype.kind == "U":
        codes = np.frombuffer(raw, ">u4" if dtype.startswith(">") else "u4")
        if codes.max(initial=0) > 0x10FFFF:
            raise WireError("not a message: no characters")
    return array


def _quantity(rest: list[Any], depth: int) -> Any:
    """A Pint quantity from unit names and powers: text is not parsed, as Pint would compute what stands in it."""
    import pint

    applied: Any = pint.application_registry
    registry = applied.get()
    magnitude, *powers = rest
    units = {}
    for name, power in powers:
        if type(name) is not str or len(name) > MAX_UNIT_NAME or not name.isidentifier() or len(powers) > 16:
            raise WireError("not a message: no unit")
        if name not in registry:  # Pint looks at every way to part a name
            raise WireError("not a message: no unit")
        if type(power) is not float or not abs(power) <= 16:
            raise WireError("not a message: no power of a unit")
        units[name] = int(power) if power == int(power) else power
    number = _value(magnitude, depth)
    if type(number) not in (int, float, complex) and not isinstance(number, (np.ndarray, np.generic)):
        raise WireError("not a message: no magnitude")
    return registry.Quantity(number, registry.UnitsContainer(units))


_READERS: dict[str, Callable[[list[Any], int], Any]] = {
    "l": lambda rest, depth: [_value(item, depth) for item in rest],
    "t": lambda rest, depth: tuple(_items_to_hash(rest, depth)),
    "e": lambda rest, depth: set(_items(_hashed(rest), depth)),
    "f": lambda rest, depth: frozenset(_items_to_hash(_hashed(rest), depth)),
    "d": lambda rest, depth: {_value(k, depth): _value(v, depth) for k, v in _hashed(rest)},
    "s": lambda rest, depth: _bytes(rest).decode("utf-8", "surrogatepass"),
    "b": _bytes,
    "i": _integer,
    "r": _range,
    "c": _complex,
    "a": _array,
    "n": lambda rest, depth: _array(rest, depth)[()],
    "q": _quantity,
}
