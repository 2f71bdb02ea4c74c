"""The measured rows, as the library sees them, and the criteria that decide which are fitted."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.measured.specs import KINDS, device_of, model_of, scheme_of, source_of, stated, table
from mlsysim import Device, TransformerModel
from mlsysim.specs import Scheme

__all__ = ["CRITERIA", "FIT", "NOT_BATCHED", "Row", "measured_rows"]

FIT = "fit"
Raw = dict[str, str]
END_TO_END = re.compile(
    r"END-TO-END latency (?P<seconds>[\d.]+)s incl\. prefill of (?P<prompt>\d+) tokens.*= (?P<output>\d+)\*B"
)
POSSIBLE = "attention faster than the memory"
NOT_BATCHED = "more than one token through a kernel without batching (exllama)"

# A decode row is set aside by the first criterion that holds. Each reads what the row says of itself, never its error.
CRITERIA: dict[str, Callable[[Raw], bool]] = {
    "several devices": lambda raw: int(raw.get("n_gpu", 1)) > 1,
    "bandwidth not stated": lambda raw: raw.get("bw_GBps") == "",
    "device assumed, not stated": lambda raw: "GPU name not in excerpt" in raw["note"],
    "device below its specification (power limit)": lambda raw: "power-limited" in raw["note"],
    NOT_BATCHED: lambda raw: (
        "exllama" in raw["precision"] and (float(raw["batch"]) > 1 or raw.get("kind") == "ttft")
    ),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One measured time.

    Attributes:
        figure: ``itl``, ``ttft`` or ``latency`` (of whole requests).
        context: tokens of context (``itl``) or of the prompt.
        output: tokens of each answer, for ``latency``.
        seconds: what was measured.
        kind: fp16, fp8, int8 or int4, whatever the storage format.
        source: the name of the whole source, and ``engine`` its kind of engine.
        use: :data:`FIT`, or the criterion that sets the row aside.
        pair: rows with the same value differ in precision only.
    """

    figure: str
    device: Device
    model: TransformerModel
    scheme: Scheme
    kind: str
    precision: str
    batch: float
    context: float
    output: float
    seconds: float
    source: str
    engine: str
    use: str
    pair: tuple[str, ...]


@functools.cache
def measured_rows() -> tuple[Row, ...]:
    """Every row of the four tables."""
    return (*_decode(), *_serving(), *_composed())


def _use(raw: Raw) -> str:
    return next((name for name, holds in CRITERIA.items() if holds(raw)), FIT)


def _decode() -> Iterator[Row]:
    """``decode_measured.csv``: decode steps, and whole requests where the note says that the time is theirs."""
    for raw in table("decode_measured.csv"):
        source, engine = source_of(raw["source"])
        figure, context, output, ms = "itl", float(raw["avg_ctx"]), 0.0, float(raw["itl_ms"])
        if whole := END_TO_END.search(raw["note"]):
            figure, context, output = "latency", float(whole["prompt"]), float(whole["output"])
            ms = 1e3 * float(whole["seconds"])
        # TinyChat's own table gives Hugging Face FP16 as its baseline.
        series = "" if source == "TinyChat" else raw["engine"]
        where = (raw["hardware"], raw["n_gpu"], raw["model"], series, raw["avg_ctx"], raw["batch"])
        yield Row(
            figure=figure,
            device=device_of(raw["hardware"], raw["bw_GBps"]),
            model=model_of(raw["model"]),
            scheme=scheme_of(raw["precision"]),
            kind=KINDS[raw["precision"]],
            precision=raw["precision"],
            batch=float(raw["batch"]),
            context=context,
            output=output,
            seconds=ms * 1e-3,
            source=source,
            engine=engine,
            use=_use(raw),
            pair=(source, *where),
        )


def _serving() -> Iterator[Row]:
    """``serving_measured_2.csv`` and ``first_token_measured.csv``: decode steps, first tokens and whole requests."""
    for raw in (*table("serving_measured_2.csv"), *table("first_token_measured.csv")):
        source, engine = source_of(raw["source"])
        context, output = float(raw["avg_ctx"]), 0.0
        if raw["kind"] == "e2e":
            context, output = (float(tokens) for tokens in raw["note"].split(","))
        yield Row(
            figure={"decode": "itl", "ttft": "ttft", "e2e": "latency"}[raw["kind"]],
            device=device_of(raw["hardware"], ""),
            model=model_of(raw["model"]),
            scheme=scheme_of(raw["precision"], kv_bits=float(raw["kv_bits"])),
            kind=KINDS[raw["precision"]],
            precision=raw["precision"],
            batch=float(raw["batch"]),
            context=context,
            output=output,
            seconds=float(raw["ms"]) * 1e-3,
            source=source,
            engine=engine,
            use=_use(raw),
            pair=(source, raw["kind"], raw["hardware"], raw["model"], raw["batch"], raw["avg_ctx"]),
        )


def _composed() -> Iterator[Row]:
    """``aic_composed_itl.csv`` at both contexts: kernel times added up, with no engine around them."""
    for raw in table("aic_composed_itl.csv"):
        model, device = model_of(raw["model"]), device_of(raw["system"], "")
        source, engine = source_of(raw["source"])
        batch = float(raw["batch"])
        for context in (512, 2048):
            if math.isnan(ms := stated(raw[f"itl_ctx{context}_ms"])):
                continue
            cache = 4 * model.layers * model.kv_heads * model.head_dim * batch * context
            possible = cache / device.bandwidth_bytes_s <= float(raw[f"t_attn_ctx{context}_ms"]) * 1e-3
            yield Row(
                figure="itl",
                device=device,
                model=model,
                scheme=scheme_of(raw["dtype"]),
                kind=KINDS[raw["dtype"]],
                precision=raw["dtype"],
                batch=batch,
                context=context,
                output=0.0,
                seconds=ms * 1e-3,
                source=source,
                engine=engine,
                use=FIT if possible else POSSIBLE,
                pair=(source, raw["system"], raw["model"], raw["batch"], str(context)),
            )
