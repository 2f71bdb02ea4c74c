"""What a recording cannot show, said in sentences that are made from its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlsysim.measure.machines import BATCHES, LAYERS, Machine
from mlsysim.measure.matmuls import bits_stored
from mlsysim.measure.slices import Changed, differ

__all__ = ["NOISY", "notes_on"]

TOLD = 0.05  # share of the time in which the computer was another one, from which it is told
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
    if machine.changed:
        said += _change(machine, machine.changed)
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


def _change(machine: Machine, changed: Changed) -> list[str]:
    """What the computer was for a part of the time; nothing if that was too short to tell and nothing hangs on it."""
    if changed.time < TOLD and not changed.only:
        return []
    seen = []
    for what, unit, usual, other in (
        ("read memory at", "GB/s", machine.bandwidth.value, changed.bandwidth),
        ("computed FP32 at", "GFLOP/s", machine.peak[32].value, changed.peak),
    ):
        if differ(other.value, usual):
            seen.append(f"{what} {other.value / 1e9:.0f} {unit} and not at {usual / 1e9:.0f}")
        elif differ(other.low, usual) or differ(other.high, usual):
            ends = f"{other.low / 1e9:.0f} to {other.high / 1e9:.0f}"
            seen.append(f"{what} {ends} {unit} and not always at {usual / 1e9:.0f}")
    if changed.cores < 1 and differ(changed.cores, 1):
        seen.append(f"lost {1 - changed.cores:.0%} of its cores' time to other programs")
    how = " and ".join(seen) or "was disturbed now and then"
    said = [
        f"The computer changed while it was measured: for {changed.time:.0%} of the time it {how}. "
        "What was measured in that time is set aside."
    ]
    if changed.only:
        said.append(
            f"Only in that time was {', '.join(changed.only)} measured, which the prediction need not fit."
        )
    return said


def _name(bits: int) -> str:
    return "FP32" if bits == 32 else f"INT{bits}"
