"""Rows of a TOML data file, read with errors that name file, entry, field, value and what is allowed."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from mlsysim.checks import one_number
from mlsysim.errors import InputError, check_name, shown

__all__ = ["YEARS", "Entry", "parse_entries"]

DEFAULTS = "defaults"  # the table whose values every row of a file takes unless it has its own
YEARS = (1950, 2100)


def parse_entries(text: str, file: str) -> dict[str, dict[str, Any]]:
    """The entries of a TOML text by name, each with the file's ``[defaults]`` filled in.

    Raises:
        InputError: not TOML, or something at the top that is not a ``[Name]`` table.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{file} is not valid TOML: {error}") from None
    for name, row in tables.items():
        if not isinstance(row, dict):
            raise InputError(
                f"{file}: {name} = {shown(row)} is not allowed: every entry is a table, [{name}]"
            )
    defaults = tables.pop(DEFAULTS, {})
    return {name: _filled(defaults, row) for name, row in tables.items()}


def _filled(defaults: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """The row over the defaults; a default's citation goes with it, not with a value of the row's own."""
    filled = {**defaults, **row}
    for key in ("sources", "checked"):
        citations, own = defaults.get(key), row.get(key, {})
        if isinstance(citations, dict) and isinstance(own, dict):
            filled[key] = {**{k: v for k, v in citations.items() if k not in row}, **own}
    return filled


class Entry:
    """One entry, read field by field.

    Raises:
        InputError: on construction, for a key that is none of *allowed*; on reading, for a field
            that is missing, of the wrong type or out of range.
    """

    def __init__(self, row: Mapping[str, Any], allowed: Iterable[str]) -> None:
        known = list(allowed)
        for key in row:
            check_name("field", key, known)
        self._row = row

    def __contains__(self, key: str) -> bool:
        return key in self._row

    def _get(self, key: str, default: Any, wanted: str) -> Any:
        if key in self._row:
            return self._row[key]
        if default is None:
            raise InputError(f"{key} is missing: give {wanted}")
        return default

    def text(self, key: str, default: str | None = None) -> str:
        """A string."""
        value = self._get(key, default, "a text")
        if not isinstance(value, str):
            raise InputError(f"{key} = {shown(value)} is not allowed: give a text")
        return value

    def flag(self, key: str, default: bool | None = None) -> bool:
        """``true`` or ``false``."""
        value = self._get(key, default, "true or false")
        if not isinstance(value, bool):
            raise InputError(f"{key} = {shown(value)} is not allowed: give true or false")
        return value

    def number(
        self,
        key: str,
        low: float,
        high: float = math.inf,
        *,
        integer: bool = False,
        open_low: bool = False,
        default: float | None = None,
    ) -> Any:
        """One number from *low* to *high*."""
        value = self._get(key, default, f"{'a whole number' if integer else 'a number'} from {low:g}")
        return one_number(key, value, low, high, integer=integer, open_low=open_low)

    def table(self, key: str) -> Mapping[str, Any]:
        """A table in the row, empty if it is not there."""
        value = self._get(key, {}, "a table")
        if not isinstance(value, dict):
            raise InputError(f"{key} = {shown(value)} is not allowed: give a table {{ name = value }}")
        return value
