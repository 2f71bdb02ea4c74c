"""A small assignment of another subject, with a kit that has one of everything; written into a folder, whole or in part."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, writes

__all__ = ["KIT", "NOTEBOOK", "answered", "cell", "write_small", "written"]

NOTEBOOK = "circles"
HALF = "def area(radius):\n    return 3.141592653589793 * radius"
KIT = {
    "kit.toml": """
        title = "Circles"
        case = "sizes:case"

        [warm]
        modules = ["decimal"]
        cell = "import sizes"

        [arguments]
        radius = "m"

        [returns]
        area = ["m2"]

        [simulate]
        slow = []
        one_id = ["copied"]
    """,
    "wording.py": """
        ARGUMENTS = {"names": lambda value: f"{len(value)} names"}
        RETURNS = {"longest": lambda value: f"the name {value}"}
    """,
    "lesson.py": """
        def area(radius):
            squared = radius * radius
            return 3.141592653589793 * squared


        def longest(names):
            return max(names, key=len)


        def answers_circles(case):
            return {"table": area(case["radius"])}
    """,
    "misconceptions.toml": """
        [not_squared]
        says = "the radius is not squared"
        hint = "Which unit has an area?"
        seen = "none known; invented for a test"
        change = [["area", "radius * radius", "radius"]]
    """,
    "probes.py": """
        def probes(function, lesson):
            if function == "area":
                return [(0.5 * n,) for n in range(1, 12)]
            return [(["a" * n, "b"],) for n in range(2, 6)]
    """,
    "hints.toml": """
        [circles.area]
        question = "What is an area made of?"
        lesson = "See the first text."
        shape = "A number times a square."
        tests = ["area_test"]
        see = "text"
    """,
    "kinds.toml": """
        [right]
        says = "the right answers"

        [half]
        says = "the radius is not squared"
        named.circles = ["not_squared"]
        cells.circles.area = "def area(radius):\\n    return 3.141592653589793 * radius"
        lost.circles = {area_test = 2}
        alone.circles = {area_test = 2, table_test = 1}
    """,
}


def cell(grade_id: str, source: str, points: int | None = None, *, solution: bool = False) -> NotebookNode:
    """A code cell that nbgrader knows: a test with *points*, or an answer, or locked."""
    made = new_code_cell(textwrap.dedent(source).strip(), id=grade_id.replace("_", "-"))
    grade = {"grade_id": grade_id, "schema_version": 3, "grade": points is not None, "solution": solution}
    made.metadata["nbgrader"] = grade | {"locked": not solution, "task": False}
    if points is not None:
        made.metadata["nbgrader"]["points"] = points
    return made


def _cells() -> list[NotebookNode]:
    text = new_markdown_cell("# Circles: how large are they?", id="text")
    text.metadata["nbgrader"] = {
        **dict.fromkeys(("grade", "solution", "task"), False),
        **{"grade_id": "text", "schema_version": 3, "locked": True},
    }
    student = new_code_cell('student_id = ""', id="student")
    student.metadata["tags"] = ["student-id"]
    answer = "### BEGIN SOLUTION\n{}\n### END SOLUTION"
    return [
        text,
        student,
        cell("setup", 'from sizes import case\nsize = case("circles", student_id)'),
        cell(
            "area",
            answer.format("def area(radius):\n    return 3.141592653589793 * radius**2"),
            solution=True,
        ),
        cell(
            "area_test",
            "assert abs(area(1) - 3.1416) < 1e-3, 'a circle of radius 1 is about 3.14 m2'\n"
            "### BEGIN HIDDEN TESTS\nassert abs(area(3) - 28.274) < 1e-3\n### END HIDDEN TESTS",
            2,
        ),
        cell("longest", answer.format("def longest(names):\n    return max(names, key=len)"), solution=True),
        cell("longest_test", "assert longest(['a', 'bcd']) == 'bcd'", 1),
        cell("table", answer.format("table = area(size['radius'])"), solution=True),
        cell(
            "table_test",
            "### BEGIN HIDDEN TESTS\nassert abs(table - 3.141592653589793 * case('circles', student_id)['radius'] ** 2) < 1e-6\n### END HIDDEN TESTS",
            1,
        ),
    ]


def write_small(folder: Path, kit: Iterable[str] = KIT, changed: Mapping[str, str] | None = None) -> Path:
    """Write the source of the assignment into *folder*, with these files of its *kit*, some of them *changed*; returns the folder."""
    (folder / "kit").mkdir(parents=True, exist_ok=True)
    (folder / f"{NOTEBOOK}.ipynb").write_text(writes(new_notebook(cells=_cells())) + "\n", "utf-8")
    (folder / "sizes.py").write_text(
        'def case(notebook, student=""):\n    return {"radius": 2.0 + len(str(student))}\n', "utf-8"
    )
    for name in kit:
        (folder / "kit" / name).write_text((changed or {}).get(name) or textwrap.dedent(KIT[name]), "utf-8")
    return folder


def answered(**answers: str) -> NotebookNode:
    """What a student hands in: the right answers, but for *answers* by grade_id."""
    notebook = new_notebook(cells=_cells())
    for made in notebook.cells:
        key = made.metadata.get("nbgrader", {}).get("grade_id", "")
        made.source = answers.get(key, made.source)
    return notebook


def written(folder: Path, **answers: str) -> Path:
    """The file of :func:`answered` in *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{NOTEBOOK}.ipynb").write_text(writes(answered(**answers)), "utf-8")
    return folder / f"{NOTEBOOK}.ipynb"
