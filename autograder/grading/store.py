"""Records graded submissions in nbgrader's gradebook and in the autograded folder, each wholly or not at all.

The order makes it so: the notebooks are written into a folder beside the final one; then the marks are committed in one transaction, together
with a row that names that folder; then the folder takes its place. Whatever ends the process in between, :meth:`Recorder.recover` knows
from the row whether to put the folder in its place or to throw it away.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Column, MetaData, String, Table, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import scoped_session, sessionmaker

from autograder.grading.autograded import write_autograded
from autograder.grading.lock_wait import LockWait
from autograder.grading.plan import Marked
from autograder.nbgrader_compat.course import Course, CourseError

__all__ = ["Recorder"]

# No foreign key: nbgrader may delete a submission, and then this row means nothing.
RECORDS = Table(
    "autograder_record",
    MetaData(),
    Column("submission_id", String(32), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("folder", String(32), nullable=False),
)


def _nothing(step: str) -> None:
    """What happens between the steps of recording: nothing, but in tests."""


class Recorder:
    """The only one who writes.

    Args:
        between: called with the name of the step that has just been done.
        lock_wait: how a locked gradebook is waited for.
    """

    def __init__(
        self, course: Course, between: Callable[[str], None] = _nothing, lock_wait: LockWait | None = None
    ) -> None:
        self._course = course
        self._between = between
        self._lock_wait = lock_wait or LockWait(course)
        self._converter = course.converter()
        self._late = _late_penalties(self._converter)
        self._file = course.database_file
        if self._file is not None and not self._file.is_file():
            raise CourseError(
                f"there is no gradebook at {self._file}: run nbgrader generate_assignment {course.assignment} first"
            )
        with self._database():
            self._gradebook = self._lock_wait.run(self._open)
            self._engine = self._gradebook.engine
            self._identity = self._look()

    def _open(self) -> Any:
        book = self._lock_wait.gradebook()
        try:
            RECORDS.metadata.create_all(book.engine)
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

    @contextlib.contextmanager
    def _database(self) -> Iterator[None]:
        """Turns what a database says into a sentence."""
        from nbgrader.api import InvalidEntry

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

    def recorded(self) -> dict[str, str]:
        """Fingerprints of what is recorded, by student; only where the autograded folder is in its place."""
        from nbgrader.api import Assignment, SubmittedAssignment

        asked = (
            select(SubmittedAssignment.student_id, RECORDS.c.fingerprint)
            .join(RECORDS, RECORDS.c.submission_id == SubmittedAssignment.id)
            .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
            .where(Assignment.name == self._course.assignment)
        )
        return {
            student: fingerprint
            for student, fingerprint in self._read(asked)
            if self._course.autograded(student).is_dir()
        }

    def recover(self) -> None:
        """Finish or undo what an earlier run was in the middle of."""
        committed = {folder for (folder,) in self._read(select(RECORDS.c.folder))}
        assignment = self._course.assignment
        unfinished = re.compile(rf"\.{re.escape(assignment)}\.([0-9a-f]{{32}}|old)")
        for parent in self._course.layout.autograded.glob("*/"):
            for folder in sorted(path for path in parent.iterdir() if unfinished.fullmatch(path.name)):
                final = parent / assignment
                if not folder.exists():
                    continue
                if folder.name.rpartition(".")[2] in committed:
                    _put(folder, final)
                elif folder.name.endswith(".old") and not final.exists():
                    folder.rename(final)
                else:
                    shutil.rmtree(folder)

    def record(self, marked: Marked) -> None:
        """Record one submission.

        Raises:
            CourseError: the gradebook cannot be used; nothing of the submission is recorded.
            OSError: a file cannot be written; the same.
        """
        final = self._course.autograded(marked.student)
        token = uuid.uuid4().hex
        folder = final.with_name(f".{final.name}.{token}")
        try:
            write_autograded(self._course, self._converter, marked, folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self._between("written")
        with (
            self._database()
        ):  # if this fails, the folder stays: only the gradebook knows whether it was committed
            self._lock_wait.run(lambda: self._commit(marked, token))
        self._between("committed")
        _put(folder, final)
        self._between("done")

    def _commit(self, marked: Marked, token: str) -> None:
        """All of one submission's rows, in one transaction."""
        if self._look() != self._identity:
            raise CourseError(f"the gradebook {self._file} is not the file that it was when grading began")
        book = self._gradebook
        own = book.db
        with self._engine.connect() as connection, connection.begin():
            # nbgrader commits after each step; inside this transaction that only sends the rows.
            book.db = scoped_session(
                sessionmaker(bind=connection, expire_on_commit=False, join_transaction_mode="rollback_only")
            )
            try:
                submission = self._store(marked)
                book.db.flush()
                connection.execute(RECORDS.delete().where(RECORDS.c.submission_id == submission.id))
                connection.execute(
                    RECORDS.insert().values(
                        submission_id=submission.id, fingerprint=marked.fingerprint, folder=token
                    )
                )
            finally:
                book.db.remove()
                book.db = own

    def _store(self, marked: Marked) -> Any:
        """What ``nbgrader autograde`` stores of a submission."""
        from nbgrader.api import BaseCell, Comment, Grade

        book, student = self._gradebook, marked.student
        book.update_or_create_student(student)
        timestamp = self._course.inbox.timestamp(student)
        more = {"timestamp": timestamp} if timestamp else {}
        submission = book.update_or_create_submission(self._course.assignment, student, **more)
        for notebook in submission.notebooks:
            found = marked.notebooks.get(notebook.name)
            grades = book.db.query(Grade, BaseCell.name).join(BaseCell, BaseCell.id == Grade.cell_id)
            for grade, name in grades.filter(Grade.notebook_id == notebook.id):
                if found is None:  # it was not handed in
                    grade.auto_score, grade.needs_manual_grade = 0, False
                elif name in found.scores:
                    grade.auto_score = found.scores[name]
                    grade.needs_manual_grade = grade.manual_score is not None or grade.auto_score is None
            if found is None:
                continue
            comments = book.db.query(Comment, BaseCell.name).join(BaseCell, BaseCell.id == Comment.cell_id)
            for comment, name in comments.filter(Comment.notebook_id == notebook.id):
                if name in found.comments:
                    comment.auto_comment = found.comments[name]
            if self._late is not None:
                book.db.flush()
                self._late.assign(student, submission, notebook, book.db)
        return submission

    def missing(self, students: set[str]) -> set[str]:
        """Those of *students* whose record is not in the gradebook that lies there now.

        Raises:
            CourseError: it is gone.
        """
        if self._look() != self._identity:
            raise CourseError(f"the gradebook {self._file} is not the file that it was when grading began")
        return students - set(self.recorded())

    def close(self) -> None:
        """Close the gradebook."""
        self._gradebook.close()


