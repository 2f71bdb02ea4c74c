"""Solve over any axes into one labelled table."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from mlsysim.errors import InputError, check_name, check_names, shown
from mlsysim.tables.table import Table

__all__ = ["sweep"]

Columns = Sequence[str] | Mapping[str, str | Callable[[Any], Any]]


def sweep(solver: Any, *, columns: Columns | None = None, vectorize: bool = True, **arguments: Any) -> Table:
    """Call *solver* at every combination of the axes, and give a row for each.

    An argument that is a list, a tuple, a range, an array or a group of a registry is an axis; any other is fixed.
    All numeric axes go into one vectorised call; over names (models, devices, precisions …) it loops.

    Args:
        solver: a solver (its ``solve`` is called) or any function of keyword arguments.
        columns: what to keep of a result: attribute names, or a dict from column to attribute name or to a
            function of the result. By default a result's ``table_columns``, the items of a dict, or ``value``.
        vectorize: False calls a function that does not take arrays once for each point.

    Raises:
        InputError: no axis, an empty one, an argument that the solver does not take, a value that is not finite,
            or whatever the solver refuses, with the point at which it did.

    >>> from mlsysim import ServingModel
    >>> sweep(ServingModel(), model="Llama3_8B", hardware="H100", precision=["fp16", "w4a16"],
    ...       batch_size=[1, 64], columns={"ms": lambda r: r.itl_s * 1e3})
    precision  batch_size     ms
         fp16           1  8.352
         fp16          64  13.69
        w4a16           1  4.552
        w4a16          64  9.888
    """
    solve = getattr(solver, "solve", solver)
    _check_arguments(solve, arguments)
    axes = {name: _labels(name, values) for name, values in arguments.items() if _is_axis(values)}
    if not axes:
        raise InputError("no axis: give at least one argument as a list, a range or an array")
    fixed = {name: value for name, value in arguments.items() if name not in axes}
    numeric = [name for name, values in axes.items() if vectorize and _is_numeric(values)]
    named = [name for name in axes if name not in numeric]
    shape = tuple(len(axes[name]) for name in numeric)
    mesh = dict(zip(numeric, np.ix_(*(np.asarray(axes[name]) for name in numeric)), strict=True))

    blocks: dict[str, list[np.ndarray]] = {}
    units: dict[str, str] = {}
    notes: dict[str, None] = {}  # each once, in the order first met
    for combination in itertools.product(*(axes[name] for name in named)):
        point = dict(zip(named, combination, strict=True))
        solved = _call(solve, fixed, point, mesh)
        if isinstance(note := getattr(solved, "notes", ""), str) and note:
            notes[note] = None
        for column, values in _extract(solved, columns).items():
            blocks.setdefault(column, []).append(_broadcast(column, values, shape))
            if hasattr(values, "units"):
                units[column] = f"{values.units:~P}"

    # Blocks stack the named axes in front; bring the axes into the caller's order, then flatten.
    order = [(named + numeric).index(name) for name in axes]
    full = (*(len(axes[name]) for name in named), *shape)
    table: dict[str, Any] = {}
    sizes = tuple(len(values) for values in axes.values())
    for k, (name, values) in enumerate(axes.items()):
        labels = _column(values)
        spread = labels.reshape([-1 if i == k else 1 for i in range(len(sizes))])
        table[name] = np.broadcast_to(spread, sizes).ravel()
    for column, parts in blocks.items():
        if column in table:
            raise InputError(f"column {column!r} is the name of an axis too: rename it with columns={{...}}")
        table[column] = np.stack(parts).reshape(full).transpose(order).ravel()
    result = Table(tuple(axes), table, sizes, units, list(notes))
    _check_finite(result)
    return result


def _is_axis(value: Any) -> bool:
    if isinstance(value, (str, bytes, Mapping)) or hasattr(value, "units") or getattr(value, "ndim", 1) == 0:
        return False
    return hasattr(value, "__iter__") and hasattr(value, "__len__")


def _labels(name: str, values: Any) -> Any:
    if np.ma.isMaskedArray(values):
        raise InputError(f"{name} = {shown(values)} is not allowed: give an axis without a mask")
    values = values if isinstance(values, np.ndarray) else list(values)
    if isinstance(values, np.ndarray) and values.ndim != 1:
        raise InputError(f"{name} has shape {values.shape}: an axis has one dimension")
    if not len(values):
        raise InputError(f"{name} is empty: an axis needs at least one value")
    return values


def _is_numeric(values: Any) -> bool:
    if isinstance(values, np.ndarray):
        return values.dtype.kind in "iuf"
    return all(
        isinstance(v, (int, float, np.integer, np.floating)) and not isinstance(v, bool) for v in values
    )


def _column(values: Any) -> np.ndarray:
    """An axis as a column: numbers as they are, anything else by its name."""
    if _is_numeric(values):
        return np.asarray(values)
    return np.array([v if isinstance(v, str) else str(getattr(v, "name", v)) for v in values])


def _check_arguments(solve: Any, arguments: Mapping[str, Any]) -> None:
    try:
        parameters = inspect.signature(solve).parameters
    except (TypeError, ValueError):
        raise InputError(f"solver = {shown(solve)} is not allowed: give a solver or a function") from None
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    for name in arguments:
        check_name("argument of the solver", name, parameters)


def _call(solve: Any, fixed: Mapping[str, Any], point: Mapping[str, Any], mesh: Mapping[str, Any]) -> Any:
    try:
        return solve(**fixed, **point, **mesh)
    except InputError as error:
        if not point:
            raise
        at = ", ".join(f"{name} = {getattr(value, 'name', value)}" for name, value in point.items())
        raise InputError(f"at {at}: {error}") from error


def _extract(result: Any, columns: Columns | None) -> dict[str, Any]:
    if columns is None:
        if isinstance(result, Mapping):
            check_names("columns", result)
            return dict(result)
        names = getattr(type(result), "table_columns", None)
        return {"value": result} if names is None else {name: getattr(result, name) for name in names}
    names = check_names("columns", columns)
    if not names:
        raise InputError("columns is empty: name at least one attribute of a result")
    getters = columns if isinstance(columns, Mapping) else {name: name for name in names}
    return {name: get(result) if callable(get) else _attribute(result, get) for name, get in getters.items()}


def _attribute(result: Any, name: Any) -> Any:
    known = [n for n in dir(result) if not n.startswith("_")]
    return getattr(result, check_name("column", name, known))


def _broadcast(column: str, values: Any, shape: tuple[int, ...]) -> np.ndarray:
    try:
        values = np.asarray(getattr(values, "magnitude", values))
    except ValueError:
        raise InputError(f"column {column!r} holds {shown(values)}: not a number or an array") from None
    try:
        return np.broadcast_to(values, shape)
    except ValueError:
        raise InputError(
            f"column {column!r} has shape {values.shape}, the numeric axes have {shape}; "
            "a function that does not take arrays needs vectorize=False"
        ) from None


def _check_finite(table: Table) -> None:
    for name in table.columns:
        column = table[name]
        if column.dtype.kind == "f" and not np.isfinite(column).all():
            row = int(np.flatnonzero(~np.isfinite(column))[0])
            at = ", ".join(f"{axis} = {table[axis][row]}" for axis in table.axes)
            raise InputError(f"column {name!r} is {column[row]} at {at}: not a finite number")
