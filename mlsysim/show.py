"""Plain-text tables and blocks for tutorials and terminals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from mlsysim.errors import InputError, shown

__all__ = ["info", "table"]


def _number(value: float) -> str:
    if not math.isfinite(value):
        return str(value)
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    size = abs(value)
    if size >= 100:
        return f"{value:,.1f}"
    if size >= 1:
        return f"{value:.2f}"
    return f"{value:.3g}"


def _cell(value: Any) -> str:
    if isinstance(value, (bool, str)) or value is None:
        return str(value)
    if hasattr(value, "magnitude"):
        magnitude = value.magnitude
        if getattr(magnitude, "ndim", 0):
            return f"{value:~P}"
        return f"{_number(float(magnitude))} {value.units:~P}".rstrip()
    if isinstance(value, (int, float)) or getattr(value, "ndim", None) == 0:
        return str(value) if isinstance(value, int) else _number(float(value))
    return str(value)


def table(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print *rows* under *headers*: the first column to the left, the others to the right.

    Quantities are printed with their unit.

    Raises:
        InputError: *rows* are no lists of cells, or one has another number of cells than there are headers.

    >>> table(["Precision", "Speed-up"], [["fp16", "1.0x"], ["int4", "1.9x"]])
    Precision  Speed-up
    ───────────────────
    fp16           1.0x
    int4           1.9x
    """
    titles = [str(h) for h in _listed("headers", headers)]
    cells = [titles]
    for row in _listed("rows", rows):
        values = _listed("a row", row)
        if len(values) != len(titles):
            raise InputError(f"a row has {len(values)} cells, the header has {len(titles)}: {shown(values)}")
        cells.append([_cell(value) for value in values])
    widths = [max(len(row[i]) for row in cells) for i in range(len(titles))]
    lines = [
        "  ".join(
            c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    ]
    print(lines[0].rstrip())
    print("─" * (sum(widths) + 2 * (len(widths) - 1)))
    for line in lines[1:]:
        print(line.rstrip())


def _listed(argument: str, values: Any) -> list[Any]:
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__") or getattr(values, "ndim", 1) == 0:
        raise InputError(f"{argument} = {shown(values)} is not allowed: give a list")
    return list(values)


def info(title: str | None = None, **fields: Any) -> None:
    """Print *fields* as aligned ``name: value`` lines under *title*."""
    if title:
        print(f"── {title} ".ljust(44, "─"))
    width = max((len(name) for name in fields), default=0) + 1
    for name, value in fields.items():
        print(f"{name.replace('_', ' ') + ':':<{width}}  {_cell(value)}")
