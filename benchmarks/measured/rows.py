"""The measured rows, as the library sees them, and the criteria that decide what each is used for."""

from __future__ import annotations

import csv
import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from mlsysim import Device, Models, TransformerModel
from mlsysim.specs import Scheme

__all__ = ["CRITERIA", "FIT", "MAX_FIT_CONTEXT", "NOT_STATED", "Row", "composed_rows", "decode_rows"]

DATA = Path(__file__).parents[1] / "data"
FIT = "fit"
MAX_FIT_CONTEXT = 512
NO_CEILING = 1e30
NOT_STATED = 1.0  # byte/s, where a row has no bandwidth

# A row is set aside by the first criterion that holds. Each reads what the row says of itself, never its error.
CRITERIA: dict[str, Callable[[dict[str, str]], bool]] = {
    "several devices": lambda raw: int(raw["n_gpu"]) > 1,
    "bandwidth not stated": lambda raw: not raw["bw_GBps"],
    "device assumed, not stated": lambda raw: "GPU name not in excerpt" in raw["note"],
    "device below its specification (power limit)": lambda raw: "power-limited" in raw["note"],
    "time includes the prefill": lambda raw: "END-TO-END" in raw["note"],
    "batch above 1, kernel without batching (exllama)": lambda raw: (
        float(raw["batch"]) > 1 and "exllama" in raw["precision"]
    ),
    "batch above 1": lambda raw: float(raw["batch"]) > 1,
    "context above 512": lambda raw: float(raw["avg_ctx"]) > MAX_FIT_CONTEXT,
}


@dataclass(frozen=True, slots=True)
class Row:
    """One measured decode step.

    Attributes:
        use: :data:`FIT`, the criterion that sets the row aside, or "composed".
        kind: fp16, int8, fp8 or int4, whatever the storage format.
        pair: rows with the same value differ in precision only.
        reported_bytes: weight bytes read, as the source has them; NaN where it says nothing.
        possible: False where the time is below what the memory bandwidth allows for the KV cache.
    """

    device: Device
    model: TransformerModel
    scheme: Scheme
    kind: str
    engine: str
    precision: str
    batch: float
    context: float
    itl_s: float
    use: str
    pair: tuple[str, ...]
    reported_bytes: float = math.nan
    possible: bool = True


def _table(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@functools.cache
def _models() -> dict[str, TransformerModel]:
    """The models of the rows, at their exact size, by the name that the tables have."""
    names = {f"Llama-{n}": f"Llama{n.replace('-', '_')}" for n in ("3-8B", "3-70B", "2-7B", "2-13B", "2-70B")}
    found = {}
    for name, known in names.items():
        model = Models[known]
        assert isinstance(model, TransformerModel)
        found[name] = replace(model, name=name, parameters=model.exact_parameters)
    return found


@functools.cache
def _formats() -> dict[str, tuple[str, Scheme]]:
    return {
        raw["precision"]: (
            raw["kind"],
            Scheme(raw["precision"], raw["precision"], float(raw["stored_bits"]), 16, 16, raw["computes_at"]),
        )
        for raw in _table("formats.csv")
    }


@functools.cache
def _devices() -> dict[str, dict[str, str]]:
    return {raw["hardware"]: raw for raw in _table("devices.csv")}


@functools.cache
def _device(hardware: str, bandwidth_gb_s: str) -> Device:
    raw = _devices()[hardware]
    # Where no peak is given the step is taken as bound by memory, which at batch 1 it is, many times over.
    peaks = {p: float(raw[f"{p}_tflops"] or NO_CEILING) * 1e12 for p in ("fp16", "fp8")}
    return Device(
        name=raw["device"],
        title=raw["device"],
        group="",
        year=None,
        memory_bytes=NO_CEILING,
        bandwidth_bytes_s=float(bandwidth_gb_s) * 1e9 if bandwidth_gb_s else NOT_STATED,
        peaks=peaks,
        dispatch_s=0.0,
        sparse_2_4=False,
        source=raw["source"],
        memory_type=raw["memory_type"],
    )


@functools.cache
def decode_rows() -> tuple[Row, ...]:
    """Every row of ``decode_measured.csv``."""
    rows = []
    for raw in _table("decode_measured.csv"):
        kind, scheme = _formats()[raw["precision"]]
        # TinyChat's own table gives Hugging Face FP16 as its baseline.
        series = "TinyChat" if "TinyChat" in raw["engine"] else raw["engine"]
        pair = (
            raw["hardware"],
            raw["n_gpu"],
            raw["model"],
            series,
            raw["source"],
            raw["avg_ctx"],
            raw["batch"],
        )
        rows.append(
            Row(
                device=_device(raw["hardware"], raw["bw_GBps"]),
                model=_models()[raw["model"]],
                scheme=scheme,
                kind=kind,
                engine=raw["engine"],
                precision=raw["precision"],
                batch=float(raw["batch"]),
                context=float(raw["avg_ctx"]),
                itl_s=float(raw["itl_ms"]) * 1e-3,
                use=next((name for name, holds in CRITERIA.items() if holds(raw)), FIT),
                pair=pair,
                reported_bytes=float(raw["weight_read_GB"] or math.nan) * 1e9,
            )
        )
    return tuple(rows)


@functools.cache
def composed_rows() -> tuple[Row, ...]:
    """Every row of ``aic_composed_itl.csv``, at both contexts: kernel times added up, with no engine around them."""
    rows = []
    for raw in _table("aic_composed_itl.csv"):
        kind, scheme = _formats()[raw["dtype"]]
        model, device = (
            _models()[raw["model"]],
            _device(raw["system"], _devices()[raw["system"]]["bandwidth_gb_s"]),
        )
        batch = float(raw["batch"])
        for context in (512, 2048):
            if not raw[f"itl_ctx{context}_ms"]:
                continue
            kv_bytes = 4 * model.layers * model.kv_heads * model.head_dim * batch * context
            rows.append(
                Row(
                    device=device,
                    model=model,
                    scheme=scheme,
                    kind=kind,
                    engine="composed",
                    precision=raw["dtype"],
                    batch=batch,
                    context=context,
                    itl_s=float(raw[f"itl_ctx{context}_ms"]) * 1e-3,
                    use="composed",
                    pair=(raw["system"], raw["model"], raw["batch"], str(context)),
                    possible=kv_bytes / device.bandwidth_bytes_s
                    <= float(raw[f"t_attn_ctx{context}_ms"]) * 1e-3,
                )
            )
    return tuple(rows)
