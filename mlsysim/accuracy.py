"""Accuracy after compression: published measurements, interpolated."""

from __future__ import annotations

import csv
import functools
from importlib import resources
from typing import Any

import numpy as np

from mlsysim.errors import InputError, check_number, unknown_name

__all__ = ["accuracy_delta"]

Curve = tuple[np.ndarray, np.ndarray]
ARGUMENT = {"quantization": "target_bitwidth", "pruning": "sparsity"}


@functools.cache
def _curves() -> dict[tuple[str, str], dict[str, Curve]]:
    """Curves by (family, method), then by recipe; the first recipe of a file is the default."""
    points: dict[tuple[str, str], dict[str, list[tuple[float, float]]]] = {}
    text = resources.files("mlsysim").joinpath("data", "accuracy.csv").read_text("utf-8")
    for row in csv.DictReader(text.splitlines()):
        recipes = points.setdefault((row["family"], row["method"]), {})
        recipes.setdefault(row["recipe"], []).append((float(row["x"]), float(row["recovery"])))
    return {
        key: {recipe: _curve(pairs) for recipe, pairs in recipes.items()} for key, recipes in points.items()
    }


def _curve(pairs: list[tuple[float, float]]) -> Curve:
    x, recovery = zip(*sorted(pairs), strict=True)
    return np.array(x), np.array(recovery)


def accuracy_delta(family: str, method: str, amount: Any, recipe: str | None = None) -> Any:
    """Accuracy lost, as a fraction of the uncompressed accuracy: -0.012 is 1.2% less.

    Args:
        family: of the model (``llm_8b``, ``llm_70b``, ``cnn``).
        method: ``quantization`` (then *amount* is bits) or ``pruning`` (then it is sparsity).
        recipe: ``calibrated`` or ``round_to_nearest``; ``one_shot`` or ``retrained``; by default the family's first.

    Raises:
        InputError: nothing was measured for this family, method or recipe, or *amount* is out of the measured range.
    """
    recipes = _curves().get((family, method))
    if recipes is None:
        have = ", ".join(f"{f} {m}" for f, m in _curves())
        raise InputError(f"no {method} measurements for {family}; there are: {have}")
    name = next(iter(recipes)) if recipe is None else recipe
    if name not in recipes:
        raise unknown_name(f"recipe for {method} of {family}", name, recipes)
    x, recovery = recipes[name]
    amount = check_number(ARGUMENT[method], amount, float(x[0]), float(x[-1]))
    delta = np.interp(amount, x, recovery) - 1
    return delta if isinstance(amount, np.ndarray) else float(delta)
