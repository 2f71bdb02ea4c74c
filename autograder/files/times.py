"""Reads the time of handing in, and says where what is written leaves it open. No doubt is settled in silence."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, available_timezones

from autograder.files.names import shown_name
from autograder.files.read import ABSENT, Unreadable

__all__ = ["TIMESTAMP", "TIMESTAMP_BYTES", "Said", "read_timestamp"]

TIMESTAMP = "timestamp.txt"
TIMESTAMP_BYTES = 1024
YEARS = range(1970, 2200)  # nbgrader cannot turn a time at the end of the calendar into another time zone's
LONGEST = 40  # characters of it that are shown
MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
# The form that nbgrader's exchange writes, which every version of nbgrader reads rightly.
NBGRADERS = re.compile(rb"\s*\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})? UTC\s*")
PLACE = re.compile(r"[A-Z][A-Za-z_]+(/[A-Za-z0-9_+-]+)+")
FROM_UTC = re.compile(r"\b(?:UTC|GMT)(?=[+-]\d)")
FARTHEST = timedelta(hours=14)
# What people in these places call their time, where the time zone database has only a number.
MORE_MEANINGS = {"BST": [timedelta(hours=6)], "AST": [timedelta(hours=3)]}
YEAR_FIRST = re.compile(r"\d{4}")
DEFAULTS = (datetime(2000, 1, 1, 1, 1), datetime(2003, 2, 2, 2, 2))
ALLOWED = "UTC or an offset such as -0500 says it without doubt"
NO_TIME = "and no lateness is counted from it"


@dataclass(frozen=True, slots=True)
class Said:
    """What a ``timestamp.txt`` says.

    Attributes:
        time: in UTC, without saying so; None where there is no file, or one that says no time.
        doubt: what is uncertain, as a sentence without its full stop; empty where nothing is.
        as_nbgrader: whether nbgrader itself reads the same from the file.
    """

    time: datetime | None
    doubt: str = ""
    as_nbgrader: bool = True

    @property
    def for_nbgrader(self) -> str:
        """The time in the form that nbgrader reads rightly; empty where there is none."""
        return f"{self.time} UTC\n" if self.time else ""


class _Unknown(Exception):
    """A time zone that nobody knows."""


def read_timestamp(content: bytes | Unreadable, zone: str = "") -> Said:
    """What the *content* of a ``timestamp.txt`` says.

    Where it can mean several times, the earliest of them counts, so that nobody is late by a guess.

    Args:
        zone: the time zone of the course, whose abbreviations mean what they mean there.
    """
    if content == ABSENT:
        return Said(None)
    if isinstance(content, Unreadable):
        return Said(None, f"{TIMESTAMP} cannot be read: {content.why}", as_nbgrader=False)
    text = ""
    try:
        mark = next((mark for mark in MARKS if content.startswith(mark)), b"")
        text = " ".join(content.decode(MARKS.get(mark, "utf-8")).split())
        if not text:
            return Said(None, f"{TIMESTAMP} is empty, {NO_TIME}", not content.strip())
        time, doubt = _read(text, zone)
        if time.year not in YEARS:
            raise ValueError
    except _Unknown as error:
        return Said(None, f"{_quoted(text)}: the time zone {error} is unknown, {NO_TIME}; {ALLOWED}", False)
    except Exception:  # dateutil raises many kinds
        what = _quoted(text) if text else f"{TIMESTAMP} is no text"
        return Said(None, f"{what}: it says no day with a time of day, {NO_TIME}; {ALLOWED}", False)
    return Said(
        time, f"{_quoted(text)}: {doubt}; {ALLOWED}" if doubt else "", bool(NBGRADERS.fullmatch(content))
    )


def _quoted(text: str) -> str:
    return f"{TIMESTAMP} says “{shown_name(text if len(text) <= LONGEST else text[:LONGEST] + '…')}”"


def _read(text: str, zone: str) -> tuple[datetime, str]:
    """The earliest time in UTC that *text* can mean, and what is uncertain of it."""
    place = text.rpartition(" ")[2]
    if PLACE.fullmatch(place):
        days, _, _ = _days(text.rpartition(" ")[0])
        found = {day: _offsets(_zone(place), day) for day in days}
        name: str | None = place
    else:
        days, name, offset = _days(FROM_UTC.sub("", text))
        found = {day: [offset] if offset is not None else _meanings(name, day, zone) for day in days}
        name = name if offset is None else "UTC"
    doubts = []
    if name is None:
        doubts.append("it has no time zone, and UTC is assumed")
    offsets = sorted(set().union(*found.values()))
    if len(found) == 1 and len(offsets) > 1:
        *others, last = [f"UTC{_shown(one)}" for one in offsets]
        doubts.append(
            f"{name} is {', '.join(others)} or {last}, and {last} is assumed, so that nobody is late by a guess"
        )
    if len(found) > 1:
        listed = " or ".join(f"{day:%Y-%m-%d}" for day in sorted(found))
        doubts.append(f"the day can be {listed}, and the first is assumed")
    earliest = min(day - max(offsets) for day, offsets in found.items())
    return earliest, "; ".join(doubts)


def _days(text: str) -> tuple[set[datetime], str | None, timedelta | None]:
    """The times on a clock that *text* can mean, the abbreviation of a time zone in it, and the offset from UTC.

    Raises:
        ValueError: it says no day, or no time of day.
    """
    from dateutil import parser

    seen: list[tuple[str | None, int | None]] = []

    def keep(name: str | None, seconds: int | None) -> tzinfo | None:
        seen.append((name, seconds))
        return None

    found = set()
    orders = [(False, False)] if YEAR_FIRST.match(text) else [(False, False), (True, False), (False, True)]
    for day_first, year_first in orders:
        # What is missing would be taken from the default.
        read = {
            parser.parse(text, default=default, tzinfos=keep, dayfirst=day_first, yearfirst=year_first)
            for default in DEFAULTS
        }
        if len(read) > 1:
            raise ValueError
        found |= {one.replace(tzinfo=None) for one in read}
    name, seconds = seen[-1]
    if seconds is None and name in ("UTC", "GMT", "Z", "z"):
        seconds = 0
    offset = None if seconds is None else timedelta(seconds=seconds)
    if offset is not None and abs(offset) > FARTHEST:
        raise _Unknown(_shown(offset))
    return found, name, offset


def _meanings(name: str | None, day: datetime, zone: str) -> list[timedelta]:
    """The offsets from UTC that the abbreviation *name* stands for: in the course's time zone, or else anywhere.

    Raises:
        _Unknown: there is none.
    """
    if name is None:
        return [timedelta()]
    if zone:
        home = _zone(zone)
        if home.tzname(day) == name:
            return _offsets(home, day)
    found = _abbreviations(day.year).get(name, frozenset()) | set(MORE_MEANINGS.get(name, ()))
    if not found:
        raise _Unknown(name)
    return sorted(found)


@functools.cache
def _zones() -> tuple[ZoneInfo, ...]:
    return tuple(map(_zone, sorted(available_timezones())))


@functools.lru_cache(maxsize=len(YEARS))
def _abbreviations(year: int) -> dict[str, frozenset[timedelta]]:
    """What the time zone database calls an offset from UTC anywhere in *year*."""
    found: dict[str, set[timedelta]] = {}
    for zone in _zones():
        for month in (1, 7):
            day = datetime(year, month, 5)
            found.setdefault(zone.tzname(day) or "", set()).add(_offset(zone, day))
    return {name: frozenset(offsets) for name, offsets in found.items()}


def _zone(key: str) -> ZoneInfo:
    try:
        return ZoneInfo(key)
    except (ValueError, OSError, LookupError):
        raise _Unknown(key) from None


def _offset(zone: ZoneInfo, day: datetime) -> timedelta:
    return zone.utcoffset(day) or timedelta()


def _offsets(zone: ZoneInfo, day: datetime) -> list[timedelta]:
    """The offsets that *day* may have: two in an hour in which the clock is changed."""
    return sorted({_offset(zone, day), _offset(zone, day.replace(fold=1))})


def _shown(offset: timedelta) -> str:
    minutes = round(offset.total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
