"""How long kernels take: the roofline applied to each, then summed, and what software adds.

    seconds = Σ max( FLOPs · (1 + u) / (peak · e_c), unpacking, bytes / (bandwidth · e_m) ) + L·τ

The peak is the device's at the precision that computes, e_c and e_m are the runtime's efficiencies, u is its unpacking
(where weights are shorter than what computes, else 0), and τ is its overhead per layer. Unpacking is arithmetic too, and
counts as compute where it takes longer than the FLOPs. What is launched from the host as a whole, a prefill or a forward pass, also waits for one dispatch. A runtime may
tell apart e_c of a prefill and of a decode step, e_m of weights and of the KV cache, and e_c by precision.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from mlsysim.checks import check_shapes
from mlsysim.model.kernels import AS_IS, AT_ONCE, ONCE, Kernel, larger, times
from mlsysim.specs import Device, Runtime, Scheme

BLOCK = 2**15  # points whose arrays stay in a cache together
MANY = 2**16  # points from which a sweep goes by blocks

__all__ = ["Rates", "Timing", "kernel_rates", "overhead_seconds", "timing_of_inputs"]


class Rates(NamedTuple):
    """What kernels reach: FLOP/s, and bytes/s."""

    flops_s: Any
    bytes_s: Any


def kernel_rates(device: Device, computes_at: str, runtime: Runtime, *, prefill: bool = False) -> Rates:
    """The rates that kernels reach on *device*: its peak at the precision *computes_at* and its bandwidth, each times the runtime's efficiency.

    Where no peak is known the first is infinite: compute then adds nothing to a time, which its result says.
    """
    efficiency = runtime.compute_efficiency
    if prefill and runtime.prefill_efficiency is not None:
        efficiency = runtime.prefill_efficiency
    if runtime.peak_shares:
        efficiency = efficiency * runtime.peak_shares.get(computes_at, 1.0)
    return Rates(
        device.peaks.get(computes_at, math.inf) * efficiency,
        device.bandwidth_bytes_s * runtime.bandwidth_efficiency,
    )


def overhead_seconds(layers: int, device: Device, runtime: Runtime, *, dispatched: bool) -> Any:
    """What software adds: τ for each layer and, if the pass is *dispatched* as a whole, one dispatch."""
    return layers * runtime.overhead_on(device) + (device.dispatch_s if dispatched else 0.0)


class Timing:
    """How long *kernels* take that run one after the other at these *rates*, with the *overhead* in seconds.

    Attributes:
        kernels, rates, overhead: as given.
        link: seconds in which devices exchange their parts; None where there is one device.
        total: seconds of it all.
    """

    __slots__ = ("_each", "kernels", "link", "overhead", "rates", "total")

    def __init__(self, kernels: tuple[Kernel, ...], rates: Rates, overhead: Any, link: Any = None) -> None:
        self.kernels = kernels
        self.rates = rates
        self.overhead = overhead
        self.link = link
        flops_s, bytes_s = rates
        self._each: list[tuple[Any, Any, Any]] = []
        each = self._each
        total = overhead if link is None else overhead + link
        for _, _, flops, moved, unpacking, unpacking_s, flops_count, bytes_count, slowdown in kernels:
            computing, moving = flops / flops_s, moved / bytes_s
            if unpacking is not AS_IS:
                computing = computing * unpacking
            if slowdown is not AS_IS:
                moving = moving * slowdown
            if unpacking_s is AT_ONCE and flops_count is bytes_count and isinstance(flops_count, np.ndarray):
                each.append((computing, moving, flops_count))  # multiplied if it is asked for
                total = total + flops_count * larger(computing, moving)
                continue
            if flops_count is not ONCE:
                computing = flops_count * computing
            if bytes_count is not ONCE:
                moving = bytes_count * moving
            if unpacking_s is not AT_ONCE:
                computing = larger(computing, unpacking_s)
            each.append((computing, moving, ONCE))
            total = total + larger(computing, moving)
        self.total: Any = total

    @property
    def compute(self) -> list[Any]:
        """Seconds of each kernel's FLOPs, or of its unpacking where that takes longer."""
        return [computing for _, computing, _ in self]

    @property
    def memory(self) -> list[Any]:
        """Seconds of each kernel's bytes; a kernel takes the larger of the two."""
        return [moving for _, _, moving in self]

    def __iter__(self) -> Iterator[tuple[Kernel, Any, Any]]:
        """Each kernel with the seconds of its FLOPs and of its bytes."""
        for kernel, (computing, moving, count) in zip(self.kernels, self._each, strict=True):
            yield kernel, times(count, computing), times(count, moving)


