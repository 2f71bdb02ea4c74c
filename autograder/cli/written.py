"""``autograder written``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from autograder.cli.common import Complaint, add_assignment, add_course, course_around

__all__ = ["add_arguments", "run"]

SAYS = "write all written answers of a class into a table, one question after another, or record the marks from one"
STATUS = (
    "Exit status: 0 if the table was written, or everything filled in it is recorded; 1 if some rows are refused; "
    "2 if nothing could be done."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked for."""
    add_assignment(parser)
    add_course(parser)
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument("--out", type=Path, metavar="FILE", help="write the answers there, as CSV")
    way.add_argument(
        "--in",
        dest="filled",
        type=Path,
        metavar="FILE",
        help="record the points and comments that somebody wrote into such a file; what is empty changes nothing",
    )
    parser.add_argument("--notebook", metavar="NAME", help="with --out: only the answers in this notebook")
    parser.add_argument("--anonymous", action="store_true", help="with --out: leave the students' names out")
    parser.add_argument("--db", metavar="URL", help="the gradebook (default: the course's setting)")


def run(options: argparse.Namespace) -> int:
    """Write or record; returns the exit status."""
    from autograder.nbgrader_compat.course import Course
    from autograder.report.answer_table import read_marks, record, write_answers
    from autograder.report.written import WrittenError, written_answers

    course = Course(course_around(options.course), options.assignment, options.db)
    try:
        if options.out:
            answers = written_answers(course, options.notebook)
        else:
            outcome = record(course, read_marks(options.filled))
    except WrittenError as error:
        raise Complaint(str(error)) from None
    if options.out:
        try:
            write_answers(answers, options.out, options.anonymous)
        except OSError as error:
            raise Complaint(f"{options.out} cannot be written: {error.strerror}") from None
        print(f"{len(answers)} answers: {options.out}")
        return 0
    for line in outcome.recorded:
        print(line)
    for line in outcome.refused:
        print(f"refused: {line}", file=sys.stderr)
    print(
        f"{len(outcome.recorded)} recorded, {outcome.already} were so already, {len(outcome.refused)} refused."
    )
    return 1 if outcome.refused else 0
