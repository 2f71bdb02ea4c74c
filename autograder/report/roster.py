"""The list of a course's people that another system exports: who there is whom in the gradebook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from autograder.files.csv_table import TableError, read_table

__all__ = ["Roster", "RosterError", "read_roster"]


class RosterError(Exception):
    """The roster cannot be used; the message names it and says why."""


@dataclass(frozen=True, slots=True)
class Roster:
    """Who is who.

    Attributes:
        key: the column that holds the ids of the gradebook.
        people: the row of each of them, by id.
        unknown: students of the class whom the roster does not have.
        without: ids of the roster that are not in the class.
    """

    key: str
    people: Mapping[str, Mapping[str, str]]
    unknown: tuple[str, ...]
    without: tuple[str, ...]


def read_roster(file: Path, students: Iterable[str], key: str | None = None) -> Roster:
    """The roster in the CSV *file*, whose first line names its columns.

    Args:
        students: the ids of the class.
        key: the column with these ids; by default the one that holds most of them.

    Raises:
        RosterError: it cannot be read, has no such column, or has somebody twice.
    """
    try:
        columns, table = read_table(file)
    except TableError as error:
        raise RosterError(str(error)) from None
    rows = [{name: value.strip() for name, value in row.items()} for row in table]
    if not columns:
        raise RosterError(f"{file} is empty: its first line must name its columns")
    known = set(students)
    if key is None:
        found = {name: len(known & {row[name] for row in rows}) for name in columns}
        key = max(columns, key=lambda name: found[name])
        if not found[key]:
            raise RosterError(
                f"{file} has none of the class in any of its columns {', '.join(columns)}; the class has ids such as "
                f"{', '.join(sorted(known)[:3]) or 'none'}"
            )
    elif key not in columns:
        raise RosterError(f"{file} has no column {key!r}; it has {', '.join(columns)}")
    people: dict[str, Mapping[str, str]] = {}
    for row in rows:
        if not row[key]:  # such as Canvas's line with the points
            continue
        if row[key] in people:
            raise RosterError(f"{file} has {row[key]!r} twice in its column {key!r}")
        people[row[key]] = row
    unknown = tuple(sorted(known - people.keys()))
    return Roster(key, people, unknown, tuple(one for one in people if one not in known))
