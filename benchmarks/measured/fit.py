"""The fit: a few numbers, each with a meaning, found on a grid of the digits that the data can tell.

The loss is the mean absolute logarithm of predicted over measured: times, and speed-ups of single matmuls. A whole source weighs as the square root of its
rows, so that no large table decides alone. The search goes through the numbers one by one, in steps that shrink to one
digit, from the same start every time. So a number is told to a few digits, as numbers stand in for one another: a little
more bandwidth for a little more overhead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from benchmarks.measured.rows import FIT, Row
from benchmarks.measured.single_kernels import KernelRow, Matmuls, predicted_gains
from mlsysim import Runtime
from mlsysim.model.kernels import Kernel, TransformerKernels

__all__ = ["ENGINES", "MEMORIES", "NOTHING", "NUMBERS", "Terms", "fit", "predict", "runtimes"]

ENGINES = ("graphs", "eager", "llama.cpp")
MEMORIES = ("hbm", "gddr", "lpddr")
READS: dict[str, Any] = {"reads_embedding": False, "head_bits": 16}
UNIT = Runtime("unit", 1.0, 1.0, 0.0, unpacking=1.0, **READS)
NOTHING: Mapping[str, float] = {}
STRIDES = (16, 8, 4, 2, 1)
LEAST_GAIN = 1e-9  # below it a step is no better


class Number(NamedTuple):
    """One number of the fit: the size of a grid step, and the first, lowest and highest step."""

    step: float
    start: int
    low: int
    high: int


NUMBERS: dict[str, Number] = {
    "e_m": Number(0.01, 90, 30, 100),  # share of the bandwidth: weights
    "e_kv": Number(0.01, 80, 10, 100),  # … KV cache
    "e_c": Number(0.01, 80, 20, 100),  # share of the peak: decode step
    "e_p": Number(0.01, 65, 20, 100),  # … prefill
    "e_8": Number(0.01, 80, 20, 100),  # that share at 8 bits, over that at 16
    "u": Number(0.05, 6, 0, 60),  # arithmetic takes 1 + u times as long with short weights
    "τ hbm": Number(1e-6, 75, 0, 500),  # seconds per layer, engine with graphs
    "τ gddr": Number(1e-6, 35, 0, 500),
    "τ lpddr": Number(1e-6, 110, 0, 500),
    "× eager": Number(0.05, 32, 10, 100),  # τ of this engine over that of one with graphs
    "× llama.cpp": Number(0.05, 32, 10, 100),
    "κ": Number(1e-9, 20, 0, 200),  # seconds per layer and token of context, engines without graphs
    "prefill": Number(1e-4, 0, 0, 300),  # seconds of a prefill beyond its layers
}


class Terms(NamedTuple):
    """What the times of rows are made of, an array over the rows each: FLOPs, bytes, rates, layers, kinds."""

    seconds: np.ndarray
    step: np.ndarray  # of matmuls and attention: FLOPs, FLOPs, bytes, bytes; a row of the table each
    first: np.ndarray  # the same of the prefill
    steps: np.ndarray  # how many decode steps, and prefills
    prefills: np.ndarray
    context: np.ndarray
    layers: np.ndarray
    peak: np.ndarray
    bandwidth: np.ndarray
    eight: np.ndarray
    short: np.ndarray
    memory: np.ndarray
    engine: np.ndarray

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Terms:
        """The terms of *rows*, by the library's own kernels."""
        columns = zip(*(_terms(row) for row in rows), strict=True)
        return cls(*(np.array(column).T for column in columns))


def _terms(row: Row) -> tuple[Any, ...]:
    context = row.context + row.output / 2  # the mean over the steps of a request
    kernels = TransformerKernels(row.model, row.scheme, UNIT)
    step, first = kernels.decode(row.batch, context), kernels.prefill(row.batch, row.context)
    return (
        row.seconds,
        _work(step),
        _work(first),
        {"itl": 1.0, "ttft": 0.0, "latency": row.output - 1}[row.figure],
        float(row.figure != "itl"),
        context,
        float(row.model.layers),
        row.device.peaks[row.scheme.computes_at],
        row.device.bandwidth_bytes_s,
        row.scheme.computes_at == "fp8",
        step[0].unpacking - 1,
        MEMORIES.index(row.device.memory_type),
        ENGINES.index(row.engine),
    )


def _work(kernels: tuple[Kernel, ...]) -> list[float]:
    matmuls, attention = kernels
    return [float(x) for x in (matmuls.flops, attention.flops, matmuls.bytes, attention.bytes)]


