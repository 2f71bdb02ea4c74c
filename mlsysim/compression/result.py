"""What :class:`mlsysim.CompressionModel` returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mlsysim.errors import InputError
from mlsysim.render import number
from mlsysim.units import quantity

__all__ = ["CompressionResult"]


@dataclass(frozen=True, slots=True, repr=False)
class CompressionResult:
    """Size, accuracy and speed of a compressed model; arrays have the broadcast shape of the arguments.

    Attributes:
        original_bytes: the uncompressed checkpoint, bytes.
        compression_ratio: the ideal ratio, payload bits alone (what the tutorial prints).
        storage_ratio: the ratio with scales and indices, as a file on disk has it; below 1 the file grew.
        storage_format: of the weights: ``dense``, ``bitmask``, ``csr`` or ``2:4``.
        estimated_accuracy_delta: accuracy lost as a fraction of the uncompressed accuracy, at most 0.
        accuracy_low, accuracy_high: the same where the sources disagree, at worst and at best.
        accuracy_at_chance: the same for a model that guesses; nothing is below it. -1 where no chance level is known.
        accuracy_basis: ``measured``, ``interpolated``, ``upper bound`` or ``product of recoveries``.
        accuracy_sources: of the measurements behind it.
        notes: what a reader must know, for example why there is no speed-up; or an empty string.
    """

    table_columns: ClassVar[tuple[str, ...]] = (
        "compression_ratio",
        "storage_ratio",
        "estimated_accuracy_delta",
        "speedup",
    )
    original_bytes: Any
    compression_ratio: Any
    storage_ratio: Any
    storage_format: Any
    estimated_accuracy_delta: Any
    accuracy_low: Any
    accuracy_high: Any
    accuracy_at_chance: float
    accuracy_basis: str
    accuracy_sources: tuple[str, ...]
    notes: str
    _speedup: Any

    @property
    def speedup(self) -> Any:
        """How many times faster than the dense FP16 model on the same device, from the kernels' times.

        Raises:
            InputError: the device cannot run the scheme, or there are no equations for the model; size and
                accuracy are known all the same.
        """
        if isinstance(self._speedup, InputError):
            raise self._speedup
        return self._speedup

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

    def __repr__(self) -> str:
        notes = f"; {self.notes}" if self.notes else ""
        if np.ndim(self.storage_ratio):
            return f"<CompressionResult of shape {np.shape(self.storage_ratio)}, accuracy {self.accuracy_basis}{notes}>"
        size = f"{number(self.original_bytes / self.storage_ratio / 1e9, 4)} GB in a file ({self.storage_ratio:.2f}x)"
        loss = f"{self.estimated_accuracy_delta:+.1%} ({self.accuracy_low:+.1%} to {self.accuracy_high:+.1%})"
        faster = "" if isinstance(self._speedup, InputError) else f", {self._speedup:.2f}x as fast"
        return f"<CompressionResult {size}, accuracy {loss}, {self.accuracy_basis}{faster}{notes}>"
