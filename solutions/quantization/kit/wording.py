"""Models, devices and runtimes in words, for messages about what a function was given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autograder.kit.values import shown, with_unit

MOST = 8  # options of a list that are told


def _count(number: Any, what: str) -> str:
    return f"{shown(number)} {what}{'' if number == 1 else 's'}"


def model(value: Mapping[str, Any]) -> str:
    heads = "" if value["heads"] == value["kv_heads"] else f" ({shown(value['kv_heads'])} KV)"
    return (
        f"a model of {shown(value['params'])} parameters, {_count(value['layers'], 'layer')}, "
        f"{_count(value['heads'], 'head')}{heads} of {shown(value['head_dim'])}"
    )


def device(value: Mapping[str, Any]) -> str:
    return f"{with_unit(value['peak_flops'], 'FLOP/s')} and {with_unit(value['bandwidth'], 'B/s')}"


def runtime(value: Mapping[str, Any]) -> str:
    compute, bandwidth = value["compute_efficiency"], value["bandwidth_efficiency"]
    overhead = value["layer_overhead"]
    parts = []
    if compute != 1 or bandwidth != 1:
        parts.append(f"efficiencies {shown(compute)} (compute) and {shown(bandwidth)} (bandwidth)")
    parts.append(f"{with_unit(overhead, 's')} per layer" if overhead else "no overhead")
    return ", ".join(parts)


def options(value: list[Mapping[str, Any]]) -> str:
    if not value:
        return "no options"
    told = [
        f"pruning {shown(o['sparsity'])}" if o["method"] == "pruning" else f"{shown(o['bits'])} bits"
        for o in value[:MOST]
    ]
    return f"options {', '.join(told)}{', …' if len(value) > MOST else ''}"


def table(value: Any) -> str:
    """Rows without what goes through unchanged."""
    if not isinstance(value, list):
        return shown(value)
    left_out = ("name", "accuracy_delta")
    rows = [
        {key: item for key, item in row.items() if key not in left_out} if isinstance(row, Mapping) else row
        for row in value
    ]
    return shown([*rows[:2], "…"] if len(rows) > 2 else rows)


ARGUMENTS = {"model": model, "device": device, "runtime": runtime, "options": options}
RETURNS = {"compression_table": table}
