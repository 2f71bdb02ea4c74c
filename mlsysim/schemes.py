"""Precision schemes: bits of the weights, bits of the KV cache, and the rate that computes."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

from mlsysim.errors import UnknownNameError, unknown_name
from mlsysim.hardware import Device
from mlsysim.registry import load_toml
from mlsysim.rows import one_number

__all__ = ["Scheme", "find_scheme", "resolve"]


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
        group_size: weights that share a scale, or None where scales are left out of account.
        note: what a result must say about how the scheme ran, or "".
        source: who defines it.
    """

    name: str
    title: str
    weight_bits: float
    kv_bits: float
    activation_bits: float
    computes_at: str
    weight_only_without: bool = False
    either_16_bit: bool = False
    scale_bits: float = 16
    group_size: int | None = None
    note: str = ""
    source: str = ""

    def with_groups(self, group_size: int) -> Scheme:
        """The scheme with a scale stored for every *group_size* weights; 16-bit and wider weights have none.

        >>> find_scheme("int4").with_groups(128).weight_bits
        4.125
        """
        size = one_number("group_size", group_size, 2, 2**20, integer=True)
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
    if isinstance(name, str) and name in known:
        return known[name]
    raise unknown_name(argument, name, known)


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
def _resolve(
    precision: str, kv_precision: str | None, group_size: int | None, peaks: tuple[str, ...], device: str
) -> Scheme:
    scheme = _on_device(find_scheme(precision), peaks, device)
    if group_size is not None:
        scheme = scheme.with_groups(group_size)
    if kv_precision is not None:
        scheme = replace(scheme, kv_bits=find_scheme(kv_precision, "kv_precision").weight_bits)
    return scheme


def resolve(
    precision: str, kv_precision: str | None, device: Device, group_size: int | None = None
) -> Scheme:
    """The scheme as *device* runs it.

    Args:
        kv_precision: a scheme whose bits the KV cache takes instead of the scheme's own.
        group_size: weights that share one stored scale; None leaves scales out of account.

    Raises:
        InputError: unknown scheme, one that the device cannot run, or a group size that is no whole number above 1.
    """
    try:
        return _resolve(precision, kv_precision, group_size, tuple(device.peaks), device.name)
    except TypeError:  # something unhashable: no name, no number
        find_scheme(precision)
        if kv_precision is not None:
            find_scheme(kv_precision, "kv_precision")
        one_number("group_size", group_size, 2, 2**20, integer=True)
        raise
