"""What the plots share: a figure that carries its alt text, its axes, and styles.

Matplotlib is imported when a plot is drawn. ``pyplot`` and the global ``rcParams`` are left alone. Colours are those of
Okabe and Ito (2008, jfly.uni-koeln.de/color); a line style, marker or hatch repeats whatever a colour says. Paper is white,
or dark where Matplotlib's own figures are.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["COLOURS", "LINES", "MARKERS", "PART_STYLES", "PNG_DPI", "SIZE", "Plot", "inks", "new_axes"]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
LINES = ("-", "--", "-.", ":")
MARKERS = "osD^vP"
PNG_DPI = 90
SIZE = (7, 4.4)  # inches

#: Colour and hatch of each part of a result's time (:attr:`mlsysim.model.result.SolverResult.parts`).
PART_STYLES: dict[str, tuple[str, str]] = {
    "compute ceiling": ("#D55E00", "xxx"),
    "weight traffic": ("#56B4E9", "///"),
    "KV traffic": ("#009E73", "\\\\\\"),
    "overhead": ("#F0E442", ""),
}


class Plot:
    """A Matplotlib figure and the text that stands for it where it cannot be seen.

    A notebook shows it, with that alt text, when it is the last value of a cell or goes to ``display``.

    Attributes:
        figure: the figure, to be changed as any other.
        alt: the alt text; it names the numbers that the picture shows.
    """

    def __init__(self, figure: Figure, alt: str) -> None:
        self.figure = figure
        self.alt = alt

    @classmethod
    def of(cls, axes: Axes, alt: Sequence[str]) -> Plot:
        """The plot of the *axes*' figure; *alt* is joined to one sentence."""
        return cls(cast("Figure", axes.figure), "; ".join(alt) + ".")

    def png(self) -> bytes:
        """The figure as a small PNG of 128 colours."""
        from matplotlib import rc_context
        from PIL import Image

        drawn, small = io.BytesIO(), io.BytesIO()
        dpi = self.figure.dpi / self.figure.canvas.device_pixel_ratio  # what it was before a dense screen
        with rc_context({"text.hinting": "no_hinting"}):  # a fifth faster, and no difference to be seen
            self.figure.savefig(
                drawn, format="rgba", dpi=dpi
            )  # laid out once, where a notebook does it twice
        width, height = (int(inches * dpi) for inches in self.figure.get_size_inches())
        picture = Image.frombytes("RGBA", (width, height), drawn.getvalue()).convert("RGB")
        picture.quantize(128, Image.Quantize.FASTOCTREE).save(small, format="png")
        return small.getvalue()

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
        """What a notebook shows: HTML, as some viewers drop the alt text of a bare PNG, and the PNG for the others."""
        png = base64.b64encode(self.png()).decode("ascii")
        image = f'<img alt="{html.escape(self.alt)}" src="data:image/png;base64,{png}">'
        return {"text/html": image, "image/png": png}, {"image/png": {"alt": self.alt}}

    def __repr__(self) -> str:
        return f"<Plot: {self.alt}>"


class Inks(NamedTuple):
    """Colours of the paper, of what is written on it, of grey lines, and of the grid."""

    paper: str
    ink: str
    grey: str
    grid: str


LIGHT, DARK = Inks("white", "black", "0.4", "0.9"), Inks("#111111", "white", "0.65", "0.25")


def inks() -> Inks:
    """Dark paper if the figures of Matplotlib's settings are dark, as after ``plt.style.use("dark_background")``."""
    from matplotlib import rcParams
    from matplotlib.colors import to_rgba

    *rgb, opaque = to_rgba(rcParams["figure.facecolor"])
    return DARK if opaque and sum(rgb) < 1.5 else LIGHT


def new_axes(title: str, x_label: str, y_label: str, figure: Figure | None = None) -> Axes:
    """Labelled axes on *figure*, or on a new one that ``pyplot`` does not know of; see :func:`inks` for its colours."""
    from matplotlib import figure as figures

    paper, ink, _, grid = inks()
    if figure is None:
        figure = figures.Figure(figsize=SIZE, dpi=PNG_DPI, layout="constrained")
    figure.set_facecolor(paper)
    axes = figure.add_subplot(facecolor=paper)
    axes.set_title(title, size=11, color=ink)
    axes.set_xlabel(x_label, size=10, color=ink)
    axes.set_ylabel(y_label, size=10, color=ink)
    axes.tick_params(which="both", labelsize=9, colors=ink)
    axes.grid(color=grid, lw=0.6)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_color(ink)
    axes.spines[["top", "right"]].set_visible(False)
    return axes
