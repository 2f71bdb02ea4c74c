"""A notebook as the parts that somebody works through: each answer cell with the tests below it, tried or not."""

from __future__ import annotations

from dataclasses import dataclass

from autograder.notebook.cells import STUB, Notebook, grading, is_test, released

__all__ = ["NOT_WRITTEN", "AnswerPart", "parts_of", "untried_answers"]

# What an answer holds that nobody has written: nbgrader's own words for it.
NOT_WRITTEN = {"code": "raise NotImplementedError", "markdown": STUB["markdown"]}


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


def untried_answers(exam: Notebook, work: Notebook) -> frozenset[str]:
    """grade_id of the answers of *work* that are as they were handed out.

    Args:
        exam: the notebook with the tests: a source with its solutions, or one whose answers are as they were handed out.
    """
    mine, found = work.by_grade_id(), set()
    for cell, given in zip(exam.cells, released(exam), strict=True):
        grade = grading(cell)
        if grade.get("solution"):
            kind, name = cell["cell_type"], grade["grade_id"]
            as_given = [given, STUB.get(kind, "")]
            if NOT_WRITTEN.get(kind, "") in cell["source"]:
                as_given.append(cell["source"])
            if name not in mine or mine[name]["source"].split() in [text.split() for text in as_given]:
                found.add(name)
    return frozenset(found)
