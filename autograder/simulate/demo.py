"""The whole path on a class made by construction: release, submissions, grading, feedback, report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.grading.command import Bar, local_grader
from autograder.grading.run import Summary, grade_course
from autograder.nbgrader_compat.course import Course, CourseError
from autograder.pages.feedback import write_student_pages
from autograder.pages.report import Row, class_rows, print_report, write_report
from autograder.simulate.kinds import Kind, expected_marks, load_kinds, write_submission

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["DemoError", "grade_class", "make_class", "run_demo"]


class DemoError(Exception):
    """A wrong argument to the demo."""


def make_class(course: Course, kinds: Sequence[Kind]) -> None:
    """Hand in one submission of each kind, under the kind's name as the student id."""
    for kind in kinds:
        write_submission(kind, course.source, course.release, course.submitted(kind.name))


def grade_class(course: Course, console: Console | None = None) -> Summary:
    """Grade everyone in parallel and write feedback, with progress on *console*; the summary's trouble holds what could not be done."""
    from rich.progress import track

    if console is None:
        summary = grade_course(course, local_grader())
    else:
        with Bar(console) as bar:
            summary = grade_course(course, local_grader(), progress=bar)
    for student in track(summary.graded, "Feedback", console=console, disable=console is None):
        try:
            course.generate_feedback(student)
        except CourseError as error:
            summary.trouble[student] = str(error)
    return summary


def expected_total(kind: Kind, course: Course) -> float:
    """The right sum of automatic marks of a submission of this kind."""
    return sum(
        sum(mark or 0 for mark in cells.values()) for cells in expected_marks(kind, course.source).values()
    )


def run_demo(original: Path, root: Path, assignment: str, names: Sequence[str] | None = None) -> list[Row]:
    """Make a course at *root*, grade a class there, and show the marks.

    Raises:
        DemoError: one of *names* is no kind.
    """
    from rich.console import Console
    from rich.progress import Progress

    known = load_kinds(Course(original, assignment).source)
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise DemoError(f"unknown kind {', '.join(unknown)}; known: {', '.join(known)}")
    kinds = [known[name] for name in names or known]
    console = Console()
    with console.status("Releasing the assignment"):
        course = Course.copy_of(original, root, assignment)
        course.generate_assignment()
    console.print(f"Released {len(list(course.release.glob('*.ipynb')))} notebooks into {course.release}")
    make_class(course, kinds)
    console.print(f"Made {len(kinds)} submissions in {course.layout.submitted}")
    summary = grade_class(course, console)
    with Progress(console=console) as progress:
        task = progress.add_task("Pages", total=len(kinds))
        write_student_pages(course, course.students(), lambda student: progress.update(task, advance=1))
    rows = class_rows(
        course,
        {kind.name: kind.says for kind in kinds},
        {kind.name: expected_total(kind, course) for kind in kinds},
        summary.trouble,
    )
    print_report(rows)
    page = course.root / f"report-{assignment}.html"
    write_report(rows, page, title=f"Class report: {assignment}")
    console.print(f"Report: {page}   gradebook: {course.shown_db_url}   feedback: {course.layout.feedback}")
    return rows
