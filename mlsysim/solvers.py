"""The solvers of the published tutorial: ``ServingModel``, ``SingleNodeModel``, ``Engine``, ``CompressionModel``."""

from __future__ import annotations

import inspect
from typing import Any

from mlsysim.checks import check_flag
from mlsysim.compression import CompressionModel
from mlsysim.errors import check_name
from mlsysim.model.serving import ServingModel, ServingResult
from mlsysim.model.single_node import NodeResult, SingleNodeModel
from mlsysim.model.training import TrainingResult
from mlsysim.specs import Device, TransformerModel, VisionModel, find_model

__all__ = ["CompressionModel", "Engine", "ServingModel", "SingleNodeModel"]


class Engine:
    """One call for any workload: transformers decode, vision models run forward, and ``is_training`` trains either."""

    @staticmethod
    def solve(
        model: TransformerModel | VisionModel | str,
        hardware: Device | str,
        *,
        is_training: bool = False,
        **arguments: Any,
    ) -> ServingResult | NodeResult | TrainingResult:
        """``ServingModel`` or ``SingleNodeModel`` by the kind of *model*; the arguments are theirs.

        Raises:
            InputError: as they do, or an argument is not one of the solver's.
        """
        found = find_model(model)
        if check_flag("is_training", is_training) or isinstance(found, VisionModel):
            solve: Any = SingleNodeModel().solve
            arguments["is_training"] = is_training
        else:
            solve = ServingModel().solve
        known = inspect.signature(solve).parameters
        for name in arguments:
            check_name(f"argument of the solver for {found.title}", name, known)
        result: ServingResult | NodeResult | TrainingResult = solve(found, hardware, **arguments)
        return result
