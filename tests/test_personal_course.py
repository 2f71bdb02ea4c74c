"""A course with personal cases, graded by nbgrader: who may answer for whose case."""

from __future__ import annotations

import dataclasses
import json

import pytest

from autograder.nbgrader_compat.course import Course
from autograder.simulate.demo import make_class
from autograder.tutor.answers import lesson_answers as answers
from tests.assignments import kinds_of
from tests.courses import ASSIGNMENT

NOTEBOOK = "2_crossover"
CASE_DEPENDENT = {"test_find", "test_binds", "test_overhead", "test_sweep"}
NAMES = [f"below_{order}_{length}" for length in ("short", "long") for order in ("first", "second")]


@pytest.fixture(scope="module")
def graded(root, tmp_path_factory):
    course = Course.copy_of(root, tmp_path_factory.mktemp("personal") / "course", ASSIGNMENT)
    for path in course.source.glob("*.ipynb"):
        if path.stem != NOTEBOOK:
            path.unlink()
    config = course.root / "nbgrader_config.py"
    config.write_text(config.read_text() + "\nc.Examine.personal_cases = True\n")
    course = Course(course.root, ASSIGNMENT)
    course.generate_assignment()
    kinds = kinds_of("quantization")
    theirs = answers(NOTEBOOK, "s21")
    copies = "\n".join(f"{name} = {theirs[name]}" for name in NAMES)
    cells = {NOTEBOOK: {"student": 'student_id = "s24"', "find": copies}}
    copier = dataclasses.replace(kinds["s22"], name="s24", cells=cells)
    make_class(course, [kinds["s01"], kinds["s21"], kinds["s23"], copier])
    told = {}
    for student in course.students():
        course.autograde(student)
        path = course.root / "autograded" / student / "quantization" / f"{NOTEBOOK}.ipynb"
        told[student] = {
            cell["metadata"]["nbgrader"]["grade_id"]: " ".join(
                "".join(output.get("text", output.get("evalue", ""))) for output in cell["outputs"]
            )
            for cell in json.loads(path.read_text())["cells"]
            if cell["cell_type"] == "code" and cell["metadata"].get("nbgrader", {}).get("grade")
        }
    marks = {(student, cell): mark for student, _, cell, mark, *_ in course.grades()}
    return marks, told


def lost(graded, student):
    marks, told = graded
    return {cell for cell in told[student] if not marks[student, cell]}


def test_the_right_answers_to_one_s_own_case_have_full_marks(graded):
    assert lost(graded, "s21") == set()


def test_a_missing_id_costs_what_depends_on_the_case_and_says_what_to_set(graded):
    assert lost(graded, "s01") == CASE_DEPENDENT
    assert 'set student_id = "s01"' in " ".join(graded[1]["s01"]["test_find"].split())


def test_somebody_else_s_id_costs_the_same_and_names_it(graded):
    assert lost(graded, "s23") == CASE_DEPENDENT
    assert "for the case of 's21', but 's23' handed them in" in " ".join(
        graded[1]["s23"]["test_find"].split()
    )


def test_a_classmate_s_numbers_are_wrong_and_the_message_says_whose_they_are(graded):
    assert lost(graded, "s24") == {"test_find"}
    assert "the answers for another student's case, not for yours" in " ".join(
        graded[1]["s24"]["test_find"].split()
    )
