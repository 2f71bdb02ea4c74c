"""What accuracy a compression keeps: from a curve, from two curves together, or from a published student."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlsysim.compression.accuracy_curves import find_curve
from mlsysim.data import load_csv
from mlsysim.errors import InputError, check_name, shown

__all__ = ["AccuracyEstimate", "Student", "combine", "estimate", "find_student"]


@dataclass(frozen=True, slots=True)
class AccuracyEstimate:
    """Recovery with its range, what it rests on, the recovery of guessing, and the sources."""

    recovery: Any
    low: Any
    high: Any
    basis: str
    chance: float
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Student:
    """A published model distilled from its teacher: how it is stored and what it keeps."""

    recipe: str
    bits: float
    sparsity: float
    pattern: str
    estimate: AccuracyEstimate


def estimate(
    family: str, method: str, amount: Any, recipe: str | None, pattern: str = "unstructured"
) -> AccuracyEstimate:
    """The curve of a family, method and recipe at *amount*; see :func:`mlsysim.compression.accuracy_curves.find_curve`."""
    curve = find_curve(family, method, recipe, pattern)
    return AccuracyEstimate(*curve.at(amount), curve.basis(amount), curve.chance, curve.sources)


def combine(quantized: AccuracyEstimate, pruned: AccuracyEstimate) -> AccuracyEstimate:
    """Both at once: the product of the recoveries, never past chance.

    An assumption, not a measurement: the losses are taken as independent, and the lower of the two chance levels
    as the floor, because the two curves come from different benchmarks.
    """
    floor = min(quantized.chance, pruned.chance)
    pairs = (
        (quantized.recovery, pruned.recovery),
        (quantized.low, pruned.low),
        (quantized.high, pruned.high),
    )
    recovery, low, high = (np.maximum(a * b, floor) for a, b in pairs)
    basis = "upper bound" if pruned.basis == "upper bound" else "product of recoveries"
    return AccuracyEstimate(recovery, low, high, basis, floor, quantized.sources + pruned.sources)


@functools.cache
def _students() -> dict[str, dict[str, Student]]:
    students: dict[str, dict[str, Student]] = {}
    for row in load_csv("distilled.csv"):
        recovery, low, high = (float(row[column]) for column in ("recovery", "low", "high"))
        source = f"{row['source']}: {row['metric']}"
        students.setdefault(row["family"], {})[row["recipe"]] = Student(
            row["recipe"],
            float(row["bits"]),
            float(row["sparsity"]),
            row["pattern"],
            AccuracyEstimate(recovery, low, high, "measured", 0.0, (source,)),
        )
    return students


def find_student(family: str, recipe: str | None = None) -> Student:
    """A published student of *family*; by default the first of ``data/distilled.csv``.

    Raises:
        InputError: none is known, or not this one; the message says which there are.

    >>> find_student("llm_8b").recipe
    'sparse_2_4'
    """
    students = _students()
    if not isinstance(family, str) or family not in students:
        have = ", ".join(f"{recipe} ({known})" for known, recipes in students.items() for recipe in recipes)
        raise InputError(f"no distilled student is known for family {shown(family)}; there are: {have}")
    if recipe is None:
        return next(iter(students[family].values()))
    return students[family][check_name(f"recipe for distillation of {family}", recipe, students[family])]
