"""The roofline of a device, with workloads on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from mlsysim.errors import InputError, shown
from mlsysim.model.result import SolverResult
from mlsysim.model.serving import ServingModel
from mlsysim.model.single_node import SingleNodeModel
from mlsysim.plots.figure import COLOURS, LINES, MARKERS, PNG_DPI, SIZE, Plot, inks, new_axes
from mlsysim.plots.labels import label_points, labelled
from mlsysim.specs import Device, VisionModel, find_device, find_model
from mlsysim.specs.device import peaks_told

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_roofline", "roofline"]

TERA = 1e12


def roofline(
    hardware: Device | str,
    workloads: Mapping[str, SolverResult] | None = None,
    *,
    figure: Figure | None = None,
) -> Plot:
    """Attainable FLOP/s of a device against arithmetic intensity, with workloads on it.

    A workload stands where all its kernels together do: its FLOPs over its bytes, its FLOPs over its latency. A dotted line
    joins it to the roof above it: the gap is what overhead and lower kernel efficiency cost.

    Args:
        hardware: a device, or its name.
        workloads: results of solvers by label, each one point on this device (not an array).
        figure: what to draw on; by default a new figure that ``pyplot`` does not know of.

    Raises:
        InputError: the device is unknown or has no peak, or a workload is an array, no result, or ran on another
            device.

    >>> from mlsysim import ServingModel
    >>> roofline("H100", {"decode, batch 1": ServingModel().solve("Llama3_8B", "H100")}).alt.split("; ")[-1]
    'decode, batch 1: 1.0 FLOP/byte, 2.05 TFLOP/s.'
    """
    device = find_device(hardware)
    if not device.peaks or any(np.ndim(rate) for rate in (device.bandwidth_bytes_s, *device.peaks.values())):
        raise InputError(
            f"{device.name} has no roofline to draw: {peaks_told(device.peaks)}, each one number"
        )
    drawn = labelled(
        "workloads", {} if workloads is None else workloads, SolverResult, "ServingModel or SingleNodeModel"
    )
    points = [_place_on_roofline(label, result, device) for label, result in drawn.items()]
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
        figure,
    )
    _, ink, grey, _ = inks()
    axes.set(xscale="log", yscale="log", xlim=(left, right), ylim=(bottom, top * 2))
    axes.plot([left, ridge], [left * slope, top], color=ink, lw=1.8)
    for i, (rate, names) in enumerate(roofs.items()):
        axes.plot([rate / slope, right], [rate, rate], color=ink, lw=1.5, ls=LINES[i % len(LINES)])
        text = f"{names} {rate:,.5g}, ridge at {rate / slope:.0f}"
        axes.annotate(text, (right, rate), (-2, 3), textcoords="offset points", ha="right", size=8, color=ink)
    bandwidth = f"{device.bandwidth_bytes_s / 1e9:,.5g} GB/s"
    along = ((left * ridge) ** 0.5, (left * ridge) ** 0.5 * slope)
    turned: Any = {"rotation": 45, "rotation_mode": "anchor", "transform_rotates_text": True}
    axes.annotate(
        bandwidth,
        along,
        (-6, 6),
        textcoords="offset points",
        ha="center",
        va="center",
        size=9,
        color=ink,
        **turned,
    )
    for i, ((ai, rate), result) in enumerate(zip(points, drawn.values(), strict=True)):
        roof = min(ai * slope, _peak(result) / TERA)
        axes.plot([ai, ai], [rate, roof], color=grey, lw=1, ls=":")
        size = 7 + 1.5 * min(len(points) - 1 - i, 4)  # smaller ones lie on top, so that equal points all show
        axes.plot(ai, rate, MARKERS[i % len(MARKERS)], color=COLOURS[i % len(COLOURS)], mec=ink, ms=size)
    label_points(axes, points, list(drawn))

    alt = [f"Roofline of the {device.title}: bandwidth {bandwidth}"]
    for rate, names in roofs.items():
        unit = "TOP/s" if names.startswith("INT") else "TFLOP/s"
        alt.append(f"{names} peak {rate:,.5g} {unit} from {rate / slope:.0f} FLOP/byte")
    for label, (ai, rate) in zip(drawn, points, strict=True):
        alt.append(f"{label}: {ai:.1f} FLOP/byte, {rate:,.3g} TFLOP/s")
    return Plot.of(axes, alt)


def plot_roofline(
    hardware: Device | str, workloads: Sequence[Any] = (), *, batch_size: int = 1, precision: str = "fp16"
) -> tuple[Figure, Axes]:
    """The roofline of a device, drawn with ``pyplot``: its figure and axes, as the published tutorial takes them.

    Args:
        hardware: a device, or its name.
        workloads: models or their names, each solved at this batch and precision, or results of solvers.

    Raises:
        InputError: as :func:`roofline` and the solvers do.

    >>> figure, axes = plot_roofline("A100", ["ResNet50"])
    >>> axes.get_title()
    'Roofline of the NVIDIA A100 SXM 80GB'
    """
    from matplotlib import pyplot

    device = find_device(hardware)
    if isinstance(workloads, str) or not isinstance(workloads, Sequence):
        raise InputError(f"workloads = {shown(workloads)} is not allowed: give a list of models or results")
    results: dict[str, SolverResult] = {}
    for work in workloads:
        if isinstance(work, SolverResult):
            result = work
        elif isinstance(found := find_model(work), VisionModel):
            result = SingleNodeModel().solve(found, device, batch_size, precision)
        else:
            result = ServingModel().solve(found, device, batch_size=batch_size, precision=precision)
        results[f"{result.model.title}, batch {result.batch_size}"] = result
    roofline(device, results)  # what cannot be drawn leaves no empty figure behind
    figure = pyplot.figure(figsize=SIZE, dpi=PNG_DPI, layout="constrained")
    plot = roofline(device, results, figure=figure)
    return plot.figure, plot.figure.axes[0]


def _peak(result: SolverResult) -> float:
    return float(result.hardware.peaks[result.scheme.computes_at])


def _place_on_roofline(label: str, result: SolverResult, device: Device) -> tuple[float, float]:
    """FLOP/byte and TFLOP/s of all kernels together."""
    if result.shape or result.hardware.name != device.name:
        what = f"an array of shape {result.shape}" if result.shape else f"on {result.hardware.name}"
        raise InputError(f"workload {label!r} is {what}: give one point on {device.name}")
    flops = sum(kernel.flops for kernel in result.kernels)
    traffic = sum(kernel.bytes for kernel in result.kernels)
    return float(flops / traffic), float(flops / result.latency_s / TERA)
