"""The rows of a table that no other row beats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mlsysim.errors import InputError, check_names
from mlsysim.table import Table

__all__ = ["pareto_front"]


def pareto_front(
    table: Table | Mapping[str, Any], *, maximize: Sequence[str] = (), minimize: Sequence[str] = ()
) -> Table:
    """The rows that are not dominated, in their old order; rows that tie in every objective are all kept.

    A row is dominated if another is at least as good in every objective and better in one.

    Args:
        table: a table, or its columns as a dict.
        maximize, minimize: names of the columns to be large, and to be small.

    Raises:
        InputError: an unknown column, no objective, a column named twice, or one that is not finite numbers.

    >>> front = pareto_front({"size": [4, 2, 1, 3], "loss": [0, 1, 5, 2]}, minimize=["size", "loss"])
    >>> front["size"].tolist()
    [4, 2, 1]
    """
    table = table if isinstance(table, Table) else Table((), table)
    up, down = check_names("maximize", maximize), check_names("minimize", minimize)
    names = [*up, *down]
    if not names or len(set(names)) != len(names):
        raise InputError(
            f"maximize = {up!r} with minimize = {down!r} is not allowed: name at least one column, and each once"
        )
    costs = np.column_stack([_objective(table, name) for name in names])
    costs[:, : len(up)] *= -1
    # Distinct points in ascending order: only an earlier one can dominate a later one.
    points, index = np.unique(costs, axis=0, return_inverse=True)
    return table.where(_undominated(points)[index.ravel()])


def _objective(table: Table, name: str) -> np.ndarray:
    column = table[name]
    if column.dtype.kind not in "iufb" or not np.isfinite(column).all():
        raise InputError(f"column {name!r} is not allowed as an objective: it must hold finite numbers only")
    numbers: np.ndarray = column.astype(float)
    return numbers


def _undominated(points: np.ndarray) -> np.ndarray:
    """Mask of the rows of *points* (distinct, in lexicographic order) that no other row is at most equal to."""
    if points.shape[1] == 1:
        first: np.ndarray = np.arange(len(points)) == 0
        return first
    if points.shape[1] == 2:  # one pass: each must be below all before it
        best = np.minimum.accumulate(points[:, 1])
        below: np.ndarray = np.append(True, points[1:, 1] < best[:-1])
        return below
    left = np.arange(len(points))
    front = []
    while left.size:
        front.append(left[0])
        rest = left[1:]
        left = rest[(points[rest] < points[left[0]]).any(axis=1)]
    mask: np.ndarray = np.isin(np.arange(len(points)), front)
    return mask
