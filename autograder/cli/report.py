"""``autograder report``."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from autograder.cli.common import Complaint, add_assignment, add_course, course_around

__all__ = ["add_arguments", "run"]

SAYS = (
    "show the marks of a graded class as a table, and write a page: how the class did, which questions were hard, "
    "what is misunderstood, who needs help, and everyone's marks"
)
STATUS = "Exit status: 0 if everything was written; 2 if not."


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
    parser.add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        help="write all figures of the page there, and a row for each mark",
    )
    parser.add_argument(
        "--csv", type=Path, metavar="FILE", help="write a row for each student and question there"
    )
    parser.add_argument("--db", metavar="URL", help="the gradebook (default: the course's setting)")


def run(options: argparse.Namespace) -> int:
    """Report; returns the exit status."""
    from autograder.files.source import copies_told
    from autograder.nbgrader_compat.course import Course
    from autograder.nbgrader_compat.triage import class_triage
    from autograder.report.marks import class_marks
    from autograder.report.page import bank_of, report_file, write_report
    from autograder.report.rows import class_rows, print_report
    from autograder.report.tables import write_csv, write_json
    from autograder.triage.lines import triage_lines

    course = Course(course_around(options.course), options.assignment, options.db)
    page = options.html or report_file(course)
    places = [file.absolute() for file in (page, options.json, options.csv) if file is not None]
    if len({*places}) < len(places):
        raise Complaint(
            "--html, --json and --csv must name different files: one would be written over another"
        )
    rows = class_rows(course, beside=page.parent)
    if not rows:
        raise Complaint(f"{course.layout.submitted} has no submissions of {course.assignment}")
    for sentence in copies_told(course.source):
        print(sentence)
    print_report(rows)
    triage, marks, bank = class_triage(course), class_marks(course), bank_of(course)
    for line in triage_lines(triage, f"{page} lists all of them."):
        print(line)
    title = f"Class report: {course.assignment}"
    wanted: list[tuple[str, Path | None, Callable[[Path], None]]] = [
        ("Report", page, lambda file: write_report(rows, file, triage, title=title, marks=marks, bank=bank)),
        ("Figures", options.json, lambda file: write_json(marks, bank, file)),
        ("Figures", options.csv, lambda file: write_csv(marks, file)),
    ]
    for what, place, write in wanted:
        if place is not None:
            try:
                write(place)
            except OSError as error:
                raise Complaint(f"{place} cannot be written: {error.strerror}") from None
            print(f"{what}: {place}")
    return 0
