"""A student may put cells anywhere, move, copy, split and retype them: what passes when their notebook is run as it stands passes when it is graded."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, writes

from autograder.exam.examine import examine
from autograder.files.source import data_files
from autograder.notebook.assemble import NOTE, assemble
from autograder.notebook.cells import Notebook, grading, is_test
from autograder.tutor.owner import Owner
from tests.small import cell
from tests.thorough import THOROUGH

STUB = "# YOUR CODE HERE\nraise NotImplementedError()"
RIGHT = {
    "area": "def area(r):\n    return PI * square(r)",
    "volume": "def volume(r, h):\n    return area(r) * h",
    "best": "best = max([3, 1, 2])",
}
HELPER = "def square(x):\n    return x * x"
TESTS = {
    "area_test": "assert area(2) == 4 * PI",
    "volume_test": "total = volume(2, 3)\nassert total == 12 * PI",
    "best_test": "assert best == 3 and volume(1, 1) == PI",
}
LOCKED = {"setup": "PI = 3", **TESTS}
OWN = [
    "",
    "x = 1",
    "print(x)",
    "1 / 0",
    "def area(r):\n    return 0",
    "def volume(r, h):\n    return 0",
    "best = 0",
    "del best",
    "def square(x):\n    return x + x",
    HELPER,
    *RIGHT.values(),
    "shape = area\ndef area(r):\n    return shape(r)",
    "def other():\n    area = best = 0\n    return area",
    "if True:\n    from math import prod as square",
]


def answer(grade_id: str, source: str) -> Any:
    return cell(grade_id, source, solution=True)


def whole() -> list[Any]:
    """The cells of the source: three answers, each with its test, and a written one."""
    written = new_markdown_cell("Because.", id="why")
    written.metadata["nbgrader"] = dict(
        grade_id="why", schema_version=3, grade=True, solution=True, locked=False, task=False, points=1
    )
    return [
        new_markdown_cell("Circles", id="text"),
        cell("setup", LOCKED["setup"]),
        answer("area", f"{HELPER}\n{RIGHT['area']}"),
        cell("area_test", TESTS["area_test"], 1),
        new_markdown_cell("Cylinders", id="text-2"),
        answer("volume", RIGHT["volume"]),
        cell("volume_test", TESTS["volume_test"], 1),
        answer("best", RIGHT["best"]),
        cell("best_test", TESTS["best_test"], 1),
        written,
    ]


EDITS = ("own", "move", "copy", "copy with another text", "delete", "split", "elsewhere", "lost id", "retype")


@st.composite
def edited(draw: Any) -> list[dict[str, Any]]:
    """A right notebook that was edited in up to eight ways."""
    cells: list[dict[str, Any]] = json.loads(writes(new_notebook(cells=whole())))["cells"]
    for one in cells:
        one["source"] = "".join(one["source"])
    for what in draw(st.lists(st.sampled_from(EDITS), max_size=8)):
        at, to = (draw(st.integers(0, len(cells) - 1)) for _ in range(2))
        one = cells[at]
        text = draw(st.sampled_from(OWN))
        if what == "own":
            cells.insert(to, new_code_cell(text))
        elif what == "move":
            cells.insert(to, cells.pop(at))
        elif what == "copy":
            cells.insert(to, copy.deepcopy(one))
        elif what == "copy with another text":
            cells.insert(to, one | {"source": text})
        elif what == "delete" and len(cells) > 1:
            del cells[at]
        elif what == "split":  # between two definitions; both parts keep the id
            lines = one["source"].split("\ndef ")
            cells[at : at + 1] = [
                one | {"source": lines[0]},
                *(one | {"source": f"def {rest}"} for rest in lines[1:]),
            ]
        elif what == "elsewhere" and not is_test(one):  # the answer in a cell of the student's own
            cells[at] = one | {"source": STUB}
            cells.insert(to, new_code_cell(one["source"]))
        elif what == "lost id" and not is_test(one):
            cells[at] = one | {"metadata": {}}
        elif what == "retype":
            cells[at] = one | {"cell_type": draw(st.sampled_from(["code", "markdown", "raw"]))}
    return cells


def run(cells: list[dict[str, Any]]) -> dict[str, bool]:
    """Whether each test passes in a kernel that runs the cells in order. As for nbgrader, the last of several copies counts, and has the source's text."""
    names: dict[str, Any] = {}
    passed: dict[str, bool] = {}
    last = {grading(one).get("grade_id"): at for at, one in enumerate(cells)}
    for at, one in enumerate(cells):
        if one["cell_type"] != "code":
            continue
        key = grading(one).get("grade_id")
        locked = LOCKED.get(key) if last[key] == at else None
        try:
            exec(locked or one["source"], names)
            error = False
        except Exception:
            error = True
        if locked and key in TESTS:
            passed[key] = not error
    return passed


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("source") / "circles.ipynb"
    path.write_text(writes(new_notebook(cells=whole())))
    return path


