"""The class of each assignment, graded both ways: by the examiner, which must be right, and by stock nbgrader, which is right where it is fair."""

from __future__ import annotations

import functools
from collections import defaultdict

import pytest

from autograder.nbgrader_compat.course import Course, CourseError
from autograder.report.page import write_report
from autograder.report.rows import class_rows
from autograder.simulate.demo import grade_class, make_class
from autograder.simulate.kinds import Kind, expected_marks
from benchmarks.stock import STOCK
from tests.assignments import ASSIGNMENTS, kinds_of, notebooks_of, source_of
from tests.pace import patient_kernels, seconds
from tests.thorough import THOROUGH


def class_of(assignment: str, how: str) -> dict[str, Kind]:
    """Every kind, by its name. Stock execution takes seconds for each: unless all are asked for, it grades those that it treats otherwise, and two."""
    kinds = kinds_of(assignment)
    if how == "examiner" or THOROUGH:
        return kinds
    return {name: kind for i, (name, kind) in enumerate(kinds.items()) if i < 2 or kind.stock is not None}


GRADED = [(assignment, how) for assignment in ASSIGNMENTS for how in ("examiner", "stock")]
MARKED = [
    pytest.param((assignment, how), name, id=f"{assignment}-{how}-{name}")
    for assignment, how in GRADED
    for name in class_of(assignment, how)
]


def examiner() -> str:
    """Settings that give a loop up soon, but not honest work on a busy machine."""
    return f"c.Examine.cell_seconds = {seconds(4)}\nc.Examine.call_seconds = {seconds(2)}\nc.Examine.total_seconds = {seconds(120)}\n"


def stock_grading(course: Course, pages: tuple[str, ...]) -> dict[str, str]:
    """As ``nbgrader autograde`` and ``generate_feedback``; returns the trouble of those that could not be graded."""
    trouble = {}
    for student in course.students():
        try:
            course.autograde(student)
            if student in pages:  # it takes as long as the grading, and is the same for all
                course.generate_feedback(student)
        except CourseError as error:
            trouble[student] = str(error)
    return trouble


def graded_class(root, folder, assignment: str, how: str):
    """A class of every kind: its course, the trouble it made, its marks, its kinds, and whether nbgrader itself graded it."""
    kinds = class_of(assignment, how)
    course = Course.copy_of(root, folder / "course", assignment)
    config = course.root / "nbgrader_config.py"
    config.write_text(config.read_text() + (examiner() if how == "examiner" else STOCK + patient_kernels(8)))
    course = Course(course.root, assignment)
    course.generate_assignment()
    make_class(course, list(kinds.values()))
    some = tuple(name for name, kind in kinds.items() if kind.lost or kind.stock is None)[:2]
    trouble = grade_class(course).trouble if how == "examiner" else stock_grading(course, some)
    marks = defaultdict(dict)
    for student, notebook, cell, mark, _, _ in course.grades():
        marks[student, notebook][cell] = mark
    return course, trouble, marks, kinds, how == "stock"


@pytest.fixture(scope="module")
def classes(root, tmp_path_factory):
    """Gives a class that is graded when it is asked for first: pytest would grade one anew for each test that names another kind."""

    @functools.cache
    def of(assignment: str, how: str):
        return graded_class(root, tmp_path_factory.mktemp("class"), assignment, how)

    return of


@pytest.fixture(params=GRADED, ids="-".join)
def graded(request, classes):
    return classes(*request.param)


@pytest.mark.parametrize(("graded", "name"), MARKED, indirect=["graded"])
def test_every_submission_gets_the_marks_written_beside_its_kind(graded, name):
    course, _, marks, kinds, stock = graded
    for notebook, cells in expected_marks(kinds[name], course.source, stock=stock).items():
        got = {cell: marks[name, notebook].get(cell) for cell in cells}
        assert got == cells


def test_a_kind_says_what_else_it_loses_just_where_that_is_something_else(assignment):
    for name, kind in kinds_of(assignment).items():
        source = source_of(assignment)
        right, alone = (expected_marks(kind, source, carried=carried) for carried in (True, False))
        stock = expected_marks(kind, source, stock=True)
        assert (right != alone) == (kind.alone is not None), name
        assert (alone != stock) == (kind.stock is not None), name


def test_one_bad_submission_does_not_stop_the_class(graded):
    course, trouble, marks, kinds, stock = graded
    cut = {name for name, kind in kinds.items() if kind.corrupt}
    assert set(trouble) == (cut if stock else set())
    assert all("not appear to be JSON" in said for said in trouble.values())
    assert {student for student, _ in marks} == set(kinds)
    assert course.students() == sorted(kinds)


def test_the_report_names_everyone_links_feedback_and_marks_what_differs(graded, tmp_path):
    course, trouble, _, kinds, stock = graded

    def total(kind: Kind, stock: bool = False) -> float:
        marks = expected_marks(kind, course.source, stock=stock).values()
        return sum(mark or 0 for cells in marks for mark in cells.values())

    right = {name: total(kind) for name, kind in kinds.items()}
    rows = class_rows(course, {name: kind.says for name, kind in kinds.items()}, right, trouble)
    unfair = {name for name, kind in kinds.items() if total(kind, stock=True) != right[name]}
    assert {row.student for row in rows if not row.as_expected} == (unfair if stock else set())
    page = tmp_path / "report.html"
    write_report(rows, page, title="Class")
    text = page.read_text()
    assert all(f'<th scope="row">{name}</th>' in text for name in kinds)
    assert (
        f'href="feedback/{min(kinds)}/{course.assignment}/{notebooks_of(course.assignment)[0]}.html"' in text
    )


def test_feedback_pages_hold_no_hidden_test(graded):
    course, *_ = graded
    pages = list((course.root / "feedback").glob("*/*/*.html"))
    assert pages
    for page in pages:
        text = page.read_text()
        assert "HIDDEN TESTS" not in text and "derandomize" not in text, page
