"""Precision schemes: bits of the weights, bits of the KV cache, and the rate that computes."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

from mlsysim.errors import UnknownNameError, unknown_name
from mlsysim.hardware import Device
from mlsysim.registry import load_toml

__all__ = ["Scheme", "find_scheme", "resolve"]


@dataclass(frozen=True, slots=True)
class Scheme:
    """How numbers are stored and computed.

    Attributes:
        weight_bits, kv_bits, activation_bits: bits of a stored value.
        computes_at: the device peak that the matmuls run at.
        weight_only_without: on a device without that peak, load the short weights but compute in fp16.
        note: what a result must say about how the scheme ran, or "".
    """

    name: str
    title: str
    weight_bits: float
    kv_bits: float
    activation_bits: float
    computes_at: str
    weight_only_without: bool = False
    note: str = ""


@functools.cache
def _schemes() -> dict[str, Scheme]:
    return {name: Scheme(name=name, **row) for name, row in load_toml("schemes.toml").items()}


def find_scheme(name: str, argument: str = "precision") -> Scheme:
    """The scheme called *name*.

    Raises:
        UnknownNameError: no such scheme; the message names the nearest ones.
    """
    known = _schemes()
    if isinstance(name, str) and name in known:
        return known[name]
    raise unknown_name(argument, name, known)


@functools.lru_cache(maxsize=1024)
def _resolve(precision: str, kv_precision: str | None, peaks: tuple[str, ...], device: str) -> Scheme:
    scheme = find_scheme(precision)
    if scheme.computes_at not in peaks:
        if not scheme.weight_only_without:
            raise UnknownNameError(
                f"{device} cannot run {precision}: it has no {scheme.computes_at} peak; "
                f"it has: {', '.join(peaks)}"
            )
        note = f"{device} has no {scheme.computes_at} peak: weight-only, computed in fp16"
        scheme = replace(scheme, computes_at="fp16", activation_bits=16, note=note)
    if kv_precision is not None:
        scheme = replace(scheme, kv_bits=find_scheme(kv_precision, "kv_precision").weight_bits)
    return scheme


def resolve(precision: str, kv_precision: str | None, device: Device) -> Scheme:
    """The scheme as *device* runs it; ``kv_precision`` overrides the bits of the KV cache.

    Raises:
        UnknownNameError: unknown scheme, or one that the device cannot run.
    """
    try:
        return _resolve(precision, kv_precision, tuple(device.peaks), device.name)
    except TypeError:  # unhashable: cannot be a name
        raise unknown_name("precision", (precision, kv_precision), _schemes()) from None
