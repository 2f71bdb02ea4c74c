"""What lateness costs, and who has more time: two files that an instructor writes."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from autograder.files.csv_table import TableError, as_meant, read_table
from autograder.files.times import read_timestamp
from autograder.nbgrader_compat.errors import CourseError

__all__ = ["Extension", "LateRule", "read_extensions", "read_rules", "spoken"]

UNITS = {"week": 7 * 24 * 60, "day": 24 * 60, "hour": 60, "minute": 1}  # in minutes
PART = re.compile(rf"(\d+(?:\.\d+)?)\s*({'|'.join(UNITS)})s?\b[\s,]*")
SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%")
LONGEST = timedelta(days=1000)
KEYS = ("due", "grace", "each", "costs", "at_most", "nothing_after")
COLUMNS = ("student", "assignment", "until", "extra")
A_TIME = '"2026-12-01 23:59 +0100" or "2026-12-01 23:59 Europe/Berlin"'


@dataclass(frozen=True, slots=True)
class LateRule:
    """What lateness costs in one assignment.

    Attributes:
        due: when it is due, in UTC without saying so, as nbgrader keeps it; None where only the gradebook says it.
        grace: what is late by no more than this is in time.
        each, costs: each period *each* that has begun since the due date costs the share *costs* of a notebook's points.
        at_most: the largest share that is taken off so.
        nothing_after: what is late by more than this gets no points; None for never.
    """

    due: datetime | None = None
    grace: timedelta = timedelta()
    each: timedelta | None = None
    costs: float = 0.0
    at_most: float = 1.0
    nothing_after: timedelta | None = None

    def share(self, late: timedelta) -> float:
        """The share of the points that is taken off for being *late* by so much, from 0 to 1."""
        if late <= self.grace:
            return 0.0
        if self.nothing_after is not None and late > self.nothing_after:
            return 1.0
        return min(self.at_most, self.costs * math.ceil(late / self.each)) if self.each else 0.0

    @property
    def says(self) -> str:
        """The rule in sentences; empty where lateness costs nothing."""
        said = []
        if self.each:
            most = f", but at most {100 * self.at_most:g} %" if self.at_most < 1 else ""
            period = spoken(self.each)
            each = f"{period.removeprefix('1 ')} of lateness" if period[:2] == "1 " else f"period of {period}"
            said.append(
                f"Each {each} that has begun costs {100 * self.costs:g} % of a notebook's points{most}."
            )
        if self.nothing_after is not None:
            said.append(f"What comes more than {spoken(self.nothing_after)} late gets no points.")
        if said and self.grace:
            said.insert(0, f"What comes up to {spoken(self.grace)} late counts as in time.")
        return " ".join(said)


@dataclass(frozen=True, slots=True)
class Extension:
    """More time for one student: until a time, in UTC without saying so, or by so much more."""

    until: datetime | None = None
    extra: timedelta = timedelta()

    def after(self, due: datetime) -> timedelta:
        """How much later than *due* the work may come; nothing for an extension that ends before."""
        return self.extra if self.until is None else max(timedelta(), self.until - due)


def spoken(period: timedelta) -> str:
    """A period in its two largest units.

    >>> spoken(timedelta(hours=51)), spoken(timedelta(minutes=1)), spoken(timedelta(seconds=20))
    ('2 days 3 hours', '1 minute', 'less than a minute')
    """
    left = int(period.total_seconds() // 60)
    parts = []
    for unit, minutes in list(UNITS.items())[1:]:
        number, left = divmod(left, minutes)
        if number:
            parts.append(f"{number} {unit}{'' if number == 1 else 's'}")
        elif parts:
            break
    return " ".join(parts[:2]) or "less than a minute"


def read_rules(file: Path, assignments: Collection[str], zone: str) -> dict[str, LateRule]:
    """The rule of each assignment: keys at the top are for all, and a table with an assignment's name has what is other there.

    Args:
        zone: the time zone of the course, for times that name none.

    Raises:
        CourseError: the file cannot be read, or says what is not allowed; the message names it.
    """
    try:
        content = tomllib.loads(file.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    except tomllib.TOMLDecodeError as error:
        raise CourseError(f"{file} is not a TOML file: {error}") from None
    common = {key: value for key, value in content.items() if not isinstance(value, dict)}
    own = {key: value for key, value in content.items() if isinstance(value, dict)}
    for name in own:
        if name not in assignments:
            raise CourseError(
                f"{file} has [{name}], which is no assignment; there is {', '.join(sorted(assignments)) or 'none'}"
            )
    if "due" in common:
        raise CourseError(f"{file}: due = {common['due']!s} stands above every [assignment]; put it into one")
    # What is at the top is checked even if every assignment has its own.
    _rule(file, "", common, zone)
    return {name: _rule(file, f"[{name}] ", common | own.get(name, {}), zone) for name in assignments}


def _rule(file: Path, where: str, said: Mapping[str, Any], zone: str) -> LateRule:
    where = f"{file}: {where}"
    for key in said:
        if key not in KEYS:
            raise CourseError(f"{where}{key} is not known; known: {', '.join(KEYS)}")
    if ("each" in said) != ("costs" in said):
        raise CourseError(f'{where}each and costs belong together: each = "1 day" and costs = "10 %"')
    if "at_most" in said and "each" not in said:
        raise CourseError(f"{where}at_most limits what each period costs, and there is no each")
    periods: dict[str, Any] = {
        key: _period(where, key, said[key]) for key in ("grace", "each", "nothing_after") if key in said
    }
    shares: dict[str, Any] = {
        key: _share(where, key, said[key]) for key in ("costs", "at_most") if key in said
    }
    if "each" in periods and not periods["each"]:
        raise CourseError(f"{where}each = {said['each']!r} must be longer than nothing")
    rule = LateRule(_due(where, said["due"], zone) if "due" in said else None, **periods, **shares)
    if rule.nothing_after is not None and rule.nothing_after < rule.grace:
        raise CourseError(f"{where}nothing_after = {said['nothing_after']!r} is shorter than the grace")
    return rule


def _period(where: str, key: str, text: Any) -> timedelta:
    allowed = 'a period such as "15 minutes", "36 hours" or "1 day 12 hours"'
    if not isinstance(text, str):
        raise CourseError(f"{where}{key} = {text!r} must be {allowed}")
    parts = PART.findall(text)
    if not parts or PART.sub("", text.strip()):
        raise CourseError(f"{where}{key} = {text!r} must be {allowed}")
    minutes = sum(float(number) * UNITS[unit] for number, unit in parts)
    if minutes > LONGEST / timedelta(minutes=1):
        raise CourseError(f"{where}{key} = {text!r} is longer than {LONGEST.days} days")
    return timedelta(minutes=minutes)


def _share(where: str, key: str, text: Any) -> float:
    found = SHARE.fullmatch(text.strip()) if isinstance(text, str) else None
    if not found or not 0 < float(found[1]) <= 100:
        raise CourseError(f'{where}{key} = {text!r} must be a share such as "10 %", above 0 and up to 100')
    return float(found[1]) / 100


def _due(where: str, given: Any, zone: str) -> datetime:
    if isinstance(given, datetime):  # TOML has times of its own
        given = given.isoformat(" ")
    if not isinstance(given, str):
        raise CourseError(f"{where}due = {given!s} must be a day with a time and its zone, such as {A_TIME}")
    return _time(f"{where}due = {given!r}", given, zone)


def _time(what: str, text: str, zone: str) -> datetime:
    """The time in UTC that *text* says, without any doubt."""
    said = read_timestamp(text.encode(), zone)
    if said.time is not None and "it has no time zone" in said.doubt and zone:
        said = read_timestamp(f"{text} {zone}".encode(), zone)
    if said.time is None or said.doubt:
        why = said.doubt.partition(": ")[2] or "it says no time"
        raise CourseError(f"{what} leaves open when: {why.partition(';')[0]}; say it as in {A_TIME}")
    return said.time


def read_extensions(file: Path, assignments: Collection[str], zone: str) -> dict[tuple[str, str], Extension]:
    """Extensions by student and assignment: a row for each, with a time in ``until`` or a period in ``extra``.

    Raises:
        CourseError: the file cannot be read, or a row says what is not allowed; the message names it.
    """
    try:
        columns, rows = read_table(file)
    except TableError as error:
        raise CourseError(str(error)) from None
    missing = [name for name in COLUMNS[:2] if name not in columns]
    if missing or not {"until", "extra"} & set(columns):
        lacks = missing[0] if missing else "until or extra"
        raise CourseError(
            f"{file} has no column {lacks}; its columns must be student, assignment, and until or extra"
        )
    found: dict[tuple[str, str], Extension] = {}
    for number, row in enumerate(rows, 2):
        said = {name: (row.get(name) or "").strip() for name in COLUMNS}
        if not any(said.values()):
            continue
        where = f"{file}, row {number}: "
        key = as_meant(said["student"]), as_meant(said["assignment"])
        if not key[0]:
            raise CourseError(f"{where}student is empty")
        if key[1] not in assignments:
            raise CourseError(
                f"{where}assignment = {key[1]!r} is none; there is {', '.join(sorted(assignments)) or 'none'}"
            )
        if key in found:
            raise CourseError(f"{where}{key[0]} has an extension for {key[1]} already, in a row above")
        if bool(said["until"]) == bool(said["extra"]):
            raise CourseError(f'{where}give either until, such as {A_TIME}, or extra, such as "2 days"')
        found[key] = (
            Extension(_time(f"{where}until = {said['until']!r}", said["until"], zone))
            if said["until"]
            else Extension(extra=_period(where, "extra", said["extra"]))
        )
    return found
