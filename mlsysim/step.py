"""The step model: the roofline applied to each kernel, then summed.

Plain SI numbers or NumPy arrays in, seconds out. One decode step of a dense transformer with P parameters,
L layers, H query heads, G key/value heads of dimension d, at batch B and context S:

    W    = P · b_w / 8                          weight bytes
    K    = 2 · L · G · d · S · B · b_kv / 8     KV-cache bytes
    ITL  = max(2·P·B / C, W / M) + max(4·L·H·d·S·B / C, K / M) + L·τ

with C = peak · e_c and M = bandwidth · e_m. Attention is a kernel of its own, so KV traffic never hides
behind matmul compute. A multiply-add counts as two FLOPs. Source of the form: Williams et al. 2009
(roofline, doi 10.1145/1498765.1498785); Pope et al. 2022 (arXiv 2211.05102) for decode.

A runtime may tell the vocabulary's two tables apart: an input embedding that is looked up costs neither FLOPs
nor traffic, and an output head that stays at its own bits is read at them. τ may go with the memory type.
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
    "stored_weight_bytes",
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


def stored_weight_bytes(model: TransformerModel, scheme: Scheme, runtime: Runtime) -> Any:
    """Bytes of the weights in memory: the vocabulary's tables at the runtime's ``head_bits``, if it has them."""
    if runtime.head_bits is None:
        return weight_bytes(model.parameters, scheme.weight_bits)
    tables = model.embedding_parameters * (1 if model.tied_embedding else 2)
    kept = weight_bytes(tables, _max(scheme.weight_bits, runtime.head_bits))
    return weight_bytes(model.parameters - tables, scheme.weight_bits) + kept


def _matmul_weights(model: TransformerModel, scheme: Scheme, runtime: Runtime) -> tuple[Any, Any]:
    """Parameters that multiply in one step, and the bytes of them that it reads."""
    parameters = model.parameters
    if runtime.reads_embedding and runtime.head_bits is None:
        return parameters, weight_bytes(parameters, scheme.weight_bits)
    if not (runtime.reads_embedding or model.tied_embedding):
        parameters -= model.embedding_parameters
    if runtime.head_bits is None:
        return parameters, weight_bytes(parameters, scheme.weight_bits)
    head = model.embedding_parameters
    head_bytes = weight_bytes(head, _max(scheme.weight_bits, runtime.head_bits))
    return parameters, weight_bytes(parameters - head, scheme.weight_bits) + head_bytes


def kv_cache_bytes(model: TransformerModel, seq_len: Any, batch: Any, bits: Any) -> Any:
    """Bytes of the keys and values of *batch* sequences of *seq_len* tokens."""
    return 2 * model.layers * model.kv_heads * model.head_dim * bits / 8 * seq_len * batch


def decode_step(
    model: TransformerModel, device: Device, scheme: Scheme, runtime: Runtime, batch: Any, seq_len: Any
) -> StepTerms:
    """One new token for each of *batch* sequences whose context is *seq_len* tokens."""
    compute = device.peaks[scheme.computes_at] * runtime.compute_efficiency
    memory = device.bandwidth_bytes_s * runtime.bandwidth_efficiency
    parameters, weights = _matmul_weights(model, scheme, runtime)
    tokens = batch * seq_len
    kv_per_token = kv_cache_bytes(model, 1, 1, scheme.kv_bits)
    return _terms(
        batch * (2 * parameters / compute),
        weights / memory,
        tokens * (4 * model.layers * model.heads * model.head_dim / compute),
        tokens * (kv_per_token / memory),
        model.layers * runtime.overhead_on(device),
    )


def prefill_step(
    model: TransformerModel, device: Device, scheme: Scheme, runtime: Runtime, batch: Any, seq_len: Any
) -> StepTerms:
    """The whole prompt at once: S tokens in the matmuls, S² in attention, one dispatch."""
    compute = device.peaks[scheme.computes_at] * runtime.compute_efficiency
    memory = device.bandwidth_bytes_s * runtime.bandwidth_efficiency
    parameters, weights = _matmul_weights(model, scheme, runtime)
    tokens = batch * seq_len
    return _terms(
        tokens * (2 * parameters / compute),
        weights / memory,
        # Floats first: batch · S² does not fit 64 bits for every batch and S that is allowed.
        tokens * (seq_len * (4 * model.layers * model.heads * model.head_dim / compute)),
        kv_cache_bytes(model, seq_len, batch, scheme.kv_bits) / memory,
        model.layers * runtime.overhead_on(device) + device.dispatch_s,
    )


def vision_step(
    model: VisionModel, device: Device, scheme: Scheme, runtime: Runtime, batch: Any, training: bool
) -> StepTerms:
    """A forward pass of *batch* images, or a training step, as one kernel."""
    compute = device.peaks[scheme.computes_at] * runtime.compute_efficiency
    memory = device.bandwidth_bytes_s * runtime.bandwidth_efficiency
    flops = batch * float(model.flops_per_image * (TRAINING_FLOPS if training else 1))
    weights = weight_bytes(model.parameters, scheme.weight_bits) * (TRAINING_FLOPS if training else 1)
    activations = batch * (model.activations_per_image * scheme.activation_bits / 8)
    traffic = weights + activations * (TRAINING_PASSES if training else FORWARD_PASSES)
    overhead = model.layers * runtime.overhead_on(device) + device.dispatch_s
    return _terms(flops / compute, traffic / memory, 0.0, 0.0, overhead)
