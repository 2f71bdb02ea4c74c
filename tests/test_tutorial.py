"""The published tutorial runs as it stands, in both of its variants, and prints the published figures to the digit."""

import importlib
import re

import pytest

import mlsysim

PRECISIONS = ("fp16", "int8", "int4")
DECODE = [("8.35 ms", "16.06 GB", "1.0x"), ("5.78 ms", "8.03 GB", "1.4x"), ("4.49 ms", "4.02 GB", "1.9x")]
VISION = [("11.74 ms", "21800 / second", "1.0x"), ("8.38 ms", "30552 / second", "1.4x"), ("11.74 ms", "21800 / second", "1.0x")]  # fmt: skip
SIZES = [
    ("16.06 GB", "1.0x", "+0.0%", "0.0%"),
    ("8.03 GB", "2.0x", "-0.1%", "50.0%"),
    ("4.02 GB", "4.0x", "-1.2%", "75.0%"),
]


def decode_steps():
    solver = mlsysim.ServingModel()
    models, cloud = mlsysim.Models.Language, mlsysim.Hardware.Cloud
    return [
        solver.solve(model=models.Llama3_8B, hardware=cloud.H100, seq_len=2048, batch_size=1, precision=p)
        for p in PRECISIONS
    ]


def vision_steps():
    solver = mlsysim.SingleNodeModel()
    models, cloud = mlsysim.Models.Vision, mlsysim.Hardware.Cloud
    return [
        solver.solve(model=models.ResNet50, hardware=cloud.A100, batch_size=256, precision=p) for p in PRECISIONS
    ]  # fmt: skip


def compressed():
    solver = mlsysim.CompressionModel()
    model, device = mlsysim.Models.Llama3_8B, mlsysim.Hardware.Cloud.H100
    return [
        solver.solve(model=model, hardware=device, method="quantization", target_bitwidth=bits)
        for bits in (16, 8, 4)
    ]


def gains(steps, attribute):
    """Speed-ups as the tutorial takes them: magnitudes in ms, divided."""
    ms = [getattr(step, attribute).to("ms").magnitude for step in steps]
    return [f"{ms[0] / m:.1f}x" for m in ms]


def printed(capsys):
    """The rows of the last table, split at two spaces or more."""
    lines = capsys.readouterr().out.splitlines()
    return [tuple(re.split(r" {2,}", line.strip())) for line in lines]


@pytest.mark.parametrize("module", ["mlsysim", "mlsysim.solvers", "mlsysim.core.solver"])
def test_the_solvers_are_the_same_wherever_a_variant_imports_them_from(module):
    found = importlib.import_module(module)
    for name in ("ServingModel", "SingleNodeModel", "CompressionModel", "Engine"):
        assert getattr(found, name) is getattr(mlsysim, name)


def test_models_are_the_same_by_group_and_by_shortcut():
    models = mlsysim.Models
    assert models.Language.Llama3_8B is models.Llama3_8B
    assert models.Language.Llama3_70B is models.Llama3_70B
    assert models.Vision.ResNet50 is models.ResNet50


def test_the_first_variants_decode_line_is_padded_and_abbreviated():
    steps = decode_steps()
    lines = [
        f"{r.itl.to('ms'):>10.3f~} {r.model_weights_size:>10.2f~} {gain:>7}"
        for r, gain in zip(steps, gains(steps, "itl"), strict=True)
    ]
    assert lines == [
        "     8.352 ms      16.06 GB    1.0x",
        "     5.776 ms       8.03 GB    1.4x",
        "     4.488 ms       4.02 GB    1.9x",
    ]


def test_the_first_variants_vision_line_is_padded_and_abbreviated():
    steps = vision_steps()
    lines = [
        f"{p.latency.to('ms'):>10.2f~} {p.throughput:>10.0f} {gain:>6}"
        for p, gain in zip(steps, gains(steps, "latency"), strict=True)
    ]
    assert lines == [
        "     11.74 ms      21800 / second   1.0x",
        "      8.38 ms      30552 / second   1.4x",
        "     11.74 ms      21800 / second   1.0x",
    ]


