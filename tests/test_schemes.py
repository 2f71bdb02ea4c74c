"""Precision schemes: what they store, where they compute, and what a device lacks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsysim import Device, Hardware, InputError, Models, ServingModel, SingleNodeModel
from mlsysim.specs import find_scheme, resolve
from mlsysim.specs.schemes import _schemes

STORED = {  # weights, KV cache, activations, where it computes
    "fp32": (32, 32, 32, "fp32"),
    "tf32": (32, 32, 32, "tf32"),
    "bf16": (16, 16, 16, "bf16"),
    "fp16": (16, 16, 16, "fp16"),
    "fp8": (8, 8, 8, "fp8"),
    "int8": (8, 8, 8, "int8"),
    "w8a16": (8, 8, 16, "fp16"),
    "int4": (4, 4, 16, "fp16"),
    "w4a8": (4, 4, 8, "int8"),
    "w4a4": (4, 4, 4, "int4"),
    "fp4": (4, 4, 4, "fp4"),
    "nf4": (4, 4, 16, "fp16"),
}
FALLS_BACK = {"int8": {"fp16", "bf16"}, "w8a16": {"bf16"}, "int4": {"bf16"}, "nf4": {"bf16"}}
solve = ServingModel().solve


def decode(precision, device="H100", **arguments):
    return solve("Llama3_8B", device, precision=precision, **arguments)


def test_every_scheme_is_listed_here():
    assert _schemes().keys() == STORED.keys()


@pytest.mark.parametrize("name", STORED)
def test_a_scheme_says_what_it_stores_and_where_it_computes(name):
    s = find_scheme(name)
    assert (s.weight_bits, s.kv_bits, s.activation_bits, s.computes_at) == STORED[name]
    assert s.title and "(20" in s.source and s.group_size is None


@pytest.mark.parametrize("device", list(Hardware), ids=lambda d: d.name)
@pytest.mark.parametrize("name", STORED)
def test_a_scheme_runs_as_named_or_says_so_or_is_an_error_that_lists_the_peaks(name, device):
    wanted = STORED[name][3]
    fallbacks = FALLS_BACK.get(name, set()) & device.peaks.keys()
    if wanted in device.peaks:
        r = decode(name, device)
        assert (r.scheme.computes_at, r.notes) == (wanted, "")
    elif fallbacks:
        r = decode(name, device)
        assert r.scheme.computes_at in fallbacks
        assert (
            f"{device.name} has no {wanted} peak" in r.notes
            and f"computed in {r.scheme.computes_at}" in r.notes
        )
    else:
        has = (
            f"it has: {', '.join(device.peaks)}"
            if device.peaks
            else "its source gives no compute peak at all"
        )
        with pytest.raises(InputError) as error:
            decode(name, device)
        assert f"{device.name} cannot run {name}: it has no {wanted} peak; {has}" in str(error.value)


def test_int8_without_an_int8_rate_loads_8_bits_and_computes_like_fp16():
    r, half = decode("int8", "V100", batch_size=512), decode("fp16", "V100", batch_size=512)
    assert r.timing.compute[0] == half.timing.compute[0]
    assert r.timing.memory[0] == half.timing.memory[0] / 2
    assert "weight-only" in r.notes and r.scheme.activation_bits == 16


def test_int8_on_blackwell_ultra_computes_at_its_slow_int8_rate():
    assert decode("int8", "B300", batch_size=4096).itl_s > decode("fp16", "B300", batch_size=4096).itl_s


def test_int4_on_a_tpu_computes_in_bf16_and_says_so():
    assert decode("int4", "TPUv5e").notes == "TPUv5e has no fp16 peak: computed in bf16"


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_bf16_and_fp16_take_the_same_time_where_there_are_both(precision):
    assert decode(precision, "H100", batch_size=300).itl_s == decode("fp16", "H100", batch_size=300).itl_s


def test_tf32_stores_like_fp32_and_computes_faster():
    r, full = decode("tf32"), decode("fp32")
    assert r.weights_bytes == full.weights_bytes
    assert r.timing.compute[0] < full.timing.compute[0]


@pytest.mark.parametrize("kv", STORED)
def test_the_kv_cache_takes_any_schemes_bits_and_nothing_else_changes(kv):
    r, own = decode("int4", kv_precision=kv, group_size=64), decode("int4", group_size=64)
    assert r.scheme.kv_bits == STORED[kv][0]
    assert r.timing.memory[0] == own.timing.memory[0]


# --- group scales


def test_scales_are_left_out_unless_asked_for():
    assert decode("int4").weights_bytes == 8.03e9 / 2


@pytest.mark.parametrize(
    ("precision", "group_size", "bits"),
    [
        ("int4", 128, 4.125),
        ("w4a8", 128, 4.125),
        ("int8", 128, 8.125),
        ("nf4", 64, 4.5),
        ("fp4", 16, 4.5),
        ("fp4", 32, 4.25),
    ],
)
def test_a_group_adds_its_scales_share_to_every_weight(precision, group_size, bits):
    r = decode(precision, "B200", group_size=group_size)
    assert r.scheme.weight_bits == bits and r.scheme.group_size == group_size
    assert r.weights_bytes == 8.03e9 * bits / 8
    assert r.kv_bytes == decode(precision, "B200").kv_bytes


@pytest.mark.parametrize("precision", ["fp32", "tf32", "bf16", "fp16"])
def test_weights_of_16_bits_and_more_have_no_scales(precision):
    assert decode(precision, group_size=128).itl_s == decode(precision).itl_s


@given(st.integers(2, 4096), st.integers(2, 4096), st.sampled_from(["int4", "int8", "fp8", "nf4"]))
def test_smaller_groups_never_store_less_nor_run_faster(a, b, precision):
    small, large = (decode(precision, group_size=g) for g in sorted((a, b)))
    assert small.weights_bytes >= large.weights_bytes > decode(precision).weights_bytes
    assert small.itl_s >= large.itl_s


def test_ideal_int4_with_groups_gains_less_than_four():
    gain = decode("fp16", runtime="ideal", kv_precision="int4").timing.memory[0]
    assert gain / decode("int4", runtime="ideal", group_size=128).timing.memory[0] == pytest.approx(
        16 / 4.125
    )


def test_an_image_model_takes_groups_too():
    one = SingleNodeModel().solve("ResNet50", "A100", precision="int4", group_size=128)
    assert one.weights_bytes == Models.ResNet50.parameters * 4.125 / 8


@pytest.mark.parametrize(
    "size", [0, 1, -128, 12.5, "128", True, [128, 1], np.array([64, 0]), float("nan"), 2**40]
)
def test_a_group_size_that_is_no_whole_number_above_one_is_refused(size):
    with pytest.raises(InputError, match="group_size = "):
        decode("int4", group_size=size)


def test_group_sizes_broadcast_like_any_number():
    r = decode("int4", group_size=[[32], [128]], batch_size=[1, 8, 64])
    assert r.shape == (2, 3)
    for i, size in enumerate((32, 128)):
        one = decode("int4", group_size=size, batch_size=8)
        assert (r.itl_s[i, 1], r.weights_bytes[i, 1]) == (one.itl_s, one.weights_bytes)
    with pytest.raises(InputError, match=r"batch_size \(3,\), group_size \(2,\)"):
        decode("int4", group_size=[32, 128], batch_size=[1, 2, 3])


# --- names


@pytest.mark.parametrize("wrong", ["int3", "W4A16x", "", None, 4, ["int4"], {"a": 1}])
def test_an_unknown_scheme_is_named(wrong):
    with pytest.raises(InputError, match="unknown precision"):
        decode(wrong)


@pytest.mark.parametrize("wrong", ["int3", 8, ["fp16"]])
def test_an_unknown_kv_scheme_is_named(wrong):
    with pytest.raises(InputError, match="unknown kv_precision"):
        decode("int4", kv_precision=wrong)


def test_two_devices_of_one_name_are_not_confused():
    common = {"name": "Same", "memory_bytes": 8e9, "bandwidth_bytes_s": 1e11}
    with_int8 = Device(**common, peaks={"fp16": 1e13, "int8": 2e13})
    without = Device(**common, peaks={"fp16": 1e13})
    assert resolve("int8", None, with_int8).computes_at == "int8"
    assert resolve("int8", None, without).computes_at == "fp16"
