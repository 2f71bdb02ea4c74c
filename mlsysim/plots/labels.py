"""Labels: results that must have one, and where on a plot to write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from mlsysim.errors import InputError, shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

__all__ = ["label_points", "labelled"]

T = TypeVar("T")
GAPS = (12, 26, 46)  # pixels between a point and its label
DIRECTIONS = ((1, 0), (0, 1), (0, -1), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1))
LEADER = {"arrowstyle": "-", "color": "0.5", "lw": 0.7}


def labelled(argument: str, results: Mapping[str, Any], kind: type[T], solver: str) -> dict[str, T]:
    """*results* as a dict, once each is found to be of its *kind* (that *solver* returns) under a label that is text."""
    if not isinstance(results, Mapping) or not all(isinstance(label, str) for label in results):
        raise InputError(f"{argument} = {shown(results)} is not allowed: give a dict of results by label")
    for label, result in results.items():
        if not isinstance(result, kind):
            raise InputError(
                f"{argument}[{label!r}] = {shown(result)} is not allowed: give a result of {solver}"
            )
    return dict(results)


def label_points(axes: Axes, points: Sequence[tuple[float, float]], labels: Sequence[str]) -> None:
    """Write each label near its point, clear of the other labels, of the points and of the axes' edge.

    Takes the nearest place that is free, with a line to the point if that is far; the axes' limits must be final.
    """
    from matplotlib.patheffects import withStroke
    from matplotlib.transforms import Bbox

    if not labels:
        return
    figure = cast("Figure", axes.figure)
    if figure.get_layout_engine() is not None:
        figure.draw_without_rendering()  # moves the axes to their place, so that pixels are known
    axes.get_xlim(), axes.get_ylim()  # scales them to what is on them
    inside = axes.get_window_extent()
    pixels = axes.transData.transform(points)
    taken = [text.get_window_extent() for text in axes.texts]
    taken += [Bbox.from_bounds(x - 8, y - 8, 16, 16) for x, y in pixels]
    taken += [Bbox.from_bounds(x - 1, y - 1, 2, 2) for line in axes.lines for x, y in _along(line)]
    for (x, y), point, label in zip(pixels, points, labels, strict=True):
        text = axes.annotate(
            label, point, (0, 0), textcoords="offset pixels", size=9, ha="center", va="center"
        )
        text.set_path_effects([withStroke(linewidth=3, foreground="white")])
        size = text.get_window_extent()
        w, h = size.width, size.height
        shifts = [(i * (gap + w / 2), j * (gap + h / 2)) for gap in GAPS for i, j in DIRECTIONS]
        boxes = [Bbox.from_bounds(x + dx - w / 2, y + dy - h / 2, w, h) for dx, dy in shifts]
        outside = [not (inside.contains(*box.min) and inside.contains(*box.max)) for box in boxes]
        best = min(range(len(boxes)), key=lambda i: (outside[i], boxes[i].count_overlaps(taken)))
        text.xyann = shifts[best]
        taken.append(boxes[best])
        if best >= len(DIRECTIONS):
            end = (0.8 * shifts[best][0], 0.8 * shifts[best][1])
            axes.annotate("", point, end, textcoords="offset pixels", arrowprops=LEADER)


def _along(line: Line2D) -> Any:
    """Pixels along a line, a few hundred at most."""
    path = line.get_transform().transform_path(line.get_path()).interpolated(60)
    vertices: Any = path.vertices
    return vertices[:: max(1, len(vertices) // 300)]
