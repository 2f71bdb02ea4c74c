"""What a measurement is made with: the computer, its clock, its memory and its matmuls; and what several runs say.

A test brings a bench of its own.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from mlsysim.measure.host import Host, this_host
from mlsysim.measure.matmuls import Matmuls, need_runtime

__all__ = ["Bench", "Clock", "Measured", "Memory", "Progress", "measured", "tell", "time_runs"]

Clock = Callable[[], float]
Progress = Callable[[str], None]
LEAST, MOST = 64 * 2**20, 512 * 2**20  # bytes read in one run
TIMES_THE_CACHE = 8
LOW, VALUE, HIGH = 0.0, 0.1, 0.9  # shares of the runs that are shorter
PATIENCE = 5  # times as long as was asked for, so that there are enough rounds
TIMES = 2  # that a run reads the array


def tell(what: str) -> None:
    """Say on standard error what is being measured, on one line that each next word overwrites; "" ends it."""
    sys.stderr.write(f"\r{what:<70}" if what else "\r" + " " * 70 + "\r")
    sys.stderr.flush()


@dataclass(frozen=True)
class Bench:
    """The computer on which something is measured."""

    host: Host = field(default_factory=this_host)
    clock: Clock = time.perf_counter
    busy: Clock = time.process_time  # seconds that this process computed, on all cores together

    def check(self) -> None:
        """Raise an error at once if something that the matmuls need is not installed."""
        need_runtime()

    def memory(self) -> Memory:
        """Memory that is ready to be read by all cores."""
        return Memory(self.host, self.clock)

    def matmuls(self, bits: int, side: int, layers: int) -> Matmuls:
        """Matmuls that are ready to run on all cores."""
        return Matmuls(bits, side, layers, self.host.cores)


def stream_bytes(host: Host) -> int:
    """Bytes to read in a run: several times the cache, within an eighth of the memory."""
    wanted = min(max(LEAST, TIMES_THE_CACHE * host.cache_bytes), MOST, host.memory_bytes / 8)
    return int(wanted) // 4096 * 4096


class Memory:
    """An array that the cores of *host* read together, a thread each."""

    def __init__(self, host: Host, clock: Clock = time.perf_counter) -> None:
        from concurrent.futures import ThreadPoolExecutor  # as slow to load as the rest together

        self.clock = clock
        self._parts = np.array_split(np.ones(stream_bytes(host) // 4, np.float32), host.cores)
        self._threads = ThreadPoolExecutor(host.cores)

    def read(self) -> float:
        """Seconds in which all cores together read a byte.

        Each thread looks for the largest number of its part of the array, which needs each number once and next to no
        arithmetic. NumPy lets the threads run side by side. The array is read twice, to last about as long as the
        matmuls that are predicted from it: on a busy computer a short run has the better luck.
        """
        begun = self.clock()
        list(self._threads.map(np.max, self._parts * TIMES))
        return (self.clock() - begun) / (TIMES * sum(part.nbytes for part in self._parts))


class Measured(NamedTuple):
    """A measured number, and the range from the fastest run to the one that a tenth of the runs are slower than.

    The number is that of the run which a tenth of the runs are faster than. Other programs only ever make a run longer,
    so it says more of the computer than the median does.
    """

    value: float
    low: float
    high: float

    @property
    def spread(self) -> float:
        """The width of that range over the median.

        >>> Measured(2.0, 1.5, 2.5).spread
        0.5
        """
        return (self.high - self.low) / self.value

    def inverse(self, amount: float) -> Measured:
        """*amount* over it: a rate from seconds, or seconds from a rate.

        >>> Measured(2.0, 1.0, 4.0).inverse(8)
        Measured(value=4.0, low=2.0, high=8.0)
        """
        return Measured(amount / self.value, amount / self.high, amount / self.low)


def measured(seconds: Sequence[float]) -> Measured:
    """What a number of runs, of so many seconds each, say together.

    >>> measured([float(run) for run in range(11)])
    Measured(value=1.0, low=0.0, high=9.0)
    """
    low, value, high = np.quantile(np.asarray(seconds, dtype=float), (LOW, VALUE, HIGH))
    return Measured(float(value), float(low), float(high))


def time_runs(
    works: Sequence[Callable[[], Any]],
    *,
    seconds: float,
    least: int = 3,
    most: int = 50,
    clock: Clock = time.perf_counter,
    warm: bool = True,
) -> list[list[float]]:
    """Seconds of each run of each of the *works*, which take turns, so that a slow spell of the machine meets all alike.

    Each is run once untimed, if they are to *warm* up: what is new is slow once. Rounds go on until *seconds* have passed,
    with *least* to *most* of them; fewer than *least*, but one at least, if they would take several times as long.
    """
    begun = clock()
    for work in works if warm else ():
        work()
    taken: list[list[float]] = [[] for _ in works]
    while True:
        for work, runs in zip(works, taken, strict=True):
            start = clock()
            work()
            runs.append(clock() - start)
        rounds, past = len(taken[0]), clock() - begun
        if rounds >= most or past >= (seconds if rounds >= least else PATIENCE * seconds):
            return taken
