"""Where everybody stands in the gradebook, and what is different between two such states."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from autograder.nbgrader_compat.grades import cell_grades, penalties

__all__ = ["Standing", "TotalChange", "standing", "total_changes"]

NEGLIGIBLE = 1e-9


@dataclass(slots=True)
class Standing:
    """Of all students with a submission.

    Attributes:
        scores: by student, and by notebook and cell; a mark by hand goes before one of the tests, and extra credit is in it.
        penalties: for lateness, by student and notebook.
    """

    scores: dict[str, dict[tuple[str, str], float]] = field(default_factory=dict)
    penalties: dict[tuple[str, str], float] = field(default_factory=dict)

    def total(self, student: str) -> float:
        """All points less the penalties; as for nbgrader, no notebook has less than 0."""
        sums: dict[str, float] = {}
        for (notebook, _), score in self.scores.get(student, {}).items():
            sums[notebook] = sums.get(notebook, 0.0) + score
        return sum(
            max(0.0, points - self.penalties.get((student, name), 0.0)) for name, points in sums.items()
        )


@dataclass(frozen=True, slots=True)
class TotalChange:
    """A student whose total is another one; *because* names the questions."""

    student: str
    before: float
    after: float
    because: tuple[str, ...]


def standing(book: Any, assignment: str) -> Standing:
    """What the open gradebook *book* says."""
    found = Standing(penalties=penalties(book, assignment))
    for grade in cell_grades(book, assignment):
        score = grade.auto if grade.manual is None else grade.manual
        own = found.scores.setdefault(grade.student, {})
        own[grade.notebook, grade.cell] = (score or 0.0) + grade.extra
    return found


def total_changes(
    before: Standing, after: Standing, renamed: Mapping[str, Mapping[str, str]]
) -> list[TotalChange]:
    """Everyone whose total differs, by name.

    Args:
        renamed: the present name of a cell by the one before, by notebook.
    """
    found = []
    for student in sorted(before.scores.keys() | after.scores.keys()):
        was, now = before.total(student), after.total(student)
        if abs(was - now) > NEGLIGIBLE:
            found.append(TotalChange(student, was, now, tuple(_because(student, before, after, renamed))))
    return found


def _because(
    student: str, before: Standing, after: Standing, renamed: Mapping[str, Mapping[str, str]]
) -> Iterator[str]:
    was = {
        (notebook, renamed.get(notebook, {}).get(cell, cell)): score
        for (notebook, cell), score in before.scores.get(student, {}).items()
    }
    now = after.scores.get(student, {})
    for key in [*now, *(key for key in was if key not in now)]:
        if abs(was.get(key, 0.0) - now.get(key, 0.0)) > NEGLIGIBLE:
            yield f"{key[1]} {_told(was.get(key))} → {_told(now.get(key))}"
    for name in sorted(_notebooks([*was, *now])):
        late = [one.penalties.get((student, name), 0.0) for one in (before, after)]
        if abs(late[0] - late[1]) > NEGLIGIBLE:
            yield f"late penalty of {name} {late[0]:g} → {late[1]:g}"


def _notebooks(keys: Iterable[tuple[str, str]]) -> set[str]:
    return {notebook for notebook, _ in keys}


def _told(score: float | None) -> str:
    return "none" if score is None else f"{score:.4g}"
