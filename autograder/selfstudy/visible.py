"""An exam of the tests that a notebook itself shows: for those who are given no other, such as the students of a course."""

from __future__ import annotations

from pathlib import Path

from autograder.bounds.limits import Limits
from autograder.files.beside import own_files_in
from autograder.files.read import Unreadable
from autograder.files.source import stray_copies
from autograder.notebook.cells import STUB, grading, is_test, read_notebook
from autograder.notebook.submitted import read_path

__all__ = ["write_visible_exam"]

# What an answer holds that nobody has touched: nbgrader's own words for it.
UNTOUCHED = {"code": "raise NotImplementedError", "markdown": STUB["markdown"]}


def write_visible_exam(notebook: Path, folder: Path) -> bool:
    """Write the exam into the empty *folder*: the notebook without its answers, and the files beside it; whether it has any test.

    A copy that lies beside its original is written under the original's name.

    Raises:
        OSError: this machine does not allow to read or write one of them.
    """
    content = read_path(notebook)
    if isinstance(content, Unreadable):
        return False
    target = folder / stray_copies(notebook.parent).get(notebook, notebook).name
    target.write_bytes(content)
    try:
        exam = read_notebook(target)
        tests = [cell for cell in exam.cells if is_test(cell)]
        for cell in exam.cells:
            kind = cell["cell_type"]
            if grading(cell).get("solution") and UNTOUCHED.get(kind, "") not in cell["source"]:
                cell["source"] = STUB.get(kind, "")
        target.write_text(exam.dumps(), "utf-8")
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
    ):  # no notebook, or not nbgrader's
        return False
    for name, text in own_files_in(notebook.parent, Limits()).content.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
    return bool(tests)
