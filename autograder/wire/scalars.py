"""How single values of the standard library cross: dates and times, exact numbers, paths, slices, regular expressions,
the builtin types themselves.
"""

from __future__ import annotations

import builtins
import datetime
import functools
import re
import warnings
from decimal import Decimal
from fractions import Fraction
from pathlib import PosixPath, PurePath, PurePosixPath
from typing import Any
from zoneinfo import ZoneInfo

from autograder.wire.checks import ITEM, LARGE_INT
from autograder.wire.errors import Refused, WireError
from autograder.wire.plain import Reader, Writer
from autograder.wire.registry import LATE, PLAIN_BASES, reads, writes

__all__ = ["BUILTIN_TYPES", "read_zone", "zone_tree"]

ZONE = re.compile(r"[A-Za-z0-9_+/-]{1,64}")
DECIMAL = re.compile(r"-?(\d{1,1000}(\.\d{0,1000})?(E[+-]\d{1,4})?|Infinity|s?NaN\d{0,20})")
CLOCK = ("hour", "minute", "second", "microsecond")
# What may be in a time zone, and the parts of it that are whole numbers.
MOMENTS: dict[type, tuple[str, ...]] = {
    datetime.datetime: ("year", "month", "day", *CLOCK),
    datetime.time: CLOCK,
}
LONGEST_PATH = 4096
LONGEST_PATTERN = 2000
BUILTIN_TYPES = {name: one for name, one in vars(builtins).items() if type(one) is type and "_" not in name}
_names = {one: name for name, one in reversed(BUILTIN_TYPES.items())}


def zone_tree(zone: datetime.tzinfo | None) -> Any:
    """A time zone: None, an offset in seconds, or a key of the time zone database."""
    if zone is None:
        return None
    if type(zone) is datetime.timezone:
        return zone.utcoffset(None).total_seconds()
    if type(zone) is ZoneInfo and zone.key:
        return zone.key
    raise Refused(f"a time in a zone that is a {type(zone).__name__}")


def read_zone(tree: Any) -> datetime.tzinfo | None:
    """The time zone of :func:`zone_tree`."""
    if tree is None:
        return None
    if type(tree) is float:
        offset = datetime.timedelta(seconds=tree)
        return datetime.UTC if not offset else datetime.timezone(offset)
    if type(tree) is str and ZONE.fullmatch(tree):
        return ZoneInfo(tree)
    raise WireError("not a message: no time zone")


def _integers(rest: list[Any], count: int) -> list[int]:
    if len(rest) != count or {*map(type, rest)} > {int}:
        raise WireError("not a message: no whole numbers")
    return rest


@writes(datetime.date)
def _write_date(writer: Writer, value: datetime.date, depth: int) -> list[Any]:
    return ["date", value.year, value.month, value.day]


@reads("date")
def _read_date(reader: Reader, rest: list[Any], depth: int) -> datetime.date:
    return datetime.date(*_integers(rest, 3))


@writes(*MOMENTS)
def _write_moment(writer: Writer, value: Any, depth: int) -> list[Any]:
    kind = type(value)
    writer.spend(5 * ITEM)
    parts = [getattr(value, name) for name in MOMENTS[kind]]
    return [kind.__name__, zone_tree(value.tzinfo), value.fold, *parts]


def _read_moment(kind: Any, reader: Reader, rest: list[Any], depth: int) -> Any:
    zone, fold, *parts = rest
    reader.spend(5 * ITEM)
    _integers([fold], 1)
    return kind(*_integers(parts, len(MOMENTS[kind])), tzinfo=read_zone(zone), fold=fold)


for _kind in MOMENTS:
    reads(_kind.__name__)(functools.partial(_read_moment, _kind))


@writes(datetime.timedelta)
def _write_timedelta(writer: Writer, value: datetime.timedelta, depth: int) -> list[Any]:
    writer.spend(5 * ITEM)
    return ["timedelta", value.days, value.seconds, value.microseconds]


@reads("timedelta")
def _read_timedelta(reader: Reader, rest: list[Any], depth: int) -> datetime.timedelta:
    reader.spend(5 * ITEM)
    return datetime.timedelta(*_integers(rest, 3))


@writes(datetime.timezone, ZoneInfo)
def _write_zone(writer: Writer, value: datetime.tzinfo, depth: int) -> list[Any]:
    writer.spend(5 * ITEM)
    return ["zone", zone_tree(value)]


