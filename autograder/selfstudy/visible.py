"""An exam of the tests that a notebook itself shows: for those who are given no other, such as the students of a course."""

from __future__ import annotations

import ast
import contextlib
import warnings
from dataclasses import replace
from pathlib import Path

from autograder.bounds.limits import Limits
from autograder.files.beside import own_files_in
from autograder.files.read import Unreadable
from autograder.files.source import stray_copies
from autograder.kit import Kit
from autograder.notebook.cells import STUB, Notebook, grading, is_test, read_notebook, without_magics
from autograder.notebook.submitted import read_path
from autograder.selfstudy.parts import NOT_WRITTEN

__all__ = ["with_own_parameters", "write_visible_exam"]

LONGEST = 50_000  # characters of a cell that is looked at


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
            if grading(cell).get("solution") and NOT_WRITTEN.get(kind, "") not in cell["source"]:
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


def with_own_parameters(kit: Kit, work: Notebook) -> Kit:
    """*kit*, where it has no lesson to know a function's parameters from, with those that the answers of *work* give them."""
    if kit.tutor is not None:
        return kit
    known: dict[str, tuple[str, ...]] = {}
    for cell in work.cells:
        if cell["cell_type"] == "code" and len(cell["source"]) <= LONGEST:
            with contextlib.suppress(SyntaxError, ValueError, MemoryError, RecursionError):
                with warnings.catch_warnings(action="ignore"):  # about what the student wrote
                    body = ast.parse(without_magics(cell["source"])).body
                for node in body:
                    if isinstance(node, ast.FunctionDef):
                        known[node.name] = tuple(a.arg for a in (*node.args.posonlyargs, *node.args.args))
    return replace(kit, wording=replace(kit.wording, parameters=lambda name: known.get(name, ())))
