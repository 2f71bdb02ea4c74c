"""How far off the fit is on rows that it has not seen: each device is predicted by a fit to all the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.measured.fit import Form, by_memory, fit, predict
from benchmarks.measured.rows import NOT_STATED, Row

__all__ = [
    "Error",
    "Prediction",
    "Progress",
    "held_out",
    "itl_error",
    "speedup_errors",
    "with_reported_bytes",
]


Progress = Callable[[Sequence[str]], Iterable[str]]  # goes through the devices, and may show how far it is


@dataclass(frozen=True, slots=True)
class Prediction:
    """A row and its predicted inter-token latency, seconds."""

    row: Row
    itl_s: float

    @property
    def error(self) -> float:
        """Relative error, positive where the prediction is too slow."""
        return self.itl_s / self.row.itl_s - 1


@dataclass(frozen=True, slots=True)
class Error:
    """Mean absolute and mean signed relative error of *count* values."""

    count: int
    mape: float
    bias: float


def held_out(
    rows: Iterable[Row],
    form: Form = by_memory,
    seen_as: Callable[[Row], Row] = lambda row: row,
    progress: Progress = iter,
) -> list[Prediction]:
    """Each row, predicted by a fit that has seen none of its device's rows, from any source.

    Rows without a bandwidth are left out, as nothing predicts them.
    """
    rows = [seen_as(r) for r in rows if r.device.bandwidth_bytes_s > NOT_STATED]
    found = []
    for device in progress(sorted({r.device.name for r in rows})):
        runtime = fit([r for r in rows if r.device.name != device], form)
        found += [Prediction(r, predict(r, runtime)) for r in rows if r.device.name == device]
    return found


def with_reported_bytes(row: Row) -> Row:
    """*row* with the body's bits such that the step reads the bytes that the source reports."""
    if not row.reported_bytes > 0:
        return row
    head = row.model.embedding_parameters
    bits = (row.reported_bytes - 2 * head) * 8 / (row.model.parameters - 2 * head)
    return replace(row, scheme=replace(row.scheme, weight_bits=bits))


def itl_error(predictions: Sequence[Prediction]) -> Error:
    """Error of the inter-token latency."""
    return _error([p.error for p in predictions])


def speedup_errors(predictions: Sequence[Prediction], kind: str) -> Error:
    """Error of the speed-up over FP16, within pairs of rows that differ in precision only."""
    baseline = {p.row.pair: p for p in predictions if p.row.kind == "fp16"}
    pairs = [(baseline[p.row.pair], p) for p in predictions if p.row.kind == kind and p.row.pair in baseline]
    return _error([(1 + slow.error) / (1 + fast.error) - 1 for slow, fast in pairs])


def _error(values: Sequence[float]) -> Error:
    array = np.array(values)
    return Error(len(array), float(np.mean(abs(array))), float(np.mean(array)))
