"""Runtimes: what software costs on top of the roofline."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from mlsysim.errors import InputError, check_number, unknown_name
from mlsysim.registry import load_toml

__all__ = ["Runtime", "find_runtime"]


@dataclass(frozen=True, slots=True)
class Runtime:
    """Kernel efficiencies and per-layer overhead.

    Attributes:
        bandwidth_efficiency: e_m, the share of peak bandwidth reached, above 0 and up to 1.
        compute_efficiency: e_c, the share of peak compute reached, above 0 and up to 1.
        layer_overhead_s: τ, seconds of launch and framework time per layer and step.
    """

    name: str
    bandwidth_efficiency: Any
    compute_efficiency: Any
    layer_overhead_s: Any
    stands_for: str = ""

    def __post_init__(self) -> None:
        for attribute in ("bandwidth_efficiency", "compute_efficiency"):
            value = check_number(attribute, getattr(self, attribute), 0, 1, open_low=True)
            object.__setattr__(self, attribute, value)
        value = check_number("layer_overhead_s", self.layer_overhead_s, 0)
        object.__setattr__(self, "layer_overhead_s", value)

    def plain(self) -> dict[str, float]:
        """The three numbers as a plain dict; the overhead in seconds per layer."""
        return {
            "bandwidth_efficiency": self.bandwidth_efficiency,
            "compute_efficiency": self.compute_efficiency,
            "layer_overhead": self.layer_overhead_s,
        }


@functools.cache
def _runtimes() -> dict[str, Runtime]:
    return {
        name: Runtime(
            name=name,
            bandwidth_efficiency=row["bandwidth_efficiency"],
            compute_efficiency=row["compute_efficiency"],
            layer_overhead_s=row["layer_overhead_us"] * 1e-6,
            stands_for=row["stands_for"],
        )
        for name, row in load_toml("runtimes.toml").items()
    }


def find_runtime(runtime: str | Runtime) -> Runtime:
    """The runtime called so; a :class:`Runtime` passes through.

    Raises:
        UnknownNameError: no such runtime; the message names the nearest ones.
    """
    if type(runtime) is Runtime:
        return runtime
    if not isinstance(runtime, str):
        raise InputError(f"runtime = {runtime!r} is not allowed: give a name or a Runtime")
    known = _runtimes()
    if runtime not in known:
        raise unknown_name("runtime", runtime, known)
    return known[runtime]
