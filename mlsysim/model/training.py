"""A training step of a dense transformer: time, FLOPs and memory, to first order.

For P parameters, L layers, H heads of dimension d (hidden size h = H·d), batch B, sequence S and T = B·S tokens:

    FLOPs        6·P·T + 12·L·h·S·T           three times the forward pass (Kaplan et al. 2020, arXiv 2001.08361;
                                              attention: Chowdhery et al. 2022, arXiv 2204.02311, appendix B)
    state        16 byte a parameter (Adam)   weights, gradient, FP32 master copy and two moments
                                              (Rajbhandari et al. 2019, arXiv 1910.02054); 12 with SGD and momentum
    activations  34·L·h·T byte at 16 bits     attention recomputed (Korthikanti et al. 2022, arXiv 2205.05198)

Three kernels, each the larger of its compute and its traffic, then summed: the matmuls (weights read forward and
back, gradients written, activations written and read), attention (queries, keys, values and outputs, forward and
back) and the optimizer (state read and written). Overhead is that of the forward pass.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from mlsysim.errors import check_name
from mlsysim.model.attention import prefill_flops
from mlsysim.model.kernels import TRAINING_FLOPS, Kernel, matmul_weights, weight_bytes
from mlsysim.model.result import SolverResult
from mlsysim.model.timing import Timing, kernel_rates, overhead_seconds
from mlsysim.specs import Device, Runtime, Scheme, TransformerModel, resolve

__all__ = ["Optimizer", "TrainingResult", "find_optimizer", "training_scheme", "training_timing"]

WEIGHT_PASSES = 3  # read forward, read back, gradient written
ACTIVATION_BYTES = 34  # per hidden unit, token and layer, at 16 bits
ATTENTION_PASSES = 6  # forward q, o (k, v); back q, o, do, dq (k, v, dk, dv), counted for each kind of head
TRAINS_AS_IS = ("fp32", "tf32", "bf16", "fp16", "fp8")


@dataclass(frozen=True, slots=True)
class Optimizer:
    """What an optimizer keeps and does for each parameter.

    Attributes:
        bytes_per_parameter: weights, gradient and state that stay in memory.
        traffic_per_parameter: bytes read and written by an update.
        flops_per_parameter: of an update.
    """

    name: str
    bytes_per_parameter: float
    traffic_per_parameter: float
    flops_per_parameter: float


# Mixed precision: 2 + 2 byte weights and gradient, 4 byte master copy, 4 byte for each moment. An update reads the
# gradient, reads and writes master copy and moments, and writes the weights. FP32 training comes to the same sums.
OPTIMIZERS = {
    "adam": Optimizer("adam", 2 + 2 + 4 + 4 + 4, 2 + 8 + 8 + 8 + 2, 12),
    "sgd": Optimizer("sgd", 2 + 2 + 4 + 4, 2 + 8 + 8 + 2, 4),
}


def find_optimizer(name: str) -> Optimizer:
    """The optimizer called *name*: ``adam`` or ``sgd`` (with momentum).

    Raises:
        UnknownNameError: no such optimizer.
    """
    return OPTIMIZERS[check_name("optimizer", name, OPTIMIZERS)]


def training_scheme(precision: str, device: Device) -> Scheme:
    """The scheme that training at *precision* really runs.

    Floating-point schemes that compute at their own bits run as they are. Integer and weight-only schemes shorten
    the weights for inference; an update is lost in so few bits, so training runs in 16 bits, with a note.

    >>> from mlsysim import Hardware
    >>> training_scheme("int4", Hardware.H100).name
    'fp16'
    """
    scheme = resolve(precision, None, device)
    if scheme.name in TRAINS_AS_IS:
        return scheme
    half = device.half_precision
    note = f"{precision} shortens weights for inference; training keeps 16-bit weights and gradients: run as {half}"
    return replace(resolve(half, None, device), note=note)


def training_timing(
    optimizer: Optimizer,
    model: TransformerModel,
    device: Device,
    scheme: Scheme,
    runtime: Runtime,
    batch: Any,
    seq_len: Any,
) -> Timing:
    """One training step: forward, backward and the optimizer's update."""
    tokens = batch * seq_len
    used, *_ = matmul_weights(model, scheme, runtime, tokens)
    pairs = tokens * (
        seq_len * (model.layers * prefill_flops(model))
    )  # all of them, as papers count: no mask
    activations = tokens * (_activation_bytes(model) * scheme.activation_bits / 16)
    heads = model.layers * (model.heads + model.kv_heads) * model.head_dim
    kernels = (
        Kernel(
            "matmuls",
            "weight and activation traffic",
            tokens * (2.0 * used * TRAINING_FLOPS),
            weight_bytes(model.parameters, scheme.weight_bits) * WEIGHT_PASSES + activations * 2,
        ),
        Kernel(
            "attention",
            "attention traffic",
            pairs * TRAINING_FLOPS,
            tokens * (heads * ATTENTION_PASSES * scheme.activation_bits / 8),
        ),
        Kernel(
            "optimizer",
            "optimizer traffic",
            model.parameters * optimizer.flops_per_parameter,
            model.parameters * optimizer.traffic_per_parameter,
        ),
    )
    rates = kernel_rates(device, scheme.computes_at, runtime)
    return Timing(kernels, rates, overhead_seconds(model.layers, device, runtime, dispatched=True))


class TrainingResult(SolverResult):
    """One training step of a transformer: forward, backward and the optimizer's update."""

    __slots__ = ("optimizer", "seq_len")
    table_columns = ("latency_s", "throughput", "mfu", "memory_needed_bytes", "feasible", "binding")
    model: TransformerModel

    def __init__(
        self,
        model: TransformerModel,
        hardware: Device,
        scheme: Scheme,
        runtime: Runtime,
        batch_size: Any,
        seq_len: Any,
        optimizer: Optimizer,
        timing: Timing,
    ) -> None:
        super().__init__(model, hardware, scheme, runtime, batch_size, timing)
        self.seq_len = seq_len
        self.optimizer = optimizer

    @property
    def throughput_per_s(self) -> Any:
        """Tokens per second, a plain number."""
        return self.batch_size * self.seq_len / self.latency_s

    @property
    def mfu(self) -> Any:
        """Model FLOPs utilization: forward and backward FLOPs over what the device's peak would do in the time."""
        matmuls, attention, _ = self.kernels
        done = (matmuls.flops + attention.flops) / self.latency_s
        return done / self.hardware.peaks[self.scheme.computes_at]

    @property
    def memory_parts(self) -> dict[str, Any]:
        """Bytes by what they hold: ``state`` (weights, gradients, optimizer) and ``activations``."""
        tokens = self.batch_size * self.seq_len
        return {
            "state": self._shaped(self.model.parameters * self.optimizer.bytes_per_parameter),
            "activations": self._shaped(
                tokens * (_activation_bytes(self.model) * self.scheme.activation_bits / 16)
            ),
        }

    @property
    def memory_needed_bytes(self) -> Any:
        """Weights, gradients, optimizer state and activations, bytes."""
        return sum(self.memory_parts.values())

    def __repr__(self) -> str:
        return self._told(
            lambda: f"{self.latency_s * 1e3:.1f} ms a step, MFU {self.mfu:.0%}, bound by {self.binding}"
        )


def _activation_bytes(model: TransformerModel) -> float:
    """Bytes that one token's activations take until the backward pass, at 16 bits."""
    return ACTIVATION_BYTES * model.layers * model.heads * model.head_dim
