"""Accuracy against compression, with the Pareto front."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import numpy as np

from mlsysim.compression import CompressionResult
from mlsysim.errors import InputError
from mlsysim.plots.figure import COLOURS, Plot, inks, new_axes
from mlsysim.plots.labels import label_points, labelled
from mlsysim.tables import pareto_front

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["frontier"]

ABLE = (
    0.1  # of the way from guessing to full accuracy, which a model must keep to count as better than guessing
)
KINDS = {  # marker, colour (none: that of the paper) and label
    "front": ("o", COLOURS[0], "on the Pareto front"),
    "dominated": ("s", "", "dominated"),
    "chance": ("X", COLOURS[1], "no better than guessing"),
}


def frontier(results: Mapping[str, CompressionResult]) -> Plot:
    """Accuracy lost against compression, with the Pareto front: the points that no other point beats in both.

    A model at chance is as good as guessing, however small it is, so it is never on the front. At chance is what keeps
    less than a tenth of the way from guessing to full accuracy. A line shows the chance level where it is in sight.

    Args:
        results: results of :class:`mlsysim.CompressionModel` by label, each a single point (not an array). The
            compression is that of the stored file, with scales and indices.

    Raises:
        InputError: no result, or one that is an array or none of CompressionModel's.

    >>> from mlsysim import CompressionModel
    >>> solve = CompressionModel().solve
    >>> int4 = solve("Llama3_8B", "H100", target_bitwidth=4)
    >>> pruned = solve("Llama3_8B", "H100", method="pruning", sparsity=0.5)
    >>> frontier({"INT4": int4, "50% pruned": pruned}).alt.split("; ")[1:3]
    ['on the Pareto front: INT4 3.9x -1.2%', 'dominated: 50% pruned 1.8x -12.2%']
    """
    results = labelled("results", results, CompressionResult, "CompressionModel")
    if not results:
        raise InputError("results is empty: give at least one result of CompressionModel by its label")
    for label, result in results.items():
        if np.shape(result.storage_ratio) or np.shape(result.estimated_accuracy_delta):
            raise InputError(f"result {label!r} is an array: give one point for each label")
    paper, ink, grey, _ = inks()
    points = [(float(r.storage_ratio), 100 * float(r.estimated_accuracy_delta)) for r in results.values()]
    guessing = [float(100 * r.accuracy_at_chance) for r in results.values()]
    guesses = [y < (1 - ABLE) * chance for (_, y), chance in zip(points, guessing, strict=True)]
    able = [(n, p) for n, p, guess in zip(results, points, guesses, strict=True) if not guess]
    front: set[str] = set()
    if able:
        columns = {
            "label": [n for n, _ in able],
            "ratio": [p[0] for _, p in able],
            "accuracy": [p[1] for _, p in able],
        }
        front = set(pareto_front(columns, maximize=["ratio", "accuracy"])["label"])
    kinds = [
        "chance" if g else "front" if n in front else "dominated"
        for n, g in zip(results, guesses, strict=True)
    ]
    axes = new_axes(
        "Accuracy against compression",
        "Compression of the stored model (ratio)",
        "Change of accuracy (%, relative)",
    )
    xs, ys = zip(*points, strict=True)
    axes.set(xlim=(0, max(xs) * 1.25), ylim=(min(ys) * 1.2 - 1, max(-0.06 * min(ys), 1)))
    alt = ["Accuracy against compression"]
    for kind, (marker, colour, label) in KINDS.items():
        chosen = {n: p for n, p, k in zip(results, points, kinds, strict=True) if k == kind}
        if not chosen:
            continue
        x, y = zip(*sorted(chosen.values()), strict=True)
        axes.plot(x, y, marker, color=colour or paper, mec=ink, ms=8, label=label)
        if kind == "front":
            axes.plot(x, y, drawstyle="steps-pre", color=colour, lw=2, zorder=1)
        alt.append(f"{label}: " + ", ".join(f"{n} {x:.1f}x {y:+.1f}%" for n, (x, y) in chosen.items()))
    for level in sorted({chance for chance in guessing if chance > -100}, reverse=True):
        if level >= axes.get_ylim()[0]:
            axes.axhline(level, color=grey, lw=1.2, ls=(0, (6, 4)), zorder=0, label=f"chance ({level:+.0f}%)")
        alt.append(f"chance at {level:+.1f}%")
    figure = cast("Figure", axes.figure)
    figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False, labelcolor=ink)
    label_points(axes, points, list(results))
    return Plot.of(axes, alt)
