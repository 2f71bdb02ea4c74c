"""What the rows name: models, devices, formats and sources, from the tables in ``benchmarks/data``."""

from __future__ import annotations

import csv
import functools
import math
from dataclasses import replace
from pathlib import Path

from mlsysim import Architecture, Device, Models, TransformerModel
from mlsysim.specs import Scheme

__all__ = [
    "DATA",
    "KINDS",
    "NOT_STATED",
    "device_of",
    "model_of",
    "scheme_of",
    "source_of",
    "stated",
    "table",
]

DATA = Path(__file__).parents[1] / "data"
NO_CEILING = 1e30
NOT_STATED = 1.0  # byte/s, where a row has no bandwidth
SHAPE = ("layers", "heads", "kv_heads", "head_dim", "hidden", "ffn", "vocab")
REGISTRY = {f"Llama-{n}": f"Llama{n.replace('-', '_')}" for n in ("3-8B", "3-70B", "2-7B", "2-13B", "2-70B")}
REGISTRY["Mistral-7B"] = "Mistral_7B"


@functools.cache
def table(name: str) -> tuple[dict[str, str], ...]:
    """The rows of one file."""
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def stated(text: str) -> float:
    """A number, or NaN where the table has none."""
    return float(text) if text else math.nan


@functools.cache
def model_of(name: str) -> TransformerModel:
    """The model of that name at its exact size, from the registry or from ``shapes.csv``."""
    if name in REGISTRY:
        found = Models[REGISTRY[name]]
        assert isinstance(found, TransformerModel)
        return replace(found, name=name, parameters=found.exact_parameters)
    raw = next(row for row in table("shapes.csv") if row["model"] == name)
    layers, heads, kv_heads, head_dim, hidden, ffn, vocab = (int(raw[key]) for key in SHAPE)
    shape = Architecture(
        hidden=hidden, ffn=ffn, vocab=vocab, gated=raw["gated"] == "yes", tied=raw["tied"] == "yes"
    )
    return TransformerModel(
        name,
        parameters=shape.parameters(layers, heads, kv_heads, head_dim),
        layers=layers,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        architecture=shape,
        source=raw["source"],
    )


#: fp16, fp8, int8 or int4 by the name of the format.
KINDS = {raw["precision"]: raw["kind"] for raw in table("formats.csv")}


@functools.cache
def scheme_of(precision: str, kv_bits: float = 16) -> Scheme:
    """The format of that name; activations are short where the format's own peak computes."""
    raw = next(row for row in table("formats.csv") if row["precision"] == precision)
    activations = 16 if raw["computes_at"] == "fp16" else 8
    return Scheme(precision, precision, float(raw["stored_bits"]), kv_bits, activations, raw["computes_at"])


@functools.cache
def device_of(hardware: str, bandwidth_gb_s: str) -> Device:
    """The device of that spelling, with the row's own bandwidth where it states one."""
    raw = next(row for row in table("devices.csv") if row["hardware"] == hardware)
    bandwidth = stated(bandwidth_gb_s or raw["bandwidth_gb_s"])
    # Where no peak is given the step is taken as bound by memory, which at batch 1 it is, many times over.
    peaks = {p: float(raw[f"{p}_tflops"] or NO_CEILING) * 1e12 for p in ("fp16", "fp8")}
    return Device(
        name=raw["device"],
        memory_bytes=NO_CEILING,
        bandwidth_bytes_s=NOT_STATED if math.isnan(bandwidth) else bandwidth * 1e9,
        peaks=peaks,
        dispatch_s=0.0,
        source=raw["source"],
        memory_type=raw["memory_type"],
    )


@functools.cache
def source_of(citation: str) -> tuple[str, str]:
    """The whole source that a citation belongs to, and the kind of its engine (``sources.csv``)."""
    raw = next(row for row in table("sources.csv") if row["match"] in citation)
    return raw["source"], raw["engine"]
