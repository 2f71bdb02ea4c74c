"""The speed-up against batch, shaded by what binds."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from mlsysim.checks import MAX_CONTEXT, Numbers, check_number, one_number
from mlsysim.errors import InputError, check_names
from mlsysim.model.result import check_one_point
from mlsysim.model.serving import ServingModel, ServingResult
from mlsysim.plots.figure import LINES, PART_STYLES, Plot, inks, new_axes
from mlsysim.plots.labels import label_points
from mlsysim.specs import Device, Runtime, TransformerModel

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["speedup_curve"]


def speedup_curve(
    model: TransformerModel | str,
    hardware: Device | str,
    *,
    precisions: Sequence[str] = ("w4a16", "w8a8"),
    baseline: str = "fp16",
    seq_len: int = 2048,
    kv_precision: str | None = None,
    runtime: str | Runtime = "tutorial",
    max_batch: int = 512,
    thresholds: Numbers = (2.0, 1.5),
) -> Plot:
    """Decode speed-up over *baseline* against batch, shaded by what takes most of the first precision's time.

    A line is faint where the baseline no longer fits in device memory. Marks show the smallest batch whose speed-up,
    at the first precision, is below each threshold, as :func:`mlsysim.crossover_batch` finds it.

    Args:
        model: a transformer, or its name.
        hardware: a device, or its name.
        precisions: schemes to draw; the first one is shaded and marked.
        kv_precision: scheme of the KV cache, the same for all; by default each scheme's own.
        max_batch: the largest batch drawn, 2 to 1,000,000.
        thresholds: speed-ups to mark.

    Raises:
        InputError: a name is unknown, a number out of range, or there is no precision.

    >>> "W4A16 below 1.5x from batch 38" in speedup_curve("Llama3_8B", "H100").alt
    True
    """
    precisions = check_names("precisions", precisions)
    if not precisions:
        raise InputError("precisions is empty: give a list of at least one scheme")
    seq_len = one_number("seq_len", seq_len, 1, MAX_CONTEXT, integer=True)
    last = one_number("max_batch", max_batch, 2, 10**6, integer=True)
    none = isinstance(thresholds, Sequence) and not len(thresholds)
    levels = [] if none else np.ravel(check_number("thresholds", thresholds, 0, open_low=True)).tolist()
    for precision in (baseline, *precisions):
        one = ServingModel().solve(
            model, hardware, seq_len, 1, precision, kv_precision=kv_precision, runtime=runtime
        )
        check_one_point(one, "speedup_curve")
    batches = np.arange(1, last + 1)
    slow, *fast = (
        ServingModel().solve(model, hardware, seq_len, batches, p, kv_precision=kv_precision, runtime=runtime)
        for p in (baseline, *precisions)
    )
    case = f"{slow.model.title} on {slow.hardware.name}, context {seq_len}, runtime {slow.runtime.name}"
    gain = f"Decode speed-up over {baseline.upper()}"
    curves = {_label(r): slow.itl_s / r.itl_s for r in fast}
    highest = max(float(curve.max()) for curve in curves.values())
    axes = new_axes(case, "Batch size (sequences decoded together)", f"{gain} (ratio of ITLs)")
    ink = inks().ink
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set(xlim=(1, last), ylim=(0, highest * 1.15))
    alt = [f"{gain} against batch size, {case}"]
    fits = np.asarray(slow.feasible)
    axes.axhline(1, color=ink, lw=0.9)
    for (name, curve), style in zip(curves.items(), cycle(LINES)):
        axes.plot(batches[~fits], curve[~fits], color=ink, lw=2.2, ls=style, alpha=0.3)
        axes.plot(batches[fits], curve[fits], color=ink, lw=2.2, ls=style, label=f"{name} speed-up")
        alt.append(f"{name} {curve[0]:.2f}x at batch 1, {curve[-1]:.2f}x at batch {last}")
    if not fits.all():
        misfit = f"{baseline.upper()} does not fit in memory"
        axes.plot([], [], color=ink, lw=2.2, alpha=0.3, label=f"faint: {misfit}")
        alt.append(f"{misfit} from batch {batches[~fits][0]} (faint line)")
    first = _label(fast[0])
    alt += _shade_binding(axes, first, batches, fast[0].binding)
    alt += _mark_crossings(axes, first, levels, curves[first])
    return Plot.of(axes, alt)


def _label(result: ServingResult) -> str:
    """The precision's name; what it counts beside the weights stands with it unless it was asked for."""
    scheme = result.scheme
    cache = f" (KV cache at {scheme.kv_bits:g} bits)" if scheme.cache_note else ""
    return scheme.name.upper() + cache


def _shade_binding(axes: Axes, name: str, batches: Any, binding: Any) -> list[str]:
    """Shade the batches by what binds there; say the same in words."""
    ends = np.append(np.flatnonzero(binding[1:] != binding[:-1]) + 1, len(batches))
    said, start = [], 0
    for end in ends:
        part = str(binding[start])
        colour, hatch = PART_STYLES[part]
        known = axes.get_legend_handles_labels()[1]
        label = f"{name} bound by {part}"
        style: Any = {"facecolor": (colour, 0.25), "edgecolor": (colour, 0.5), "hatch": hatch, "lw": 0}
        right = batches[min(end, len(batches) - 1)]
        axes.axvspan(batches[start], right, label="_" if label in known else label, zorder=0, **style)
        said.append(f"{label} at batch {batches[start]} to {batches[end - 1]}")
        start = end
    cast(Any, axes.figure).legend(
        loc="outside lower center",
        ncols=3,
        fontsize=8,
        frameon=False,
        handlelength=3.4,
        labelcolor=inks().ink,
    )
    return said


def _mark_crossings(axes: Axes, name: str, thresholds: Sequence[float], curve: Any) -> list[str]:
    """Mark the first batch below each threshold; say the same in words."""
    points, labels, said = [], [], []
    for threshold in thresholds:
        axes.axhline(threshold, color=inks().grey, lw=0.9, ls=(0, (6, 4)))
        below = np.flatnonzero(curve < threshold)
        if below.size:
            points.append((float(below[0] + 1), float(curve[below[0]])))
            labels.append(f"below {threshold:g}x from batch {below[0] + 1}")
        said.append(f"{name} {labels[-1]}" if below.size else f"{name} nowhere below {threshold:g}x")
    for x, y in points:
        axes.plot(x, y, "o", color=inks().paper, mec=inks().ink, mew=1.5, ms=7, zorder=3, clip_on=False)
    label_points(axes, points, labels)
    return said
