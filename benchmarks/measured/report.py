"""The report on the fit, docs/measured.md, and the tables in runtimes.toml: text, the same for every run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from benchmarks.measured.fit import ENGINES, NO_CEILING, NUMBERS
from benchmarks.measured.rows import CRITERIA, FIT
from benchmarks.measured.score import Error, Prediction, by_source, error_of, fitted, gain_error, gains
from benchmarks.measured.single_kernels import Matmuls, predicted_gains, third_on_hopper
from benchmarks.measured.specs import table
from benchmarks.measured.study import BARS, FORMS, Study, errors_of

__all__ = ["report", "runtime_tables"]

TEMPLATE = Path(__file__).with_name("report_template.md")
KINDS = ("fp16", "fp8", "int8", "int4")
TELL_RATE = ("aiconfigurator", "vLLM 2025")  # the two with short weights on Hopper from 4 tokens
STANDS_FOR = {
    "measured": "what published measurements show; the engine is not named",
    "measured_graphs": "what published measurements of engines that launch a step as one graph show",
    "measured_eager": "what published measurements of engines that launch each kernel from Python show",
    "measured_llama_cpp": "what published measurements of llama.cpp before its graphs show",
}


def _percent(value: float) -> str:
    return f"{100 * value:.1f}%"


def _signed(error: Error) -> str:
    return f"{_percent(error.mape)} ({100 * error.bias:+.0f})"


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, rule, *lines))


def _number(name: str, value: float) -> str:
    """A fitted number with its unit."""
    step = NUMBERS[name].step
    if name == "ρ":
        return f"{value / 1e12:.1f}·10¹²/s"
    for unit, size in (("ms", 1e-4), ("µs", 1e-6), ("ns", 1e-9)):
        if step == size:
            return f"{value / (1e-3 if unit == 'ms' else size):.{1 if unit == 'ms' else 0}f} {unit}"
    return f"{value:.2f}"


def runtime_tables(study: Study) -> str:
    """The tables of ``measured`` in runtimes.toml."""
    return "\n".join(_runtime_table(study, name) for name in study.runtimes)


def _runtime_table(study: Study, name: str) -> str:
    runtime, errors = study.runtimes[name], study.errors if name != "measured" else errors_of(study.unnamed)
    taus = ", ".join(f"{kind} = {1e6 * tau:.0f}" for kind, tau in runtime.overhead_by_memory.items())
    shares = ", ".join(f"{precision} = {share}" for precision, share in runtime.peak_shares.items())
    ends = ", ".join(f"{figure} = [{low}, {high}]" for figure, (low, high) in runtime.intervals.items())
    waits = ", ".join(f"{kind} = {1e9 * s:.0f}" for kind, s in runtime.context_overhead_by_memory.items())
    by_memory = f"\ncontext_overhead_ns_by_memory = {{ {waits} }}" if waits else ""
    figures = ", ".join(f"{figure} {_percent(error.mape)}" for figure, error in errors.items())
    return f"""[{name}]
