"""The calls that the published tutorial's other pages make on the same objects work, by their meaning."""

import importlib
import subprocess
import sys

import matplotlib.pyplot as plt
import pytest

import mlsysim
from mlsysim import InputError

HARDWARE = list(mlsysim.Hardware)
CLOUD = mlsysim.Hardware.Cloud


def test_a_device_has_its_peak_bandwidth_and_capacity_with_units():
    hw = CLOUD.A100
    assert f"{hw.compute.peak_flops.to('TFLOPs/s'):.0f}" == "312 teraflop / second"
    assert f"{hw.memory.bandwidth.to('TB/s'):.1f}" == "2.0 terabyte / second"
    assert f"{hw.memory.capacity.to('GB'):~.0f}" == "80 GB"
    assert f"{hw.tdp:~.0f}" == "400 W"
    assert hw.release_year == 2020
    assert hw.compute.precision_flops["int8"].to("TOPS").magnitude == pytest.approx(624)


@pytest.mark.parametrize("hw", HARDWARE, ids=lambda d: d.name)
def test_every_device_answers_with_what_its_plain_numbers_are(hw):
    assert hw.memory.bandwidth.to("byte/s").magnitude == pytest.approx(hw.bandwidth_bytes_s)
    assert hw.memory.capacity.to("byte").magnitude == pytest.approx(hw.memory_bytes)
    rates = {p: q.to("flop/s").magnitude for p, q in hw.compute.precision_flops.items()}
    assert rates == pytest.approx(dict(hw.peaks))
    assert hw.name in repr(hw.compute) and hw.name in repr(hw.memory)
    if hw.peaks:
        half = hw.peaks.get("fp16", hw.peaks.get("bf16"))
        assert hw.compute.peak_flops.to("flop/s").magnitude == pytest.approx(half)
    else:
        with pytest.raises(InputError, match="no compute peak"):
            _ = hw.compute.peak_flops


def test_memory_is_its_capacity_where_it_is_used_like_a_quantity():
    memory = CLOUD.H100.memory
    assert f"{memory:~.0f} {memory.to('byte').magnitude:g} {memory.magnitude:g}" == "80 GB 8e+10 80"


def test_the_memory_wall_table_of_three_generations():
    rows = []
    for hw in (CLOUD.V100, CLOUD.A100, CLOUD.H100):
        step = mlsysim.Engine.solve(
            model=mlsysim.Models.Llama3_8B, hardware=hw, batch_size=1, precision="fp16"
        )
        flops = hw.compute.peak_flops.to("TFLOPs/s").magnitude
        ridge = flops * 1e12 / hw.memory.bandwidth.to("byte/s").magnitude
        rows.append((f"{flops:.0f}", f"{ridge:.0f}", step.bottleneck))
    assert rows == [("125", "139", "Memory"), ("312", "153", "Memory"), ("989", "295", "Memory")]


def test_the_kv_cache_page_adds_weights_and_cache():
    r = mlsysim.ServingModel().solve(mlsysim.Models.Llama3_8B, CLOUD.H100, 2048, 1, "fp16")
    assert f"{r.total_memory_required:~.2f}" == "16.33 GB"
    assert float(r.kv_cache_size / r.total_memory_required * 100) == pytest.approx(1.64, abs=0.01)
    both = r.model_weights_size + r.kv_cache_size
    assert r.total_memory_required.magnitude == pytest.approx(both.magnitude)
    assert f"{r.memory_utilization:.1%}" == "20.4%"
    vision = mlsysim.SingleNodeModel().solve("ResNet50", "A100")
    assert vision.total_memory_required == vision.memory_needed


def test_models_say_their_kind_and_flops():
    resnet, llama = mlsysim.Models.ResNet50, mlsysim.Models.Llama3_8B
    assert f"{resnet.architecture} {resnet.inference_flops:~.1f}" == "CNN 8.2 GFLOP"
    assert f"{llama.inference_flops:~.2f}" == "16.06 GFLOP"
    mixture = mlsysim.Models.Mixtral_8x7B
    assert mixture.inference_flops.to("flop").magnitude == pytest.approx(2 * mixture.active_parameters)


