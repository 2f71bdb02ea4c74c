"""An accelerator: memory, bandwidth and dense peak rates, with their sources."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mlsysim.checks import check_flag, check_number, one_number
from mlsysim.errors import InputError, UnknownNameError, check_name, shown
from mlsysim.render import html_facts, in_unit
from mlsysim.specs.spec import Cited, Fixed, check_spec, same_fields
from mlsysim.units import quantity

__all__ = ["DISPATCH_S", "MEMORY_TYPES", "PRECISIONS", "Compute", "Device", "Memory", "peaks_told"]

MEMORY_TYPES = ("hbm", "gddr", "lpddr", "")
PRECISIONS = ("fp32", "tf32", "bf16", "fp16", "fp8", "int8", "fp4", "int4")
GROUPS = {"capacity": ("memory_gb",), "bandwidth": ("bandwidth_gb_s",), "peak": PRECISIONS, "tdp": ("tdp_w",)}
DISPATCH_S = 10e-6  # one kernel launch from the host, where nothing better is known


def peaks_told(peaks: Collection[str]) -> str:
    """The precisions that a device has *peaks* for, as a message says it."""
    return f"it has: {', '.join(peaks)}" if peaks else "its source gives no compute peak at all"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Device(Cited):
    """One accelerator, in SI units.

    Attributes:
        name: an identifier, ``H100``.
        title: the full name; by default *name*.
        group: where a registry lists it.
        year: of release, or None.
        memory_bytes: device memory, bytes.
        bandwidth_bytes_s: peak memory bandwidth, byte/s; an array makes results arrays, as for a device that is designed.
        peaks: dense peak rate by the precision that computes, FLOP/s (OP/s for integers); a precision
            that the device lacks, or whose rate its source does not give, is absent; arrays as for the bandwidth.
        dispatch_s: host time to launch one forward pass, seconds.
        memory_type: ``hbm``, ``gddr``, ``lpddr`` or ``""`` (not stated); what a layer costs goes with it.
        sparse_2_4: whether the vendor states a faster rate for 2:4 sparse weights.
        tdp_w: thermal design power, W, or None (not given).
        source, sources: citation of the numbers, with its year in brackets, and by number where it is another.
        checked, note: citation of a second source by group (:attr:`number_groups`), and where the two disagree.

    Raises:
        InputError: a number out of range, a text that is none, or a precision that is not known.
    """

    name: str
    title: str = ""
    group: str = "Custom"
    year: int | None = None
    memory_bytes: float
    bandwidth_bytes_s: Any
    peaks: Mapping[str, Any]
    dispatch_s: float = DISPATCH_S
    memory_type: str = ""
    sparse_2_4: bool = False
    tdp_w: float | None = None
    source: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)
    checked: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    groups: ClassVar = GROUPS

    def __post_init__(self) -> None:
        check_spec(self, "name", "title", "group", "source")
        check_name("memory_type", self.memory_type, MEMORY_TYPES)
        if not isinstance(self.peaks, Mapping):
            raise InputError(f"peaks = {shown(self.peaks)} is not allowed: give a dict of rates by precision")
        checked: dict[str, Any] = {
            "title": self.title or self.name,
            "memory_bytes": one_number("memory_bytes", self.memory_bytes, 0, open_low=True),
            "bandwidth_bytes_s": check_number("bandwidth_bytes_s", self.bandwidth_bytes_s, 0, open_low=True),
            "peaks": Fixed(
                (
                    check_name("precision in peaks", precision, PRECISIONS),
                    check_number(f"peaks[{precision!r}]", rate, 0, open_low=True),
                )
                for precision, rate in self.peaks.items()
            ),
            "dispatch_s": one_number("dispatch_s", self.dispatch_s, 0),
            "sparse_2_4": check_flag("sparse_2_4", self.sparse_2_4),
        }
        if self.tdp_w is not None:
            checked["tdp_w"] = one_number("tdp_w", self.tdp_w, 0, open_low=True)
        for attribute, value in checked.items():
            object.__setattr__(self, attribute, value)

    def __eq__(self, other: object) -> bool:
        return same_fields(self, other)

    def __hash__(self) -> int:
        return hash((Device, self.name))

    @property
    def numbers(self) -> tuple[str, ...]:
        """Names of the numbers held, as the data files and :meth:`source_of` call them."""
        tdp = () if self.tdp_w is None else ("tdp_w",)
        return ("year", "memory_gb", "bandwidth_gb_s", "dispatch_us", "sparse_2_4", *tdp, *self.peaks)

    @property
    def half_precision(self) -> str:
        """The 16-bit float that it computes: ``fp16``, or ``bf16`` on one that has only that."""
        return "bf16" if "bf16" in self.peaks and "fp16" not in self.peaks else "fp16"

    @property
    def memory(self) -> Memory:
        """Device memory with units: ``memory.capacity`` and ``memory.bandwidth``."""
        return Memory(self)

    @property
    def compute(self) -> Compute:
        """Peak rates with units: ``compute.peak_flops`` and ``compute.precision_flops``."""
        return Compute(self)

    @property
    def release_year(self) -> int | None:
        """The year of release, or None."""
        return self.year

    @property
    def bandwidth(self) -> Any:
        """Peak memory bandwidth as a quantity in GB/s."""
        return quantity(self.bandwidth_bytes_s, "byte/s", "GB/s")

    @property
    def tdp(self) -> Any:
        """Thermal design power as a quantity in W.

        Raises:
            InputError: the source gives none.
        """
        if self.tdp_w is None:
            raise InputError(f"{self.name} has no tdp: its source gives none ({self.source})")
        return quantity(self.tdp_w, "W")

    def peak_flops(self, precision: str = "half") -> Any:
        """Dense peak in FLOP/s at a *precision* that computes (``int8`` …); ``half`` is the 16-bit float that it has.

        Raises:
            UnknownNameError: the device has no such rate; the message says which it has.
        """
        precision = self.half_precision if isinstance(precision, str) and precision == "half" else precision
        if not isinstance(precision, str) or precision not in self.peaks:
            raise UnknownNameError(f"{self.name} has no {precision} peak; {peaks_told(self.peaks)}")
        return self.peaks[precision]

    def plain(self, precision: str = "half") -> dict[str, float]:
        """The numbers that a roofline needs, as a plain dict in SI units; *precision* as for :meth:`peak_flops`."""
        return {
            "peak_flops": self.peak_flops(precision),
            "bandwidth": self.bandwidth_bytes_s,
            "memory": self.memory_bytes,
        }

    def cells(self) -> dict[str, str]:
        """A table row: column title to text, dense peaks in 1e12 operations per second (T/s)."""
        shown = ("bf16", "fp16", "fp8", "int8", "fp4", "int4")
        return {
            "Name": self.name,
            "Year": str(self.year or ""),
            "Memory GB": in_unit(self.memory_bytes, 1e9),
            "GB/s": in_unit(self.bandwidth_bytes_s, 1e9),
            **{f"{p} T/s": in_unit(self.peaks[p], 1e12) if p in self.peaks else "" for p in shown},
            "2:4": "yes" if self.sparse_2_4 else "no",
            "TDP W": "" if self.tdp_w is None else in_unit(self.tdp_w, 1),
        }

    def _repr_html_(self) -> str:
        facts = self.cells() | {f"{p} T/s": in_unit(rate, 1e12) for p, rate in self.peaks.items()}
        return html_facts(self.title, {**facts, **self.citations()})

    def __repr__(self) -> str:
        year = f" ({self.year})" if self.year else ""
        return (
            f"<Device {self.name}: {self.title}{year}, {in_unit(self.memory_bytes, 1e9)} GB, "
            f"{in_unit(self.bandwidth_bytes_s, 1e9)} GB/s, dense peaks: {_rates(self.peaks) or 'not given'}>"
        )


@dataclass(frozen=True, slots=True, repr=False)
class Compute:
    """The peak rates of a device as quantities."""

    _device: Device

    @property
    def peak_flops(self) -> Any:
        """Dense peak at 16 bits, in Tflop/s.

        Raises:
            UnknownNameError: the device has no 16-bit peak; the message says which it has.
        """
        return self.of(self._device.half_precision)

    @property
    def precision_flops(self) -> dict[str, Any]:
        """Dense peak by the precision that computes, in Tflop/s."""
        return {precision: self.of(precision) for precision in self._device.peaks}

    def of(self, precision: str) -> Any:
        """Dense peak at a *precision*, in Tflop/s."""
        return quantity(self._device.peak_flops(precision), "flop/s", "Tflop/s")

    def __repr__(self) -> str:
        return f"<Compute of {self._device.name}: {_rates(self._device.peaks) or peaks_told(())}>"


@dataclass(frozen=True, slots=True, repr=False)
class Memory:
    """The memory of a device as quantities; used like a quantity itself, it is the capacity."""

    _device: Device

    @property
    def capacity(self) -> Any:
        """Its size, in GB."""
        return quantity(self._device.memory_bytes, "byte", "GB")

    @property
    def bandwidth(self) -> Any:
        """Its peak bandwidth, in GB/s."""
        return self._device.bandwidth

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.capacity, name)

    def __format__(self, spec: str) -> str:
        return format(self.capacity, spec)

    def __repr__(self) -> str:
        return f"<Memory of {self._device.name}: {self.capacity:~P} at {self.bandwidth:~P}>"


def _rates(peaks: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{p} {in_unit(r, 1e12)} {'TOP' if p[:3] == 'int' else 'TFLOP'}/s" for p, r in peaks.items()
    )
