"""The report on the fit, docs/measured.md, and the table in runtimes.toml: text, the same for every run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from benchmarks.measured.fit import by_memory, fit, one_tau
from benchmarks.measured.rows import CRITERIA, FIT, MAX_FIT_CONTEXT, Row, composed_rows, decode_rows
from benchmarks.measured.score import (
    Error,
    Prediction,
    Progress,
    held_out,
    itl_error,
    speedup_errors,
    with_reported_bytes,
)
from mlsysim import Runtime

__all__ = ["BARS", "Study", "report", "runtime_table"]

LONG, ENGINE, EXLLAMA = (
    "context above 512",
    "batch above 1",
    "batch above 1, kernel without batching (exllama)",
)
TEMPLATE = Path(__file__).with_name("report_template.md")
PREFILL = "time includes the prefill"
BARS: dict[str, float | None] = {  # None: shown without one
    "batch 1, context up to 512: ITL": 0.14,
    "batch 1, every context: ITL": 0.14,
    "batch 1, context up to 512: INT8 speed-up": 0.05,
    "batch 1, context up to 512: INT4 speed-up": 0.13,
    "batch 1, every context: INT4 speed-up": 0.13,
    "by batch, composed: ITL": 0.15,
    "by batch, composed, possible rows only: ITL": 0.15,
    "by batch, engines: ITL": 0.15,
    "by batch, engines and rows with the prefill: ITL": 0.15,
    "by batch, all of these and exllama: ITL": 0.15,
    "by batch, composed: INT8 speed-up": 0.15,
    "by batch, composed: INT4 speed-up": 0.15,
    "by batch, engines: INT4 speed-up": 0.15,
    "by batch, engines and rows with the prefill: INT4 speed-up": None,
    "by batch, rows with the prefill: INT8 speed-up": None,
}


@dataclass(frozen=True)
class Scores:
    """The held-out predictions of one form, and their errors."""

    predictions: list[Prediction]

    def using(self, *uses: str) -> list[Prediction]:
        """Predictions of the rows with these uses."""
        return [p for p in self.predictions if p.row.use in uses]

    @cached_property
    def errors(self) -> dict[str, Error]:
        """The errors that :data:`BARS` names."""
        short, every, composed = self.using(FIT), self.using(FIT, LONG), self.using("composed")
        possible = [p for p in composed if p.row.possible]
        values = (
            itl_error(short),
            itl_error(every),
            speedup_errors(short, "int8"),
            speedup_errors(short, "int4"),
            speedup_errors(every, "int4"),
            itl_error(composed),
            itl_error(possible),
            itl_error(self.using(ENGINE)),
            itl_error(self.using(ENGINE, PREFILL)),
            itl_error(self.using("composed", ENGINE, PREFILL, EXLLAMA)),
            speedup_errors(composed, "int8"),
            speedup_errors(composed, "int4"),
            speedup_errors(self.using(ENGINE), "int4"),
            speedup_errors(self.using(ENGINE, PREFILL), "int4"),
            speedup_errors(self.using(PREFILL), "int8"),
        )
        return dict(zip(BARS, values, strict=True))


class Study:
    """The fit to all rows, and the scores of the forms that are compared."""

    def __init__(self, progress: Progress = iter) -> None:
        self.rows: tuple[Row, ...] = decode_rows() + composed_rows()
        self.runtime: Runtime = fit(self.rows)
        self.before = Scores(held_out(self.rows, one_tau, progress=progress))
        self.after = Scores(held_out(self.rows, by_memory, progress=progress))
        self.reported = Scores(held_out(self.rows, by_memory, with_reported_bytes, progress))
        fitted_long = held_out(self.rows, by_memory, _use(LONG, FIT, lambda row: True), progress)
        restore = _use(FIT, LONG, lambda row: row.context > MAX_FIT_CONTEXT)
        self.long = Scores([replace(p, row=restore(p.row)) for p in fitted_long])


def _use(old: str, new: str, when: Callable[[Row], bool]) -> Callable[[Row], Row]:
    """Rows of use *old* become of use *new* where *when* holds."""
    return lambda row: replace(row, use=new) if row.use == old and when(row) else row


def _percent(value: float) -> str:
    return f"{100 * value:.1f}%"


def _signed(error: Error) -> str:
    return f"{_percent(error.mape)} ({100 * error.bias:+.0f})"


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, rule, *lines))


def _grouped(
    predictions: Iterable[Prediction], key: Callable[[Prediction], str]
) -> dict[str, list[Prediction]]:
    groups: dict[str, list[Prediction]] = {}
    for p in predictions:
        groups.setdefault(key(p), []).append(p)
    return groups


def _cross(predictions: Sequence[Prediction], key: Callable[[Prediction], str], label: str) -> str:
    """Errors by *key* down and by precision across."""
    kinds = ("fp16", "fp8", "int8", "int4")
    lines = []
    for name, group in _grouped(predictions, key).items():
        by_kind = _grouped(group, lambda p: p.row.kind)
        lines.append([name, *(_signed(itl_error(by_kind[k])) if k in by_kind else "" for k in kinds)])
    return _table([label, "FP16", "FP8", "INT8", "INT4"], lines)


def _values(runtime: Runtime) -> dict[str, str]:
    """The fitted numbers, rounded to what the data can tell."""
    taus = {kind: f"{1e6 * tau:.0f}" for kind, tau in runtime.overhead_by_memory.items()}
    return {
        "e_m": f"{runtime.bandwidth_efficiency:.3f}",
        "e_c": f"{runtime.compute_efficiency:.2f}",
        **{f"τ {kind}": tau for kind, tau in taus.items()},
    }


def runtime_table(study: Study) -> str:
    """The ``[measured]`` table of runtimes.toml."""
    v, errors = _values(study.runtime), list(study.after.errors.values())
    return f"""[measured]
