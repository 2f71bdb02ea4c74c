"""LLM serving: one decode step, the prefill before it, and the memory that both need."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlsysim.checks import MAX_BATCH, MAX_CONTEXT, Numbers, check_number
from mlsysim.errors import InputError, shown
from mlsysim.intervals import WithIntervals
from mlsysim.model.passes import Deployment, cache_share, deployment
from mlsysim.model.result import SolverResult
from mlsysim.model.timing import Timing
from mlsysim.specs import (
    Device,
    Link,
    Runtime,
    TransformerModel,
    find_device,
    find_link,
    find_model,
    find_runtime,
    resolve,
)
from mlsysim.specs.device import peaks_told
from mlsysim.units import quantity

__all__ = ["ServingModel", "ServingResult"]

MAX_DEVICES = 4096


class ServingResult(WithIntervals, SolverResult):
    """One decode step (``itl``), the prefill before it (``ttft``) and the memory both need.

    With ``runtime="measured"`` both times have an interval, from ``itl_low`` to ``itl_high``.

    Attributes:
        deployment: what model, device, scheme and runtime decide, whatever batch and context are.
        devices, link: how many devices share the model, and what joins them; None for one device.
    """

    __slots__ = ("deployment", "devices", "link", "seq_len")
    table_columns = ("itl_s", "throughput", "memory_needed_bytes", "feasible", "binding")
    model: TransformerModel

    def __init__(
        self,
        deployment: Deployment,
        batch_size: Any,
        seq_len: Any,
        timing: Timing,
        devices: Any = 1,
        link: Link | None = None,
    ) -> None:
        super().__init__(
            deployment.model,
            deployment.device,
            deployment.scheme,
            deployment.runtime,
            batch_size,
            timing,
        )
        self.deployment = deployment
        self.seq_len = seq_len
        self.devices = devices
        self.link = link

    @property
    def notes(self) -> str:
        """What ran otherwise than the precision's name says, and what the name counts beside the weights."""
        return "; ".join(note for note in (self.scheme.note, self.scheme.cache_note) if note)

    @property
    def itl_s(self) -> Any:
        """Inter-token latency, seconds."""
        return self.timing.total

    @property
    def itl(self) -> Any:
        """Inter-token latency, ms."""
        return quantity(self.itl_s, "s", "ms")

    @property
    def ttft_s(self) -> Any:
        """Time to the first token, seconds.

        Raises:
            InputError: no compute peak of the device is known; a prefill mostly computes.
        """
        if not self.hardware.peaks:
            told = peaks_told(self.hardware.peaks)
            raise InputError(f"{self.hardware.name} has no TTFT: {told}, and a prefill mostly computes")
        return self.deployment.prefill(self.batch_size, self.seq_len, self.devices, self.link).total

    @property
    def ttft(self) -> Any:
        """Time to the first token, ms."""
        return quantity(self.ttft_s, "s", "ms")

    @property
    def weights_bytes(self) -> Any:
        """Bytes of the weights, on all devices together."""
        return self._shaped(self.deployment.kernels.stored_bytes)

    @property
    def kv_bytes(self) -> Any:
        """Bytes of the KV cache, each value once."""
        return self._shaped(self.deployment.kernels.cache_bytes(self.seq_len, self.batch_size))

    @property
    def kv_cache_size(self) -> Any:
        """Size of the KV cache, GB."""
        return quantity(self.kv_bytes, "byte", "GB")

    @property
    def memory_needed_bytes(self) -> Any:
        """Weights and KV cache, bytes; what each device needs where several share the model."""
        if self.link is None:
            kernels = self.deployment.kernels
            return self._shaped(kernels.stored_bytes + kernels.cache_bytes(self.seq_len, self.batch_size))
        return self.weights_bytes / self.devices + self.kv_bytes * cache_share(self.model, self.devices)

    @property
    def _where(self) -> str:
        if self.link is None:
            return self.hardware.name
        many = f"{self.devices}" if not np.ndim(self.devices) else f"{np.shape(self.devices)} numbers of"
        return f"{many} {self.hardware.name} over {self.link.name}"

    @property
    def _each(self) -> str:
        return "the device" if self.link is None else "each device"

    def __repr__(self) -> str:
        return self._told(self._figures)

    def _figures(self) -> str:
        ms = self.itl_s * 1e3
        return f"ITL {ms:.2f} ms{self.runtime.interval_told('itl', ms, 'ms')}, bound by {self.binding}"