@reads("zone")
def _read_zone(reader: Reader, rest: list[Any], depth: int) -> datetime.tzinfo | None:
    (tree,) = rest
    reader.spend(5 * ITEM)
    return read_zone(tree)


@writes(re.Pattern)
def _write_pattern(writer: Writer, value: re.Pattern[Any], depth: int) -> list[Any]:
    if len(value.pattern) > LONGEST_PATTERN:
        raise Refused(f"a regular expression of more than {LONGEST_PATTERN:,} characters")
    writer.spend(LARGE_INT)
    return ["pattern", value.pattern, value.flags]


@reads("pattern")
def _read_pattern(reader: Reader, rest: list[Any], depth: int) -> re.Pattern[Any]:
    text, flags = rest
    if type(text) not in (str, bytes) or len(text) > LONGEST_PATTERN or type(flags) is not int:
        raise WireError("not a message: no regular expression")
    reader.spend(LARGE_INT)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.compile(text, flags & ~re.DEBUG)
    except (re.error, ValueError, OverflowError, RecursionError) as error:
        raise WireError("not a message: no regular expression") from error


@writes(Decimal)
def _write_decimal(writer: Writer, value: Decimal, depth: int) -> list[Any]:
    text = Decimal.__str__(value)
    if not DECIMAL.fullmatch(text):
        raise Refused("a Decimal with too many digits")
    writer.spend(LARGE_INT)
    return ["decimal", text]


@reads("decimal")
def _read_decimal(reader: Reader, rest: list[Any], depth: int) -> Decimal:
    (text,) = rest
    if type(text) is not str or not DECIMAL.fullmatch(text):
        raise WireError("not a message: no decimal number")
    reader.spend(LARGE_INT)
    return Decimal(text)


@writes(Fraction)
def _write_fraction(writer: Writer, value: Fraction, depth: int) -> list[Any]:
    writer.spend(LARGE_INT)
    return ["fraction", writer.tree(value.numerator, depth), writer.tree(value.denominator, depth)]


@reads("fraction")
def _read_fraction(reader: Reader, rest: list[Any], depth: int) -> Fraction:
    numerator, denominator = reader.values(rest, depth)
    reader.spend(LARGE_INT)
    if not type(numerator) is type(denominator) is int:
        raise WireError("not a message: no fraction")
    return Fraction(numerator, denominator)


@writes(PurePosixPath, PosixPath)
def _write_path(writer: Writer, value: PurePath, depth: int) -> list[Any]:
    writer.spend(5 * ITEM)
    return ["path", isinstance(value, PosixPath), writer.tree(str(value), depth)]


@reads("path")
def _read_path(reader: Reader, rest: list[Any], depth: int) -> PurePath:
    concrete, text = rest
    reader.spend(5 * ITEM)
    return (PosixPath if concrete is True else PurePosixPath)(reader.text(text, LONGEST_PATH))


@writes(slice)
def _write_slice(writer: Writer, value: slice, depth: int) -> list[Any]:
    return ["slice", *writer.trees([value.start, value.stop, value.step], depth)]


@reads("slice")
def _read_slice(reader: Reader, rest: list[Any], depth: int) -> slice:
    start, stop, step = reader.values(rest, depth)
    return slice(start, stop, step)


@writes(type(...))
def _write_ellipsis(writer: Writer, value: Any, depth: int) -> list[Any]:
    return ["..."]


@reads("...")
def _read_ellipsis(reader: Reader, rest: list[Any], depth: int) -> Any:
    return ...


def _write_type(writer: Writer, value: type, depth: int) -> list[Any]:
    name = _names.get(value)
    if name is None:
        raise Refused("a class")
    return ["type", name]


@reads("type")
def _read_type(reader: Reader, rest: list[Any], depth: int) -> type:
    (name,) = rest
    return BUILTIN_TYPES[name]


def _plain_datetime(value: Any) -> datetime.datetime:
    # Through the parts: the methods of datetime call those of the subclass.
    kind = datetime.datetime
    *parts, fold = (getattr(kind, name).__get__(value) for name in (*MOMENTS[kind], "tzinfo", "fold"))
    return kind(*parts, fold=fold)


LATE.append(lambda kind: _write_type if issubclass(kind, type) else None)
PLAIN_BASES[datetime.datetime] = _plain_datetime
PLAIN_BASES[Decimal] = Decimal
