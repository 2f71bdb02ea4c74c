"""How long kernels take: the roofline applied to each, then summed, and what software adds.

    seconds = Σ max( FLOPs · (1 + u) / (peak · e_c), bytes / (bandwidth · e_m) ) + L·τ

The peak is the device's at the precision that computes, e_c and e_m are the runtime's efficiencies, u is its unpacking
(where weights are shorter than what computes, else 0), and τ is its overhead per layer. What is launched from the host as a whole, a prefill or a forward pass, also waits for one dispatch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from mlsysim.checks import check_shapes
from mlsysim.model.kernels import AS_IS, Kernel, larger
from mlsysim.specs import Device, Runtime, Scheme

__all__ = ["Rates", "Timing", "kernel_rates", "overhead_seconds", "timing_of_inputs"]


class Rates(NamedTuple):
    """What kernels reach: FLOP/s, and bytes/s."""

    flops_s: Any
    bytes_s: Any


def kernel_rates(device: Device, computes_at: str, runtime: Runtime) -> Rates:
    """The rates that kernels reach on *device*: its peak at the precision *computes_at* and its bandwidth, each times the runtime's efficiency.

    Where no peak is known the first is infinite: compute then adds nothing to a time, which its result says.
    """
    return Rates(
        device.peaks.get(computes_at, math.inf) * runtime.compute_efficiency,
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
        compute: seconds of each kernel's FLOPs.
        memory: seconds of each kernel's bytes; a kernel takes the larger of the two.
        total: seconds of it all.
    """

    __slots__ = ("compute", "kernels", "link", "memory", "overhead", "rates", "total")

    def __init__(self, kernels: tuple[Kernel, ...], rates: Rates, overhead: Any, link: Any = None) -> None:
        self.kernels = kernels
        self.rates = rates
        self.overhead = overhead
        self.link = link
        flops_s, bytes_s = rates
        self.compute: list[Any] = []
        self.memory: list[Any] = []
        total = overhead if link is None else overhead + link
        for _, _, flops, moved, unpacking in kernels:
            computing, moving = flops / flops_s, moved / bytes_s
            if unpacking is not AS_IS:
                computing = computing * unpacking
            self.compute.append(computing)
            self.memory.append(moving)
            total = total + larger(computing, moving)
        self.total: Any = total

    def __iter__(self) -> Iterator[tuple[Kernel, Any, Any]]:
        """Each kernel with the seconds of its FLOPs and of its bytes."""
        return zip(self.kernels, self.compute, self.memory, strict=True)


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
            layer_overhead_s=runtime.overhead_on(device),
        )
        raise
