"""What was measured as rows of CSV files, and as a table beside what the library predicts."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.gpu.formats import Format
from mlsysim import Device, Hardware, InputError, ServingModel, TransformerModel
from mlsysim.render import text_table

__all__ = ["RUNTIMES", "Card", "Measured", "comparison", "find_card", "write_rows"]

RUNTIMES = ("tutorial", "compiled", "measured")
DECODE = (
    *(
        "hardware",
        "bw_GBps",
        "bw_spec_seen_in_source",
        "n_gpu",
        "model",
        "engine",
        "precision",
        "weight_bits",
    ),
    *("weight_read_GB", "avg_ctx", "batch", "tok_per_s_total", "itl_ms", "source", "source_kind", "note"),
)
PRODUCTS = (
    "device",
    "bw_GBps",
    "shape_n_x_k",
    "kernel",
    "batch",
    "speedup_vs_fp16",
    "source",
    "source_kind",
    "note",
)
FILLERS = r"nvidia|tesla|geforce|generation|edition|gpu|hgx|hbm\w*|sxm\w*|\d+gb"
NEAR = 0.12  # between a memory in powers of 10 and of 2, and what a driver keeps


@dataclass(frozen=True, slots=True)
class Card:
    """The card that was measured: its name as the driver says it, and the library's device, if it knows it."""

    name: str
    device: Device | None


@dataclass(frozen=True, slots=True)
class Measured:
    """One timed call: a decode ``step``, or the matrix ``products`` of one alone; seconds of all rounds."""

    what: str
    form: Format
    mode: str
    batch: int
    median_s: float
    low_s: float
    high_s: float


def find_card(name: str, memory: float, given: str | None = None) -> Card:
    """The card that its driver calls *name* and that has so many bytes of memory.

    Args:
        given: the library's name for it; else the device of the same words and memory is taken, if there is one.

    Raises:
        InputError: no device is called as *given*.

    >>> find_card("NVIDIA A100-SXM4-40GB", 42.3e9).device.name, find_card("NVIDIA GeForce RTX 3080 Ti", 12e9).device
    ('A100_40GB', None)
    """
    if given is not None:
        return Card(name, Hardware[given])
    same = [
        device
        for device in Hardware
        if _words(device.title) == _words(name) and abs(memory / device.memory_bytes - 1) <= NEAR
    ]
    return Card(name, min(same, key=lambda d: abs(memory / d.memory_bytes - 1), default=None))


def _words(name: str) -> set[str]:
    """What tells one card from another in a name: without the maker, memory, form and what stands in brackets."""
    words = re.split(r"[\s/-]+", re.sub(r"\(.*?\)", "", name.casefold()))
    return {word for word in words if word and not re.fullmatch(FILLERS, word)}


def predicted(
    card: Card, model: TransformerModel, context: int, measured: Measured, runtime: str
) -> float | None:
    """Seconds that the library says, or None where it knows no such device, or not how it would run."""
    if card.device is None:
        return None
    form = measured.form
    try:
        result = ServingModel().solve(
            model,
            card.device,
            context,
            measured.batch,
            form.scheme,
            weight_bits=None if form.kind == "fp16" else form.stored_bits,
            kv_precision="fp16",
            runtime=runtime,
        )
    except InputError:
        return None
    if measured.what == "step":
        return float(result.itl_s)
    _, compute, memory = next(iter(result.timing))
    return float(max(compute, memory))


def comparison(card: Card, model: TransformerModel, context: int, measured: Sequence[Measured]) -> str:
    """What was measured beside each runtime's prediction: ms, and the speed-up over 16 bits of the same batch and mode."""
    blocks = []
    for what, title in (("step", "one decode step"), ("products", "its matrix products alone")):
        rows = []
        for m in measured:
            if m.what != what:
                continue
            cells = [_cell(m.median_s, _baseline(measured, m))]
            for runtime in RUNTIMES:
                base = _as_baseline(measured, m)
                ours = predicted(card, model, context, m, runtime)
                cells.append(_cell(ours, predicted(card, model, context, base, runtime) if base else None))
            rows.append([m.form.name, str(m.batch), m.mode, *cells])
        if rows:
            titles = [title, "batch", "mode", "timed here, ms", *RUNTIMES]
            blocks.append(text_table(titles, rows, left=(0, 2)))
    return "\n\n".join(blocks)


def _as_baseline(measured: Iterable[Measured], of: Measured) -> Measured | None:
    """The 16-bit measurement of the same call, batch and mode, if there is one."""
    same = (
        m for m in measured if (m.what, m.batch, m.mode, m.form.kind) == (of.what, of.batch, of.mode, "fp16")
    )
    return next(same, None)


def _baseline(measured: Iterable[Measured], of: Measured) -> float | None:
    base = _as_baseline(measured, of)
    return base.median_s if base else None


def _cell(seconds: float | None, baseline: float | None) -> str:
    if seconds is None:
        return "–"
    gain = f" {baseline / seconds:5.2f}x" if baseline else ""
    return f"{seconds * 1e3:.2f}{gain}"


def write_rows(
    folder: Path,
    card: Card,
    model: TransformerModel,
    context: int,
    measured: Sequence[Measured],
    source: str,
    note: str,
) -> list[Path]:
    """Write the files, whole, in the form of ``benchmarks/data/decode_measured.csv`` and of the tables of kernels.

    Products have a row only where the 16-bit ones of the same batch were timed, as they are told by their speed-up.
    """
    bandwidth = f"{card.device.bandwidth_bytes_s / 1e9:g}" if card.device else ""
    steps, products = [], []
    for m in measured:
        spread = f"{m.low_s * 1e3:.4f} to {m.high_s * 1e3:.4f} ms in the rounds; {note}"
        if m.what == "step":
            read = f"{_bytes_read(model, m.form) / 1e9:.4g}"
            times = (f"{m.batch / m.median_s:.3f}", f"{m.median_s * 1e3:.4f}")
            name, engine = model.title.replace(" ", "-"), f"core PyTorch, {m.mode}"
            what = (name, engine, m.form.name, m.form.bits, read, context, m.batch)
            steps.append((card.name, bandwidth, "N", 1, *what, *times, source, "primary", spread))
        elif m.form.kind != "fp16" and (base := _baseline(measured, m)):
            kernel = f"core PyTorch {m.form.kernel} ({m.form.name}), {m.mode}"
            product = (f"all products of a step of {model.title}", kernel, m.batch)
            told = (f"{base / m.median_s:.3f}", source, "primary", f"{m.median_s * 1e3:.4f} ms; {spread}")
            products.append((card.name, bandwidth, *product, *told))
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, titles, rows in (
        ("decode_measured.csv", DECODE, steps),
        ("kernel_speedup_vs_batch.csv", PRODUCTS, products),
    ):
        path = folder / name
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(titles)
            writer.writerows(rows)
        written.append(path)
    return written


def _bytes_read(model: TransformerModel, form: Format) -> float:
    """Bytes of weights that a step reads: the layers' as stored, and the output head at 16 bits."""
    shape = model.shape()
    tables = shape.embedding_parameters * (1 if shape.tied else 2)
    body = (model.exact_parameters - tables) * form.stored_bits / 8
    return body + shape.embedding_parameters * 2