@pytest.mark.parametrize("place", ["mlsysim", "mlsysim.core.units", "mlsysim.core.constants"])
def test_units_are_the_librarys_own_wherever_they_are_imported_from(place):
    module = importlib.import_module(place)
    assert module.ureg is mlsysim.ureg
    assert module.Q_("2 TB/s") == CLOUD.A100.memory.bandwidth - module.Q_(39, "GB/s")
    with pytest.raises(AttributeError):
        _ = module.no_such_thing


def test_units_come_by_name():
    from mlsysim.core.constants import BYTES_FP16, BYTES_INT4, GB, second
    from mlsysim.core.units import MB, TFLOPs, ms

    assert (16 * GB / second).to("MB/s").magnitude == pytest.approx(16000)
    assert (3 * TFLOPs).to("flop").magnitude == pytest.approx(3e12)
    assert (1 * MB).to("byte").magnitude == 1e6 and (5 * ms).to("s").magnitude == 0.005
    assert (BYTES_FP16.magnitude, BYTES_INT4.magnitude) == (2, 0.5)


def test_constants_are_those_of_the_registry():
    from mlsysim.core.constants import (
        A100_MEM_BW,
        H100_FLOPS_FP16_TENSOR,
        H100_FLOPS_INT8_TENSOR,
        H100_MEM_CAPACITY,
        H100_TDP,
    )

    assert CLOUD.A100.memory.bandwidth == A100_MEM_BW and CLOUD.H100.tdp == H100_TDP
    assert H100_FLOPS_FP16_TENSOR.m_as("TFLOPs/s") == pytest.approx(989.4)
    assert H100_FLOPS_INT8_TENSOR.m_as("TOPS") == pytest.approx(1978.9)
    assert CLOUD.H100.memory.capacity == H100_MEM_CAPACITY


@pytest.mark.parametrize("name", ["H900_MEM_BW", "H100_FLOPS_INT4_TENSOR", "TPUv4_TDP", "BYTES_INT3", "_x"])
def test_a_constant_that_there_is_not_is_an_attribute_error(name):
    constants = importlib.import_module("mlsysim.core.constants")
    with pytest.raises(AttributeError):
        getattr(constants, name)


def test_everything_of_the_units_can_be_imported_at_once():
    code = "from mlsysim.core.units import *; from mlsysim.core.constants import *; print((80 * GB).to('MB').magnitude)"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "80000.0\n")


def test_plot_roofline_gives_a_figure_of_pyplot_and_its_axes():
    before = plt.get_fignums()
    fig, ax = mlsysim.plot_roofline(CLOUD.A100, workloads=[mlsysim.Models.ResNet50, "Llama3_8B"])
    try:
        assert fig.number in plt.get_fignums() and ax in fig.axes
        ax.set_title("Roofline: ResNet-50")
        points = [line.get_xydata()[0] for line in ax.lines if line.get_marker() in "os"]
        intensities = [mlsysim.arithmetic_intensity(name, batch_size=1) for name in ("ResNet50", "Llama3_8B")]
        assert [x for x, _ in points] == pytest.approx(intensities)
        labels = {text.get_text() for text in ax.texts}
        assert {"ResNet-50, batch 1", "Llama-3 8B, batch 1"} <= labels
    finally:
        plt.close(fig)
    assert plt.get_fignums() == before


@pytest.mark.parametrize(
    ("hardware", "workloads"),
    [("M4", []), ("H1000", []), ("H100", "ResNet50"), ("H100", ["Net"]), ("H100", 3)],
)
def test_a_roofline_that_cannot_be_drawn_is_named_and_leaves_no_figure(hardware, workloads):
    before = plt.get_fignums()
    with pytest.raises(InputError):
        mlsysim.plot_roofline(hardware, workloads)
    assert plt.get_fignums() == before
