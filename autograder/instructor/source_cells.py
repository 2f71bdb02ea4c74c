"""The code cells of a source notebook: which statements of each are the instructor's, and which names it binds for the student.

The instructor's are all code cells but the answers: locked cells, plain cells as the source has them, and test cells. Of an answer cell, the
imports outside the solution are the instructor's too.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Literal

from autograder.instructor.statements import Cell, cell_of, read_cell
from autograder.notebook.cells import STUB, STUDENT_TAG, Notebook, grading, is_test

__all__ = ["Import", "Role", "SourceCell", "instructors_cells"]

Import = tuple[str, str]  # a module, and the name of its attribute or an empty string
Role = Literal["shared", "test", "answer"]

SOLUTION = re.compile(r"^([ \t]*)[^\n]*BEGIN SOLUTION.*?END SOLUTION[^\n]*$", re.MULTILINE | re.DOTALL)
RELEASED = STUB["code"].splitlines()[-1]  # what stands in the place of a solution in a released notebook


@dataclass(frozen=True, slots=True, eq=False)
class SourceCell:
    """A code cell of a source notebook.

    Attributes:
        key: its grade_id, or an empty string.
        own: the instructor's statements of it.
        answers: names that it binds for the student.
        solution: all statements of an answer.
        modules: what its solution imports, by the names that it gives them: modules, and attributes of modules.
    """

    role: Role
    key: str
    text: str
    own: Cell
    answers: frozenset[str] = frozenset()
    solution: Cell = Cell()  # noqa: RUF009 (nobody can change it)
    modules: tuple[tuple[str, Import], ...] = ()


def instructors_cells(notebook: Notebook, template: Notebook | None) -> tuple[SourceCell, ...]:
    """The code cells of *template*, the tests as the assembled *notebook* has them; without a template, what of the notebook is not the student's."""
    if template is None:
        return tuple(_cell(cell) for cell in notebook.cells if grading(cell).get("locked") or is_test(cell))
    tests = {grading(cell)["grade_id"]: cell for cell in notebook.cells if is_test(cell)}
    code = [cell for cell in template.cells if cell["cell_type"] == "code"]
    return tuple(_cell(tests.get(grading(cell).get("grade_id", ""), cell)) for cell in code)


def _cell(cell: dict[str, object]) -> SourceCell:
    grade, text = grading(cell), str(cell["source"])
    metadata = cell.get("metadata")
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    role: Role = "shared"
    if is_test(cell):
        role = "test"
    elif grade.get("solution") or (isinstance(tags, list) and STUDENT_TAG in tags):
        role = "answer"
    return _read(role, str(grade.get("grade_id", "")), text)


@functools.lru_cache(maxsize=1024)
def _read(role: Role, key: str, text: str) -> SourceCell:
    if role != "answer":
        return SourceCell(role, key, text, read_cell(text))
    around = SOLUTION.sub(r"\1pass", text)
    given = around != text or RELEASED in text
    imports = [one for one in read_cell(around).statements if one.imports or one.stars] if given else []
    own, whole = cell_of(imports), read_cell(text)
    modules = {name: origin for one in whole.statements for name, origin in one.imports.items()}
    inside = {name: origin for name, origin in modules.items() if name not in own.binds}
    return SourceCell(role, key, text, own, whole.binds - own.binds, whole, tuple(inside.items()))
