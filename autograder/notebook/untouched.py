"""Which questions of a notebook nobody has tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autograder.notebook.cells import STUB, Notebook, grading, is_test, released
from autograder.notebook.inert import inert_markdown

__all__ = ["untouched"]


def untouched(template: Notebook, cells: Sequence[Mapping[str, Any]]) -> list[str]:
    """The grade_ids of the marks whose answer is as it was handed out, or is not there: of a test, the answer that stands above it in the source.

    Args:
        template: the source notebook.
        cells: a submission in its form.
    """
    answers = {grading(dict(cell)).get("grade_id"): str(cell["source"]) for cell in cells}
    found, empty = [], False
    for cell, given in zip(template.cells, released(template), strict=True):
        grade = grading(cell)
        if grade.get("solution"):
            stub = STUB.get(cell["cell_type"], "")
            as_given = {text.strip() for text in (given, inert_markdown(given), stub)}
            empty = answers.get(grade["grade_id"], "").strip() in {"", *as_given}
        if empty and grade.get("grade") and (grade["solution"] or is_test(cell)):
            found.append(grade["grade_id"])
    return found
