"""LLM serving: one decode step, the prefill before it, and the memory that both need."""

from __future__ import annotations

from typing import Any

from mlsysim.checks import MAX_BATCH, MAX_CONTEXT, Numbers, check_number
from mlsysim.errors import InputError
from mlsysim.model.kernels import decode_kernels, kv_cache_bytes, prefill_kernels, stored_weight_bytes
from mlsysim.model.result import SolverResult
from mlsysim.model.timing import Timing, kernel_rates, overhead_seconds, timing_of_inputs
from mlsysim.specs import (
    Device,
    Runtime,
    Scheme,
    TransformerModel,
    find_device,
    find_model,
    find_runtime,
    resolve,
)
from mlsysim.specs.device import peaks_told
from mlsysim.units import quantity

__all__ = ["ServingModel", "ServingResult", "decode_timing", "prefill_timing"]


def decode_timing(
    model: TransformerModel, device: Device, scheme: Scheme, runtime: Runtime, batch: Any, seq_len: Any
) -> Timing:
    """One decode step: a new token for each of *batch* sequences whose context is *seq_len* tokens."""
    return Timing(
        decode_kernels(model, scheme, runtime, batch, seq_len),
        kernel_rates(device, scheme.computes_at, runtime),
        overhead_seconds(model.layers, device, runtime, dispatched=False),
    )


def prefill_timing(
    model: TransformerModel, device: Device, scheme: Scheme, runtime: Runtime, batch: Any, seq_len: Any
) -> Timing:
    """The whole prompt at once, in one dispatch."""
    return Timing(
        prefill_kernels(model, scheme, runtime, batch, seq_len),
        kernel_rates(device, scheme.computes_at, runtime),
        overhead_seconds(model.layers, device, runtime, dispatched=True),
    )


class ServingResult(SolverResult):
    """One decode step (``itl``), the prefill before it (``ttft``) and the memory both need."""

    __slots__ = ("seq_len",)
    table_columns = ("itl_s", "throughput", "memory_needed_bytes", "feasible", "binding")
    model: TransformerModel

    def __init__(
        self,
        model: TransformerModel,
        hardware: Device,
        scheme: Scheme,
        runtime: Runtime,
        batch_size: Any,
        seq_len: Any,
        timing: Timing,
    ) -> None:
        super().__init__(model, hardware, scheme, runtime, batch_size, timing)
        self.seq_len = seq_len

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
        return prefill_timing(
            self.model, self.hardware, self.scheme, self.runtime, self.batch_size, self.seq_len
        ).total

    @property
    def ttft(self) -> Any:
        """Time to the first token, ms."""
        return quantity(self.ttft_s, "s", "ms")

    @property
    def weights_bytes(self) -> Any:
        """Bytes of the weights."""
        return self._shaped(stored_weight_bytes(self.model, self.scheme, self.runtime))

    @property
    def kv_bytes(self) -> Any:
        """Bytes of the KV cache."""
        return self._shaped(kv_cache_bytes(self.model, self.seq_len, self.batch_size, self.scheme.kv_bits))

    @property
    def kv_cache_size(self) -> Any:
        """Size of the KV cache, GB."""
        return quantity(self.kv_bytes, "byte", "GB")

    @property
    def memory_needed_bytes(self) -> Any:
        """Weights and KV cache, bytes."""
        return self.weights_bytes + self.kv_bytes

    def __repr__(self) -> str:
        return self._told(lambda: f"ITL {self.itl_s * 1e3:.2f} ms, bound by {self.binding}")


class ServingModel:
    """LLM serving on one device: time to first token, inter-token latency, memory."""

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
        scheme = resolve(
            precision, kv_precision, device, group_size, weight_bits=weight_bits, without_peak=True
        )
        software = find_runtime(runtime)
        timing = timing_of_inputs(
            decode_timing, found, device, scheme, software, batch_size=batch_size, seq_len=seq_len
        )
        return ServingResult(found, device, scheme, software, batch_size, seq_len, timing)
