"""Several works measured in short slices that take turns, with the computer itself measured between them.

A computer changes while it is measured: a neighbour on the same host takes memory bandwidth, a laptop grows hot, other
programs take its cores. Between any two slices a *probe* reads memory and runs one large matmul. The slices with alike
probes on both sides, and an alike share of the cores, were measured on one computer. Only those are kept, of the computer
that was there for the longest time, and works that have too few of them get more, while there is time. No time of a work
decides which of its slices are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from mlsysim.measure.bench import Clock, Measured, measured, time_runs

__all__ = ["TOLERANCE", "Changed", "Found", "Probe", "Slice", "Turns", "Work", "alike", "differ"]

TOLERANCE = 0.15  # by which computers that count as one may differ
SLICE = 0.15  # seconds of a slice, if a run of each kind does not take longer
PROBES = 2  # times that the probe takes, which a slice lasts at least
MOST_RUNS = 100
SECONDS, SLICES = 1.5, 3  # that are kept of a work, before it has enough


class Probe(NamedTuple):
    """The computer at a moment: seconds of a byte that is read from memory, and of a FLOP."""

    byte: float
    flop: float


@dataclass(frozen=True)
class Work:
    """What is measured together: runs of several kinds, which take turns.

    Attributes:
        name: such as ``batch 8``.
        runs: by the kind.
        size: how long it takes beside the others that have a size; 0 for one that is never left out.
    """

    name: str
    runs: Mapping[int, Callable[[], Any]]
    size: float = 0.0


@dataclass(frozen=True)
class Slice:
    """What one slice measured.

    Attributes:
        work: the name of it.
        before, after: the probes on both sides.
        share: of the cores' time, how much this process had.
        seconds: how long the slice took.
        runs: by the kind, seconds of each run.
    """

    work: str
    before: Probe
    after: Probe
    share: float
    seconds: float
    runs: Mapping[int, Sequence[float]]


@dataclass(frozen=True)
class Changed:
    """What the computer was in the slices that were not kept.

    Attributes:
        time: their share of the time that was measured.
        bandwidth: bytes per second.
        peak: FLOP/s of the large FP32 matmul.
        cores: the share of the cores' time that this process had there, over what it had in slices that were kept.
        only: the names of works that were measured in such slices only.
    """

    time: float
    bandwidth: Measured
    peak: Measured
    cores: float
    only: tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """What slices of one computer say.

    Attributes:
        byte, runs: seconds of a byte that is read, and by the work and the kind, of each run.
        changed: what was not kept, if anything.
    """

    byte: Sequence[float]
    runs: Mapping[str, Mapping[int, Sequence[float]]]
    changed: Changed | None


def differ(one: float, other: float) -> bool:
    """Whether two numbers are too far apart to be of one computer."""
    return not other / (1 + TOLERANCE) <= one <= other * (1 + TOLERANCE)


def alike(slices: Sequence[Slice]) -> np.ndarray:
    """Which of the *slices* were measured on one computer, shape (n,).

    It is the computer that was there for the longest time while other programs let this process have its cores. Where no
    slice has alike probes on its two sides, it is all slices in which this process had its cores.
    """
    undisturbed = _shares(slices) >= 1 / (1 + TOLERANCE)
    sides = np.log(np.array([[piece.before, piece.after] for piece in slices]))  # shape (n, side, number)
    centres = sides.mean(axis=1)
    near = (np.abs(sides[None] - centres[:, None, None]) <= np.log1p(TOLERANCE)).all(
        axis=(2, 3)
    ) & undisturbed
    times = near @ np.array([piece.seconds for piece in slices])
    # Of computers that were there equally long, the faster one: whatever disturbs only ever makes slower.
    best = np.lexsort([centres.sum(axis=1), -times])[0]
    chosen: np.ndarray = near[best] if near[best].any() else undisturbed
    return chosen


def _shares(slices: Sequence[Slice]) -> np.ndarray:
    """The share of the cores in each slice over the largest of the same work, shape (n,); 1 where none is known."""
    most: dict[str, float] = {}
    for piece in slices:
        most[piece.work] = max(most.get(piece.work, 0.0), piece.share)
    return np.array([piece.share / most[piece.work] if most[piece.work] > 0 else 1.0 for piece in slices])


class Turns:
    """Works that take turns until each has enough slices of one computer, or it is too late.

    Args:
        works: those with a size in the order of it. The first two of them are always measured, the others if there is time.
        probe: measures the computer.
        clock: of the seconds that pass.
        busy: of the seconds that this process computed, on all cores together.
        cores: how many there are.
    """

    def __init__(
        self, works: Sequence[Work], probe: Callable[[], Probe], clock: Clock, busy: Clock, cores: int
    ) -> None:
        self._works, self._probe = works, probe
        self._clock, self._busy, self._cores = clock, busy, cores
        self._slices: list[Slice] = []
        self._costs: dict[str, float] = {}  # seconds that the next slice of each work should take
        start = clock()
        self._last = probe()
        self._probing = clock() - start
        self._least = max(SLICE, PROBES * self._probing)

    def measure(self, until: float, told: Callable[[str], None]) -> Found:
        """Give each work its turns.

        Args:
            until: when to end by the clock; no slice is begun that should end later.
            told: is called with the name of each work before it is measured.
        """
        while work := self._next(until - self._clock()):
            told(work.name)
            if work.name not in self._costs:  # what is new is slow once
                for run in work.runs.values():
                    run()
            self._slice(work)
        return _together(self._slices, alike(self._slices))

    def _slice(self, work: Work) -> None:
        start, computed = self._clock(), self._busy()
        first = len(self._slices) % len(work.runs)
        kinds = [*list(work.runs)[first:], *list(work.runs)[:first]]  # another kind is first in each slice
        runs = time_runs(
            [work.runs[kind] for kind in kinds],
            seconds=self._least,
            least=1,
            most=MOST_RUNS,
            clock=self._clock,
            warm=False,
        )
        seconds = self._clock() - start
        share = (self._busy() - computed) / (seconds * self._cores) if seconds > 0 else 1.0
        after = self._probe()
        self._slices.append(
            Slice(work.name, self._last, after, share, seconds, dict(zip(kinds, runs, strict=True)))
        )
        self._last = after
        self._costs[work.name] = self._clock() - start

    def _next(self, left: float) -> Work | None:
        """The work that has least of what is enough and can be measured in the seconds *left*; None if none is."""
        for work in self._works:
            if work.name not in self._costs and self._expected(work) <= left:
                return work
        seconds, many = dict.fromkeys(self._costs, 0.0), dict.fromkeys(self._costs, 0)
        for piece, kept in zip(self._slices, alike(self._slices), strict=True):
            if kept:
                seconds[piece.work] += piece.seconds
                many[piece.work] += 1
        done = {name: min(seconds[name] / SECONDS, many[name] / SLICES) for name in self._costs}
        lacking = [name for name in done if done[name] < 1 and self._costs[name] <= left]
        least = min(lacking, key=done.__getitem__, default=None)
        return next((work for work in self._works if work.name == least), None)

    def _expected(self, work: Work) -> float:
        """Seconds of the first slice of a *work* and its untimed runs, by the largest that was measured; -inf if it must be."""
        sizes = {other.name: other.size for other in self._works if other.size and other.name in self._costs}
        if not work.size or len(sizes) < 2:
            return -np.inf
        largest = max(sizes, key=sizes.__getitem__)
        piece = next(piece for piece in self._slices if piece.work == largest)
        turn = sum(measured(runs).value for runs in piece.runs.values()) * work.size / sizes[largest]
        return turn + max(turn, self._least) + self._probing


def _together(slices: Sequence[Slice], chosen: np.ndarray) -> Found:
    """The runs of the *chosen* slices, and what the others were; a work that has no chosen one keeps them all."""
    kept = [piece for piece, is_kept in zip(slices, chosen, strict=True) if is_kept]
    aside = [piece for piece, is_kept in zip(slices, chosen, strict=True) if not is_kept]
    names = {piece.work for piece in kept}
    only = tuple(dict.fromkeys(piece.work for piece in aside if piece.work not in names))
    runs: dict[str, dict[int, list[float]]] = {}
    for piece in (*kept, *(piece for piece in aside if piece.work in only)):
        mine = runs.setdefault(piece.work, {kind: [] for kind in piece.runs})
        for kind, seconds in piece.runs.items():
            mine[kind] += seconds
    byte = [side.byte for piece in kept for side in (piece.before, piece.after)]
    if not aside:
        return Found(byte, runs, None)
    shares = _shares(slices)
    changed = Changed(
        time=sum(piece.seconds for piece in aside) / sum(piece.seconds for piece in slices),
        bandwidth=_middle([1 / side.byte for piece in aside for side in (piece.before, piece.after)]),
        peak=_middle([1 / side.flop for piece in aside for side in (piece.before, piece.after)]),
        cores=float(np.median(shares[~chosen]) / np.median(shares[chosen])),
        only=only,
    )
    return Found(byte, runs, changed)


def _middle(rates: Sequence[float]) -> Measured:
    """Half, a tenth and nine tenths of the *rates* are below."""
    low, value, high = np.quantile(rates, (0.1, 0.5, 0.9))
    return Measured(float(value), float(low), float(high))
