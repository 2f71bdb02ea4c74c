"""Bad input says which argument, its value and what is allowed; what does not fit is said, not computed away."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mlsysim
from mlsysim import (
    CompressionModel,
    Engine,
    InputError,
    Runtime,
    ServingModel,
    SingleNodeModel,
    crossover_batch,
)

LLAMA, H100 = mlsysim.Models.Llama3_8B, mlsysim.Hardware.Cloud.H100


def serve(**changed):
    return ServingModel().solve(**dict(model=LLAMA, hardware=H100, seq_len=2048, batch_size=1) | changed)


@pytest.mark.parametrize(
    ("call", "wrong", "nearest"),
    [
        (lambda: serve(model="Llama3-8b-instruct"), "Llama3-8b-instruct", "Llama3_8B"),
        (lambda: serve(hardware="H1000"), "H1000", "H100"),
        (lambda: serve(precision="int5"), "int5", "int4"),
        (lambda: serve(kv_precision="pf16"), "pf16", "fp16"),
        (lambda: serve(runtime="tutorials"), "tutorials", "tutorial"),
        (
            lambda: CompressionModel().solve(LLAMA, H100, method="quantisation"),
            "quantisation",
            "quantization",
        ),
        (lambda: mlsysim.Models.Llama3_9B, "Llama3_9B", "Llama3_8B"),
        (lambda: mlsysim.Hardware.Cloud.A1000, "A1000", "A100"),
    ],
)
def test_an_unknown_name_is_told_with_the_nearest_known_ones(call, wrong, nearest):
    with pytest.raises(InputError) as caught:
        call()
    assert wrong in str(caught.value) and nearest in str(caught.value)


BAD_COUNTS = st.sampled_from(
    [0, -1, 1.5, math.nan, math.inf, -math.inf, "3", None, True, [], [0], [1, math.nan], {}, 1j]
)


@given(bad=BAD_COUNTS)
def test_a_batch_or_context_that_is_no_count_is_refused_by_name_and_value(bad):
    for argument in ("batch_size", "seq_len"):
        with pytest.raises(InputError, match=rf"^{argument} = .* is not allowed: give a whole number from 1"):
            serve(**{argument: bad})
    with pytest.raises(InputError, match=r"^batch_size = "):
        SingleNodeModel().solve("ResNet50", "A100", batch_size=bad)


@pytest.mark.parametrize("bad", [-0.1, 1.0, 1.5, math.nan, "half", None])
def test_a_sparsity_out_of_range_is_refused(bad):
    with pytest.raises(InputError, match=r"^sparsity (=|is missing)"):
        CompressionModel().solve(LLAMA, H100, method="pruning", sparsity=bad)


@pytest.mark.parametrize("bad", [0, 1, 17, math.nan, "4"])
def test_bits_out_of_range_are_refused(bad):
    with pytest.raises(InputError, match=r"^target_bitwidth = "):
        CompressionModel().solve(LLAMA, H100, target_bitwidth=bad)


@pytest.mark.parametrize("argument", ["bandwidth_efficiency", "compute_efficiency"])
@pytest.mark.parametrize("bad", [0, -0.5, 1.01, math.nan, "0.9", None])
def test_an_efficiency_out_of_range_is_refused(argument, bad):
    given = dict(bandwidth_efficiency=0.9, compute_efficiency=0.9, layer_overhead_s=0.0) | {argument: bad}
    with pytest.raises(InputError, match=rf"^{argument} = .* above 0 and up to 1"):
        Runtime("mine", **given)


def test_a_threshold_of_zero_is_refused():
    with pytest.raises(InputError, match=r"^threshold = 0 "):
        crossover_batch(LLAMA, H100, 0)


def test_arrays_that_do_not_broadcast_say_their_shapes():
    with pytest.raises(InputError, match=r"\(3,\).*\(2,\)"):
        serve(batch_size=np.array([1, 2, 3]), seq_len=np.array([1, 2]))


def test_the_wrong_kind_of_model_says_what_the_solver_takes():
    with pytest.raises(InputError, match="ServingModel takes a TransformerModel"):
        serve(model="ResNet50")
    with pytest.raises(InputError, match="SingleNodeModel without is_training=True takes a VisionModel"):
        SingleNodeModel().solve(LLAMA, H100)


def test_a_model_that_does_not_fit_is_not_feasible_and_says_the_bytes_needed_and_had():
    r = serve(model="Llama3_70B")
    assert not r.feasible
    assert f"{r.memory_needed:.0f~P} of {r.memory_available:.0f~P}" == "142 GB of 80 GB"
    assert "does NOT fit: needs 141.8 GB, the device has 80.0 GB" in repr(r)
    assert serve(model="Llama3_70B", precision="int4").feasible


def test_arrays_come_back_in_the_broadcast_shape():
    r = serve(batch_size=np.array([[1], [2], [600]]), seq_len=np.array([128, 2048]))
    for value in (
        r.itl_s,
        r.ttft_s,
        r.weights_bytes,
        r.kv_bytes,
        r.feasible,
        r.throughput,
        r.binding,
        r.bottleneck,
    ):
        assert np.shape(value) == (3, 2)
    one = serve(batch_size=2, seq_len=128)
    assert r.itl_s[1, 0] == pytest.approx(one.itl_s) and r.ttft_s[1, 0] == pytest.approx(one.ttft_s)
    assert r.feasible.tolist() == [[True, True], [True, True], [True, False]]


def test_the_parts_of_a_step_add_up_to_its_time():
    r = serve(batch_size=np.arange(1, 600), precision="int4", kv_precision="fp16")
    assert np.allclose(sum(r.parts.values()), r.itl_s, rtol=1e-12)


def test_int8_on_a_device_without_it_is_weight_only_and_says_so():
    r = serve(hardware="V100", precision="int8")
    assert r.scheme.computes_at == "fp16" and "V100" in r.notes and "weight-only" in r.notes


def test_the_engine_takes_any_workload():
    assert (
        Engine.solve("ResNet50", "A100", batch_size=256).latency_s
        == SingleNodeModel().solve("ResNet50", "A100", 256).latency_s
    )
    assert Engine.solve(LLAMA, H100, precision="int4").latency_s == serve(precision="int4").itl_s
