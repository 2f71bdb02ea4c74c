"""Units under the names of the older variant: ``ureg``, ``Q_`` and any unit, as ``from mlsysim.core.units import GB, ms``."""

from __future__ import annotations

from typing import Any

from mlsysim.units import unit_registry

ureg: Any = unit_registry()
Q_: Any = ureg.Quantity

_UNITS = (
    *("byte", "kB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB", "bit"),
    *("second", "ms", "us", "ns", "minute", "hour", "day", "watt", "joule", "kWh", "meter"),
    *("flop", "GFLOPs", "TFLOPs", "PFLOPs", "TOPS"),
)

__all__ = ["Q_", "ureg", *_UNITS]


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    return getattr(ureg, name)
