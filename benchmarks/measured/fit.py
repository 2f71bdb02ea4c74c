"""The fit: a few numbers, each with a meaning, found on a grid of the digits that the data can tell.

The loss is the mean absolute logarithm of predicted over measured: times, and speed-ups of single matmuls. A whole source weighs as the square root of its
rows, so that no large table decides alone. The search goes through the numbers one by one, in steps that shrink to one
digit, from the same start every time. So a number is told to a few digits, as numbers stand in for one another: a little
more bandwidth for a little more overhead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from benchmarks.measured.rows import FIT, Row
from benchmarks.measured.single_kernels import KernelRow, Matmuls, predicted_gains
from mlsysim import Runtime
from mlsysim.model.kernels import Kernel, TransformerKernels

__all__ = [
    "AS_IT_IS",
    "ENGINES",
    "MEMORIES",
    "NO_CEILING",
    "NUMBERS",
    "Form",
    "Terms",
    "fit",
    "predict",
    "runtimes",
]

ENGINES = ("graphs", "eager", "llama.cpp")
MEMORIES = ("hbm", "gddr", "lpddr")
#: Bits of the output head where weights are shorter: serving engines leave it at 16; llama.cpp's quantize makes it Q6_K.
HEAD_BITS = {"graphs": 16.0, "eager": 16.0, "llama.cpp": 6.5625}
UNIT = Runtime("unit", 1.0, 1.0, 0.0, reads_embedding=False, unpacking=1.0, unpacking_rate=1.0)
STRIDES = (16, 8, 4, 2, 1)
LEAST_GAIN = 1e-9  # below it a step is no better


@dataclass(frozen=True, slots=True)
class Form:
    """A form of the times: the numbers that are fixed in it, and what else sets it apart.

    Attributes:
        kernels: whether single kernels are fitted too.
        unpacked_from: tokens of a pass from which the ceiling of unpacking counts.
        in_proportion: whether an engine without graphs adds to τ in proportion to τ, and not the same everywhere.
    """

    fixed: Mapping[str, float] = field(default_factory=dict)
    kernels: bool = False
    unpacked_from: int = 4
    in_proportion: bool = False


AS_IT_IS = Form()


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
    "ρ": Number(1e11, 40, 5, 200),  # weights that a pass unpacks in a second
    "τ hbm": Number(1e-6, 75, 0, 500),  # seconds per layer, engine with graphs
    "τ gddr": Number(1e-6, 35, 0, 500),
    "τ lpddr": Number(1e-6, 110, 0, 500),
    "+ eager": Number(1e-6, 30, 0, 300),  # seconds per layer that this engine adds
    "+ llama.cpp": Number(1e-6, 50, 0, 300),
    "κ": Number(1e-9, 20, 0, 200),  # seconds per layer and token of context, engines without graphs
    "κ × lpddr": Number(0.1, 20, 10, 50),  # so many times as long with that memory
    "prefill": Number(1e-4, 0, 0, 300),  # seconds of a prefill beyond its layers
}
NO_CEILING = {"ρ": 1e15}


class Terms(NamedTuple):
    """What the times of rows are made of, an array over the rows each: FLOPs, bytes, rates, layers, kinds."""

    seconds: np.ndarray
    # Of matmuls and attention: FLOPs, FLOPs, bytes, bytes; weights unpacked; a row of the table each.
    step: np.ndarray
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
    def of(cls, rows: Sequence[Row], form: Form = AS_IT_IS) -> Terms:
        """The terms of *rows*, by the library's own kernels."""
        units = {
            engine: replace(UNIT, head_bits=bits, unpacking_tokens=form.unpacked_from)
            for engine, bits in HEAD_BITS.items()
        }
        columns = zip(*(_terms(row, units[row.engine]) for row in rows), strict=True)
        return cls(*(np.array(column).T for column in columns))

    def where(self, rows: np.ndarray) -> Terms:
        """The terms of the *rows* for which a flag is set."""
        return Terms(*(column[..., rows] for column in self))


def _terms(row: Row, unit: Runtime) -> tuple[Any, ...]:
    context = row.context + row.output / 2  # the mean over the steps of a request
    kernels = TransformerKernels(row.model, row.scheme, unit)
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
    unpacked = matmuls.unpacking_s  # at one weight a second
    return [float(x) for x in (matmuls.flops, attention.flops, matmuls.bytes, attention.bytes, unpacked)]


