"""How NumPy's arrays, scalars and types cross, and quantities with a unit."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from autograder.wire.checks import raw_bytes
from autograder.wire.errors import Refused, WireError
from autograder.wire.plain import Reader, Writer
from autograder.wire.registry import LATE, MUTABLE, PLAIN_BASES, reads, writes

__all__ = ["array_tree", "read_array", "read_objects"]

MAX_UNIT_NAME = 64
MAX_FIELDS = 256
KINDS = "biufcUSmM"
DTYPE = re.compile(
    r"[<>|=]?(b1|[iu][1248]|f(2|4|8|16)|c(8|16|32)|U\d{1,6}|S\d{1,6}"
    r"|[mM]8(\[\d{0,4}(Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)\])?)"
)
FIELD = re.compile(r"\w{1,64}")


def _dtype_codes(dtype: Any) -> Any:
    """An array's type: its code, or a list of (name, code) for records."""
    if dtype.kind in KINDS and DTYPE.fullmatch(dtype.str):
        return dtype.str
    plain = dtype.names and not dtype.hasobject and all(dtype[name].names is None for name in dtype.names)
    if plain and all(not dtype[name].shape and FIELD.fullmatch(name) for name in dtype.names):
        return [[name, _dtype_codes(dtype[name])] for name in dtype.names]
    raise Refused(f"a NumPy array of {dtype.name if not dtype.names else 'records'}")


def _dtype_of(tree: Any) -> Any:
    """The type of :func:`_dtype_codes`."""
    if type(tree) is str and DTYPE.fullmatch(tree):
        return np.dtype(tree)
    if type(tree) is not list or not 0 < len(tree) <= MAX_FIELDS:
        raise WireError("not a message: an array of something else")
    fields = []
    for name, code in tree:
        if type(name) is not str or not FIELD.fullmatch(name) or type(code) is not str:
            raise WireError("not a message: no field of records")
        fields.append((name, _dtype_of(code)))
    return np.dtype(fields)


def array_tree(value: Any) -> list[Any]:
    """An array's type, shape and bytes."""
    array = np.ascontiguousarray(value)
    code = _dtype_codes(array.dtype)
    if type(code) is list:  # without the gaps that records may have
        array = np.array(array, np.dtype([(name, one) for name, one in code]))
    return [code, list(np.shape(value)), array.tobytes()]


def read_array(tree: list[Any]) -> Any:
    """The array of :func:`array_tree`."""
    code, shape, raw = tree
    dtype = _dtype_of(code)
    _check_shape(shape)
    raw_bytes([raw])
    array = np.frombuffer(raw, dtype).reshape(shape).copy()
    for name in dtype.names or [None]:
        column = array if name is None else np.ascontiguousarray(array[name])
        if column.dtype.kind == "U":
            codes = np.frombuffer(column.tobytes(), ">u4" if column.dtype.byteorder == ">" else "u4")
            if codes.max(initial=0) > 0x10FFFF:
                raise WireError("not a message: no characters")
    return array


def _check_shape(shape: Any) -> None:
    if type(shape) is not list or len(shape) > 64 or any(type(n) is not int or n < 0 for n in shape):
        raise WireError("not a message: an array of no shape")


