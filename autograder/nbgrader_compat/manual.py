"""Marks and comments that people give: read with the answers they stand for, and recorded as Formgrader records them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import and_, func, select, update

from autograder.nbgrader_compat.grades import grades_of
from autograder.nbgrader_compat.internals import BaseCell, Comment, Grade, Notebook, SubmittedAssignment

__all__ = ["ManualMark", "manual_marks", "record_mark"]


class ManualMark(NamedTuple):
    """What a person has given for a cell so far.

    Attributes:
        key: of the grade in the gradebook; it does not tell who the student is.
        mark: None where nobody has given one.
        waits: whether a person is asked for.
    """

    key: str
    student: str
    notebook: str
    cell: str
    mark: float | None
    comment: str
    waits: bool


def manual_marks(book: Any, assignment: str) -> Iterator[ManualMark]:
    """What people have given so far, for every graded cell of an assignment in the gradebook *book*."""
    comments = _comments()
    query = grades_of(
        assignment,
        Grade.id,
        SubmittedAssignment.student_id,
        Notebook.name,
        BaseCell.name,
        Grade.manual_score,
        comments.c.manual_comment,
        Grade.needs_manual_grade,
    ).outerjoin(comments, and_(comments.c.notebook_id == Grade.notebook_id, comments.c.name == BaseCell.name))
    for key, student, notebook, cell, mark, comment, waits in book.db.execute(query):
        yield ManualMark(key, student, notebook, cell, mark, comment or "", waits)


def _comments() -> Any:
    """Comments by notebook and by the name of their cell: for an answer that is marked nbgrader has two cells of that name."""
    cells = BaseCell.__table__
    return (
        select(Comment.id, Comment.notebook_id, cells.c.name, Comment.manual_comment)
        .select_from(Comment)
        .join(cells, cells.c.id == Comment.cell_id)
        .subquery()
    )


def record_mark(book: Any, before: ManualMark, mark: float | None, comment: str) -> bool:
    """Record a mark (None: only the comment) and a comment; false if somebody has changed either since *before*, and nothing is recorded."""
    comments = _comments()
    same = Grade.manual_score.is_(None) if before.mark is None else Grade.manual_score == before.mark
    values = (
        {"manual_score": before.mark} if mark is None else {"manual_score": mark, "needs_manual_grade": False}
    )
    # Whoever writes first holds the row, so that of two people at once the second sees what the first did.
    changed = book.db.execute(update(Grade).where(Grade.id == before.key, same).values(**values))
    key = book.db.execute(
        select(comments.c.id)
        .select_from(Grade)
        .join(BaseCell.__table__, BaseCell.__table__.c.id == Grade.cell_id)
        .join(
            comments,
            and_(comments.c.notebook_id == Grade.notebook_id, comments.c.name == BaseCell.__table__.c.name),
        )
        .where(Grade.id == before.key, func.coalesce(comments.c.manual_comment, "") == before.comment)
    ).scalar_one_or_none()
    if changed.rowcount != 1 or key is None:
        book.db.rollback()
        return False
    book.db.execute(update(Comment).where(Comment.id == key).values(manual_comment=comment or None))
    book.db.commit()
    return True
