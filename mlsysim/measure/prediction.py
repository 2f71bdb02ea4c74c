"""How long quantized matmuls should take on a processor, from what the processor was measured to do.

A kernel takes the rows of the batch a few at a time. While it computes the first of them, the weights arrive from memory;
the slower of the two counts. When it comes to the other rows, the weights are in the cache, and only arithmetic is added::

    M = W * bits_stored / 8 / bandwidth       reading the weights
    U = W * unpack                            reading and unpacking them for one row
    C = 2 * W / peak                          the arithmetic of one row
    t(B) = max(M, U, C * min(B, R)) + C * max(B - R, 0)

With very many rows at once this is the roofline, ``max(M, C * B)``. A processor's matmul is slower than that near the
ridge point, by up to 1.7 times in FP32.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mlsysim.checks import MAX_BATCH, Numbers, check_number

__all__ = ["ROWS_AT_ONCE", "batch_below", "matmul_seconds"]

#: R: rows that a kernel takes at once. Those of ONNX Runtime take 1 to 12, by format and processor; 4 predicted best.
ROWS_AT_ONCE = 4


def matmul_seconds(
    batch: Numbers,
    *,
    weights: Numbers,
    bits_stored: Numbers,
    bandwidth: Numbers,
    peak: Numbers,
    unpack: Numbers = 0.0,
    rows_at_once: Numbers = ROWS_AT_ONCE,
) -> Any:
    """Seconds that matmuls with *weights* weights take for a *batch* of rows; any argument may be an array.

    Args:
        batch: rows of activations.
        weights: W, how many weights there are.
        bits_stored: bits of a weight in memory, with its share of the scales.
        bandwidth: bytes per second that are read from memory.
        peak: FLOP/s of a large matmul in this number format.
        unpack: seconds for reading and unpacking one weight, for a single row; 0 for weights that need none.
        rows_at_once: R of the formula; see :mod:`mlsysim.measure.prediction`.

    Raises:
        InputError: a number is out of range.

    >>> matmul_seconds(1, weights=10**8, bits_stored=32, bandwidth=40e9, peak=160e9)
    0.01
    >>> matmul_seconds([4, 128], weights=10**8, bits_stored=32, bandwidth=40e9, peak=160e9).tolist()
    [0.01, 0.165]
    """
    rows = check_number("batch", batch, 1, MAX_BATCH, integer=True)
    count = check_number("weights", weights, 1, integer=True)
    read = count * check_number("bits_stored", bits_stored, 0, 64, open_low=True) / 8
    read = read / check_number("bandwidth", bandwidth, 0, open_low=True)
    unpacked = count * check_number("unpack", unpack, 0)
    row = 2 * count / check_number("peak", peak, 0, open_low=True)
    first = np.minimum(rows, check_number("rows_at_once", rows_at_once, 0, open_low=True))
    seconds = np.maximum(np.maximum(read, unpacked), row * first) + row * (rows - first)
    return seconds if np.ndim(seconds) else float(seconds)


def batch_below(batches: Any, speedup: Any, threshold: float) -> float | None:
    """The batch at which a *speedup* falls below *threshold*, between two *batches* on their logarithm; or None.

    Args:
        batches: rising batches.
        speedup: the speed-up at each of them.

    Returns:
        The first of *batches* where the speed-up is below the threshold there already; None where it is nowhere.

    >>> batch_below([1, 4, 16], [4.0, 3.0, 1.0], 2.0)
    8.0
    """
    below = np.flatnonzero(np.asarray(speedup) < threshold)
    if not below.size:
        return None
    after = int(below[0])
    if after == 0:
        return float(batches[0])
    high, low = speedup[after - 1], speedup[after]
    share = (high - threshold) / (high - low)
    start, end = np.log2(batches[after - 1]), np.log2(batches[after])
    return float(2 ** (start + share * (end - start)))
