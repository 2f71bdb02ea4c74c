"""A small labelled table: what a sweep returns and a Pareto front is taken from."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from mlsysim.errors import InputError, check_name, check_names, shown
from mlsysim.render import cell, html_table, text_table

__all__ = ["Table"]

SHOWN = 20  # rows of a printed table; a longer one is cut in the middle
DIGITS = 4  # of a printed number


class Table:
    """Columns of equal length; the first of them, the axes, say which point a row is.

    ``table["itl_s"]`` is a column, ``table.grid("itl_s")`` the same with one dimension an axis,
    ``table.where(mask)`` the rows of a mask or an index, and iterating gives rows as dicts. A column of quantities
    becomes plain numbers, and its unit stands in the header and in ``units``. What the results say that a row was made of
    stands in ``notes``, and below the printed table.

    >>> Table(["batch"], {"batch": [1, 2], "speedup": [1.9, 1.8]})
    batch  speedup
        1      1.9
        2      1.8
    """

    __slots__ = ("_columns", "axes", "notes", "shape", "units")

    def __init__(
        self,
        axes: Sequence[str],
        columns: Mapping[str, Any],
        shape: tuple[int, ...] | None = None,
        units: Mapping[str, str] | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        if not isinstance(columns, Mapping):
            raise InputError(f"columns = {shown(columns)} is not allowed: give a dict of columns by name")
        names = check_names("columns", columns)
        self.notes = tuple(check_names("notes", notes))
        masked = [name for name in names if np.ma.isMaskedArray(columns[name])]
        if masked:
            raise InputError(f"column {masked[0]!r} has a mask, which would be lost: leave those rows out")
        self.units = dict(units or {})
        self.units |= {n: f"{columns[n].units:~P}" for n in names if hasattr(columns[n], "units")}
        try:
            self._columns = {n: np.asarray(getattr(columns[n], "magnitude", columns[n])) for n in names}
        except ValueError as error:
            raise InputError(f"columns = {shown(columns)} is not allowed: {error}") from None
        lengths = {name: column.shape for name, column in self._columns.items()}
        if (
            not lengths
            or len(set(lengths.values())) > 1
            or any(len(shape) != 1 for shape in lengths.values())
        ):
            listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
            raise InputError(
                f"columns must be one-dimensional and equally long; they are: {listed or 'none'}"
            )
        self.axes = tuple(check_name("axis", axis, names) for axis in check_names("axes", axes))
        self.shape = shape if shape is not None else (len(self),)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all columns, axes first."""
        return tuple(self._columns)

    def __len__(self) -> int:
        return len(next(iter(self._columns.values())))

    def __getitem__(self, name: str) -> np.ndarray:
        return self._columns[check_name("column", name, self._columns)]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for values in zip(*self._columns.values(), strict=True):
            yield {n: _plain(v) for n, v in zip(self._columns, values, strict=True)}

    def grid(self, name: str) -> np.ndarray:
        """A column with one dimension for each axis, in the order of :attr:`axes`."""
        return self[name].reshape(self.shape)

    def where(self, rows: Any) -> Table:
        """The rows of a boolean mask or of an array of row numbers.

        Raises:
            InputError: it is neither, of the wrong length, or beyond the table.
        """
        if hasattr(rows, "units") or np.ma.isMaskedArray(rows):
            raise InputError(f"rows = {shown(rows)} is not allowed: give a mask or row numbers")
        try:
            index = np.asarray(rows)
            columns = {name: column[index] for name, column in self._columns.items()}
        except (IndexError, OverflowError, ValueError) as error:
            raise InputError(
                f"rows = {shown(rows)} is not allowed: give a mask or row numbers ({error})"
            ) from None
        return Table(self.axes, columns, units=self.units, notes=self.notes)

    def to_pandas(self) -> Any:
        """A ``pandas.DataFrame``, if pandas is installed.

        Raises:
            InputError: it is not.
        """
        try:
            pandas = importlib.import_module("pandas")
        except ImportError:
            raise InputError(
                "to_pandas needs pandas, which is not installed; iterate over the table instead"
            ) from None
        return pandas.DataFrame(self._columns)

    def _text(self) -> tuple[list[str], list[list[str]]]:
        """Titles and rows as text, cut in the middle."""
        n = len(self)
        rows = range(n) if n <= SHOWN else [*range(SHOWN // 2), -1, *range(n - SHOWN // 2, n)]
        body = [["…" if r < 0 else cell(c[r], DIGITS) for c in self._columns.values()] for r in rows]
        return [f"{n} ({self.units[n]})" if n in self.units else n for n in self._columns], body

    def __repr__(self) -> str:
        lines = text_table(*self._text(), left=(), rule=False)
        lines += f"\n({len(self)} rows)" if len(self) > SHOWN else ""
        return "\n".join((lines, *self.notes))

    def _repr_html_(self) -> str:
        caption = [f"{len(self)} rows"] if len(self) > SHOWN else []
        return html_table(*self._text(), caption="; ".join((*caption, *self.notes)))


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