def _put(folder: Path, final: Path) -> None:
    """Move *folder* to *final*, in the place of what is there."""
    old = folder.with_name(f".{final.name}.old")
    if final.exists():
        shutil.rmtree(old, ignore_errors=True)
        final.rename(old)
    folder.rename(final)
    shutil.rmtree(old, ignore_errors=True)


def _late_penalties(converter: Any) -> Any:
    """nbgrader's preprocessor for late penalties as the course configures it, or None."""
    from nbgrader.preprocessors import AssignLatePenalties

    from autograder.nbgrader_compat.stand_ins import preprocessor_classes

    class Penalties(AssignLatePenalties):
        def assign(self, student: str, submission: Any, notebook: Any, session: Any) -> None:
            """As its ``preprocess`` does, in a transaction that is under way."""
            notebook.late_submission_penalty = None
            late = submission.total_seconds_late
            if late > 0:
                session.refresh(notebook, ["score"])
                penalty = self.plugin_inst.late_submission_penalty(student, notebook.score, late)
                if penalty is not None:
                    notebook.late_submission_penalty = self._check_late_penalty(notebook, penalty)

    if AssignLatePenalties not in preprocessor_classes(converter.autograde_preprocessors):
        return None
    made = Penalties(config=converter.config)
    if not made.enabled:
        return None
    made.init_plugin()
    return made
