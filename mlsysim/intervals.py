"""The interval around a time that was fitted to measurements: where its runtime says that most measured times lie."""

from __future__ import annotations

from typing import Any, ClassVar

from mlsysim.errors import check_name
from mlsysim.specs import Runtime
from mlsysim.units import quantity

__all__ = ["WithIntervals", "interval_end"]


def interval_end(figure: str, end: int, unit: str = "ms") -> property:
    """The property that is one end, 0 or 1, of the interval around *figure*."""
    which = ("Lower", "Upper")[end]
    return property(
        lambda self: quantity(self.interval_s(figure)[end], "s", unit),
        doc=f"{which} end of the interval around the {figure}, {unit}.",
    )


class WithIntervals:
    """A result whose times have intervals, if its runtime has them; nothing is computed before it is asked for."""

    __slots__ = ()
    figures: ClassVar[tuple[str, ...]] = ("itl", "ttft")  # that may have an interval
    runtime: Runtime
    itl_low, itl_high = interval_end("itl", 0), interval_end("itl", 1)
    ttft_low, ttft_high = interval_end("ttft", 0), interval_end("ttft", 1)

    def interval_s(self, figure: str) -> tuple[Any, Any]:
        """Both ends of the interval around *figure* (``itl``, ``ttft``; ``latency`` of a request), seconds.

        Raises:
            InputError: no such figure, or the runtime was fitted to no measurement of it.
        """
        check_name("figure", figure, self.figures)
        return self.runtime.interval(figure, getattr(self, f"{figure}_s"))
