"""What of a graded notebook waits for a person: the list of it, and nbgrader's own flag on the cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from autograder.exam.examine import Verdict
from autograder.nbgrader_compat.internals import Gradebook
from autograder.notebook.cells import grading
from autograder.triage.reasons import Item

__all__ = ["flag_in_gradebook", "leave_open", "still_open"]


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


def flag_in_gradebook(facts: Mapping[str, Any]) -> None:
    """Ask in the gradebook for a person, for the cells that the *facts* of nbgrader's resources name as ``flagged``."""
    if not facts.get("flagged"):
        return
    with Gradebook(facts["db_url"]) as book:
        row = book.find_submission_notebook(facts["notebook"], facts["assignment"], facts["student"])
        for grade in row.grades:
            if grade.name in facts["flagged"]:
                grade.needs_manual_grade = True
        book.db.commit()
