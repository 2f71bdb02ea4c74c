"""``autograder exam``."""

from __future__ import annotations

import argparse
from pathlib import Path

from autograder.cli.common import Complaint, add_assignment, add_course, course_around

__all__ = ["add_arguments", "run"]

SAYS = "write the tests of an assignment, without answers, into one file that autograder check uses"
STATUS = "Exit status: 0 if the file was written; 2 if not."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked for."""
    add_assignment(parser)
    add_course(parser)
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="where to write (default: build/ASSIGNMENT.exam)"
    )


def run(options: argparse.Namespace) -> int:
    """Write the exam; returns the exit status."""
    from autograder.nbgrader_compat.layout import course_layout
    from autograder.selfstudy.exams import SUFFIX, ExamError, write_exam

    layout = course_layout(course_around(options.course))
    layout.check_assignment(options.assignment)
    target = options.out or Path("build", f"{options.assignment}{SUFFIX}")
    try:
        names = write_exam(layout.source / options.assignment, layout.release / options.assignment, target)
    except (ExamError, ValueError, OSError) as error:
        raise Complaint(error) from None
    print(f"Wrote {target} with {len(names)} files")
    return 0