def predict(terms: Terms, p: Mapping[str, float]) -> np.ndarray:
    """The library's time for each row, seconds, with the numbers *p*."""
    tau = np.array([p[f"τ {memory}"] for memory in MEMORIES])[terms.memory]
    tau = tau * np.array([1.0, p["× eager"], p["× llama.cpp"]])[terms.engine]
    wait = np.where(terms.engine == 0, 0.0, p["κ"])
    peak = terms.peak * np.where(terms.eight, p["e_8"], 1.0)
    longer = 1 + p["u"] * terms.short

    def kernels(work: np.ndarray, e_c: float, e_kv: float) -> Any:
        matmuls = np.maximum(work[0] * longer / (peak * e_c), work[2] / (terms.bandwidth * p["e_m"]))
        return matmuls + np.maximum(work[1] / (peak * e_c), work[3] / (terms.bandwidth * e_kv))

    step = kernels(terms.step, p["e_c"], p["e_kv"]) + terms.layers * (tau + wait * terms.context)
    first = kernels(terms.first, p["e_p"], p["e_m"]) + terms.layers * tau + p["prefill"]
    found: np.ndarray = terms.steps * step + terms.prefills * first
    return found


def fit(
    rows: Iterable[Row], matmuls: Iterable[KernelRow] = (), fixed: Mapping[str, float] = NOTHING
) -> dict[str, float]:
    """The numbers fitted to *rows* and single *matmuls*, but for *fixed* ones; rows set aside are passed over.

    Where no first token was measured nothing tells a prefill's time beyond its layers, and it is taken as 0.
    """
    used, single = [row for row in rows if row.use == FIT], list(matmuls)
    if not any(row.figure == "ttft" for row in used):
        fixed = {**fixed, "prefill": 0.0}
    sources = [row.source for row in used] + [row.source for row in single]
    counts = Counter(sources)
    weight = np.array([counts[source] ** -0.5 for source in sources])
    terms, kernels = Terms.of(used), Matmuls.of(single)
    measured = np.log(np.concatenate([terms.seconds, kernels.gain]))

    def loss(p: Mapping[str, float]) -> float:
        found = np.concatenate([predict(terms, p), predicted_gains(kernels, p)])
        return float(np.sum(weight * abs(np.log(found) - measured)) / weight.sum())

    return search(loss, fixed)


def search(
    loss: Callable[[Mapping[str, float]], float], fixed: Mapping[str, float] = NOTHING
) -> dict[str, float]:
    """The numbers with the least *loss*, all but the *fixed* ones moved."""
    at = {
        name: round(fixed[name] / number.step) if name in fixed else number.start
        for name, number in NUMBERS.items()
    }
    moved = [name for name in NUMBERS if name not in fixed]

    def numbers(place: Mapping[str, int]) -> dict[str, float]:
        return {name: round(steps * NUMBERS[name].step, 12) for name, steps in place.items()}

    best = loss(numbers(at))
    for stride in STRIDES:
        better = True
        while better:
            better = False
            for name in moved:
                for sign in (1, -1):
                    to = at[name] + sign * stride
                    if not NUMBERS[name].low <= to <= NUMBERS[name].high:
                        continue
                    there = loss(numbers({**at, name: to}))
                    if there < best - LEAST_GAIN:
                        at[name], best, better = to, there, True
    return numbers(at)


def runtimes(p: Mapping[str, float]) -> dict[str, Runtime]:
    """The runtime of each kind of engine, ``measured_graphs`` and so on."""
    factors = {"graphs": 1.0, "eager": p["× eager"], "llama.cpp": p["× llama.cpp"]}
    found = {}
    for engine, factor in factors.items():
        taus = {memory: round(p[f"τ {memory}"] * factor, 6) for memory in MEMORIES}
        found[engine] = Runtime(
            name=f"measured_{engine.replace('.', '_')}",
            bandwidth_efficiency=p["e_m"],
            compute_efficiency=p["e_c"],
            layer_overhead_s=taus["hbm"],
            overhead_by_memory=taus,
            unpacking=p["u"],
            prefill_efficiency=p["e_p"],
            prefill_overhead_s=p["prefill"],
            cache_efficiency=p["e_kv"],
            context_overhead_s=0.0 if engine == "graphs" else p["κ"],
            peak_shares={"fp8": p["e_8"], "int8": p["e_8"]},
            **READS,
        )
    return found
