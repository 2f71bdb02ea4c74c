"""What is computed: kernels, how long they take, the solvers made of them, and what a course asks of their results."""

from mlsysim.model.crossover import Crossover, crossover_batch
from mlsysim.model.explanation import Explanation, explain
from mlsysim.model.request import RequestResult, solve_request
from mlsysim.model.roofline import Regime, arithmetic_intensity, attainable, regime, ridge_point
from mlsysim.model.serving import ServingModel, ServingResult
from mlsysim.model.single_node import NodeResult, SingleNodeModel
from mlsysim.model.training import TrainingResult

__all__ = [
    "Crossover",
    "Explanation",
    "NodeResult",
    "Regime",
    "RequestResult",
    "ServingModel",
    "ServingResult",
    "SingleNodeModel",
    "TrainingResult",
    "arithmetic_intensity",
    "attainable",
    "crossover_batch",
    "explain",
    "regime",
    "ridge_point",
    "solve_request",
]
