"""Plots people look at: the roofline, the speed-up against batch, the accuracy frontier."""

from mlsysim.plots.figure import Plot
from mlsysim.plots.frontiers import frontier
from mlsysim.plots.labels import label_points
from mlsysim.plots.rooflines import plot_roofline, roofline
from mlsysim.plots.speedups import speedup_curve

__all__ = ["Plot", "frontier", "label_points", "plot_roofline", "roofline", "speedup_curve"]
