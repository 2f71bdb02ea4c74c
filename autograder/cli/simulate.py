"""``autograder simulate``."""

from __future__ import annotations

import argparse
from pathlib import Path

from autograder.cli.common import Complaint, add_assignment, add_course, count, course_around

__all__ = ["add_arguments", "run"]

SAYS = "make a course with a class of any size whose right marks are known, or check its marks"
STATUS = "Exit status: 0 if the class was made, or every mark is right; 1 if a mark is not; 2 if it could not be done."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked for."""
    add_assignment(parser)
    add_course(parser, "--from")
    add = parser.add_argument
    add(
        "--course",
        type=Path,
        default=Path("build/simulated"),
        metavar="DIR",
        help="the course with the simulated class; made if it is not there (default: %(default)s)",
    )
    add("--students", type=count, metavar="N", help="how many submissions to make")
    add("--seed", type=int, default=0, help="another seed makes another class (default: %(default)s)")
    add("--check", action="store_true", help="compare the gradebook with the right marks")
    add("--db", metavar="URL", help="the gradebook to check (default: the course's setting)")


def run(options: argparse.Namespace) -> int:
    """Make a class, or check its marks; returns the exit status."""
    from autograder.nbgrader_compat.layout import CONFIG
    from autograder.simulate.simulated import SimulationError, run_comparison, run_simulate

    try:
        if options.check:
            return run_comparison(options.course, options.assignment, options.db)
        if options.students is None:
            raise Complaint("say how many submissions to make, --students N, or --check")
        there = (options.course / CONFIG).is_file()
        original = options.course if there else course_around(getattr(options, "from"))
        run_simulate(original, options.course, options.assignment, options.students, options.seed)
    except SimulationError as error:
        raise Complaint(error) from None
    return 0
