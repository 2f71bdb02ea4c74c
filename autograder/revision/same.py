"""Whether a submission that is graded again holds the answers that it was graded with before."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path

from autograder.bounds.limits import Limits
from autograder.exam.attempt import attempt
from autograder.files.read import Unreadable
from autograder.notebook.cells import Notebook, grading, read_notebook

__all__ = ["same_answers"]


def same_answers(before: Path, now: str, renamed: Mapping[str, str], limits: Limits) -> bool:
    """Whether the graded notebook at *before* has the answers of the graded notebook *now*, as far as both have the same questions.

    Args:
        now: the text of the notebook's file.
        renamed: the present name of a cell by the one before.
    """
    if not before.is_file():
        return False
    old = attempt(functools.partial(read_notebook, before), limits)
    if isinstance(old, Unreadable):
        return False
    content = json.loads(now)
    for cell in content["cells"]:
        cell["source"] = "".join(cell["source"])
    was, own_before = _answers(old)
    answers, own = _answers(Notebook(content))
    was = {renamed.get(key, key): text for key, text in was.items()}
    return own == own_before and all(answers[key] == was[key] for key in answers.keys() & was.keys())


def _answers(notebook: Notebook) -> tuple[dict[str, str], list[str]]:
    """What the student wrote: the answers by name, and the cells of their own."""
    answers = {
        key: cell["source"]
        for key, cell in notebook.by_grade_id().items()
        if grading(cell).get("solution") or not (grading(cell).get("grade") or grading(cell).get("locked"))
    }
    return answers, [cell["source"] for cell in notebook.cells if not grading(cell)]
