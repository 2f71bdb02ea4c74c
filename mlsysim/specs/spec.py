"""What every entry of a registry has: a name, a group, numbers, a citation for each and a second one for most."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Protocol

import numpy as np

from mlsysim.checks import one_number
from mlsysim.data.entries import YEARS
from mlsysim.errors import InputError, check_name, shown

__all__ = ["Cited", "Fixed", "Spec", "check_citations", "check_spec", "same_fields"]

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
    def checked(self) -> Mapping[str, str]:
        """Citations of second, independent sources, by group of numbers."""

    @property
    def numbers(self) -> tuple[str, ...]:
        """Names of the numbers it holds."""

    @property
    def number_groups(self) -> Mapping[str, tuple[str, ...]]:
        """The numbers that one second source is asked for, by the name of their group."""

    def cells(self) -> dict[str, str]:
        """A table row: column title to text."""


class Fixed(dict[str, Any]):
    """A dict that a spec holds: frozen as the spec is, so that what was worked out from it stays true."""

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise InputError(
            f"{shown(dict(self))} cannot be changed: make another spec with dataclasses.replace(spec, ...)"
        )

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[type, tuple[dict[str, Any]]]:
        return Fixed, (dict(self),)


def _check_citation(name: str, value: object) -> None:
    if not isinstance(value, str) or not YEAR.search(value):
        raise InputError(
            f"{name} = {shown(value)} is not allowed: "
            "give a citation with its year in brackets, as in 'Vendor datasheet (2024)'"
        )


def check_citations(spec: Any) -> None:
    """Raise unless the spec's source, its sources by number and its second sources by group are citations with a year."""
    _check_citation("source", spec.source)
    for kind, known in (("sources", spec.numbers), ("checked", spec.number_groups)):
        for field, citation in getattr(spec, kind).items():
            check_name(f"field in {kind}", field, list(known))
            _check_citation(f"{kind}.{field}", citation)


def check_spec(spec: Any, *texts: str) -> None:
    """Raise unless the spec's *texts* are texts, its citations mappings and its year a year or None (not known)."""
    for field in (*texts, "note"):
        value = getattr(spec, field)
        if not isinstance(value, str):
            raise InputError(f"{field} = {shown(value)} is not allowed: give a text")
    for field, key in (("sources", "number"), ("checked", "group of numbers")):
        value = getattr(spec, field)
        if not isinstance(value, Mapping):
            raise InputError(f"{field} = {shown(value)} is not allowed: give a dict of citations by {key}")
    if getattr(spec, "year", None) is not None:  # a link has none
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


class Cited:
    """What a spec says of where its numbers come from; ``groups`` of a class names those that are checked together."""

    __slots__ = ()

    @property
    def number_groups(self: Any) -> dict[str, tuple[str, ...]]:
        """The numbers held that one second source is asked for, by the name of their group."""
        held = {group: tuple(n for n in names if n in self.numbers) for group, names in self.groups.items()}
        return {group: numbers for group, numbers in held.items() if numbers}

    def source_of(self: Any, number: str) -> str:
        """The citation behind one number: its own, or else the entry's.

        >>> from mlsysim import Hardware
        >>> Hardware.A100.source_of("memory_gb")
        'NVIDIA A100 datasheet (2020), dense column'

        Raises:
            UnknownNameError: no such number; the message names those there are.
        """
        citation: str = self.sources.get(self._known(number), self.source)
        return citation

    def checked_by(self: Any, number: str) -> str:
        """The second, independent citation behind one number, or ``""`` where none was found.

        >>> from mlsysim import Hardware
        >>> Hardware.A100.checked_by("int8")
        'cli99/llm-analysis (2024) gpu_configs/a100-sxm-80gb.json'

        Raises:
            UnknownNameError: no such number; the message names those there are.
        """
        name = self._known(number)
        return next(
            (self.checked.get(g, "") for g, numbers in self.number_groups.items() if name in numbers), ""
        )

    def citations(self: Any) -> dict[str, str]:
        """The entry's source, its second sources and its note, as facts to show; what is empty is left out."""
        checked = "; ".join(f"{group}: {citation}" for group, citation in self.checked.items())
        facts = {"Source": self.source, "Checked by": checked, "Note": self.note}
        return {title: fact for title, fact in facts.items() if fact}

    def _known(self: Any, number: str) -> str:
        return check_name(f"number of {self.name}", number, self.numbers)
