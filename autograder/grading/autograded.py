"""Writes the autograded folder of one submission: the student's other files, the course's own over them, and the graded notebooks."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from typing import Any

from autograder.grading.plan import Marked
from autograder.nbgrader_compat.course import Course

__all__ = ["write_autograded"]


def write_autograded(course: Course, converter: Any, marked: Marked, folder: Path, before: Path) -> None:
    """Make *folder* what ``nbgrader autograde`` leaves of a submission.

    Args:
        converter: nbgrader's ``Autograde`` with the course's settings.
        before: where the notebooks lie that were graded before, and that this does not concern.

    Raises:
        OSError: a file cannot be written.
    """
    folder.mkdir(parents=True)
    course.inbox.copy_others(marked.student, folder)
    kept = {course.source / name for name in converter.exclude_overwriting.get(course.assignment, [])}
    for path in course.other_source_files():
        if path not in kept:
            target = folder / path.relative_to(course.source)
            _make_way(target, folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                shutil.copy(path, target)
            except OSError as error:  # it would name the source
                raise OSError(error.errno, error.strerror, str(target)) from None
    for name, notebook in marked.notebooks.items():
        _write_durably(folder / f"{name}.ipynb", notebook.text)
    for path in before.glob("*.ipynb") if marked.only else ():
        if path.stem != marked.only:
            shutil.copy(path, folder)
    permissions = int(str(converter.permissions), 8)
    for directory, _, names in os.walk(folder):
        for name in names:
            os.chmod(os.path.join(directory, name), permissions)
        if course.shared_with_group:
            os.chmod(directory, (stat.S_IMODE(os.stat(directory).st_mode) | 0o2770) & 0o2777)


def _make_way(target: Path, folder: Path) -> None:
    """Remove what the student has where a file of the course belongs: a file or a folder there, or a file where its folder should be."""
    if target.is_dir():
        shutil.rmtree(target)
    for path in (target, *target.parents):
        if path == folder:
            return
        if path.is_file():
            path.unlink()


def _write_durably(path: Path, text: str) -> None:
    try:
        with path.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:  # a full disk does not say which file was to be written
        raise OSError(error.errno, error.strerror, str(path)) from None
