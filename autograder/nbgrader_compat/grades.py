"""What the gradebook and the graded notebooks say of a class, read all at once: a class may have thousands."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import func, select

from autograder.nbgrader_compat.internals import (
    Assignment,
    BaseCell,
    Grade,
    GradeCell,
    Notebook,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
    TaskCell,
)

__all__ = [
    "MAXIMUM",
    "CellGrade",
    "cell_grades",
    "enrolled",
    "grades_of",
    "left_by_examiner",
    "penalties",
    "with_maximum",
]

METADATA = b'\n "metadata": {'  # of the notebook, as nbformat writes it; a line break in a student's text is written in another way
TAIL = 1 << 16  # bytes at the end of a file, which mostly hold it


class CellGrade(NamedTuple):
    """One graded cell of one submission.

    Attributes:
        auto, manual: what the tests and a person gave; None where they gave nothing.
        maximum: the points that there are.
        extra: extra credit.
        waits: whether a person is asked for.
    """

    student: str
    notebook: str
    cell: str
    auto: float | None
    manual: float | None
    maximum: float
    extra: float
    waits: bool


def grades_of(assignment: str, *columns: Any) -> Any:
    """The query for *columns* of every grade of an assignment, by student, notebook and cell."""
    return (
        select(*columns)
        .select_from(Grade)
        .join(SubmittedNotebook, SubmittedNotebook.id == Grade.notebook_id)
        .join(SubmittedAssignment, SubmittedAssignment.id == SubmittedNotebook.assignment_id)
        .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
        .join(Notebook, Notebook.id == SubmittedNotebook.notebook_id)
        .join(BaseCell.__table__, BaseCell.__table__.c.id == Grade.cell_id)
        .where(Assignment.name == assignment)
        .order_by(SubmittedAssignment.student_id, Notebook.name, BaseCell.name)
    )


# Of the cell of a grade, in a query that :func:`with_maximum` has extended.
MAXIMUM = func.coalesce(GradeCell.__table__.c.max_score, TaskCell.__table__.c.max_score, 0.0)


def with_maximum(query: Any) -> Any:
    """*query* of grades, with the tables that :data:`MAXIMUM` asks."""
    tests, tasks = GradeCell.__table__, TaskCell.__table__
    return query.outerjoin(tests, tests.c.id == Grade.cell_id).outerjoin(tasks, tasks.c.id == Grade.cell_id)


def cell_grades(book: Any, assignment: str) -> Iterator[CellGrade]:
    """Everything in the gradebook *book* of an assignment, by student and notebook."""
    query = grades_of(
        assignment,
        SubmittedAssignment.student_id,
        Notebook.name,
        BaseCell.name,
        Grade.auto_score,
        Grade.manual_score,
        MAXIMUM,
        func.coalesce(Grade.extra_credit, 0.0),
        Grade.needs_manual_grade,
    )
    for row in book.db.execute(with_maximum(query)):
        yield CellGrade(*row)


def enrolled(book: Any) -> list[str]:
    """Everyone whom the gradebook knows."""
    return list(book.db.scalars(select(Student.id).order_by(Student.id)))


def penalties(book: Any, assignment: str) -> dict[tuple[str, str], float]:
    """Points taken off for lateness, by student and notebook, where there are any."""
    query = (
        select(SubmittedAssignment.student_id, Notebook.name, SubmittedNotebook.late_submission_penalty)
        .select_from(SubmittedNotebook)
        .join(SubmittedAssignment, SubmittedAssignment.id == SubmittedNotebook.assignment_id)
        .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
        .join(Notebook, Notebook.id == SubmittedNotebook.notebook_id)
        .where(Assignment.name == assignment, SubmittedNotebook.late_submission_penalty > 0)
    )
    return {(student, notebook): points for student, notebook, points in book.db.execute(query)}


def left_by_examiner(path: Path) -> dict[str, Any]:
    """What the examiner left in the metadata of a graded notebook; empty where nothing is."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL))
            data = file.read()
            if METADATA not in data:
                file.seek(0)
                data = file.read()
        found = json.loads(b"{" + data[data.rfind(METADATA) :])["metadata"].get("autograder", {})
    except (OSError, ValueError, KeyError, AttributeError):
        return {}
    return found if isinstance(found, dict) else {}
