"""The step model: the roofline applied to each kernel, then summed.

Plain SI numbers or NumPy arrays in, seconds out. One decode step of a dense transformer with P parameters,
L layers, H query heads, G key/value heads of dimension d, at batch B and context S:

    W    = P · b_w / 8                          weight bytes
    K    = 2 · L · G · d · S · B · b_kv / 8     KV-cache bytes
    ITL  = max(2·P·B / C, W / M) + max(4·L·H·d·S·B / C, K / M) + L·τ

with C = peak · e_c and M = bandwidth · e_m. Attention is a kernel of its own, so KV traffic never hides
behind matmul compute. A multiply-add counts as two FLOPs. Source of the form: Williams et al. 2009
(roofline, doi 10.1145/1498765.1498785); Pope et al. 2022 (arXiv 2211.05102) for decode.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from mlsysim.hardware import Device
from mlsysim.models import TransformerModel, VisionModel
from mlsysim.runtimes import Runtime
from mlsysim.schemes import Scheme

__all__ = [
    "StepTerms",
    "decode_step",
    "kernel_seconds",
    "kv_cache_bytes",
    "prefill_step",
    "vision_step",
    "weight_bytes",
]

TRAINING_FLOPS = 3  # forward, gradient of the activations, gradient of the weights
FORWARD_PASSES = 2  # each activation is written once and read once
TRAINING_PASSES = 5  # … read again going back, and its gradient written and read


class StepTerms(NamedTuple):
    """Seconds that each ceiling would take alone; a kernel takes the larger of its two."""

    matmul_compute: Any
    matmul_memory: Any
    attention_compute: Any
    attention_memory: Any
    overhead: Any
    total: Any


def _terms(mm_c: Any, mm_m: Any, at_c: Any, at_m: Any, overhead: Any) -> StepTerms:
    return StepTerms(mm_c, mm_m, at_c, at_m, overhead, _max(mm_c, mm_m) + _max(at_c, at_m) + overhead)


def kernel_seconds(terms: StepTerms) -> Any:
    """Seconds of the two kernels without the overhead: each the larger of its two ceilings."""
    return _max(terms.matmul_compute, terms.matmul_memory) + _max(
        terms.attention_compute, terms.attention_memory
    )


def _max(a: Any, b: Any) -> Any:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return np.maximum(a, b)
    return a if a >= b else b


def weight_bytes(parameters: Any, bits: Any) -> Any:
    """Bytes of the weights."""
    return parameters * bits / 8


def kv_cache_bytes(model: TransformerModel, seq_len: Any, batch: Any, bits: Any) -> Any:
    """Bytes of the keys and values of *batch* sequences of *seq_len* tokens."""
    return 2 * model.layers * model.kv_heads * model.head_dim * bits / 8 * seq_len * batch


def decode_step(
    model: TransformerModel, device: Device, scheme: Scheme, runtime: Runtime, batch: Any, seq_len: Any
) -> StepTerms:
    """One new token for each of *batch* sequences whose context is *seq_len* tokens."""
    compute = device.peaks[scheme.computes_at] * runtime.compute_efficiency
    memory = device.bandwidth_bytes_s * runtime.bandwidth_efficiency
    tokens = batch * seq_len
    kv_per_token = kv_cache_bytes(model, 1, 1, scheme.kv_bits)
    return _terms(
        batch * (2 * model.parameters / compute),
        weight_bytes(model.parameters, scheme.weight_bits) / memory,
        tokens * (4 * model.layers * model.heads * model.head_dim / compute),
        tokens * (kv_per_token / memory),
        model.layers * runtime.layer_overhead_s,
    )


def prefill_step(
    model: TransformerModel, device: Device, scheme: Scheme, runtime: Runtime, batch: Any, seq_len: Any
) -> StepTerms:
    """The whole prompt at once: S tokens in the matmuls, S² in attention, one dispatch."""
    compute = device.peaks[scheme.computes_at] * runtime.compute_efficiency
    memory = device.bandwidth_bytes_s * runtime.bandwidth_efficiency
    tokens = batch * seq_len
    return _terms(
        tokens * (2 * model.parameters / compute),
        weight_bytes(model.parameters, scheme.weight_bits) / memory,
        tokens * seq_len * (4 * model.layers * model.heads * model.head_dim / compute),
        kv_cache_bytes(model, seq_len, batch, scheme.kv_bits) / memory,
        model.layers * runtime.layer_overhead_s + device.dispatch_s,
    )


def vision_step(
    model: VisionModel, device: Device, scheme: Scheme, runtime: Runtime, batch: Any, training: bool
) -> StepTerms:
    """A forward pass of *batch* images, or a training step, as one kernel."""
    compute = device.peaks[scheme.computes_at] * runtime.compute_efficiency
    memory = device.bandwidth_bytes_s * runtime.bandwidth_efficiency
    flops = model.flops_per_image * batch * (TRAINING_FLOPS if training else 1)
    weights = weight_bytes(model.parameters, scheme.weight_bits) * (TRAINING_FLOPS if training else 1)
    activations = model.activations_per_image * batch * scheme.activation_bits / 8
    traffic = weights + activations * (TRAINING_PASSES if training else FORWARD_PASSES)
    overhead = model.layers * runtime.layer_overhead_s + device.dispatch_s
    return _terms(flops / compute, traffic / memory, 0.0, 0.0, overhead)
