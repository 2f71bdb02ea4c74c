"""What this computer can do: bandwidth, peak rates and the cost of unpacking, each from a short run with its spread."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from mlsysim.checks import one_number
from mlsysim.errors import InputError, shown
from mlsysim.measure.bench import Bench, Measured, Progress, measured, tell, time_runs
from mlsysim.measure.host import Host
from mlsysim.measure.matmuls import BITS, SHORT, Matmuls
from mlsysim.measure.slices import Changed, Found, Probe, Turns, Work
from mlsysim.specs import Device

__all__ = [
    "BATCHES",
    "PEAK",
    "UNPACK",
    "Lab",
    "Machine",
    "batch_name",
    "check_bits",
    "machine",
    "matmul",
    "most_layers",
    "runs_of",
]

# Of the matmuls whose curve is recorded: more weights than most caches hold, even in four bits.
SIDE, LAYERS = 4096, 6
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
PEAK_SIDE, PEAK_BATCH = 3072, 192
UNPACK_SIDE = 5120
BYTES_A_WEIGHT = 16  # taken at most, while all three formats are built
PEAK, UNPACK = "large matmuls", "unpacking"  # the works that are measured beside a curve
MACHINE_SECONDS = 20.0  # no further slice is begun that should end later


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
        changed: what else it was while it was measured, which none of these numbers holds.
    """

    host: Host
    bandwidth: Measured
    peak: Mapping[int, Measured]
    unpack: Mapping[int, Measured]
    year: int
    changed: Changed | None = None

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


class Lab:
    """What is ready to be measured on a computer, in slices that take turns."""

    def __init__(self, bench: Bench, progress: Progress) -> None:
        self.bench, self.progress = bench, progress
        bench.check()
        self.start = bench.clock()
        self.layers = most_layers(bench.host)
        progress("making one large matmul in each number format …")
        self._large = {bits: bench.matmuls(bits, PEAK_SIDE, 1) for bits in BITS}
        progress("making matmuls to see what unpacking costs …")
        self._single = {bits: bench.matmuls(bits, UNPACK_SIDE, max(1, self.layers // 2)) for bits in SHORT}
        self._memory = bench.memory()
        self._works = [
            Work(PEAK, runs_of(self._large, PEAK_BATCH)),
            Work(UNPACK, runs_of(self._single, 1)),
        ]

    def measure(self, seconds: float, further: Sequence[Work] = ()) -> Found:
        """Measure the peaks, the cost of unpacking and *further* works.

        Args:
            seconds: after the start, when no further slice is begun that should end later.
        """
        bench, end = self.bench, self.start + seconds
        large = self._works[0].runs[32]
        flops = 2 * self._large[32].weights * PEAK_BATCH

        def probe() -> Probe:
            byte, begun = self._memory.read(), bench.clock()
            large()
            return Probe(byte, (bench.clock() - begun) / flops)

        def told(work: str) -> None:
            self.progress(f"measuring: {work}, {max(end - bench.clock(), 0):.0f} s at most to go …")

        large()  # what is new is slow once
        turns = Turns([*self._works, *further], probe, bench.clock, bench.busy, bench.host.cores)
        found = turns.measure(end, told)
        self.progress("")
        return found

    def machine(self, found: Found) -> Machine:
        """What was *found*, as numbers of the computer."""
        flops = {bits: 2 * matmuls.weights * PEAK_BATCH for bits, matmuls in self._large.items()}
        return Machine(
            host=self.bench.host,
            bandwidth=measured(found.byte).inverse(1),
            peak={bits: measured(found.runs[PEAK][bits]).inverse(flops[bits]) for bits in BITS},
            unpack={
                bits: Measured(*(time / matmuls.weights for time in measured(found.runs[UNPACK][bits])))
                for bits, matmuls in self._single.items()
            },
            year=datetime.date.today().year,
            changed=found.changed,
        )


def batch_name(batch: int) -> str:
    """What the work that times the curve at a *batch* is called."""
    return f"batch {batch}"


def runs_of(formats: Mapping[int, Matmuls], batch: int) -> dict[int, Callable[[], Any]]:
    """A pass of each of the *formats* at a *batch*, ready to be timed."""
    inputs = {bits: matmuls.activations(batch) for bits, matmuls in formats.items()}
    return {bits: partial(matmuls.run, inputs[bits]) for bits, matmuls in formats.items()}


def machine(progress: Progress = tell, bench: Bench | None = None) -> Machine:
    """Measure this computer's bandwidth, its peak in each number format and the cost of unpacking: about ten seconds.

    Args:
        progress: is told what is being measured, and at the end nothing; by default on standard error.
        bench: what to measure with, by default this computer.

    Raises:
        InputError: onnx or onnxruntime is not installed, or there is too little memory.
    """
    lab = Lab(bench or Bench(), progress)
    return lab.machine(lab.measure(MACHINE_SECONDS))


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
    inputs = matmuls.activations(batch)
    (runs,) = time_runs([partial(matmuls.run, inputs)], seconds=seconds, most=20, clock=bench.clock)
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