def predict(terms: Terms, p: Mapping[str, float], form: Form = AS_IT_IS) -> np.ndarray:
    """The library's time for each row, seconds, with the numbers *p*."""
    tau = np.array([p[f"τ {memory}"] for memory in MEMORIES])[terms.memory]
    added = np.array([0.0, p["+ eager"], p["+ llama.cpp"]])[terms.engine]
    tau = tau * (1 + added / p["τ hbm"]) if form.in_proportion else tau + added
    slower = np.where(terms.memory == MEMORIES.index("lpddr"), p["κ × lpddr"], 1.0)
    wait = np.where(terms.engine == 0, 0.0, p["κ"]) * slower
    peak = terms.peak * np.where(terms.eight, p["e_8"], 1.0)
    longer = 1 + p["u"] * terms.short

    def kernels(work: np.ndarray, e_c: float, e_kv: float) -> Any:
        computing = np.maximum(work[0] * longer / (peak * e_c), work[4] / p["ρ"])
        matmuls = np.maximum(computing, work[2] / (terms.bandwidth * p["e_m"]))
        return matmuls + np.maximum(work[1] / (peak * e_c), work[3] / (terms.bandwidth * e_kv))

    step = kernels(terms.step, p["e_c"], p["e_kv"]) + terms.layers * (tau + wait * terms.context)
    first = kernels(terms.first, p["e_p"], p["e_m"]) + terms.layers * tau + p["prefill"]
    found: np.ndarray = terms.steps * step + terms.prefills * first
    return found


def fit(
    rows: Sequence[Row],
    matmuls: Iterable[KernelRow] = (),
    form: Form = AS_IT_IS,
    terms: Terms | None = None,
) -> dict[str, float]:
    """The numbers of a *form* fitted to *rows* and single *matmuls*; rows set aside are passed over.

    The rows' *terms* may be given if they are there already.

    Where no first token was measured nothing tells a prefill's time beyond its layers, and it is taken as 0.
    """
    use = np.array([row.use == FIT for row in rows])
    used, single, fixed = [row for row in rows if row.use == FIT], list(matmuls), form.fixed
    if not any(row.figure == "ttft" for row in used):
        fixed = {**fixed, "prefill": 0.0}
    sources = [row.source for row in used] + [row.source for row in single]
    counts = Counter(sources)
    weight = np.array([counts[source] ** -0.5 for source in sources])
    terms = Terms.of(used, form) if terms is None else terms.where(use)
    kernels = Matmuls.of(single)
    measured = np.log(np.concatenate([terms.seconds, kernels.gain]))

    def loss(p: Mapping[str, float]) -> float:
        found = np.concatenate([predict(terms, p, form), predicted_gains(kernels, p)])
        return float(np.sum(weight * abs(np.log(found) - measured)) / weight.sum())

    return search(loss, fixed)


def search(loss: Callable[[Mapping[str, float]], float], fixed: Mapping[str, float]) -> dict[str, float]:
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
    found = {}
    for engine, added in {"graphs": 0.0, "eager": p["+ eager"], "llama.cpp": p["+ llama.cpp"]}.items():
        taus = {memory: round(p[f"τ {memory}"] + added, 6) for memory in MEMORIES}
        wait = 0.0 if engine == "graphs" else p["κ"]
        found[engine] = Runtime(
            name=f"measured_{engine.replace('.', '_')}",
            bandwidth_efficiency=p["e_m"],
            compute_efficiency=p["e_c"],
            layer_overhead_s=taus["hbm"],
            overhead_by_memory=taus,
            unpacking=p["u"],
            unpacking_rate=p["ρ"],
            unpacking_tokens=AS_IT_IS.unpacked_from,
            prefill_efficiency=p["e_p"],
            prefill_overhead_s=p["prefill"],
            cache_efficiency=p["e_kv"],
            context_overhead_s=wait,
            context_overhead_by_memory={"lpddr": round(wait * p["κ × lpddr"], 12)} if wait else {},
            peak_shares={"fp8": p["e_8"], "int8": p["e_8"]},
            reads_embedding=False,
            head_bits=HEAD_BITS[engine],
        )
    return found
