"""What a measurement is made with: the computer, its clock, its memory and its matmuls. A test brings its own."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from mlsysim.measure.host import Host, this_host
from mlsysim.measure.matmuls import Matmuls, need_runtime
from mlsysim.measure.timing import Clock, time_runs

__all__ = ["Bench", "Progress", "read_memory", "tell"]

Progress = Callable[[str], None]
LEAST, MOST = 64 * 2**20, 512 * 2**20  # bytes read in one run
TIMES_THE_CACHE = 8
TIMES = 4  # that a run reads the array


def tell(what: str) -> None:
    """Say on standard error what is being measured, on one line that each next word overwrites; "" ends it."""
    sys.stderr.write(f"\r{what:<70}" if what else "\r" + " " * 70 + "\r")
    sys.stderr.flush()


@dataclass(frozen=True)
class Bench:
    """The computer on which something is measured."""

    host: Host = field(default_factory=this_host)
    clock: Clock = time.perf_counter

    def check(self) -> None:
        """Raise an error at once if something that the matmuls need is not installed."""
        need_runtime()

    def read(self, seconds: float) -> list[float]:
        """Seconds in which all cores together read a byte of memory: one number for each run, for about *seconds*."""
        return read_memory(self.host, seconds, self.clock)

    def matmuls(self, bits: int, side: int, layers: int) -> Matmuls:
        """Matmuls that are ready to run on all cores."""
        return Matmuls(bits, side, layers, self.host.cores)

    def time(
        self, formats: Mapping[int, Matmuls], batch: int, seconds: float, least: int = 2, most: int = 20
    ) -> dict[int, list[float]]:
        """Seconds of a pass of each of the *formats* at a *batch*: one number for each run, for about *seconds* in all.

        Args:
            least, most: how many runs.
        """
        inputs: dict[int, np.ndarray] = {
            bits: matmuls.activations(batch) for bits, matmuls in formats.items()
        }
        works = [lambda bits=bits: formats[bits].run(inputs[bits]) for bits in formats]
        runs = time_runs(works, seconds=seconds, least=least, most=most, clock=self.clock)
        return dict(zip(formats, runs, strict=True))


def stream_bytes(host: Host) -> int:
    """Bytes to read in a run: several times the cache, within an eighth of the memory."""
    wanted = min(max(LEAST, TIMES_THE_CACHE * host.cache_bytes), MOST, host.memory_bytes / 8)
    return int(wanted) // 4096 * 4096


def read_memory(host: Host, seconds: float, clock: Clock = time.perf_counter) -> list[float]:
    """Seconds in which the cores of *host*, a thread each, read a byte of memory: one number for each run.

    Each thread looks for the largest number of its part of an array, which needs each number once and next to no
    arithmetic. NumPy lets the threads run side by side. A run reads the array several times, to last about as long as
    the matmuls that are predicted from it: on a busy computer a short run has the better luck.
    """
    from concurrent.futures import ThreadPoolExecutor  # as slow to load as the rest together

    parts = np.array_split(np.ones(stream_bytes(host) // 4, np.float32), host.cores)
    with ThreadPoolExecutor(host.cores) as threads:
        (taken,) = time_runs([lambda: list(threads.map(np.max, parts * TIMES))], seconds=seconds, clock=clock)
    total = TIMES * sum(part.nbytes for part in parts)
    return [run / total for run in taken]
