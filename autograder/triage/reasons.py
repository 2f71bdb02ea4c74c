"""Why a person should look at a submission: each reason once, as data, and an item for each place where it holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["REASONS", "Item", "by_reason"]

# In the order in which they are listed: what may cost the most marks comes first.
REASONS: dict[str, str] = {
    "missing": "A notebook is missing, and other files lie in its place",
    "unreadable": "A notebook cannot be read",
    "unread": "Written work stands in a cell that is not graded",
    "untested": "An answer stands where no test looks",
    "renamed": "A notebook was graded from a file of another name",
    "time": "The time of handing in is in doubt",
    "version": "A notebook was written with a newer Python than it is graded with",
    "retyped": "An answer had been turned into a cell of another type",
    "above": "A mark by hand is above the maximum of its question",
    "remark": "A mark by hand is older than the answer or the question that it stands for",
    "copy": "A file looks like a notebook that was graded, and differs from it",
}
LONGEST = 300  # characters of what an item says
MOST = 5  # items of one submission and one reason: nobody can fill the list


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to look at.

    Attributes:
        reason: a key of :data:`REASONS`.
        says: what there is to see, as a sentence without its full stop.
        student, notebook: where it is; the notebook is empty for what concerns the whole submission.
        cells: grade_ids of the cells whose mark waits for a person because of it.
    """

    reason: str
    says: str
    student: str = ""
    notebook: str = ""
    cells: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The item as plain data, without where it is."""
        return {"reason": self.reason, "says": self.says, "cells": list(self.cells)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any], student: str = "", notebook: str = "") -> Item:
        """The item that :meth:`as_json` made into *data*."""
        return cls(data["reason"], data["says"], student, notebook, tuple(data["cells"]))


def by_reason(items: Iterable[Item]) -> dict[str, list[Item]]:
    """The *items* in the order of :data:`REASONS`; of one submission no more for each reason than :data:`MOST`, the last of which says how many are left out."""
    found: dict[str, list[Item]] = {reason: [] for reason in REASONS}
    counts: dict[tuple[str, str], int] = {}
    for item in items:
        key = item.reason, item.student
        counts[key] = counts.get(key, 0) + 1
        if counts[key] <= MOST:
            says = item.says if len(item.says) <= LONGEST else item.says[: LONGEST - 1] + "…"
            found[item.reason].append(Item(item.reason, says, item.student, item.notebook, item.cells))
    for (reason, student), count in counts.items():
        if count > MOST:
            found[reason].append(Item(reason, f"{count - MOST} more of this submission", student))
    return {reason: listed for reason, listed in found.items() if listed}
