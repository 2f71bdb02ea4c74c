"""The whole path on a class made by construction: release, submissions, grading, feedback, report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from autograder.course import Course, CourseError
from autograder.feedback import write_student_pages
from autograder.kinds import Kind, expected_marks, load_kinds, write_submission
from autograder.report import Row, class_rows, print_report, write_report

__all__ = ["DemoError", "grade_class", "make_class", "run_demo"]

Step = Callable[[str], None]


class DemoError(Exception):
    """A wrong argument to the demo."""


def make_class(course: Course, kinds: Sequence[Kind]) -> None:
    """Hand in one submission of each kind, under the kind's name as the student id."""
    for kind in kinds:
        write_submission(kind, course.source, course.release, course.submitted(kind.name))


def grade_class(course: Course, on_step: Step = lambda student: None) -> dict[str, str]:
    """Grade everyone and write feedback; returns the trouble of those that could not be graded."""
    trouble = {}
    for student in course.students():
        try:
            course.autograde(student)
            course.generate_feedback(student)
        except CourseError as error:
            trouble[student] = str(error)
        on_step(student)
    return trouble


def expected_total(kind: Kind, course: Course) -> float:
    """The right sum of automatic marks of a submission of this kind."""
    return sum(
        sum(mark or 0 for mark in cells.values()) for cells in expected_marks(kind, course.source).values()
    )


def run_demo(original: Path, root: Path, names: Sequence[str] | None = None) -> list[Row]:
    """Make a course at *root*, grade a class there, and show the marks.

    Raises:
        DemoError: one of *names* is no kind.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    known = load_kinds()
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise DemoError(f"unknown kind {', '.join(unknown)}; known: {', '.join(known)}")
    kinds = [known[name] for name in names or known]
    console = Console()
    with console.status("Releasing the assignment"):
        course = Course.copy_of(original, root)
        course.generate_assignment()
    console.print(
        f"Released {len(list(course.release.glob('*.ipynb')))} notebooks into {root / 'assignments'}"
    )
    make_class(course, kinds)
    console.print(f"Made {len(kinds)} submissions in {root / 'submitted'}")
    columns = (
        TextColumn("{task.description:<7} {task.fields[student]:<8}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("Grading", total=len(kinds), student="")
        trouble = grade_class(course, lambda student: progress.update(task, advance=1, student=student))
        task = progress.add_task("Pages", total=len(kinds), student="")
        write_student_pages(course, course.students(), lambda student: progress.update(task, advance=1))
    rows = class_rows(
        course,
        {kind.name: kind.says for kind in kinds},
        {kind.name: expected_total(kind, course) for kind in kinds},
        trouble,
    )
    print_report(rows)
    page = course.root / "report.html"
    write_report(rows, page, title="Class report: quantization")
    console.print(
        f"Report: {root / 'report.html'}   gradebook: {root / 'gradebook.db'}   feedback: {root / 'feedback'}"
    )
    return rows
