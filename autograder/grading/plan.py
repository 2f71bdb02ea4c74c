"""What a grading process has to know: the exam, its settings, and one submission after another. Plain data that can go to another machine."""

from __future__ import annotations

import functools
import hashlib
import os
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from autograder.bounds.limits import Limits
from autograder.files.beside import OwnFiles
from autograder.files.read import Unreadable
from autograder.nbgrader_compat.blueprint import Blueprint

__all__ = ["Begun", "Failed", "Job", "Marked", "MarkedNotebook", "Plan", "code_digest"]


class Failed(Exception):
    """A submission could not be graded, through no fault of its own; the message says why."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The exam.

    Attributes:
        source: files of the source folder, its kit among them, by name; see :func:`autograder.files.source.source_files`.
        notebooks: by name.
        config: nbgrader's settings (a traitlets ``Config``).
        sanitize: preprocessors (classes, or dotted names) before the examination.
        autograde: the examination and what follows.
        root: the course directory, which students' code must not read.
        libraries: packages that the tests compute with.
        code: see :func:`code_digest`.
        limits: what a submission may use.
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
    libraries: tuple[str, ...]
    code: str
    limits: Limits
    students: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """One submission.

    Attributes:
        notebooks: content by name, or what is in its place.
        fingerprint: of everything that its marks depend on; empty if it is to be graded again at the next run, whatever it gets now.
        notes: what an instructor should know of its files.
        own: files beside the notebooks.
        only: the one notebook that is graded, while the others keep their marks; all if empty.
    """

    student: str
    notebooks: dict[str, bytes | Unreadable]
    fingerprint: str
    notes: tuple[str, ...] = ()
    own: OwnFiles = field(default_factory=OwnFiles)
    only: str = ""


@dataclass(frozen=True, slots=True)
class Begun:
    """Says that a grading process begins with this notebook of the submission that it holds longest."""

    notebook: str


@dataclass(slots=True)
class MarkedNotebook:
    """One graded notebook.

    Attributes:
        text: the notebook for the autograded folder.
        scores: by graded cell; None where a person decides.
        comments: by cell; None where there is nothing to say.
        notes: what an instructor should know.
        flagged: the graded cells that a person is to look at, whatever mark they have.
    """

    text: str
    scores: dict[str, float | None] = field(default_factory=dict)
    comments: dict[str, str | None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    flagged: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Marked:
    """A graded submission.

    Attributes:
        only: as of its :class:`Job`.
        peak_mb: the largest resident memory so far of the process that graded it, and of the one that it forks candidates from.
    """

    student: str
    fingerprint: str
    notebooks: dict[str, MarkedNotebook] = field(default_factory=dict)
    only: str = ""
    peak_mb: tuple[float, float] = (0.0, 0.0)


@functools.cache
def code_digest(libraries: tuple[str, ...]) -> str:
    """Of the code that gives marks, the engine and the *libraries* that tests compute with: two machines that disagree on it must not grade one class."""
    digest = hashlib.sha256()
    for name in ("autograder", *libraries):
        spec = find_spec(name)
        for package in map(Path, spec.submodule_search_locations or () if spec else ()):
            for path in sorted(package.rglob("*")):
                if path.suffix in (".py", ".toml", ".csv"):
                    digest.update(f"{name}/{path.relative_to(package)}{os.linesep}".encode())
                    digest.update(path.read_bytes())
    return digest.hexdigest()
