"""The written answers of a class, and what people have given so far."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path

from autograder.exam.attempt import attempt
from autograder.files.read import Unreadable
from autograder.nbgrader_compat.course import Course
from autograder.nbgrader_compat.manual import ManualMark, manual_marks
from autograder.notebook.cells import read_notebook
from autograder.report.rubric import Question, questions

__all__ = ["Written", "WrittenError", "is_comment_of", "written_answers"]

KEY = 16  # characters of the key of a grade


class WrittenError(Exception):
    """The table cannot be used; the message names it and says why."""


@dataclass(frozen=True, slots=True)
class Written:
    """One answer, as it was handed in, and what it has so far."""

    question: Question
    answer: str
    before: ManualMark

    @property
    def key(self) -> str:
        """Whose it is, without telling who."""
        return self.before.key[:KEY]

    @property
    def row(self) -> str:
        """What the row is known by: whose it is, the answer with its mark and comment, and the comment."""
        before = self.before
        state = repr((self.answer, before.mark, before.comment))
        return "-".join([self.key, _digest(state), _digest(before.comment)])


def is_comment_of(row: str, comment: str) -> bool:
    """Whether the answer had this comment when it was given the name *row*."""
    return row.endswith(f"-{_digest(comment)}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def written_answers(course: Course, notebook: str | None = None) -> list[Written]:
    """Every answer of the class to the questions that people mark, of one *notebook* or of all.

    Raises:
        WrittenError: the assignment has no such question, or no such notebook.
    """
    sources = course.source_notebooks()
    asked = {(one.notebook, one.cell): one for path in sources for one in questions(path)}
    names = sorted({name for name, _ in asked})
    if not asked or notebook not in (None, *names):
        wanted = f"the notebook {notebook!r} of {course.assignment}" if notebook else course.assignment
        more = f"; there are some in {', '.join(names)}" if names else ""
        raise WrittenError(f"{wanted} has no question that people mark{more}")
    with course.gradebook() as book:
        marks = [one for one in manual_marks(book, course.assignment) if (one.notebook, one.cell) in asked]
    found = []
    for one in marks:
        if notebook in (None, one.notebook):
            answer = _answers(course.autograded(one.student) / f"{one.notebook}.ipynb", course).get(
                one.cell, ""
            )
            found.append(Written(asked[one.notebook, one.cell], answer, one))
    return found


def _answers(path: Path, course: Course) -> dict[str, str]:
    found = attempt(functools.partial(read_notebook, path), course.limits()) if path.is_file() else None
    if found is None or isinstance(found, Unreadable):
        return {}
    return {key: cell["source"] for key, cell in found.by_grade_id().items()}
