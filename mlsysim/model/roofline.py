"""The roofline's own questions: ridge point, arithmetic intensity, attainable rate, regime and its margin.

Source: Williams, Waterman and Patterson 2009 (doi 10.1145/1498765.1498785).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlsysim.checks import MAX_BATCH, MAX_CONTEXT, Numbers, check_number, check_shapes, one_number
from mlsysim.errors import InputError, check_name, shown
from mlsysim.model.kernels import Kernel, TransformerKernels, vision_kernel
from mlsysim.model.result import SolverResult, check_one_point
from mlsysim.model.timing import Rates, kernel_rates
from mlsysim.specs import (
    Device,
    Runtime,
    TransformerModel,
    VisionModel,
    find_device,
    find_model,
    find_runtime,
    find_scheme,
    resolve,
)
from mlsysim.specs.device import peaks_told

__all__ = ["Regime", "arithmetic_intensity", "attainable", "regime", "ridge_point"]


def ridge_point(hardware: Device | str, precision: str = "fp16", *, runtime: str | Runtime = "ideal") -> Any:
    """The arithmetic intensity (FLOP/byte) at which compute and memory take equally long.

    *precision* is a scheme: ``int4`` (W4A16) computes in fp16, so its ridge point is that of fp16. The peaks are
    the device's own; another *runtime* than ``ideal`` scales them by its efficiencies.

    >>> f"{ridge_point('A100'):.0f} {ridge_point('A100', 'int8'):.0f}"
    '153 306'
    """
    compute, memory = _rates(hardware, precision, runtime)
    return compute / memory


def attainable(
    intensity: Numbers, hardware: Device | str, precision: str = "fp16", *, runtime: str | Runtime = "ideal"
) -> Any:
    """The roofline itself: FLOP/s that a kernel of this *intensity* (FLOP/byte) can reach.

    >>> f"{attainable(1, 'H100') / 1e12:.2f} TFLOP/s"
    '3.35 TFLOP/s'
    """
    compute, memory = _rates(hardware, precision, runtime)
    intensity = check_number("intensity", intensity, 0)
    check_shapes(intensity=intensity, peak=compute, bandwidth=memory)
    rate = np.minimum(compute, intensity * memory)
    return rate if np.ndim(rate) else float(rate)


def _rates(hardware: Device | str, precision: str, runtime: str | Runtime) -> Rates:
    """What kernels reach."""
    device, software = find_device(hardware), find_runtime(runtime)
    computes_at = resolve(precision, None, device).computes_at
    check_shapes(
        peak=device.peaks[computes_at],
        bandwidth_bytes_s=device.bandwidth_bytes_s,
        compute_efficiency=software.compute_efficiency,
        bandwidth_efficiency=software.bandwidth_efficiency,
    )
    return kernel_rates(device, computes_at, software)


def arithmetic_intensity(
    workload: SolverResult | TransformerModel | VisionModel | str,
    *,
    batch_size: Numbers = 1,
    seq_len: Numbers = 2048,
    precision: str = "fp16",
    kernel: str | None = None,
) -> Any:
    """FLOPs per byte moved, of a solver's result, or of a model at a batch, context and precision.

    Args:
        workload: a result of ``ServingModel`` or ``SingleNodeModel`` (then the other numbers are its own), or a
            model or its name.
        kernel: ``matmuls`` or ``attention`` of a decode step; by default all kernels together.

    >>> f"{arithmetic_intensity('Llama3_8B', kernel='matmuls'):.1f}"
    '1.0'
    """
    if isinstance(workload, SolverResult):
        found = workload.kernels
    else:
        found = _kernels_of(workload, precision, batch_size, seq_len)
    kernels = {each.name: each for each in found}
    if kernel is not None:
        kernels = {kernel: kernels[check_name("kernel", kernel, kernels)]}
    return sum(each.flops for each in kernels.values()) / sum(each.bytes for each in kernels.values())


def _kernels_of(model: Any, precision: str, batch_size: Any, seq_len: Any) -> tuple[Kernel, ...]:
    """The kernels of a decode step or of a forward pass."""
    scheme = find_scheme(precision)
    batch_size = check_number("batch_size", batch_size, 1, MAX_BATCH, integer=True)
    seq_len = check_number("seq_len", seq_len, 1, MAX_CONTEXT, integer=True)
    check_shapes(batch_size=batch_size, seq_len=seq_len)
    if not isinstance(model, (str, TransformerModel, VisionModel)):
        raise InputError(
            f"workload = {shown(model)} is not allowed: give a result, a model or the name of one"
        )
    model = find_model(model)
    if isinstance(model, TransformerModel):
        return TransformerKernels(model, scheme, find_runtime("ideal")).decode(batch_size, seq_len)
    vision = find_model(model, VisionModel, "arithmetic_intensity of one pass")
    return (vision_kernel(vision, scheme, find_runtime("ideal"), batch_size, training=False),)


@dataclass(frozen=True, slots=True)
class Regime:
    """Which ceiling a kernel, or a whole result, is under, and by how much.

    Attributes:
        name: ``memory``, ``compute``, ``overhead`` or ``link``. At the ridge point itself it is ``compute``.
        margin: how many times away from the next regime, at least 1: from the ridge point (``memory``,
            ``compute``), or the overhead over the larger of compute and memory time.
        intensity, ridge: FLOP/byte of the kernel that takes longest, and of the ridge point.
        kernel: the name of that kernel; empty for a bare intensity.
        overhead_share: share of the time that is neither compute nor memory time.
    """

    name: str
    margin: float
    intensity: float
    ridge: float
    kernel: str = ""
    overhead_share: float = 0.0

    def __str__(self) -> str:
        side = "below" if self.intensity < self.ridge else "above"
        text = f"{self.name}-bound by {self.margin:.3g}x"
        what = f"{self.kernel} at" if self.kernel else "at"
        away = max(self.ridge / self.intensity, self.intensity / self.ridge)
        text += (
            f"; {what} {self.intensity:.3g} FLOP/byte, {away:.3g}x {side} the ridge point of {self.ridge:.3g}"
        )
        return text + (f"; overhead {self.overhead_share:.0%} of the time" if self.kernel else "")


def regime(workload: SolverResult | float, ridge: float | None = None) -> Regime:
    """The regime of a solver's result, or of an intensity against a *ridge* point (both FLOP/byte).

    A result has several kernels: the one that takes longest decides the side of the ridge point, and overhead is
    the regime if it is longer than all compute-bound and than all memory-bound time.

    >>> str(regime(5, ridge=150))
    'memory-bound by 30x; at 5 FLOP/byte, 30x below the ridge point of 150'
    """
    if not isinstance(workload, SolverResult):
        if ridge is None:
            raise InputError("ridge is missing: give the ridge point, FLOP/byte (see ridge_point)")
        intensity = float(one_number("workload", workload, 0, open_low=True))
        at = float(one_number("ridge", ridge, 0, open_low=True))
        name, margin = _side(intensity / at)
        return Regime(name, margin, intensity, at)
    if ridge is not None:
        raise InputError(f"ridge = {shown(ridge)} is not used with a result, which has its own")
    check_one_point(workload, "regime")
    return _regime_of(workload)


def _regime_of(result: SolverResult) -> Regime:
    if not result.hardware.peaks:
        raise InputError(f"{result.hardware.name} has no ridge point: {peaks_told(result.hardware.peaks)}")
    kernel, computing, moving = max(result.timing, key=lambda timed: max(timed[1], timed[2]))
    intensity = float(kernel.flops / kernel.bytes)
    # Seconds of compute over seconds of traffic are intensity over ridge point, whatever the runtime.
    ratio = computing / moving
    parts = result.parts
    compute, overhead = parts["compute ceiling"], parts["overhead"]
    link = parts.get("link traffic", 0.0)
    memory = result.latency_s - compute - overhead - link
    name, margin = _side(ratio)
    for other, spent in (("overhead", overhead), ("link", link)):
        rest = max(compute, memory, overhead + link - spent)
        if spent > rest:
            name, margin = other, spent / rest
    share = float(overhead / result.latency_s)
    return Regime(name, float(margin), intensity, intensity / ratio, kernel.name, share)


def _side(ratio: float) -> tuple[str, float]:
    """Regime and margin at *ratio* times the ridge point."""
    return ("compute", ratio) if ratio >= 1 else ("memory", 1 / ratio)
