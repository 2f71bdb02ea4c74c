"""What is different between the questions that the gradebook knows and those that the source has now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from autograder.nbgrader_compat.blueprint import Blueprint, SourceCell

__all__ = ["Change", "changes", "text_of"]

Notebooks = Mapping[str, Blueprint]


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a question.

    Attributes:
        says: what it is.
        affects: whether marks that people gave stand for something else now.
    """

    notebook: str
    cell: str
    says: str
    affects: bool = False


def changes(old: Notebooks, new: Notebooks, renames: Mapping[str, Mapping[str, str]]) -> list[Change]:
    """What is different, by notebook and in the order of the present cells; what is gone comes last."""
    found: list[Change] = []
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            found.append(Change(name, "", f"notebook removed, {_points(old[name].points)}", True))
        elif name not in old:
            found.append(Change(name, "", f"notebook added, {_points(new[name].points)}", True))
        else:
            found += _of_notebook(name, old[name], new[name], renames.get(name, {}))
    return found


def _points(points: Mapping[str, float]) -> str:
    total = sum(points.values())
    return f"{total:g} {'point' if total == 1 else 'points'}"


def _of_notebook(name: str, old: Blueprint, new: Blueprint, renames: Mapping[str, str]) -> Iterator[Change]:
    before = {now: was for was, now in renames.items()}
    for key, cell in new.cells.items():
        was = before.get(key, key)
        if was not in old.cells:
            worth = f", {_points({key: new.points[key]})}" if key in new.points else ""
            yield Change(name, key, f"added{worth}", True)
            continue
        said = [f"renamed from {was}"] if was != key else []
        affects = False
        if old.points.get(was) != new.points.get(key):
            said.append(_points_told(old.points.get(was), new.points.get(key)))
            affects = True
        tested = key in new.points and key not in new.answers
        if (was in old.answers, was in old.tasks) != (key in new.answers, key in new.tasks):
            said.append("another kind of cell")
            affects = True
        elif text_of(old.cells[was]) != text_of(cell):
            said.append("test changed" if tested else "text changed")
            affects = affects or tested
        if said:
            yield Change(name, key, ", ".join(said), affects)
    for key in old.cells:
        if key not in new.cells and key not in renames:
            worth = f", {_points({key: old.points[key]})}" if key in old.points else ""
            yield Change(name, key, f"removed{worth}", True)


def _points_told(before: float | None, now: float | None) -> str:
    if before is not None and now is not None:
        dropped = ": dropped from the total" if not now else ""
        return f"points {before:g} → {now:g}{dropped}"
    return f"now graded, {now:g} points" if now is not None else "no longer graded"


def text_of(cell: SourceCell) -> tuple[str, str]:
    """What a cell says, and whether it is code."""
    return cell.cell_type, cell.source
