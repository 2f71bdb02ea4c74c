"""``autograder demo``."""

from __future__ import annotations

import argparse
from pathlib import Path

from autograder.cli.common import Complaint, add_course, count, course_around

__all__ = ["add_arguments", "run"]

SAYS = "in a copy of the course: release an assignment, make a class, grade it, write feedback and a report"
STATUS = "Exit status: 0 if all was done and every mark is the right one; 1 if a mark is not; 2 if it could not be done."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked for."""
    parser.add_argument(
        "assignment",
        metavar="ASSIGNMENT",
        nargs="?",
        help="the name of the assignment (default: each one whose kit says what kinds of submission there are)",
    )
    add_course(parser, "--from")
    parser.add_argument(
        "--course",
        type=Path,
        default=Path("build/demo"),
        metavar="DIR",
        help="where to make the copy; what is there is removed (default: %(default)s)",
    )
    parser.add_argument(
        "--students",
        type=count,
        default=40,
        metavar="N",
        help="how many students there are at least (default: %(default)s): one of each kind, and then some with several slips",
    )
    parser.add_argument(
        "--kinds", nargs="+", metavar="KIND", help="only these kinds of submission, such as s01 s04"
    )


def run(options: argparse.Namespace) -> int:
    """Show it all; returns the exit status."""
    from autograder.simulate.demo import DemoError, demonstrable, run_demo

    original = course_around(getattr(options, "from"))
    try:
        names = [options.assignment] if options.assignment else demonstrable(original)
        return run_demo(original, options.course, names, options.kinds, options.students)
    except DemoError as error:
        raise Complaint(error) from None
