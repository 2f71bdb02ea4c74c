"""The questions of an assignment that people mark: the rubric of each, and the source's own answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.notebook.cells import grading, mark_scheme, read_notebook, strip_solution_marks

__all__ = ["POINTS", "Question", "questions"]

ITEM = re.compile(r"^\s*[-*] \[[ xX]\] (.+)$", re.MULTILINE)
POINTS = "points"  # the column of a question whose rubric has no items


@dataclass(frozen=True, slots=True)
class Question:
    """A question that people mark.

    Attributes:
        items: the lines of its rubric: those with a box to tick in the text above it. Each is worth the same.
        model: the source's own answer; of a task, what its mark scheme says.
        is_code: whether that is code, and not Markdown.
        attachments: the pictures in it, in nbformat's form.
    """

    notebook: str
    cell: str
    maximum: float
    items: tuple[str, ...]
    model: str
    is_code: bool = False
    attachments: Any = field(default=None, compare=False)

    @property
    def columns(self) -> tuple[tuple[str, float], ...]:
        """(name, maximum) of each column for points."""
        if not self.items:
            return ((POINTS, self.maximum),)
        return tuple((f"item {at + 1}", self.maximum / len(self.items)) for at in range(len(self.items)))


def questions(path: Path) -> Iterator[Question]:
    """Those of the source notebook at *path*, in its order.

    Raises:
        ValueError: the file is not the JSON of a notebook; the message names it.
    """
    above = ""
    notebook = read_notebook(path)
    points, models = notebook.manual_points(), dict(strip_solution_marks(notebook))
    for cell in notebook.cells:
        key, is_text = grading(cell).get("grade_id", ""), cell["cell_type"] == "markdown"
        if key in points:
            # A task is its own question, and the students answer in cells of their own.
            asks, model = (above, models[key]) if key in models else mark_scheme(cell["source"])
            items = tuple(text.strip() for text in ITEM.findall(asks))
            attachments = cell.get("attachments")
            yield Question(path.stem, key, float(points[key]), items, model, not is_text, attachments)
        above = cell["source"] if is_text and key not in points else ""
