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

import numpy as np

from mlsysim.model.kernels import Kernel, TransformerKernels, larger
from mlsysim.model.timing import Rates, Timing, check_specs, kernel_rates, overhead_seconds, timing_of_points
from mlsysim.specs import Device, Link, Runtime, Scheme, TransformerModel, resolve

__all__ = ["Deployment", "all_reduce_seconds", "cache_share", "deployment", "split"]

ALL_REDUCES = 2  # a layer
VALUE_BYTES = 2  # of a partial sum
COUNTS = ("batch_size", "seq_len")
MOST_KEPT = 512  # deployments


def cache_share(model: TransformerModel, devices: Any) -> Any:
    """The share of the KV cache that each device holds and reads."""
    shape = model.architecture
    heads = 1 if shape is not None and shape.kv_rank else model.kv_heads
    return larger(1 / devices, 1 / heads + 0 * devices)


def split(kernels: tuple[Kernel, ...], model: TransformerModel, devices: Any) -> tuple[Kernel, ...]:
    """What one of *devices* computes and moves of a pass's matmuls and attention."""
    matmuls, attention = kernels
    return (
        matmuls._replace(
            flops_each=matmuls.flops_each / devices,
            bytes_each=matmuls.bytes_each / devices,
            unpacking_s=matmuls.unpacking_s / devices,
        ),
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


class Deployment:
    """A transformer as a device runs it: what model, device, scheme and runtime decide, whatever batch and context are.

    Attributes:
        model, device, scheme, runtime: as given.
        kernels: what its passes compute and move.
    """

    __slots__ = (
        "_decode_pass",
        "_prefill_pass",
        "_specs",
        "_waits",
        "device",
        "kernels",
        "model",
        "runtime",
        "scheme",
    )

    def __init__(self, model: TransformerModel, device: Device, scheme: Scheme, runtime: Runtime) -> None:
        self.model = model
        self.device = device
        self.scheme = scheme
        self.runtime = runtime
        self._specs = device, scheme, runtime
        try:
            self.kernels = TransformerKernels(model, scheme, runtime)
            rates = kernel_rates(device, scheme.computes_at, runtime)
        except ValueError:
            check_specs(device, scheme, runtime)
            raise
        self._decode_pass = rates, overhead_seconds(model.layers, device, runtime, dispatched=False)
        self._prefill_pass: tuple[Rates, Any] | None = None
        self._waits = model.layers * runtime.context_overhead_on(device)

    def decode(self, batch: Any, seq_len: Any, devices: Any = 1, link: Link | None = None) -> Timing:
        """One decode step: a new token for each of *batch* sequences whose context is *seq_len* tokens."""
        return self._points(self._decode, batch, seq_len, devices, link)

    def prefill(self, batch: Any, seq_len: Any, devices: Any = 1, link: Link | None = None) -> Timing:
        """The whole prompt at once, in one dispatch."""
        return self._points(self._prefill, batch, seq_len, devices, link)

    def _points(
        self, equations: Callable[..., Timing], batch: Any, seq_len: Any, devices: Any, link: Link | None
    ) -> Timing:
        if link is None:
            return timing_of_points(equations, self._specs, COUNTS, batch, seq_len)
        joined = partial(equations, link=link)
        return timing_of_points(joined, self._specs, (*COUNTS, "devices"), batch, seq_len, devices)

    def _decode(self, batch: Any, seq_len: Any, devices: Any = 1, link: Link | None = None) -> Timing:
        rates, overhead = self._decode_pass
        if type(self._waits) is not float or self._waits:
            overhead = overhead + self._waits * seq_len
        return self._timing(self.kernels.decode(batch, seq_len), rates, overhead, batch, devices, link)

    def _prefill(self, batch: Any, seq_len: Any, devices: Any = 1, link: Link | None = None) -> Timing:
        if self._prefill_pass is None:
            device, runtime = self.device, self.runtime
            once = overhead_seconds(self.model.layers, device, runtime, dispatched=True)
            rates = kernel_rates(device, self.scheme.computes_at, runtime, prefill=True)
            self._prefill_pass = rates, once + runtime.prefill_overhead_s
        kernels = self.kernels.prefill(batch, seq_len)
        return self._timing(kernels, *self._prefill_pass, batch * seq_len, devices, link)

    def _timing(
        self, kernels: tuple[Kernel, ...], rates: Rates, overhead: Any, tokens: Any, devices: Any, link: Any
    ) -> Timing:
        """The timing of a pass of so many *tokens*, on one device or on *devices* that share it over a link."""
        if link is None:
            return Timing(kernels, rates, overhead)
        exchanged = all_reduce_seconds(self.model, link, devices, tokens)
        return Timing(split(kernels, self.model, devices), rates, overhead, exchanged)

    @property
    def changeable(self) -> bool:
        """Whether something that it was made of could change: specs are frozen, but arrays and subclasses need not be."""
        runtime = self.runtime
        numbers = (
            *self._decode_pass[0],
            self._decode_pass[1],
            self.kernels.stored_bytes,
            *(runtime.unpacking, runtime.unpacking_rate),
            *(runtime.cache_efficiency, runtime.context_overhead_s),
            *(runtime.prefill_efficiency, runtime.prefill_overhead_s),
        )
        frozen = type(self.model) is TransformerModel and type(self.device) is Device
        return not frozen or any(isinstance(number, np.ndarray) for number in numbers)


_kept: dict[tuple[Any, ...], Deployment] = {}


def deployment(
    model: TransformerModel, device: Device, precision: str, kv_precision: str | None, runtime: Runtime
) -> Deployment:
    """The deployment at a *precision*; the last few hundred are kept, so that each is worked out once.

    Model, device and runtime are told apart by identity. What is kept keeps them alive, so no other has the same.

    Raises:
        InputError: unknown precision, one that the device cannot run, or arrays that do not broadcast.
    """
    key = (id(model), id(device), id(runtime), precision, kv_precision)
    named = isinstance(precision, str) and (kv_precision is None or isinstance(kv_precision, str))
    if named and (found := _kept.get(key)) is not None:  # resolve tells what is no name
        return found
    made = Deployment(model, device, resolve(precision, kv_precision, device, without_peak=True), runtime)
    if not made.changeable:
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        _kept[key] = made
    return made
