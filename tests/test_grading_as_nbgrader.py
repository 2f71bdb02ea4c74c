"""``autograder grade`` leaves what ``nbgrader autograde`` leaves: every row of the gradebook and every byte of the autograded folder."""

from __future__ import annotations

import shutil

import pytest

from autograder.grading.command import local_grader
from autograder.grading.run import grade_course
from autograder.nbgrader_compat.course import Course
from autograder.simulate.demo import make_class
from tests.assignments import kinds_of
from tests.courses import ASSIGNMENT
from tests.gradebooks import everything
from tests.pace import seconds
from tests.thorough import THOROUGH

REGRADED = ["s01", "s04", "s14", "s19"]
# Of every way to hand something in one: right, wrong, late, with other files, cut off, not all of it, an object for an answer, another's id.
KINDS = kinds_of("quantization")
CLASS = [*KINDS] if THOROUGH else [*REGRADED, "s02", "s03", "s05", "s07", "s13", "s20", "s23"]


def by_nbgrader(course, students):
    for student in students:
        course.autograde(student)


def by_us(course, students):
    summary = grade_course(course, local_grader(2), students, force=True)
    assert not summary.trouble and not summary.stopped
    assert sorted(summary.graded) == sorted(students)


@pytest.fixture(scope="module")
def courses(root, tmp_path_factory):
    """A class, some of it late, with other files, or with a timestamp that says nothing: twice."""
    base = tmp_path_factory.mktemp("twice")
    course = Course.copy_of(root, base / "nbgrader", ASSIGNMENT)
    config = course.root / "nbgrader_config.py"
    config.write_text(
        config.read_text()
        + f"""
c.Examine.cell_seconds = {seconds(4)}
c.Examine.call_seconds = {seconds(5)}
c.Examine.total_seconds = {seconds(120)}
c.LateSubmissionPlugin.penalty_method = "zero"
"""
    )
    course = Course(course.root, ASSIGNMENT)
    course.generate_assignment()
    make_class(course, [KINDS[name] for name in CLASS])
    with course.gradebook() as book:
        book.update_or_create_assignment("quantization", duedate="2026-01-01 00:00:00 UTC")
        book.add_student("s07", first_name="Given", last_name="Family", email="s07@example.org")
    for student, when in {
        "s01": "2026-02-01 00:00:00 UTC",
        "s02": "2025-02-01 12:00:00 UTC",
        "s03": "whenever",
        "s14": "2026-01-02 00:00:00 +0100",
    }.items():
        (course.submitted(student) / "timestamp.txt").write_text(when)
    (course.submitted("s04") / "more").mkdir()
    (course.submitted("s04") / "more" / "data.csv").write_text("1,2\n")
    (course.submitted("s04") / "another.ipynb").write_text("{}")
    (course.source / "table.csv").write_text("a,b\n")
    (course.submitted("s05") / "table.csv").write_text("mine\n")
    return course, Course(shutil.copytree(course.root, base / "autograder"), ASSIGNMENT)


def test_the_whole_class_leaves_the_same_rows_and_the_same_files(courses):
    ours, theirs = courses[1], courses[0]
    by_nbgrader(theirs, theirs.students())
    by_us(ours, ours.students())
    assert everything(ours) == everything(theirs)


def test_graded_again_after_a_person_graded_they_are_still_the_same(courses):
    for course in courses:
        with course.gradebook() as book:
            for student in REGRADED:
                grade = book.find_grade("explain", "1_predict", "quantization", student)
                grade.manual_score, grade.extra_credit, grade.needs_manual_grade = 2.5, 1, False
                book.find_grade("itl_hidden", "1_predict", "quantization", student).manual_score = 1
                book.find_comment(
                    "explain", "1_predict", "quantization", student
                ).manual_comment = "Read again."
                book.find_submission_notebook("1_predict", "quantization", student).flagged = True
            book.find_submission("quantization", "s14").extension = None
            book.db.commit()
        (course.submitted("s01") / "timestamp.txt").write_text("2025-12-01 00:00:00 UTC")
        (course.submitted("s04") / "2_crossover.ipynb").unlink()
        shutil.rmtree(course.submitted("s04") / "more")
        shutil.copy(course.submitted("s02") / "3_frontier.ipynb", course.submitted("s14"))
    before = everything(courses[1])
    by_nbgrader(courses[0], REGRADED)
    by_us(courses[1], REGRADED)
    after = everything(courses[1])
    assert after == everything(courses[0])
    assert after != before


def test_feedback_and_export_follow_as_from_nbgrader(courses):
    pages = []
    for course in courses:
        course.generate_feedback("s04")
        pages.append({path.name: path.read_bytes() for path in sorted(course.feedback("s04").glob("*.html"))})
    assert len(pages[0]) == len(courses[0].source_notebooks()) - 1 and pages[0] == pages[1]
    scores = []
    for course in courses:
        with course.gradebook() as book:
            submissions = sorted(
                book.assignment_submissions("quantization"), key=lambda found: found.student.id
            )
            scores.append(
                [
                    (s.student.id, s.score, s.max_score, s.needs_manual_grade, s.total_seconds_late)
                    for s in submissions
                ]
            )
    assert scores[0] == scores[1] and len(scores[0]) == len(CLASS)
