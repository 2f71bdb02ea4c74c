"""Draw the pictures of the README: ``python docs/make_pictures.py [folder]``; prints the alt text of each.

``two_regimes.svg`` shows the published rows: seconds of a step by what they are spent on, at three precisions.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import matplotlib  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

import mlsysim  # noqa: E402
from mlsysim.drawing import PART_STYLES  # noqa: E402

PRECISIONS = ("fp16", "int8", "int4")


def draw_bars(axes: Any, steps: dict[str, Any]) -> str:
    """Stack the parts of each step, in ms, with the speed-up over the first on top; returns the same in words."""
    base = next(iter(steps.values())).latency_s
    for i, step in enumerate(steps.values()):
        bottom = 0.0
        for part, taken in step.parts.items():
            colour, hatch = PART_STYLES[part]
            style = {"color": colour, "hatch": hatch, "edgecolor": "white", "label": part if i == 0 else "_"}
            axes.bar(i, taken * 1e3, bottom=bottom, width=0.62, **style)
            bottom += taken * 1e3
        text = f"{base / step.latency_s:.1f}x\n{bottom:.2f} ms"
        axes.annotate(text, (i, bottom), (0, 3), textcoords="offset points", ha="center", size=10)
    axes.set_xticks(range(len(steps)), list(steps))
    said = [f"{name} {s.latency_s * 1e3:.2f} ms, {base / s.latency_s:.1f}x" for name, s in steps.items()]
    return "; ".join(said)


def two_regimes(path: Path) -> str:
    """Write the picture; returns its alt text."""
    figure = Figure(figsize=(8.4, 4.2), layout="constrained", facecolor="white")
    left, right = figure.subplots(1, 2, sharey=True)
    models, cloud = mlsysim.Models, mlsysim.Hardware.Cloud
    decode = {
        p.upper(): mlsysim.ServingModel().solve(models.Llama3_8B, cloud.H100, precision=p) for p in PRECISIONS
    }
    vision = {
        p.upper(): mlsysim.SingleNodeModel().solve(models.ResNet50, cloud.A100, 256, p) for p in PRECISIONS
    }
    said = [draw_bars(left, decode), draw_bars(right, vision)]
    left.set_title("Memory-bound: INT4 helps\nLlama-3 8B decodes one token, batch 1, H100", size=11)
    right.set_title("Compute-bound: INT4 does nothing\nResNet-50, batch 256, A100", size=11)
    left.set_ylabel("Time of a step (ms)")
    left.set_ylim(0, 14.5)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    with matplotlib.rc_context({"svg.hashsalt": "two regimes"}):
        figure.savefig(path, metadata={"Date": None})
    return f"Time of a step. Memory-bound, Llama-3 8B decode at batch 1 on H100: {said[0]}. Compute-bound, ResNet-50 at batch 256 on A100: {said[1]}."


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs"
    print("two_regimes.svg:", two_regimes(folder / "two_regimes.svg"))
