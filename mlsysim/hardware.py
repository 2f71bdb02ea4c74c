"""Accelerators: memory, bandwidth and dense peak rates, with their sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlsysim.errors import UnknownNameError
from mlsysim.registry import Registry, load_toml
from mlsysim.units import quantity

__all__ = ["Device", "Hardware"]


@dataclass(frozen=True, slots=True)
class Device:
    """One accelerator, in SI units.

    Attributes:
        memory_bytes: device memory, bytes.
        bandwidth_bytes_s: peak memory bandwidth, byte/s.
        peaks: dense peak rate by the precision that computes, FLOP/s (OP/s for integers).
        dispatch_s: host time to launch one forward pass, seconds.
        memory_type: ``hbm``, ``gddr``, ``lpddr`` or ``""`` (not stated); what a layer costs goes with it.
    """

    name: str
    title: str
    group: str
    year: int
    memory_bytes: float
    bandwidth_bytes_s: float
    peaks: Mapping[str, float]
    dispatch_s: float
    sparse_2_4: bool
    source: str = field(repr=False)
    memory_type: str = ""

    @property
    def memory(self) -> Any:
        """Device memory as a quantity in GB."""
        return quantity(self.memory_bytes, "byte", "GB")

    @property
    def bandwidth(self) -> Any:
        """Peak memory bandwidth as a quantity in GB/s."""
        return quantity(self.bandwidth_bytes_s, "byte/s", "GB/s")

    def peak_flops(self, precision: str = "fp16") -> float:
        """Dense peak in FLOP/s at a *precision* that computes (``fp16``, ``int8`` …).

        Raises:
            UnknownNameError: the device has no such rate; the message says which it has.
        """
        try:
            return self.peaks[precision]
        except KeyError:
            has = ", ".join(self.peaks)
            raise UnknownNameError(f"{self.name} has no {precision} peak; it has: {has}") from None

    def plain(self, precision: str = "fp16") -> dict[str, float]:
        """The numbers that a roofline needs, as a plain dict in SI units."""
        return {
            "peak_flops": self.peak_flops(precision),
            "bandwidth": self.bandwidth_bytes_s,
            "memory": self.memory_bytes,
        }


def _load() -> dict[str, dict[str, Device]]:
    groups: dict[str, dict[str, Device]] = {}
    for name, row in load_toml("hardware.toml").items():
        groups.setdefault(row["group"], {})[name] = Device(
            name=name,
            title=row["title"],
            group=row["group"],
            year=row["year"],
            memory_bytes=row["memory_gb"] * 1e9,
            bandwidth_bytes_s=row["bandwidth_gb_s"] * 1e9,
            peaks={key: rate * 1e12 for key, rate in row["peak"].items()},
            dispatch_s=row["dispatch_us"] * 1e-6,
            sparse_2_4=row["sparse_2_4"],
            source=row["source"],
            memory_type=row.get("memory_type", ""),
        )
    return groups


Hardware: Registry[Device] = Registry("device", _load)
