"""Precision schemes: bits of the weights, bits of the KV cache, and the rate that computes."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Any

from mlsysim.checks import check_number
from mlsysim.errors import UnknownNameError, check_name
from mlsysim.hardware import Device
from mlsysim.registry import load_toml

__all__ = ["GROUP_SIZES", "Scheme", "find_scheme", "resolve"]

GROUP_SIZES = (2, 2**20)


@dataclass(frozen=True, slots=True)
class Scheme:
    """How numbers are stored and computed.

    Attributes:
        weight_bits: bits of a stored weight, with its share of the group's scale where there is one.
        kv_bits, activation_bits: bits of a stored value.
        computes_at: the device peak that the matmuls run at.
        weight_only_without: on a device without that peak, load the short weights but compute in 16 bits.
        either_16_bit: activations may be fp16 or bf16, whichever of the two the device has.
        scale_bits: bits of one group's scale.
        group_size: weights that share a scale (a number or an array), or None where scales are left out of account.
        note: what a result must say about how the scheme ran, or "".
        source: who defines it.
    """

    name: str
    title: str
    weight_bits: Any
    kv_bits: float
    activation_bits: float
    computes_at: str
    weight_only_without: bool = False
    either_16_bit: bool = False
    scale_bits: float = 16
    group_size: Any = None
    note: str = ""
    source: str = ""

    def with_groups(self, group_size: Any) -> Scheme:
        """The scheme with a scale stored for every *group_size* weights; 16-bit and wider weights have none.

        >>> find_scheme("int4").with_groups(128).weight_bits
        4.125
        """
        size = check_number("group_size", group_size, *GROUP_SIZES, integer=True)
        if self.weight_bits >= 16:
            return self
        return replace(self, weight_bits=self.weight_bits + self.scale_bits / size, group_size=size)


@functools.cache
def _schemes() -> dict[str, Scheme]:
    return {name: Scheme(name=name, **row) for name, row in load_toml("schemes.toml").items()}


def find_scheme(name: str, argument: str = "precision") -> Scheme:
    """The scheme called *name*.

    Raises:
        UnknownNameError: no such scheme; the message names the nearest ones.
    """
    known = _schemes()
    return known[check_name(argument, name, known)]


def _on_device(scheme: Scheme, peaks: tuple[str, ...], device: str) -> Scheme:
    """*scheme* at a peak that there is: its own, or a 16-bit one where the scheme allows that, with a note."""
    if scheme.computes_at in peaks:
        return scheme
    note = f"{device} has no {scheme.computes_at} peak: "
    fallback = next((p for p in ("fp16", "bf16") if p in peaks), None)
    if fallback and scheme.weight_only_without:
        note += f"weight-only, computed in {fallback}"
        return replace(scheme, computes_at=fallback, activation_bits=16, note=note)
    if fallback and scheme.either_16_bit:
        return replace(scheme, computes_at=fallback, note=note + f"computed in {fallback}")
    has = f"it has: {', '.join(peaks)}" if peaks else "its source gives no compute peak at all"
    raise UnknownNameError(f"{device} cannot run {scheme.name}: it has no {scheme.computes_at} peak; {has}")


@functools.lru_cache(maxsize=1024)
def _resolve(precision: str, kv_precision: str | None, peaks: tuple[str, ...], device: str) -> Scheme:
    scheme = _on_device(find_scheme(precision), peaks, device)
    if kv_precision is not None:
        scheme = replace(scheme, kv_bits=find_scheme(kv_precision, "kv_precision").weight_bits)
    return scheme


def resolve(precision: str, kv_precision: str | None, device: Device, group_size: Any = None) -> Scheme:
    """The scheme as *device* runs it.

    Args:
        kv_precision: a scheme whose bits the KV cache takes instead of the scheme's own.
        group_size: weights that share one stored scale (a number or an array); None leaves scales out of account.

    Raises:
        InputError: unknown scheme, one that the device cannot run, or a group size that is no whole number above 1.
    """
    if not isinstance(precision, str):  # it may be something that no cache can hold
        find_scheme(precision)
    if not (kv_precision is None or isinstance(kv_precision, str)):
        find_scheme(kv_precision, "kv_precision")
    scheme = _resolve(precision, kv_precision, tuple(device.peaks), device.name)
    return scheme if group_size is None else scheme.with_groups(group_size)
