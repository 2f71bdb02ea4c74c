"""Units at the edge: SI numbers inside, Pint quantities outside.

Pint is imported when the first quantity is asked for, so that ``import mlsysim`` stays quick.
"""

from __future__ import annotations

import functools
from typing import Any

__all__ = ["quantity", "unit_registry"]


@functools.cache
def unit_registry() -> Any:
    """The one Pint registry of the package, with ``flop`` as a unit of work."""
    import pint

    registry: Any = pint.UnitRegistry()
    registry.define("flop = [work_done_in_flops] = FLOP")
    registry.define("TOPS = 1e12 * flop / second")
    make_default: Any = pint.set_application_registry
    make_default(registry)  # so that quantities can be pickled
    return registry


@functools.cache
def _scale(unit: str, shown_in: str) -> tuple[float, Any]:
    """How many *shown_in* one *unit* is: converting each value anew costs ten times as much."""
    one = unit_registry().Quantity(1.0, unit).to(shown_in)
    return one.magnitude, one.units


def quantity(value: Any, unit: str, shown_in: str | None = None) -> Any:
    """``value`` in *unit* as a Pint quantity, converted to *shown_in* if given.

    >>> quantity(8.35e-3, "s", "ms").magnitude
    8.35
    """
    factor, shown = _scale(unit, shown_in or unit)
    return unit_registry().Quantity(value * factor, shown)
