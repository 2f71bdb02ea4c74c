"""The solvers under the name that the older variant of the tutorial imports; new code uses :mod:`mlsysim.solvers`."""

from mlsysim.solvers import CompressionModel, Engine, ServingModel, SingleNodeModel

__all__ = ["CompressionModel", "Engine", "ServingModel", "SingleNodeModel"]
