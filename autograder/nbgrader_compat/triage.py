"""What a person should look at in a class: from what was handed in, from the graded notebooks, and from the gradebook."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from autograder.bounds.limits import Limits
from autograder.exam.attempt import attempt
from autograder.files.read import Unreadable
from autograder.nbgrader_compat.course import Course
from autograder.nbgrader_compat.grades import MAXIMUM, grades_of, left_by_examiner, with_maximum
from autograder.nbgrader_compat.internals import BaseCell, Grade, Notebook, SubmittedAssignment
from autograder.triage.reasons import Item

__all__ = ["class_triage", "marks_to_confirm"]


def marks_to_confirm(assignment: str) -> Any:
    """The query for marks by hand that a person is asked to confirm: student, notebook, cell, mark, and the maximum that there is now."""
    query = grades_of(
        assignment,
        SubmittedAssignment.student_id,
        Notebook.name,
        BaseCell.name,
        Grade.manual_score,
        MAXIMUM,
    )
    return with_maximum(query).where(Grade.manual_score.is_not(None), Grade.needs_manual_grade)


def class_triage(course: Course, to_confirm: Iterable[Any] | None = None) -> list[Item]:
    """What a person should look at, of everyone who handed in.

    Args:
        to_confirm: the rows of :func:`marks_to_confirm`; by default they are asked for.

    Raises:
        CourseError: the settings are not allowed, or what was handed in cannot be listed.
    """
    if to_confirm is None:
        with course.gradebook() as book:
            to_confirm = list(book.db.execute(marks_to_confirm(course.assignment)))
    names = [path.stem for path in course.source_notebooks()]
    limits = course.limits()
    items = [item for student in course.students() for item in _of_student(course, student, names, limits)]
    for student, notebook, cell, mark, maximum in to_confirm:
        above = mark > maximum
        says = (
            f"the mark {mark:g} of {cell} is above its maximum, which is {maximum:g}"
            if above
            else f"the mark {mark:g} of {cell} was given before its present answer or its present question"
        )
        items.append(Item("above" if above else "remark", says, student, notebook, (cell,)))
    return items


def _of_student(course: Course, student: str, names: list[str], limits: Limits) -> Iterator[Item]:
    found = attempt(lambda: course.inbox.notebooks_and_triage(student, names)[1], limits)
    yield from [] if isinstance(found, Unreadable) else found
    for name in names:
        for data in left_by_examiner(course.autograded(student) / f"{name}.ipynb").get("triage", []):
            yield Item.from_json(data, student, name)
