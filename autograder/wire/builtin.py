"""How Python's own containers, bytes, ranges and numbers cross."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from autograder.wire.checks import (
    COMPLEX,
    INT64,
    ITEM,
    LARGE_INT,
    MAX_INT_BITS,
    MAX_RANGE,
    bounded,
    hashed,
    raw_bytes,
)
from autograder.wire.errors import Refused, WireError
from autograder.wire.plain import Content, Reader, Writer
from autograder.wire.registry import READERS, reads, writes

__all__ = ["QUICK", "Quick", "is_quick", "pairs", "read_pairs"]


# What MessagePack holds as it is, and needs no tag of its own inside a container.
FLAT = frozenset({type(None), bool, int, float, str})
FLAT_OR_DICT = FLAT | {dict}
TEXT = frozenset({str})
QUICK = "Q"
LEAST, MOST = INT64.start, INT64.stop - 1


# Loops, and not comprehensions over sets of types: most containers have a few items, and each call asks.
def _is_flat(values: Iterable[Any]) -> bool:
    """Whether all of *values* stand for themselves: most containers of arguments and answers are so, and cost little this way."""
    for one in values:
        kind = type(one)
        if kind is int:
            if not LEAST <= one <= MOST:
                return False
        elif kind is str:
            if not one.isascii():
                return False
        elif kind not in FLAT:
            return False
    return True


class Quick(list[Any]):
    """A message of scalars and of dicts of scalars, which crosses as it is; most calls are one."""


def is_quick(values: Sequence[Any]) -> bool:
    """Whether *values* may stand in a :class:`Quick`: no dict twice, for that is one object on the other side too."""
    tables = [value for value in values if type(value) is dict]
    if not tables:
        return _is_flat(values)
    return (
        len({*map(id, tables)}) == len(tables)
        and all(map(_is_flat_dict, tables))
        and _is_flat([value for value in values if type(value) is not dict])
    )


def _is_flat_dict(value: dict[Any, Any]) -> bool:
    for key in value:
        if type(key) is not str or not key.isascii():
            return False
    return _is_flat(value.values())


@writes(Quick)
def _write_quick(writer: Writer, value: Quick, depth: int) -> list[Any]:
    writer.grow(len(value))
    for item in value:
        if type(item) is dict:
            writer.grow(2 * len(bounded(item, "dict")) + 1)
            writer.keep(item, writer.size - 2 * len(item) - 1)
    return [QUICK, [*value]]


def _flat(rest: list[Any], kind: type) -> Any:
    """The one item of *rest*, a list or a dict with nothing in it but what stands for itself."""
    (values,) = rest
    items: Any = values.values() if type(values) is dict else values
    if type(values) is not kind or not FLAT.issuperset(map(type, items)):
        raise WireError("not a message: something in it that does not stand for itself")
    return values


def _ordered(items: Iterable[Any]) -> list[Any]:
    # The order of a set depends on the process; sorted by text it does not.
    return sorted(items, key=repr)


@writes(Content)
def _write_content(writer: Writer, value: Content, depth: int) -> Any:
    return writer.content(value.value)


@writes(list)
def _write_list(writer: Writer, value: list[Any], depth: int) -> list[Any]:
    writer.grow(len(value))
    return ["L", value] if _is_flat(value) else ["l", *writer.trees(value, depth)]


@writes(tuple)
def _write_tuple(writer: Writer, value: tuple[Any, ...], depth: int) -> list[Any]:
    writer.spend(ITEM * len(value))
    writer.grow(len(value))
    return ["T", list(value)] if _is_flat(value) else ["t", *writer.trees(value, depth)]


@writes(set, frozenset)
def _write_set(writer: Writer, value: Any, depth: int) -> list[Any]:
    kind = type(value)
    bounded(value, kind.__name__)
    if kind is frozenset:
        writer.spend(ITEM * len(value))
    writer.grow(len(value))
    return ["f" if kind is frozenset else "e", *writer.trees(_ordered(value), depth)]


def pairs(writer: Writer, value: Any, depth: int, items: Any = dict.items) -> list[Any]:
    """The items of a mapping, as its class's own *items* gives them."""
    bounded(value, "dict")
    writer.grow(2 * len(value))
    return [[writer.tree(k, depth), writer.tree(v, depth)] for k, v in items(value)]


@writes(dict)
def _write_dict(writer: Writer, value: dict[Any, Any], depth: int) -> list[Any]:
    if _is_flat_dict(value):
        writer.grow(2 * len(bounded(value, "dict")))
        return ["D", value]
    return ["d", *pairs(writer, value, depth)]


