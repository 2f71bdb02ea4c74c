"""The ``autograder`` command."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

__all__ = ["main"]

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="autograder", description="Grade the quantization assignment.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    demo = commands.add_parser("demo", help="release, make a class, grade it, write feedback and a report")
    demo.add_argument(
        "--course",
        type=Path,
        default=Path("build/demo"),
        help="where to make the course (default: %(default)s)",
    )
    demo.add_argument(
        "--kinds", nargs="+", metavar="KIND", help="only these kinds of submission, such as s01 s04"
    )
    check = commands.add_parser("check", help="run the visible and hidden tests on your own notebooks")
    check.add_argument("notebook", nargs="+", type=Path, help="a notebook of the assignment")
    grade = commands.add_parser(
        "grade", help="grade all submissions of a course, in parallel; run again, it goes on where it stopped"
    )
    grade.add_argument("assignment", choices=["quantization"], help="the assignment")
    grade.add_argument(
        "--course", type=Path, default=Path(), metavar="DIR", help="the course directory (default: here)"
    )
    grade.add_argument(
        "--jobs", type=_count, metavar="N", help="grading processes (default: one for each core)"
    )
    grade.add_argument("--student", action="append", metavar="ID", help="only this student; may be repeated")
    grade.add_argument(
        "--force", action="store_true", help="grade also what is graded already and has not changed"
    )
    grade.add_argument(
        "--db",
        metavar="URL",
        help="the gradebook, such as postgresql://host/name (default: the course's setting)",
    )
    grade.add_argument(
        "--scheduler",
        metavar="URL",
        help="grade on the Dask cluster of this scheduler, such as tcp://host:8786",
    )
    simulate = commands.add_parser(
        "simulate",
        help="make a course with a class of any size whose right marks are known, or check its marks",
    )
    simulate.add_argument(
        "--course",
        type=Path,
        default=Path("build/simulated"),
        metavar="DIR",
        help="the course directory (default: %(default)s)",
    )
    simulate.add_argument("--students", type=_count, metavar="N", help="how many submissions to make")
    simulate.add_argument(
        "--seed", type=int, default=0, help="another seed makes another class (default: %(default)s)"
    )
    simulate.add_argument("--check", action="store_true", help="compare the gradebook with the right marks")
    simulate.add_argument(
        "--db", metavar="URL", help="the gradebook to check (default: the course's setting)"
    )
    options = parser.parse_args(arguments)
    commands_by_name = {"demo": _demo, "check": _check, "grade": _grade, "simulate": _simulate}
    return commands_by_name[options.command](options)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= 100_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 100000")
    return int(text)


def _grade(options: argparse.Namespace) -> int:
    from autograder.grade_command import run_grade

    return run_grade(
        options.course,
        options.student,
        jobs=options.jobs,
        force=options.force,
        db_url=options.db,
        scheduler=options.scheduler,
    )


def _simulate(options: argparse.Namespace) -> int:
    from autograder.simulate import SimulationError, run_check, run_simulate

    try:
        if options.check:
            return run_check(options.course, options.db)
        if options.students is None:
            raise SimulationError("say how many submissions to make, --students N, or --check")
        run_simulate(ROOT, options.course, options.students, options.seed)
    except SimulationError as error:
        print(f"autograder: {error}", file=sys.stderr)
        return 2
    return 0


def _demo(options: argparse.Namespace) -> int:
    from autograder.demo import DemoError, run_demo

    try:
        run_demo(ROOT, options.course, options.kinds)
    except DemoError as error:
        print(f"autograder: {error}", file=sys.stderr)
        return 2
    return 0


def _check(options: argparse.Namespace) -> int:
    """0 if everything has full marks, 1 if not, 2 if a notebook could not be checked."""
    from rich.console import Console

    from autograder.check import CheckError, check_notebook, print_scorecard

    status = 0
    for path in options.notebook:
        try:
            with Console(stderr=True).status(f"Checking {path.name}"):
                card = check_notebook(path, ROOT / "solutions" / "quantization")
        except CheckError as error:
            print(f"autograder: {error}", file=sys.stderr)
            status = 2
            continue
        print_scorecard(card)
        status = max(status, int(card.score < card.maximum))
    return status


if __name__ == "__main__":
    raise SystemExit(main())
