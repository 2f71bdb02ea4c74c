"""The rows of a table that no other row beats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mlsysim.errors import InputError, check_names
from mlsysim.tables.table import Table

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
    return table.where(_undominated(costs))


def _objective(table: Table, name: str) -> np.ndarray:
    column = table[name]
    if column.dtype.kind not in "iufb" or not np.isfinite(column).all():
        raise InputError(f"column {name!r} is not allowed as an objective: it must hold finite numbers only")
    numbers: np.ndarray = column.astype(float)
    return numbers


def _undominated(costs: np.ndarray) -> np.ndarray:
    """Mask of the rows of *costs* that no other row dominates."""
    # Only the order counts: ranks compare faster, and their sum is larger for a row than for any that dominates it.
    ranks = np.column_stack([np.unique(column, return_inverse=True)[1] for column in costs.T])
    mask = np.zeros(len(ranks), bool)
    if ranks.shape[1] <= 2:
        mask[_staircase(ranks[:, 0], ranks[:, -1])] = True
        return mask
    left = np.argsort(ranks.sum(axis=1), kind="stable")
    while left.size:
        best = ranks[left[0]]
        same = (ranks[left] == best).all(axis=1)
        mask[left[same]] = True
        left = left[(ranks[left] < best).any(axis=1)]
    return mask


def _staircase(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Rows of the front in two dimensions: the lowest y of their x, and below all y of a smaller x."""
    order = np.lexsort((y, x))
    y, starts = y[order], np.searchsorted(x[order], x[order])
    before = np.append(np.inf, np.minimum.accumulate(y))[starts]
    front: np.ndarray = order[(y == y[starts]) & (y < before)]
    return front
