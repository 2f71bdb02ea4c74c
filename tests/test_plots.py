"""Plots say what they show: labelled axes, alt text with the numbers, nothing by colour alone, small, no side effects."""

import base64
import html
import io
import subprocess
import sys
from dataclasses import replace
from itertools import combinations

import matplotlib.style
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.formatters import DisplayFormatter
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from PIL import Image

import mlsysim
from mlsysim import CompressionModel, InputError, ServingModel, plots
from mlsysim.plots.figure import COLOURS, PART_STYLES, new_axes
from mlsysim.plots.labels import label_points

solve = ServingModel().solve
compress = CompressionModel().solve


def workloads():
    return {
        f"{p}, batch {b}": solve("Llama3_8B", "H100", 2048, b, p) for b in (1, 64) for p in ("fp16", "int4")
    }


def compressed():
    points = {f"{bits} bit": compress("Llama3_8B", "H100", target_bitwidth=bits) for bits in (16, 8, 4)}
    for zeros in (0.5, 0.75, 0.9):
        points[f"{zeros:.0%} pruned"] = compress("Llama3_8B", "H100", method="pruning", sparsity=zeros)
    return points


DRAW = {
    "roofline": lambda: plots.roofline("H100", workloads()),
    "speedup_curve": lambda: plots.speedup_curve("Llama3_8B", "H100"),
    "frontier": lambda: plots.frontier(compressed()),
    "breakdown": lambda: plots.breakdown(workloads()),
    "memory": lambda: plots.memory(workloads()),
}
UNITS = {
    "roofline": ("(FLOP/byte)", "(TFLOP/s"),
    "speedup_curve": ("(sequences", "(ratio"),
    "frontier": ("(ratio)", "(%"),
    "breakdown": ("(ms)", "Case"),
    "memory": ("(GB)", "Case"),
}


@pytest.fixture(scope="module", params=DRAW)
def drawn(request):
    return request.param, DRAW[request.param]()


def test_both_axes_are_labelled_with_their_unit(drawn):
    name, plot = drawn
    axes = plot.figure.axes[0]
    assert UNITS[name][0] in axes.get_xlabel()
    assert UNITS[name][1] in axes.get_ylabel()
    assert axes.get_title()


def test_a_png_is_under_60_kb(drawn):
    png = drawn[1].png()
    assert png.startswith(b"\x89PNG")
    assert len(png) < 60_000


@pytest.mark.parametrize("ratio", [1, 2])
def test_a_figure_of_any_size_on_any_screen_keeps_its_size(ratio):
    figure = Figure(figsize=(3.33, 2.47), dpi=77)
    canvas = FigureCanvasAgg(figure)
    canvas._set_device_pixel_ratio(ratio)  # as a window on a dense screen does
    picture = Image.open(io.BytesIO(mlsysim.plots.Plot(figure, "nothing").png()))
    assert picture.size == (256, 190)
    assert figure.dpi == 77 * ratio
    assert figure.canvas is canvas


def test_a_notebook_gets_the_picture_with_its_alt_text(drawn):
    plot = drawn[1]
    data, metadata = DisplayFormatter().format(plot)
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert metadata["image/png"] == {"alt": plot.alt}
    assert f'alt="{html.escape(plot.alt)}"' in data["text/html"]
    assert data["image/png"] in data["text/html"]
    assert plot.alt in data["text/plain"]


def test_no_label_is_clipped_or_covers_another(drawn):
    plot = drawn[1]
    plot.figure.draw_without_rendering()
    axes = plot.figure.axes[0]
    boxes = [text.get_window_extent() for text in axes.texts if text.get_text() and not text.get_rotation()]
    edge = plot.figure.bbox
    assert len(boxes) >= 2
    assert all(edge.x0 <= b.x0 and b.x1 <= edge.x1 and edge.y0 <= b.y0 and b.y1 <= edge.y1 for b in boxes)
    assert not [1 for a, b in combinations(boxes, 2) if a.overlaps(b)]


