"""Marks in nbgrader's gradebook: everything of one submission is written in one transaction, with a row that says so."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar, Protocol

from sqlalchemy import Column, MetaData, String, Table, select

from autograder.nbgrader_compat.blueprint import Blueprint
from autograder.nbgrader_compat.course import Course
from autograder.nbgrader_compat.flags import counts_nothing
from autograder.nbgrader_compat.grades import MAXIMUM, with_maximum
from autograder.nbgrader_compat.internals import (
    AssignLatePenalties,
    Assignment,
    BaseCell,
    Comment,
    Grade,
    Student,
    SubmittedAssignment,
)
from autograder.nbgrader_compat.late import Late, penalties_anew
from autograder.nbgrader_compat.lock_wait import LockWait, read_blueprints
from autograder.nbgrader_compat.open_gradebook import OpenGradebook
from autograder.nbgrader_compat.set_aside import SET_ASIDE
from autograder.nbgrader_compat.stand_ins import preprocessor_classes
from autograder.nbgrader_compat.triage import marks_to_confirm

__all__ = ["Records"]

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


class Records(OpenGradebook):
    """What the gradebook of *course* holds of its assignment.

    Raises:
        CourseError: there is no gradebook, or it cannot be used.
    """

    own_tables: ClassVar[tuple[Table, ...]] = (RECORDS, SET_ASIDE)

    def __init__(self, course: Course, lock_wait: LockWait) -> None:
        self._late = _late_penalties(course)
        super().__init__(course, lock_wait)

    def fingerprints(self) -> dict[str, str]:
        """Of what is recorded, by student."""
        asked = (
            select(SubmittedAssignment.student_id, RECORDS.c.fingerprint)
            .join(RECORDS, RECORDS.c.submission_id == SubmittedAssignment.id)
            .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
            .where(Assignment.name == self._course.assignment)
        )
        return dict(map(tuple, self.read(asked)))

    def folders(self) -> set[str]:
        """The names that recorded submissions' folders had before they took their places."""
        return {folder for (folder,) in self.read(select(RECORDS.c.folder))}

    def marks_to_confirm(self) -> list[Any]:
        """See :func:`autograder.nbgrader_compat.triage.marks_to_confirm`."""
        return self.read(marks_to_confirm(self._course.assignment))

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
        return [student for (student,) in self.read(asked)]

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
        known = {*handed_in, *(student for (student,) in self.read(select(Student.id)))}
        unknown = [student for student in named if student not in known]
        early = self.together(
            lambda book: late.ends_early(book.find_assignment(self._course.assignment)), keep=False
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


def _late_penalties(course: Course) -> Late | None:
    """The step that assigns late penalties, or None where the course has none."""
    listed = preprocessor_classes(course.converter().autograde_preprocessors)
    if not any(step in listed for step in (Late, AssignLatePenalties)):
        return None
    late = course.late
    return late if late.enabled else None
