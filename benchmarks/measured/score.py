"""How far off the fit is on sources that it has not seen: each source is predicted by a fit to all the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.measured.fit import AS_IT_IS, ENGINES, Form, Terms, fit, predict
from benchmarks.measured.rows import FIT, Row
from benchmarks.measured.single_kernels import KernelRow
from benchmarks.measured.specs import NOT_STATED

__all__ = [
    *("COVERAGE", "Error", "Interval", "Prediction"),
    *("by_source", "covered", "error_of", "fitted", "gain_error", "gains", "held_out", "interval"),
]

COVERAGE = 0.8


@dataclass(frozen=True, slots=True)
class Prediction:
    """A row and its predicted time, seconds: for its own kind of engine, and for one with graphs."""

    row: Row
    seconds: float
    with_graphs: float

    @property
    def error(self) -> float:
        """Relative error, positive where the prediction is too slow."""
        return self.seconds / self.row.seconds - 1

    def unnamed(self) -> Prediction:
        """The prediction of someone who does not name the engine."""
        return Prediction(self.row, self.with_graphs, self.with_graphs)


@dataclass(frozen=True, slots=True)
class Error:
    """Mean absolute and mean signed relative error of *count* values, and the mean over sources of the former."""

    count: int
    mape: float
    bias: float
    sources: int
    by_source: float


@dataclass(frozen=True, slots=True)
class Interval:
    """Factors of a predicted time between which :data:`COVERAGE` of the measured times should lie."""

    low: float
    high: float

    def holds(self, prediction: Prediction) -> bool:
        """Whether the measured time lies within."""
        return self.low <= prediction.row.seconds / prediction.seconds <= self.high


def held_out(
    rows: Iterable[Row], matmuls: Sequence[KernelRow] = (), form: Form = AS_IT_IS
) -> list[Prediction]:
    """Each row, predicted by a fit that has seen no row of its source, and none of its single *matmuls*.

    Rows without a bandwidth are left out, as nothing predicts them.
    """
    rows = [r for r in rows if r.device.bandwidth_bytes_s > NOT_STATED]
    every, sources = Terms.of(rows, form), np.array([r.source for r in rows])
    found = []
    for source in sorted(set(sources.tolist())):
        others = [m for m in matmuls if m.source != source]
        numbers = fit([r for r in rows if r.source != source], others, form, every.where(sources != source))
        own = [r for r in rows if r.source == source]
        terms = every.where(sources == source)
        graphs = terms._replace(engine=np.full(len(own), ENGINES.index("graphs")))
        times = (predict(t, numbers, form).tolist() for t in (terms, graphs))
        found += [Prediction(*line) for line in zip(own, *times, strict=True)]
    return found


def by_source(predictions: Iterable[Prediction]) -> dict[str, list[Prediction]]:
    """The predictions of each source."""
    found: dict[str, list[Prediction]] = {}
    for p in predictions:
        found.setdefault(p.row.source, []).append(p)
    return found


def error_of(predictions: Sequence[Prediction]) -> Error:
    """The error of times."""
    return _error([(p.row.source, p.error) for p in predictions])


def gains(predictions: Sequence[Prediction], kind: str) -> list[tuple[Row, float, float]]:
    """Each row of *kind* that has a 16-bit partner, with its measured and its predicted speed-up over that."""
    baseline = {p.row.pair: p for p in predictions if p.row.kind == "fp16"}
    pairs = [(baseline[p.row.pair], p) for p in predictions if p.row.kind == kind and p.row.pair in baseline]
    return [
        (fast.row, slow.row.seconds / fast.row.seconds, slow.seconds / fast.seconds) for slow, fast in pairs
    ]


def gain_error(predictions: Sequence[Prediction], kind: str) -> Error:
    """The error of the speed-up over FP16, within pairs of rows that differ in precision only."""
    return _error([(row.source, told / seen - 1) for row, seen, told in gains(predictions, kind)])


def _error(values: Sequence[tuple[str, float]]) -> Error:
    sources = sorted({source for source, _ in values})
    array = np.array([value for _, value in values])
    each = [np.mean([abs(v) for s, v in values if s == source]) for source in sources]
    return Error(
        len(array), float(np.mean(abs(array))), float(np.mean(array)), len(sources), float(np.mean(each))
    )


def interval(predictions: Sequence[Prediction]) -> Interval:
    """The interval, as wide upwards as downwards in logarithms, that holds the measured times of *predictions*.

    A whole source weighs as the square root of its rows, as in the fit.
    """
    counts = {source: len(group) for source, group in by_source(predictions).items()}
    off = np.array([abs(np.log(p.seconds / p.row.seconds)) for p in predictions])
    weight = np.array([counts[p.row.source] ** -0.5 for p in predictions])
    order = np.argsort(off, kind="stable")
    share = np.cumsum(weight[order]) / weight.sum()
    width = float(off[order][min(int(np.searchsorted(share, COVERAGE)), len(off) - 1)])
    return Interval(float(np.exp(-width)), float(np.exp(width)))


def covered(
    predictions: Sequence[Prediction], scored: Callable[[Prediction], bool] = lambda p: True
) -> float:
    """The share of the *scored* rows that lie in the interval of all other sources' *predictions*."""
    groups = by_source(predictions)
    inside = []
    for source, group in groups.items():
        others = [p for name, rest in groups.items() if name != source for p in rest]
        inside += [bool(others) and interval(others).holds(p) for p in group if scored(p)]
    return float(np.mean(inside))


def fitted(predictions: Iterable[Prediction], *figures: str) -> list[Prediction]:
    """Those of rows that no criterion sets aside, with one of these figures."""
    return [p for p in predictions if p.row.use == FIT and p.row.figure in figures]
