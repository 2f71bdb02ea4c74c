"""The fit: five numbers, found without random starts or tuning, so that every run gives the same.

e_m and one τ for each memory type come from the batch-1 rows by least absolute relative error; e_c then from
the composed rows, where batches are large enough to meet the compute ceiling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from benchmarks.measured.rows import FIT, Row
from mlsysim import Runtime
from mlsysim.model.serving import decode_timing

__all__ = ["Form", "by_memory", "fit", "one_tau", "predict"]

Form = Callable[[Row], str]  # the class of a row's τ
CLASSES = ("hbm", "gddr", "lpddr")
SMOOTHING = 0.02  # relative errors below this weigh as squares, so that the reweighting settles
COMPUTE_GRID = np.arange(30, 101) / 100
UNIT = Runtime("unit", 1.0, 1.0, 1.0, reads_embedding=False, head_bits=16)


def by_memory(row: Row) -> str:
    """One τ for each memory type."""
    return row.device.memory_type


def one_tau(row: Row) -> str:
    """One τ for all devices."""
    return CLASSES[0]


def predict(row: Row, runtime: Runtime) -> float:
    """The library's inter-token latency for *row*, seconds."""
    return float(decode_timing(row.model, row.device, row.scheme, runtime, row.batch, row.context).total)


def fit(rows: Iterable[Row], form: Form = by_memory) -> Runtime:
    """The runtime fitted to *rows*; those that a criterion sets aside are passed over."""
    rows = list(rows)
    memory, overheads = _fit_batch_1([r for r in rows if r.use == FIT], form)

    def runtime(compute: float) -> Runtime:
        return Runtime(
            name="measured",
            bandwidth_efficiency=1 / memory,
            compute_efficiency=compute,
            layer_overhead_s=overheads[CLASSES[0]],
            overhead_by_memory=overheads if form is by_memory else {},
            reads_embedding=False,
            head_bits=16,
        )

    composed = [r for r in rows if r.use == "composed" and r.possible]
    return min(
        (runtime(float(compute)) for compute in COMPUTE_GRID), key=lambda trial: _error(composed, trial)
    )


def _error(rows: Sequence[Row], runtime: Runtime) -> float:
    return float(np.mean([abs(predict(r, runtime) / r.itl_s - 1) for r in rows]))


def _fit_batch_1(rows: Sequence[Row], form: Form) -> tuple[float, dict[str, float]]:
    """1 / e_m and τ by class (seconds), by iteratively reweighted least squares on t_predicted / t_measured = 1."""
    terms = np.zeros((len(rows), 1 + len(CLASSES)))
    for line, row in zip(terms, rows, strict=True):
        timing = decode_timing(row.model, row.device, row.scheme, UNIT, row.batch, row.context)
        line[0] = sum(timing.memory) / row.itl_s
        line[1 + CLASSES.index(form(row))] = timing.overhead / row.itl_s
    used = terms.any(axis=0)
    weights, found = np.ones(len(rows)), np.zeros(terms.shape[1])
    for _ in range(100):
        root = np.sqrt(weights)
        found[used] = np.linalg.lstsq(terms[:, used] * root[:, None], root, rcond=None)[0]
        weights = 1 / np.maximum(abs(terms @ found - 1), SMOOTHING)
    return float(found[0]), dict(zip(CLASSES, found[1:].tolist(), strict=True))
