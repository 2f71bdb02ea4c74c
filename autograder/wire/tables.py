"""How pandas' tables cross: as arrays and lists, of which the other side's own pandas makes a table. pandas is imported only for that."""

from __future__ import annotations

import re
import sys
from typing import Any

import numpy as np

from autograder.wire.arrays import array_tree, read_array, read_objects
from autograder.wire.checks import ITEM
from autograder.wire.errors import Refused, WireError
from autograder.wire.plain import Reader, Writer
from autograder.wire.registry import LATE, MUTABLE, reads
from autograder.wire.scalars import read_zone, zone_tree

__all__: list[str] = []

FREQUENCY = re.compile(r"-?\d{0,6}[A-Za-z]{1,12}(-[A-Z]{3})?")
UNITS = ("s", "ms", "us", "ns")
NULLABLE = re.compile(r"U?Int(8|16|32|64)|Float(32|64)|boolean")
TEXT = ("str", "string")


def _pandas() -> Any:
    try:
        import pandas  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        raise Refused(
            "a table of pandas, which is not installed where this is graded (pip install pandas)"
        ) from None
    return pandas


def _column(writer: Writer, values: Any, depth: int) -> list[Any]:
    """The values of a column or of an index, by their type."""
    pd = _pandas()
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        categories = _column(writer, dtype.categories, depth + 1)
        codes = values.cat.codes if isinstance(values, pd.Series) else values.codes
        return ["category", categories, array_tree(np.asarray(codes, "<i8")), bool(dtype.ordered)]
    if isinstance(dtype, pd.StringDtype):
        items = [None if item is pd.NA or item != item else item for item in values.tolist()]
        writer.grow(len(items))
        return ["text", "str" if dtype == "str" else "string", *writer.trees(items, depth)]
    if isinstance(dtype, pd.DatetimeTZDtype):
        plain = values.dt.tz_convert(None) if isinstance(values, pd.Series) else values.tz_convert(None)
        return ["zoned", zone_tree(dtype.tz), array_tree(plain.to_numpy())]
    if isinstance(dtype, np.dtype) and dtype.kind == "O":
        items = values.tolist()
        writer.grow(len(items))
        return ["objects", *writer.trees(items, depth)]
    if isinstance(dtype, np.dtype):
        array = values.to_numpy()
        writer.grow(array.nbytes // 16)
        return ["plain", array_tree(array)]
    if NULLABLE.fullmatch(str(dtype)):
        array = values.array if isinstance(values, (pd.Series, pd.Index)) else values
        missing = np.asarray(array.isna())
        filled = array.fillna(False if str(dtype) == "boolean" else 0)
        data = filled.to_numpy(dtype=dtype.numpy_dtype)
        return ["nullable", str(dtype), array_tree(data), array_tree(missing)]
    raise Refused(f"a table with a column of {str(dtype)[:40]}")


def _read_column(reader: Reader, tree: Any, depth: int) -> Any:
    pd = _pandas()
    if type(tree) is not list or not tree:
        raise WireError("not a message: no column")
    kind, *rest = tree
    if kind == "plain":
        (array,) = rest
        return _flat(array, reader)
    if kind == "objects":
        reader.grow(len(rest))
        return read_objects(reader, rest, depth)
    if kind == "text":
        name, *items = rest
        if name not in TEXT:
            raise WireError("not a message: no text")
        reader.grow(len(items))
        texts = [*reader.values(items, depth)]
        if not {*map(type, texts)} <= {str, type(None)}:
            raise WireError("not a message: no texts")
        return pd.array(texts, dtype=name)
    if kind == "category":
        categories, codes, ordered = rest
        if type(ordered) is not bool:
            raise WireError("not a message: no categories")
        of = _read_column(reader, categories, depth + 1) if depth < 60 else None
        return pd.Categorical.from_codes(_flat(codes, reader), pd.Index(of), ordered=ordered)
    if kind == "zoned":
        zone, times = rest
        return pd.DatetimeIndex(_flat(times, reader)).tz_localize("UTC").tz_convert(read_zone(zone)).array
    if kind == "nullable":
        name, data, missing = rest
        if type(name) is not str or not NULLABLE.fullmatch(name):
            raise WireError("not a message: no column")
        values = pd.array(_flat(data, reader), dtype=name)
        values[_flat(missing, reader).astype(bool)] = pd.NA
        return values
    raise WireError("not a message: no column")


def _flat(tree: Any, reader: Reader) -> Any:
    array = read_array(tree)
    if array.ndim != 1 or array.dtype.names:
        raise WireError("not a message: no column")
    reader.grow(array.nbytes // 16)
    return array


def _index(writer: Writer, index: Any, depth: int) -> list[Any]:
    pd = _pandas()
    names = writer.trees(index.names, depth)
    if isinstance(index, pd.RangeIndex):
        return ["range", names, index.start, index.stop, index.step]
    if isinstance(index, pd.MultiIndex):
        levels = [_column(writer, level, depth) for level in index.levels]
        return ["levels", names, levels, [array_tree(np.asarray(codes, "<i8")) for codes in index.codes]]
    if isinstance(index, pd.PeriodIndex | pd.IntervalIndex):
        raise Refused(f"a table with a {type(index).__name__}")
    return ["index", names, _column(writer, index, depth), getattr(index, "freqstr", None)]


def _read_index(reader: Reader, tree: Any, depth: int) -> Any:
    pd = _pandas()
    if type(tree) is not list or len(tree) < 3:
        raise WireError("not a message: no index")
    kind, names, *rest = tree
    names = [*reader.values(names, depth)]
    for name in names:
        hash(name)
    if kind == "levels":
        levels, codes = rest
        return pd.MultiIndex(
            [pd.Index(_read_column(reader, level, depth)) for level in levels],
            [_flat(one, reader) for one in codes],
            names=names,
        )
    (name,) = names
    if kind == "range":
        start, stop, step = rest
        if not type(start) is type(stop) is type(step) is int:
            raise WireError("not a message: no range")
        reader.grow(len(range(start, stop, step)))
        return pd.RangeIndex(start, stop, step, name=name)
    column, frequency = rest
    values = _read_column(reader, column, depth)
    reader.spend(ITEM * len(values) if values.dtype == np.dtype(object) else 0)
    if frequency is None:
        return pd.Index(values, name=name, dtype=object if values.dtype == object else None)
    if type(frequency) is not str or not FREQUENCY.fullmatch(frequency):
        raise WireError("not a message: no frequency")
    make = pd.TimedeltaIndex if values.dtype.kind == "m" else pd.DatetimeIndex
    return make(values, freq=frequency, name=name)


def _write_frame(writer: Writer, value: Any, depth: int) -> list[Any]:
    columns = [_column(writer, value.iloc[:, place], depth) for place in range(value.shape[1])]
    return ["frame", _index(writer, value.index, depth), _index(writer, value.columns, depth), *columns]


@reads("frame", mutable=True)
def _read_frame(reader: Reader, rest: list[Any], depth: int) -> Any:
    pd = _pandas()
    index, columns, *data = rest
    # In the order in which they were written: what they share is known by its place.
    series = [_read_column(reader, column, depth) for column in data]
    rows, titles = _read_index(reader, index, depth), _read_index(reader, columns, depth)
    if len(titles) != len(series) or any(len(one) != len(rows) for one in series):
        raise WireError("not a message: no table")
    reader.grow(1)
    frame = pd.DataFrame({place: _series(one) for place, one in enumerate(series)}, index=range(len(rows)))
    frame.index, frame.columns = rows, titles
    return frame


def _series(values: Any) -> Any:
    pd = _pandas()
    return pd.Series(values, dtype=object) if values.dtype == object else pd.Series(values)


def _write_series(writer: Writer, value: Any, depth: int) -> list[Any]:
    name = writer.tree(value.name, depth)
    return ["series", name, _column(writer, value, depth), _index(writer, value.index, depth)]


@reads("series", mutable=True)
def _read_series(reader: Reader, rest: list[Any], depth: int) -> Any:
    name, column, index = rest
    name = reader.value(name, depth)
    series = _series(_read_column(reader, column, depth))
    series.index = _read_index(reader, index, depth)
    series.name = name
    reader.grow(1)
    return series


def _write_index(writer: Writer, value: Any, depth: int) -> list[Any]:
    return ["pandas.index", _index(writer, value, depth)]


@reads("pandas.index")
def _read_pandas_index(reader: Reader, rest: list[Any], depth: int) -> Any:
    (tree,) = rest
    return _read_index(reader, tree, depth)


def _write_stamp(writer: Writer, value: Any, depth: int) -> list[Any]:
    writer.spend(5 * ITEM)
    kind = "stamp" if type(value).__name__ == "Timestamp" else "span"
    zone = zone_tree(value.tz) if kind == "stamp" else None
    return [kind, value.unit, int(value.asm8.astype("i8")), zone]


def _read_time(reader: Reader, rest: list[Any], depth: int) -> Any:
    unit, count, zone = rest
    if unit not in UNITS or type(count) is not int or abs(count) >= 2**63:
        raise WireError("not a message: no time")
    reader.spend(5 * ITEM)
    return unit, count, zone


@reads("stamp")
def _read_stamp(reader: Reader, rest: list[Any], depth: int) -> Any:
    unit, count, zone = _read_time(reader, rest, depth)
    stamp = _pandas().Timestamp(np.datetime64(count, unit))
    return stamp if zone is None else stamp.tz_localize("UTC").tz_convert(read_zone(zone))


@reads("span")
def _read_span(reader: Reader, rest: list[Any], depth: int) -> Any:
    unit, count, _ = _read_time(reader, rest, depth)
    return _pandas().Timedelta(np.timedelta64(count, unit))


def _write_missing(writer: Writer, value: Any, depth: int) -> list[Any]:
    return ["missing", "NA" if type(value).__name__ == "NAType" else "NaT"]


@reads("missing")
def _read_missing(reader: Reader, rest: list[Any], depth: int) -> Any:
    (name,) = rest
    pd = _pandas()
    return {"NA": pd.NA, "NaT": pd.NaT}[name]


def _late(kind: type) -> Any:
    pd = sys.modules.get("pandas")
    if pd is None:
        return None
    for base, write, mutable in (
        (getattr(pd, "DataFrame", None), _write_frame, True),
        (getattr(pd, "Series", None), _write_series, True),
        (getattr(pd, "Index", None), _write_index, False),
        (getattr(pd, "Timestamp", None), _write_stamp, False),
        (getattr(pd, "Timedelta", None), _write_stamp, False),
        (type(getattr(pd, "NaT", None)), _write_missing, False),
        (type(getattr(pd, "NA", None)), _write_missing, False),
    ):
        if isinstance(base, type) and base is not type(None) and issubclass(kind, base):
            if mutable:
                MUTABLE.add(kind)
            return write
    return None


LATE.append(_late)
