"""A first-order performance model of quantized inference: when does quantization make a model faster?

>>> import mlsysim
>>> r = mlsysim.ServingModel().solve(mlsysim.Models.Llama3_8B, mlsysim.Hardware.Cloud.H100, precision="int4")
>>> print(f"{r.itl.to('ms').magnitude:.2f} ms, bound by {r.binding}")
4.49 ms, bound by overhead
"""

from mlsysim import plots, show
from mlsysim.analysis import Crossover, crossover_batch
from mlsysim.architecture import Architecture
from mlsysim.cases import case
from mlsysim.compression import CompressionModel
from mlsysim.errors import InputError
from mlsysim.hardware import Device, Hardware
from mlsysim.models import Models, SizeOnlyModel, TransformerModel, VisionModel
from mlsysim.runtimes import Runtime, find_runtime
from mlsysim.solvers import Engine, ServingModel, SingleNodeModel

__version__ = "0.1.0"

__all__ = [
    "Architecture",
    "CompressionModel",
    "Crossover",
    "Device",
    "Engine",
    "Hardware",
    "InputError",
    "Models",
    "Runtime",
    "ServingModel",
    "SingleNodeModel",
    "SizeOnlyModel",
    "TransformerModel",
    "VisionModel",
    "case",
    "crossover_batch",
    "find_runtime",
    "plots",
    "show",
]