def test_the_roofline_names_bandwidth_peaks_ridges_and_each_workload():
    alt = DRAW["roofline"]().alt
    assert "bandwidth 3,350 GB/s" in alt
    assert "FP16 peak 989.4 TFLOP/s from 295 FLOP/byte" in alt
    step = workloads()["fp16, batch 1"]
    flops = 2 * 8.03e9 + 4 * 32 * 32 * 128 * 2048
    rate, intensity = flops / step.itl_s / 1e12, flops / (step.weights_bytes + step.kv_bytes)
    assert f"fp16, batch 1: {intensity:.1f} FLOP/byte, {rate:.3g} TFLOP/s" in alt


def test_no_workload_stands_above_the_roof():
    axes = DRAW["roofline"]().figure.axes[0]
    points = [line.get_xydata()[0] for line in axes.lines if line.get_marker() not in ("None", None, "")]
    assert len(points) == len(workloads())
    for intensity, rate in points:
        assert rate <= min(intensity * 3.35, 989.4) * (1 + 1e-9)


def test_equal_peaks_share_one_roof():
    assert "FP8/INT8 peak" in plots.roofline("H100").alt


def test_the_speedup_curve_names_the_crossovers_that_crossover_batch_finds():
    alt = plots.speedup_curve("Llama3_8B", "H100", runtime="compiled").alt
    for threshold in (2.0, 1.5):
        batch = mlsysim.crossover_batch("Llama3_8B", "H100", threshold, runtime="compiled").batch
        assert f"W4A16 below {threshold:g}x from batch {batch}" in alt


def test_a_threshold_that_is_never_crossed_is_said_so():
    plot = plots.speedup_curve("Llama3_8B", "H100", runtime="ideal", max_batch=8, thresholds=[1.5])
    assert "W4A16 nowhere below 1.5x" in plot.alt


def test_the_shading_changes_where_the_binding_part_does():
    alt = plots.speedup_curve("Llama3_8B", "H100", runtime="compiled", seq_len=128, max_batch=256).alt
    binding = solve(
        "Llama3_8B", "H100", 128, np.arange(1, 257), "int4", kv_precision="fp16", runtime="compiled"
    ).binding
    first = int(np.argmax(binding != binding[0]))
    assert f"W4A16 bound by weight traffic at batch 1 to {first}; " in alt
    assert f"W4A16 bound by compute ceiling at batch {first + 1} to 256" in alt


def test_the_speedup_curve_says_when_the_baseline_does_not_fit():
    assert "FP16 does not fit in memory from batch 1 " in plots.speedup_curve("Llama3_70B", "H100").alt
    assert "does not fit" not in plots.speedup_curve("Llama3_8B", "H100", max_batch=16).alt


def test_curves_differ_by_line_style_and_parts_by_hatch_so_not_by_colour_alone():
    axes = plots.speedup_curve("Llama3_8B", "H100").figure.axes[0]
    curves = [line for line in axes.lines if line.get_label().endswith("speed-up")]
    assert [line.get_linestyle() for line in curves] == ["-", "--"]
    assert set(PART_STYLES) == set(solve("Llama3_8B", "H100").parts)
    colours, hatches = zip(*PART_STYLES.values(), strict=True)
    assert len(set(colours)) == len(set(hatches)) == len(PART_STYLES)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 256), st.sampled_from(["fp16", "w8a16", "int4"]), st.sampled_from([1, 4])), min_size=1, max_size=4)
)  # fmt: skip
def test_the_bars_of_a_time_add_up_to_it_and_the_alt_text_names_each_part(cases):
    results = {
        f"{i}": solve("Llama3_70B", "H200", 2048, b, p, devices=n, link="nvlink4")
        for i, (b, p, n) in enumerate(cases)
    }
    plot = plots.breakdown(results)
    axes = plot.figure.axes[0]
    ends = [0.0] * len(results)
    for bar in axes.patches:
        row = round(bar.get_y() + bar.get_height() / 2)
        assert bar.get_x() == pytest.approx(ends[row])
        ends[row] += bar.get_width()
    assert ends == pytest.approx([1e3 * r.itl_s for r in results.values()])
    said = plot.alt.rstrip(".").split("; ")[1:]
    for words, result in zip(said, results.values(), strict=True):
        assert all((f"{part} " in words) == bool(seconds) for part, seconds in result.parts.items())