def graded_form(source: Any, cells: list[dict[str, Any]]) -> Notebook:
    return assemble(source, json.dumps({"cells": cells, "metadata": {}, "nbformat": 4}).encode())


@settings(max_examples=20_000 if THOROUGH else 1_000)
@given(cells=edited())
def test_a_test_that_passes_where_the_student_has_it_passes_where_it_is_graded(source, cells):
    there, here = run(cells), run(graded_form(source, cells).cells)
    assert here.keys() == TESTS.keys()
    assert {key for key, passed in there.items() if passed} <= {key for key, passed in here.items() if passed}


def test_and_the_examiner_gives_it_the_points(source):
    drawn: list[list[dict[str, Any]]] = []
    # The examiner draws examples too, so that it is asked when the drawing is over.
    settings(max_examples=300 if THOROUGH else 15)(given(edited())(lambda cells: drawn.append(cells)))()
    for cells in drawn:
        made = graded_form(source, cells)
        result = examine(made, files=data_files(source.parent), owner=Owner("circles"), source=source.parent)
        passed = {key for key, verdict in result.verdicts.items() if verdict.score}
        assert passed == {key for key, passed in run(made.cells).items() if passed}


def test_tests_stay_where_the_student_has_them_and_come_back_behind_the_student_s_own_cells(source):
    cells = json.loads(writes(new_notebook(cells=whole())))["cells"]
    cells.insert(3, new_code_cell("def area(r):\n    return 3 * r * r"))  # between an answer and its test
    order = [
        grading(one).get("grade_id", "own")
        for one in graded_form(source, cells).cells
        if one["cell_type"] == "code"
    ]
    assert order == ["setup", "area", "own", "area_test", "volume", "volume_test", "best", "best_test"]
    del cells[4]  # the test
    again = [
        grading(one).get("grade_id", "own")
        for one in graded_form(source, cells).cells
        if one["cell_type"] == "code"
    ]
    assert again == order


def test_a_test_above_what_it_needs_is_moved_below_and_no_further(source):
    cells = json.loads(writes(new_notebook(cells=whole())))["cells"]
    cells.insert(1, cells.pop(6))  # the test of the cylinder
    order = [grading(one).get("grade_id") for one in graded_form(source, cells).cells if grading(one)]
    assert order == ["setup", "area", "area_test", "volume", "volume_test", "best", "best_test", "why"]


@pytest.mark.parametrize("kind", ["markdown", "raw"])
def test_an_answer_that_became_text_by_a_key_press_is_an_answer_again_and_a_note_says_so(source, kind):
    cells = json.loads(writes(new_notebook(cells=whole())))["cells"]
    cells[5] |= {"cell_type": kind}
    cells[9] |= {"cell_type": "code", "source": "Because of <b>me</b>."}
    made = graded_form(source, cells)
    assert made.by_grade_id()["volume"]["source"] == RIGHT["volume"]
    assert (
        made.by_grade_id()["why"]["cell_type"] == "markdown" and "me" in made.by_grade_id()["why"]["source"]
    )
    note = made.content["metadata"][NOTE]
    assert (
        f"the answer volume had been turned into a {kind} cell and was turned back into a code cell" in note
    )
    assert "the answer why had been turned into a code cell and was turned back into a markdown cell" in note
