"""What stock nbgrader 0.9.6 does, trap by trap: each test says what it does and what would be right."""

from __future__ import annotations

import pytest
from nbformat import NotebookNode, read
from nbformat.v4 import new_code_cell, new_notebook, writes

from autograder.nbgrader_compat.course import Course
from tests.courses import ASSIGNMENT
from tests.pace import PATIENT_KERNELS

CONFIG = (
    """
from pathlib import Path

c = get_config()
c.CourseDirectory.root = str(Path(__file__).resolve().parent)
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "assignments"
"""
    + PATIENT_KERNELS
)

# What a student's function may return or do, and the last line of the test cell that meets it.
LAST_VALUES = {
    "stderr": "import sys; print('just a warning', file=sys.stderr)",
    "numpy_scalar": "import numpy; numpy.float64(0.5)",
    "string": "'0.5'",
    "none": "None",
    "negative": "-1.0",
    "python_float": "0.5",
    "equals_everything": "assert Yes() == 'the right answer'",
}
STUDENT = "class Yes:\n    def __eq__(self, other):\n        return True"
SECRET = "the hidden bound is 41"


def cell(grade_id: str, source: str, *, grade: bool, points: int = 2) -> NotebookNode:
    made = new_code_cell(source, id=grade_id.replace("_", "-"))
    made.metadata["nbgrader"] = dict(
        grade_id=grade_id, schema_version=3, grade=grade, solution=not grade, locked=grade, task=False
    )
    if grade:
        made.metadata["nbgrader"]["points"] = points
    return made


def course_with(path, last_values: dict[str, str], config: str = CONFIG) -> Course:
    source = path / "solutions" / ASSIGNMENT
    source.mkdir(parents=True)
    (path / "nbgrader_config.py").write_text(config)
    cells = [cell("answer", "", grade=False)]
    cells += [cell(name, f"1 + 1\n{line}", grade=True) for name, line in last_values.items()]
    hidden = f"### BEGIN HIDDEN TESTS\nassert 1 == 2, '{SECRET}'\n### END HIDDEN TESTS"
    cells.append(cell("hidden", hidden, grade=True))
    (source / "traps.ipynb").write_text(writes(new_notebook(cells=cells)) + "\n")
    course = Course(path, ASSIGNMENT)
    course.generate_assignment()
    submitted = course.submitted("s01")
    submitted.mkdir(parents=True)
    notebook = read(course.release / "traps.ipynb", as_version=4)
    notebook.cells[0].source = STUDENT
    (submitted / "traps.ipynb").write_text(writes(notebook))
    return course


@pytest.fixture(scope="module")
def graded(tmp_path_factory) -> tuple[Course, dict[str, float | None]]:
    course = course_with(tmp_path_factory.mktemp("traps"), LAST_VALUES)
    course.autograde("s01")
    course.generate_feedback("s01")
    return course, {name: mark for _, _, name, mark, _, _ in course.grades()}


def test_any_output_on_stderr_zeroes_a_test_cell(graded):
    assert graded[1]["stderr"] == 0  # right: 2, a warning is not a failure


@pytest.mark.parametrize("last", ["numpy_scalar", "string", "none", "negative"])
def test_a_last_value_that_is_no_plain_number_counts_as_full_marks(graded, last):
    assert graded[1][last] == 2  # right: half marks for 0.5; the others are a mistake in the test


def test_a_plain_float_is_partial_credit(graded):
    assert graded[1]["python_float"] == 0.5


def test_an_object_that_equals_everything_passes(graded):
    assert graded[1]["equals_everything"] == 2  # right: 0, it is no answer


def test_a_last_value_above_the_maximum_stops_that_submission(tmp_path):
    from autograder.nbgrader_compat.course import CourseError

    course = course_with(tmp_path / "course", {"too_much": "99.0"})
    with pytest.raises(CourseError, match="points"):
        course.autograde("s01")


def test_stock_feedback_shows_the_hidden_tests(graded):
    assert SECRET in (graded[0].feedback("s01") / "traps.html").read_text()


def test_our_feedback_hides_the_hidden_tests_and_keeps_the_message(tmp_path):
    config = CONFIG + (
        "c.GenerateFeedback.exporter_class = 'autograder.pages.feedback.FeedbackExporter'\n"
        "c.GenerateFeedback.preprocessors = []\n"
    )
    course = course_with(tmp_path / "course", {}, config)
    course.autograde("s01")
    course.generate_feedback("s01")
    page = (course.feedback("s01") / "traps.html").read_text()
    assert "assert 1 == 2" not in page and "HIDDEN" not in page
    assert SECRET in page  # the message is for the student, the test is not