def test_a_request_is_drawn_in_seconds_as_prefill_and_decode():
    request = mlsysim.solve_request("Llama3_8B", "H100", 2048, 256)
    plot = plots.breakdown({"a request": request})
    assert "Time (s)" in plot.figure.axes[0].get_xlabel()
    assert f"decode {request.decode_s:.2f} s" in plot.alt and "prefill" in plot.alt


def test_a_very_long_label_leaves_room_for_the_bars_and_stands_whole_in_the_alt_text():
    label = "a step " * 40
    plot = plots.breakdown({label: solve("Llama3_8B", "H100")})
    plot.figure.draw_without_rendering()
    assert plot.figure.axes[0].get_window_extent().width > plot.figure.bbox.width / 3
    assert label in plot.alt


@pytest.mark.parametrize("devices", [1, 2, 8])
def test_memory_is_that_of_one_device_and_says_what_does_not_fit(devices):
    result = solve("Llama3_70B", "H100", 4096, 8, devices=devices, link="nvlink4")
    plot = plots.memory({"case": result})
    widths = sum(bar.get_width() for bar in plot.figure.axes[0].patches)
    assert widths == pytest.approx(result.memory_needed_bytes / 1e9)
    assert ("case does not fit: a H100 has 80 GB" in plot.alt) == (not result.feasible)
    assert plot.figure.axes[0].get_xlim()[1] > 80


coordinate = st.integers(1, 6)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=7))
def test_the_front_is_exactly_the_points_that_no_other_point_beats(points):
    some = compress("Llama3_8B", "H100")
    results = {
        f"p{i}": replace(some, storage_ratio=x, estimated_accuracy_delta=-y / 100)
        for i, (x, y) in enumerate(points)
    }
    alt = plots.frontier(results).alt
    front = alt.split("on the Pareto front: ")[1].split("; ")[0]
    named = {part.split()[0] for part in front.rstrip(".").split(", ")}
    beaten = {
        f"p{i}"
        for i, (x, y) in enumerate(points)
        if any(a >= x and b <= y and (a, b) != (x, y) for a, b in points)
    }
    assert named == set(results) - beaten


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=5))
def test_labels_stay_inside_the_axes_wherever_the_points_are(points):
    axes = new_axes("title", "x (s)", "y (s)")
    axes.set(xlim=(0, 1), ylim=(0, 1))
    label_points(axes, points, [f"label {i}" for i in range(len(points))])
    axes.figure.draw_without_rendering()
    inside = axes.get_window_extent().padded(1)
    texts = [text.get_window_extent() for text in axes.texts if text.get_text()]
    assert len(texts) == len(points)
    assert all(inside.contains(*box.min) and inside.contains(*box.max) for box in texts)


@pytest.mark.parametrize("name", DRAW)
def test_labels_keep_clear_of_points_and_of_one_another_at_any_dpi(name):
    figure = DRAW[name]().figure
    for dpi in (50, 100, 200, 220):
        figure.set_dpi(dpi)
        figure.draw_without_rendering()
        axes = figure.axes[0]
        texts = [text for text in axes.texts if text.get_text() and not text.get_rotation()]
        boxes = [text.get_window_extent() for text in texts]
        assert not [1 for a, b in combinations(boxes, 2) if a.overlaps(b)]
        for text, box in zip(texts, boxes, strict=True):
            x, y = axes.transData.transform(text.xy)
            assert text.get_ha() != "center" or not box.contains(x, y)


def luminance(colour):
    return sum(to_rgba(colour)[:3]) / 3


@pytest.mark.parametrize("style", ["default", "dark_background"])
@pytest.mark.parametrize("name", DRAW)
def test_what_is_written_stands_out_from_the_paper_also_in_a_dark_style(name, style):
    with matplotlib.style.context(style):
        figure = DRAW[name]().figure
    paper = luminance(figure.get_facecolor())
    axes = figure.axes[0]
    assert (paper < 0.5) == (style == "dark_background")
    assert luminance(axes.get_facecolor()) == paper
    legend = [text for part in figure.legends for text in part.get_texts()]
    texts = [axes.title, axes.xaxis.label, axes.yaxis.label, *axes.get_xticklabels(), *axes.texts, *legend]
    assert len(legend) > 2 or name == "roofline"
    assert all(abs(luminance(text.get_color()) - paper) > 0.7 for text in texts)
    lines = [line for line in axes.lines if line.get_linestyle() != "None" and not line.get_alpha()]
    assert all(abs(luminance(line.get_color()) - paper) > 0.3 for line in lines)


