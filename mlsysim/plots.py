"""Plots people look at: the roofline, the speed-up against batch, the accuracy frontier."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any, TypeVar

import numpy as np

from mlsysim.compression_result import CompressionResult
from mlsysim.drawing import COLOURS, LINES, MARKERS, Plot, label_points, new_axes
from mlsysim.errors import InputError, shown
from mlsysim.hardware import Device, find_device
from mlsysim.pareto import pareto_front
from mlsysim.speedup_plot import speedup_curve
from mlsysim.step_result import StepResult

__all__ = ["Plot", "frontier", "label_points", "roofline", "speedup_curve"]

TERA = 1e12
T = TypeVar("T")


def roofline(hardware: Device | str, workloads: Mapping[str, StepResult] | None = None) -> Plot:
    """Attainable FLOP/s of a device against arithmetic intensity, with workloads on it.

    A workload stands where its whole step does: its FLOPs over its bytes, its FLOPs over its latency. A dotted line
    joins it to the roof above it: the gap is what overhead and lower kernel efficiency cost.

    Args:
        hardware: a device, or its name.
        workloads: results of solvers by label, each one step on this device (not an array).

    Raises:
        InputError: the device is unknown or has no peak, or a workload is an array, no result, or ran on another
            device.

    >>> from mlsysim import ServingModel
    >>> roofline("H100", {"decode, batch 1": ServingModel().solve("Llama3_8B", "H100")}).alt.split("; ")[-1]
    'decode, batch 1: 1.0 FLOP/byte, 2.05 TFLOP/s.'
    """
    device = find_device(hardware)
    if not device.peaks or any(np.ndim(rate) for rate in (device.bandwidth_bytes_s, *device.peaks.values())):
        raise InputError(f"{device.name} has no roofline to draw: {device.peaks_known()}, each one number")
    steps = _labelled(
        "workloads", {} if workloads is None else workloads, StepResult, "ServingModel or SingleNodeModel"
    )
    points = [_place_on_roofline(label, step, device) for label, step in steps.items()]
    by_rate = groupby(sorted((rate, name.upper()) for name, rate in device.peaks.items()), key=lambda p: p[0])
    roofs = {rate / TERA: "/".join(name for _, name in same) for rate, same in by_rate}
    slope = device.bandwidth_bytes_s / TERA
    ridge, top = max(roofs) / slope, max(roofs)
    left = min([1.0, *(ai / 2 for ai, _ in points)])
    right = max([ridge * 30, *(ai * 4 for ai, _ in points)])
    bottom = min([left * slope, *(rate / 2 for _, rate in points)])

    axes = new_axes(
        f"Roofline of the {device.title}",
        "Arithmetic intensity (FLOP/byte)",
        "Rate (TFLOP/s; TOP/s for integers)",
    )
    axes.set(xscale="log", yscale="log", xlim=(left, right), ylim=(bottom, top * 2))
    axes.plot([left, ridge], [left * slope, top], color="black", lw=1.8)
    for i, (rate, names) in enumerate(roofs.items()):
        axes.plot([rate / slope, right], [rate, rate], color="black", lw=1.5, ls=LINES[i % len(LINES)])
        text = f"{names} {rate:,.5g}, ridge at {rate / slope:.0f}"
        axes.annotate(text, (right, rate), (-2, 3), textcoords="offset points", ha="right", size=8)
    bandwidth = f"{device.bandwidth_bytes_s / 1e9:,.5g} GB/s"
    along = ((left * ridge) ** 0.5, (left * ridge) ** 0.5 * slope)
    turned: Any = {"rotation": 45, "rotation_mode": "anchor", "transform_rotates_text": True}
    axes.annotate(
        bandwidth, along, (-6, 6), textcoords="offset points", ha="center", va="center", size=9, **turned
    )
    for i, ((ai, rate), step) in enumerate(zip(points, steps.values(), strict=True)):
        roof = min(ai * slope, _peak(step) / TERA)
        axes.plot([ai, ai], [rate, roof], color="0.4", lw=1, ls=":")
        size = 7 + 1.5 * min(len(points) - 1 - i, 4)  # smaller ones lie on top, so that equal points all show
        axes.plot(ai, rate, MARKERS[i % len(MARKERS)], color=COLOURS[i % len(COLOURS)], mec="black", ms=size)
    label_points(axes, points, list(steps))

    alt = [f"Roofline of the {device.title}: bandwidth {bandwidth}"]
    for rate, names in roofs.items():
        unit = "TOP/s" if names.startswith("INT") else "TFLOP/s"
        alt.append(f"{names} peak {rate:,.5g} {unit} from {rate / slope:.0f} FLOP/byte")
    for label, (ai, rate) in zip(steps, points, strict=True):
        alt.append(f"{label}: {ai:.1f} FLOP/byte, {rate:,.3g} TFLOP/s")
    return Plot.of(axes, alt)


def _labelled(argument: str, results: Mapping[str, Any], kind: type[T], solver: str) -> dict[str, T]:
    """*results* as a dict, once each is found to be of its *kind* (that *solver* returns) under a label that is text."""
    if not isinstance(results, Mapping) or not all(isinstance(label, str) for label in results):
        raise InputError(f"{argument} = {shown(results)} is not allowed: give a dict of results by label")
    for label, result in results.items():
        if not isinstance(result, kind):
            raise InputError(
                f"{argument}[{label!r}] = {shown(result)} is not allowed: give a result of {solver}"
            )
    return dict(results)


def _peak(step: StepResult) -> float:
    return float(step.hardware.peaks[step.scheme.computes_at])


def _place_on_roofline(label: str, step: StepResult, device: Device) -> tuple[float, float]:
    """FLOP/byte and TFLOP/s of a whole step, from the seconds that each ceiling would take alone."""
    if step.shape or step.hardware.name != device.name:
        what = f"an array of shape {step.shape}" if step.shape else f"on {step.hardware.name}"
        raise InputError(f"workload {label!r} is {what}: give one step on {device.name}")
    t, runtime = step.terms, step.runtime
    flops = (t.matmul_compute + t.attention_compute) * _peak(step) * runtime.compute_efficiency
    memory = device.bandwidth_bytes_s * runtime.bandwidth_efficiency
    return flops / ((t.matmul_memory + t.attention_memory) * memory), flops / step.latency_s / TERA


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
    results = _labelled("results", results, CompressionResult, "CompressionModel")
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
