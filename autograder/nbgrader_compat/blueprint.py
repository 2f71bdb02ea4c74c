"""What the gradebook says about a source notebook, as plain data that can go to another machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Blueprint", "SourceCell", "blueprints_of"]


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
        answers: names of the cells that students fill in.
        tasks: names of the graded cells that are tasks.
    """

    kernelspec: str | None
    cells: dict[str, SourceCell]
    points: dict[str, float]
    answers: frozenset[str] = frozenset()
    tasks: frozenset[str] = frozenset()


def blueprints_of(assignment: Any) -> dict[str, Blueprint]:
    """The notebooks of an *assignment* in an open gradebook, by name."""
    return {
        notebook.name: Blueprint(
            kernelspec=notebook.kernelspec,
            cells={
                cell.name: SourceCell(cell.name, cell.cell_type, cell.locked, cell.source, cell.checksum)
                for cell in notebook.source_cells
            },
            points={cell.name: cell.max_score for cell in [*notebook.grade_cells, *notebook.task_cells]},
            answers=frozenset(cell.name for cell in notebook.solution_cells),
            tasks=frozenset(cell.name for cell in notebook.task_cells),
        )
        for notebook in assignment.notebooks
    }
