"""Bars: what a time is made of, and what fills a device's memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from mlsysim.errors import InputError
from mlsysim.model.request import RequestResult
from mlsysim.model.result import SolverResult
from mlsysim.model.serving import ServingResult
from mlsysim.plots.figure import COLOURS, PART_STYLES, Plot, inks, new_axes
from mlsysim.plots.labels import labelled
from mlsysim.render import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["breakdown", "memory"]

STYLES = PART_STYLES | {"weights": PART_STYLES["weight traffic"], "KV cache": PART_STYLES["KV traffic"]}
OTHER_STYLES = (
    (COLOURS[3], "..."),
    (COLOURS[4], "---"),
    (COLOURS[0], "+++"),
)  # for parts without one of their own
LONGEST = 40  # characters of a label, so that bars have room; the alt text has all of it
IN_SIGHT = 0.01  # of the longest bar: what is shorter has no place in the picture, and stands in the alt text
Bars = dict[str, dict[str, float]]  # values by part, by label


def breakdown(results: Mapping[str, SolverResult | RequestResult]) -> Plot:
    """What the time of each result is spent on, one bar for each.

    A step or a pass is divided into its :attr:`~mlsysim.model.result.SolverResult.parts`, a whole request into its prefill
    and its decode steps.

    Args:
        results: results of solvers or of :func:`mlsysim.solve_request` by label, each a single point (not an array).

    Raises:
        InputError: no result, or one that is an array or none of a solver's.

    >>> from mlsysim import ServingModel
    >>> solve = ServingModel().solve
    >>> breakdown({p: solve("Llama3_8B", "H100", precision=p) for p in ("fp16", "w4a16")}).alt.split("; ")[1]
    'fp16 8.35 ms: weight traffic 5.07 ms, KV traffic 0.0847 ms, overhead 3.20 ms'
    """
    kinds: Any = SolverResult | RequestResult
    found = _single_points(labelled("results", results, kinds, "a solver or of solve_request"))
    bars: Bars = {}
    for label, result in found.items():
        if isinstance(result, RequestResult):
            bars[label] = {"prefill": float(result.ttft_s), "decode": float(result.decode_s)}
        else:
            bars[label] = {part: float(seconds) for part, seconds in result.parts.items() if seconds}
    longest = max(sum(parts.values()) for parts in bars.values())
    unit, factor = ("s", 1.0) if longest >= 1 else ("ms", 1e3) if longest >= 1e-3 else ("µs", 1e6)
    axes = new_axes("What the time is spent on", f"Time ({unit})", "Case")
    alt = _draw(axes, {n: {part: s * factor for part, s in parts.items()} for n, parts in bars.items()}, unit)
    _legend(axes)
    return Plot.of(axes, ["What the time is spent on", *alt])


def memory(results: Mapping[str, ServingResult]) -> Plot:
    """The weights and the KV cache that each result needs, one bar for each, and a line for what its device has.

    Where several devices share the model, the bar is that of one of them.

    Args:
        results: results of :class:`mlsysim.ServingModel` by label, each a single point (not an array).

    Raises:
        InputError: no result, or one that is an array or none of ServingModel's.

    >>> from mlsysim import ServingModel
    >>> memory({"70B": ServingModel().solve("Llama3_70B", "H100")}).alt.split("; ")[1:]
    ['70B 141.8 GB: weights 141.1 GB, KV cache 0.671 GB', '70B does not fit: a H100 has 80 GB.']
    """
    found = _single_points(labelled("results", results, ServingResult, "ServingModel"))
    bars: Bars = {}
    for label, result in found.items():
        weights = float(result.weights_bytes / result.devices) / 1e9
        bars[label] = {"weights": weights, "KV cache": float(result.memory_needed_bytes) / 1e9 - weights}
    axes = new_axes("What has to be in memory", "Memory of one device (GB)", "Case")
    alt = ["What has to be in memory", *_draw(axes, bars, "GB")]
    for place, (label, result) in enumerate(found.items()):
        had = result.hardware.memory_bytes / 1e9
        axes.plot([had, had], [place - 0.45, place + 0.45], color=inks().ink, lw=2.5, label=_has(axes))
        fits = "fits" if result.feasible else "does not fit"
        alt.append(f"{label} {fits}: a {result.hardware.name} has {number(had)} GB")
    highest = max(r.hardware.memory_bytes for r in found.values()) / 1e9
    axes.set_xlim(0, max(axes.get_xlim()[1], 1.08 * highest))
    _legend(axes)
    return Plot.of(axes, alt)


def _has(axes: Axes) -> str:
    """The legend's words for the lines of the devices, at the first one."""
    label = "what the device has"
    return "_" if label in axes.get_legend_handles_labels()[1] else label


def _single_points(results: dict[str, Any]) -> dict[str, Any]:
    if not results:
        raise InputError("results is empty: give at least one result by its label")
    for label, result in results.items():
        if result.shape:
            raise InputError(
                f"result {label!r} is an array of shape {result.shape}: give one point for each label"
            )
    return results


def _draw(axes: Axes, bars: Bars, unit: str) -> list[str]:
    """Draw the *bars* from above in their order, in parts with the sum at the end; say the same in words."""
    parts = list(dict.fromkeys(part for bar in bars.values() for part in bar))
    others = [part for part in parts if part not in STYLES]
    styles = STYLES | {part: OTHER_STYLES[i % len(OTHER_STYLES)] for i, part in enumerate(others)}
    ink = inks().ink
    places = range(len(bars))
    totals = [sum(bar.values()) for bar in bars.values()]
    left = [0.0] * len(bars)
    for part in parts:
        widths = [bar.get(part, 0.0) for bar in bars.values()]
        colour, hatch = styles[part]
        label = part if max(widths) >= IN_SIGHT * max(totals) else "_"
        style: Any = {"facecolor": (colour, 0.6), "edgecolor": ink, "hatch": hatch, "lw": 0.8}
        axes.barh(places, widths, 0.6, left=left, label=label, **style)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    for place, total in zip(places, totals, strict=True):
        text = f"{number(total)} {unit}"
        axes.annotate(
            text, (total, place), (5, 0), textcoords="offset points", va="center", size=9, color=ink
        )
    axes.set_yticks(list(places), [n if len(n) <= LONGEST else f"{n[: LONGEST - 1]}…" for n in bars])
    axes.set(xlim=(0, max(totals) * 1.2), ylim=(len(bars) - 0.4, -0.6))
    said = []
    for (label, bar), total in zip(bars.items(), totals, strict=True):
        made = ", ".join(f"{part} {number(value)} {unit}" for part, value in bar.items())
        said.append(f"{label} {number(total)} {unit}: {made}")
    return said


def _legend(axes: Axes) -> None:
    style: Any = {"ncols": 3, "fontsize": 8, "frameon": False, "handlelength": 3.4, "labelcolor": inks().ink}
    cast(Any, axes.figure).legend(loc="outside lower center", **style)
