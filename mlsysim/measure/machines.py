"""What this computer can do: bandwidth, peak rates and the cost of unpacking, each from a short run with its spread."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlsysim.checks import one_number
from mlsysim.errors import InputError, shown
from mlsysim.measure.bench import Bench, Progress, tell
from mlsysim.measure.host import Host
from mlsysim.measure.matmuls import BITS, SHORT, Matmuls
from mlsysim.measure.timing import Measured, measured
from mlsysim.specs import Device

__all__ = ["BATCHES", "Machine", "ShortRuns", "check_bits", "machine", "matmul", "most_layers"]

# Of the matmuls whose curve is recorded: more weights than most caches hold, even in four bits.
SIDE, LAYERS = 4096, 6
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
PEAK_SIDE, PEAK_BATCH = 3072, 192
UNPACK_SIDE = 5120
BYTES_A_WEIGHT = 16  # taken at most, while all three formats are built
SECONDS = 0.8  # for each short measurement, in a spell


@dataclass(frozen=True, slots=True)
class Machine:
    """A computer, measured.

    Attributes:
        host: what it is.
        bandwidth: bytes per second that its cores together read from memory.
        peak: FLOP/s of a large matmul by the bits of its weights; the short formats count what they compute, in integers,
            as if it were floating point.
        unpack: seconds for reading and unpacking one weight of 8 or 4 bits, for a batch of one.
        year: in which it was measured.
    """

    host: Host
    bandwidth: Measured
    peak: Mapping[int, Measured]
    unpack: Mapping[int, Measured]
    year: int

    @property
    def device(self) -> Device:
        """The same as a device of the library. Its INT8 rate is that of 8-bit weights and activations."""
        return Device(
            name="this_computer",
            title=f"{self.host.processor}, {self.host.cores} cores",
            group="Measured",
            memory_bytes=self.host.memory_bytes,
            bandwidth_bytes_s=self.bandwidth.value,
            peaks={"fp32": self.peak[32].value, "int8": self.peak[8].value},
            source=f"measured with mlsysim.measure ({self.year})",
        )


class ShortRuns:
    """The short measurements, in one or several spells; a slow spell of the computer then decides nothing alone."""

    def __init__(self, bench: Bench, layers: int, progress: Progress) -> None:
        self.bench, self.progress = bench, progress
        progress("making one large matmul in each number format …")
        self.large = {bits: bench.matmuls(bits, PEAK_SIDE, 1) for bits in BITS}
        progress("making matmuls to see what unpacking costs …")
        self.single = {bits: bench.matmuls(bits, UNPACK_SIDE, max(1, layers // 2)) for bits in SHORT}
        self.byte: list[float] = []
        self.flop: dict[int, list[float]] = {bits: [] for bits in BITS}
        self.weight: dict[int, list[float]] = {bits: [] for bits in SHORT}

    def spell(self, seconds: float = SECONDS) -> None:
        """Run each of them once more, for about so many *seconds*; the matmuls in three formats get twice that."""
        self.progress("measuring the memory bandwidth …")
        self.byte += self.bench.read(seconds)
        self.progress("measuring a large matmul in each number format …")
        for bits, runs in self.bench.time(self.large, PEAK_BATCH, 2 * seconds).items():
            flops = 2 * self.large[bits].weights * PEAK_BATCH
            self.flop[bits] += [run / flops for run in runs]
        self.progress("measuring what unpacking costs …")
        for bits, runs in self.bench.time(self.single, 1, seconds, 5, 100).items():
            self.weight[bits] += [run / self.single[bits].weights for run in runs]

    def machine(self) -> Machine:
        """What all spells together say."""
        return Machine(
            host=self.bench.host,
            bandwidth=measured(self.byte).inverse(1),
            peak={bits: measured(runs).inverse(1) for bits, runs in self.flop.items()},
            unpack={bits: measured(runs) for bits, runs in self.weight.items()},
            year=datetime.date.today().year,
        )


def machine(progress: Progress = tell, bench: Bench | None = None) -> Machine:
    """Measure this computer's bandwidth, its peak in each number format and the cost of unpacking: about ten seconds.

    Args:
        progress: is told what is being measured, and at the end nothing; by default on standard error.
        bench: what to measure with, by default this computer.

    Raises:
        InputError: onnx or onnxruntime is not installed, or there is too little memory.
    """
    bench = bench or Bench()
    bench.check()
    runs = ShortRuns(bench, most_layers(bench.host), progress)
    runs.spell(2 * SECONDS)
    progress("")
    return runs.machine()


def matmul(
    bits: int,
    batch: int,
    *,
    side: int = SIDE,
    layers: int | None = None,
    seconds: float = 2.0,
    progress: Progress = tell,
    bench: Bench | None = None,
) -> Measured:
    """Seconds that real matmuls take on this computer, one pass through all layers.

    Args:
        bits: of a weight: 32, 8 or 4.
        batch: rows of activations.
        side: rows and columns of each weight matrix, a multiple of 32.
        layers: how many matrices; by default as many as a recording has.
        seconds: how long to repeat the pass, up to 60; most often it is run three times at least.
        progress: is told what is being done, and at the end nothing; by default on standard error.
        bench: what to measure with, by default this computer.

    Raises:
        InputError: a number is out of range, onnx or onnxruntime is not installed, or there is too little memory.
    """
    check_bits(bits)
    batch = one_number("batch", batch, 1, 2**16, integer=True)
    side = one_number("side", side, 32, 2**14, integer=True)
    if side % 32:
        raise InputError(f"side = {side} is not allowed: give a multiple of 32")
    bench = bench or Bench()
    most = most_layers(bench.host, side)
    layers = min(most, LAYERS) if layers is None else one_number("layers", layers, 1, 1000, integer=True)
    if layers > most:
        raise InputError(
            f"layers = {layers} is not allowed: there is memory for {most} of {side} x {side} weights"
        )
    seconds = one_number("seconds", seconds, 0, 60)
    bench.check()
    progress(f"making {layers} layers of {side} x {side} weights of {bits} bits …")
    matmuls: Matmuls = bench.matmuls(bits, side, layers)
    progress(f"timing a batch of {batch} …")
    runs = bench.time({bits: matmuls}, batch, seconds, least=3)[bits]
    progress("")
    return measured(runs)


def most_layers(host: Host, side: int = SIDE) -> int:
    """Layers that half of the host's memory has room for; of a recording's size, no more than a recording has.

    Raises:
        InputError: there is no room for one.
    """
    layers = int(host.memory_bytes / 2 / (BYTES_A_WEIGHT * side**2))
    if layers < 1:
        need = 2 * BYTES_A_WEIGHT * side**2 / 1e6
        raise InputError(
            f"memory = {host.memory_bytes / 1e6:.0f} MB is too little: measuring needs {need:.0f} MB free"
        )
    return min(layers, LAYERS) if side == SIDE else layers


def check_bits(bits: Any) -> int:
    """Return *bits* if weights of so many are timed."""
    if isinstance(bits, bool) or bits not in BITS:
        raise InputError(f"bits = {shown(bits)} is not allowed: give 32, 8 or 4")
    return int(bits)