class ServingModel:
    """LLM serving on one device, or on several that share the model: time to first token, inter-token latency, memory."""

    def solve(
        self,
        model: TransformerModel | str,
        hardware: Device | str,
        seq_len: Numbers = 2048,
        batch_size: Numbers = 1,
        precision: str = "fp16",
        *,
        kv_precision: str | None = None,
        group_size: Numbers | None = None,
        weight_bits: Numbers | None = None,
        devices: Numbers = 1,
        link: str | Link | None = None,
        runtime: str | Runtime = "tutorial",
    ) -> ServingResult:
        """Solve one decode step, or arrays of them.

        Args:
            model: a transformer, or its name.
            hardware: a device, or its name.
            seq_len: context, tokens; a number or an array.
            batch_size: sequences decoded together; a number or an array.
            precision: scheme by name. ``fp32``, ``tf32``, ``bf16``, ``fp16``, ``fp8``, ``int8``, ``int4`` and ``fp4`` are
                the format of weights and KV cache; ``w8a8``, ``w8a16``, ``w4a16``, ``w4a8``, ``w4a4``, ``nf4``,
                ``nvfp4`` and ``mxfp4`` leave the cache at 16 bits, and so do ``w3a16`` (any number of bits) and the
                formats of GGUF files (``q4_k_m``); see :mod:`mlsysim.specs.scheme`.
            kv_precision: scheme whose bits the KV cache takes; by default what *precision* says.
            group_size: weights that share one stored scale (128 for GPTQ and AWQ), a number or an array; by default
                scales are left out, as in the tutorial. Weights of 16 bits and more have none.
            weight_bits: bits of a stored weight in place of the precision's own, a number or an array; what computes
                stays. A *group_size* comes on top.
            devices: how many devices share the model by tensor parallelism (:mod:`mlsysim.model.passes`); a number
                or an array.
            link: what joins them: ``nvlink4``, ``pcie5_x16`` …, or a :class:`mlsysim.Link`.
            runtime: what software costs, by name or as a :class:`mlsysim.Runtime`.

        Raises:
            InputError: a name is unknown, a number out of range, or arrays do not broadcast.

        >>> r = ServingModel().solve("Llama3_8B", "H100", seq_len=2048, precision="int4")
        >>> f"{r.itl.to('ms'):.2f~P}"
        '4.49 ms'
        """
        batch_size = check_number("batch_size", batch_size, 1, MAX_BATCH, integer=True)
        seq_len = check_number("seq_len", seq_len, 1, MAX_CONTEXT, integer=True)
        found: TransformerModel = find_model(model, TransformerModel, "ServingModel")
        device = find_device(hardware)
        software = find_runtime(runtime)
        joined = None
        if link is not None or type(devices) is not int or devices != 1:
            devices, joined = _group(devices, link)
        if group_size is None and weight_bits is None:
            work = deployment(found, device, precision, kv_precision, software)
        else:
            scheme = resolve(
                precision, kv_precision, device, group_size, weight_bits=weight_bits, without_peak=True
            )
            work = Deployment(found, device, scheme, software)
        timing = work.decode(batch_size, seq_len, devices, joined)
        return ServingResult(work, batch_size, seq_len, timing, devices, joined)


def _group(devices: Any, link: Any) -> tuple[Any, Link | None]:
    """How many devices share the model, and the link between them; none if there is one device.

    Raises:
        InputError: there are several devices and no link between them, or a number or a link that cannot be.
    """
    joined = None if link is None else find_link(link)
    devices = check_number("devices", devices, 1, MAX_DEVICES, integer=True)
    if joined is None and np.any(np.not_equal(devices, 1)):
        raise InputError(
            f"link is missing: devices = {shown(devices)} need one, such as 'nvlink4' or 'pcie5_x16'"
        )
    return devices, joined
