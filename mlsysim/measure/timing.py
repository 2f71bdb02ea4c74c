"""Time a piece of work several times: how long it takes, and how far the runs lie apart."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Clock", "Measured", "measured", "time_runs"]

Clock = Callable[[], float]
LOW, VALUE, HIGH = 0.0, 0.1, 0.9  # shares of the runs that are shorter
PATIENCE = 5  # times as long as was asked for, so that there are enough rounds


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
) -> list[list[float]]:
    """Seconds of each run of each of the *works*, which take turns, so that a slow spell of the machine meets all alike.

    Each is run once untimed. Rounds go on until *seconds* have passed, with *least* to *most* of them; fewer than *least*,
    but one at least, if they would take several times as long.
    """
    begun = clock()
    for work in works:
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
