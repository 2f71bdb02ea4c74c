"""Checks of a source notebook as nbgrader reads it: ids, points, and the marks of solutions and hidden tests."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from autograder.lint.report import Finding
from autograder.notebook.cells import HIDDEN_TESTS, SOLUTION, Notebook, grading, is_test, released

__all__ = ["check_cells", "name_of"]

SCHEMA = 3  # version of nbgrader's metadata
MADE_UP = re.compile(r"cell-[0-9a-f]{12,}")  # ids that nbgrader gives
NO_SECRET = ("#", "import ", "from ", "def ", "class ", "@", "for ", "with ", "print(", "assert ", "%")
SECRET = 24  # characters of a line that two people would hardly write by chance


def name_of(cell: dict[str, Any], place: int) -> str:
    """What to call a cell."""
    return str(grading(cell).get("grade_id") or f"cell {place}")


def check_cells(notebook: Notebook, name: str) -> Iterator[Finding]:
    """What is wrong with the cells of the source notebook *name*, without running them."""
    ids = Counter(grade_id for cell in notebook.cells if (grade_id := _nbgrader(cell).get("grade_id")))
    if any(grade and grade.get("schema_version", 0) < SCHEMA for grade in map(_nbgrader, notebook.cells)):
        what = "Its cells are marked in the way of an older nbgrader, which releases nothing of it."
        yield Finding(
            name, 0, "", 0, what, "run nbgrader update on the source folder, and examine it again.", True
        )
        return
    made_up = []
    for place, cell in enumerate(notebook.cells, 1):
        grade = _nbgrader(cell)
        where = (name, place, name_of(cell, place))
        marked = any(grade.get(key) for key in ("grade", "solution", "locked", "task"))
        if marked and not str(grade.get("grade_id") or "").strip():
            what = "This cell has no grade_id."
            yield Finding(*where, 0, what, "give it a name in the Create Assignment panel.", True)
        elif ids[grade.get("grade_id")] > 1:
            what = f"{ids[grade['grade_id']]} cells have this grade_id, and a submission can hold it once."
            yield Finding(*where, 0, what, "give each cell a name of its own.", True)
        if grade.get("grade"):
            yield from _points(grade.get("points"), where, is_test(cell))
        if is_test(cell) and MADE_UP.fullmatch(str(grade.get("grade_id"))):
            made_up.append(place)
        yield from _marks(cell, grade, where)
    if made_up:
        what = f"{len(made_up)} test cells have names that nbgrader made up, such as {name_of(notebook.cells[made_up[0] - 1], 0)}."
        yield Finding(
            name, 0, "", 0, what, "names such as test_mean: marks, feedback and the report show them."
        )
    yield from _shown_solutions(notebook, name)


def _nbgrader(cell: dict[str, Any]) -> dict[str, Any]:
    found = cell.get("metadata", {}).get("nbgrader", {})
    return found if isinstance(found, dict) else {}


def _points(points: Any, where: tuple[str, int, str], test: bool) -> Iterator[Finding]:
    if isinstance(points, bool) or not isinstance(points, (int, float)) or not 0 <= points < 1e9:
        yield Finding(*where, 0, f"Its points are {points!r}.", "a number from 0 upwards.", True)
    elif not points and test:
        yield Finding(
            *where,
            0,
            "This test cell is worth 0 points.",
            "give it points, or make it a cell that is not graded.",
        )


def _marks(cell: dict[str, Any], grade: dict[str, Any], where: tuple[str, int, str]) -> Iterator[Finding]:
    for begin, end in (SOLUTION, HIDDEN_TESTS):
        open_line = 0
        for line, text in enumerate(cell["source"].split("\n"), 1):
            if begin in text:
                if open_line:
                    yield Finding(
                        *where, line, f"{begin} stands inside another one.", f"put an {end} before it.", True
                    )
                open_line = line
            elif end in text:
                if not open_line:
                    what = f"{end} has no {begin} before it: what it should end is released."
                    yield Finding(*where, line, what, f"put the {begin} where it begins.", True)
                open_line = 0
        if open_line:
            yield Finding(*where, open_line, f"{begin} is never ended.", f"put an {end} where it ends.", True)
    if SOLUTION[0] in cell["source"] and not grade.get("solution"):
        what = "A solution stands in a cell that is no answer: nbgrader refuses to release it."
        yield Finding(*where, 0, what, "make it an answer in the Create Assignment panel.", True)
    if HIDDEN_TESTS[0] in cell["source"] and not grade.get("grade"):
        what = "Hidden tests stand in a cell that is not graded: nbgrader refuses to release it."
        yield Finding(*where, 0, what, "make it a test cell in the Create Assignment panel.", True)
    if grade.get("solution") and not grade.get("grade") and SOLUTION[0] not in cell["source"]:
        if (
            re.search(r"^(def|class|import|from)\b", cell["source"], re.MULTILINE)
            and "YOUR CODE HERE" not in cell["source"]
        ):
            what = "The answer has no BEGIN SOLUTION: students get an empty cell, without its definitions and imports."
            yield Finding(
                *where, 0, what, "### BEGIN SOLUTION and ### END SOLUTION around what they are to write."
            )


def _shown_solutions(notebook: Notebook, name: str) -> Iterator[Finding]:
    """Lines of a solution that stand word for word in another cell that students get."""
    visible = released(notebook)
    for place, cell in enumerate(notebook.cells, 1):
        if not grading(cell).get("solution") or cell["cell_type"] != "code":
            continue
        given = {line.strip() for line in visible[place - 1].split("\n")}
        for number, line in enumerate(cell["source"].split("\n"), 1):
            secret = line.strip()
            if len(secret) < SECRET or secret in given or secret.startswith(NO_SECRET):
                continue
            for other, text in enumerate(visible, 1):
                if other != place and secret in text:
                    shown = name_of(notebook.cells[other - 1], other)
                    what = f"This line of the solution stands in {shown} too, which students get."
                    yield Finding(name, place, name_of(cell, place), number, what)
                    break
