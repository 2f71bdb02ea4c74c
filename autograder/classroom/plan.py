"""What a grading process has to know: the exam, its settings, and one submission after another. Plain data that can go to another machine."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.examiner.assemble import MAX_BYTES

__all__ = ["Failed", "Job", "Marked", "MarkedNotebook", "Plan", "code_digest", "lay_out", "read_folder"]

# What stands where a notebook should be, but is no file that can be read.
LINK, FOLDER, LARGE = "link", "folder", "large"


class Failed(Exception):
    """A submission could not be graded, through no fault of its own; the message says why."""


@dataclass(frozen=True, slots=True)
class SourceCell:
    """A cell as the gradebook has it since the assignment was generated."""

    name: str
    cell_type: str
    locked: bool
    source: str
    checksum: str


@dataclass(frozen=True, slots=True)
class Blueprint:
    """A notebook as the gradebook has it.

    Attributes:
        kernelspec: JSON, or None.
        points: maximum of each graded cell.
    """

    kernelspec: str | None
    cells: dict[str, SourceCell]
    points: dict[str, float]


@dataclass(frozen=True, slots=True)
class Plan:
    """The exam.

    Attributes:
        source: files of the source folder, by name.
        notebooks: by name.
        config: nbgrader's settings (a traitlets ``Config``).
        sanitize: preprocessors (classes, or dotted names) before the examination.
        autograde: the examination and what follows.
        root: the course directory, which students' code must not read.
        code: see :func:`code_digest`.
        students: everyone who handed in, to recognise answers that belong to somebody else's case.
    """

    assignment: str
    source: dict[str, bytes]
    notebooks: dict[str, Blueprint]
    config: Any
    sanitize: list[Any]
    autograde: list[Any]
    db_url: str
    root: str
    code: str
    students: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """One submission.

    Attributes:
        notebooks: content by name, or what is in its place (see :func:`read_folder`).
        fingerprint: of everything that its marks depend on.
    """

    student: str
    notebooks: dict[str, bytes | str]
    fingerprint: str


@dataclass(slots=True)
class MarkedNotebook:
    """One graded notebook.

    Attributes:
        text: the notebook for the autograded folder.
        scores: by graded cell; None where a person decides.
        comments: by cell; None where there is nothing to say.
        notes: what an instructor should know.
    """

    text: str
    scores: dict[str, float | None] = field(default_factory=dict)
    comments: dict[str, str | None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Marked:
    """A graded submission.

    Attributes:
        peak_mb: the largest resident memory so far of the process that graded it, and of the one that it forks candidates from.
    """

    student: str
    fingerprint: str
    notebooks: dict[str, MarkedNotebook] = field(default_factory=dict)
    peak_mb: tuple[float, float] = (0.0, 0.0)


def read_folder(folder: Path, names: list[str]) -> dict[str, bytes | str]:
    """The notebooks *names* that lie in *folder*; links are not followed, and nothing that is no file is opened.

    Raises:
        OSError: a file is there but cannot be read.
    """
    found: dict[str, bytes | str] = {}
    for name in names:
        path = folder / f"{name}.ipynb"
        try:
            status = path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        if stat.S_ISLNK(status.st_mode):
            found[name] = LINK
        elif not stat.S_ISREG(status.st_mode):
            found[name] = FOLDER
        elif status.st_size > MAX_BYTES:
            found[name] = LARGE
        else:
            found[name] = path.read_bytes()
    return found


@contextlib.contextmanager
def lay_out(notebooks: dict[str, bytes | str], folder: Path) -> Iterator[dict[str, Path]]:
    """Paths in *folder* of what :func:`read_folder` read elsewhere; they are gone afterwards."""
    paths = {name: folder / f"{name}.ipynb" for name in notebooks}
    try:
        for name, content in notebooks.items():
            if isinstance(content, bytes):
                paths[name].write_bytes(content)
            elif content == LINK:
                paths[name].symlink_to("nowhere")
            elif content == LARGE:
                with paths[name].open("wb") as file:
                    file.truncate(MAX_BYTES + 1)
            else:
                paths[name].mkdir()
        yield paths
    finally:
        for path in paths.values():
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            else:
                path.unlink(missing_ok=True)


@functools.cache
def code_digest() -> str:
    """Of the code that gives marks: two machines that disagree on it must not grade one class."""
    import autograder
    import mlsysim

    digest = hashlib.sha256()
    for package in map(Path, (*autograder.__path__, *mlsysim.__path__)):
        for path in sorted(package.rglob("*")):
            if path.suffix in (".py", ".toml", ".csv"):
                digest.update(f"{path.relative_to(package)}{os.linesep}".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()
