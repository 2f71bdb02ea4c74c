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
    options = parser.parse_args(arguments)
    return _demo(options) if options.command == "demo" else _check(options)


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
