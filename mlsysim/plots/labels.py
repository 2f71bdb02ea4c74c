"""Labels: results that must have one, and where on a plot to write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from mlsysim.errors import InputError, shown
from mlsysim.plots.figure import inks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.transforms import Bbox

__all__ = ["label_points", "labelled"]

T = TypeVar("T")
GAPS = (9.6, 20.8, 36.8)  # points of 1/72 inch between a place and its label; so a label stays at any dpi
MARKER, LINE = 6.4, 0.8  # half of what a marker and a line take, in the same points
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

    Takes the nearest place that is free, with a line to the point if that is far; the axes' limits must be final. The
    labels keep their places when the figure is saved at another dpi.
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
    point_px = figure.dpi / 72
    taken = [text.get_window_extent() for text in axes.texts]
    taken += [_around(x, y, MARKER * point_px) for x, y in pixels]
    taken += [_around(x, y, LINE * point_px) for line in axes.lines for x, y in _along(line)]
    for (x, y), point, label in zip(pixels, points, labels, strict=True):
        text = axes.annotate(
            label,
            point,
            (0, 0),
            textcoords="offset points",
            size=9,
            ha="center",
            va="center",
            color=inks().ink,
        )
        text.set_path_effects([withStroke(linewidth=3, foreground=inks().paper)])
        size = text.get_window_extent()
        w, h = size.width, size.height
        shifts = [
            (i * (gap * point_px + w / 2), j * (gap * point_px + h / 2))
            for gap in GAPS
            for i, j in DIRECTIONS
        ]
        boxes = [Bbox.from_bounds(x + dx - w / 2, y + dy - h / 2, w, h) for dx, dy in shifts]
        outside = [not (inside.contains(*box.min) and inside.contains(*box.max)) for box in boxes]
        best = min(range(len(boxes)), key=lambda i: (outside[i], boxes[i].count_overlaps(taken)))
        text.xyann = (shifts[best][0] / point_px, shifts[best][1] / point_px)
        taken.append(boxes[best])
        if best >= len(DIRECTIONS):
            end = (0.8 * text.xyann[0], 0.8 * text.xyann[1])
            axes.annotate("", point, end, textcoords="offset points", arrowprops=LEADER)


def _around(x: float, y: float, reach: float) -> Bbox:
    from matplotlib.transforms import Bbox

    return Bbox.from_bounds(x - reach, y - reach, 2 * reach, 2 * reach)


def _along(line: Line2D) -> Any:
    """Pixels along a line, a few hundred at most."""
    path = line.get_transform().transform_path(line.get_path()).interpolated(60)
    vertices: Any = path.vertices
    return vertices[:: max(1, len(vertices) // 300)]
