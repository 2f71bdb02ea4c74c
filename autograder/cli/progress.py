"""``autograder progress``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from autograder.cli.check import assignment_folder
from autograder.cli.common import Complaint

__all__ = ["add_arguments", "run"]

SAYS = "show what is done, tried and next in all notebooks of a folder"
STATUS = "Exit status: 0 if every notebook is done; 1 if not; 2 if the folder cannot be read. Only what `autograder check` has seen counts."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked for."""
    parser.add_argument(
        "folder",
        nargs="?",
        default=".",
        metavar="FOLDER",
        help="a folder of notebooks, or the name of an assignment of the course that you are in (default: this folder)",
    )
    parser.add_argument(
        "--progress",
        type=Path,
        metavar="FILE",
        help="where attempts and best marks are kept (default: autograder-progress.json in the folder)",
    )
    parser.add_argument("--json", action="store_true", help="print one line of JSON instead of text")


def run(options: argparse.Namespace) -> int:
    """Show it; returns the exit status."""
    from autograder.selfstudy.overview import print_overview, stages
    from autograder.selfstudy.progress import ProgressError, read_progress
    from autograder.tutor.hints import PROGRESS_FILE

    folder = assignment_folder(options.folder)
    try:
        kept = read_progress(options.progress or folder / PROGRESS_FILE)
        found = stages(folder, kept.notebooks)
    except (ProgressError, ValueError) as error:
        raise Complaint(error) from None
    if not found:
        raise Complaint(f"{folder} holds no notebook with a question")
    if options.json:
        print(json.dumps({"notebooks": [one.as_json() for one in found]}))
    else:
        print_overview(folder.resolve().name, found)
    return int(any(one.state != "done" for one in found))
