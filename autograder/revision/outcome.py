"""What a revision does, or would do."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from autograder.revision.changes import Change
from autograder.revision.names import Renames
from autograder.revision.standing import TotalChange

__all__ = ["Revision"]


@dataclass(slots=True)
class Revision:
    """What is changed, or would be.

    Attributes:
        points: the sum of all maxima before and after.
        students: how many were graded again.
        totals: of them and the others, those whose total is another one.
        asked: marks by hand of changed questions, which a person is asked to look at.
        aside: marks and comments by hand that are set aside; negative if some come back.
        not_graded: students in the gradebook whose files are no longer there.
        again: students whose marks may be the fault of this machine, and that the next run grades again.
        backup: the copy of the gradebook from before; None if nothing was changed, or where it is a server's.
    """

    changes: list[Change]
    renames: Renames
    points: tuple[float, float]
    students: int = 0
    totals: list[TotalChange] = field(default_factory=list)
    asked: int = 0
    aside: int = 0
    not_graded: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    backup: Path | None = None
