"""``autograder feedback``."""

from __future__ import annotations

import argparse
import sys

from autograder.cli.common import Complaint, add_assignment, add_course, add_students, course_around

__all__ = ["add_arguments", "run"]

SAYS = "write a page for each student of a graded class, with all notebooks, marks and reasons"
STATUS = "Exit status: 0 if every page was written; 2 if not."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked for."""
    add_assignment(parser)
    add_course(parser)
    add_students(parser)


def run(options: argparse.Namespace) -> int:
    """Write the pages; returns the exit status."""
    from rich.progress import Progress

    from autograder.nbgrader_compat.course import Course
    from autograder.pages.feedback import write_student_pages
    from autograder.terminal import terminal

    course = Course(course_around(options.course), options.assignment)
    students = options.student or course.students()
    if not students:
        raise Complaint(f"{course.layout.submitted} has no submissions of {course.assignment}")
    with Progress(console=terminal()) as progress:
        task = progress.add_task("Pages", total=len(students))
        missing = write_student_pages(course, students, lambda student: progress.update(task, advance=1))
    for student in missing:
        print(f"autograder: there is nothing of {student!r} in the gradebook: no page", file=sys.stderr)
    written = [student for student in students if student not in missing]
    if written:
        print(f"Wrote {len(written)} pages, such as {course.student_page(written[0])}")
    return 2 if missing else 0
