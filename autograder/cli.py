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
    options = parser.parse_args(arguments)

    from autograder.demo import DemoError, run_demo

    try:
        run_demo(ROOT, options.course, options.kinds)
    except DemoError as error:
        print(f"autograder: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
