"""Failures of ``unittest.main(exit=False)`` and of test runners: they are printed, where a kernel's grader sees them, and not raised."""

from __future__ import annotations

import contextlib
import sys
import unittest
from collections.abc import Iterator
from typing import Any

__all__ = ["Runs", "watched_runs"]


class Runs:
    """The runs that printed their outcome.

    Attributes:
        count: how many there were.
        failures: what was raised in them.
    """

    def __init__(self) -> None:
        self.count = 0
        self.failures: list[BaseException] = []


@contextlib.contextmanager
def watched_runs() -> Iterator[Runs]:
    """Inside, runs of unittest's that print to ``sys.stderr`` are noted; a runner with a stream of its own is the test's own business."""
    runs, found = Runs(), list[BaseException]()
    runner, result = unittest.TextTestRunner, unittest.TestResult
    run, originals = (
        runner.run,
        {name: getattr(result, name) for name in ("addError", "addFailure", "addSubTest")},
    )

    def noted(name: str) -> Any:
        def add(self: Any, *arguments: Any) -> None:
            if arguments[-1] is not None:
                found.append(arguments[-1][1])
            originals[name](self, *arguments)

        return add

    def run_and_note(self: Any, test: Any) -> Any:
        found.clear()
        outcome = run(self, test)
        if getattr(self.stream, "stream", None) is sys.stderr:
            runs.count += 1
            if not outcome.wasSuccessful():
                runs.failures += found or [AssertionError()]
        return outcome

    runner.run = run_and_note  # type: ignore[method-assign]
    for name in originals:
        setattr(result, name, noted(name))
    try:
        yield runs
    finally:
        runner.run = run  # type: ignore[method-assign]
        for name, original in originals.items():
            setattr(result, name, original)
