"""What lies in ``submitted/``: who handed in, and what, read within the limits and without following links.

Students are known by the names of their folders as :mod:`autograder.files.names` shows them.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from autograder.bounds.deadline import TimeIsUp, deadline
from autograder.bounds.limits import Limits
from autograder.files.beside import OwnFiles, read_own
from autograder.files.lookalikes import Lookalike, digest_of, lookalikes
from autograder.files.names import original_name, shown_name
from autograder.files.read import ABSENT, Unreadable, open_folder, read_file
from autograder.files.source import LEFT_BEHIND
from autograder.files.times import TIMESTAMP, TIMESTAMP_BYTES, Said, read_timestamp
from autograder.files.tree import Entry, walk
from autograder.triage.reasons import Item

__all__ = ["Inbox", "Wanted", "students_in"]

MOST_NOTES = 5  # of one kind
MOST_NAMES = 4  # of files in one sentence
LONGEST_NAME = 60  # characters of a name in a sentence


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


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the files of a submission are compared with.

    Attributes:
        notebooks: the grade_ids of each source notebook, by its name.
        given: names of the files that students are given beside the notebooks.
        zone: the time zone of the course; empty if none is set.
    """

    notebooks: Mapping[str, Collection[str]] = field(default_factory=dict)
    given: Collection[str] = ()
    zone: str = ""


class Inbox:
    """The submissions of one assignment.

    Args:
        submitted: the folder of all submissions, which is trusted; everything below it is not.
        source: files of the course (see :func:`autograder.files.read.file_ids`), which no submission may be by another name.
        ignore: patterns of names that nbgrader does not copy.
        wanted: what the files are compared with; without it, nothing is known by another name than its own.
    """

    def __init__(
        self,
        submitted: Path,
        assignment: str,
        limits: Limits,
        source: Collection[tuple[int, int]] = (),
        ignore: Sequence[str] = (),
        wanted: Wanted | None = None,
    ) -> None:
        self._submitted, self._assignment = submitted, assignment
        self._limits, self._source = limits, source
        self._ignore = list(ignore)
        self._wanted = wanted or Wanted()

    @property
    def zone(self) -> str:
        """The time zone of the course; empty if none is set."""
        return self._wanted.zone

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
        """The notebooks *names* that were handed in; all of them, if the folder itself cannot be read.

        One that does not lie there under its name is taken from the only file that looks like it (see :mod:`autograder.files.lookalikes`).
        """
        return self._found(student, list(names))[0]

    def notebooks_and_triage(
        self, student: str, names: Iterable[str]
    ) -> tuple[dict[str, bytes | Unreadable], list[Item]]:
        """The same, and what a person should look at: files that may be missing notebooks, and a doubtful time of handing in."""
        notebooks, items = self._found(student, list(names))
        if doubt := self.time(student).doubt:
            items.append(Item("time", doubt))
        return notebooks, [replace(item, student=student) for item in items]

    def _found(self, student: str, names: Sequence[str]) -> tuple[dict[str, bytes | Unreadable], list[Item]]:
        with self.open(student) as folder:
            if isinstance(folder, Unreadable):
                return ({} if folder is ABSENT else dict.fromkeys(names, folder)), []
            found = {name: self._read(folder, f"{name}.ipynb") for name in names}
            similar, others = (
                lookalikes(folder, self._wanted.notebooks, self._limits, self._ignore, self._source)
                if self._wanted.notebooks
                else ({}, [])
            )
        items = [
            item for name, alike in similar.items() if name in found for item in _settle(found, name, alike)
        ]
        missing = [name for name, content in found.items() if content is ABSENT]
        usual = {TIMESTAMP, *self._wanted.given}
        others = [name for name in others if name not in usual and not name.startswith(LEFT_BEHIND)]
        if missing and others:
            were = "were" if len(missing) > 1 else "was"
            says = f"{', '.join(missing)} {were} not handed in; what lies there is {_listed(others)}"
            items.append(Item("missing", says))
        return {name: content for name, content in found.items() if content is not ABSENT}, items

    def own_files(self, student: str) -> OwnFiles:
        """The files beside the notebooks that the student's code may find."""
        with self.open(student) as folder:
            return (
                OwnFiles() if isinstance(folder, Unreadable) else read_own(self._others(folder), self._limits)
            )

    def time(self, student: str) -> Said:
        """When *student* handed in, as far as something says so."""
        with self.open(student) as folder:
            content = (
                ABSENT if isinstance(folder, Unreadable) else self._read(folder, TIMESTAMP, TIMESTAMP_BYTES)
            )
        return read_timestamp(content, self._wanted.zone)

    def _others(self, folder: int) -> Iterator[Entry]:
        return walk(folder, self._limits, [*self._ignore, "*.ipynb"], self._source)

    def add_to_digest(self, student: str, names: Collection[str], digest: Any) -> None:
        """Put all that marks and the autograded folder depend on into *digest*; of what is left out, the name and the reason."""
        notebooks = self.notebooks(student, names)
        for name in names:
            content = notebooks.get(name, ABSENT)
            if isinstance(content, Unreadable):
                digest.update(f"unreadable\0{name}\0{content.why}\0".encode())
            else:
                digest.update(f"notebook\0{name}\0{len(content)}\0".encode())
                digest.update(content)
        with self.open(student) as folder:
            if isinstance(folder, Unreadable):
                digest.update(f"folder\0{folder.why}\0".encode())
                return
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
        if len(left_out) > MOST_NOTES:
            left_out[MOST_NOTES:] = [f"{len(left_out) - MOST_NOTES} more are left out"]
        return notes + left_out

    def copy_others(self, student: str, target: Path) -> None:
        """Copy the files beside the notebooks into the folder *target*, as far as the time for one notebook's files allows."""
        said = self.time(student)
        try:
            with deadline(self._limits.render_seconds), self.open(student) as folder:
                if isinstance(folder, Unreadable):
                    return
                for entry in self._others(folder):
                    if entry.left_out or (entry.name.split("/")[0] == TIMESTAMP and not said.as_nbgrader):
                        continue
                    copy = target / entry.name
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    with copy.open("wb") as file:
                        file.writelines(entry.chunks())
        except TimeIsUp:
            return
        # nbgrader would read the student's as another time, or stop at it.
        if said.time is not None and not said.as_nbgrader:
            (target / TIMESTAMP).write_text(said.for_nbgrader, "utf-8")


def _settle(found: dict[str, bytes | Unreadable], name: str, alike: Sequence[Lookalike]) -> Iterator[Item]:
    """Put what the files *alike* hold, or why none of them counts, in the place of the notebook *name*, if nothing is *found* there."""
    content = found[name]
    if content is ABSENT or (isinstance(content, bytes) and not content.strip()):
        listed = _listed([one for like in alike for one in like.names])
        if len(alike) == 1:
            found[name] = alike[0].content
            yield Item("renamed", f"it was graded from {listed}", "", name)
        else:
            why = (
                f"no file has its name, and of several that look like it and differ none is chosen: {listed}"
            )
            found[name] = Unreadable(why)
        return
    own = None if isinstance(content, Unreadable) else digest_of(content)
    differing = [one for like in alike if like.by_cells and like.digest != own for one in like.names]
    if differing:
        yield Item("copy", f"{name}.ipynb was graded, and not {_listed(differing)}", "", name)


def _listed(names: Sequence[str]) -> str:
    shown = [
        f"“{name if len(name) <= LONGEST_NAME else '…' + name[-LONGEST_NAME:]}”"
        for name in names[:MOST_NAMES]
    ]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