bandwidth_efficiency = {v["e_m"]}
compute_efficiency = {v["e_c"]}
layer_overhead_us = {v["τ hbm"]} # where the memory type is not stated
overhead_us_by_memory = {{ hbm = {v["τ hbm"]}, gddr = {v["τ gddr"]}, lpddr = {v["τ lpddr"]} }}
reads_embedding = false
head_bits = 16
stands_for = "what published decode measurements show"
year = 2026
source = "python -m benchmarks.measured, from benchmarks/data/decode_measured.csv and aic_composed_itl.csv; docs/measured.md"
error = "mean absolute, on devices left out: batch-1 ITL {_percent(errors[0].mape)}, INT8 speed-up {_percent(errors[2].mape)}, INT4 speed-up {_percent(errors[3].mape)}; by batch {_percent(errors[5].mape)}"
"""


def report(study: Study) -> str:
    """docs/measured.md."""
    v = _values(study.runtime)
    uses = _grouped(study.after.predictions, lambda p: p.row.use)
    split = []
    for use in (FIT, *CRITERIA):
        count = sum(r.use == use for r in study.rows)
        error = _signed(itl_error(uses[use])) if use in uses else "no bandwidth, no prediction"
        split.append([use, str(count), error])
    scores = [
        [
            name,
            str(study.after.errors[name].count),
            _percent(study.before.errors[name].mape),
            _percent(study.after.errors[name].mape),
            _percent(study.reported.errors[name].mape),
            _percent(study.long.errors[name].mape),
            "" if bar is None else f"{100 * bar:.0f}%",
        ]
        for name, bar in BARS.items()
    ]
    devices = [
        [name, group[0].row.device.memory_type, str(len(group)), _signed(itl_error(group))]
        for name, group in sorted(_grouped(study.after.using(FIT), lambda p: p.row.device.name).items())
    ]
    composed = study.after.using("composed")
    before, after = (
        _grouped(x.using("composed"), lambda p: p.row.device.name) for x in (study.before, study.after)
    )
    gains = [[d, _signed(itl_error(before[d])), _signed(itl_error(after[d]))] for d in after]
    systems = _cross(composed, lambda p: f"{p.row.device.name}, {p.row.model.name}", "composed")
    batches = _cross(composed, lambda p: f"{p.row.batch:.0f}", "batch")
    engines = _cross(
        sorted(study.after.using(ENGINE, PREFILL, EXLLAMA), key=lambda p: (p.row.engine, p.row.batch)),
        lambda p: (
            f"{p.row.engine}{', exllama' if 'exllama' in p.row.precision else ''}, batch {p.row.batch:.0f}"
        ),
        "engine",
    )
    return TEMPLATE.read_text("utf-8").format(
        values=_table(["parameter", "fitted"], [[k, x + (" µs" if "τ" in k else "")] for k, x in v.items()]),
        split=_table(["use", "rows", "held-out error (bias)"], split),
        scores=_table(
            ["figure", "n", "one τ", "τ by memory", "… reported bytes", "… every context fitted", "bar"],
            scores,
        ),
        devices=_table(["device", "memory", "rows", "error (bias)"], devices),
        gains=_table(["composed rows of", "one τ", "τ by memory"], gains),
        systems=systems,
        batches=batches,
        engines=engines,
        hopper=_hopper(composed),
        possible=sum(p.row.possible for p in composed),
        composed=len(composed),
    )


def _hopper(composed: Sequence[Prediction]) -> str:
    """INT4 speed-up, measured and predicted, on the device where it fails and on one where it holds."""
    at = {
        (p.row.device.name, p.row.kind, p.row.batch): p
        for p in composed
        if p.row.model.name == "Llama-3-70B" and p.row.context == 512
    }
    lines = []
    for device in ("H200 SXM", "A100 SXM 80GB", "L40S"):
        for batch in (1, 4, 16, 64):
            slow, fast = at[device, "fp16", batch], at[device, "int4", batch]
            measured, predicted = slow.row.itl_s / fast.row.itl_s, slow.itl_s / fast.itl_s
            lines.append([device, str(batch), f"{measured:.2f}x", f"{predicted:.2f}x"])
    return _table(["Llama-3-70B, context 512", "batch", "measured", "predicted"], lines)
