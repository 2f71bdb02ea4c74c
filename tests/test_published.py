"""The published figures come out to the printed digit, the crossover checkpoints to the unit."""

import pytest

import mlsysim

DECODE = {
    "tutorial": {
        "fp16": ("8.35", "16.06", "1.0"),
        "int8": ("5.78", "8.03", "1.4"),
        "int4": ("4.49", "4.02", "1.9"),
    },
    "compiled": {
        "fp16": ("5.19", "16.06", "1.0"),
        "int8": ("2.76", "8.03", "1.9"),
        "int4": ("1.54", "4.02", "3.4"),
    },
    "ideal": {
        "fp16": ("4.87", "16.06", "1.0"),
        "int8": ("2.44", "8.03", "2.0"),
        "int4": ("1.22", "4.02", "4.0"),
    },
}
RESNET = {
    "tutorial": {"fp16": ("11.74", "21800"), "int8": ("8.38", "30552"), "int4": ("11.74", "21800")},
    "compiled": {"fp16": ("7.24", None), "int8": ("3.88", None), "int4": ("7.24", None)},
}
CROSSOVERS = [
    ("ideal", 128, 128, 179, "compute ceiling"),
    ("compiled", 128, 120, 173, "compute ceiling"),
    ("compiled", 2048, 26, 71, "KV traffic"),
    ("ideal", 2048, 30, 75, "KV traffic"),
    ("tutorial", 2048, 1, 38, "KV traffic"),
    ("tutorial", 8192, 1, 10, "KV traffic"),
]


def decode(precision, runtime):
    return mlsysim.ServingModel().solve(
        model=mlsysim.Models.Llama3_8B,
        hardware=mlsysim.Hardware.Cloud.H100,
        seq_len=2048,
        batch_size=1,
        precision=precision,
        runtime=runtime,
    )


@pytest.mark.parametrize("runtime", DECODE)
@pytest.mark.parametrize("precision", ["fp16", "int8", "int4"])
def test_llama_decode_prints_the_published_figures(runtime, precision):
    r = decode(precision, runtime)
    speedup = decode("fp16", runtime).itl / r.itl
    itl, weights, gain = DECODE[runtime][precision]
    assert f"{r.itl.to('ms'):.2f~P}" == f"{itl} ms"
    assert f"{r.model_weights_size:.2f~P}" == f"{weights} GB"
    assert f"{speedup.magnitude:.1f}" == gain


@pytest.mark.parametrize("runtime", RESNET)
@pytest.mark.parametrize("precision", ["fp16", "int8", "int4"])
def test_resnet_prints_the_published_figures(runtime, precision):
    p = mlsysim.SingleNodeModel().solve(
        model=mlsysim.Models.ResNet50,
        hardware=mlsysim.Hardware.Cloud.A100,
        batch_size=256,
        precision=precision,
        runtime=runtime,
    )
    latency, throughput = RESNET[runtime][precision]
    assert f"{p.latency.to('ms'):.2f~P}" == f"{latency} ms"
    if throughput:
        assert f"{p.throughput:.0f}" == f"{throughput} / second"


def test_ideal_int4_decode_is_exactly_four_times_as_fast():
    assert decode("fp16", "ideal").itl_s / decode("int4", "ideal").itl_s == pytest.approx(4, rel=1e-12)


@pytest.mark.parametrize(("runtime", "context", "below_2", "below_1_5", "binding"), CROSSOVERS)
def test_crossovers_are_exact_to_the_unit(runtime, context, below_2, below_1_5, binding):
    found = [
        mlsysim.crossover_batch("Llama3_8B", "H100", t, seq_len=context, runtime=runtime) for t in (2.0, 1.5)
    ]
    assert [c.batch for c in found] == [below_2, below_1_5]
    assert found[1].binding == binding
    assert found[0].binding == ("overhead" if runtime == "tutorial" else binding)
