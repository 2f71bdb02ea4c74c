"""Processors that are made up: a bench whose clock only its own work moves, and recordings of any computer."""

from __future__ import annotations

import math
import random
from bisect import bisect
from dataclasses import dataclass, field

import numpy as np
from hypothesis import strategies as st

from mlsysim.measure import Bench, Machine, Measured, Recording
from mlsysim.measure.host import Host
from mlsysim.measure.machines import PEAK, batch_name
from mlsysim.measure.matmuls import BITS, bits_stored
from mlsysim.measure.prediction import Pass
from mlsysim.measure.slices import Changed

HOST = Host("Processor of a test", "Linux x86_64", 2, 16e9, 32e6)


@dataclass
class Now:
    """The time, and how long all cores together have computed."""

    seconds: float = 0.0
    computed: float = 0.0


@dataclass(frozen=True)
class Weather:
    """What a computer is for a while: factors of its own bandwidth and peaks, and the share of its cores that it has."""

    bandwidth: float = 1.0
    peak: float = 1.0
    share: float = 1.0


CALM = Weather()


@dataclass(frozen=True)
class Pretended:
    """Matmuls that take as long as the formula says, and longer by chance."""

    bench: Processor
    bits: int
    weights: int

    def activations(self, batch):
        return np.zeros((batch, 1))

    def run(self, activations):
        def seconds(weather):
            return Pass(
                weights=self.weights,
                bits_stored=bits_stored(self.bits),
                bandwidth=self.bench.bytes_per_second * weather.bandwidth,
                peak=self.bench.peaks[self.bits] * weather.peak,
                unpack=self.bench.unpacks.get(self.bits, 0.0) / weather.peak,
            ).seconds(len(activations))

        self.bench.work(seconds)


@dataclass(frozen=True)
class PretendedMemory:
    """Memory of which a run reads half a gigabyte."""

    bench: Processor

    def read(self):
        begun = self.bench.now.seconds
        self.bench.work(lambda weather: 5e8 / (self.bench.bytes_per_second * weather.bandwidth))
        return (self.bench.now.seconds - begun) / 5e8


@dataclass(frozen=True)
class Processor(Bench):
    """A processor whose numbers are known.

    *building* is how long it takes to make matmuls ready. *weather* has pairs of a second, rising, and of what the
    processor is from then on.
    """

    host: Host = HOST
    bytes_per_second: float = 30e9
    peaks: dict = field(default_factory=lambda: {32: 150e9, 8: 100e9, 4: 160e9})
    unpacks: dict = field(default_factory=dict)
    jitter: float = 0.0
    building: float = 1.0
    weather: tuple = ()
    now: Now = field(default_factory=Now)
    chance: random.Random = field(default_factory=lambda: random.Random(0))

    def __post_init__(self):
        object.__setattr__(self, "clock", lambda: self.now.seconds)
        object.__setattr__(self, "busy", lambda: self.now.computed)

    def check(self):
        pass

    def work(self, seconds):
        """Do what takes *seconds(weather)* of all cores, whatever the weather becomes meanwhile."""
        now, left = self.now, 1 + self.jitter * self.chance.random()
        while left > 0:
            place = bisect(self.weather, now.seconds, key=lambda change: change[0])
            weather = self.weather[place - 1][1] if place else CALM
            until = self.weather[place][0] if place < len(self.weather) else math.inf
            whole = seconds(weather) / weather.share
            taken = min(whole * left, until - now.seconds)
            left = 0 if taken == whole * left else left - taken / whole
            now.seconds = until if left > 0 else now.seconds + taken
            now.computed += taken * weather.share * self.host.cores

    def memory(self):
        return PretendedMemory(self)

    def matmuls(self, bits, side, layers):
        self.now.seconds += self.building
        return Pretended(self, bits, side * side * layers)


@st.composite
def processors(draw, **fixed):
    """From a small board to a server with fast integer units."""
    fp32 = draw(st.floats(10e9, 2e12))
    ridge = draw(st.floats(1, 30))  # FLOP per byte
    peaks = {bits: fp32 * draw(st.floats(0.5, 3)) for bits in BITS[1:]}
    rate = fp32 / ridge
    unpacks = {bits: bits_stored(bits) / 8 / rate * draw(st.floats(0.5, 2.5)) for bits in BITS[1:]}
    return Processor(bytes_per_second=rate, peaks={32: fp32, **peaks}, unpacks=unpacks, **fixed)


def measureds(low, high):
    return st.lists(st.floats(low, high), min_size=3, max_size=3).map(
        lambda three: Measured(sorted(three)[1], min(three), max(three))
    )


names = st.from_regex(r"[A-Za-z0-9(][A-Za-z0-9 ,.()@+/_-]{0,60}[A-Za-z0-9)]", fullmatch=True).filter(
    lambda name: "  " not in name
)


def changes(batches):
    """What a computer was in slices that were set aside."""
    return st.builds(
        Changed,
        time=st.floats(0, 1),
        bandwidth=measureds(1e8, 1e13),
        peak=measureds(1e9, 1e15),
        cores=st.floats(0, 2),
        only=st.lists(st.sampled_from([PEAK, *map(batch_name, batches)]), unique=True).map(tuple),
    )


@st.composite
def recordings(draw):
    """Recordings that nothing but their form holds together."""
    host = Host(
        draw(names),
        draw(names),
        draw(st.integers(1, 256)),
        draw(st.floats(1e6, 1e13)),
        draw(st.floats(0, 1e9)),
    )
    day = draw(st.dates()).isoformat()
    batches = sorted(draw(st.sets(st.integers(1, 4096), min_size=2, max_size=10)))
    machine = Machine(
        host,
        draw(measureds(1e8, 1e13)),
        {bits: draw(measureds(1e9, 1e15)) for bits in BITS},
        {bits: draw(measureds(1e-14, 1e-8)) for bits in BITS[1:]},
        int(day[:4]),
        draw(st.none() | changes(batches)),
    )
    times = {
        bits: tuple(draw(st.lists(measureds(1e-6, 10), min_size=len(batches), max_size=len(batches))))
        for bits in BITS
    }
    side, layers = 32 * draw(st.integers(1, 200)), draw(st.integers(1, 20))
    return Recording(machine, side, layers, np.array(batches), times, day, draw(names))
