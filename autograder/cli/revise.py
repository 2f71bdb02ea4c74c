"""``autograder revise``."""

from __future__ import annotations

import argparse

from autograder.cli.common import add_assignment, add_course, count, course_around

__all__ = ["add_arguments", "run"]

SAYS = (
    "change an assignment that is out: say which questions of the source are changed and whose total would be another one, "
    "and with --apply let the gradebook and the release follow"
)
STATUS = "Exit status: 0 if the changes are shown, or made; 2 if nothing could be done; 130 after Ctrl-C."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked for."""
    add_assignment(parser)
    add_course(parser)
    add = parser.add_argument
    add("--apply", action="store_true", help="make the changes; without it they are only shown")
    add(
        "--rename",
        action="append",
        default=[],
        metavar="OLD=NEW",
        help="the cell OLD is called NEW now; NOTEBOOK/OLD=NEW if several notebooks have one; may be repeated",
    )
    add("--jobs", type=count, metavar="N", help="grading processes (default: one for each core)")
    add("--db", metavar="URL", help="the gradebook (default: the course's setting)")
    add(
        "--no-lint",
        action="store_true",
        help="go on even if autograder lint says that a test must be mended first",
    )


def run(options: argparse.Namespace) -> int:
    """Show or change; returns the exit status."""
    from autograder.lint.assignment import refuse_unfit
    from autograder.revision.command import run_revise

    return run_revise(
        course_around(options.course),
        options.assignment,
        options.rename,
        apply=options.apply,
        jobs=options.jobs,
        db_url=options.db,
        **({} if options.no_lint else {"check": refuse_unfit}),
    )