@writes(np.ndarray, mutable=True)
def _write_array(writer: Writer, value: Any, depth: int) -> list[Any]:
    if value.dtype.kind == "O":
        writer.grow(value.size)
        return ["objects", list(value.shape), *writer.trees(value.ravel().tolist(), depth)]
    writer.grow(value.nbytes // 16)
    view = _view(writer, value)
    return ["a", *array_tree(value)] if view is None else view


def _view(writer: Writer, value: Any) -> list[Any] | None:
    """An array that looks into another one of the message, as that."""
    base = value.base
    place = None if base is None else writer.place(base)
    if (
        place is None
        or type(base) is not np.ndarray
        or base.dtype != value.dtype
        or not base.flags.c_contiguous
    ):
        return None
    start = value.__array_interface__["data"][0] - base.__array_interface__["data"][0]
    return ["view", place, start, list(value.shape), list(value.strides)]


@reads("view", mutable=True)
def _read_view(reader: Reader, rest: list[Any], depth: int) -> Any:
    place, start, shape, strides = rest
    base = reader.value(["=", place], depth)
    _check_shape(shape)
    if type(base) is not np.ndarray or not base.flags.c_contiguous or base.dtype.hasobject:
        raise WireError("not a message: a view into nothing")
    if type(strides) is not list or any(type(n) is not int for n in (start, *strides)):
        raise WireError("not a message: no view")
    if math.prod(shape) > base.size:  # steps of nothing could make much of little
        raise WireError("not a message: a view of more than there is")
    # NumPy sees to it that no step leads out of the base.
    return np.ndarray(tuple(shape), base.dtype, buffer=base, offset=start, strides=tuple(strides))


@reads("a", mutable=True)
def _read_array(reader: Reader, rest: list[Any], depth: int) -> Any:
    array = read_array(rest)
    reader.grow(array.nbytes // 16 + 1)
    return array


def read_objects(reader: Reader, items: list[Any], depth: int) -> Any:
    """An array of one dimension that holds the values of these trees as they are, lists and arrays too."""
    made = np.empty(len(items), dtype=object)
    for place, item in enumerate(reader.values(items, depth)):
        made[place] = item
    return made


@reads("objects", mutable=True)
def _read_object_array(reader: Reader, rest: list[Any], depth: int) -> Any:
    shape, *items = rest
    _check_shape(shape)
    if math.prod(shape) != len(items):
        raise WireError("not a message: an array of another shape")
    reader.grow(len(items) + 1)
    return read_objects(reader, items, depth).reshape(shape)


@writes(*{type(np.zeros(1, code)[0]) for code in "?bhilqBHILQefdgFDGUSmM"})
def _write_scalar(writer: Writer, value: Any, depth: int) -> list[Any]:
    return ["n", *array_tree(value)]


@reads("n")
def _read_scalar(reader: Reader, rest: list[Any], depth: int) -> Any:
    array = read_array(rest)
    if array.shape:
        raise WireError("not a message: no scalar")
    return array[()]


def _write_dtype(writer: Writer, value: Any, depth: int) -> list[Any]:
    if value.kind == "O":
        return ["dtype", "O"]
    return ["dtype", _dtype_codes(value)]


@reads("dtype")
def _read_dtype(reader: Reader, rest: list[Any], depth: int) -> Any:
    (code,) = rest
    return np.dtype(object) if code == "O" else _dtype_of(code)


def _quantity(writer: Writer, value: Any, depth: int) -> list[Any]:
    units = [[str(name), float(power)] for name, power in value.unit_items()]
    return ["q", writer.tree(value.magnitude, depth), *units]


@reads("q")
def _read_quantity(reader: Reader, rest: list[Any], depth: int) -> Any:
    """A Pint quantity from unit names and powers: text is not parsed, as Pint would compute what stands in it."""
    try:
        import pint
    except ImportError:
        raise Refused(
            "a quantity of Pint, which is not installed where this is graded (pip install pint)"
        ) from None
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
    number = reader.value(magnitude, depth)
    if type(number) not in (int, float, complex) and not isinstance(number, (np.ndarray, np.generic)):
        raise WireError("not a message: no magnitude")
    return registry.Quantity(number, registry.UnitsContainer(units))


def _late(kind: type) -> Any:
    if issubclass(kind, np.dtype):
        return _write_dtype
    if issubclass(kind, np.ma.MaskedArray):
        raise Refused("a masked array")
    if kind.__module__.startswith("pint") and hasattr(kind, "magnitude") and hasattr(kind, "unit_items"):
        return _quantity
    return None


LATE.append(_late)
PLAIN_BASES[np.ndarray] = lambda value: np.ndarray.view(value, np.ndarray)
MUTABLE.add(np.ndarray)
