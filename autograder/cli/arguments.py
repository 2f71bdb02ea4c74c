"""What can be asked for on the command line. Imported at every start: it imports nothing that takes long."""

from __future__ import annotations

import argparse
from pathlib import Path

__all__ = ["build_parser"]

STATUS = "Exit status: 0 if every test has full marks; 1 if not, or if hidden tests were not run and --public was not given; 2 if a notebook could not be checked."


def build_parser(root: Path) -> argparse.ArgumentParser:
    """The parser; *root* is the repository, where some defaults lie."""
    parser = argparse.ArgumentParser(prog="autograder", description="Grade the quantization assignment.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, says: str, epilog: str = "") -> argparse.ArgumentParser:
        return commands.add_parser(name, help=says, description=says, epilog=epilog)

    _add_demo(command("demo", "release, make a class, grade it, write feedback and a report"))
    _add_check(command("check", "run the visible and hidden tests on your own notebooks", STATUS))
    _add_grade(
        command(
            "grade", "grade all submissions of a course, in parallel; run again, it goes on where it stopped"
        )
    )
    _add_simulate(
        command(
            "simulate",
            "make a course with a class of any size whose right marks are known, or check its marks",
        )
    )
    _add_feedback(command("feedback", "write each student's page of a graded course"))
    _add_bundle(command("bundle", "make what students, or people who work alone, are given"), root)
    _add_exam(
        command("exam", "take the tests of the source notebooks into the package, without answers"), root
    )
    return parser


def _add_demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("assignment", help="the assignment")
    parser.add_argument(
        "--course",
        type=Path,
        default=Path("build/demo"),
        help="where to make the course (default: %(default)s)",
    )
    parser.add_argument(
        "--kinds", nargs="+", metavar="KIND", help="only these kinds of submission, such as s01 s04"
    )


def _add_grade(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("assignment", help="the assignment")
    parser.add_argument(
        "--course", type=Path, default=Path(), metavar="DIR", help="the course directory (default: here)"
    )
    parser.add_argument(
        "--jobs", type=_count, metavar="N", help="grading processes (default: one for each core)"
    )
    parser.add_argument("--student", action="append", metavar="ID", help="only this student; may be repeated")
    parser.add_argument(
        "--force", action="store_true", help="grade also what is graded already and has not changed"
    )
    parser.add_argument(
        "--db",
        metavar="URL",
        help="the gradebook, such as postgresql://host/name (default: the course's setting)",
    )
    parser.add_argument(
        "--scheduler",
        metavar="URL",
        help="grade on the Dask cluster of this scheduler, such as tcp://host:8786",
    )


def _add_simulate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("assignment", help="the assignment")
    parser.add_argument(
        "--course",
        type=Path,
        default=Path("build/simulated"),
        metavar="DIR",
        help="the course directory (default: %(default)s)",
    )
    parser.add_argument("--students", type=_count, metavar="N", help="how many submissions to make")
    parser.add_argument(
        "--seed", type=int, default=0, help="another seed makes another class (default: %(default)s)"
    )
    parser.add_argument("--check", action="store_true", help="compare the gradebook with the right marks")
    parser.add_argument("--db", metavar="URL", help="the gradebook to check (default: the course's setting)")


def _add_check(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("notebooks", nargs="+", type=Path, metavar="NOTEBOOK", help="a notebook of the assignment")
    add("--html", type=Path, metavar="FILE", help="also write a page with your answers, marks and messages")
    add("--json", action="store_true", help="print one line of JSON instead of text")
    add("--watch", action="store_true", help="check again whenever a notebook is saved")
    add(
        "--hint",
        action="store_true",
        help="print the next hint for what fails; the next one comes after another attempt",
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
        metavar="DIR",
        help="take the tests from the notebooks in DIR (default: those of the package)",
    )
    add(
        "--progress",
        type=Path,
        metavar="FILE",
        help="where attempts, best marks and hints are kept (default: autograder-progress.json beside the notebook)",
    )
    add("--no-progress", action="store_true", help="keep and show no progress")


def _add_feedback(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("assignment", help="the assignment")
    add("--course", type=Path, default=Path(), metavar="DIR", help="the course directory (default: here)")
    add("--student", action="append", metavar="ID", help="only this student; may be repeated")


def _add_bundle(parser: argparse.ArgumentParser, root: Path) -> None:
    add = parser.add_argument
    add("assignment", help="the assignment")
    add(
        "--for",
        dest="audience",
        choices=["students", "self-learners"],
        required=True,
        help="students get the notebooks and the library, without hidden tests or answers; self-learners also the examiner with its hidden tests and, compressed, the right functions that wrong answers are explained with",
    )
    add(
        "--course",
        type=Path,
        default=root,
        metavar="DIR",
        help="the course directory (default: this repository)",
    )
    add(
        "--out",
        type=Path,
        metavar="PATH",
        help="a new folder, or a file that ends in .zip (default: build/AUDIENCE)",
    )


def _add_exam(parser: argparse.ArgumentParser, root: Path) -> None:
    parser.add_argument("assignment", help="the assignment")
    parser.add_argument(
        "--course",
        type=Path,
        default=root,
        metavar="DIR",
        help="the course directory (default: this repository)",
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="where to write (default: autograder/data/exam/ASSIGNMENT)"
    )


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= 100_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 100000")
    return int(text)
