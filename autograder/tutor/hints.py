"""Hints in three steps: a question, a place in the lesson, the shape of the formula; the next one only after another attempt.

Everything here is a pure function of a :class:`Tally`, which whoever keeps the student's progress stores as plain data.
Hints are counted and never cost points.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

__all__ = ["STEPS", "Hint", "Hints", "Reply", "Tally", "count_attempt"]

STEPS = ("question", "lesson", "shape")
PROGRESS_FILE = "autograder-progress.json"
LARGEST_FILE = 1 << 20  # of a progress file that is looked at


@dataclass(frozen=True, slots=True)
class Hint:
    """One hint.

    Attributes:
        step: 1, 2 or 3.
        kind: ``question``, ``lesson`` or ``shape``.
        text: for the student.
        see: grade_id of the text cell that ``lesson`` sends to.
    """

    step: int
    kind: str
    text: str
    see: str


@dataclass(frozen=True, slots=True)
class Tally:
    """What happened so far with one answer cell; ``dataclasses.asdict`` makes it JSON, ``Tally(**row)`` reads it.

    Attributes:
        attempts: checks before which the answer had changed.
        hints: hints given.
        attempts_at_hint: attempts when the last hint was given.
        answer: fingerprint of the answer that was checked last.
    """

    attempts: int = 0
    hints: int = 0
    attempts_at_hint: int = 0
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a student who asked for a hint gets: a hint or None, what to print, and the tally to keep."""

    hint: Hint | None
    text: str
    tally: Tally


def count_attempt(tally: Tally, answer: str) -> Tally:
    """The tally after a check of this *answer* (the source of the answer cell): one more attempt if it had changed."""
    fingerprint = hashlib.sha256("\n".join(answer.split()).encode()).hexdigest()[:16]
    if fingerprint == tally.answer:
        return tally
    return replace(tally, attempts=tally.attempts + 1, answer=fingerprint)


class Hints:
    """The hints of an assignment.

    Args:
        rows: by notebook and by the grade_id of the answer cell; each has a text for each of :data:`STEPS`, ``tests``, which are the test
            cells that the answer is for, and ``see``.
    """

    def __init__(self, rows: Mapping[str, Mapping[str, Mapping[str, Any]]] | None = None) -> None:
        self._rows = rows or {}

    def __iter__(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """(notebook, answer cell, its row) of everything that there are hints for."""
        return ((name, answer, row) for name, rows in self._rows.items() for answer, row in rows.items())

    def answer_cell(self, notebook: str, cell: str) -> str:
        """The grade_id of the answer that *cell* (a test cell, or the answer cell itself) is about.

        Raises:
            KeyError: there is no such notebook or cell; the message names what there is.
        """
        if not self._rows:
            raise KeyError("this assignment has no hints")
        rows = self._rows.get(notebook)
        if rows is None:
            raise KeyError(f"no hints for notebook {notebook!r}; there are: {', '.join(self._rows)}")
        for answer, row in rows.items():
            if cell == answer or cell in row["tests"]:
                return answer
        raise KeyError(f"no hints for {cell!r} in {notebook}; there are: {', '.join(rows)}")

    def due(self, notebook: str, cell: str, tally: Tally) -> Hint | None:
        """The hint that is due, or None: all three are given, or no attempt was made since the last one.

        Raises:
            KeyError: there is no such notebook or cell.
        """
        answer = self.answer_cell(notebook, cell)
        if tally.hints >= len(STEPS) or tally.attempts <= tally.attempts_at_hint:
            return None
        row, kind = self._rows[notebook][answer], STEPS[tally.hints]
        return Hint(tally.hints + 1, kind, row[kind], row["see"])

    def ask(self, notebook: str, cell: str, tally: Tally) -> Reply:
        """Answer a student who asks for a hint: the next one if it is due, else the sentence that says why not.

        Raises:
            KeyError: there is no such notebook or cell.
        """
        hint = self.due(notebook, cell, tally)
        if hint is not None:
            used = replace(tally, hints=hint.step, attempts_at_hint=tally.attempts)
            return Reply(hint, f"Hint {hint.step} of {len(STEPS)}: {hint.text}", used)
        if tally.hints >= len(STEPS):
            return Reply(None, "All three hints for this are given.", tally)
        wanted = "Try it once first" if not tally.hints else "Change your answer and check it once more first"
        return Reply(None, f"{wanted}: the next hint comes after an attempt.", tally)

    def used(self, progress: bytes) -> int | None:
        """How many hints some work took, from the content of self-study's progress file that was handed in with it; None if that is not known.

        The file is the student's, who may have written anything into it: for information only. Never raises for what is in it.
        """
        try:
            notebooks = json.loads(progress)["notebooks"]
            given: list[int] = [
                part.get("hints", 0)
                for name, row in notebooks.items()
                if name in self._rows
                for cell, part in row["parts"].items()
                if cell in self._rows[name]
            ]
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None
        if any(type(count) is not int or not 0 <= count <= len(STEPS) for count in given):
            return None
        return sum(given)
