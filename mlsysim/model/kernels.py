"""What a kernel computes and what it moves: FLOPs and bytes, the same on every device.

One decode step of a dense transformer with P parameters, L layers, H query heads and G key/value heads of dimension d,
at batch B and context S, has two kernels:

    matmuls      2·P·B FLOPs           W = P · b_w / 8                       weight bytes
    attention    4·L·H·d·S·B FLOPs     K = 2 · L · G · d · S · B · b_kv / 8    KV-cache bytes

Attention is a kernel of its own, so KV traffic never hides behind the compute of the matmuls. A multiply-add counts as
two FLOPs. :mod:`mlsysim.model.timing` says how long kernels take. Source of the form: Williams et al. 2009 (roofline,
doi 10.1145/1498765.1498785); Pope et al. 2022 (arXiv 2211.05102) for decode.

A runtime may tell the vocabulary's two tables apart: an input embedding that is looked up costs neither FLOPs nor
traffic, and an output head that stays at its own bits is read at them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from mlsysim.specs import Runtime, Scheme, TransformerModel, VisionModel

__all__ = [
    "TRAINING_FLOPS",
    "Kernel",
    "decode_kernels",
    "kv_cache_bytes",
    "larger",
    "prefill_kernels",
    "stored_weight_bytes",
    "vision_kernel",
    "weight_bytes",
]

TRAINING_FLOPS = 3  # times the forward pass: that, gradient of the activations, gradient of the weights
FORWARD_PASSES = 2  # each activation is written once and read once
TRAINING_PASSES = 5  # … read again going back, and its gradient written and read


class Kernel(NamedTuple):
    """One kernel.

    Attributes:
        name: such as ``matmuls``.
        traffic: what its bytes are, such as ``weight traffic``.
        flops: what it computes; a number or an array.
        bytes: what it moves; a number or an array.
    """

    name: str
    traffic: str
    flops: Any
    bytes: Any


def larger(a: Any, b: Any) -> Any:
    """The larger of two numbers, or of each pair of two arrays."""
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
    kept = weight_bytes(tables, larger(scheme.weight_bits, runtime.head_bits))
    return weight_bytes(model.parameters - tables, scheme.weight_bits) + kept


def _matmul_weights(model: TransformerModel, scheme: Scheme, runtime: Runtime) -> tuple[Any, Any]:
    """Parameters that multiply in one pass, and the bytes of them that it reads."""
    parameters = model.parameters
    if runtime.reads_embedding and runtime.head_bits is None:
        return parameters, weight_bytes(parameters, scheme.weight_bits)
    if not (runtime.reads_embedding or model.tied_embedding):
        parameters -= model.embedding_parameters
    if runtime.head_bits is None:
        return parameters, weight_bytes(parameters, scheme.weight_bits)
    head = model.embedding_parameters
    head_bytes = weight_bytes(head, larger(scheme.weight_bits, runtime.head_bits))
    return parameters, weight_bytes(parameters - head, scheme.weight_bits) + head_bytes


def kv_cache_bytes(model: TransformerModel, seq_len: Any, batch: Any, bits: Any) -> Any:
    """Bytes of the keys and values of *batch* sequences of *seq_len* tokens."""
    return 2 * model.layers * model.kv_heads * model.head_dim * bits / 8 * seq_len * batch


# Floats come first wherever counts multiply: batch · S² does not fit 64 bits for every batch and S that is allowed.


def decode_kernels(
    model: TransformerModel, scheme: Scheme, runtime: Runtime, batch: Any, seq_len: Any
) -> tuple[Kernel, ...]:
    """One new token for each of *batch* sequences whose context is *seq_len* tokens."""
    parameters, weights = _matmul_weights(model, scheme, runtime)
    tokens = batch * seq_len
    attention = tokens * (4.0 * model.layers * model.heads * model.head_dim)
    cache = tokens * kv_cache_bytes(model, 1, 1, scheme.kv_bits)
    return (
        Kernel("matmuls", "weight traffic", batch * (2.0 * parameters), weights),
        Kernel("attention", "KV traffic", attention, cache),
    )


def prefill_kernels(
    model: TransformerModel, scheme: Scheme, runtime: Runtime, batch: Any, seq_len: Any
) -> tuple[Kernel, ...]:
    """The whole prompt at once: S tokens in the matmuls, S² in attention."""
    parameters, weights = _matmul_weights(model, scheme, runtime)
    tokens = batch * seq_len
    attention = tokens * (seq_len * (4.0 * model.layers * model.heads * model.head_dim))
    return (
        Kernel("matmuls", "weight traffic", tokens * (2.0 * parameters), weights),
        Kernel("attention", "KV traffic", attention, kv_cache_bytes(model, seq_len, batch, scheme.kv_bits)),
    )


def vision_kernel(model: VisionModel, scheme: Scheme, batch: Any, training: bool) -> Kernel:
    """A forward pass of *batch* images, or a training step, as one kernel."""
    times = TRAINING_FLOPS if training else 1
    weights = weight_bytes(model.parameters, scheme.weight_bits) * times
    activations = batch * (model.activations_per_image * scheme.activation_bits / 8)
    traffic = weights + activations * (TRAINING_PASSES if training else FORWARD_PASSES)
    name = "training step" if training else "forward pass"
    return Kernel(name, "memory traffic", batch * float(model.flops_per_image * times), traffic)
