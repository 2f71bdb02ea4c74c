"""Where a speed-up ends: the smallest batch below a threshold, and what binds there."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mlsysim.checks import MAX_BATCH, MAX_CONTEXT, Numbers, check_number, check_shapes, one_number
from mlsysim.model.result import check_one_point
from mlsysim.model.serving import ServingModel, ServingResult
from mlsysim.render import cell, html_facts
from mlsysim.specs import Device, Link, Runtime, TransformerModel
from mlsysim.specs.spec import same_fields

__all__ = ["Crossover", "crossover_batch"]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Crossover:
    """Where a speed-up first falls below a threshold; arrays if thresholds or contexts were.

    Attributes:
        batch: the smallest batch whose speed-up is below the threshold, or None if none is up to ``max_batch``.
        speedup: the speed-up at that batch (at ``max_batch`` if there is none).
        binding: what takes most of the quantized decode step there.
        notes: what a reader must know, as that the speed-up counts a smaller KV cache; or an empty string.
    """

    table_columns: ClassVar[tuple[str, ...]] = ("batch", "speedup", "binding")
    batch: Any
    speedup: Any
    binding: Any
    notes: str = ""

    def __eq__(self, other: object) -> bool:
        return same_fields(self, other)

    def __hash__(self) -> int:
        return hash((Crossover, repr(self)))

    def _repr_html_(self) -> str:
        batch, speedup, binding = (
            ", ".join("none" if value is None else cell(value) for value in np.ravel(values))
            for values in (np.array(self.batch, object), self.speedup, self.binding)
        )
        facts = {"Batch": batch, "Speed-up": speedup, "Bound by": binding}
        return html_facts("Crossover", {**facts, "Notes": self.notes})

    def __repr__(self) -> str:
        notes = f", notes={self.notes!r}" if self.notes else ""
        return f"Crossover(batch={self.batch!r}, speedup={self.speedup!r}, binding={self.binding!r}{notes})"


def crossover_batch(
    model: TransformerModel | str,
    hardware: Device | str,
    threshold: Numbers,
    *,
    seq_len: Numbers = 2048,
    precision: str = "w4a16",
    baseline: str = "fp16",
    kv_precision: str | None = None,
    devices: int = 1,
    link: str | Link | None = None,
    runtime: str | Runtime = "tutorial",
    max_batch: int = 4096,
) -> Crossover:
    """The smallest batch at which *precision* is less than *threshold* times as fast as *baseline*.

    Exact for any *max_batch* (up to 2**31), also where the curve is not monotone. Between the batches at which a
    kernel changes its ceiling, both times are straight lines in the batch, so their difference crosses the
    threshold at most once: those batches are looked at, and the crossing is bisected with the solver itself. A mixture
    of experts reads more of its weights with each sequence, on a curve: until all of them are read, every batch is
    looked at. So is every batch up to the one from which a runtime counts the ceiling of unpacking.

    Args:
        threshold: a speed-up above 0; a number or an array.
        seq_len: context, tokens; a number or an array.
        precision: the scheme that is to be faster; ``int4`` counts the KV cache at 4 bits too, and the result says so.
        baseline: the scheme that the speed-up is over.
        kv_precision: scheme of the KV cache, the same for both; by default each scheme's own.
        devices, link: devices that share the model, and what joins them, as in :class:`mlsysim.ServingModel`.

    Raises:
        InputError: a name is unknown, a number out of range, or arrays do not broadcast.

    >>> crossover_batch("Llama3_8B", "H100", 1.5, runtime="compiled").batch
    71
    >>> crossover_batch("Llama3_8B", "H100", [2, 1.5], seq_len=128, runtime="compiled").batch.tolist()
    [120, 173]
    """
    thresholds: Any = check_number("threshold", threshold, 0, open_low=True)
    contexts: Any = check_number("seq_len", seq_len, 1, MAX_CONTEXT, integer=True)
    last = one_number("max_batch", max_batch, 1, MAX_BATCH, integer=True)
    shape = check_shapes(threshold=thresholds, seq_len=contexts)

    def solve(context: int, batch: Any) -> tuple[ServingResult, ServingResult]:
        slow, fast = (
            ServingModel().solve(
                model,
                hardware,
                context,
                batch,
                p,
                kv_precision=kv_precision,
                devices=devices,
                link=link,
                runtime=runtime,
            )
            for p in (baseline, precision)
        )
        return slow, fast

    def cross(least: float, context: int) -> Crossover:
        at = _first_below(lambda batch: solve(context, batch), least, last, curved)
        slow, fast = solve(context, last if at is None else at)
        return Crossover(at, float(slow.itl_s / fast.itl_s), fast.binding, notes)

    both = solve(1, 1)
    for result in both:
        check_one_point(result, "crossover_batch")
    curved = min(max(_read_by(both[0].model), *(result.runtime.unpacking_tokens for result in both)), last)
    notes = "; ".join(dict.fromkeys(result.notes for result in both if result.notes))
    if not shape:
        return cross(thresholds, contexts)
    points = [cross(t.item(), s.item()) for t, s in np.broadcast(thresholds, contexts)]
    kinds = {"batch": object, "speedup": float, "binding": str}
    columns: dict[str, Any] = {
        n: np.array([getattr(p, n) for p in points], k).reshape(shape) for n, k in kinds.items()
    }
    return Crossover(**columns, notes=notes)


def _read_by(model: TransformerModel) -> int:
    """A batch by which all experts are read, to the last digit; 1 for a dense model."""
    shape = model.architecture
    if shape is None or shape.experts == shape.active_experts:
        return 1
    return math.ceil(math.log(sys.float_info.epsilon) / math.log1p(-shape.active_experts / shape.experts))


def _first_below(solve: Any, threshold: float, last: int, curved: int) -> int | None:
    """The first batch of 1 to *last* whose speed-up is below *threshold*; times are no straight lines up to *curved*."""

    def below(batch: Any) -> Any:
        slow, fast = solve(batch)
        return slow.itl_s / fast.itl_s < threshold

    if curved > 1:
        hits = np.flatnonzero(below(np.arange(1, curved + 1)))
        if hits.size:
            return int(hits[0]) + 1
    knots = _knots(solve(np.array([curved, last])), curved, last)
    hits = np.flatnonzero(below(knots))
    if not hits.size:
        return None
    at = int(knots[hits[0]])
    above = int(knots[hits[0] - 1]) if hits[0] else at - 1
    while at - above > 1:
        middle = (at + above) // 2
        if below(middle):
            at = middle
        else:
            above = middle
    return at


def _knots(ends: tuple[ServingResult, ServingResult], start: int, last: int) -> np.ndarray:
    """*start*, *last*, and the batches around which a kernel of either result changes from one ceiling to the other."""
    batches = {start, last}
    for result in ends:
        for kernel, _, memory in result.timing:
            # The line of its FLOPs, which crosses what is the same at both ends: its bytes, or its unpacking.
            compute = kernel.arithmetic_s(result.timing.rates.flops_s)
            first, final = np.broadcast_to(compute - np.maximum(memory, kernel.unpacking_s), (2,))
            if first * final < 0:
                root = start + (last - start) * first / (first - final)
                batches.update((math.floor(root) - 1, math.floor(root), math.ceil(root), math.ceil(root) + 1))
    return np.array(sorted(b for b in batches if start <= b <= last))