bandwidth_efficiency = {runtime.bandwidth_efficiency}
compute_efficiency = {runtime.compute_efficiency}
layer_overhead_us = {1e6 * runtime.layer_overhead_s:.0f} # where the memory type is not stated
overhead_us_by_memory = {{ {taus} }}
unpacking = {runtime.unpacking}
unpacking_rate = {runtime.unpacking_rate:.1e} # weights per second
unpacking_tokens = {runtime.unpacking_tokens}
prefill_efficiency = {runtime.prefill_efficiency}
prefill_overhead_us = {1e6 * runtime.prefill_overhead_s:.0f}
cache_efficiency = {runtime.cache_efficiency}
context_overhead_ns = {1e9 * runtime.context_overhead_s:.0f} # per layer and token of context{by_memory}
peak_shares = {{ {shares} }}
reads_embedding = false
head_bits = {runtime.head_bits:g}
intervals = {{ {ends} }}
coverage = {runtime.coverage}
stands_for = "{STANDS_FOR[name]}"
year = 2026
source = "python -m benchmarks.measured, from benchmarks/data; docs/measured.md"
error = "mean absolute, on sources left out: {figures}"
"""


def report(study: Study) -> str:
    """docs/measured.md."""
    return TEMPLATE.read_text("utf-8").format(
        numbers=_table(["number", "fitted"], [[n, _number(n, x)] for n, x in study.numbers.items()]),
        taus=_taus(study),
        sources=_sources(study),
        split=_split(study),
        scores=_scores(study),
        forms=_forms(study),
        intervals=_intervals(study),
        systems=_cross(study, lambda p: f"{p.row.device.name}, {p.row.model.name}", "composed"),
        batches=_cross(study, lambda p: f"{p.row.batch:.0f}", "batch"),
        hopper=_gains_by_batch(study),
        kernels=_kernels(study),
        bands=_bands(study),
        chosen=_chosen(study),
        nested=_nested(study),
        rates=_rates(study),
        int4_elsewhere=_elsewhere(study),
        **_third(study),
    )


def _taus(study: Study) -> str:
    lines = []
    for name, runtime in study.runtimes.items():
        if name != "measured":
            taus = [f"{1e6 * tau:.0f} µs" for tau in runtime.overhead_by_memory.values()]
            waits = (runtime.context_overhead_s, *(runtime.context_overhead_by_memory.values() or (0.0,)))
            cells = [*taus, *(f"{1e9 * wait:.0f} ns" for wait in waits), f"{runtime.head_bits:g}"]
            lines.append([f"`{name}`", *cells])
    return _table(["runtime", "τ hbm", "τ gddr", "τ lpddr", "κ", "κ lpddr", "bits of the head"], lines)


def _sources(study: Study) -> str:
    own, unnamed = by_source(study.own), by_source(study.unnamed)
    lines = []
    for raw in sorted(table("sources.csv"), key=lambda raw: (ENGINES.index(raw["engine"]), raw["source"])):
        source = raw["source"]
        scored, other = (fitted(group.get(source, []), "itl", "ttft", "latency") for group in (own, unnamed))
        if scored:
            errors = [_signed(error_of(scored)), _signed(error_of(other))]
            lines.append([source, raw["engine"], str(len(scored)), *errors])
    return _table(["source", "engine", "rows", "error (bias)", "… engine not named"], lines)


def _split(study: Study) -> str:
    lines = []
    for use in (FIT, *CRITERIA, "attention faster than the memory"):
        scored = [p for p in study.own if p.row.use == use]
        error = _signed(error_of(scored)) if scored else "no bandwidth, no prediction"
        lines.append([use, str(sum(row.use == use for row in study.rows)), error])
    return _table(["use", "rows", "held-out error (bias)"], lines)


def _scores(study: Study) -> str:
    unnamed, nested = errors_of(study.unnamed), errors_of(study.nested)
    lines = []
    for figure, bar in BARS.items():
        error, before = study.errors[figure], study.errors_before[figure]
        met = "yes" if error.mape <= bar else f"no, by {100 * (error.mape - bar):.1f}"
        lines.append(
            [
                figure,
                f"{error.count} of {error.sources}",
                _signed(before),
                _signed(error),
                _percent(error.by_source),
                _signed(nested[figure]),
                _signed(unnamed[figure]),
                _percent(bar),
                met,
            ]
        )
    head = [
        "figure",
        "rows of sources",
        "numbers before",
        "left out",
        "mean of sources",
        "form too",
        "engine not named",
        "bar",
    ]
    return _table([*head, "met"], lines)


def _forms(study: Study) -> str:
    lines = []
    for name in FORMS:
        errors = errors_of(study.forms[name])
        lines.append([name, *(f"{_percent(e.mape)} / {_percent(e.by_source)}" for e in errors.values())])
    return _table(["form", *BARS], lines)


def _intervals(study: Study) -> str:
    named, unnamed = study.intervals["measured_graphs"], study.intervals["measured"]
    ends = {
        "ITL, engine named": named["itl"],
        "ITL, engine not named": unnamed["itl"],
        "TTFT": named["ttft"],
        "whole requests": named["latency"],
    }
    lines = [[f, f"{e.low:.2f} to {e.high:.2f}", f"{study.coverage[f]:.0%}"] for f, e in ends.items()]
    return _table(["figure", "times the predicted", "rows within, source left out"], lines)


def _cross(study: Study, key: Callable[[Prediction], str], label: str) -> str:
    """Errors of the composed rows by *key* down and by precision across."""
    groups: dict[str, list[Prediction]] = {}
    for p in fitted(study.own, "itl"):
        if p.row.source == "aiconfigurator":
            groups.setdefault(key(p), []).append(p)
    lines = []
    for name, group in groups.items():
        by_kind = {kind: [p for p in group if p.row.kind == kind] for kind in KINDS}
        lines.append([name, *(_signed(error_of(g)) if g else "" for g in by_kind.values())])
    return _table([label, "FP16", "FP8", "INT8", "INT4"], lines)


def _gains_by_batch(study: Study) -> str:
    """INT4 speed-up, measured and predicted, on the device where it fails and on two where it holds."""
    found = {
        (row.device.name, row.batch): (seen, told)
        for row, seen, told in gains(fitted(study.own, "itl"), "int4")
        if row.model.name == "Llama-3-70B" and row.context == 512 and row.source == "aiconfigurator"
    }
    lines = [
        [device, str(batch), *(f"{gain:.2f}x" for gain in found[device, batch])]
        for device in ("H200 SXM", "A100 SXM 80GB", "L40S")
        for batch in (1, 4, 16, 64)
        if (device, batch) in found
    ]
    return _table(["Llama-3-70B, context 512", "batch", "measured", "predicted"], lines)


def _bands(study: Study) -> str:
    """Errors of the speed-ups, source by source."""
    lines = []
    for source, group in by_source(fitted(study.own, "itl", "latency")).items():
        cells = []
        for kind in ("int8", "int4"):
            some = gains(group, kind)
            cells.append(f"{len(some)}: {_signed(gain_error(group, kind))}" if some else "")
        if any(cells):
            lines.append([source, *cells])
    return _table(["source", "INT8 gain, rows: error (bias)", "INT4 gain"], lines)


def _elsewhere(study: Study) -> str:
    """The error of the INT4 gains without llama.cpp of May 2024 on devices with HBM."""
    rows = [
        p
        for p in fitted(study.own, "itl", "latency")
        if p.row.source != "llama.cpp May 2024" or p.row.device.memory_type != "hbm"
    ]
    return _percent(gain_error(rows, "int4").mape)


def _chosen(study: Study) -> str:
    """The forms that are chosen without a source, with these sources; the form that is used, with how many."""
    sources: dict[str, list[str]] = {form: [] for form in FORMS}
    for source, form in study.chosen.items():
        sources[form].append(source)
    used = sources.pop("as it is")
    lines = [[form, ", ".join(names)] for form, names in sources.items() if names]
    return _table(["form", "chosen without"], [["as it is", f"{len(used)} sources"], *lines])


def _nested(study: Study) -> str:
    """What a form that has not seen the source misses."""
    errors = errors_of(study.nested)
    missed = [
        f"{figure} by {100 * (errors[figure].mape - bar):.1f}"
        for figure, bar in BARS.items()
        if errors[figure].mape > bar
    ]
    return (
        f"So chosen, the form misses the bars of {' and '.join(missed)}." if missed else "It meets every bar."
    )


def _third(study: Study) -> dict[str, str]:
    """The INT4 gain of a third source on Hopper, measured and predicted, with the ceiling of unpacking and without."""
    row = third_on_hopper()
    told, free = (
        float(predicted_gains(Matmuls.of([row]), {**study.numbers, **changed})[0])
        for changed in ({}, NO_CEILING)
    )
    return {
        "third": f"{row.gain:.1f} times as fast as FP16 at batch 4, predicted {told:.1f} times",
        "open": f"{free:.1f} times",
    }


def _rates(study: Study) -> str:
    """ρ where a source that tells it is left out."""
    found = {"none": study.numbers["ρ"], **{name: study.numbers_without(name)["ρ"] for name in TELL_RATE}}
    return _table(["left out", *found], [["ρ", *(_number("ρ", rate) for rate in found.values())]])


def _kernels(study: Study) -> str:
    found = study.kernel_gains()
    lines = []
    for device, kernel, bits in dict.fromkeys(key[:3] for key in found):
        cells = []
        for batch in (1, 16, 64, 128, 256, 512):
            pair = found.get((device, kernel, bits, batch))
            cells.append(f"{pair[0]:.2f}, {pair[1]:.2f}" if pair else "")
        lines.append([f"{device}, {kernel}, {bits:.0f} bits", *cells])
    return _table(["measured, predicted at batch", "1", "16", "64", "128", "256", "512"], lines)
