"""``autograder export``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from autograder.cli.common import Complaint, add_assignment, add_course, course_around

__all__ = ["add_arguments", "run"]

SAYS = "write the marks of a graded class in the form that Canvas, Moodle or Gradescope takes, or as a plain table"
STATUS = "Exit status: 0 if the marks were written; 2 if not."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked for."""
    add_assignment(parser)
    add_course(parser)
    add = parser.add_argument
    add(
        "--for",
        dest="form",
        required=True,
        choices=("canvas", "moodle", "gradescope", "csv"),
        help="who is to read it",
    )
    add(
        "--out",
        type=Path,
        metavar="FILE",
        help="where to write it (default: ASSIGNMENT-FORM.csv in the course directory; for gradescope a folder)",
    )
    add("--by-question", action="store_true", help="a column for each question, in place of one for all")
    add(
        "--roster",
        type=Path,
        metavar="FILE",
        help="a CSV file that says who is who, such as what the other system exports; only who is in it is written",
    )
    add("--key", metavar="COLUMN", help="the column of the roster that holds the ids of the gradebook")
    add(
        "--incomplete",
        action="store_true",
        help="write them even if some marks still wait for a person; these count as no points",
    )
    add("--db", metavar="URL", help="the gradebook (default: the course's setting)")


def run(options: argparse.Namespace) -> int:
    """Export; returns the exit status."""
    from contextlib import closing

    from autograder.nbgrader_compat.course import Course
    from autograder.nbgrader_compat.lock_wait import LockWait
    from autograder.nbgrader_compat.records import Records
    from autograder.report.exports import ungraded, waiting, write_export
    from autograder.report.marks import class_marks
    from autograder.report.roster import RosterError, read_roster
    from autograder.terminal import some

    if options.key and not options.roster:
        raise Complaint(f"--key {options.key} names a column of a roster: say which one with --roster FILE")
    course = Course(course_around(options.course), options.assignment, options.db)
    marks = class_marks(course)
    if not marks.marks:
        raise Complaint(f"{course.layout.submitted} has no submissions of {course.assignment}")
    not_graded = ungraded(marks)
    if not_graded and not options.incomplete:
        raise Complaint(
            f"{len(not_graded)} of {len(marks.students)} students are not graded, or not wholly ({some(not_graded)}): "
            f"run autograder grade {course.assignment} first, or add --incomplete, and what is not graded counts as no points"
        )
    open_marks = waiting(marks)
    if open_marks and not options.incomplete:
        raise Complaint(
            f"{sum(open_marks.values())} marks of {len(open_marks)} students wait for a person ({some(list(open_marks))}): "
            "give them in Formgrader first, or add --incomplete, and they count as no points"
        )
    if course.late.rules and not options.incomplete:
        with closing(Records(course, LockWait(course))) as records:
            stale = records.penalties_anew(marks.students, keep=False)
        if stale:
            raise Complaint(
                f"the late penalties of {len(stale)} students are not those of their present marks and due dates ({some(stale)}): "
                f"run autograder grade {course.assignment}, which grades nothing again, or add --incomplete"
            )
    people = None
    if options.roster:
        try:
            roster = read_roster(options.roster, marks.students, options.key)
        except RosterError as error:
            raise Complaint(str(error)) from None
        people = roster.people
        print(f"Matched by the roster's column {roster.key!r}.")
        if roster.unknown:
            print(f"Not in the roster, left out: {some(roster.unknown)}", file=sys.stderr)
        if roster.without:
            print(f"In the roster, without a submission, left out: {some(roster.without)}", file=sys.stderr)
    ending = "" if options.form == "gradescope" else ".csv"
    place = options.out or course.root / f"{course.assignment}-{options.form}{ending}"
    try:
        write_export(options.form, marks, place, people, options.by_question)
    except OSError as error:
        raise Complaint(f"{place} cannot be written: {error.strerror}") from None
    count = sum(people is None or student in people for student in marks.students)
    print(f"Marks of {count} students: {place}")
    return 0
