"""Makes a submission one that nbgrader can copy: what it would follow, or what is beyond the limits, is set aside before it looks."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from traitlets.log import get_logger

from autograder.bounds.deadline import deadline
from autograder.bounds.limits import Limits
from autograder.files.names import original_name, shown_name
from autograder.files.read import Unreadable, file_ids, open_below, open_folder, read_file
from autograder.files.times import TIMESTAMP, TIMESTAMP_BYTES, read_timestamp
from autograder.files.tree import walk

__all__ = ["tidy_submission"]


def tidy_submission(
    assignment: str,
    student: str,
    notebooks: list[str],
    limits: Limits,
    source: Path,
    zone: str = "",
) -> None:
    """Set aside what would stop or mislead nbgrader, and log it.

    A folder that is a link becomes a folder in which each notebook is a link, which counts as one that cannot be read. Links, pipes and devices among the
    other files (nbgrader would copy what they lead to, without end if need be), files beyond the limits, those that have the place of a file of the course,
    and a ``timestamp.txt`` that nbgrader would not read rightly go into a folder beside the submission, named like it and ``.left-out``.

    Args:
        student: as nbgrader was asked for it, which may be a pattern.
        source: the folder of the source notebooks.
        zone: the time zone of the course.
    """
    by_folder: dict[Path, list[str]] = {}
    for notebook in map(Path, notebooks):
        by_folder.setdefault(notebook.parent, []).append(notebook.name)
    for folder, names in by_folder.items():
        _unlink_folders(folder, names)
        with (
            deadline(limits.render_seconds),
            open_folder(folder.parents[1], folder.parent.name) as parent,
            open_folder(folder.parents[1], folder.parent.name, folder.name) as opened,
        ):
            if not isinstance(parent, Unreadable) and not isinstance(opened, Unreadable):
                _Tidying(parent, opened, folder, limits, source, zone).run(set(names))


def _unlink_folders(folder: Path, names: Iterable[str]) -> None:
    """Put a real folder in the place of *folder*, or of the one above it, if that is a link."""
    linked = next((path for path in (folder.parent, folder) if path.is_symlink()), None)
    if linked is None:
        return
    target = os.readlink(linked)
    _log(folder, f"{shown_name(linked.name)} is a symbolic link, not a folder: nothing in it is read")
    linked.unlink()
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).symlink_to(os.path.join(target, name))


def _log(folder: Path, what: str) -> None:
    get_logger().warning("%s: %s", shown_name(folder.parent.name), what)


class _Tidying:
    def __init__(
        self, parent: int, opened: int, folder: Path, limits: Limits, source: Path, zone: str
    ) -> None:
        self._parent, self._opened, self._folder = parent, opened, folder
        self._limits, self._source, self._zone = limits, source, zone
        self._aside: int | None = None
        self._count = 0

    def run(self, notebooks: set[str]) -> None:
        try:
            not_these = file_ids(self._source)
            for entry in walk(self._opened, self._limits, (), not_these):
                if entry.folder == self._opened and entry.own_name in notebooks:
                    continue
                if entry.own_name == ".":
                    self._all_but(notebooks, entry.left_out)
                    break
                elif entry.left_out or original_name(entry.name) != entry.name:
                    why = entry.left_out or "its name is no plain text"
                    self._set_aside(entry.folder, entry.own_name, why)
            self._make_way()
            self._tidy_timestamp(not_these)
        finally:
            if self._aside is not None:
                os.close(self._aside)

    def _tidy_timestamp(self, not_these: frozenset[tuple[int, int]]) -> None:
        """nbgrader stops at a time that it cannot read, and takes one with an offset or an abbreviation for another than it is."""
        said = read_timestamp(read_file(self._opened, TIMESTAMP, TIMESTAMP_BYTES, not_these), self._zone)
        if said.doubt:
            _log(self._folder, said.doubt)
        if not said.as_nbgrader:
            why = f"in its place stands {said.for_nbgrader.strip()}" if said.time else "it says no time"
            self._set_aside(self._opened, TIMESTAMP, why)
            if said.time is not None:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
                with open(
                    os.open(TIMESTAMP, flags, 0o644, dir_fd=self._opened), "w", encoding="utf-8"
                ) as file:
                    file.write(said.for_nbgrader)

    def _all_but(self, notebooks: set[str], why: str) -> None:
        for name in os.listdir(self._opened):
            if name not in {*notebooks, TIMESTAMP}:
                self._set_aside(self._opened, name, why)

    def _make_way(self) -> None:
        """nbgrader copies the course's files over the student's, and stops where a folder is in the way."""
        for path in sorted(self._source.rglob("*")):
            own = self._folder / path.relative_to(self._source)
            if os.path.lexists(own) and own.is_dir() != path.is_dir() and path.suffix != ".ipynb":
                with open_folder(self._folder, *own.relative_to(self._folder).parts[:-1]) as folder:
                    if not isinstance(folder, Unreadable):
                        self._set_aside(folder, own.name, "the course has another thing by that name")

    def _set_aside(self, folder: int, name: str, why: str) -> None:
        if self._aside is None:
            self._aside = self._make_aside()
        kept = self._free_name(name)
        os.rename(name, kept, src_dir_fd=folder, dst_dir_fd=self._aside)
        if self._count <= 20:
            _log(self._folder, f"{shown_name(name)} was set aside: {why}")

    def _free_name(self, name: str) -> bytes:
        assert self._aside is not None
        while True:
            self._count += 1
            free = f"{self._count}-".encode() + os.fsencode(name)[:200]
            try:
                os.stat(free, dir_fd=self._aside, follow_symlinks=False)
            except FileNotFoundError:
                return free

    def _make_aside(self) -> int:
        for number in range(1000):
            name = f"{self._folder.name}.left-out" + (f"-{number}" if number else "")
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, dir_fd=self._parent)
            opened = open_below(self._parent, name, "a folder")
            if not isinstance(opened, Unreadable):
                return opened
        raise OSError(f"there is no place beside {self._folder} for what is left out of it")
