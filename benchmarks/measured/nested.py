"""The form of the times, chosen anew without each source: ``python -m benchmarks.measured.nested``, some minutes.

Of the forms that the report compares, each source is given the one that does best on the others, where each of those is
predicted by a fit to the rest. So neither the numbers nor the form have seen the source that they are judged on. Best is
the smallest mean, over the figures that have a bar, of the error over its bar.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence

import numpy as np
from rich.progress import track

from benchmarks.measured.rows import Row, measured_rows
from benchmarks.measured.score import Prediction, held_out
from benchmarks.measured.single_kernels import KernelRow, kernel_rows
from benchmarks.measured.specs import DATA, NOT_STATED
from benchmarks.measured.study import BARS, FORMS, FORMS_TABLE, errors_of

__all__ = ["criterion", "without"]


def criterion(predictions: Sequence[Prediction]) -> float:
    """The mean, over the figures that have a bar, of the error over its bar."""
    return float(np.mean([error.mape / BARS[figure] for figure, error in errors_of(predictions).items()]))


def without(source: str, name: str, rows: Iterable[Row], single: Iterable[KernelRow]) -> float:
    """The criterion of the form called *name* on all sources but one, each left out in its turn."""
    kept = [row for row in rows if row.source != source and row.device.bandwidth_bytes_s > NOT_STATED]
    matmuls = [row for row in single if row.source != source] if FORMS[name].kernels else []
    return criterion(held_out(kept, matmuls, FORMS[name]))


def main() -> None:
    """Write the criterion of every form without every source."""
    rows, single = measured_rows(), kernel_rows()
    sources = sorted({row.source for row in rows if row.device.bandwidth_bytes_s > NOT_STATED})
    with (DATA / FORMS_TABLE).open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(("source", "form", "criterion"))
        for source in track(sources, "choosing a form without each source", transient=True):
            for name in FORMS:
                lines.writerow((source, name, f"{without(source, name, rows, single):.4f}"))


if __name__ == "__main__":
    main()
