"""A runtime: what software costs on top of the roofline."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlsysim.checks import check_flag, check_number, one_number
from mlsysim.errors import InputError, check_name, shown
from mlsysim.specs.device import MEMORY_TYPES, PRECISIONS, Device
from mlsysim.specs.spec import Fixed, same_fields

__all__ = ["FIGURES", "Runtime"]

FIGURES = ("itl", "ttft", "latency")  # that may have an interval
TABLES = {
    "overhead_by_memory": "seconds by memory type",
    "context_overhead_by_memory": "seconds by memory type",
    "peak_shares": "shares by precision",
    "intervals": "pairs of factors by figure",
}


def _check_interval(figure: str, ends: object) -> None:
    """Raise unless *ends* are two factors on either side of 1."""
    if not isinstance(ends, tuple | list) or len(ends) != 2:
        raise InputError(
            f"intervals[{figure!r}] = {shown(ends)} is not allowed: give two factors, low and high"
        )
    one_number(f"intervals[{figure!r}][0]", ends[0], 0, 1, open_low=True)
    one_number(f"intervals[{figure!r}][1]", ends[1], 1)


@dataclass(frozen=True, slots=True, eq=False)
class Runtime:
    """Kernel efficiencies, overheads and unpacking; each number may be an array, and so are results then.

    Attributes:
        bandwidth_efficiency: e_m, the share of peak bandwidth reached, above 0 and up to 1.
        compute_efficiency: e_c, the share of peak compute reached, above 0 and up to 1.
        layer_overhead_s: τ, seconds of launch and framework time per layer and pass.
        overhead_by_memory: τ by a device's memory type, where it differs; see :meth:`overhead_on`.
        prefill_efficiency: the share of peak compute that a prefill reaches; None: as ``compute_efficiency``.
        prefill_overhead_s: seconds that a prefill takes beyond its layers, such as scheduling the request.
        cache_efficiency: the share of peak bandwidth that a decode step reads the KV cache at; None: as
            ``bandwidth_efficiency``.
        context_overhead_s: seconds per layer and token of context that one step waits whatever the batch: an attention
            kernel that goes through the context in one piece keeps most of a large device idle.
        context_overhead_by_memory: the same by a device's memory type, where it differs; see :meth:`context_overhead_on`.
        peak_shares: by the precision that computes, by how much the share of its peak is smaller than that of 16 bits:
            ``{"fp8": 0.75}``.
        reads_embedding: whether a pass reads the whole input embedding, or looks up its tokens' rows only.
        unpacking: by how much the arithmetic of a matmul takes longer while it unpacks weights that are shorter than what
            computes: 0.5 for half as long again. A W4A16 kernel that is 0.6 times as fast as FP16 at a large batch has
            0.65 (Marlin, vllm-project/vllm pull request 34556, 2026), one that is as fast has 0 (TensorRT-LLM at batch
            512, ai-dynamo/aiconfigurator, 2026); W4A4 kernels with group scales spend 20% to 90% of their main loop on
            it (Lin et al. 2024, QServe, arXiv 2405.04532).
        unpacking_rate: weights that a pass unpacks in a second at most, however few bits they have and on whichever device;
            None for no such ceiling. It binds where the bandwidth brings weights faster, as on an H100 or H200 at 4 bits.
        unpacking_tokens: tokens of a pass from which that ceiling counts. For fewer, engines have kernels that multiply
            weights where they unpack them, without the matrix unit (TensorRT-LLM for fewer than 5:
            weightOnlyQuantMatmulPlugin.h, NVIDIA/TensorRT-LLM@20709ce9).
        head_bits: bits that the output head (and the embedding) keep if the scheme has fewer; None: the scheme's.
        intervals: by figure (``itl``, ``ttft``, ``latency`` of a whole request), what a time is to be multiplied by to
            have the two ends of its interval; empty where nothing is known.
        coverage: the share of measured times that should lie within those intervals.
        stands_for, source, year, error: what it stands for, where its numbers come from, and how far off they are.
    """

    name: str
    bandwidth_efficiency: Any
    compute_efficiency: Any
    layer_overhead_s: Any
    stands_for: str = ""
    overhead_by_memory: Mapping[str, float] = field(default_factory=dict)
    unpacking: Any = 0.0
    unpacking_rate: Any = None
    unpacking_tokens: int = 1
    reads_embedding: bool = True
    head_bits: float | None = None
    prefill_efficiency: Any = None
    prefill_overhead_s: Any = 0.0
    cache_efficiency: Any = None
    context_overhead_s: Any = 0.0
    context_overhead_by_memory: Mapping[str, float] = field(default_factory=dict)
    peak_shares: Mapping[str, float] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(repr=False, default_factory=dict)
    coverage: float = field(repr=False, default=0.0)
    source: str = field(repr=False, default="")
    year: int = field(repr=False, default=0)
    error: str = field(repr=False, default="")

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise InputError(f"name = {shown(self.name)} is not allowed: give a text")
        for attribute in ("bandwidth_efficiency", "compute_efficiency"):
            value = check_number(attribute, getattr(self, attribute), 0, 1, open_low=True)
            object.__setattr__(self, attribute, value)
        for attribute, most in (
            ("prefill_efficiency", 1),
            ("cache_efficiency", 1),
            ("unpacking_rate", math.inf),
        ):
            if getattr(self, attribute) is not None:
                value = check_number(attribute, getattr(self, attribute), 0, most, open_low=True)
                object.__setattr__(self, attribute, value)
        one_number("unpacking_tokens", self.unpacking_tokens, 1, integer=True)
        for attribute in ("layer_overhead_s", "unpacking", "prefill_overhead_s", "context_overhead_s"):
            object.__setattr__(self, attribute, check_number(attribute, getattr(self, attribute), 0))
        for attribute, holds in TABLES.items():
            if not isinstance(given := getattr(self, attribute), Mapping):
                raise InputError(f"{attribute} = {shown(given)} is not allowed: give a dict of {holds}")
            object.__setattr__(self, attribute, Fixed(given))
        for table in ("overhead_by_memory", "context_overhead_by_memory"):
            for kind, seconds in getattr(self, table).items():
                check_name(f"memory type in {table}", kind, MEMORY_TYPES)
                one_number(f"{table}[{kind!r}]", seconds, 0)
        for precision, share in self.peak_shares.items():
            check_name("precision in peak_shares", precision, PRECISIONS)
            one_number(f"peak_shares[{precision!r}]", share, 0, 1, open_low=True)
        for figure, ends in self.intervals.items():
            check_name("figure in intervals", figure, FIGURES)
            _check_interval(figure, ends)
        one_number("coverage", self.coverage, 0, 1)
        check_flag("reads_embedding", self.reads_embedding)
        if self.head_bits is not None:
            one_number("head_bits", self.head_bits, 0, 64, open_low=True)

    def __eq__(self, other: object) -> bool:
        return same_fields(self, other)

    def __hash__(self) -> int:
        return hash((Runtime, self.name))

    def overhead_on(self, device: Device) -> Any:
        """τ on *device*, seconds per layer and pass: by its memory type if that is known, else the general one."""
        if self.overhead_by_memory:
            return self.overhead_by_memory.get(device.memory_type, self.layer_overhead_s)
        return self.layer_overhead_s

    def context_overhead_on(self, device: Device) -> Any:
        """Seconds per layer and token of context on *device*: by its memory type if that is known, else the general ones."""
        if self.context_overhead_by_memory:
            return self.context_overhead_by_memory.get(device.memory_type, self.context_overhead_s)
        return self.context_overhead_s

    def plain(self, device: Device | None = None) -> dict[str, float]:
        """The three numbers of a decode step as a plain dict; the overhead in seconds per layer, on *device* if given."""
        return {
            "bandwidth_efficiency": self.bandwidth_efficiency,
            "compute_efficiency": self.compute_efficiency,
            "layer_overhead": self.layer_overhead_s if device is None else self.overhead_on(device),
        }

    def interval(self, figure: str, value: Any) -> tuple[Any, Any]:
        """Both ends of the interval around the *value* of one *figure*; ``coverage`` of measured times lie within.

        Raises:
            InputError: the runtime was fitted to no measurement of that figure.
        """
        if figure not in self.intervals:
            raise InputError(
                f"runtime {self.name!r} has no interval of {figure}: it was fitted to no measurement of it; "
                "runtime='measured' has one"
            )
        low, high = self.intervals[figure]
        return value * low, value * high

    def interval_told(self, figure: str, value: float, unit: str) -> str:
        """The interval around the *value* of one *figure* as a repr says it, or an empty string where there is none."""
        if figure not in self.intervals:
            return ""
        low, high = self.interval(figure, value)
        return f" ({low:.3g} to {high:.3g} {unit} in {self.coverage:.0%} of cases)"