def test_the_first_variants_compression_line_is_padded_and_abbreviated():
    lines = [
        f"{c.compressed_size_gb:>12.2f~} {c.compression_ratio:>5.1f}x "
        f"{c.estimated_accuracy_delta:>+7.1%} {c.memory_savings_pct:>5.1f}%"
        for c in compressed()
    ]
    assert lines == [
        "       16.06 GB   1.0x   +0.0%   0.0%",
        "        8.03 GB   2.0x   -0.1%  50.0%",
        "        4.02 GB   4.0x   -1.2%  75.0%",
    ]


def test_the_second_variants_decode_table_prints_the_published_figures(capsys):
    steps = decode_steps()
    cells = zip(PRECISIONS, steps, gains(steps, "itl"), strict=True)
    rows = [[p, r.itl.to("ms"), r.model_weights_size, gain] for p, r, gain in cells]
    mlsysim.show.table(["Precision", "ITL", "Weights", "Gain"], rows)
    assert printed(capsys)[2:] == [(p, *figures) for p, figures in zip(PRECISIONS, DECODE, strict=True)]


def test_the_second_variants_vision_table_prints_the_published_figures(capsys):
    steps = vision_steps()
    cells = zip(PRECISIONS, steps, gains(steps, "latency"), strict=True)
    rows = [[p, s.latency.to("ms"), f"{s.throughput:.0f}", gain] for p, s, gain in cells]
    mlsysim.show.table(["Precision", "Latency", "Throughput", "Gain"], rows)
    assert printed(capsys)[2:] == [(p, *figures) for p, figures in zip(PRECISIONS, VISION, strict=True)]


def test_the_second_variants_table_of_both_regimes_prints_the_published_figures(capsys):
    decode = ["decode", *(r.itl.to("ms") for r in decode_steps()), "Memory-bound"]
    vision = ["vision", *(p.latency.to("ms") for p in vision_steps()), "Compute-bound"]
    mlsysim.show.table(["Workload", "FP16", "INT8", "INT4", "Regime"], [decode, vision])
    assert printed(capsys)[2:] == [
        ("decode", *(row[0] for row in DECODE), "Memory-bound"),
        ("vision", *(row[0] for row in VISION), "Compute-bound"),
    ]


def test_the_second_variants_compression_table_prints_size_ratio_loss_and_saving(capsys):
    rows = [
        [
            bits,
            c.compressed_size_gb,
            f"{c.compression_ratio:.1f}x",
            f"{c.estimated_accuracy_delta:+.1%}",
            f"{c.memory_savings_pct:.1f}%",
        ]
        for bits, c in zip((16, 8, 4), compressed(), strict=True)
    ]
    mlsysim.show.table(["Bits", "Size", "Ratio", "Accuracy", "Saved"], rows)
    assert printed(capsys)[2:] == [(b, *figures) for b, figures in zip(("16", "8", "4"), SIZES, strict=True)]


def test_info_prints_quantities_with_their_unit(capsys):
    mlsysim.show.info("Decode", ITL=decode_steps()[0].itl, feasible=True)
    out = capsys.readouterr().out
    assert re.search(r"ITL: +8\.35 ms\n", out)
    assert re.search(r"feasible: +True\n", out)


def test_the_engine_solves_either_kind_of_workload():
    decode = mlsysim.Engine.solve(mlsysim.Models.Llama3_8B, mlsysim.Hardware.Cloud.H100, precision="int4")
    vision = mlsysim.Engine.solve(mlsysim.Models.ResNet50, mlsysim.Hardware.Cloud.A100, batch_size=256)
    assert f"{decode.itl:.2f~P} {vision.latency:.2f~P}" == "4.49 ms 11.74 ms"
