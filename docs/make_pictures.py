"""Draw the README's picture, docs/two_regimes.svg."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import mlsysim

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#666666"


def _roofline(ax: plt.Axes) -> None:
    """One decode step on the roofline, in FP16 and with four-bit weights, at a small and at a large batch."""
    device, model = mlsysim.Hardware.Cloud.H100, mlsysim.Models.Llama3_8B
    peak, bandwidth = device.peak_flops("fp16"), device.bandwidth_bytes_s
    intensity = np.logspace(-0.3, 4.2, 300)
    ax.loglog(intensity, np.minimum(peak, intensity * bandwidth) / 1e12, color="black", lw=2)
    ax.axvline(peak / bandwidth, color=GREY, ls=":", lw=1)
    ax.text(
        peak / bandwidth * 1.15, 25, f"ridge point\n{peak / bandwidth:.0f} FLOP/byte", color=GREY, fontsize=9
    )
    for batch, color, label in (
        (1, BLUE, "memory-bound: {:.0f}x as fast"),
        (1024, ORANGE, "compute-bound: {:.0f}x, nothing gained"),
    ):
        flops = 2 * model.parameters * batch
        ai = np.array([flops / (model.parameters * bits / 8) for bits in (16, 4)])
        rate = np.minimum(peak, ai * bandwidth) / 1e12
        arrow = dict(arrowstyle="-|>", color=color, lw=2, shrinkA=5, shrinkB=5)
        ax.annotate("", (ai[1], rate[1]), (ai[0], rate[0]), arrowprops=arrow)
        ax.plot(ai[:1], rate[:1], "o", color=color, ms=8)
        ax.plot(ai[1:], rate[1:], "s", color=color, ms=8)
        place = dict(xytext=(12, -16), ha="left") if batch == 1 else dict(xytext=(8, 12), ha="right")
        text = f"batch {batch}\n" + label.format(rate[1] / rate[0])
        ax.annotate(text, (ai[1], rate[1]), textcoords="offset points", color=color, fontsize=9, **place)
    ax.plot([], [], "o", color=GREY, label="FP16 weights")
    ax.plot([], [], "s", color=GREY, label="INT4 weights")
    ax.legend(loc="lower right", fontsize=9)
    ax.set(
        xlabel="arithmetic intensity of the matmuls (FLOP/byte)",
        ylabel="attainable rate (TFLOP/s)",
        ylim=(1, 6e3),
    )
    ax.set_title("Fewer bytes move a step to the right")


def _gain(ax: plt.Axes) -> None:
    """The speed-up of four-bit weights against batch size, at a short and a long context."""
    batch = np.arange(1, 513)
    solve = mlsysim.ServingModel().solve
    for context, color, style, label in (
        (128, ORANGE, "-", "context 128: the compute ceiling ends it"),
        (2048, BLUE, "--", "context 2048: KV traffic ends it"),
    ):
        fp16, int4 = (
            solve("Llama3_8B", "H100", context, batch, p, kv_precision="fp16", runtime="compiled")
            for p in ("fp16", "int4")
        )
        ax.semilogx(batch, fp16.itl_s / int4.itl_s, style, color=color, base=2, lw=2, label=label)
    for threshold in (2, 1.5):
        ax.axhline(threshold, color=GREY, ls=":", lw=1)
    ax.xaxis.set_major_formatter("{x:.0f}")
    ax.legend(loc="upper right", fontsize=9)
    ax.set(xlabel="batch size (sequences)", ylabel="speed-up of a decode step (times)", ylim=(0.9, 4.4))
    ax.set_title("and the gain ends where something else binds")


def draw(path: Path) -> None:
    """Write the picture; the same file from the same figures."""
    with plt.rc_context({"svg.hashsalt": "two-regimes", "svg.fonttype": "path", "font.size": 10}):
        fig, axes = plt.subplots(1, 2, figsize=(10.5, 4.2), layout="constrained")
        _roofline(axes[0])
        _gain(axes[1])
        for ax in axes:
            ax.spines[["top", "right"]].set_visible(False)
        fig.suptitle("Llama-3 8B on an H100, four-bit weights (W4A16) against FP16", fontsize=11)
        fig.savefig(path, metadata={"Date": None})
        plt.close(fig)


if __name__ == "__main__":
    draw(Path(__file__).with_name("two_regimes.svg"))
