"""What a kernel computes and what it moves: FLOPs and bytes, the same on every device.

One decode step of a dense transformer with P parameters, L layers, H query heads and G key/value heads of dimension d,
at batch B and context S, has two kernels:

    matmuls      2·P·B FLOPs           W = P · b_w / 8                       weight bytes
    attention    4·L·H·d·S·B FLOPs     K = 2 · L · G · d · S · B · b_kv / 8    KV-cache bytes

Attention is a kernel of its own, so KV traffic never hides behind the compute of the matmuls. A multiply-add counts as
two FLOPs. :mod:`mlsysim.model.timing` says how long kernels take. Source of the form: Williams et al. 2009 (roofline,
doi 10.1145/1498765.1498785); Pope et al. 2022 (arXiv 2211.05102) for decode. Windows and latent attention are in
:mod:`mlsysim.model.attention`.

A mixture of experts computes with the k of E experts that each token goes through, and reads every expert that any of
the T tokens of a pass goes through. Of routed parameters R, with all experts equally likely for each token,

    FLOPs a token    2·(P - R·(1 - k/E))
    read in a pass   P - R·(1 - k/E)^T      as (1 - k/E)^T is the chance that no token chose an expert

as in Fedus et al. 2021 (arXiv 2101.03961) for the FLOPs; the second is the expected number of distinct draws. At T = 1
they are the active parameters, and as T grows the whole model is read. All P stay in memory.

A prefill puts S tokens of each sequence through the layers. It looks its tokens up in the input embedding, and only its
last token goes through the output head: 2·B·(S·body + V·h) FLOPs.

A runtime may tell the vocabulary's two tables apart: an input embedding that is looked up costs neither FLOPs nor
traffic, and an output head that stays at its own bits is read at them.

Weights that are shorter than what computes are unpacked by ordinary instructions. A kernel for several tokens does so
once for all of them, before the matrix unit multiplies, at so many weights a second however few bits they have:

    seconds of unpacking    at least (parameters read) / rate
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from mlsysim.model.attention import causal_pairs, context_kept, decode_flops, prefill_flops, values_kept
from mlsysim.specs import Runtime, Scheme, TransformerModel, VisionModel

__all__ = [
    "AT_ONCE",
    "TRAINING_FLOPS",
    "Kernel",
    "TransformerKernels",
    "larger",
    "matmul_weights",
    "stored_weight_bytes",
    "vision_kernel",
    "weight_bytes",
]

TRAINING_FLOPS = 3  # times the forward pass: that, gradient of the activations, gradient of the weights
FORWARD_PASSES = 2  # each activation is written once and read once
TRAINING_PASSES = 5  # … read again going back, and its gradient written and read


AT_ONCE = 0.0  # the seconds of unpacking where there is none, told by identity


class Kernel(NamedTuple):
    """One kernel. What it does is kept as a count and what is done each time, so that a sweep divides one number by a rate
    and not a million.

    Attributes:
        name: such as ``matmuls``.
        traffic: what its bytes are, such as ``weight traffic``.
        flops_each, bytes_each: what it computes and what it moves each time; numbers or arrays.
        unpacking: how many times as long its arithmetic takes because it unpacks short weights; 1 where it does not.
        unpacking_s: seconds that its arithmetic takes at least, because it unpacks so many weights; 0 where it does not.
        flops_count, bytes_count: how many times; numbers or arrays.
        slowdown: how many times as long its bytes take as weights do; 1 for weights.
    """

    name: str
    traffic: str
    flops_each: Any
    bytes_each: Any
    unpacking: Any = 1.0
    unpacking_s: Any = AT_ONCE
    flops_count: Any = 1
    bytes_count: Any = 1
    slowdown: Any = 1.0

    @property
    def flops(self) -> Any:
        """What it computes; a number or an array."""
        return self.flops_count * self.flops_each

    def arithmetic_s(self, flops_s: Any) -> Any:
        """Seconds of its FLOPs at a rate; what it unpacks may take longer."""
        return self.flops / flops_s * self.unpacking

    @property
    def bytes(self) -> Any:
        """What it moves; a number or an array."""
        return self.bytes_count * self.bytes_each


def larger(a: Any, b: Any) -> Any:
    """The larger of two numbers, or of each pair of two arrays."""
    if type(a) is float and type(b) is float:  # at one point, as nearly always
        return a if a >= b else b
    return np.maximum(a, b) if isinstance(a, np.ndarray) or isinstance(b, np.ndarray) else max(a, b)


def unpacking_of(scheme: Scheme, runtime: Runtime) -> Any:
    """How many times as long a matmul computes at this scheme: 1 + u where weights are shorter than what computes.

    So at the compute ceiling weight-only 4 bits are 1/(1 + u) times as fast as 16, and lose.
    """
    if type(runtime.unpacking) is float and not runtime.unpacking:
        return 1.0
    short = scheme.weight_bits < scheme.activation_bits
    return 1.0 + runtime.unpacking * (short if isinstance(short, np.ndarray) else float(short))


def cache_slowdown(runtime: Runtime) -> Any:
    """How many times as long a byte of the KV cache takes as one of the weights."""
    if runtime.cache_efficiency is None:
        return 1.0
    return runtime.bandwidth_efficiency / runtime.cache_efficiency


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


def matmul_weights(
    model: TransformerModel, scheme: Scheme, runtime: Runtime, tokens: Any
) -> tuple[Any, Any, Any]:
    """Parameters that multiply each token of a pass of *tokens*, those that the pass reads, and the bytes of these."""
    used = read = model.parameters
    shape = model.architecture
    dense = shape is None or shape.dense
    if dense and runtime.reads_embedding and runtime.head_bits is None:
        return used, read, weight_bytes(read, scheme.weight_bits)
    if shape is not None and shape.experts > 1:
        idle = 1 - shape.active_experts / shape.experts
        routed = model.routed_parameters
        used, read = used - routed * idle, read - routed * idle**tokens
    if not (runtime.reads_embedding or model.tied_embedding):
        used, read = used - model.embedding_parameters, read - model.embedding_parameters
    if runtime.head_bits is None:
        return used, read, weight_bytes(read, scheme.weight_bits)
    head = model.embedding_parameters
    head_bytes = weight_bytes(head, larger(scheme.weight_bits, runtime.head_bits))
    return used, read, weight_bytes(read - head, scheme.weight_bits) + head_bytes


class TransformerKernels:
    """The kernels of a transformer at a scheme under a runtime; what does not hang on batch and context is worked out once.

    Attributes:
        stored_bytes: bytes of the weights in memory.
    """

    def __init__(self, model: TransformerModel, scheme: Scheme, runtime: Runtime) -> None:
        shape = model.architecture
        head = looked_up = 0
        if shape is not None:
            head = shape.vocab * shape.hidden
            looked_up = 0 if shape.tied or not runtime.reads_embedding else head
        used, _, weights = matmul_weights(model, scheme, runtime, 1)
        self._spec = model, scheme, runtime
        self._dense = shape is None or shape.dense
        self._windowed = shape is not None and bool(shape.window)
        self._routed = shape is not None and shape.experts > 1  # more of them are read with more tokens
        self._matmul_flops = 2.0 * used
        self._body_flops, self._head_flops = 2.0 * (used - head - looked_up), 2.0 * head
        self._attention_flops = model.layers * decode_flops(model)
        self._pair_flops = model.layers * prefill_flops(model)
        self._cache_each = model.layers * values_kept(model) * scheme.kv_bits / 8
        self._unpacking = unpacking_of(scheme, runtime)
        self._short = runtime.unpacking_rate is not None and scheme.weight_bits < scheme.activation_bits
        self._always = None if self._routed or self._short is not False else (weights, AT_ONCE)
        self._slowdown = cache_slowdown(runtime)
        self.stored_bytes = stored_weight_bytes(model, scheme, runtime)

    # Floats come first wherever counts multiply: batch · S² does not fit 64 bits for every batch and S that is allowed.

    def cache_bytes(self, seq_len: Any, batch: Any) -> Any:
        """Bytes of what is cached of *batch* sequences of *seq_len* tokens."""
        if self._windowed:
            seq_len = context_kept(self._spec[0], seq_len)
        return self._cache_each * seq_len * batch

    def _weights_of(self, tokens: Any) -> tuple[Any, Any]:
        """Bytes of the weights that a pass of *tokens* reads, and the seconds in which it can unpack them, on any device."""
        model, scheme, runtime = self._spec
        _, read, weights = matmul_weights(model, scheme, runtime, tokens)
        many = tokens >= runtime.unpacking_tokens
        if self._short is False or many is False:
            return weights, AT_ONCE
        return weights, read / runtime.unpacking_rate * (self._short * many)

    def decode(self, batch: Any, seq_len: Any) -> tuple[Kernel, ...]:
        """One new token for each of *batch* sequences whose context is *seq_len* tokens."""
        tokens = batch * (context_kept(self._spec[0], seq_len) if self._windowed else seq_len)
        weights, unpacking_s = self._always or self._weights_of(batch)
        used, each, cache = self._matmul_flops, self._attention_flops, self._cache_each
        return (
            Kernel("matmuls", "weight traffic", used, weights, self._unpacking, unpacking_s, batch),
            Kernel("attention", "KV traffic", each, cache, 1.0, AT_ONCE, tokens, tokens, self._slowdown),
        )

    def prefill(self, batch: Any, seq_len: Any) -> tuple[Kernel, ...]:
        """The whole prompt at once: S tokens in the layers, half of S² in causal attention, one token in the output head."""
        tokens = batch * seq_len
        weights, unpacking_s = self._always or self._weights_of(tokens)
        matmuls = tokens * self._body_flops + batch * self._head_flops
        if self._dense:
            attention = tokens * (seq_len * (self._pair_flops / 2))
        else:
            attention = batch * causal_pairs(self._spec[0], seq_len) * self._pair_flops
        return (
            Kernel("matmuls", "weight traffic", matmuls, weights, self._unpacking, unpacking_s),
            Kernel("attention", "KV traffic", attention, self.cache_bytes(seq_len, batch)),
        )


def vision_kernel(model: VisionModel, scheme: Scheme, runtime: Runtime, batch: Any, training: bool) -> Kernel:
    """A forward pass of *batch* images, or a training step, as one kernel."""
    times = TRAINING_FLOPS if training else 1
    weights = weight_bytes(model.parameters, scheme.weight_bits) * times
    activations = batch * (model.activations_per_image * scheme.activation_bits / 8)
    traffic = weights + activations * (TRAINING_PASSES if training else FORWARD_PASSES)
    name = "training step" if training else "forward pass"
    flops = batch * float(model.flops_per_image * times)
    return Kernel(name, "memory traffic", flops, traffic, unpacking_of(scheme, runtime))
