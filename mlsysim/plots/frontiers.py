"""Accuracy against compression, with the Pareto front."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mlsysim.compression import CompressionResult
from mlsysim.errors import InputError
from mlsysim.plots.figure import COLOURS, Plot, new_axes
from mlsysim.plots.labels import label_points, labelled
from mlsysim.tables import pareto_front

__all__ = ["frontier"]


def frontier(results: Mapping[str, CompressionResult]) -> Plot:
    """Accuracy lost against compression, with the Pareto front: the points that no other point beats in both.

    Args:
        results: results of :class:`mlsysim.CompressionModel` by label, each a single point (not an array). The
            compression is that of the stored file, with scales and indices.

    Raises:
        InputError: no result, or one that is an array or none of CompressionModel's.

    >>> from mlsysim import CompressionModel
    >>> solve = CompressionModel().solve
    >>> int4 = solve("Llama3_8B", "H100", target_bitwidth=4)
    >>> pruned = solve("Llama3_8B", "H100", method="pruning", sparsity=0.5)
    >>> frontier({"INT4": int4, "50% pruned": pruned}).alt.split("; ")[1:]
    ['on the Pareto front: INT4 3.9x -1.2%', 'dominated: 50% pruned 1.8x -12.2%.']
    """
    results = labelled("results", results, CompressionResult, "CompressionModel")
    if not results:
        raise InputError("results is empty: give at least one result of CompressionModel by its label")
    for label, result in results.items():
        if np.shape(result.storage_ratio) or np.shape(result.estimated_accuracy_delta):
            raise InputError(f"result {label!r} is an array: give one point for each label")
    points = [(float(r.storage_ratio), 100 * float(r.estimated_accuracy_delta)) for r in results.values()]
    columns = {"label": list(results), "ratio": [p[0] for p in points], "accuracy": [p[1] for p in points]}
    front = set(pareto_front(columns, maximize=["ratio", "accuracy"])["label"])
    best = [label in front for label in results]
    axes = new_axes(
        "Accuracy against compression",
        "Compression of the stored model (ratio)",
        "Change of accuracy (%, relative)",
    )
    xs, ys = zip(*points, strict=True)
    axes.set(xlim=(0, max(xs) * 1.25), ylim=(min(ys) * 1.2 - 1, max(-0.06 * min(ys), 1)))
    alt = ["Accuracy against compression"]
    for on, marker, label in ((True, "o", "on the Pareto front"), (False, "s", "dominated")):
        chosen = {n: p for n, p, b in zip(results, points, best, strict=True) if b == on}
        if not chosen:
            continue
        x, y = zip(*sorted(chosen.values()), strict=True)
        axes.plot(x, y, marker, color=COLOURS[0] if on else "white", mec="black", ms=8, label=label)
        if on:
            axes.plot(x, y, drawstyle="steps-pre", color=COLOURS[0], lw=2, zorder=1)
        alt.append(f"{label}: " + ", ".join(f"{n} {x:.1f}x {y:+.1f}%" for n, (x, y) in chosen.items()))
    axes.legend(loc="lower right", fontsize=9)
    label_points(axes, points, list(results))
    return Plot.of(axes, alt)
