"""A first-order performance model of quantized inference: when does quantization make a model faster?

>>> import mlsysim
>>> r = mlsysim.ServingModel().solve(mlsysim.Models.Llama3_8B, mlsysim.Hardware.Cloud.H100, precision="int4")
>>> print(f"{r.itl.to('ms').magnitude:.2f} ms, bound by {r.binding}")
4.49 ms, bound by overhead
"""

from importlib import import_module
from typing import Any

from mlsysim.preflight import refuse_what_cannot_work

refuse_what_cannot_work()  # in a sentence, where the imports below would raise from deep inside

from mlsysim import plots, show
from mlsysim.cases import CaseBook
from mlsysim.compression import CompressionModel, CompressionResult
from mlsysim.config import from_config
from mlsysim.errors import InputError
from mlsysim.model import (
    Crossover,
    Explanation,
    Regime,
    ServingModel,
    SingleNodeModel,
    arithmetic_intensity,
    attainable,
    crossover_batch,
    explain,
    regime,
    ridge_point,
    solve_request,
)
from mlsysim.plots import plot_roofline
from mlsysim.solvers import Engine
from mlsysim.specs import (
    Architecture,
    Device,
    Hardware,
    Link,
    Models,
    Runtime,
    SizeOnlyModel,
    TransformerModel,
    VisionModel,
    find_link,
    find_runtime,
)
from mlsysim.tables import Table, pareto_front, sweep
from mlsysim.unfinished import say_what_is_missing

__version__ = "1.0.0"

__all__ = [
    "Architecture",
    "CaseBook",
    "CompressionModel",
    "CompressionResult",
    "Crossover",
    "Device",
    "Engine",
    "Explanation",
    "Hardware",
    "InputError",
    "Link",
    "Models",
    "Regime",
    "Runtime",
    "ServingModel",
    "SingleNodeModel",
    "SizeOnlyModel",
    "Table",
    "TransformerModel",
    "VisionModel",
    "arithmetic_intensity",
    "attainable",
    "crossover_batch",
    "explain",
    "find_link",
    "find_runtime",
    "from_config",
    "pareto_front",
    "plot_roofline",
    "plots",
    "regime",
    "ridge_point",
    "say_what_is_missing",
    "show",
    "solve_request",
    "sweep",
]


def __getattr__(name: str) -> Any:
    """What is loaded when first asked for: ``ureg`` and ``Q_`` (units and quantities, as Pint is slow), and ``measure``."""
    if name == "measure":
        return import_module("mlsysim.measure")
    if name in ("ureg", "Q_"):
        from mlsysim.units import unit_registry

        return unit_registry() if name == "ureg" else unit_registry().Quantity
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
