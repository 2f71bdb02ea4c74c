"""A student may put cells anywhere, move, copy, split and retype them: what passes when their notebook is run as it stands passes when it is graded."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from nbformat.v4 import new_code_cell, new_notebook, writes

from autograder.exam.examine import examine
from autograder.files.source import data_files
from autograder.notebook.assemble import NOTE, assemble
from autograder.notebook.cells import Notebook, grading
from autograder.tutor.owner import Owner
from tests.edits import LOCKED, RIGHT, TESTS, edited, whole
from tests.thorough import THOROUGH


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
