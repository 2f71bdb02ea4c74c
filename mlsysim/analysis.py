"""Where a speed-up ends: the smallest batch below a threshold, and what binds there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlsysim.errors import check_number
from mlsysim.results import ServingResult
from mlsysim.solvers import MAX_BATCH, ServingModel

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

    Exact for any *max_batch* (up to 2**31), also where the curve is not monotone. Between the batches at which a
    kernel changes its ceiling, both times are straight lines in the batch, so their difference crosses the
    threshold at most once: those batches are looked at, and the crossing is bisected with the solver itself.

    >>> crossover_batch("Llama3_8B", "H100", 1.5, runtime="compiled").batch
    71
    """
    threshold = check_number("threshold", threshold, 0, open_low=True)
    last = int(check_number("max_batch", max_batch, 1, MAX_BATCH, integer=True))
    solver = ServingModel()

    def solve(batch: Any) -> tuple[ServingResult, ServingResult]:
        slow, fast = (
            solver.solve(model, hardware, seq_len, batch, p, kv_precision=kv_precision, runtime=runtime)
            for p in (baseline, precision)
        )
        return slow, fast

    def speedup(batch: Any) -> Any:
        slow, fast = solve(batch)
        return slow.itl_s / fast.itl_s

    knots = _knots(solve(np.array([1, last])), last)
    below = np.flatnonzero(speedup(knots) < threshold)
    at: int | None = None
    if below.size:
        at = int(knots[below[0]])
        above = int(knots[below[0] - 1]) if below[0] else at - 1
        while at - above > 1:
            middle = (at + above) // 2
            if speedup(middle) < threshold:
                at = middle
            else:
                above = middle
    shown = solve(last if at is None else at)
    return Crossover(at, float(shown[0].itl_s / shown[1].itl_s), str(shown[1].binding))


def _knots(ends: tuple[ServingResult, ServingResult], last: int) -> np.ndarray:
    """1, *last*, and the batches around which a kernel of either result changes from one ceiling to the other."""
    batches = {1, last}
    for result in ends:
        for kernel in result.kernels:
            first, final = np.broadcast_to(kernel.compute - kernel.memory, (2,))
            if first * final < 0:
                root = 1 + (last - 1) * first / (first - final)
                batches.update((math.floor(root) - 1, math.floor(root), math.ceil(root), math.ceil(root) + 1))
    return np.array(sorted(b for b in batches if 1 <= b <= last))
