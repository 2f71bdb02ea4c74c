"""The roofline's own questions: ridge point, arithmetic intensity, attainable rate, regime and its margin.

Source: Williams, Waterman and Patterson 2009 (doi 10.1145/1498765.1498785).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlsysim.errors import InputError, check_number, check_shapes, unknown_name
from mlsysim.hardware import Device, Hardware
from mlsysim.models import Models, TransformerModel, VisionModel
from mlsysim.results import NodeResult, ServingResult, StepResult
from mlsysim.runtimes import Runtime, find_runtime
from mlsysim.schemes import Scheme, find_scheme, resolve

__all__ = ["Regime", "arithmetic_intensity", "attainable", "regime", "ridge_point"]


def ridge_point(
    hardware: Device | str, precision: str = "fp16", *, runtime: str | Runtime = "ideal"
) -> float:
    """The arithmetic intensity (FLOP/byte) at which compute and memory take equally long.

    *precision* is a scheme: ``int4`` (W4A16) computes in fp16, so its ridge point is that of fp16. The peaks are
    the device's own; another *runtime* than ``ideal`` scales them by its efficiencies.

    >>> f"{ridge_point('A100'):.0f} {ridge_point('A100', 'int8'):.0f}"
    '153 306'
    """
    compute, memory = _rates(hardware, precision, runtime)
    return float(compute / memory)


def attainable(
    intensity: Any, hardware: Device | str, precision: str = "fp16", *, runtime: str | Runtime = "ideal"
) -> Any:
    """The roofline itself: FLOP/s that a kernel of this *intensity* (FLOP/byte) can reach.

    >>> f"{attainable(1, 'H100') / 1e12:.2f} TFLOP/s"
    '3.35 TFLOP/s'
    """
    compute, memory = _rates(hardware, precision, runtime)
    intensity = check_number("intensity", intensity, 0)
    rate = np.minimum(compute, intensity * memory)
    return rate if isinstance(intensity, np.ndarray) else float(rate)


def _rates(hardware: Device | str, precision: str, runtime: str | Runtime) -> tuple[Any, Any]:
    """FLOP/s and byte/s that kernels reach."""
    device = Hardware[hardware] if isinstance(hardware, str) else hardware
    if not isinstance(device, Device):
        raise InputError(f"hardware = {device!r} is not allowed: give a Device or the name of one")
    software = find_runtime(runtime)
    compute = device.peak_flops(resolve(precision, None, device).computes_at) * software.compute_efficiency
    return compute, device.bandwidth_bytes_s * software.bandwidth_efficiency


def arithmetic_intensity(
    workload: Any,
    *,
    batch_size: Any = 1,
    seq_len: Any = 2048,
    precision: str = "fp16",
    kernel: str | None = None,
) -> Any:
    """FLOPs per byte moved, of a solver's result, or of a model at a batch, context and precision.

    Args:
        workload: a result of ``ServingModel`` or ``SingleNodeModel`` (then the other numbers are its own), or a
            model or its name.
        kernel: ``matmuls`` or ``attention`` of a decode step; by default the whole step.

    >>> f"{arithmetic_intensity('Llama3_8B', kernel='matmuls'):.1f}"
    '1.0'
    """
    if isinstance(workload, StepResult):
        kernels = _flops_and_bytes(workload)
    else:
        model = Models[workload] if isinstance(workload, str) else workload
        kernels = _kernels_of(model, find_scheme(precision), batch_size, seq_len)
    if kernel is not None:
        if kernel not in kernels:
            raise unknown_name("kernel", kernel, kernels)
        kernels = {kernel: kernels[kernel]}
    flops, traffic = (sum(pair[i] for pair in kernels.values()) for i in (0, 1))
    return flops / traffic


def _kernels_of(model: Any, scheme: Scheme, batch_size: Any, seq_len: Any) -> dict[str, tuple[Any, Any]]:
    batch_size = check_number("batch_size", batch_size, 1, integer=True)
    seq_len = check_number("seq_len", seq_len, 1, integer=True)
    check_shapes(batch_size=batch_size, seq_len=seq_len)
    device, runtime = next(iter(Hardware)), find_runtime("ideal")
    device = replace(
        device, peaks={scheme.computes_at: 1.0}
    )  # any device will do: intensity is the model's own
    result: StepResult
    if isinstance(model, TransformerModel):
        result = ServingResult(model, device, scheme, runtime, batch_size, seq_len)
    elif isinstance(model, VisionModel):
        result = NodeResult(model, device, scheme, runtime, batch_size, False)
    else:
        raise InputError(f"workload = {model!r} is not allowed: give a result, a model or the name of one")
    return _flops_and_bytes(result)


def _flops_and_bytes(result: StepResult) -> dict[str, tuple[Any, Any]]:
    """What each kernel computes and moves: its seconds times the rates that they were computed with."""
    flops_s = result.hardware.peaks[result.scheme.computes_at] * result.runtime.compute_efficiency
    bytes_s = result.hardware.bandwidth_bytes_s * result.runtime.bandwidth_efficiency
    return {k.name: (k.compute * flops_s, k.memory * bytes_s) for k in result.kernels}


@dataclass(frozen=True, slots=True)
class Regime:
    """Which ceiling a step or a kernel is under, and by how much.

    Attributes:
        name: ``memory``, ``compute`` or ``overhead``. At the ridge point itself it is ``compute``.
        margin: how many times away from the next regime, at least 1: from the ridge point (``memory``,
            ``compute``), or the overhead over the larger of compute and memory time.
        intensity, ridge: FLOP/byte of the kernel that takes most of the step, and of the ridge point.
        kernel: the name of that kernel; empty for a bare intensity.
        overhead_share: share of the step that is neither compute nor memory time.
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
        return text + (f"; overhead {self.overhead_share:.0%} of the step" if self.kernel else "")


