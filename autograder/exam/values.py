"""Values as the field writes them: ``3.35 TB/s``, ``8.35 ms``, a model as its sizes."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

__all__ = ["argument", "returned", "shown"]

PREFIXES = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
SMALL = ((1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))
MOST = 4  # items of a list that are shown

ARGUMENTS = {
    "peak_flops": "FLOP/s",
    "bandwidth": "B/s",
    "ai": "FLOP/byte",
    "ridge": "FLOP/byte",
}
RETURNS = {
    "ridge_point": ("FLOP/byte",),
    "attainable": ("FLOP/s",),
    "step_bytes": ("B", "B"),
    "step_flops": ("FLOP", "FLOP"),
    "itl": ("s",),
}
_short = reprlib.Repr()
_short.maxstring, _short.maxother, _short.maxlevel = 60, 80, 3
_short.maxdict = _short.maxlist = _short.maxtuple = MOST


def _repr(value: Any) -> str:
    try:
        return _short.repr(value)
    except ValueError:  # a whole number of too many digits to print
        return f"a {type(value).__name__}"


def _number(value: float) -> str:
    """Six significant digits, whole numbers of up to six digits in full."""
    if isinstance(value, int) and abs(value) < 10**6:
        return str(value)
    if isinstance(value, int) and value.bit_length() > 1000:  # more than a float holds
        return f"a whole number of {value.bit_length()} bits"
    if not math.isfinite(value):
        return str(value)
    return f"{float(value):.6g}".replace("e+0", "e").replace("e+", "e").replace("e-0", "e-")


def _with_unit(value: float, unit: str) -> str:
    """*value* with its unit, prefixed where that reads better."""
    if (
        unit == "FLOP/byte"
        or not value
        or (isinstance(value, int) and value.bit_length() > 1000)
        or not math.isfinite(value)
    ):
        return f"{_number(value)} {unit}"
    size = abs(value)
    if unit == "s":
        scale, prefix = next(((s, p) for s, p in SMALL if size >= s), SMALL[-1])
    else:
        scale, prefix = next(((s, p) for s, p in PREFIXES if size >= s), (1.0, ""))
    if size < 1e-12 or size / scale >= 1e6 or (unit != "s" and size < 1e-3):
        return f"{_number(value)} {unit}"
    return f"{_number(value / scale)} {prefix}{unit}"


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.size <= MOST):
        return value.tolist()
    return value


def shown(value: Any) -> str:
    """A value as a student would write it: floats to six digits, NumPy scalars as numbers, long lists cut."""
    value = _plain(value)
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, (int, float)):
        return _number(value)
    if isinstance(value, Mapping) and len(value) <= 6:
        return "{" + ", ".join(f"{_key(key)}: {shown(item)}" for key, item in value.items()) + "}"
    if type(value) in (list, tuple):
        inside = ", ".join(shown(item) for item in value[:MOST])
        inside += ", …" if len(value) > MOST else "," if type(value) is tuple and len(value) == 1 else ""
        return f"[{inside}]" if type(value) is list else f"({inside})"
    return _repr(value)


def _key(key: Any) -> str:
    return key if isinstance(key, str) and key.isidentifier() else _repr(key)


def _count(number: Any, what: str) -> str:
    return f"{shown(number)} {what}{'' if number == 1 else 's'}"


def _model(value: Mapping[str, Any]) -> str:
    heads = "" if value["heads"] == value["kv_heads"] else f" ({shown(value['kv_heads'])} KV)"
    return (
        f"a model of {shown(value['params'])} parameters, {_count(value['layers'], 'layer')}, "
        f"{_count(value['heads'], 'head')}{heads} of {shown(value['head_dim'])}"
    )


def _device(value: Mapping[str, Any]) -> str:
    return f"{_with_unit(value['peak_flops'], 'FLOP/s')} and {_with_unit(value['bandwidth'], 'B/s')}"


def _runtime(value: Mapping[str, Any]) -> str:
    compute, bandwidth = value["compute_efficiency"], value["bandwidth_efficiency"]
    overhead = value["layer_overhead"]
    parts = []
    if compute != 1 or bandwidth != 1:
        parts.append(f"efficiencies {shown(compute)} (compute) and {shown(bandwidth)} (bandwidth)")
    parts.append(f"{_with_unit(overhead, 's')} per layer" if overhead else "no overhead")
    return ", ".join(parts)


def _options(value: list[Mapping[str, Any]]) -> str:
    if not value:
        return "no options"
    told = [
        f"pruning {shown(o['sparsity'])}" if o["method"] == "pruning" else f"{shown(o['bits'])} bits"
        for o in value[:MOST]
    ]
    return f"options {', '.join(told)}{', …' if len(value) > MOST else ''}"


SUMMARIES: dict[str, Callable[[Any], str]] = {
    "model": _model,
    "device": _device,
    "runtime": _runtime,
    "options": _options,
}


def argument(name: str, value: Any) -> str:
    """An argument by its parameter's name: models, devices and runtimes in words, numbers with their unit."""
    if name in SUMMARIES:
        try:
            return SUMMARIES[name](value)
        except Exception:  # a value of any other form
            return f"{name}={shown(value)}"
    value = _plain(value)
    if name in ARGUMENTS and isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{name}={_with_unit(value, ARGUMENTS[name])}"
    return f"{name}={shown(value)}"


def returned(function: str, value: Any) -> str:
    """What *function* returned, with the unit that its values have."""
    units = RETURNS.get(function, ())
    value = _plain(value)
    items = list(value) if len(units) > 1 and isinstance(value, (list, tuple)) else [value]
    items = [_plain(item) for item in items]
    if len(items) == len(units) and all(
        isinstance(item, (int, float)) and not isinstance(item, bool) for item in items
    ):
        return " and ".join(_with_unit(item, unit) for item, unit in zip(items, units, strict=True))
    if function == "compression_table" and isinstance(value, list):
        return _rows(value)
    return shown(value)


def _rows(value: list[Any]) -> str:
    """A table without what goes through unchanged."""
    left_out = ("name", "accuracy_delta")
    rows = [
        {key: item for key, item in row.items() if key not in left_out} if isinstance(row, Mapping) else row
        for row in value
    ]
    return shown([*rows[:2], "…"] if len(rows) > 2 else rows)
