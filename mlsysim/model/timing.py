"""How long kernels take: the roofline applied to each, then summed, and what software adds.

    seconds = Σ max( FLOPs · (1 + u) / (peak · e_c), unpacking, bytes / (bandwidth · e_m) ) + L·τ

The peak is the device's at the precision that computes, e_c and e_m are the runtime's efficiencies, u is its unpacking
(where weights are shorter than what computes, else 0), and τ is its overhead per layer. Unpacking counts as compute where
it takes longer than the FLOPs. What is launched from the host as a whole also waits for one dispatch. A runtime may tell
apart e_c of a prefill and of a decode step, e_m of weights and of the KV cache, and e_c by precision.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from mlsysim.checks import check_shapes
from mlsysim.model.kernels import AT_ONCE, Kernel, larger
from mlsysim.specs import Device, Runtime, Scheme

BLOCK = 2**15  # points whose arrays stay in a cache together
MANY = 2**16  # points from which a sweep goes by blocks
HUGE_PAGE = 2**21  # bytes

__all__ = ["Rates", "Timing", "check_specs", "kernel_rates", "overhead_seconds", "timing_of_points"]


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
        self._each: list[tuple[Any, Any, Any, Any]] = []
        flops_s, bytes_s = rates
        total = overhead if link is None else overhead + link
        for _, _, flops, moved, unpacking, unpacking_s, flops_count, bytes_count, slowdown in kernels:
            computing, moving = flops / flops_s * unpacking, moved / bytes_s * slowdown
            if unpacking_s is not AT_ONCE:
                computing, flops_count = larger(flops_count * computing, unpacking_s), 1
            self._each.append((computing, moving, flops_count, bytes_count))
            # Of arrays, each is let go as soon as it is used, and none is multiplied that need not be.
            if flops_count is bytes_count:
                total = total + flops_count * larger(computing, moving)
            else:
                total = total + larger(flops_count * computing, bytes_count * moving)
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
        for kernel, (computing, moving, flops, moves) in zip(self.kernels, self._each, strict=True):
            yield kernel, flops * computing, moves * moving

    def each(self, figure: Callable[[Timing], Any]) -> Any:
        """A *figure* of the timing that has a value for each point."""
        return figure(self)

    def parts(self) -> dict[str, Any]:
        """Seconds by what they are spent on; they add up to the total."""
        parts: dict[str, Any] = {"compute ceiling": 0.0}
        for kernel, compute, memory in self:
            computes = compute >= memory
            if computes is True:  # at one point
                parts["compute ceiling"] += compute
                parts[kernel.traffic] = 0.0
            elif computes is False:
                parts[kernel.traffic] = memory
            else:
                parts["compute ceiling"] = parts["compute ceiling"] + compute * computes
                parts[kernel.traffic] = memory * ~computes
        if self.link is not None:
            parts["link traffic"] = self.link
        parts["overhead"] = self.overhead
        return parts


class SweepTiming(Timing):
    """The timing of very many points: the totals are there, the rest is computed if it is asked for.

    What has a value for each point is made in blocks that stay in a processor's cache, so that it takes no more memory
    than its values and less time than the same arithmetic over whole arrays.
    """

    __slots__ = ("_all", "_counts", "_equations", "_point", "_shape")

    def __init__(
        self, equations: Callable[..., Timing], counts: Sequence[Any], shape: tuple[int, ...], point: Timing
    ) -> None:
        self._equations = equations
        self._counts = counts
        self._all: Timing | None = None
        self._point = point
        self._shape = shape
        self.total = self.each(lambda timing: timing.total)

    def each(self, figure: Callable[[Timing], Any]) -> np.ndarray:
        one = np.asarray(figure(self._point))
        values = _room((*one.shape, *self._shape), one.dtype)
        for here in _blocks(self._shape):
            values[(..., *here)] = figure(self._equations(*(_part(count, here) for count in self._counts)))
        return values

    def parts(self) -> dict[str, Any]:
        return dict(zip(self._point.parts(), self.each(_stacked_parts), strict=True))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") and name != "_each":
            raise AttributeError(name)
        if self._all is None:
            self._all = self._equations(*self._counts)
        return getattr(self._all, name)


def _stacked_parts(timing: Timing) -> np.ndarray:
    return np.stack(np.broadcast_arrays(*timing.parts().values()))


def _room(shape: tuple[int, ...], kind: np.dtype[Any]) -> np.ndarray:
    """An array to be filled. It begins at a huge page, or else Linux gives much of it by 4 KiB, a fifth of a sweep's time."""
    size = math.prod(shape) * kind.itemsize
    room = np.empty(size + HUGE_PAGE, np.uint8)
    start = -room.ctypes.data % HUGE_PAGE
    return room[start : start + size].view(kind).reshape(shape)


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


def timing_of_points(
    equations: Callable[..., Timing],
    specs: tuple[Device, Scheme, Runtime],
    names: tuple[str, ...],
    *counts: Any,
) -> Timing:
    """The *equations*' timing of *counts*, numbers or arrays, by blocks if there are very many points.

    Raises:
        InputError: the counts, which are called *names*, and the arrays of device, scheme and runtime do not broadcast; the
            message says each one's shape.
    """
    try:
        for count in counts:
            if type(count) is not int:
                return _timing_of_arrays(equations, counts)
        return equations(*counts)
    except ValueError:
        check_specs(*specs, **dict(zip(names, counts, strict=True)))
        raise


def _timing_of_arrays(equations: Callable[..., Timing], counts: tuple[Any, ...]) -> Timing:
    shape = np.broadcast_shapes(*map(np.shape, counts))
    if math.prod(shape) > MANY:
        point = equations(*(np.ravel(count)[0] for count in counts))
        if not np.ndim(point.total):  # no array in the device, the scheme or the runtime
            return SweepTiming(equations, counts, shape, point)
    return equations(*counts)


def check_specs(device: Device, scheme: Scheme, runtime: Runtime, **counts: Any) -> None:
    """Raise unless the *counts* and the arrays of device, scheme and runtime broadcast; the message says each one's shape."""
    check_shapes(
        **counts,
        weight_bits=scheme.weight_bits if np.shape(scheme.weight_bits) != np.shape(scheme.group_size) else 1,
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
        prefill_efficiency=1.0 if runtime.prefill_efficiency is None else runtime.prefill_efficiency,
        prefill_overhead_s=runtime.prefill_overhead_s,
    )