def regime(workload: StepResult | float, ridge: float | None = None) -> Regime:
    """The regime of a solver's result, or of an intensity against a *ridge* point (both FLOP/byte).

    A step has several kernels: the one that takes longest decides the side of the ridge point, and overhead is
    the regime if it is longer than all compute-bound and than all memory-bound time.

    >>> str(regime(5, ridge=150))
    'memory-bound by 30x; at 5 FLOP/byte, 30x below the ridge point of 150'
    """
    if not isinstance(workload, StepResult):
        if ridge is None:
            raise InputError("ridge is missing: give the ridge point, FLOP/byte (see ridge_point)")
        intensity = _one("workload", workload)
        at = _one("ridge", ridge)
        name, margin = _side(intensity / at)
        return Regime(name, margin, intensity, at)
    if ridge is not None:
        raise InputError(f"ridge = {ridge!r} is not used with a result, which has its own")
    if workload.shape:
        raise InputError(f"the result has shape {workload.shape}: regime takes one point")
    return _regime_of(workload)


def _regime_of(result: StepResult) -> Regime:
    kernel = max(result.kernels, key=lambda k: max(k.compute, k.memory))
    intensity = float(arithmetic_intensity(result, kernel=kernel.name))
    # Seconds of compute over seconds of traffic are intensity over ridge point, whatever the runtime.
    ratio = kernel.compute / kernel.memory
    parts = result.parts
    compute, overhead = parts["compute ceiling"], parts["overhead"]
    memory = result.latency_s - compute - overhead
    name, margin = _side(ratio)
    if overhead > max(compute, memory):
        name, margin = "overhead", overhead / max(compute, memory)
    share = float(overhead / result.latency_s)
    return Regime(name, float(margin), intensity, intensity / ratio, kernel.name, share)


def _side(ratio: float) -> tuple[str, float]:
    """Regime and margin at *ratio* times the ridge point."""
    return ("compute", ratio) if ratio >= 1 else ("memory", 1 / ratio)


def _one(name: str, value: Any) -> float:
    value = check_number(name, value, 0, open_low=True)
    if isinstance(value, np.ndarray):
        raise InputError(f"{name} has shape {value.shape}: regime takes one point")
    return float(value)