def read_pairs(reader: Reader, rest: list[Any], depth: int) -> dict[Any, Any]:
    """A dict of the items of a mapping."""
    reader.grow(2 * len(rest) + 1)
    return {reader.value(k, depth): reader.value(v, depth) for k, v in hashed(rest)}


@writes(bytes, bytearray)
def _write_bytes(writer: Writer, value: Any, depth: int) -> list[Any]:
    writer.grow(len(value) // 16)
    return ["b" if type(value) is bytes else "ba", bytes(value)]


@writes(range)
def _write_range(writer: Writer, value: range, depth: int) -> list[Any]:
    if len(value) > MAX_RANGE:
        raise Refused(f"a range of {len(value):,} numbers")
    return ["r", value.start, value.stop, value.step]


@writes(complex)
def _write_complex(writer: Writer, value: complex, depth: int) -> list[Any]:
    writer.spend(COMPLEX)
    return ["c", value.real, value.imag]


@reads("l", mutable=True)
def _read_list(reader: Reader, rest: list[Any], depth: int) -> list[Any]:
    reader.grow(len(rest) + 1)
    return [*reader.values(rest, depth)]


@reads(QUICK)
def _read_quick(reader: Reader, rest: list[Any], depth: int) -> list[Any]:
    (values,) = rest
    if type(values) is not list or not FLAT_OR_DICT.issuperset(map(type, values)):
        raise WireError("not a message: something in it that does not stand for itself")
    reader.grow(len(values))
    return [READERS["D"](reader, [one], depth) if type(one) is dict else one for one in values]


@reads("L", mutable=True)
def _read_flat_list(reader: Reader, rest: list[Any], depth: int) -> list[Any]:
    values: list[Any] = _flat(rest, list)
    reader.grow(len(values) + 1)
    return [*values]


@reads("T")
def _read_flat_tuple(reader: Reader, rest: list[Any], depth: int) -> tuple[Any, ...]:
    values: list[Any] = _flat(rest, list)
    reader.spend(ITEM * len(values))
    reader.grow(len(values))
    return tuple(values)


@reads("D", mutable=True)
def _read_flat_dict(reader: Reader, rest: list[Any], depth: int) -> dict[str, Any]:
    values: dict[str, Any] = _flat(rest, dict)
    hashed([*values])
    if not TEXT.issuperset(map(type, values)):
        raise WireError("not a message: keys that are no texts")
    reader.grow(2 * len(values) + 1)
    return {**values}


@reads("t")
def _read_tuple(reader: Reader, rest: list[Any], depth: int) -> tuple[Any, ...]:
    reader.spend(ITEM * len(rest))
    reader.grow(len(rest))
    return tuple(reader.values(rest, depth))


@reads("e", mutable=True)
def _read_set(reader: Reader, rest: list[Any], depth: int) -> set[Any]:
    reader.grow(len(rest) + 1)
    return set(reader.values(hashed(rest), depth))


@reads("f")
def _read_frozenset(reader: Reader, rest: list[Any], depth: int) -> frozenset[Any]:
    reader.spend(ITEM * len(rest))
    reader.grow(len(rest))
    return frozenset(reader.values(hashed(rest), depth))


reads("d", mutable=True)(read_pairs)


@reads("s")
def _read_text(reader: Reader, rest: list[Any], depth: int) -> str:
    return raw_bytes(rest).decode("utf-8", "surrogatepass")


@reads("b")
def _read_bytes(reader: Reader, rest: list[Any], depth: int) -> bytes:
    return raw_bytes(rest)


@reads("ba", mutable=True)
def _read_bytearray(reader: Reader, rest: list[Any], depth: int) -> bytearray:
    reader.grow(len(raw_bytes(rest)) // 16 + 1)
    return bytearray(raw_bytes(rest))


@reads("i")
def _read_integer(reader: Reader, rest: list[Any], depth: int) -> int:
    (digits,) = rest
    if type(digits) is not str or len(digits) > MAX_INT_BITS // 4 + 2:
        raise WireError("not a message: no integer")
    reader.spend(LARGE_INT)
    return int(digits, 16)


@reads("r")
def _read_range(reader: Reader, rest: list[Any], depth: int) -> range:
    start, stop, step = rest
    if (
        not type(start) is type(stop) is type(step) is int
        or len(made := range(start, stop, step)) > MAX_RANGE
    ):
        raise WireError("not a message: no range")
    return made


@reads("c")
def _read_complex(reader: Reader, rest: list[Any], depth: int) -> complex:
    real, imaginary = rest
    if not type(real) is type(imaginary) is float:
        raise WireError("not a message: no complex number")
    reader.spend(COMPLEX)
    return complex(real, imaginary)
