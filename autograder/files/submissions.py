"""What lies in ``submitted/``: who handed in, and what, read within the limits and without following links.

Students are known by the names of their folders as :mod:`autograder.files.names` shows them.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autograder.bounds.deadline import TimeIsUp, deadline
from autograder.bounds.limits import Limits
from autograder.files.beside import OwnFiles, read_own
from autograder.files.names import original_name, shown_name
from autograder.files.read import ABSENT, Unreadable, open_folder, read_file
from autograder.files.tree import Entry, walk

__all__ = ["Inbox", "parse_timestamp", "students_in"]

TIMESTAMP = "timestamp.txt"
TIMESTAMP_BYTES = 1024
YEARS = range(1970, 2200)  # nbgrader cannot turn a time at the end of the calendar into another time zone's
MOST_NOTES = 5  # of one kind


def students_in(submitted: Path, assignment: str, known: Collection[str] = ()) -> list[str]:
    """Everyone of whom something is there under the name of the *assignment*, or whose folder cannot be looked into.

    Args:
        known: students who have marks already: of them it counts too if there is something else than a folder.
    """
    found = []
    try:
        entries = sorted(os.scandir(submitted), key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return []
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            try:
                os.lstat(os.path.join(entry.path, assignment))
            except FileNotFoundError:
                continue
            except OSError:  # the folder is closed: something may be there
                pass
        elif not entry.is_symlink() and shown_name(entry.name) not in known:
            continue
        found.append(shown_name(entry.name))
    return sorted(found)


def parse_timestamp(content: bytes | Unreadable) -> datetime | None:
    """The time that a ``timestamp.txt`` says; None where there is none, or an empty one.

    Raises:
        ValueError: it says no time.
    """
    if content == ABSENT:
        return None
    try:
        text = content.decode("utf-8").strip() if isinstance(content, bytes) else "?"
        found = _utc(text) if text else None
        if found is None or found.year in YEARS:
            return found
        raise ValueError
    except Exception:  # dateutil raises many kinds
        raise ValueError("it says no time") from None


def _utc(text: str) -> datetime:
    """The time that *text* says, in UTC and without saying so, read as nbgrader reads it: a third word is a time zone, by name or in seconds."""
    from dateutil import parser, tz

    words = text.split(" ")
    if len(words) == 3:
        seconds = words[2].lstrip("+-").isdecimal()
        zone = int(words[2]) if seconds else tz.gettz(words[2])
        found: datetime = parser.parse(" ".join([*words[:2], "TZ"]), tzinfos={"TZ": zone})
    else:
        found = parser.parse(text)
    return found if found.tzinfo is None else found.astimezone(UTC).replace(tzinfo=None)


class Inbox:
    """The submissions of one assignment.

    Args:
        submitted: the folder of all submissions, which is trusted; everything below it is not.
        source: files of the course (see :func:`autograder.files.read.file_ids`), which no submission may be by another name.
        ignore: patterns of names that nbgrader does not copy.
    """

    def __init__(
        self,
        submitted: Path,
        assignment: str,
        limits: Limits,
        source: Collection[tuple[int, int]] = (),
        ignore: Sequence[str] = (),
    ) -> None:
        self._submitted, self._assignment = submitted, assignment
        self._limits, self._source = limits, source
        self._ignore = [*ignore, "*.ipynb"]

    @contextmanager
    def open(self, student: str) -> Iterator[int | Unreadable]:
        """A descriptor of *student*'s folder."""
        with open_folder(self._submitted, original_name(student), self._assignment) as folder:
            yield folder

    def read(self, student: str, name: str, largest: int | None = None) -> bytes | Unreadable:
        """The content of one file."""
        with self.open(student) as folder:
            return folder if isinstance(folder, Unreadable) else self._read(folder, name, largest)

    def _read(self, folder: int, name: str, largest: int | None = None) -> bytes | Unreadable:
        return read_file(folder, name, largest or self._limits.file_mb << 20, self._source)

    def notebooks(self, student: str, names: Iterable[str]) -> dict[str, bytes | Unreadable]:
        """The notebooks *names* that were handed in; all of them, if the folder itself cannot be read."""
        with self.open(student) as folder:
            if isinstance(folder, Unreadable):
                return {} if folder is ABSENT else dict.fromkeys(names, folder)
            found = {name: self._read(folder, f"{name}.ipynb") for name in names}
        return {name: content for name, content in found.items() if content is not ABSENT}

    def own_files(self, student: str) -> OwnFiles:
        """The files beside the notebooks that the student's code may find."""
        with self.open(student) as folder:
            return (
                OwnFiles() if isinstance(folder, Unreadable) else read_own(self._others(folder), self._limits)
            )

    def timestamp(self, student: str) -> datetime | None:
        """When *student* handed in, or None: nothing says so, or nothing that is a time."""
        try:
            return self._said_time(student)
        except ValueError:
            return None

    def _said_time(self, student: str) -> datetime | None:
        return parse_timestamp(self.read(student, TIMESTAMP, TIMESTAMP_BYTES))

    def _says_no_time(self, student: str) -> bool:
        try:
            self._said_time(student)
        except ValueError:
            return True
        return False

    def _others(self, folder: int) -> Iterator[Entry]:
        return walk(folder, self._limits, self._ignore, self._source)

    def add_to_digest(self, student: str, names: Iterable[str], digest: Any) -> None:
        """Put all that marks and the autograded folder depend on into *digest*; of what is left out, the name and the reason."""
        with self.open(student) as folder:
            if isinstance(folder, Unreadable):
                digest.update(f"folder\0{folder.why}\0".encode())
                return
            for name in names:
                content = self._read(folder, f"{name}.ipynb")
                if isinstance(content, Unreadable):
                    digest.update(f"unreadable\0{name}\0{content.why}\0".encode())
                else:
                    digest.update(f"notebook\0{name}\0{len(content)}\0".encode())
                    digest.update(content)
            for entry in self._others(folder):
                digest.update(f"file\0{entry.name}\0{entry.size}\0{entry.left_out}\0".encode())
                for chunk in entry.chunks():
                    digest.update(chunk)

    def notes(self, student: str) -> list[str]:
        """What an instructor should know of the files: what is left out and why."""
        notes = []
        if original_name(student) != student:
            notes.append("the name of its folder is no plain text and is shown with escapes")
        with self.open(student) as folder:
            if isinstance(folder, Unreadable):
                return [*notes, *([] if folder is ABSENT else [f"nothing of it could be read: {folder.why}"])]
            left_out = [f"{entry.name}: {entry.left_out}" for entry in self._others(folder) if entry.left_out]
        if self._says_no_time(student):
            notes.append(f"its {TIMESTAMP} says no time")
        if len(left_out) > MOST_NOTES:
            left_out[MOST_NOTES:] = [f"{len(left_out) - MOST_NOTES} more are left out"]
        return notes + left_out

    def copy_others(self, student: str, target: Path) -> None:
        """Copy the files beside the notebooks into the folder *target*, as far as the time for one notebook's files allows."""
        # nbgrader would read the copy of a timestamp that says no time, and stop.
        kept_back = TIMESTAMP if self._says_no_time(student) else None
        try:
            with deadline(self._limits.render_seconds), self.open(student) as folder:
                if isinstance(folder, Unreadable):
                    return
                for entry in self._others(folder):
                    if not entry.left_out and entry.name.split("/")[0] != kept_back:
                        copy = target / entry.name
                        copy.parent.mkdir(parents=True, exist_ok=True)
                        with copy.open("wb") as file:
                            file.writelines(entry.chunks())
        except TimeIsUp:
            return
