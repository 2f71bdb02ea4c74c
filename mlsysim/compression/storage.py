"""What a compressed weight really takes in a file: payload, group scales and the index of a sparse format.

Bits per original weight, for values of b bits, sparsity s and groups of g weights that share one FP16 scale:

    dense    b + 16/g                                       zeros are stored like any value
    bitmask  (1 - s)·b + 1 + 16/g                           one bit says whether the weight is there
    csr      (1 - s)·(b + 32) + 32/row + 16/g               a 32-bit column for each value, a 32-bit pointer for each row
    2:4      b/2 + 2·2/4 + 16/g                             a 2-bit position for each of the two values kept of four

The scale is there below 8 bits only (at 8 bits and above one scale a channel is enough, less than 0.1% of the size), and
``structured`` pruning leaves a smaller dense matrix: (1 - s)·(b + 16/g). A width that is not whole stands for a mixture of
the two whole ones around it, so between 7 and 8 bits only the share of 7-bit weights has group scales: no size jumps.
Sources: group 128 and FP16 scales, GPTQ and AWQ checkpoints (arXiv 2210.17323, 2306.00978); CSR with 32-bit indices,
as cuSPARSE and SciPy store it; 2:4, NVIDIA sparse tensor cores (arXiv 2104.08378).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mlsysim.errors import InputError, check_name

__all__ = ["FORMATS", "N_M_INDEX_BITS", "scale_bits", "stored_bits"]

SCALE_BITS = 16
CSR_INDEX_BITS = 32
CSR_ROW = 4096  # weights in a row: the hidden size of an 8B model
N_M_INDEX_BITS = 2  # the position of a kept value among four
FORMATS = {
    "unstructured": ("dense", "bitmask", "csr"),
    "n_m": ("2:4", "bitmask", "csr", "dense"),
    "structured": ("dense",),
}


def scale_bits(bits: Any, group_size: Any | None) -> Any:
    """Bits per weight of the group scales; none from 8 bits up, or with *group_size* None (one scale a channel)."""
    return 0.0 if group_size is None else np.clip(8.0 - bits, 0, 1) * (SCALE_BITS / group_size)


def stored_bits(
    bits: Any, sparsity: Any, pattern: str, sparse_format: str | None, group_size: Any | None
) -> tuple[Any, Any]:
    """Bits per original weight in a file, and the name of the format (arrays give an array of names).

    Args:
        pattern: of the zeros: ``unstructured``, ``n_m`` or ``structured``.
        sparse_format: ``dense``, ``bitmask``, ``csr`` or ``2:4``; None takes the smallest for unstructured zeros
            and the pattern's own format for the others.

    Raises:
        InputError: a format that the pattern does not have.

    >>> stored_bits(16, 0.5, "unstructured", None, 128)
    (9.0, 'bitmask')
    """
    allowed = FORMATS[check_name("pattern", pattern, FORMATS)]
    if sparse_format is not None:
        check_name("sparse_format", sparse_format, {name for names in FORMATS.values() for name in names})
        if sparse_format not in allowed:
            raise InputError(
                f"sparse_format = {sparse_format!r} is not allowed for {pattern} zeros: give {', '.join(allowed)}"
            )
    kept, scale = 1 - sparsity, scale_bits(bits, group_size)
    if pattern == "structured":
        return kept * (bits + scale), "dense"
    sizes = {
        "dense": bits + scale + 0 * kept,
        "bitmask": kept * bits + 1 + scale,
        "csr": kept * (bits + CSR_INDEX_BITS) + CSR_INDEX_BITS / CSR_ROW + scale,
        "2:4": kept * (bits + N_M_INDEX_BITS) + scale,
    }
    name = "2:4" if pattern == "n_m" and sparse_format is None else sparse_format
    if name is not None:
        return sizes[name], name
    table = np.stack(np.broadcast_arrays(*(sizes[name] for name in allowed)))
    best = table.argmin(axis=0)
    smallest, names = table.min(axis=0), np.array(allowed)[best]
    return (smallest, names) if smallest.ndim else (float(smallest), str(names))
