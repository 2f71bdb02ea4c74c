"""What a solver returns for one decode step, or for one pass of a vision model."""

from __future__ import annotations

from typing import Any

from mlsysim import step
from mlsysim.hardware import Device
from mlsysim.models import TransformerModel, VisionModel
from mlsysim.runtimes import Runtime
from mlsysim.schemes import Scheme
from mlsysim.step_result import Kernel, StepResult, step_terms
from mlsysim.units import quantity

__all__ = ["NodeResult", "ServingResult"]


class ServingResult(StepResult):
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
    ) -> None:
        terms = step_terms(
            step.decode_step, model, hardware, scheme, runtime, batch_size=batch_size, seq_len=seq_len
        )
        super().__init__(model, hardware, scheme, runtime, batch_size, terms)
        self.seq_len = seq_len

    @property
    def itl_s(self) -> Any:
        """Inter-token latency, seconds."""
        return self.terms.total

    @property
    def itl(self) -> Any:
        """Inter-token latency, ms."""
        return quantity(self.itl_s, "s", "ms")

    @property
    def ttft_s(self) -> Any:
        """Time to the first token, seconds."""
        return step.prefill_step(
            self.model, self.hardware, self.scheme, self.runtime, self.batch_size, self.seq_len
        ).total

    @property
    def ttft(self) -> Any:
        """Time to the first token, ms."""
        return quantity(self.ttft_s, "s", "ms")

    @property
    def weights_bytes(self) -> Any:
        """Bytes of the weights."""
        return self._shaped(step.stored_weight_bytes(self.model, self.scheme, self.runtime))

    @property
    def kv_bytes(self) -> Any:
        """Bytes of the KV cache."""
        return self._shaped(
            step.kv_cache_bytes(self.model, self.seq_len, self.batch_size, self.scheme.kv_bits)
        )

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


class NodeResult(StepResult):
    """One forward pass (or training step) of a vision model on one device."""

    __slots__ = ("optimizer_bytes", "training")
    model: VisionModel

    def __init__(
        self,
        model: VisionModel,
        hardware: Device,
        scheme: Scheme,
        runtime: Runtime,
        batch_size: Any,
        training: bool,
        optimizer_bytes: float = 0,
    ) -> None:
        terms = step_terms(
            step.vision_step, model, hardware, scheme, runtime, batch_size=batch_size, training=training
        )
        super().__init__(model, hardware, scheme, runtime, batch_size, terms)
        self.training = training
        self.optimizer_bytes = optimizer_bytes

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """The pass, taken as one kernel."""
        name = "training step" if self.training else "forward pass"
        return (Kernel(name, self.terms.matmul_compute, self.terms.matmul_memory, "memory traffic"),)

    @property
    def memory_needed_bytes(self) -> Any:
        """Weights and activations, bytes; training keeps every activation, inference one layer's share.

        Training also keeps ``optimizer_bytes`` for each parameter: weights, gradient, master copy and moments.
        """
        activations = self.batch_size * (self.model.activations_per_image * self.scheme.activation_bits / 8)
        kept = activations if self.training else activations / self.model.layers
        weights = self.model.parameters * self.optimizer_bytes if self.training else self.weights_bytes
        return self._shaped(weights + kept)

    def __repr__(self) -> str:
        return self._told(lambda: f"{self.latency_s * 1e3:.2f} ms, bound by {self.binding}")
