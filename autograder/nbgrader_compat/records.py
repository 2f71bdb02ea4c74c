"""Marks in nbgrader's gradebook: everything of one submission is written in one transaction, with a row that says so."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Protocol, TypeVar

from sqlalchemy import Column, MetaData, String, Table, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import scoped_session, sessionmaker

from autograder.nbgrader_compat.blueprint import Blueprint
from autograder.nbgrader_compat.course import Course
from autograder.nbgrader_compat.errors import CourseError
from autograder.nbgrader_compat.flags import counts_nothing
from autograder.nbgrader_compat.grades import MAXIMUM, with_maximum
from autograder.nbgrader_compat.internals import (
    AssignLatePenalties,
    Assignment,
    BaseCell,
    Comment,
    Grade,
    InvalidEntry,
    Student,
    SubmittedAssignment,
)
from autograder.nbgrader_compat.late import Late, penalties_anew
from autograder.nbgrader_compat.lock_wait import LockWait, read_blueprints
from autograder.nbgrader_compat.set_aside import SET_ASIDE
from autograder.nbgrader_compat.stand_ins import preprocessor_classes
from autograder.nbgrader_compat.triage import marks_to_confirm

__all__ = ["Records"]

Given = TypeVar("Given")
# No foreign key: nbgrader may delete a submission, and then this row means nothing. A release has a row too, with the assignment's id.
RECORDS = Table(
    "autograder_record",
    MetaData(),
    Column("submission_id", String(32), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("folder", String(32), nullable=False),
)


class _Notebook(Protocol):
    scores: dict[str, float | None]
    comments: dict[str, str | None]
    flagged: list[str]


class Records:
    """What the gradebook of *course* holds of its assignment; open until :meth:`close`.

    Raises:
        CourseError: there is no gradebook, or it cannot be used.
    """

    def __init__(self, course: Course, lock_wait: LockWait) -> None:
        self._course, self._lock_wait = course, lock_wait
        self._late = _late_penalties(course)
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
            for table in (RECORDS, SET_ASIDE):
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

    def _read(self, asked: Any) -> list[Any]:
        def read() -> list[Any]:
            with self._engine.connect() as connection:
                return list(connection.execute(asked).all())

        with self._database():
            return self._lock_wait.run(read)

    def fingerprints(self) -> dict[str, str]:
        """Of what is recorded, by student."""
        asked = (
            select(SubmittedAssignment.student_id, RECORDS.c.fingerprint)
            .join(RECORDS, RECORDS.c.submission_id == SubmittedAssignment.id)
            .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
            .where(Assignment.name == self._course.assignment)
        )
        return dict(map(tuple, self._read(asked)))

    def folders(self) -> set[str]:
        """The names that recorded submissions' folders had before they took their places."""
        return {folder for (folder,) in self._read(select(RECORDS.c.folder))}

    def marks_to_confirm(self) -> list[Any]:
        """See :func:`autograder.nbgrader_compat.triage.marks_to_confirm`."""
        return self._read(marks_to_confirm(self._course.assignment))

    def blueprints(self) -> dict[str, Blueprint]:
        """The notebooks of the assignment as the gradebook has them."""
        with self._database():
            return self._lock_wait.run(lambda: read_blueprints(self._course, self._lock_wait))

    def students(self) -> list[str]:
        """Everyone of whom there is a submission."""
        asked = (
            select(SubmittedAssignment.student_id)
            .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
            .where(Assignment.name == self._course.assignment)
            .order_by(SubmittedAssignment.student_id)
        )
        return [student for (student,) in self._read(asked)]

    def commit(
        self,
        student: str,
        notebooks: Mapping[str, _Notebook],
        fingerprint: str,
        folder: str,
        only: str = "",
    ) -> None:
        """Record one submission, wholly or not at all.

        Args:
            notebooks: marks and comments of those that were handed in, by name.
            only: the one notebook that this is about; the others keep what they have.

        Raises:
            CourseError: the gradebook cannot be used; nothing is recorded.
        """
        self.together(lambda book: self.put(book, student, notebooks, fingerprint, folder, only=only))

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

    def penalties_anew(self, students: Collection[str], *, keep: bool = True) -> list[str]:
        """Assign the late penalties of those of *students* that are recorded anew: a due date, an extension or a mark by hand may have changed.

        Args:
            keep: otherwise it is only asked what would change.

        Returns:
            The students who lose other points by it than before.

        Raises:
            CourseError: the gradebook or the rules cannot be used; nothing is changed.
        """
        late = self._late
        if late is None:
            return []
        return self.together(
            lambda book: penalties_anew(book, late, self._course.assignment, students), keep=keep
        )

    def about_extensions(self, handed_in: Collection[str]) -> list[str]:
        """Sentences on extensions that change nothing: of those whom nobody knows, and that end before the due date."""
        late = self._late
        if late is None or not (named := late.with_extension(self._course.assignment)):
            return []
        known = {*handed_in, *(student for (student,) in self._read(select(Student.id)))}
        unknown = [student for student in named if student not in known]
        early = self.together(
            lambda book: late.of_no_use(book.find_assignment(self._course.assignment)), keep=False
        )
        return [
            *(
                f"{student} has an extension, and neither handed in nor is in the gradebook"
                for student in unknown
            ),
            *(f"{student} has an extension that ends before the due date" for student in early),
        ]

    def put(
        self,
        book: Any,
        student: str,
        notebooks: Mapping[str, _Notebook],
        fingerprint: str,
        folder: str,
        settled: Collection[tuple[str, str]] = (),
        only: str = "",
    ) -> None:
        """Put one submission into the gradebook *book*, inside :meth:`together`.

        Args:
            settled: notebook and cell of marks by hand that stand for the same answer to the same question as before: they wait for a person only if they
                did.
            only: the one notebook that this is about; the others keep what they have.
        """
        submission = self._store(book, student, notebooks, settled, only)
        book.db.flush()
        self.put_folder(book, submission.id, fingerprint, folder)

    @staticmethod
    def put_folder(book: Any, key: str, fingerprint: str, folder: str) -> None:
        """Say in the row *key*, of a submission or of the release, that *folder* belongs to what is recorded; inside :meth:`together`."""
        book.db.execute(RECORDS.delete().where(RECORDS.c.submission_id == key))
        book.db.execute(RECORDS.insert().values(submission_id=key, fingerprint=fingerprint, folder=folder))

    def _store(
        self,
        book: Any,
        student: str,
        notebooks: Mapping[str, _Notebook],
        settled: Collection[tuple[str, str]],
        only: str,
    ) -> Any:
        """What ``nbgrader autograde`` stores of a submission."""
        book.update_or_create_student(student)
        timestamp = self._course.inbox.time(student).time
        more = {"timestamp": timestamp} if timestamp else {}
        submission = book.update_or_create_submission(self._course.assignment, student, **more)
        if self._late is not None:
            self._late.settle(submission)
        for notebook in submission.notebooks:
            if only not in ("", notebook.name):
                continue
            found = notebooks.get(notebook.name)
            grades = select(Grade, BaseCell.name, MAXIMUM).join(BaseCell, BaseCell.id == Grade.cell_id)
            grades = with_maximum(grades).where(Grade.notebook_id == notebook.id)
            for grade, name, maximum in book.db.execute(grades).all():
                by_hand = grade.manual_score is not None
                if found is None:  # it was not handed in
                    grade.auto_score = 0
                    grade.needs_manual_grade = by_hand and grade.manual_score > maximum
                elif name in found.scores:
                    grade.auto_score = found.scores[name]
                    if not by_hand or (notebook.name, name) not in settled:
                        grade.needs_manual_grade = (
                            by_hand or grade.auto_score is None or name in found.flagged
                        )
                    if counts_nothing(grade, maximum) and name not in found.flagged:
                        grade.auto_score, grade.needs_manual_grade = 0, False
            if found is None:
                continue
            comments = book.db.query(Comment, BaseCell.name).join(BaseCell, BaseCell.id == Comment.cell_id)
            for comment, name in comments.filter(Comment.notebook_id == notebook.id):
                if name in found.comments:
                    comment.auto_comment = found.comments[name]
            if self._late is not None:
                book.db.flush()
                self._late.assign(submission, notebook, book.db)
        return submission

    def close(self) -> None:
        """Close the gradebook."""
        self._gradebook.close()


def _late_penalties(course: Course) -> Late | None:
    """The step that assigns late penalties, or None where the course has none."""
    listed = preprocessor_classes(course.converter().autograde_preprocessors)
    if not any(step in listed for step in (Late, AssignLatePenalties)):
        return None
    late = course.late()
    return late if late.enabled else None
