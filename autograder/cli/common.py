"""What several commands ask for in the same way. Imported at every start: it imports nothing that takes long."""

from __future__ import annotations

import argparse
from pathlib import Path

from autograder.nbgrader_compat.layout import CONFIG, courses_around

__all__ = ["Complaint", "add_assignment", "add_course", "add_students", "count", "course_around"]


class Complaint(Exception):
    """What was asked for cannot be done; the message says why."""


def add_assignment(parser: argparse.ArgumentParser) -> None:
    """The name of an assignment."""
    parser.add_argument(
        "assignment", metavar="ASSIGNMENT", help="the name of the assignment: its folder of source notebooks"
    )


def add_course(parser: argparse.ArgumentParser, option: str = "--course") -> None:
    """The course directory."""
    parser.add_argument(
        option,
        type=Path,
        metavar="DIR",
        help=f"the course directory (default: the nearest folder, from here upwards, that holds {CONFIG})",
    )


def add_students(parser: argparse.ArgumentParser) -> None:
    """Some students of the class."""
    parser.add_argument("--student", action="append", metavar="ID", help="only this student; may be repeated")


def course_around(given: Path | None) -> Path:
    """The course directory that was *given*, or the nearest one from the current folder upwards.

    Raises:
        Complaint: nothing was given, and there is none.
    """
    if given is not None:
        return given
    here = Path.cwd()
    found = next(courses_around(here), None)
    if found is None:
        raise Complaint(
            f"{here} is in no course directory: no folder from here upwards holds {CONFIG}; name one with --course DIR"
        )
    return found


def count(text: str) -> int:
    """A number from 1 to 100000."""
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= 100_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 100000")
    return int(text)
