"""Plain-text tables and blocks for tutorials and terminals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlsysim.errors import InputError, shown
from mlsysim.render import cell, text_table

__all__ = ["info", "table"]


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
    cells = []
    for row in _listed("rows", rows):
        values = _listed("a row", row)
        if len(values) != len(titles):
            raise InputError(f"a row has {len(values)} cells, the header has {len(titles)}: {shown(values)}")
        cells.append([cell(value) for value in values])
    print(text_table(titles, cells))


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
        print(f"{name.replace('_', ' ') + ':':<{width}}  {cell(value)}")
