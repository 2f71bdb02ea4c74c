"""Models, devices and runtimes in words, and counts with what they count, for messages about a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from autograder.kit.values import shown, with_unit


def counted(what: str) -> Callable[[Any], str]:
    """What says ``3 users`` for 3."""
    return lambda value: f"{shown(value)} {what}" if isinstance(value, (int, float)) else shown(value)


def model(value: Mapping[str, Any]) -> str:
    heads = f"{shown(value['heads'])} query heads and {shown(value['kv_heads'])} KV heads of {shown(value['head_dim'])}"
    return f"a model of {shown(value['params'])} parameters, {shown(value['layers'])} layers, {heads}"


def device(value: Mapping[str, Any]) -> str:
    rates = f"{with_unit(value['peak_flops'], 'FLOP/s')}, {with_unit(value['bandwidth'], 'B/s')}"
    return f"{rates}, {with_unit(value['memory'], 'B')}" if "memory" in value else rates


def runtime(value: Mapping[str, Any]) -> str:
    compute, bandwidth, overhead = (
        value[key] for key in ("compute_efficiency", "bandwidth_efficiency", "layer_overhead")
    )
    shares = (
        "" if compute == bandwidth == 1 else f"{shown(compute)} of compute, {shown(bandwidth)} of bandwidth, "
    )
    return f"{shares}{with_unit(overhead, 's')} per layer"


ARGUMENTS = {"model": model, "device": device, "runtime": runtime}
RETURNS = {
    "cache_bits": counted("bits"),
    "break_even_tokens": counted("tokens"),
    "users_that_fit": counted("users"),
    "longest_context": counted("tokens"),
    "throughput": counted("tokens/s"),
    "served_users": counted("users"),
}
