"""The precision schemes by name, and what they become on a device."""

from __future__ import annotations

import functools
import re
from dataclasses import replace
from typing import Any

from mlsysim.data import load_toml
from mlsysim.errors import InputError, UnknownNameError, check_name
from mlsysim.specs.device import Device, peaks_told
from mlsysim.specs.scheme import Scheme

__all__ = ["find_scheme", "resolve"]

LEAST_BITS = 1  # of a weight
WEIGHT_ONLY = re.compile(r"w(\d+(?:\.\d+)?)a16")
FULL_CACHE = 16  # bits of a cached value, unless it is quantized


@functools.cache
def _schemes() -> dict[str, Scheme]:
    return {name: Scheme(name=name, **row) for name, row in load_toml("schemes.toml").items()}


def find_scheme(name: str, argument: str = "precision") -> Scheme:
    """The scheme called *name*: one of ``data/schemes.toml``, or ``wNa16`` for weights of N bits (``w3a16``, ``w4.85a16``).

    >>> find_scheme("w3a16").weight_bits, find_scheme("Q4_K_M").weight_bits
    (3.0, 4.8944)

    Raises:
        UnknownNameError: no such scheme; the message names the nearest ones.
    """
    known = _schemes()
    if isinstance(name, str) and name.lower() in known:
        name = name.lower()  # as papers and tools print them: INT4, W4A16, Q4_K_M
    elif isinstance(name, str) and (any_width := WEIGHT_ONLY.fullmatch(name.lower())):
        return _weight_only(argument, name.lower(), any_width[1])
    return known[check_name(argument, name, known)]


def _weight_only(argument: str, name: str, width: str) -> Scheme:
    """Weights of any width, computed in 16 bits."""
    bits = float(width)
    if not LEAST_BITS <= bits <= FULL_CACHE:
        raise InputError(
            f"{argument} = {name!r} is not allowed: give {LEAST_BITS} to {FULL_CACHE} bits a weight"
        )
    return replace(_schemes()["w4a16"], name=name, title=f"{name.upper()} (weight-only)", weight_bits=bits)


def _on_device(scheme: Scheme, peaks: tuple[str, ...], device: str, without_peak: bool) -> Scheme:
    """*scheme* at a peak that there is: its own, or a 16-bit one where the scheme allows that, with a note."""
    if scheme.computes_at in peaks:
        return scheme
    if without_peak and not peaks:
        return replace(
            scheme,
            note=f"{device}: {peaks_told(peaks)}, so times count memory and overhead alone: lower bounds",
        )
    note = f"{device} has no {scheme.computes_at} peak: "
    fallback = next((p for p in ("fp16", "bf16") if p in peaks), None)
    if fallback and scheme.weight_only_without:
        note += f"weight-only, computed in {fallback}"
        return replace(scheme, computes_at=fallback, activation_bits=16, note=note)
    if fallback and scheme.either_16_bit:
        return replace(scheme, computes_at=fallback, note=note + f"computed in {fallback}")
    raise UnknownNameError(
        f"{device} cannot run {scheme.name}: it has no {scheme.computes_at} peak; {peaks_told(peaks)}"
    )


@functools.lru_cache(maxsize=1024)
def _resolve(
    precision: str, kv_precision: str | None, peaks: tuple[str, ...], device: str, without_peak: bool
) -> Scheme:
    scheme = _on_device(find_scheme(precision), peaks, device, without_peak)
    if kv_precision is not None:
        scheme = replace(scheme, kv_bits=find_scheme(kv_precision, "kv_precision").weight_bits)
    if scheme.kv_bits >= FULL_CACHE:
        return scheme
    scheme = replace(scheme, title=f"{scheme.title}, KV cache at {scheme.kv_bits:g} bits")
    return scheme if kv_precision is not None else replace(scheme, cache_note=_cache_note(scheme))


def _cache_note(scheme: Scheme) -> str:
    """What a name that shrinks the cache without being asked to must say."""
    others = [s.name for s in _schemes().values() if s.kv_bits >= FULL_CACHE and _same_weights(s, scheme)]
    instead = f'precision="{others[0]}" or ' if others else ""
    return (
        f"{scheme.name} counts the KV cache at {scheme.kv_bits:g} bits too, so its speed-up need not fall as the batch "
        f'grows; most serving engines keep the cache at 16 bits: give {instead}kv_precision="fp16"'
    )


def _same_weights(a: Scheme, b: Scheme) -> bool:
    named = find_scheme(b.name)
    return (a.weight_bits, a.activation_bits, a.computes_at) == (
        named.weight_bits,
        named.activation_bits,
        named.computes_at,
    )


def resolve(
    precision: str,
    kv_precision: str | None,
    device: Device,
    group_size: Any = None,
    *,
    weight_bits: Any = None,
    without_peak: bool = False,
) -> Scheme:
    """The scheme as *device* runs it.

    Args:
        kv_precision: a scheme whose bits the KV cache takes instead of the scheme's own.
        group_size: weights that share one stored scale (a number or an array); None leaves scales out of account.
        weight_bits: bits of a stored weight in place of the scheme's own (a number or an array).
        without_peak: a device for which no compute peak at all is known will do; the scheme's note says so.

    Raises:
        InputError: unknown scheme, one that the device cannot run, or a group size that is no whole number above 1.
    """
    if not isinstance(precision, str):  # it may be something that no cache can hold
        find_scheme(precision)
    if not (kv_precision is None or isinstance(kv_precision, str)):
        find_scheme(kv_precision, "kv_precision")
    scheme = _resolve(precision, kv_precision, tuple(device.peaks), device.name, without_peak)
    if weight_bits is not None:
        scheme = scheme.with_weight_bits(weight_bits)
    return scheme if group_size is None else scheme.with_groups(group_size)
