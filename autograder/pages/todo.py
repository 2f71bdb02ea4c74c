"""What a page begins with: what was lost and why, what waits for a person, and where each stands.

Everything is in the notebook's order: later parts use earlier ones, so that whoever mends the first slip often mends the next with it. The points
beside each say what is worth most.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autograder.pages.page import Mark, Sheet

__all__ = ["Item", "ToDo", "first_sentence", "to_do"]

LONGEST = 240  # characters of a sentence
END = re.compile(r"[.!?][\"”’)]*(?=\s+[^\sa-z]|\s*$)|\n")
WAITS = "A person has still to read it."


@dataclass(slots=True)
class Item:
    """Something to look at: marks that stand together and have one reason.

    Attributes:
        lost: points that they have less than they could have; those that are still to be given, where they wait.
        says: why, in a sentence; empty where nothing is known.
    """

    marks: list[Mark]
    says: str
    lost: float


@dataclass(slots=True)
class ToDo:
    """What there is to do in one notebook; *carried* are the marks that were found with right functions in the place of wrong ones."""

    sheet: Sheet
    lost: list[Item] = field(default_factory=list)
    waiting: list[Item] = field(default_factory=list)
    carried: list[Mark] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.lost or self.waiting or self.carried or self.sheet.penalty)


def to_do(sheets: Sequence[Sheet]) -> list[ToDo]:
    """What there is to do in each of the notebooks; those in which there is nothing are left out."""
    found = []
    for sheet in sheets:
        marks = [mark for section in sheet.sections for mark in section.marks]
        lost = _items((mark for mark in marks if mark.state in ("some", "none")), sheet.says)
        waiting = _items((mark for mark in marks if mark.state == "waiting"), WAITS)
        found.append(ToDo(sheet, list(lost), list(waiting), [mark for mark in marks if mark.carried]))
    return [one for one in found if one]


def _items(marks: Iterable[Mark], otherwise: str) -> Iterator[Item]:
    """The *marks*, those that follow one another and say the same as one item; *otherwise* is said where a mark says nothing."""
    item: Item | None = None
    for mark in marks:
        says = first_sentence(mark.reason.finding or mark.reason.cause or otherwise)
        if mark.before is not None:
            says = f"It had {mark.before:g} for the earlier text and is to be read again."
        lost = mark.maximum - (mark.score or 0.0)
        if item is not None and says and item.says == says:
            item.marks.append(mark)
            item.lost += lost
            continue
        if item is not None:
            yield item
        item = Item([mark], says, lost)
    if item is not None:
        yield item


def first_sentence(text: str) -> str:
    """The first sentence of *text*, as far as it can be told; code between backquotes stays whole.

    >>> first_sentence("`f` gave 1.5 at 2. Is that enough?")
    '`f` gave 1.5 at 2.'
    """
    text = text.strip()
    for found in END.finditer(text):
        if text.count("`", 0, found.end()) % 2 == 0:
            text = text[: found.end()].strip()
            break
    if len(text) > LONGEST:
        text = f"{text[:LONGEST].rstrip()}…"
        text += "`" * (text.count("`") % 2)
    return text if not text or text[-1] in '.!?…`"”’)' else f"{text}."
