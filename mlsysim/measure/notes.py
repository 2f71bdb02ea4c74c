"""What a recording cannot show, said in sentences that are made from its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlsysim.measure.machines import BATCHES, LAYERS, Machine
from mlsysim.measure.matmuls import bits_stored

__all__ = ["NOISY", "notes_on"]

NOISY = 0.3  # width of a spread over its value, from which it is told


def notes_on(
    machine: Machine,
    weights: int,
    layers: int,
    batches: np.ndarray,
    speedups: Mapping[int, np.ndarray],
    spreads: Mapping[int, tuple[np.ndarray, np.ndarray]],
) -> tuple[str, ...]:
    """The sentences for one recording; none where there is nothing to say.

    Args:
        machine: what the computer can do.
        weights, layers: how many of them were timed.
        batches: shape (n,).
        speedups: by bits, shape (n,).
        spreads: by bits, the lower and the upper end, shape (n,) each.
    """
    said = []
    stored, cache = weights * bits_stored(4) / 8, machine.host.cache_bytes
    if stored < cache:
        said.append(
            f"The INT4 weights ({stored / 1e6:.0f} MB) fit into the cache, which has {cache / 1e6:.0f} MB by what the "
            "system says: they may come from there, faster than memory could deliver them."
        )
    if layers < LAYERS:
        said.append(f"There was memory for {layers} of {LAYERS} layers.")
    if batches[-1] < BATCHES[-1]:
        said.append(f"Batches above {batches[-1]} would have taken too long.")
    for what, value in (
        ("memory bandwidth", machine.bandwidth),
        *((f"peak of {_name(bits)}", peak) for bits, peak in machine.peak.items()),
        *((f"cost of unpacking {_name(bits)}", cost) for bits, cost in machine.unpack.items()),
    ):
        if value.spread > NOISY:
            said.append(
                f"The {what} varies by {value.spread:.0%} from run to run: the computer had other work to do."
            )
    for bits, (low, high) in spreads.items():
        width = (high - low) / speedups[bits]
        noisy: Any = batches[width > NOISY]
        if noisy.size:
            said.append(
                f"The speed-up of {_name(bits)} is known to within {width.max():.0%} only "
                f"(batch {', '.join(map(str, noisy))}): the computer had other work to do."
            )
    return tuple(said)


def _name(bits: int) -> str:
    return "FP32" if bits == 32 else f"INT{bits}"
