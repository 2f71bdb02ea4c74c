"""One pass of a transformer, a decode step or a prefill, on one device or on N that share it by tensor parallelism.

With N of them, each device has a part of every matrix and of the heads, so weights, FLOPs and traffic are an N-th. After the attention
and after the feed-forward of each layer all devices need the sum of their parts: two all-reduces of B·h values of 16 bits
in a decode step, of B·S·h in a prefill (Shoeybi et al. 2019, Megatron-LM, arXiv 1909.08053, section 3).

Keys and values are split by head: with more devices than key/value heads, heads are held more than once, and each device
holds one G-th at least. The one vector of latent attention cannot be split, so every device holds all of it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from mlsysim.model.kernels import Kernel, decode_kernels, larger, prefill_kernels
from mlsysim.model.timing import Rates, Timing, kernel_rates, overhead_seconds, timing_of_inputs
from mlsysim.specs import Device, Link, Runtime, Scheme, TransformerModel

__all__ = ["all_reduce_seconds", "cache_share", "decode_timing", "pass_timing", "prefill_timing", "split"]

ALL_REDUCES = 2  # a layer
VALUE_BYTES = 2  # of a partial sum


def cache_share(model: TransformerModel, devices: Any) -> Any:
    """The share of the KV cache that each device holds and reads."""
    shape = model.architecture
    heads = 1 if shape is not None and shape.kv_rank else model.kv_heads
    return larger(1 / devices, 1 / heads + 0 * devices)


def split(kernels: tuple[Kernel, ...], model: TransformerModel, devices: Any) -> tuple[Kernel, ...]:
    """What one of *devices* computes and moves of a pass's matmuls and attention."""
    matmuls, attention = kernels
    return (
        matmuls._replace(flops_each=matmuls.flops_each / devices, bytes_each=matmuls.bytes_each / devices),
        attention._replace(
            flops_each=attention.flops_each / devices,
            bytes_each=attention.bytes_each * cache_share(model, devices),
        ),
    )


def all_reduce_seconds(model: TransformerModel, link: Link, devices: Any, tokens: Any) -> Any:
    """Seconds that a pass of *tokens* spends on adding up the devices' parts."""
    shape = model.architecture
    hidden = shape.hidden if shape is not None else model.heads * model.head_dim
    message = tokens * float(hidden * VALUE_BYTES)
    return ALL_REDUCES * model.layers * link.all_reduce_s(message, devices)


def pass_timing(
    equations: Callable[..., Timing],
    model: TransformerModel,
    device: Device,
    scheme: Scheme,
    runtime: Runtime,
    batch_size: Any,
    seq_len: Any,
    devices: Any = 1,
    link: Link | None = None,
) -> Timing:
    """The timing of a pass by its *equations*, :func:`decode_timing` or :func:`prefill_timing`, of any number of points.

    Raises:
        InputError: arrays do not broadcast.
    """
    if link is None:
        return timing_of_inputs(
            equations, model, device, scheme, runtime, batch_size=batch_size, seq_len=seq_len
        )
    joined = partial(equations, link=link)
    return timing_of_inputs(
        joined, model, device, scheme, runtime, batch_size=batch_size, seq_len=seq_len, devices=devices
    )


def decode_timing(
    model: TransformerModel,
    device: Device,
    scheme: Scheme,
    runtime: Runtime,
    batch: Any,
    seq_len: Any,
    devices: Any = 1,
    link: Link | None = None,
) -> Timing:
    """One decode step: a new token for each of *batch* sequences whose context is *seq_len* tokens."""
    kernels = decode_kernels(model, scheme, runtime, batch, seq_len)
    rates = kernel_rates(device, scheme.computes_at, runtime)
    overhead = overhead_seconds(model.layers, device, runtime, dispatched=False)
    waits = runtime.context_overhead_s
    if type(waits) is not float or waits:
        overhead = overhead + model.layers * waits * seq_len
    return _timing(kernels, rates, overhead, model, batch, devices, link)


def prefill_timing(
    model: TransformerModel,
    device: Device,
    scheme: Scheme,
    runtime: Runtime,
    batch: Any,
    seq_len: Any,
    devices: Any = 1,
    link: Link | None = None,
) -> Timing:
    """The whole prompt at once, in one dispatch."""
    kernels = prefill_kernels(model, scheme, runtime, batch, seq_len)
    rates = kernel_rates(device, scheme.computes_at, runtime, prefill=True)
    overhead = overhead_seconds(model.layers, device, runtime, dispatched=True) + runtime.prefill_overhead_s
    return _timing(kernels, rates, overhead, model, batch * seq_len, devices, link)


def _timing(
    kernels: tuple[Kernel, ...],
    rates: Rates,
    overhead: Any,
    model: TransformerModel,
    tokens: Any,
    devices: Any,
    link: Link | None,
) -> Timing:
    """The timing of a pass of so many *tokens*, on one device or on *devices* that share it over a link."""
    if link is None:
        return Timing(kernels, rates, overhead)
    exchanged = all_reduce_seconds(model, link, devices, tokens)
    return Timing(split(kernels, model, devices), rates, overhead, exchanged)
