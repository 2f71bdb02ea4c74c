"""A first-order performance model of quantized inference: when does quantization make a model faster?

>>> import mlsysim
>>> r = mlsysim.ServingModel().solve(mlsysim.Models.Llama3_8B, mlsysim.Hardware.Cloud.H100, precision="int4")
>>> print(f"{r.itl.to('ms').magnitude:.2f} ms, bound by {r.binding}")
4.49 ms, bound by overhead
"""

from mlsysim import plots, show
from mlsysim.analysis import Crossover, crossover_batch
from mlsysim.architecture import Architecture
from mlsysim.cases import CaseBook
from mlsysim.compression import CompressionModel
from mlsysim.compression_result import CompressionResult
from mlsysim.errors import InputError
from mlsysim.explanation import Explanation, explain
from mlsysim.hardware import Device, Hardware
from mlsysim.models import Models, SizeOnlyModel, TransformerModel, VisionModel
from mlsysim.pareto import pareto_front
from mlsysim.roofline import Regime, arithmetic_intensity, attainable, regime, ridge_point
from mlsysim.runtimes import Runtime, find_runtime
from mlsysim.solvers import Engine, ServingModel, SingleNodeModel
from mlsysim.sweeps import sweep
from mlsysim.table import Table

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
    "find_runtime",
    "pareto_front",
    "plots",
    "regime",
    "ridge_point",
    "show",
    "sweep",
]
