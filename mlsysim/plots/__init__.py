"""Plots people look at: the roofline, the speed-up against batch, the accuracy frontier, bars of time and of memory."""

from mlsysim.plots.bars import breakdown, memory
from mlsysim.plots.figure import Plot
from mlsysim.plots.frontiers import frontier
from mlsysim.plots.labels import label_points
from mlsysim.plots.rooflines import plot_roofline, roofline
from mlsysim.plots.speedups import speedup_curve

__all__ = [
    "Plot",
    "breakdown",
    "frontier",
    "label_points",
    "memory",
    "plot_roofline",
    "roofline",
    "speedup_curve",
]
