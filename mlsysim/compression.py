"""Compression: size, storage overheads and accuracy of quantized and pruned models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlsysim.accuracy import accuracy_delta
from mlsysim.errors import InputError, check_number, unknown_name
from mlsysim.hardware import Device, Hardware
from mlsysim.models import Model, Models
from mlsysim.units import quantity

__all__ = ["CompressionModel", "CompressionResult"]

METHODS = ("quantization", "pruning")
SPARSITY_TYPES = ("unstructured", "structured", "n_m")
GROUP_SIZE = 128  # weights that share one FP16 scale in GPTQ and AWQ checkpoints
SCALE_BITS = 16
N_M_INDEX_BITS = 2  # position of each kept value within its group of four (NVIDIA 2:4 format)


@dataclass(frozen=True, slots=True)
class CompressionResult:
    """Size and accuracy of a compressed model.

    Attributes:
        original_bytes: the uncompressed checkpoint, bytes.
        compression_ratio: the ideal ratio, payload bits alone (what the tutorial prints).
        storage_ratio: the ratio with scales and indices, as a file on disk has it.
        estimated_accuracy_delta: accuracy lost as a fraction of the uncompressed accuracy, at most 0.
    """

    original_bytes: Any
    compression_ratio: Any
    storage_ratio: Any
    estimated_accuracy_delta: Any

    @property
    def compressed_size_gb(self) -> Any:
        """Size by the ideal ratio, GB."""
        return quantity(self.original_bytes / self.compression_ratio, "byte", "GB")

    @property
    def stored_size_gb(self) -> Any:
        """Size with scales and indices, GB."""
        return quantity(self.original_bytes / self.storage_ratio, "byte", "GB")

    @property
    def memory_savings_pct(self) -> Any:
        """Bytes saved by the ideal ratio, percent."""
        return 100 * (1 - 1 / self.compression_ratio)


class CompressionModel:
    """What quantization or pruning does to a model's size and accuracy."""

    def solve(
        self,
        model: Model | str,
        hardware: Device | str,
        method: str = "quantization",
        target_bitwidth: Any = 8,
        sparsity: Any = 0.0,
        sparsity_type: str = "unstructured",
        *,
        recipe: str | None = None,
        baseline_bits: Any = 16,
    ) -> CompressionResult:
        """Compress *model* by *method*.

        Args:
            target_bitwidth: bits of a weight, for quantization.
            sparsity: share of the weights that is zero, 0 to below 1, for pruning.
            sparsity_type: ``unstructured`` (stored with a bitmask), ``structured`` or ``n_m`` (2:4).
            recipe: see :func:`mlsysim.accuracy.accuracy_delta`.
            baseline_bits: bits of a weight in the checkpoint that the ratio is relative to.

        Raises:
            InputError: unknown model, device, method or sparsity type, or a number out of range.

        >>> c = CompressionModel().solve("Llama3_8B", "H100", target_bitwidth=4)
        >>> f"{c.compressed_size_gb:.2f~P} {c.compression_ratio:.1f}x {c.estimated_accuracy_delta:+.1%}"
        '4.02 GB 4.0x -1.2%'
        """
        model = Models[model] if isinstance(model, str) else model
        hardware = Hardware[hardware] if isinstance(hardware, str) else hardware
        if method not in METHODS:
            raise unknown_name("method", method, METHODS)
        baseline = check_number("baseline_bits", baseline_bits, 1, 64)
        original = model.parameters * baseline / 8
        if method == "quantization":
            bits = check_number("target_bitwidth", target_bitwidth, 2, 16)
            loss = accuracy_delta(model.family, method, bits, recipe)
            stored = bits + (bits < 8) * SCALE_BITS / GROUP_SIZE
            return CompressionResult(original, baseline / bits, baseline / stored, loss)
        if sparsity_type not in SPARSITY_TYPES:
            raise unknown_name("sparsity_type", sparsity_type, SPARSITY_TYPES)
        zeros = check_number("sparsity", sparsity, 0, 0.9999)
        if sparsity_type == "n_m" and not np.all(zeros == 0.5):
            raise InputError(f"sparsity = {sparsity!r} is not allowed with n_m: 2:4 sparsity is 0.5")
        kept = (1 - zeros) * 16
        index = {"unstructured": 1, "structured": 0, "n_m": (1 - zeros) * N_M_INDEX_BITS}[sparsity_type]
        loss = accuracy_delta(model.family, method, zeros, recipe)
        return CompressionResult(original, baseline / kept, baseline / (kept + index), loss)
