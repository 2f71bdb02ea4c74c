"""All that the report and the tests look at: the fit, the predictions of sources left out, and the forms compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from benchmarks.measured.fit import AS_IT_IS, NO_CEILING, Form, Terms, fit, predict, runtimes
from benchmarks.measured.rows import Row, measured_rows
from benchmarks.measured.score import (
    COVERAGE,
    Error,
    Interval,
    Prediction,
    by_source,
    covered,
    error_of,
    fitted,
    gain_error,
    held_out,
    interval,
)
from benchmarks.measured.single_kernels import KernelRow, Matmuls, kernel_rows, predicted_gains
from benchmarks.measured.specs import NOT_STATED, table
from mlsysim import Runtime

__all__ = ["BARS", "BEFORE", "FORMS", "FORMS_TABLE", "Study", "errors_of"]

TIMES = ("itl", "latency")
BARS = {"ITL": 0.13, "TTFT": 0.15, "whole requests": 0.15, "INT8 gain": 0.05, "INT4 gain": 0.10}
#: What ``measured`` was at first: fitted to decode steps at batch 1 alone, one engine for all.
BEFORE = {
    **{"e_m": 0.894, "e_kv": 0.894, "e_c": 0.86, "e_p": 0.86, "e_8": 1.0, "u": 0.0, "prefill": 0.0, "κ": 0.0},
    **{"τ hbm": 97e-6, "τ gddr": 35e-6, "τ lpddr": 167e-6, "+ eager": 0.0, "+ llama.cpp": 0.0},
    **NO_CEILING,
    "κ × lpddr": 1.0,
}
ONE_WAIT = {"κ × lpddr": 1.0}
FORMS_TABLE = "measured_forms.csv"  # kept, as to choose a form without each source takes minutes

FORMS = {
    "as it is": AS_IT_IS,
    "no ceiling of unpacking": Form(NO_CEILING),
    "that ceiling from 1 token": Form(unpacked_from=1),
    "… from 2": Form(unpacked_from=2),
    "… from 8": Form(unpacked_from=8),
    "unpacking lengthens no arithmetic": Form({"u": 0.0}),
    "engines add in proportion to τ": Form(in_proportion=True),
    "κ the same with every memory": Form(ONE_WAIT),
    "these three as they were": Form({**NO_CEILING, **ONE_WAIT}, in_proportion=True),
    "one engine for all": Form({"+ eager": 0.0, "+ llama.cpp": 0.0, "κ": 0.0, **ONE_WAIT}),
    "no waiting for the context": Form({"κ": 0.0, **ONE_WAIT}),
    "8 bits reach as much of their peak": Form({"e_8": 1.0}),
    "a prefill takes its layers alone": Form({"prefill": 0.0}),
    "single kernels fitted too": Form(kernels=True),
}


def errors_of(predictions: Sequence[Prediction]) -> dict[str, Error]:
    """The error of each figure that :data:`BARS` names."""
    return {
        "ITL": error_of(fitted(predictions, "itl")),
        "TTFT": error_of(fitted(predictions, "ttft")),
        "whole requests": error_of(fitted(predictions, "latency")),
        "INT8 gain": gain_error(fitted(predictions, *TIMES), "int8"),
        "INT4 gain": gain_error(fitted(predictions, *TIMES), "int4"),
    }


class Study:
    """The fit to all rows, and what it predicts where it has not seen the source."""

    def __init__(self, progress: Callable[[Sequence[str]], Iterable[str]] = iter) -> None:
        self.rows: tuple[Row, ...] = measured_rows()
        self.single: tuple[KernelRow, ...] = kernel_rows()
        self.numbers = fit(self.rows)
        self.forms = {
            name: held_out(self.rows, self.single if FORMS[name].kernels else (), FORMS[name])
            for name in progress(list(FORMS))
        }
        self.own = self.forms["as it is"]
        self.unnamed = [p.unnamed() for p in self.own]

    @cached_property
    def errors(self) -> dict[str, Error]:
        """Errors on sources left out, each row predicted for its kind of engine."""
        return errors_of(self.own)

    @cached_property
    def chosen(self) -> Mapping[str, str]:
        """By source, the form that does best on the others (``benchmarks.measured.nested``)."""
        best: dict[str, tuple[float, str]] = {}
        for raw in table(FORMS_TABLE):
            found = (float(raw["criterion"]), raw["form"])
            best[raw["source"]] = min(best.get(raw["source"], found), found)
        return {source: form for source, (_, form) in best.items()}

    @cached_property
    def nested(self) -> list[Prediction]:
        """Each source, predicted with numbers and in a form that were chosen without it."""
        return [p for source, form in self.chosen.items() for p in by_source(self.forms[form])[source]]

    def numbers_without(self, source: str) -> dict[str, float]:
        """The numbers fitted to all sources but one."""
        return fit([row for row in self.rows if row.source != source])

    @cached_property
    def errors_before(self) -> dict[str, Error]:
        """Errors with the numbers that ``measured`` had before, which had seen some of these rows."""
        rows = [row for row in self.rows if row.device.bandwidth_bytes_s > NOT_STATED]
        times = predict(Terms.of(rows), BEFORE).tolist()
        return errors_of([Prediction(row, time, time) for row, time in zip(rows, times, strict=True)])

    @cached_property
    def intervals(self) -> dict[str, dict[str, Interval]]:
        """By name of the runtime and figure.

        Whole requests were measured by two sources only, so their interval is that of all times with a prefill. Who names
        no engine has the interval of all engines around the time of one.
        """
        named = {
            "itl": interval(fitted(self.own, "itl")),
            "ttft": interval(fitted(self.own, "ttft")),
            "latency": interval(fitted(self.own, "ttft", "latency")),
        }
        unnamed = {**named, "itl": interval(fitted(self.unnamed, "itl"))}
        return {"measured": unnamed, **{runtime.name: named for runtime in runtimes(self.numbers).values()}}

    @cached_property
    def coverage(self) -> dict[str, float]:
        """The share of measured times within the intervals of the other sources."""
        with_prefill = fitted(self.own, "ttft", "latency")
        return {
            "ITL, engine named": covered(fitted(self.own, "itl")),
            "ITL, engine not named": covered(fitted(self.unnamed, "itl")),
            "TTFT": covered(fitted(self.own, "ttft")),
            "whole requests": covered(with_prefill, lambda p: p.row.figure == "latency"),
        }

    @cached_property
    def runtimes(self) -> dict[str, Runtime]:
        """What runtimes.toml has, by name: one for each kind of engine, and ``measured`` for who names none."""
        found = {runtime.name: runtime for runtime in runtimes(self.numbers).values()}
        every = {"measured": replace(found["measured_graphs"], name="measured"), **found}
        return {
            name: replace(
                runtime,
                intervals={figure: _rounded(ends) for figure, ends in self.intervals[name].items()},
                coverage=COVERAGE,
            )
            for name, runtime in every.items()
        }

    def kernel_gains(self) -> dict[tuple[str, str, float, int], tuple[float, float]]:
        """Median measured and predicted speed-up of single matmuls by device, kernel, bits and batch."""
        told = predicted_gains(Matmuls.of(self.single), self.numbers)
        groups: dict[tuple[str, str, float, int], list[tuple[float, float]]] = {}
        for row, gain in zip(self.single, told.tolist(), strict=True):
            key = (row.device.name, row.kernel, row.bits, row.batch)
            groups.setdefault(key, []).append((row.gain, gain))
        return {key: (float(np.median([g for g, _ in v])), v[0][1]) for key, v in groups.items()}


def _rounded(ends: Interval) -> tuple[float, float]:
    return round(ends.low, 2), round(ends.high, 2)
