"""What the gradebook says about a source notebook, as plain data that can go to another machine."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Blueprint", "SourceCell"]


@dataclass(frozen=True, slots=True)
class SourceCell:
    """A cell as the gradebook has it since the assignment was generated."""

    name: str
    cell_type: str
    locked: bool
    source: str
    checksum: str


@dataclass(frozen=True, slots=True)
class Blueprint:
    """A notebook as the gradebook has it.

    Attributes:
        kernelspec: JSON, or None.
        points: maximum of each graded cell.
    """

    kernelspec: str | None
    cells: dict[str, SourceCell]
    points: dict[str, float]
