"""A copy of the gradebook before it is changed, where it is a file."""

from __future__ import annotations

import contextlib
import itertools
import os
import sqlite3
from pathlib import Path

from autograder.nbgrader_compat.errors import CourseError

__all__ = ["back_up"]


def back_up(file: Path) -> Path:
    """Copy the SQLite database *file* to a new file beside it, whoever else has it open; returns its path.

    Raises:
        CourseError: it cannot be written.
    """
    target = next(
        path
        for number in itertools.count(1)
        if not (path := file.with_name(f"{file.stem}.before-revise-{number}{file.suffix}")).exists()
    )
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, file.stat().st_mode & 0o777))
        with (
            contextlib.closing(sqlite3.connect(file)) as source,
            contextlib.closing(sqlite3.connect(target)) as copy,
        ):
            source.backup(copy)
    except BaseException as error:
        target.unlink(missing_ok=True)
        if isinstance(error, (OSError, sqlite3.Error)):
            raise CourseError(f"the gradebook cannot be copied to {target}: {error}") from error
        raise
    return target
