"""A runtime: what software costs on top of the roofline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlsysim.checks import check_flag, check_number, one_number
from mlsysim.errors import InputError, check_name, shown
from mlsysim.specs.device import MEMORY_TYPES, Device
from mlsysim.specs.spec import same_fields

__all__ = ["Runtime"]


@dataclass(frozen=True, slots=True, eq=False)
class Runtime:
    """Kernel efficiencies, per-layer overhead and unpacking; each of the four may be an array, and so are results then.

    Attributes:
        bandwidth_efficiency: e_m, the share of peak bandwidth reached, above 0 and up to 1.
        compute_efficiency: e_c, the share of peak compute reached, above 0 and up to 1.
        layer_overhead_s: τ, seconds of launch and framework time per layer and pass.
        overhead_by_memory: τ by a device's memory type, where it differs; see :meth:`overhead_on`.
        reads_embedding: whether a pass reads the whole input embedding, or looks up its tokens' rows only.
        unpacking: by how much the arithmetic of a matmul takes longer while it unpacks weights that are shorter than what
            computes: 0.5 for half as long again. A W4A16 kernel that is 0.6 times as fast as FP16 at a large batch has
            0.65 (Marlin, vllm-project/vllm pull request 34556, 2026), one that is as fast has 0 (TensorRT-LLM at batch
            512, ai-dynamo/aiconfigurator, 2026); W4A4 kernels with group scales spend 20% to 90% of their main loop on
            it (Lin et al. 2024, QServe, arXiv 2405.04532).
        head_bits: bits that the output head (and the embedding) keep if the scheme has fewer; None: the scheme's.
        stands_for, source, year, error: what it stands for, where its numbers come from, and how far off they are.
    """

    name: str
    bandwidth_efficiency: Any
    compute_efficiency: Any
    layer_overhead_s: Any
    stands_for: str = ""
    overhead_by_memory: Mapping[str, float] = field(default_factory=dict)
    unpacking: Any = 0.0
    reads_embedding: bool = True
    head_bits: float | None = None
    source: str = field(repr=False, default="")
    year: int = field(repr=False, default=0)
    error: str = field(repr=False, default="")

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise InputError(f"name = {shown(self.name)} is not allowed: give a text")
        for attribute in ("bandwidth_efficiency", "compute_efficiency"):
            value = check_number(attribute, getattr(self, attribute), 0, 1, open_low=True)
            object.__setattr__(self, attribute, value)
        for attribute in ("layer_overhead_s", "unpacking"):
            object.__setattr__(self, attribute, check_number(attribute, getattr(self, attribute), 0))
        if not isinstance(self.overhead_by_memory, Mapping):
            given = shown(self.overhead_by_memory)
            raise InputError(
                f"overhead_by_memory = {given} is not allowed: give a dict of seconds by memory type"
            )
        for kind, seconds in self.overhead_by_memory.items():
            check_name("memory type in overhead_by_memory", kind, MEMORY_TYPES)
            one_number(f"overhead_by_memory[{kind!r}]", seconds, 0)
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

    def plain(self, device: Device | None = None) -> dict[str, float]:
        """The three numbers as a plain dict; the overhead in seconds per layer, on *device* if given."""
        return {
            "bandwidth_efficiency": self.bandwidth_efficiency,
            "compute_efficiency": self.compute_efficiency,
            "layer_overhead": self.layer_overhead_s if device is None else self.overhead_on(device),
        }