class SweepTiming(Timing):
    """The timing of very many points: the totals are there, the rest is computed if it is asked for.

    The totals are made in blocks that stay in a processor's cache, so that a sweep takes no more memory than its result
    and less time than the same arithmetic over whole arrays.
    """

    __slots__ = ("_all", "_compute_all")

    def __init__(self, total: np.ndarray, compute_all: Callable[[], Timing]) -> None:
        self.total = total
        self._compute_all = compute_all
        self._all: Timing | None = None

    @classmethod
    def of(
        cls, equations: Callable[..., Timing], counts: Sequence[Any], shape: tuple[int, ...]
    ) -> SweepTiming:
        """The timing by *equations* of *counts*, which broadcast to *shape*."""
        total = np.empty(shape)
        for here in _blocks(shape):
            total[here] = equations(*(_part(count, here) for count in counts)).total
        return cls(total, functools.partial(equations, *counts))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") and name != "_each":
            raise AttributeError(name)
        if self._all is None:
            self._all = self._compute_all()
        return getattr(self._all, name)


def _blocks(shape: tuple[int, ...]) -> Iterator[tuple[int | slice, ...]]:
    """Indices of all blocks of an array of that *shape*, each of at most :data:`BLOCK` points that lie together."""
    axis = next(k for k in range(len(shape)) if math.prod(shape[k + 1 :]) <= BLOCK)
    rows = BLOCK // math.prod(shape[axis + 1 :])
    whole = (slice(None),) * (len(shape) - axis - 1)
    for before in np.ndindex(shape[:axis]):
        for start in range(0, shape[axis], rows):
            yield (*before, slice(start, start + rows), *whole)


def _part(count: Any, here: tuple[int | slice, ...]) -> Any:
    """The part of *count* that belongs to a block of what it broadcasts to.

    It is of floats, which hold every whole number that is allowed, so that no operation converts it anew.
    """
    if not isinstance(count, np.ndarray):
        return count
    own = here[len(here) - count.ndim :]
    one = tuple(
        (0 if isinstance(at, int) else slice(None)) if size == 1 else at
        for at, size in zip(own, count.shape, strict=True)
    )
    return count[one].astype(np.float64)


def timing_of_inputs(
    equations: Callable[..., Timing],
    model: Any,
    device: Device,
    scheme: Scheme,
    runtime: Runtime,
    **counts: Any,
) -> Timing:
    """The *equations*' timing for these inputs; *counts* are their further arguments by name, in order.

    Raises:
        InputError: the counts and the arrays of device, scheme and runtime do not broadcast; the message says each
            one's shape.
    """
    try:
        if np.ndarray in map(type, counts.values()):
            shape = np.broadcast_shapes(*(np.shape(count) for count in counts.values()))
            if math.prod(shape) > MANY:
                point = equations(model, device, scheme, runtime, *(np.ravel(c)[0] for c in counts.values()))
                if not np.ndim(point.total):  # no array in the device, the scheme or the runtime
                    solve = functools.partial(equations, model, device, scheme, runtime)
                    return SweepTiming.of(solve, tuple(counts.values()), shape)
        return equations(model, device, scheme, runtime, *counts.values())
    except ValueError:
        check_shapes(
            **counts,
            weight_bits=scheme.weight_bits if scheme.group_size is None else 1,
            group_size=1 if scheme.group_size is None else scheme.group_size,
            bandwidth_bytes_s=device.bandwidth_bytes_s,
            peak=device.peaks.get(scheme.computes_at, math.inf),
            bandwidth_efficiency=runtime.bandwidth_efficiency,
            compute_efficiency=runtime.compute_efficiency,
            unpacking=runtime.unpacking,
            unpacking_rate=1.0 if runtime.unpacking_rate is None else runtime.unpacking_rate,
            layer_overhead_s=runtime.overhead_on(device),
            context_overhead_s=runtime.context_overhead_s,
            cache_efficiency=1.0 if runtime.cache_efficiency is None else runtime.cache_efficiency,
        )
        raise
