"""What of a graded notebook waits for a person: the list of it, and nbgrader's own flag on the cells."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from autograder.exam.examine import Verdict
from autograder.nbgrader_compat.grades import MAXIMUM, grades_of, with_maximum
from autograder.nbgrader_compat.internals import BaseCell, Grade, Gradebook, Notebook, SubmittedAssignment
from autograder.notebook.cells import grading
from autograder.triage.reasons import Item

__all__ = ["ask_again", "counts_nothing", "flag_in_gradebook", "leave_open", "still_open"]


def still_open(items: Iterable[Item], verdicts: Mapping[str, Verdict]) -> list[Item]:
    """The *items* without the tests that have full marks, and without those that only told of such tests."""
    found = []
    for item in items:
        cells = tuple(
            key for key in item.cells if key not in verdicts or verdicts[key].score < verdicts[key].maximum
        )
        if cells or item.reason != "untested":
            found.append(Item(item.reason, item.says, cells=cells))
    return found


def leave_open(cells: Iterable[Any], items: Iterable[Item]) -> None:
    """Keep nbgrader from giving 0 to an answer that is as it was handed out, because there is a text of the student's elsewhere."""
    unread = {key for item in items if item.reason == "unread" for key in item.cells}
    for cell in cells:
        if grading(cell).get("grade_id") in unread:
            cell.metadata.nbgrader.pop("checksum", None)


def counts_nothing(grade: Any, maximum: float) -> bool:
    """Whether a person need not mark a question because it has no points: nbgrader would ask for it."""
    return not maximum and grade.manual_score is None


def ask_again(
    book: Any, assignment: str, cells: Collection[tuple[str, str]], not_graded: Collection[str]
) -> int:
    """Ask for a person for marks by hand of questions that have changed; returns how many.

    Args:
        cells: notebook and name of the questions.
        not_graded: students who were not graded again: what they have for these questions waits for a person in any case.
    """
    count = 0
    columns = (Grade, SubmittedAssignment.student_id, Notebook.name, BaseCell.name, MAXIMUM)
    for grade, student, notebook, cell, maximum in book.db.execute(
        with_maximum(grades_of(assignment, *columns))
    ).all():
        if (notebook, cell) not in cells:
            continue
        if grade.manual_score is not None:
            grade.needs_manual_grade = True
            count += 1
        elif student in not_graded:
            grade.needs_manual_grade = bool(maximum)
            grade.auto_score = grade.auto_score if maximum else 0
    return count


def _without_points(cell: Any) -> bool:
    grade = grading(cell)
    return bool(grade.get("grade") or grade.get("task")) and not grade["points"]


def flag_in_gradebook(facts: Mapping[str, Any], cells: Iterable[Any]) -> None:
    """Ask in the gradebook for a person, for the cells that the *facts* of nbgrader's resources name as ``flagged``, and not for questions without points.

    Args:
        cells: those of the graded notebook.
    """
    flagged = facts.get("flagged")
    if flagged is None or not (flagged or any(map(_without_points, cells))):  # or it was not examined yet
        return
    with Gradebook(facts["db_url"]) as book:
        row = book.find_submission_notebook(facts["notebook"], facts["assignment"], facts["student"])
        for grade in row.grades:
            if grade.name in flagged:
                grade.needs_manual_grade = True
            elif counts_nothing(grade, grade.max_score):
                grade.auto_score, grade.needs_manual_grade = 0, False
        book.db.commit()
