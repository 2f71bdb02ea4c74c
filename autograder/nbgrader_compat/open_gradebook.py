"""A gradebook that is open for a whole run: its locks are waited for, what it says becomes a sentence, and what is done together happens wholly or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, TypeVar

from sqlalchemy import Table
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import scoped_session, sessionmaker

from autograder.nbgrader_compat.course import Course
from autograder.nbgrader_compat.errors import CourseError
from autograder.nbgrader_compat.internals import InvalidEntry
from autograder.nbgrader_compat.lock_wait import LockWait

__all__ = ["OpenGradebook"]

Given = TypeVar("Given")


class OpenGradebook:
    """The gradebook of *course*, which other programs may lock or replace; open until :meth:`close`.

    Raises:
        CourseError: there is no gradebook, or it cannot be used.
    """

    own_tables: ClassVar[tuple[Table, ...]] = ()  # beside nbgrader's; they are made if they are not there

    def __init__(self, course: Course, lock_wait: LockWait) -> None:
        self._course, self._lock_wait = course, lock_wait
        self._file = course.database_file
        if self._file is not None and not self._file.is_file():
            raise CourseError(
                f"there is no gradebook at {self._file}: run nbgrader generate_assignment {course.assignment} --force"
            )
        with self._database():
            self._gradebook = lock_wait.run(self._open)
            self._engine = self._gradebook.engine
            self._identity = self._look()

    def _open(self) -> Any:
        book = self._lock_wait.gradebook()
        try:
            for table in self.own_tables:
                table.metadata.create_all(book.engine)
        except BaseException:
            book.close()
            raise
        return book

    def _look(self) -> tuple[int, int] | None:
        if self._file is None:
            return None
        try:
            found = self._file.stat()
        except FileNotFoundError:
            raise CourseError(f"the gradebook {self._file} is gone") from None
        return found.st_dev, found.st_ino

    def check_identity(self) -> None:
        """Make sure that the gradebook is still the file that was opened.

        Raises:
            CourseError: it is not, or it is gone.
        """
        if self._look() != self._identity:
            raise CourseError(f"the gradebook {self._file} is not the file that it was when grading began")

    @contextlib.contextmanager
    def _database(self) -> Iterator[None]:
        """Turns what a database says into a sentence."""
        try:
            yield
        except (SQLAlchemyError, InvalidEntry) as error:
            reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
            raise CourseError(
                f"the gradebook {self._course.shown_db_url} cannot be used: {reason}"
            ) from error

    def read(self, asked: Any) -> list[Any]:
        """The rows of a query.

        Raises:
            CourseError: the gradebook cannot be used.
        """

        def rows() -> list[Any]:
            with self._engine.connect() as connection:
                return list(connection.execute(asked).all())

        with self._database():
            return self._lock_wait.run(rows)

    def together(self, work: Callable[[Any], Given], *, keep: bool = True) -> Given:
        """What *work* gives, which is handed the gradebook; what it does there happens wholly or not at all, and is not kept unless *keep*.

        While the gradebook is locked it is done again from its start.

        Raises:
            CourseError: the gradebook cannot be used; nothing is recorded.
        """
        with self._database():
            return self._lock_wait.run(lambda: self._together(work, keep))

    def _together(self, work: Callable[[Any], Given], keep: bool) -> Given:
        self.check_identity()
        book = self._gradebook
        own = book.db
        with self._engine.connect() as connection, connection.begin() as transaction:
            # nbgrader commits after each step; inside this transaction that only sends the rows.
            book.db = scoped_session(
                sessionmaker(bind=connection, expire_on_commit=False, join_transaction_mode="rollback_only")
            )
            try:
                given = work(book)
                book.db.flush()
                if not keep:
                    transaction.rollback()
                return given
            finally:
                book.db.remove()
                book.db = own

    def close(self) -> None:
        """Close the gradebook."""
        self._gradebook.close()
