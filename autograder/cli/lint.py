"""``autograder lint``."""

from __future__ import annotations

import argparse

from autograder.cli.common import Complaint, add_assignment, add_course, course_around

__all__ = ["add_arguments", "run"]

SAYS = "examine an assignment's own solutions, here and in a stock kernel, and say which tests to mend before a class is graded"
STATUS = (
    "Exit status: 0 if nothing must be mended; 1 if something must; 2 if the assignment cannot be examined."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked for."""
    add_assignment(parser)
    add_course(parser)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="leave out the stock kernel and the notebooks as they are released, which take some seconds for each notebook",
    )
    parser.add_argument("--json", action="store_true", help="print one line of JSON instead of text")


def run(options: argparse.Namespace) -> int:
    """Examine the assignment; returns the exit status."""
    from autograder.lint.assignment import LintError, lint_assignment
    from autograder.lint.report import print_report
    from autograder.nbgrader_compat.course import Course
    from autograder.terminal import terminal

    console = terminal()
    try:
        with console.status("Examining the assignment"):
            course = Course(course_around(options.course), options.assignment)
            report = lint_assignment(course, quick=options.quick)
    except LintError as error:
        raise Complaint(str(error)) from None
    if options.json:
        print(report.dumps())
    else:
        print_report(report, console)
    return report.exit_status
