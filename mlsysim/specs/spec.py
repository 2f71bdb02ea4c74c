"""What every entry of a registry has: a name, a group, numbers and a citation for each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any, Protocol

import numpy as np

from mlsysim.checks import one_number
from mlsysim.data.entries import YEARS
from mlsysim.errors import InputError, check_name, shown

__all__ = ["Spec", "check_citations", "check_spec", "same_fields", "source_of"]

YEAR = re.compile(r"\((?:19|20)\d\d\)")


class Spec(Protocol):
    """What a registry asks of its entries."""

    @property
    def name(self) -> str:
        """What it is found by."""

    @property
    def group(self) -> str:
        """Where it is listed."""

    @property
    def source(self) -> str:
        """Citation of its numbers."""

    @property
    def sources(self) -> Mapping[str, str]:
        """Citations of the numbers that have another source."""

    @property
    def numbers(self) -> tuple[str, ...]:
        """Names of the numbers it holds."""

    def cells(self) -> dict[str, str]:
        """A table row: column title to text."""


def _check_citation(name: str, value: object) -> None:
    if not isinstance(value, str) or not YEAR.search(value):
        raise InputError(
            f"{name} = {shown(value)} is not allowed: "
            "give a citation with its year in brackets, as in 'Vendor datasheet (2024)'"
        )


def check_citations(source: object, sources: Mapping[str, object], fields: Iterable[str]) -> None:
    """Raise unless *source* and each of *sources* (for one of *fields*) is a citation with a year."""
    _check_citation("source", source)
    known = list(fields)
    for field, citation in sources.items():
        check_name("field in sources", field, known)
        _check_citation(f"sources.{field}", citation)


def check_spec(spec: Any, *texts: str) -> None:
    """Raise unless the spec's *texts* are texts, its ``sources`` a mapping and its year a year or None (not known)."""
    for field in texts:
        value = getattr(spec, field)
        if not isinstance(value, str):
            raise InputError(f"{field} = {shown(value)} is not allowed: give a text")
    if not isinstance(spec.sources, Mapping):
        raise InputError(
            f"sources = {shown(spec.sources)} is not allowed: give a dict of citations by number"
        )
    if spec.year is not None:
        one_number("year", spec.year, *YEARS, integer=True)


def same_fields(one: Any, other: Any) -> bool:
    """Whether two of a dataclass are alike in every field; arrays are alike if all their entries are."""
    if type(one) is not type(other):
        return False
    return all(_same(getattr(one, f.name), getattr(other, f.name)) for f in fields(one) if f.compare)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return np.array_equal(a, b)
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    return bool(a == b)


def source_of(spec: Any, field: str) -> str:
    """The citation behind one number of a spec: that field's own, or else the entry's."""
    number = check_name(f"number of {spec.name}", field, spec.numbers)
    citation: str = spec.sources.get(number, spec.source)
    return citation
