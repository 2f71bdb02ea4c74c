"""A recording: what one computer was measured to do, and its measured curve of time against batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlsysim.checks import Numbers, one_number
from mlsysim.measure.bench import Measured
from mlsysim.measure.host import Host
from mlsysim.measure.machines import Machine, check_bits
from mlsysim.measure.matmuls import BITS, bits_stored
from mlsysim.measure.notes import notes_on
from mlsysim.measure.prediction import Pass, batch_below
from mlsysim.specs import Device

__all__ = ["Recording"]


@dataclass(frozen=True)
class Recording:
    """One computer's bandwidth and peaks, and the times of its matmuls by batch, in SI units.

    Attributes:
        machine: what the computer is and can do.
        side, layers: rows and columns of each weight matrix that was timed, and how many there are.
        batches: rows of activations, rising, shape (n,).
        times: by bits of a weight (32, 8, 4), seconds of one pass through all layers at each batch.
        measured_on: the day, ``2026-11-28``.
        runtime: what ran the matmuls, ``onnxruntime 1.32.0``.
    """

    machine: Machine
    side: int
    layers: int
    batches: np.ndarray
    times: Mapping[int, Sequence[Measured]]
    measured_on: str
    runtime: str

    @property
    def host(self) -> Host:
        """What the computer is: processor, system, cores, memory and cache."""
        return self.machine.host

    @property
    def device(self) -> Device:
        """The computer as a device of the library."""
        return self.machine.device

    @property
    def weights(self) -> int:
        """How many weights the matmuls that were timed have."""
        return self.side**2 * self.layers

    @property
    def bandwidth(self) -> float:
        """Bytes per second that all cores together read from memory."""
        return self.machine.bandwidth.value

    @property
    def bandwidth_range(self) -> tuple[float, float]:
        """The range from the slow to the fastest runs, bytes per second."""
        return self.machine.bandwidth.low, self.machine.bandwidth.high

    def peak(self, bits: int) -> float:
        """FLOP/s of a large matmul whose weights have so many *bits*: 32, 8 or 4."""
        return self.machine.peak[check_bits(bits)].value

    def peak_range(self, bits: int) -> tuple[float, float]:
        """The range from the slow to the fastest runs, FLOP/s."""
        return self.machine.peak[check_bits(bits)].low, self.machine.peak[bits].high

    def unpack(self, bits: int) -> float:
        """Seconds for reading and unpacking one weight for a batch of one; 0 for 32 *bits*, which need no unpacking."""
        return 0.0 if check_bits(bits) == 32 else self.machine.unpack[bits].value

    def bits_stored(self, bits: int) -> float:
        """Bits that a weight takes in memory, with its share of the group's scale."""
        return bits_stored(check_bits(bits))

    def seconds(self, bits: int) -> np.ndarray:
        """Measured seconds of a pass at each of the batches, shape (n,)."""
        return np.array([time.value for time in self.times[check_bits(bits)]])

    def speedup(self, bits: int) -> np.ndarray:
        """Measured time with FP32 weights over that with *bits*, at each of the batches, shape (n,)."""
        gain: np.ndarray = self.seconds(32) / self.seconds(bits)
        return gain

    def spread(self, bits: int) -> tuple[np.ndarray, np.ndarray]:
        """The least and the largest speed-up that the spreads of both times allow, shape (n,) each."""
        pairs = list(zip(self.times[32], self.times[check_bits(bits)], strict=True))
        low = np.array([slow.low / fast.high for slow, fast in pairs])
        return low, np.array([slow.high / fast.low for slow, fast in pairs])

    def predicted(self, bits: int, batches: Numbers | None = None) -> Any:
        """Seconds that a pass should take (:class:`mlsysim.measure.prediction.Pass`), by default at each of the batches.

        No time of the recorded curve goes into it.
        """
        expected = Pass(
            weights=self.weights,
            bits_stored=self.bits_stored(bits),
            bandwidth=self.bandwidth,
            peak=self.peak(bits),
            unpack=self.unpack(bits),
        )
        return expected.seconds(self.batches if batches is None else batches)

    def predicted_speedup(self, bits: int, batches: Numbers | None = None) -> Any:
        """The predicted time with FP32 weights over that with *bits*, by default at each of the batches."""
        return self.predicted(32, batches) / self.predicted(bits, batches)

    def crossover(self, bits: int, threshold: float, *, predicted: bool = False) -> float | None:
        """The batch at which the measured (or *predicted*) speed-up falls below *threshold*, or None if it does nowhere.

        It lies between two of the batches, on their logarithm; it is the first of them if the speed-up is below there. Where
        the curve rises, what counts is the nearest one that does not.
        """
        threshold = one_number("threshold", threshold, 0, open_low=True)
        curve = self.predicted_speedup(bits) if predicted else self.speedup(bits)
        return batch_below(zip(self.batches.tolist(), curve.tolist(), strict=True), threshold)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what this recording cannot show, made from its numbers."""
        spreads = {bits: self.spread(bits) for bits in BITS if bits < 32}
        curves = {bits: self.speedup(bits) for bits in spreads}
        return notes_on(self.machine, self.weights, self.layers, self.batches, curves, spreads)

    def save(self, path: str | Path) -> None:
        """Write it to a JSON file of a few KB.

        Raises:
            InputError: the file cannot be written.
        """
        from mlsysim.measure.recording_file import write

        write(self, path)

    def __repr__(self) -> str:
        host = self.host
        gains = ", ".join(
            f"INT{bits} {self.speedup(bits)[0]:.2f}x at batch {self.batches[0]} and {self.speedup(bits)[-1]:.2f}x at "
            f"{self.batches[-1]}"
            for bits in BITS
            if bits < 32
        )
        return (
            f"<Recording of {host.processor}, {host.cores} cores, {self.measured_on}: {self.bandwidth / 1e9:.1f} GB/s, "
            f"FP32 {self.peak(32) / 1e9:.0f} GFLOP/s, {gains}>"
        )
