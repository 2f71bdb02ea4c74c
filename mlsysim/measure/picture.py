"""The measured curve of one computer beside its prediction."""

from __future__ import annotations

import numpy as np

from mlsysim.measure.recordings import Recording
from mlsysim.plots.figure import COLOURS, LINES, MARKERS, Plot, inks, new_axes

__all__ = ["draw"]


def draw(recording: Recording, threshold: float = 1.5) -> Plot:
    """The speed-ups of INT4 and INT8 over FP32 against batch: measured with their spread, and predicted.

    Args:
        recording: of the computer.
        threshold: the speed-up whose crossover the alt text names.
    """
    host = recording.host
    case = f"{host.processor}, {host.cores} cores, {recording.side} x {recording.side} matmuls"
    axes = new_axes(case, "Batch size (rows of activations)", "Speed-up over FP32 weights (ratio of times)")
    first, last = int(recording.batches[0]), int(recording.batches[-1])
    batches = np.unique(np.geomspace(first, last, 400).round().astype(int))
    alt = [f"Speed-up of matmuls with INT4 and INT8 weights over FP32 against batch size, {case}"]
    axes.axhline(1, color=inks().ink, lw=0.9)
    axes.axhline(threshold, color=inks().grey, lw=0.9, ls=(0, (6, 4)))
    for colour, line, marker, bits in zip(COLOURS, LINES, MARKERS, (4, 8), strict=False):
        curve, (low, high) = recording.speedup(bits), recording.spread(bits)
        axes.plot(
            batches,
            recording.predicted_speedup(bits, batches),
            line,
            color=colour,
            lw=2,
            label=f"INT{bits} predicted",
        )
        bars = np.array([np.maximum(curve - low, 0), np.maximum(high - curve, 0)])
        axes.errorbar(
            recording.batches,
            curve,
            bars,
            color=colour,
            fmt=marker,
            ms=6,
            lw=1,
            capsize=3,
            label=f"INT{bits} measured",
        )
        alt.append(f"INT{bits} measured {curve[0]:.2f}x at batch {first}, {curve[-1]:.2f}x at batch {last}")
        for name, found in (
            ("measured", recording.crossover(bits, threshold)),
            ("predicted", recording.crossover(bits, threshold, predicted=True)),
        ):
            where = (
                f"below {threshold:g}x from batch {found:.0f}" if found else f"nowhere below {threshold:g}x"
            )
            alt.append(f"{name} {where}")
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_ylim(bottom=0)
    legend = axes.legend(fontsize=9, frameon=False)
    for text in legend.get_texts():
        text.set_color(inks().ink)
    return Plot.of(axes, alt)
