"""The marks of a class by question, and what is known about each: from the gradebook and from what the examiner left in the graded notebooks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from autograder.nbgrader_compat.course import Course
from autograder.nbgrader_compat.grades import CellGrade, cell_grades, enrolled, left_by_examiner, penalties
from autograder.notebook.cells import read_notebook

__all__ = ["ClassMarks", "Mark", "Question", "class_marks"]


@dataclass(frozen=True, slots=True)
class Question:
    """A cell that is marked, of one notebook; *by_hand* if a person marks it."""

    notebook: str
    cell: str
    maximum: float
    by_hand: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """What one student has for one question.

    Attributes:
        score: points, extra credit included; None where nobody has marked it yet.
        waits: whether a person is asked for.
        untouched: whether the answer is as it was handed out; None where nobody knows.
        misconceptions: names of the wrong models that give just the student's answers.
        cause: the sentence about them that the student reads.
    """

    score: float | None
    waits: bool = False
    untouched: bool | None = None
    misconceptions: tuple[str, ...] = ()
    cause: str = ""


@dataclass(slots=True)
class ClassMarks:
    """A class.

    Attributes:
        questions: in the order of the notebooks.
        marks: by student, and by place among the questions; who has none for a notebook has no marks for its questions.
        absent: students whom the gradebook knows and who handed nothing in.
        penalties: points taken off for lateness, by student and notebook.
    """

    assignment: str
    questions: list[Question]
    marks: dict[str, dict[int, Mark]] = field(default_factory=dict)
    absent: list[str] = field(default_factory=list)
    penalties: dict[tuple[str, str], float] = field(default_factory=dict)

    @property
    def students(self) -> list[str]:
        """Those who handed in."""
        return list(self.marks)

    @property
    def maximum(self) -> float:
        """All points that there are."""
        return sum(question.maximum for question in self.questions)

    @property
    def notebooks(self) -> list[str]:
        """In order."""
        return list(dict.fromkeys(question.notebook for question in self.questions))

    def of_question(self, at: int) -> Iterator[tuple[str, Mark]]:
        """(student, mark) of everyone who has one for the question."""
        for student, marks in self.marks.items():
            if at in marks:
                yield student, marks[at]

    def has(self, student: str, notebook: str) -> bool:
        """Whether the student has marks for the notebook."""
        return any(self.questions[at].notebook == notebook for at in self.marks[student])

    def points(self, student: str, notebook: str | None = None) -> tuple[float, float]:
        """(points, their maximum) of what is marked of a student, of one notebook or of all, before any penalty.

        A notebook that was not handed in counts with no points; an answer that waits for its first mark does not count.
        """
        have = most = 0.0
        marks = self.marks[student]
        for at, question in enumerate(self.questions):
            if notebook in (None, question.notebook):
                mark = marks.get(at, Mark(0.0))
                if mark.score is not None:
                    have += mark.score
                    most += question.maximum
        return have, most

    def total(self, student: str) -> float:
        """All points of a student less the penalties for lateness; as for nbgrader, no notebook has less than 0."""
        return sum(
            max(0.0, self.points(student, name)[0] - self.penalties.get((student, name), 0.0))
            for name in self.notebooks
        )


def class_marks(course: Course) -> ClassMarks:
    """The marks of everyone who handed in, or has marks.

    Raises:
        CourseError: what was handed in cannot be listed.
    """
    questions = []
    for path in course.source_notebooks():
        notebook = read_notebook(path)
        auto, manual = notebook.auto_points(), notebook.manual_points()
        places = [key for key in notebook.by_grade_id() if key in auto or key in manual]
        questions += [
            Question(path.stem, key, float({**auto, **manual}[key]), key in manual) for key in places
        ]
    place = {(question.notebook, question.cell): at for at, question in enumerate(questions)}
    made = ClassMarks(course.assignment, questions)
    with course.gradebook() as book:
        grades = list(cell_grades(book, course.assignment))
        known = enrolled(book)
        made.penalties = penalties(book, course.assignment)
    with_marks = {grade.student for grade in grades}
    made.marks = {student: {} for student in sorted({*course.students(with_marks), *with_marks})}
    made.absent = [student for student in known if student not in made.marks]
    left: dict[str, Any] = {}
    here = ("", "")
    for grade in grades:
        at = place.get((grade.notebook, grade.cell))
        if at is None:
            continue
        if (grade.student, grade.notebook) != here:
            here = grade.student, grade.notebook
            left = left_by_examiner(course.autograded(grade.student) / f"{grade.notebook}.ipynb")
        made.marks[grade.student][at] = _mark(grade, questions[at].by_hand, left)
    return made


def _mark(grade: CellGrade, by_hand: bool, left: dict[str, Any]) -> Mark:
    score = grade.auto if grade.manual is None else grade.manual
    if by_hand and grade.waits and grade.manual is None:
        score = None
    names = left.get("misconceptions", {}).get(grade.cell, ())
    cause = left.get("reasons", {}).get(grade.cell, {}).get("cause", "") if names else ""
    return Mark(
        None if score is None else score + grade.extra,
        grade.waits,
        grade.cell in left["untouched"] if "untouched" in left else None,
        tuple(names),
        cause,
    )
