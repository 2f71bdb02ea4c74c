"""What every solver's result has: time, memory, what binds; SI numbers inside, quantities at the edge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from mlsysim.errors import InputError
from mlsysim.model.kernels import Kernel, weight_bytes
from mlsysim.model.timing import Timing
from mlsysim.render import html_facts, number
from mlsysim.specs import Device, Runtime, Scheme
from mlsysim.units import quantity

__all__ = ["SolverResult", "check_one_point"]


def check_one_point(result: SolverResult, taker: str) -> None:
    """Raise unless *result* is of one point, no array; *taker* is what needs that."""
    if result.shape:
        raise InputError(f"the result has shape {result.shape}: {taker} takes one point")


class SolverResult:
    """Time and memory of what was solved; every value has the broadcast shape of the inputs.

    Attributes:
        timing: the kernels, and the seconds of each ceiling (:class:`mlsysim.model.timing.Timing`).
        scheme: the precision as the device ran it; ``scheme.note`` says where that is not what the name says.
        shape: the broadcast shape; ``()`` for plain numbers.
    """

    __slots__ = ("batch_size", "hardware", "model", "runtime", "scheme", "shape", "timing")
    table_columns: ClassVar[tuple[str, ...]] = (
        "latency_s",
        "throughput",
        "memory_needed_bytes",
        "feasible",
        "binding",
    )

    def __init__(
        self,
        model: Any,
        hardware: Device,
        scheme: Scheme,
        runtime: Runtime,
        batch_size: Any,
        timing: Timing,
    ) -> None:
        self.model = model
        self.hardware = hardware
        self.scheme = scheme
        self.runtime = runtime
        self.batch_size = batch_size
        self.timing = timing
        self.shape: tuple[int, ...] = getattr(timing.total, "shape", ())

    def _shaped(self, value: Any) -> Any:
        return np.broadcast_to(value, self.shape) if self.shape else value

    @property
    def notes(self) -> str:
        """What ran otherwise than the precision's name says, or an empty string."""
        return self.scheme.note

    @property
    def latency_s(self) -> Any:
        """Seconds it takes."""
        return self.timing.total

    @property
    def latency(self) -> Any:
        """Time it takes, ms."""
        return quantity(self.latency_s, "s", "ms")

    @property
    def throughput_per_s(self) -> Any:
        """Images (vision) or tokens (decode) per second, a plain number."""
        return self.batch_size / self.timing.total

    @property
    def throughput(self) -> Any:
        """Images (vision) or tokens (decode) per second, as a quantity in 1/s."""
        return quantity(self.throughput_per_s, "1/s")

    @property
    def weights_bytes(self) -> Any:
        """Bytes of the weights."""
        return self._shaped(weight_bytes(self.model.parameters, self.scheme.weight_bits))

    @property
    def model_weights_size(self) -> Any:
        """Size of the weights, GB."""
        return quantity(self.weights_bytes, "byte", "GB")

    @property
    def memory_needed_bytes(self) -> Any:
        """Bytes that must be on the device at once."""
        raise NotImplementedError

    @property
    def memory_needed(self) -> Any:
        """What must be on the device at once, GB."""
        return quantity(self.memory_needed_bytes, "byte", "GB")

    @property
    def total_memory_required(self) -> Any:
        """:attr:`memory_needed` under the name of the published tutorial."""
        return self.memory_needed

    @property
    def memory_available(self) -> Any:
        """What the device has, GB."""
        return self.hardware.memory.capacity

    @property
    def memory_utilization(self) -> Any:
        """Memory needed over memory had; above 1 it does not fit."""
        return self.memory_needed_bytes / self.hardware.memory_bytes

    @property
    def feasible(self) -> Any:
        """Whether it fits in device memory."""
        return self.memory_needed_bytes <= self.hardware.memory_bytes

    @property
    def title(self) -> str:
        """What was solved, in words: model, device, scheme and runtime."""
        return f"{self.model.title} on {self._where}, {self.scheme.title}, {self.runtime.name}"

    @property
    def _where(self) -> str:
        """The device, or devices, in a title."""
        return self.hardware.name

    @property
    def _each(self) -> str:
        """What has the memory."""
        return "the device"

    def _told(self, figures: Callable[[], str]) -> str:
        """The repr: what was solved, its *figures* if it is one point, and whatever a reader must know."""
        name = type(self).__name__
        notes = f"; {self.notes}" if self.notes else ""
        if self.shape:
            return f"<{name} {self.title}, shape {self.shape}{notes}>"
        fits = ""
        if not self.feasible:
            needed, had = self.memory_needed_bytes / 1e9, self.hardware.memory_bytes / 1e9
            fits = f"; does NOT fit: needs {needed:.1f} GB, {self._each} has {had:.1f} GB"
        return f"<{name} {self.title}: {figures()}{fits}{notes}>"

    def _facts(self) -> dict[str, str]:
        """What a table shows of one point."""
        needed, had = self.memory_needed_bytes, self.hardware.memory_bytes
        spent = {f"  {part}": f"{number(s * 1e3)} ms" for part, s in self.parts.items() if s}
        return {
            "Time": f"{number(self.latency_s * 1e3)} ms",
            **spent,
            "Bound by": self.binding,
            "Throughput": f"{number(self.throughput_per_s)} per second",
            "Memory": f"{number(needed / 1e9)} GB of {number(had / 1e9)} GB"
            + ("" if self.feasible else ": does NOT fit"),
        }

    def _repr_html_(self) -> str:
        facts = {"Shape": str(self.shape)} if self.shape else self._facts()
        return html_facts(self.title, {**facts, "Notes": self.notes})

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """The kernels that ran; each takes the larger of its two ceilings."""
        return self.timing.kernels

    @property
    def parts(self) -> dict[str, Any]:
        """Seconds by what they are spent on; they add up to the latency."""
        parts = self.timing.parts()
        return {name: self._shaped(seconds) for name, seconds in parts.items()} if self.shape else parts

    @property
    def binding(self) -> Any:
        """The largest of :attr:`parts`, by name (an array of names for arrays)."""
        if self.shape:
            return self.timing.each(_binding)
        parts = self.timing.parts()
        return max(parts, key=parts.__getitem__)

    @property
    def bottleneck(self) -> Any:
        """The regime: ``Compute``, ``Memory`` (all traffic together), ``Overhead`` or ``Link``, whichever takes most."""
        regime = self.timing.each(_regime)
        return regime if self.shape else str(regime)


def _largest(seconds: dict[str, Any]) -> np.ndarray:
    """The name of the largest of *seconds*, at each point."""
    largest = np.argmax(np.stack(np.broadcast_arrays(*seconds.values())), axis=0)
    return np.array(list(seconds))[largest, ...]


def _binding(timing: Timing) -> np.ndarray:
    return _largest(timing.parts())


def _regime(timing: Timing) -> np.ndarray:
    parts = timing.parts()
    compute, overhead = parts.pop("compute ceiling"), parts.pop("overhead")
    link = parts.pop("link traffic", 0.0)
    return _largest({"Compute": compute, "Memory": sum(parts.values()), "Overhead": overhead, "Link": link})
