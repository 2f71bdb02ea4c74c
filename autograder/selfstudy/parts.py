"""A notebook as the parts that somebody works through: each answer cell with the tests below it."""

from __future__ import annotations

from dataclasses import dataclass

from autograder.notebook.cells import Notebook, grading, is_test

__all__ = ["AnswerPart", "parts_of"]


@dataclass(frozen=True, slots=True)
class AnswerPart:
    """One answer.

    Attributes:
        name: grade_id of the answer cell.
        tests: grade_ids of the test cells below it, and their points.
        written: the points that a person gives for it; 0 for an answer that only tests mark.
    """

    name: str
    tests: dict[str, float]
    written: float = 0.0


def parts_of(notebook: Notebook) -> list[AnswerPart]:
    """The parts of *notebook*, in its order; tests above the first answer belong to none."""
    found: list[AnswerPart] = []
    for cell in notebook.cells:
        grade = grading(cell)
        if grade.get("solution") or grade.get("task"):
            found.append(AnswerPart(grade["grade_id"], {}, float(grade.get("points") or 0.0)))
        elif found and is_test(cell):
            found[-1].tests[grade["grade_id"]] = float(grade["points"])
    return [part for part in found if part.tests or part.written]
