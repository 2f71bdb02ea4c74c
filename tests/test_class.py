"""The class, graded both ways: by the examiner, which must be right, and by stock nbgrader, which is right where it is fair."""

from __future__ import annotations

from collections import defaultdict

import pytest

from autograder.nbgrader_compat.course import Course, CourseError
from autograder.pages.report import class_rows, write_report
from autograder.simulate.demo import grade_class, make_class
from autograder.simulate.kinds import expected_marks
from benchmarks.stock import STOCK
from tests.assignments import kinds_of
from tests.courses import ASSIGNMENT
from tests.pace import patient_kernels, seconds

KINDS = kinds_of("quantization")
# Where stock execution gives other marks than the right ones, and why.
UNFAIR = {
    "s03": "output on stderr zeroes a test cell",
    "s13": "a notebook that cannot be read stops the whole submission",
    "s20": "an object that equals everything passes every assert",
    "s23": "nobody compares the id in a notebook with the one that it was handed in under",
}


def examiner() -> str:
    """Settings that give a loop up soon, but not honest work on a busy machine."""
    return f"c.Examine.cell_seconds = {seconds(4)}\nc.Examine.call_seconds = {seconds(2)}\nc.Examine.total_seconds = {seconds(120)}\n"


def stock_grading(course: Course) -> dict[str, str]:
    """As ``nbgrader autograde`` and ``generate_feedback``; returns the trouble of those that could not be graded."""
    trouble = {}
    for student in course.students():
        try:
            course.autograde(student)
            if student in ("s01", "s04"):  # it takes as long as the grading, and is the same for all
                course.generate_feedback(student)
        except CourseError as error:
            trouble[student] = str(error)
    return trouble


@pytest.fixture(scope="module", params=["examiner", "stock"])
def graded(request, root, tmp_path_factory):
    course = Course.copy_of(root, tmp_path_factory.mktemp("class") / "course", ASSIGNMENT)
    config = course.root / "nbgrader_config.py"
    config.write_text(
        config.read_text() + (examiner() if request.param == "examiner" else STOCK + patient_kernels(8))
    )
    course = Course(course.root, ASSIGNMENT)
    course.generate_assignment()
    make_class(course, list(KINDS.values()))
    trouble = grade_class(course).trouble if request.param == "examiner" else stock_grading(course)
    marks = defaultdict(dict)
    for student, notebook, cell, mark, _, _ in course.grades():
        marks[student, notebook][cell] = mark
    return course, trouble, marks, request.param == "stock"


@pytest.mark.parametrize("name", KINDS)
def test_every_submission_gets_the_marks_written_beside_its_kind(graded, name):
    course, _, marks, stock = graded
    for notebook, cells in expected_marks(KINDS[name], course.source, stock=stock).items():
        got = {cell: marks[name, notebook].get(cell) for cell in cells}
        assert got == cells


def test_stock_grading_is_right_but_for_the_known_unfair_kinds(root):
    source = root / "solutions" / "quantization"
    unfair = {
        k for k in KINDS if expected_marks(KINDS[k], source) != expected_marks(KINDS[k], source, stock=True)
    }
    assert unfair == set(UNFAIR)


def test_one_bad_submission_does_not_stop_the_class(graded):
    course, trouble, marks, stock = graded
    assert set(trouble) == ({"s13"} if stock else set())
    assert not stock or "not appear to be JSON" in trouble["s13"]
    assert {student for student, _ in marks} == set(KINDS)
    assert course.students() == sorted(KINDS)


def test_the_report_names_everyone_links_feedback_and_marks_what_differs(graded, tmp_path):
    course, trouble, _, stock = graded
    right = {
        k: sum(m or 0 for c in expected_marks(kind, course.source).values() for m in c.values())
        for k, kind in KINDS.items()
    }
    rows = class_rows(course, {k: kind.says for k, kind in KINDS.items()}, right, trouble)
    assert {row.student for row in rows if not row.as_expected} == (set(UNFAIR) if stock else set())
    page = tmp_path / "report.html"
    write_report(rows, page, title="Class")
    text = page.read_text()
    assert all(f'<th scope="row">{name}</th>' in text for name in KINDS)
    assert 'href="feedback/s01/quantization/0_self_check.html"' in text


def test_feedback_pages_hold_no_hidden_test(graded):
    course, *_ = graded
    for page in (course.root / "feedback").glob("*/*/*.html"):
        text = page.read_text()
        assert "HIDDEN TESTS" not in text and "derandomize" not in text, page
