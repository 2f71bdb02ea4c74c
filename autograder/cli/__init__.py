"""The ``autograder`` command. A module of this package is a command of the same name; what a command works with is imported when it runs."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from importlib import import_module

from autograder.cli.common import Complaint
from autograder.nbgrader_compat.errors import CourseError

__all__ = ["build_parser", "main"]

COMMANDS = (
    "new",
    "lint",
    "demo",
    "grade",
    "revise",
    "feedback",
    "report",
    "written",
    "export",
    "simulate",
    "check",
    "progress",
    "exam",
    "bundle",
)


def build_parser() -> argparse.ArgumentParser:
    """The parser of everything that can be asked for."""
    parser = argparse.ArgumentParser(
        prog="autograder", description="Grade nbgrader assignments, and help with what is wrong."
    )
    parser.add_argument("--version", action="store_true", help="say which version this is")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name in COMMANDS:
        module = import_module(f"autograder.cli.{name}")
        one = commands.add_parser(name, help=module.SAYS, description=module.SAYS, epilog=module.STATUS)
        module.add_arguments(one)
        one.set_defaults(run=module.run)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    try:
        status = _run(parser, options)
        sys.stdout.flush()
    except (Complaint, CourseError) as error:
        print(f"autograder: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # who read the output, such as head, has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except OSError as error:
        # A path that was given, or the disk: the system's own words say what is wrong with it.
        if error.filename is None:
            raise
        print(f"autograder: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    return status


def _run(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    if options.version:
        from autograder.nbgrader_compat.extras import installed_version

        print(installed_version())
        return 0
    if options.command is None:
        parser.print_help()
        return 0
    status: int = options.run(options)
    return status
