"""A course with personal cases, graded by nbgrader: who may answer for whose case."""

from __future__ import annotations

import ast
import json

import pytest

from autograder.nbgrader_compat.course import Course
from autograder.notebook.cells import grading, is_test, strip_solution_marks
from autograder.simulate.demo import make_class
from autograder.simulate.kinds import Kind
from tests.assignments import RIGHT, notebooks_of, sources
from tests.models import tutor_of


def own_id(assignment: str, written: str) -> dict[str, dict[str, str]]:
    """The cells that say in each notebook whose it is."""
    return {notebook: {"student": f"student_id = {written!r}"} for notebook in notebooks_of(assignment)}


def about_the_case(notebook) -> set[str]:
    """The test cells that ask about a case."""
    return {grading(c)["grade_id"] for c in notebook.cells if is_test(c) and "student_id" in c["source"]}


def copied(assignment: str, notebook: str, whose: str) -> dict[str, str]:
    """The answer cells of a notebook, followed by the answers to the case of *whose* wherever a name gets one."""
    theirs = tutor_of(assignment).lesson.known_answers(notebook, whose)
    found = {}
    for grade_id, answer in strip_solution_marks(sources(assignment, notebook)):
        if sources(assignment, notebook).by_grade_id()[grade_id]["cell_type"] == "code":
            stored = {
                n.id
                for n in ast.walk(ast.parse(answer))
                if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
            }
            lines = [f"{name} = {theirs[name]!r}" for name in sorted(stored & theirs.keys())]
            found[grade_id] = "\n".join([answer, *lines]) if lines else answer
    return found


@pytest.fixture(scope="module")
def graded(root, assignment, tmp_path_factory):
    """ann has the right answers to her own case, bob sets no id, cleo hands in ann's notebooks, dan copies ann's answers into his."""
    course = Course.copy_of(root, tmp_path_factory.mktemp("personal") / "course", assignment)
    config = course.root / "nbgrader_config.py"
    config.write_text(config.read_text() + "\nc.Examine.personal_cases = True\n")
    last = notebooks_of(assignment)[-1]
    for path in course.source.glob("*.ipynb"):  # the others are like it
        if path.stem != last:
            path.unlink()
    course = Course(course.root, assignment)
    course.generate_assignment()
    copier = own_id(assignment, "dan")
    copier[last] |= copied(assignment, last, "ann")
    kinds = [
        Kind("ann", "right", cells=own_id(assignment, " Ann ")),
        Kind("bob", RIGHT.says),
        Kind("cleo", "somebody else's", cells=own_id(assignment, "ann")),
        Kind("dan", "copied answers", cells=copier),
    ]
    make_class(course, kinds)
    told = {}
    for student in course.students():
        course.autograde(student)
        for cell in json.loads((course.autograded(student) / f"{last}.ipynb").read_text())["cells"]:
            if cell["cell_type"] == "code" and cell["metadata"].get("nbgrader", {}).get("grade"):
                said = ("".join(output.get("text", output.get("evalue", ""))) for output in cell["outputs"])
                told[student, cell["metadata"]["nbgrader"]["grade_id"]] = " ".join(" ".join(said).split())
    lost: dict[str, set[str]] = {student: set() for student in course.students()}
    for student, _, cell, mark, _, maximum in course.grades():
        if (student, cell) in told and mark < maximum:
            lost[student].add(cell)
    return lost, told, about_the_case(sources(assignment, last))


def test_the_right_answers_to_one_s_own_case_have_full_marks(graded):
    assert graded[0]["ann"] == set()


def test_a_missing_id_costs_what_depends_on_the_case_and_says_what_to_set(graded):
    lost, told, about = graded
    assert lost["bob"] == about and about
    assert all('set student_id = "bob"' in told["bob", cell] for cell in about)


def test_somebody_else_s_id_costs_the_same_and_names_it(graded):
    lost, told, about = graded
    assert lost["cleo"] == about
    assert all("for the case of 'ann', but 'cleo' handed them in" in told["cleo", cell] for cell in about)


def test_a_classmate_s_answers_are_wrong_and_a_message_says_whose_they_are(graded):
    lost, told, about = graded
    assert lost["dan"] and lost["dan"] <= about
    assert any("for another student's case, not for yours" in told["dan", cell] for cell in lost["dan"])
