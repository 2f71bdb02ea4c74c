"""``autograder report``."""

from __future__ import annotations

import argparse
from pathlib import Path

from autograder.cli.common import Complaint, add_assignment, add_course, course_around

__all__ = ["add_arguments", "run"]

SAYS = "show the marks of a graded class as a table, and write them as a page with links to the feedback"
STATUS = "Exit status: 0 if the page was written; 2 if not."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked for."""
    add_assignment(parser)
    add_course(parser)
    parser.add_argument(
        "--html",
        type=Path,
        metavar="FILE",
        help="where to write the page (default: report-ASSIGNMENT.html in the course directory)",
    )
    parser.add_argument("--db", metavar="URL", help="the gradebook (default: the course's setting)")


def run(options: argparse.Namespace) -> int:
    """Report; returns the exit status."""
    from autograder.nbgrader_compat.course import Course
    from autograder.nbgrader_compat.triage import class_triage
    from autograder.pages.report import class_rows, print_report, report_file, write_report
    from autograder.triage.lines import triage_lines

    course = Course(course_around(options.course), options.assignment, options.db)
    page = options.html or report_file(course)
    rows = class_rows(course, beside=page.parent)
    if not rows:
        raise Complaint(f"{course.layout.submitted} has no submissions of {course.assignment}")
    print_report(rows)
    triage = class_triage(course)
    for line in triage_lines(triage, f"{page} lists all of them."):
        print(line)
    try:
        write_report(rows, page, triage, title=f"Class report: {course.assignment}")
    except OSError as error:
        raise Complaint(f"{page} cannot be written: {error.strerror}") from None
    print(f"Report: {page}")
    return 0
