"""Reading nbgrader notebooks as plain JSON, without importing nbgrader."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

__all__ = [
    "HIDDEN_TESTS",
    "MARK_SCHEME",
    "SOLUTION",
    "STUB",
    "STUDENT_TAG",
    "Notebook",
    "grading",
    "is_test",
    "mark_scheme",
    "read_notebook",
    "released",
    "strip_solution_marks",
    "test_part",
    "without_hidden_tests",
    "without_magics",
]

STUDENT_TAG = "student-id"
Part = Literal["public", "hidden", "both"]
# As in nbgrader, a mark is any line that holds the words.
SOLUTION = ("BEGIN SOLUTION", "END SOLUTION")
HIDDEN_TESTS = ("BEGIN HIDDEN TESTS", "END HIDDEN TESTS")
MARK_SCHEME = ("BEGIN MARK SCHEME", "END MARK SCHEME")  # of a task
MARKS = re.compile(rf"^[^\n]*({'|'.join(SOLUTION)})[^\n]*\n?", re.MULTILINE)
HIDDEN = re.compile(
    rf"^[^\n]*{HIDDEN_TESTS[0]}.*?^[^\n]*{HIDDEN_TESTS[1]}[^\n]*$\n?", re.MULTILINE | re.DOTALL
)
SCHEME = re.compile(
    rf"^[^\n]*{MARK_SCHEME[0]}[^\n]*\n(.*?)^[^\n]*{MARK_SCHEME[1]}[^\n]*$\n?", re.MULTILINE | re.DOTALL
)
MAGIC = re.compile(r"^[ \t]*[%!].*$", re.MULTILINE)
STUB = {"code": "# YOUR CODE HERE\nraise NotImplementedError()", "markdown": "YOUR ANSWER HERE"}


@dataclass(slots=True)
class Notebook:
    """The JSON of a notebook; every cell's source is one string."""

    content: dict[str, Any]

    @property
    def cells(self) -> list[dict[str, Any]]:
        """The cells in order."""
        cells: list[dict[str, Any]] = self.content["cells"]
        return cells

    def by_grade_id(self) -> dict[str, dict[str, Any]]:
        """The cells that nbgrader knows, by grade_id."""
        return {grade["grade_id"]: cell for cell in self.cells if (grade := grading(cell))}

    def auto_points(self) -> dict[str, float]:
        """Points of the autograded cells, by grade_id."""
        return {
            g["grade_id"]: g["points"]
            for c in self.cells
            if (g := grading(c)).get("grade") and not g["solution"]
        }

    def manual_points(self) -> dict[str, float]:
        """Points of the cells that a person grades, answers and tasks, by grade_id."""
        return {
            g["grade_id"]: g["points"]
            for c in self.cells
            if (g := grading(c)).get("task") or (g.get("grade") and g["solution"])
        }

    def dumps(self) -> str:
        """The notebook as nbformat writes it."""
        return json.dumps(self.content, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def grading(cell: dict[str, Any]) -> dict[str, Any]:
    """nbgrader's metadata of a cell, or an empty dict.

    The cell in which students set their id has a tag instead: nbgrader knows no cell that is theirs to write, unmarked, and released as it is.
    """
    metadata = cell.get("metadata", {})
    found: dict[str, Any] = metadata.get("nbgrader", {})
    if not found.get("grade_id"):  # older courses have cells that are marked as nothing, without an id
        found = {}
    tags = metadata.get("tags")
    if not found and isinstance(tags, list) and STUDENT_TAG in tags:
        return {"grade_id": "student", "grade": False, "solution": False, "locked": False, "task": False}
    return found


def is_test(cell: dict[str, Any]) -> bool:
    """Whether *cell* is a test cell: graded, and not by a person."""
    grade = grading(cell)
    return cell["cell_type"] == "code" and bool(grade.get("grade")) and not grade.get("solution")


def without_hidden_tests(source: str) -> str:
    """The source of a test cell as students may see it."""
    return HIDDEN.sub("", source).rstrip()


def test_part(source: str) -> Part:
    """What a test cell of a source notebook holds: tests that students see, tests that they do not, or both."""
    public = without_hidden_tests(source)
    if not ast.parse(public).body:
        return "hidden"
    return "public" if public == source.rstrip() else "both"


def mark_scheme(source: str) -> tuple[str, str]:
    """The text of a task as students may see it, and what its mark scheme says."""
    return SCHEME.sub("", source).rstrip(), "\n".join(SCHEME.findall(source)).rstrip()


def without_magics(source: str) -> str:
    """The source of a code cell without the lines that are commands to IPython or to a shell."""
    return MAGIC.sub("", source)


def read_notebook(path: Path) -> Notebook:
    """The notebook at *path*.

    Raises:
        ValueError: the file is not the JSON of a notebook; the message names it.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
        for cell in content["cells"]:
            cell["source"] = "".join(cell["source"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not a notebook: {error}") from error
    return Notebook(content)


def released(notebook: Notebook) -> list[str]:
    """The source of every cell of a source notebook as students get it, as far as its marks are right."""
    made = []
    for cell in notebook.cells:
        text = _without(cell["source"], *HIDDEN_TESTS, "")
        stub = STUB.get(cell["cell_type"], "")
        if grading(cell).get("solution"):
            text = _without(text, *SOLUTION, stub) if SOLUTION[0] in text else stub
        made.append(text)
    return made


def _without(text: str, begin: str, end: str, instead: str) -> str:
    kept: list[str] = []
    inside = False
    for line in text.split("\n"):
        if begin in line and not inside:
            inside = True
            indent = line[: len(line) - len(line.lstrip())]
            kept += [indent + part for part in instead.split("\n")] if instead else []
        elif end in line:
            inside = False
        elif not inside:
            kept.append(line)
    return "\n".join(kept)


def strip_solution_marks(notebook: Notebook) -> Iterator[tuple[str, str]]:
    """(grade_id, answer) of every cell that a student fills in, without the solution marks."""
    for cell in notebook.cells:
        grade = grading(cell)
        if grade.get("solution"):
            yield grade["grade_id"], MARKS.sub("", cell["source"])
