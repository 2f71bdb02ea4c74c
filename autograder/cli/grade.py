"""``autograder grade``."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from autograder.cli.common import add_assignment, add_course, add_students, count, course_around

__all__ = ["add_arguments", "run"]

SAYS = "grade all submissions of an assignment, in parallel; run again, it goes on where it stopped"
STATUS = (
    "Exit status: 0 if every submission is graded and recorded; 1 if some are not; 2 if grading could not begin; "
    "130 after Ctrl-C."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked for."""
    add_assignment(parser)
    add_course(parser)
    add_students(parser)
    add = parser.add_argument
    add("--jobs", type=count, metavar="N", help="grading processes (default: one for each core)")
    add(
        "--notebook",
        type=_notebook,
        metavar="NAME",
        help="grade only this notebook, also where it is graded already; the others keep their marks",
    )
    add("--force", action="store_true", help="grade also what is graded already and has not changed")
    add(
        "--db",
        metavar="URL",
        help="the gradebook, such as postgresql://host/name (default: the course's setting)",
    )
    add(
        "--scheduler",
        metavar="URL",
        help="grade on the Dask cluster of this scheduler, such as tcp://host:8786",
    )
    add(
        "--no-lint",
        action="store_true",
        help="grade even if autograder lint says that a test must be mended first",
    )


def _notebook(text: str) -> str:
    """The name of a notebook."""
    name = text.removesuffix(".ipynb")
    if not name:
        raise argparse.ArgumentTypeError(f"{text!r} is no name of a notebook")
    return name


def run(options: argparse.Namespace) -> int:
    """Grade; returns the exit status."""
    from autograder.grading.command import run_grade
    from autograder.lint.assignment import refuse_unfit

    return run_grade(
        course_around(options.course),
        options.assignment,
        options.student,
        jobs=options.jobs,
        force=options.force,
        only=options.notebook or "",
        db_url=options.db,
        scheduler=options.scheduler,
        report=_report,
        **({} if options.no_lint else {"check": refuse_unfit}),
    )


def _report(course: Any, summary: Any) -> None:
    """Write the report of the class; what is graded is graded, also if there is no place for a page."""
    from autograder.nbgrader_compat.errors import CourseError
    from autograder.report.marks import class_marks
    from autograder.report.page import bank_of, report_file, write_report
    from autograder.report.rows import class_rows

    page = report_file(course)
    title = f"Class report: {course.assignment}"
    try:
        rows = class_rows(course, trouble=summary.trouble)
        write_report(rows, page, summary.triage, title=title, marks=class_marks(course), bank=bank_of(course))
    except OSError as error:
        print(f"autograder: {page} cannot be written: {error.strerror}", file=sys.stderr)
    except CourseError as error:
        print(f"autograder: there is no report: {error}", file=sys.stderr)
    else:
        print(f"Report: {page}")