def test_a_model_that_guesses_is_not_on_the_front_and_the_chance_level_is_drawn():
    some = compress("Llama3_8B", "H100")
    chance = some.accuracy_at_chance
    assert -1 < chance < -0.2
    keeps = {"full": 0.0, "half": chance / 2, "little": 0.95 * chance, "guess": chance}
    results = {
        label: replace(some, storage_ratio=2 + i, estimated_accuracy_delta=delta)
        for i, (label, delta) in enumerate(keeps.items())
    }
    plot = plots.frontier(results)
    assert "on the Pareto front: full 2.0x +0.0%, half 3.0x" in plot.alt
    assert "no better than guessing: little 4.0x" in plot.alt and "guess 5.0x" in plot.alt
    assert f"chance at {100 * chance:+.1f}%" in plot.alt
    levels = [line.get_ydata()[0] for line in plot.figure.axes[0].lines if "chance" in str(line.get_label())]
    assert levels == [pytest.approx(100 * chance)]
    assert "on the Pareto front" not in plots.frontier({"guess": results["guess"]}).alt


def test_colours_are_told_apart():
    assert len(set(COLOURS)) == len(COLOURS)


@pytest.mark.parametrize(
    ("draw", "says"),
    [
        (lambda: plots.roofline("H100", {"w": solve("Llama3_8B", "A100")}), "'w' is on A100: give one point on H100"),
        (lambda: plots.roofline("H100", {"w": solve("Llama3_8B", "H100", 128, [1, 2])}), "shape (2,)"),
        (lambda: plots.roofline("H1000"), "nearest known: H100"),
        (lambda: plots.speedup_curve("Llama3_8B", "H100", precisions="int4"), "precisions = 'int4'"),
        (lambda: plots.speedup_curve("Llama3_8B", "H100", precisions=[]), "at least one scheme"),
        (lambda: plots.speedup_curve("Llama3_8B", "H100", seq_len=[1, 2]), "seq_len = [1, 2]"),
        (lambda: plots.speedup_curve("Llama3_8B", "H100", max_batch=1), "max_batch = 1"),
        (lambda: plots.breakdown({}), "results is empty"),
        (lambda: plots.breakdown({"a": solve("Llama3_8B", "H100", batch_size=[1, 2])}), "'a' is an array of shape (2,)"),
        (lambda: plots.breakdown({"a": 3}), "results['a'] = 3 is not allowed"),
        (lambda: plots.breakdown([solve("Llama3_8B", "H100")]), "give a dict of results by label"),
        (lambda: plots.memory({}), "results is empty"),
        (lambda: plots.memory({"a": mlsysim.SingleNodeModel().solve("ResNet50", "A100")}), "give a result of ServingModel"),
        (lambda: plots.frontier({}), "results is empty"),
        (lambda: plots.frontier({"p": compress("Llama3_8B", "H100", target_bitwidth=[8, 4])}), "'p' is an array"),
    ],
)  # fmt: skip
def test_bad_input_is_named(draw, says):
    with pytest.raises(InputError) as error:
        draw()
    assert says in str(error.value)


def test_drawing_leaves_pyplot_and_the_settings_alone_and_importing_loads_no_matplotlib():
    code = """
import sys
import mlsysim
assert not [m for m in sys.modules if m.startswith(("matplotlib", "PIL", "pint"))]
import matplotlib
before = dict(matplotlib.rcParams)
mlsysim.plots.speedup_curve("Llama3_8B", "H100").png()
assert dict(matplotlib.rcParams) == before
assert getattr(sys.modules.get("matplotlib.pyplot"), "get_fignums", list)() == []
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
