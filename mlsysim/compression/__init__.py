"""What quantization, pruning and distillation do to a model's size, accuracy and speed."""

from mlsysim.compression.result import CompressionResult
from mlsysim.compression.solver import CompressionModel

__all__ = ["CompressionModel", "CompressionResult"]
