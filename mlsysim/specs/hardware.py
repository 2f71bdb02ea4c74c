"""The devices by name, read from the data files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlsysim.data.entries import YEARS, Entry
from mlsysim.errors import InputError, shown
from mlsysim.specs.device import DISPATCH_S, PRECISIONS, Device
from mlsysim.specs.registry import Registry

__all__ = ["Hardware", "find_device"]

FILES = ("hardware_cloud.toml", "hardware_workstation.toml", "hardware_edge.toml", "hardware_apple.toml")
FIELDS = (
    *("title", "group", "year", "memory_gb", "bandwidth_gb_s", "tdp_w", "dispatch_us", "peak", "sparse_2_4"),
    *("memory_type", "source", "sources", "checked", "note"),
)


def _parse(name: str, row: Mapping[str, Any]) -> Device:
    """A device from a row of a data file, whose units are the datasheet's: GB, GB/s, T/s, W, µs."""
    r = Entry(row, FIELDS)
    peaks = r.table("peak")
    rates = Entry(peaks, PRECISIONS)
    return Device(
        name=name,
        title=r.text("title", name),
        group=r.text("group", "Custom"),
        year=r.number("year", *YEARS, integer=True),
        memory_bytes=r.number("memory_gb", 0, open_low=True) * 1e9,
        bandwidth_bytes_s=r.number("bandwidth_gb_s", 0, open_low=True) * 1e9,
        peaks={p: rates.number(p, 0, open_low=True) * 1e12 for p in peaks},
        dispatch_s=r.number("dispatch_us", 0, default=DISPATCH_S * 1e6) * 1e-6,
        memory_type=r.text("memory_type", ""),
        sparse_2_4=r.flag("sparse_2_4", False),
        tdp_w=r.number("tdp_w", 0, open_low=True) if "tdp_w" in r else None,
        source=r.text("source"),
        sources=dict(r.table("sources")),
        checked=dict(r.table("checked")),
        note=r.text("note", ""),
    )


Hardware: Registry[Device] = Registry("device", (Device,), _parse, FILES)


def find_device(hardware: Any) -> Device:
    """The device called so; a :class:`Device` passes through.

    Raises:
        InputError: no such device, with the nearest known ones, or neither a device nor a name.
    """
    found = Hardware[hardware] if isinstance(hardware, str) else hardware
    if not isinstance(found, Device):
        raise InputError(f"hardware = {shown(hardware)} is not allowed: give a Device or the name of one")
    return found
