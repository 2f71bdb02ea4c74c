"""``autograder check``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from autograder.cli.common import Complaint, course_around
from autograder.files.source import copies_told, source_notebooks

__all__ = ["add_arguments", "assignment_folder", "run"]

SAYS = "run the visible and hidden tests on your own notebooks"
STATUS = "Exit status: 0 if every test has full marks; 1 if not, or if hidden tests were not run and --public was not given; 2 if a notebook could not be checked. What a notebook may use (packages, time, memory, files) is said by what-you-may-use.md beside it."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked for."""
    add = parser.add_argument
    add(
        "notebooks",
        nargs="+",
        metavar="NOTEBOOK",
        help="a notebook, a folder of notebooks, or the name of an assignment of the course that you are in",
    )
    add("--html", type=Path, metavar="FILE", help="also write a page with your answers, marks and messages")
    add("--json", action="store_true", help="print one line of JSON instead of text")
    add(
        "--watch",
        action="store_true",
        help="check again whenever a notebook is saved, and print what changed",
    )
    add(
        "--hint",
        action="store_true",
        help="print the next hint for the first part that fails and was tried; the next one comes after another attempt",
    )
    add(
        "--hint-for",
        metavar="PART",
        help="the same for one test or answer cell, by its name in the scorecard",
    )
    add("--public", action="store_true", help="leave the hidden tests out")
    add(
        "--exam",
        type=Path,
        metavar="PATH",
        help="take the tests from this exam file, or from the notebooks in this folder (default: the exam file beside the notebook, the course, or the tests that the notebook shows)",
    )
    add(
        "--progress",
        type=Path,
        metavar="FILE",
        help="where attempts, best marks and hints are kept (default: autograder-progress.json beside the notebook)",
    )
    add("--no-progress", action="store_true", help="keep and show no progress")


def run(options: argparse.Namespace) -> int:
    """Check; returns the exit status."""
    if options.no_progress and (options.hint or options.hint_for or options.progress):
        raise Complaint("--no-progress allows neither hints, which are counted, nor --progress")
    options.notebooks = [path for name in options.notebooks for path in _notebooks(name)]
    from autograder.selfstudy.command import Checking, run_check

    return run_check(Checking(**{name: getattr(options, name) for name in Checking.__dataclass_fields__}))


def _notebooks(name: str) -> Iterator[Path]:
    """What *name* stands for: a notebook, or those of a folder, of which copies are left out."""
    path = Path(name)
    if path.suffix.lower() == ".ipynb":
        yield path
        return
    folder = assignment_folder(name)
    found = source_notebooks(folder)
    if not found:
        raise Complaint(f"{folder} holds no notebook")
    for sentence in copies_told(folder.resolve()):
        print(f"autograder: {sentence}", file=sys.stderr)
    yield from found


def assignment_folder(name: str) -> Path:
    """The folder *name*, or the released notebooks of the assignment *name* of the course around.

    Raises:
        Complaint: it is neither.
    """
    if Path(name).is_dir():
        return Path(name)
    try:
        root = course_around(None)
    except Complaint:
        raise Complaint(
            f"{name!r} is neither a notebook nor a folder, and there is no course here that could have an assignment of that name"
        ) from None
    from autograder.nbgrader_compat.layout import course_layout

    layout = course_layout(root)
    layout.check_assignment(name)
    if not (layout.release / name).is_dir():
        raise Complaint(f"{layout.release / name} is not there: release the assignment first")
    return layout.release / name
