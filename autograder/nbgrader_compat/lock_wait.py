"""Waits for a gradebook that another program has locked, for as long as the course says, and tells of it once."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError
from traitlets import TraitError

from autograder.nbgrader_compat.blueprint import Blueprint, blueprints_of
from autograder.nbgrader_compat.course import Course
from autograder.nbgrader_compat.errors import CourseError
from autograder.nbgrader_compat.examine import Examine
from autograder.nbgrader_compat.internals import Gradebook, InvalidEntry, MissingEntry

__all__ = ["GradebookInUse", "LockWait", "read_blueprints"]

TRY_SECONDS = 1.0  # that one try waits inside the database, at most, and Ctrl-C is not heard
PAUSE_SECONDS = 0.05  # a database may also refuse at once
# PostgreSQL's codes for a lock that was not to be had, and for two transactions that wait for one another.
SERVER_CODES = ("55P03", "40P01")
Given = TypeVar("Given")


class GradebookInUse(CourseError):
    """The gradebook stayed locked for as long as it may be waited for."""


def _nobody(sentence: str) -> None:
    """Who is told that a wait begins: nobody."""


class LockWait:
    """How a locked gradebook is waited for in one run.

    Args:
        tell: is given a sentence when a wait begins.
        interruptible: a wait is made inside it; Ctrl-C there raises KeyboardInterrupt.

    Raises:
        CourseError: the setting ``c.Examine.lock_seconds`` is not allowed.
    """

    def __init__(
        self,
        course: Course,
        tell: Callable[[str], None] = _nobody,
        interruptible: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext,
    ) -> None:
        self._course = course
        self._tell = tell
        self._interruptible = interruptible
        self._coursedir = course.converter().coursedir
        try:
            self._seconds: float = Examine(config=self._coursedir.config).lock_seconds
        except TraitError as error:
            raise CourseError(f"nbgrader_config.py cannot be used: {error}") from error
        self._given_up = False

    def gradebook(self) -> Any:
        """The course's gradebook, in which a lock is an error after a short try; to be used inside :meth:`run`, and to be closed."""
        url = _impatient(make_url(self._course.db_url), min(TRY_SECONDS, self._seconds / 2))
        book: Any = Gradebook.__new__(Gradebook)
        try:
            book.__init__(url.render_as_string(hide_password=False), self._coursedir.course_id)
        except BaseException:
            if hasattr(book, "db"):  # its connection would stay in a transaction
                book.close()
            raise
        return book

    def run(self, work: Callable[[], Given]) -> Given:
        """What *work* gives; while the gradebook is locked, it is done again from its start, so it must be one transaction, or only read.

        Raises:
            GradebookInUse: it stayed locked. After that, or after Ctrl-C, nothing is waited for any more.
        """
        began, told = time.monotonic(), False
        while True:
            try:
                with _unlogged():
                    return work()
            except (DBAPIError, InvalidEntry) as error:
                lock = _lock_in(error)
                if lock is None:
                    raise
                over = time.monotonic() - began >= self._seconds and (told or not self._seconds)
                if self._given_up or over:
                    self._given_up = True
                    raise GradebookInUse(
                        f"the gradebook {self._course.shown_db_url} is in use by another program, "
                        f"and was not free within {self._seconds:g} s ({str(lock.orig).strip().splitlines()[0]})"
                    ) from error
            self._wait(told)
            told = True

    def _wait(self, told: bool) -> None:
        try:
            with self._interruptible():  # nothing is half done: the transaction was taken back
                if not told:
                    self._tell(
                        f"The gradebook is in use by another program; waiting up to {self._seconds:g} s."
                    )
                time.sleep(PAUSE_SECONDS)
        except KeyboardInterrupt:
            self._given_up = True
            raise


def read_blueprints(course: Course, waiting: LockWait) -> dict[str, Blueprint]:
    """The notebooks of the assignment as the gradebook has them; to be used inside :meth:`LockWait.run`.

    Raises:
        CourseError: the gradebook has no such assignment.
    """
    with waiting.gradebook() as book:
        try:
            assignment = book.find_assignment(course.assignment)
        except MissingEntry:
            raise CourseError(
                f"the gradebook {course.shown_db_url} has no assignment {course.assignment}: "
                f"run nbgrader generate_assignment {course.assignment} --force"
                f" --db={course.shown_db_url}"
            ) from None
        return blueprints_of(assignment)


def _impatient(url: URL, seconds: float) -> URL:
    """*url* with the time that one try may wait for a lock."""
    kind = url.get_backend_name()
    if kind == "sqlite":
        return url.update_query_dict({"timeout": str(seconds)})
    if kind == "postgresql":
        given = url.query.get("options", "")
        options = given if isinstance(given, str) else " ".join(given)
        limit = f"-c lock_timeout={max(1, round(1000 * seconds))}"  # 0 would be without end
        return url.update_query_dict({"options": f"{options} {limit}".strip()})
    return url


@contextlib.contextmanager
def _unlogged() -> Iterator[None]:
    """nbgrader logs a lock that it meets with its traceback, in the middle of the progress bar."""
    log = logging.getLogger("tornado.application")

    def keep(record: logging.LogRecord) -> bool:
        return _lock_in(record.exc_info[1] if record.exc_info else None) is None

    log.addFilter(keep)
    try:
        yield
    finally:
        log.removeFilter(keep)


def _lock_in(error: BaseException | None) -> DBAPIError | None:
    """The lock that *error* is about, in so many words or because nbgrader raised it while it handled one."""
    while error is not None and not (isinstance(error, DBAPIError) and _is_lock(error)):
        error = error.__cause__ or error.__context__
    return error


def _is_lock(error: DBAPIError) -> bool:
    cause: Any = error.orig
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    return (getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)) in SERVER_CODES
