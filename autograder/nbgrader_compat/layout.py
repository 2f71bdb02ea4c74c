"""Where a course keeps what: nbgrader's own settings of folders, turned into paths."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.nbgrader_compat.errors import CourseError

__all__ = ["CONFIG", "Layout", "course_layout", "courses_around", "load_config", "source_folder"]

CONFIG = "nbgrader_config.py"  # the file that makes a folder a course directory


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders of a course.

    Attributes:
        source, release: hold a folder for each assignment.
        submitted, autograded, feedback: hold a folder for each student, and that one a folder for each assignment.
    """

    root: Path
    source: Path
    release: Path
    submitted: Path
    autograded: Path
    feedback: Path

    @classmethod
    def of(cls, directory: Any) -> Layout:
        """The folders that nbgrader's ``CourseDirectory`` *directory* says.

        Raises:
            CourseError: the setting ``directory_structure`` is one that cannot be honoured.
        """
        parts = Path(directory.directory_structure).parts
        if parts[-2:] != ("{student_id}", "{assignment_id}") or any("_id}" in part for part in parts[:-2]):
            raise CourseError(
                f"c.CourseDirectory.directory_structure = {directory.directory_structure!r} cannot be honoured: "
                "it has to end in {student_id}/{assignment_id}"
            )

        def folder(step: str) -> Path:
            return Path(os.path.normpath(directory.format_path(step, ".", ".")))

        return cls(
            Path(directory.root),
            folder(directory.source_directory),
            folder(directory.release_directory),
            folder(directory.submitted_directory),
            folder(directory.autograded_directory),
            folder(directory.feedback_directory),
        )

    def assignments(self) -> list[str]:
        """Names of the assignments: the folders of the source directory that hold a notebook."""
        if not self.source.is_dir():
            return []
        return sorted(path.name for path in self.source.iterdir() if any(path.glob("*.ipynb")))

    def check_assignment(self, name: str) -> None:
        """Make sure that there is an assignment *name*.

        Raises:
            CourseError: there is not; the message lists those that there are.
        """
        known = self.assignments()
        if name not in known:
            there = f"it has {', '.join(known)}" if known else "it has none"
            raise CourseError(f"{self.source} has no assignment {name!r}; {there}")


def courses_around(folder: Path) -> Iterator[Path]:
    """The course directories among *folder* and the folders that it lies in, the nearest first."""
    return (one for one in (folder, *folder.parents) if (one / CONFIG).is_file())


def load_config(root: Path) -> Any:
    """The settings in the ``nbgrader_config.py`` of the folder *root*, which is the course directory unless they say another.

    Raises:
        CourseError: there is no such file, or it cannot be run.
    """
    from traitlets.config.loader import PyFileConfigLoader

    file = root / CONFIG
    if not file.is_file():
        raise CourseError(f"{root} is not a course directory: it has no {CONFIG}")
    try:
        config = PyFileConfigLoader(file.name, path=str(root)).load_config()
    except Exception as error:  # it may do anything
        raise CourseError(f"{file} cannot be run: {type(error).__name__}: {error}") from error
    if "root" not in config.CourseDirectory:
        config.CourseDirectory.root = str(root)
    return config


def course_layout(root: Path) -> Layout:
    """Where the course at *root* keeps what.

    Raises:
        CourseError: its settings cannot be read or honoured.
    """
    from autograder.nbgrader_compat.internals import CourseDirectory

    return Layout.of(CourseDirectory(config=load_config(root.resolve())))


def source_folder(root: Path) -> Path:
    """The folder of all source notebooks of the course at *root*, without starting nbgrader, which takes a second.

    Raises:
        CourseError: see :func:`load_config`.
    """
    settings = load_config(root).CourseDirectory
    return Path(settings.root) / str(settings.get("source_directory", "source"))
