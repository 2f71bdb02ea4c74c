"""Accuracy after compression: published measurements, interpolated.

``data/accuracy.csv`` has one row per measurement. A curve is made of its rows like this:

1. A measurement becomes a *recovery*: compressed accuracy over uncompressed, at most 1 (8-bit models that
   print 100.4% are noise of the benchmark) and at least chance.
2. The curve goes through the mean of the ``central`` rows at each point, and through 1 at the uncompressed end.
3. ``range`` rows (another benchmark, method or model of the family) only widen ``low`` and ``high``, as far as
   each series was measured.
4. Going away from the uncompressed end, the curve and ``low`` take their running minimum and ``high`` the largest
   value still to come: nothing recovers by being compressed more.
5. Between points: straight lines. Beyond the last measurement: an error, but pruning ends at chance, where no weight is left.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mlsysim.checks import check_number
from mlsysim.data import load_csv
from mlsysim.errors import InputError, check_name, shown

__all__ = ["PATTERNS", "AccuracyCurve", "find_curve"]

ARGUMENT = {"quantization": "target_bitwidth", "pruning": "sparsity"}
PATTERNS = ("unstructured", "structured", "n_m")
UNCOMPRESSED = {"quantization": 16.0, "pruning": 0.0}
Row = dict[str, str]
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class AccuracyCurve:
    """Recovery (compressed over uncompressed accuracy) against bits or sparsity.

    Attributes:
        x: bits of a weight (quantization) or sparsity (pruning), ascending.
        recovery, low, high: at each x; ``low`` and ``high`` are where the sources disagree.
        measured: the x that the curve was measured at.
        chance: recovery of guessing; nothing is below it.
        bound: the curve is only an upper bound for what was asked, see :func:`find_curve`.
        sources: of the measurements, each once.
    """

    family: str
    method: str
    recipe: str
    pattern: str
    x: np.ndarray = field(repr=False)
    recovery: np.ndarray = field(repr=False)
    low: np.ndarray = field(repr=False)
    high: np.ndarray = field(repr=False)
    measured: tuple[float, ...]
    chance: float
    bound: bool = False
    sources: tuple[str, ...] = field(repr=False, default=())

    def at(self, amount: Any) -> tuple[Any, Any, Any]:
        """Recovery, low and high at *amount* (bits or sparsity; a number or an array).

        Raises:
            InputError: *amount* is outside the measured range.
        """
        amount = check_number(ARGUMENT[self.method], amount, float(self.x[0]), float(self.x[-1]))
        values = (np.interp(amount, self.x, line) for line in (self.recovery, self.low, self.high))
        middle, low, high = (v if isinstance(amount, np.ndarray) else float(v) for v in values)
        return middle, low, high

    def basis(self, amount: Any) -> str:
        """``measured``, ``interpolated`` or ``upper bound``: what the values at *amount* rest on."""
        if self.bound:
            return "upper bound"
        return (
            "measured"
            if np.isin(amount, (UNCOMPRESSED[self.method], *self.measured)).all()
            else "interpolated"
        )


@functools.cache
def _curves() -> dict[Key, dict[str, AccuracyCurve]]:
    """Curves by (family, method, pattern), then by recipe; the first recipe of the file is the default."""
    rows: dict[Key, dict[str, list[Row]]] = {}
    for row in load_csv("accuracy.csv"):
        recipes = rows.setdefault((row["family"], row["method"], row["pattern"]), {})
        recipes.setdefault(row["recipe"], []).append(row)
    return {key: {name: _curve(group) for name, group in recipes.items()} for key, recipes in rows.items()}


def _curve(rows: list[Row]) -> AccuracyCurve:
    first = rows[0]
    guess = next(row for row in rows if row["use"] == "chance")
    chance = float(guess["value"]) / float(guess["baseline"])
    start = UNCOMPRESSED[first["method"]]
    end = {float(guess["x"]): [chance]} if guess["x"] else {}

    central: dict[float, list[float]] = {}
    series: dict[tuple[str, str, str], dict[float, float]] = {}
    for row in rows:
        if row["use"] != "chance":
            x = float(row["x"])
            recovery = min(max(float(row["value"]) / float(row["baseline"]), chance), 1.0)
            series.setdefault((row["series"], row["model"], row["metric"]), {})[x] = recovery
            if row["use"] == "central":
                central.setdefault(x, []).append(recovery)
    line = {x: float(np.mean(values)) for x, values in (central | end | {start: [1.0]}).items()}

    # Only where the central line is known: a range row beyond its last point says nothing about it.
    grid = np.array(
        sorted({x for s in series.values() for x in s if min(line) <= x <= max(line)} | set(line))
    )
    lines = [_interpolate(grid, line), *(_interpolate(grid, s) for s in series.values())]
    middle, low, high = lines[0], np.nanmin(lines, axis=0), np.nanmax(lines, axis=0)
    away = slice(None, None, -1) if start == grid[-1] else slice(None)
    middle, low = (np.minimum.accumulate(v[away])[away] for v in (middle, low))
    back = slice(None, None, -1) if away == slice(None) else slice(None)
    high = np.maximum.accumulate(high[back])[back]
    return AccuracyCurve(
        first["family"],
        first["method"],
        first["recipe"],
        first["pattern"],
        grid,
        middle,
        low,
        high,
        tuple(sorted(central)),
        chance,
        sources=tuple(dict.fromkeys(row["source"] for row in rows if row["use"] != "chance")),
    )


def _interpolate(grid: np.ndarray, points: dict[float, float]) -> np.ndarray:
    x = sorted(points)
    line: np.ndarray = np.interp(grid, x, [points[v] for v in x], left=np.nan, right=np.nan)
    return line


def find_curve(
    family: str, method: str, recipe: str | None = None, pattern: str = "unstructured"
) -> AccuracyCurve:
    """The curve for a *family* of models (``llm_8b``, ``llm_70b``, ``cnn`` …) and a *method*.

    Args:
        method: ``quantization`` or ``pruning``.
        recipe: how it was done (``calibrated``, ``round_to_nearest``; ``one_shot``, ``retrained`` …);
            by default the family's first.
        pattern: of the zeros, for pruning: ``unstructured``, ``structured`` or ``n_m``. Where a pattern was not
            measured, the unstructured curve stands in as an upper bound (a pattern only takes freedom away),
            its ``low`` goes to chance, and ``bound`` is True.

    Raises:
        InputError: nothing was measured for this family, method or recipe; the message says what was.

    >>> recovery, low, high = find_curve("llm_8b", "quantization").at(4)
    >>> f"{recovery:.1%}, between {low:.1%} and {high:.1%}"
    '98.8%, between 95.9% and 99.4%'
    """
    check_name("method with an accuracy curve", method, ARGUMENT)
    pattern = check_name("pattern", pattern, PATTERNS) if method == "pruning" else ""
    curves = _curves()
    recipes, bound = curves.get((str(family), method, pattern)), False
    if recipes is None:
        recipes, bound = curves.get((str(family), method, "unstructured")), True
    if recipes is None:
        have = ", ".join(dict.fromkeys(f for f, m, _ in curves if m == method))
        without = isinstance(family, str) and not family
        whom = "models without a family" if without else f"family {shown(family)}"
        raise InputError(f"no accuracy after {method} was measured for {whom}, only for families: {have}")
    what = f"recipe for {pattern} {method}".replace("  ", " ")
    name = next(iter(recipes)) if recipe is None else check_name(f"{what} of {family}", recipe, recipes)
    curve = recipes[name]
    if not bound:
        return curve
    low = np.where(curve.x == UNCOMPRESSED[method], 1.0, curve.chance)
    return replace(curve, pattern=pattern, low=low, bound=True)
