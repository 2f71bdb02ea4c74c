"""How long quantized matmuls should take on a processor, from what the processor was measured to do.

While a kernel computes the first row of the batch, the weights arrive from memory; the slower of the two counts. For the
other rows they are in the cache, and only arithmetic is added::

    M = W * bits_stored / 8 / bandwidth       reading the weights
    U = W * unpack                            reading and unpacking them for one row
    C = 2 * W / peak                          the arithmetic of one row
    t(B) = max(M, U, C * min(B, R)) + C * max(B - R, 0)

R is the number of rows that hide behind the reading. With very many it is the roofline, ``max(M, C * B)``. A processor's
matmul is slower than that near the ridge point, by up to 1.7 times in FP32.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

from mlsysim.checks import MAX_BATCH, Numbers, check_number

__all__ = ["ROWS_AT_ONCE", "Pass", "batch_below", "falling"]

#: R, the one number here that is not measured. On a processor with AVX2, 1 to 3 came equally near; 1 is the simplest.
ROWS_AT_ONCE = 1


@dataclass(frozen=True, slots=True)
class Pass:
    """Matmuls that are run one after the other on a processor; any number may be an array.

    Attributes:
        weights: W, how many weights there are.
        bits_stored: bits of a weight in memory, with its share of the scales.
        bandwidth: bytes per second that are read from memory.
        peak: FLOP/s of a large matmul in this number format.
        unpack: seconds for reading and unpacking one weight, for a single row; 0 for weights that need none.
        rows_at_once: R of the formula above.

    Raises:
        InputError: a number is out of range.
    """

    weights: Any
    bits_stored: Any
    bandwidth: Any
    peak: Any
    unpack: Any = 0.0
    rows_at_once: Any = ROWS_AT_ONCE

    def __post_init__(self) -> None:
        check_number("weights", self.weights, 1, integer=True)
        check_number("bits_stored", self.bits_stored, 0, 64, open_low=True)
        check_number("unpack", self.unpack, 0)
        for name in ("bandwidth", "peak", "rows_at_once"):
            check_number(name, getattr(self, name), 0, open_low=True)

    def seconds(self, batch: Numbers) -> Any:
        """How long it takes for a *batch* of rows of activations.

        >>> Pass(weights=10**8, bits_stored=32, bandwidth=40e9, peak=160e9).seconds([4, 128]).tolist()
        [0.01375, 0.16875]
        """
        rows = check_number("batch", batch, 1, MAX_BATCH, integer=True)
        read = self.weights * self.bits_stored / 8 / self.bandwidth
        row = 2 * self.weights / self.peak
        first = np.minimum(rows, self.rows_at_once)
        seconds = np.maximum(np.maximum(read, self.weights * self.unpack), row * first) + row * (rows - first)
        return seconds if np.ndim(seconds) else float(seconds)


def falling(gains: Sequence[float]) -> list[float]:
    """The nearest numbers that rise nowhere, by the squares of the differences.

    Neighbours that rise become their mean, until none do: "pool adjacent violators" (R. E. Barlow et al.,
    Statistical Inference under Order Restrictions, 1972).

    >>> falling([4.0, 1.0, 2.0, 1.0])
    [4.0, 1.5, 1.5, 1.0]
    """
    pools: list[list[float]] = []
    for gain in gains:
        pools.append([gain])
        while len(pools) > 1 and fmean(pools[-2]) < fmean(pools[-1]):
            last = pools.pop()
            pools[-1] += last
    return [fmean(pool) for pool in pools for _ in pool]


def batch_below(curve: Iterable[tuple[int, float]], threshold: float) -> float | None:
    """The batch at which a speed-up falls below *threshold*, between two batches on their logarithm; or None.

    A dip that later batches make up for decides nothing alone: what counts is the nearest curve that rises nowhere
    (:func:`falling`).

    Args:
        curve: pairs of a batch and its speed-up, with rising batches.

    Returns:
        The first batch where the speed-up is below the threshold there already; None where it is nowhere.

    >>> batch_below([(1, 4.0), (4, 3.0), (16, 1.0)], 2.0)
    8.0
    """
    points = list(curve)
    before: tuple[int, float] | None = None
    for batch, gain in zip(
        (batch for batch, _ in points), falling([gain for _, gain in points]), strict=True
    ):
        if gain < threshold:
            if before is None:
                return float(batch)
            share = (before[1] - threshold) / (before[1] - gain)
            return float(before[0] * (batch / before[0]) ** share)
        before = batch, gain
    return None
