"""``autograder new``."""

from __future__ import annotations

import argparse
import re
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from autograder.cli.common import Complaint, add_course, course_around

__all__ = ["add_arguments", "run"]

SAYS = "write a small assignment to start from: a notebook with three kinds of tests, and a kit"
STATUS = "Exit status: 0 if the assignment was written; 2 if not."
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked for."""
    parser.add_argument("name", metavar="NAME", help="the name of the new assignment")
    add_course(parser)


def run(options: argparse.Namespace) -> int:
    """Write the assignment; returns the exit status."""
    from autograder.nbgrader_compat.layout import source_folder

    if not NAME.fullmatch(options.name):
        raise Complaint(
            f"{options.name!r} is no name for an assignment: use letters, digits, underscores, points and hyphens"
        )
    folder = source_folder(course_around(options.course).resolve()) / options.name
    if folder.exists():
        raise Complaint(f"{folder} is there already: choose another name")
    try:
        _write(resources.files("autograder").joinpath("data", "new"), folder, options.name)
    except OSError as error:
        raise Complaint(f"{folder} cannot be written: {error.strerror}") from None
    print(
        f"Wrote {folder}\n"
        f"See it graded:      autograder demo {options.name}\n"
        f"Release it:         nbgrader generate_assignment {options.name}"
    )
    return 0


def _write(template: Traversable, folder: Path, name: str) -> None:
    folder.mkdir(parents=True)
    for entry in template.iterdir():
        if entry.is_dir():
            _write(entry, folder / entry.name, name)
        elif entry.name.endswith(".in"):
            text = entry.read_text("utf-8").replace("@NAME@", name)
            (folder / entry.name.removesuffix(".in")).write_text(text, "utf-8")
