"""Wrong models that people hold: a lesson with one or a few lines changed.

As a wrong model is the lesson but for its changes, several can be held at once, and what is wrong in one function shows in those that build on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from autograder.tutor.lesson import Change, Lesson

__all__ = ["Misconception", "misconceptions_from", "variants"]


@dataclass(frozen=True, slots=True)
class Misconception:
    """One wrong model.

    Attributes:
        name: its key in the file.
        says: ends "This is what you get when …".
        hint: what to think about next.
        seen: where it was published.
        changes: to the lesson: one tuple of changes for each way to put the same idea.
    """

    name: str
    says: str
    hint: str
    seen: str
    changes: tuple[tuple[Change, ...], ...]

    @property
    def functions(self) -> frozenset[str]:
        """The functions that it changes."""
        return frozenset(change[0] for way in self.changes for change in way)


def misconceptions_from(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, Misconception]:
    """The misconceptions in *rows*, by name, in their order: see :class:`autograder.kit.entries.MisconceptionEntry`."""
    made = {}
    for name, row in rows.items():
        ways = (row["change"], *row.get("also", ()))
        changes = tuple(tuple((f, old, new) for f, old, new in way) for way in ways)
        made[name] = Misconception(name, row["says"], row["hint"], row["seen"], changes)
    return made


def variants(
    lesson: Lesson,
    bank: Mapping[str, Misconception],
    function: str,
    held: int = 1,
    only: Callable[[Misconception], bool] = lambda one: True,
) -> Iterable[tuple[tuple[Misconception, ...], tuple[Change, ...]]]:
    """Every way to hold one (or, with ``held=2``, two) misconceptions of *bank* that can show in *function*, with its changes."""
    reach = lesson.builds_on(function) | {function}
    found = [m for m in bank.values() if m.functions <= reach and only(m)]
    if held == 1:
        for one in found:
            for way in one.changes:
                yield (one,), way
        return
    for i, one in enumerate(found):
        for other in found[i + 1 :]:
            yield (one, other), one.changes[0] + other.changes[0]
