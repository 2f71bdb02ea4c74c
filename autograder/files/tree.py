"""The files beside the notebooks that a student handed in, as far as the limits go."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice

from autograder.bounds.limits import Limits
from autograder.files.names import shown_name
from autograder.files.read import Unreadable, is_machine_fault, kind_of, open_below, read_chunks

__all__ = ["Entry", "walk"]

LONGEST_NAME = 255  # bytes of one name, in most file systems
LONGEST_PATH = 1000  # bytes below the folder: there is room for the folders above it


@dataclass(frozen=True, slots=True)
class Entry:
    """Something beside the notebooks.

    Attributes:
        name: where it is below the folder, as it is shown.
        folder: a descriptor of the folder that it is in, and *own_name* its name there; good until the next entry is asked for.
        size: bytes.
        left_out: why it is not read, as the end of a sentence; empty for a file within the limits.
        opened: its descriptor; good until the next entry is asked for.
    """

    name: str
    folder: int
    own_name: str
    size: int = 0
    left_out: str = ""
    opened: int = -1

    def chunks(self) -> Iterator[bytes]:
        """Its content."""
        return read_chunks(self.opened, self.size)


def walk(
    folder: int, limits: Limits, ignore: Sequence[str], not_these: Collection[tuple[int, int]] = ()
) -> Iterator[Entry]:
    """What lies below the opened *folder*, in the order of names; folders themselves are not told.

    Args:
        ignore: patterns of names that are not looked at, as in nbgrader's ``CourseDirectory.ignore``.
        not_these: files (see :func:`autograder.files.read.file_ids`) that are left out under whatever name.
    """
    return _Walk(limits, ignore, not_these).below(folder, "", 0)


class _Walk:
    def __init__(self, limits: Limits, ignore: Sequence[str], not_these: Collection[tuple[int, int]]) -> None:
        self._limits, self._ignore, self._not_these = limits, ignore, not_these
        self._names_left = limits.files
        self._bytes_left = limits.files_mb << 20

    def _ignores(self, name: str) -> bool:
        # As in a shell, a star does not stand for the dot of a hidden file.
        return any(
            fnmatchcase(name, pattern)
            for pattern in self._ignore
            if pattern.startswith(".") or not name.startswith(".")
        )

    def below(self, folder: int, prefix: str, depth: int) -> Iterator[Entry]:
        if self._names_left < 0:
            return
        try:
            with os.scandir(folder) as listing:
                names = [entry.name for entry in islice(listing, self._names_left + 1)]
        except OSError as error:
            if is_machine_fault(error):
                raise
            yield Entry(prefix or ".", folder, ".", left_out=f"it cannot be listed: {error.strerror}")
            return
        too_many = len(names) > self._names_left
        self._names_left -= len(names)
        for name in sorted(names[:-1] if too_many else names):
            if self._names_left < 0 and not too_many:
                return  # a folder below has used up what was left
            if not self._ignores(name):
                yield from self._entry(folder, prefix, name, depth)
        if too_many:
            many = f"there are more than {self._limits.files} files: the others are left out"
            yield Entry(prefix or ".", folder, ".", left_out=many)

    def _entry(self, folder: int, prefix: str, name: str, depth: int) -> Iterator[Entry]:
        shown = prefix + shown_name(name)
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            what = kind_of(status.st_mode)
            why = self._why_not(status, what, shown, depth)
            opened = Unreadable(why) if why else open_below(folder, name, what)
        except OSError as error:
            if is_machine_fault(error):
                raise
            what, opened = "", Unreadable(f"it cannot be looked at: {error.strerror}")
        if isinstance(opened, Unreadable):
            yield Entry(shown, folder, name, left_out=opened.why)
            return
        try:
            if what == "a folder":
                yield from self.below(opened, f"{shown}/", depth + 1)
            else:
                self._bytes_left -= status.st_size
                yield Entry(shown, folder, name, status.st_size, opened=opened)
        finally:
            os.close(opened)

    def _why_not(self, status: os.stat_result, what: str, shown: str, depth: int) -> str:
        parts = [len(part.encode("utf-8", "surrogateescape")) for part in shown.split("/")]
        if max(parts) > LONGEST_NAME or sum(parts) > LONGEST_PATH:
            return "its name is too long as it is shown"
        if what == "a folder":
            return "its folders are nested too deeply" if depth >= self._limits.depth else ""
        if what != "a file":
            return f"it is {what}, not a file"
        if (status.st_dev, status.st_ino) in self._not_these:
            return "it is the course's own file, by another name"
        if status.st_size > self._limits.file_mb << 20:
            return f"it is larger than {self._limits.file_mb} MB"
        if status.st_size > self._bytes_left:
            return f"with it the files would be larger than {self._limits.files_mb} MB"
        return ""
