"""Single W4A16 and W8A16 matmuls, as their speed-up over FP16: they tell how long unpacking takes."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from benchmarks.measured.specs import device_of, source_of, table
from mlsysim import Device

__all__ = ["KernelRow", "Matmuls", "kernel_rows", "predicted_gains", "third_on_hopper"]

SHAPE = re.compile(r"(\d+)(k?) ?x ?(\d+)(k?)$")
LEAST_S = (
    100e-6  # reading the matrix at 16 bits takes this long: what a kernel adds at its ends is then little
)
UNPACKED_FROM = 4  # tokens, as in the fit
BITS = {"int8": 8.0, "W4A16": 4.125, "int4": 4.125}
BATCHING = ("Marlin W4A16", "TRT-LLM")  # kernels that are made for more than a few rows


@dataclass(frozen=True, slots=True)
class KernelRow:
    """One measured speed-up of a matmul whose weights have *bits*, over the same at 16 bits."""

    source: str
    device: Device
    kernel: str
    bits: float
    batch: int
    gain: float


@functools.cache
def third_on_hopper() -> KernelRow:
    """The W4A16 matmul of a third source on an H100 from batch 4; too small to be one of the :func:`kernel_rows`."""
    raw = next(
        raw
        for raw in table("kernel_speedup_vs_batch.csv")
        if (raw["device"], raw["kernel"], raw["batch"]) == ("NVIDIA H100", "Marlin W4A16", "4")
    )
    bits = 4.0  # scales by channel
    return KernelRow("humming", device_of("H100", ""), "Marlin", bits, 4, float(raw["speedup_vs_fp16"]))


@functools.cache
def kernel_rows() -> tuple[KernelRow, ...]:
    """The rows of ``kernel_speedup_vs_batch.csv`` with a large matrix, a device that is named and a kernel that batches."""
    known = {raw["hardware"] for raw in table("devices.csv")}
    found = []
    for raw in table("kernel_speedup_vs_batch.csv"):
        shape = SHAPE.match(raw["shape_n_x_k"])
        if not shape or raw["device"] not in known or not raw["kernel"].startswith(BATCHING):
            continue
        n, k = (float(count) * (1e3 if kilo else 1) for count, kilo in (shape.group(1, 2), shape.group(3, 4)))
        device = device_of(raw["device"], "")
        if 2 * n * k / device.bandwidth_bytes_s < LEAST_S:
            continue
        bits = next(b for name, b in BITS.items() if name in raw["kernel"])
        source, _ = source_of(raw["source"])
        kernel = "TensorRT-LLM" if "TRT-LLM" in raw["kernel"] else "Marlin"
        gain = float(raw["speedup_vs_fp16"])
        found.append(KernelRow(source, device, kernel, bits, int(raw["batch"]), gain))
    return tuple(found)


class Matmuls(NamedTuple):
    """What the speed-ups are made of, an array over the rows each."""

    gain: np.ndarray
    batch: np.ndarray
    bits: np.ndarray
    peak: np.ndarray
    bandwidth: np.ndarray

    @classmethod
    def of(cls, rows: Sequence[KernelRow]) -> Matmuls:
        """The arrays of *rows*."""
        columns = [
            (r.gain, r.batch, r.bits, r.device.peaks["fp16"], r.device.bandwidth_bytes_s) for r in rows
        ]
        return cls(*np.array(columns, float).reshape(-1, len(cls._fields)).T)


def predicted_gains(matmuls: Matmuls, p: Mapping[str, float]) -> np.ndarray:
    """The speed-ups with the numbers *p* of the fit: of the largest of the ceilings, as in the library."""
    compute = 2 * matmuls.batch / (matmuls.peak * p["e_c"])
    memory = 1 / 8 / (matmuls.bandwidth * p["e_m"])  # for each bit
    unpacked = (matmuls.batch >= UNPACKED_FROM) / p["ρ"]
    short = np.maximum(np.maximum(compute * (1 + p["u"]), unpacked), matmuls.bits * memory)
    found: np.ndarray = np.maximum(compute, 16 * memory) / short
    return found
