"""Constants under the names of the older variant, each with its unit and from the registry of devices.

``H100_MEM_BW``, ``H100_MEM_CAPACITY``, ``H100_TDP`` and ``H100_FLOPS_FP16_TENSOR`` are those of ``Hardware.H100``, and so
for any device and any precision that it has; ``BYTES_FP16`` is what a value of a precision takes. Units are there as in
:mod:`mlsysim.core.units`.
"""

from __future__ import annotations

import re
from typing import Any

from mlsysim.core import units
from mlsysim.core.units import Q_, ureg
from mlsysim.errors import InputError
from mlsysim.specs import Hardware, find_scheme

__all__ = ["Q_", "ureg"]

_DEVICE = re.compile(r"(\w+?)_(?:MEM_(BW|CAPACITY)|(TDP)|FLOPS_([A-Z0-9]+?)(?:_TENSOR)?)")
_BYTES = re.compile(r"BYTES_(\w+)")


def __getattr__(name: str) -> Any:
    """The constant called so, or the unit.

    Raises:
        AttributeError: there is no such constant; the message says what is missing.
    """
    if name.startswith("_"):
        raise AttributeError(name)
    if found := _BYTES.fullmatch(name):
        return Q_(find_scheme(found[1].lower()).weight_bits / 8, "byte")
    if not (found := _DEVICE.fullmatch(name)):
        return getattr(units, name)
    device, memory, power, precision = found.groups()
    spec = Hardware[device]
    try:
        if memory:
            return spec.memory.bandwidth if memory == "BW" else spec.memory.capacity
        return spec.tdp if power else spec.compute.of(precision.lower())
    except InputError as error:
        raise AttributeError(f"{name}: {error}") from None
