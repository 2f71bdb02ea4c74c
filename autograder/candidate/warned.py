"""Warnings of a student's code during calls, which the test may want to see."""

from __future__ import annotations

import warnings
from typing import Any

from autograder.candidate.describe import builtin_base

__all__ = ["Warned"]

LONGEST = 500  # characters of a text
MAX_WARNINGS = 20  # of a call


class Warned:
    """Records warnings.

    Attributes:
        items: those that were recorded since they were last taken.
    """

    def __init__(self) -> None:
        self.items: list[warnings.WarningMessage] = []
        self._catching: Any = None
        self._filters = list(warnings.filters)

    def record(self) -> None:
        """Have warnings recorded until :meth:`show`: to begin and to end that for each call would take longer than most calls."""
        if self._catching is None:
            self._catching = warnings.catch_warnings(record=True)
            self.items = self._catching.__enter__()
            if warnings.filters == self._filters:  # else the student has said what becomes of warnings
                warnings.simplefilter("always")

    def show(self) -> None:
        """Have warnings shown from now on, as a cell does."""
        if self._catching is not None:
            self._catching.__exit__(None, None, None)
            self._catching = None

    def take(self) -> list[list[str]]:
        """What was recorded, as pairs of the name of a builtin type and a text."""
        taken = [
            [builtin_base(one.category), str(one.message)[:LONGEST]] for one in self.items[:MAX_WARNINGS]
        ]
        self.items.clear()
        return taken
