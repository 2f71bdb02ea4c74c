"""What is needed to explain a wrong answer of one assignment."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autograder.tutor.lesson import Lesson
from autograder.tutor.misconceptions import Misconception

__all__ = ["Probes", "Tutor"]

Probes = Callable[[str, Mapping[str, Any]], Sequence[tuple[Any, ...]]]


@dataclass(frozen=True, eq=False)
class Tutor:
    """A lesson, the wrong models of it, and inputs on which they are compared with a student's functions.

    Attributes:
        ask_with: inputs for a function of the lesson, given the right functions.
    """

    lesson: Lesson
    bank: Mapping[str, Misconception]
    ask_with: Probes

    @functools.cached_property
    def _probes(self) -> dict[str, tuple[tuple[Any, ...], ...]]:
        return {}

    def probes(self, function: str) -> tuple[tuple[Any, ...], ...]:
        """Arguments to call *function* with: the same for everyone."""
        if function not in self._probes:
            self._probes[function] = tuple(self.ask_with(function, self.lesson.right()))
        return self._probes[function]
