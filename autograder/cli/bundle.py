"""``autograder bundle``."""

from __future__ import annotations

import argparse
from pathlib import Path

from autograder.cli.common import Complaint, add_assignment, add_course, course_around

__all__ = ["add_arguments", "run"]

SAYS = "make what students, or people who work alone, are given"
STATUS = "Exit status: 0 if the bundle was made; 2 if not."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked for."""
    add_assignment(parser)
    add_course(parser)
    parser.add_argument(
        "--for",
        dest="audience",
        choices=["students", "self-learners"],
        required=True,
        help="students get the notebooks, what they import and the program that checks them, without hidden tests or answers; self-learners also the hidden tests and, compressed, the right functions that wrong answers are explained with",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="PATH",
        help="a new folder, or a file that ends in .zip (default: build/ASSIGNMENT-AUDIENCE)",
    )


def run(options: argparse.Namespace) -> int:
    """Make the bundle; returns the exit status."""
    from autograder.kit import KitError
    from autograder.nbgrader_compat.layout import course_layout
    from autograder.selfstudy.bundle import BundleError, write_bundle

    layout = course_layout(course_around(options.course))
    layout.check_assignment(options.assignment)
    target = options.out or Path("build", f"{options.assignment}-{options.audience}")
    source, release = layout.source / options.assignment, layout.release / options.assignment
    try:
        names = write_bundle(options.audience, source, release, target)
    except (BundleError, KitError, OSError) as error:
        raise Complaint(error) from None
    print("\n".join([f"{target}:", *(f"  {name}" for name in names)]))
    return 0
