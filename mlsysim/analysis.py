"""Questions a course asks of the step model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlsysim.errors import check_number
from mlsysim.solvers import ServingModel

__all__ = ["Crossover", "crossover_batch"]


@dataclass(frozen=True, slots=True)
class Crossover:
    """Where a speed-up first falls below a threshold.

    Attributes:
        batch: the smallest batch whose speed-up is below the threshold, or None if none is up to ``max_batch``.
        speedup: the speed-up at that batch (at ``max_batch`` if there is none).
        binding: what takes most of the quantized step there.
    """

    batch: int | None
    speedup: float
    binding: str


def crossover_batch(
    model: Any,
    hardware: Any,
    threshold: float,
    *,
    seq_len: int = 2048,
    precision: str = "int4",
    baseline: str = "fp16",
    kv_precision: str | None = "fp16",
    runtime: Any = "tutorial",
    max_batch: int = 4096,
) -> Crossover:
    """The smallest batch at which *precision* is less than *threshold* times as fast as *baseline*.

    Every batch up to *max_batch* is looked at, so the answer is exact also where the curve is not monotone.

    >>> crossover_batch("Llama3_8B", "H100", 1.5, runtime="compiled").batch
    71
    """
    threshold = check_number("threshold", threshold, 0, open_low=True)
    last = check_number("max_batch", max_batch, 1, 10**7, integer=True)
    batches = np.arange(1, int(last) + 1)
    solve = ServingModel().solve
    slow, fast = (
        solve(model, hardware, seq_len, batches, p, kv_precision=kv_precision, runtime=runtime)
        for p in (baseline, precision)
    )
    speedup = slow.itl_s / fast.itl_s
    below = np.flatnonzero(speedup < threshold)
    at = int(below[0]) if below.size else len(batches) - 1
    return Crossover(int(batches[at]) if below.size else None, float(speedup[at]), str(fast.binding[at]))
