"""Precision schemes: what they store, where they compute, and what a device lacks."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsysim import (
    CompressionModel,
    Device,
    Hardware,
    InputError,
    Models,
    Runtime,
    ServingModel,
    SingleNodeModel,
    crossover_batch,
    explain,
    find_runtime,
    regime,
    ridge_point,
    sweep,
)
from mlsysim.plots import speedup_curve
from mlsysim.specs import find_scheme, resolve
from mlsysim.specs.schemes import _schemes

STORED = {  # weights, KV cache, activations, where it computes
    "fp32": (32, 32, 32, "fp32"),
    "tf32": (32, 32, 32, "tf32"),
    "bf16": (16, 16, 16, "bf16"),
    "fp16": (16, 16, 16, "fp16"),
    "fp8": (8, 8, 8, "fp8"),
    "int8": (8, 8, 8, "int8"),
    "w8a8": (8, 16, 8, "int8"),
    "w8a16": (8, 16, 16, "fp16"),
    "int4": (4, 4, 16, "fp16"),
    "w4a16": (4, 16, 16, "fp16"),
    "w4a8": (4, 16, 8, "int8"),
    "w4a4": (4, 16, 4, "int4"),
    "fp4": (4, 4, 4, "fp4"),
    "nf4": (4, 16, 16, "fp16"),
    "nvfp4": (4.5, 16, 4.5, "fp4"),
    "mxfp4": (4.25, 16, 4.25, "fp4"),
}
GGUF = {"q2_k": 3.1593, "q3_k_s": 3.6429, "q3_k_l": 4.2979, "iq4_xs": 4.4597, "q4_k_s": 4.6672}
GGUF |= {"q4_k_m": 4.8944, "q5_k_s": 5.5704, "q5_k_m": 5.7036, "q6_k": 6.5633, "q8_0": 8.5008}
STORED |= {name: (bits, 16, 16, "fp16") for name, bits in GGUF.items()}
EITHER = {"fp16", "bf16"}
BF16 = {"bf16"}
FALLS_BACK = {"int8": EITHER, "w8a8": EITHER, "nvfp4": EITHER, "mxfp4": EITHER}
FALLS_BACK |= dict.fromkeys(GGUF, BF16) | {
    "fp16": BF16,
    "w8a16": BF16,
    "int4": BF16,
    "w4a16": BF16,
    "nf4": BF16,
}
SHRINKS = {name for name, (_, kv, *_) in STORED.items() if kv < 16}
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
        assert (r.scheme.computes_at, r.scheme.note) == (wanted, "")
    elif fallbacks:
        r = decode(name, device)
        assert r.scheme.computes_at in fallbacks
        assert (
            f"{device.name} has no {wanted} peak" in r.notes
            and f"computed in {r.scheme.computes_at}" in r.notes
        )
    elif not device.peaks:
        r = decode(name, device)
        assert f"{device.name}: its source gives no compute peak at all, so times count memory" in r.notes
        assert r.itl_s == pytest.approx(sum(r.timing.memory) + r.timing.overhead)
    else:
        with pytest.raises(InputError) as error:
            decode(name, device)
        has = f"it has: {', '.join(device.peaks)}"
        assert f"{device.name} cannot run {name}: it has no {wanted} peak; {has}" in str(error.value)


@pytest.mark.parametrize("device", list(Hardware), ids=lambda d: d.name)
def test_every_device_answers_at_the_defaults(device):
    assert solve("Llama3_8B", device).itl_s > 0
    assert crossover_batch("Llama3_8B", device, 1.5).speedup > 0


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (lambda: decode("fp16", "M4_Max_40c").ttft, "M4_Max_40c has no TTFT: .*no compute peak"),
        (lambda: regime(decode("fp16", "M4_Max_40c")), "M4_Max_40c has no ridge point: .*no compute peak"),
        (lambda: ridge_point("M4_Max_40c"), "M4_Max_40c cannot run fp16"),
        (lambda: SingleNodeModel().solve("ResNet50", "M4_Max_40c"), "M4_Max_40c cannot run fp16"),
        (lambda: SingleNodeModel().solve("Llama3_8B", "M4_Max_40c", is_training=True), "M4_Max_40c cannot"),
    ],
)
def test_what_needs_a_compute_peak_that_nobody_gives_is_an_error(asked, says):
    with pytest.raises(InputError, match=says):
        asked()


def test_a_step_without_a_compute_peak_is_explained_by_what_is_known():
    terms = {term.name for term in explain(decode("fp16", "M4_Max_40c"))}
    assert terms == {"weight traffic", "KV traffic", "overhead"}


def test_int8_without_an_int8_rate_loads_8_bits_and_computes_like_fp16():
    r, half = decode("int8", "V100", batch_size=512), decode("fp16", "V100", batch_size=512)
    assert r.timing.compute[0] == half.timing.compute[0]
    assert r.timing.memory[0] == half.timing.memory[0] / 2
    assert "weight-only" in r.notes and r.scheme.activation_bits == 16


def test_int8_on_blackwell_ultra_computes_at_its_slow_int8_rate():
    assert decode("int8", "B300", batch_size=4096).itl_s > decode("fp16", "B300", batch_size=4096).itl_s


def test_int4_on_a_tpu_computes_in_bf16_and_says_so():
    assert decode("w4a16", "TPUv5e").notes == "TPUv5e has no fp16 peak: computed in bf16"


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
    assert r.scheme.kv_bits == STORED[kv][0] and not r.notes
    assert r.timing.memory[0] == own.timing.memory[0]


# --- what a name counts


def gains(precision, **arguments):
    batch = np.arange(1, 129)
    slow, fast = (decode(p, batch_size=batch, **arguments).itl_s for p in ("fp16", precision))
    return slow / fast


@pytest.mark.parametrize("name", sorted(STORED.keys() - {"fp4", "w4a4"}))
def test_a_speedup_that_rests_on_a_shrunk_cache_says_so_and_any_other_falls_with_the_batch(name):
    r = decode(name)
    said = f"{name} counts the KV cache at {STORED[name][1]:g} bits too" in r.notes
    assert said == (name in SHRINKS)
    assert (r.notes in repr(r)) and (f"KV cache at {STORED[name][1]:g} bits" in r.scheme.title) == said
    if not said and STORED[name][0] < 16:
        assert (np.diff(gains(name, runtime="compiled")) < 0).all()


def test_exercise_2_as_printed_has_an_answer_or_says_what_to_type():
    rising = gains("int4")
    assert (f"{rising[0]:.2f}", f"{rising[63]:.2f}", rising.min() > 1.5) == ("1.86", "2.35", True)
    note = decode("int4").notes
    assert 'precision="w4a16"' in note and 'kv_precision="fp16"' in note
    for typed in ({"precision": "w4a16"}, {"precision": "int4", "kv_precision": "fp16"}):
        falling = gains(**typed)
        assert (np.diff(falling) < 0).all() and falling[37 - 1] >= 1.5 > falling[38 - 1]


@pytest.mark.parametrize("name", ["int4", "w4a16", "int8", "w8a8"])
def test_one_name_means_the_same_to_every_function(name):
    gain = decode("fp16", batch_size=64).itl_s / decode(name, batch_size=64).itl_s
    where = {"model": "Llama3_8B", "hardware": "H100"}
    found = crossover_batch(**where, threshold=1e-9, precision=name, max_batch=64)
    assert found.speedup == pytest.approx(gain) and found.notes == decode(name).notes
    table = sweep(ServingModel(), **where, precision=["fp16", name], batch_size=64)
    assert table["itl_s"][0] / table["itl_s"][1] == pytest.approx(gain)
    assert table.notes == ((decode(name).notes,) if name in SHRINKS else ())
    assert all(note in repr(table) and note.split(" too")[0] in table._repr_html_() for note in table.notes)
    alt = speedup_curve(**where, precisions=[name], max_batch=64).alt
    assert f"{gain:.2f}x at batch 64" in alt and ("KV cache at" in alt) == (name in SHRINKS)


@pytest.mark.parametrize(("bits", "name"), [(4, "int4"), (8, "int8")])
def test_compressing_to_a_number_of_bits_is_the_format_of_that_name_and_says_so(bits, name):
    solved = CompressionModel().solve("Llama3_8B", "H100", target_bitwidth=bits, batch_size=64)
    gain = decode("fp16", batch_size=64).itl_s / decode(name, batch_size=64).itl_s
    assert solved.speedup == pytest.approx(gain) and decode(name).notes in solved.notes
    kept = CompressionModel().solve("Llama3_8B", "H100", target_bitwidth=bits, kv_precision="fp16")
    assert "KV cache" not in kept.notes
    assert "KV cache" not in CompressionModel().solve("ResNet50", "H100", target_bitwidth=bits).notes


# --- any width


@given(st.floats(1, 16), st.integers(1, 64), st.sampled_from(["ideal", "compiled"]))
def test_weights_of_any_width_are_read_at_that_width_and_computed_in_16_bits(bits, batch, runtime):
    r = decode("w4a16", weight_bits=bits, batch_size=batch, runtime=runtime)
    half = decode("fp16", batch_size=batch, runtime=runtime)
    assert r.weights_bytes == pytest.approx(8.03e9 * bits / 8)
    assert r.timing.compute == half.timing.compute and r.kv_bytes == half.kv_bytes
    matmuls = max(r.timing.compute[0], 8.03e9 * bits / 8 / r.timing.rates.bytes_s)
    assert r.itl_s == pytest.approx(matmuls + half.timing.memory[1] + half.timing.overhead)


@pytest.mark.parametrize(("name", "bits"), [("w3a16", 3), ("W2.5A16", 2.5), ("w4a16", 4), ("w16a16", 16)])
def test_a_name_may_say_any_width(name, bits):
    assert decode(name).itl_s == decode("w4a16", weight_bits=bits).itl_s
    assert not decode(name).notes


def test_q4_k_m_of_llama_3_1_8b_is_the_file_of_4_58_gib():
    assert decode("Q4_K_M").weights_bytes / 2**30 == pytest.approx(4.58, abs=0.01)
    assert decode("q8_0").weights_bytes / 2**30 == pytest.approx(7.95, abs=0.01)


def test_widths_broadcast_with_groups_and_16_bits_have_no_scales():
    r = decode("w4a16", weight_bits=[3, 16], group_size=[[32], [128]])
    assert (r.weights_bytes / 8.03e9 * 8).tolist() == [[3.5, 16], [3.125, 16]]
    with pytest.raises(InputError, match=r"weight_bits \(3,\), group_size \(2,\)"):
        decode("w4a16", weight_bits=[2, 3, 4], group_size=[32, 64])
    with pytest.raises(InputError, match=r"batch_size \(2,\), weight_bits \(3,\)"):
        decode("w4a16", weight_bits=[2, 3, 4], group_size=128, batch_size=[1, 2])
    with pytest.raises(InputError, match=r"batch_size \(2,\), group_size \(3,\)"):
        decode("w4a16", group_size=[32, 64, 128], batch_size=[1, 2])
    with pytest.raises(InputError, match=r"batch_size \(2,\), weight_bits \(3,\)"):
        decode("w4a16", weight_bits=[2, 3, 4], batch_size=[1, 2])


@pytest.mark.parametrize("name", ["w0a16", "w17a16", "w99a16"])
def test_a_width_that_no_weight_has_is_refused(name):
    with pytest.raises(InputError, match="give 1 to 16 bits a weight"):
        decode(name)


@pytest.mark.parametrize("printed", ["INT4", "W4A16", "Fp16", "NVFP4"])
def test_a_name_may_be_written_as_papers_print_it(printed):
    assert decode(printed, "B200").itl_s == decode(printed.lower(), "B200").itl_s


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


@pytest.mark.parametrize("name", ["nvfp4", "mxfp4"])
def test_a_format_with_blocks_of_its_own_takes_no_other_groups(name):
    assert decode(name, "B200").weights_bytes == 8.03e9 * STORED[name][0] / 8
    with pytest.raises(InputError, match=rf"group_size = 32 is not used: {name} has 4\.2?5 bits a weight"):
        decode(name, "B200", group_size=32)
    with pytest.raises(InputError, match=r"group_size = 32 is not used: .* has array\(\[3., 4.\]\) bits"):
        decode(name, "B200", group_size=32, weight_bits=[3, 4])


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


# --- unpacking


@given(st.floats(0, 2), st.integers(1, 4096), st.integers(1, 4096))
def test_unpacking_lengthens_the_arithmetic_of_short_weights_alone(unpacking, batch, context):
    runtime = Runtime("r", 0.9, 0.8, 1e-5, unpacking=unpacking)
    arguments = {"batch_size": batch, "seq_len": context, "runtime": runtime}
    four, half = decode("w4a16", **arguments), decode("fp16", **arguments)
    computing = 2 * 8.03e9 * batch / (989.4e12 * 0.8)
    moving = 8.03e9 / 2 / (3.35e12 * 0.9)
    rest = half.itl_s - max(computing, 4 * moving)
    assert four.itl_s == pytest.approx(max(computing * (1 + unpacking), moving) + rest)
    assert decode("w8a8", **arguments).itl_s == decode(
        "w8a8", **{**arguments, "runtime": replace(runtime, unpacking=0)}
    ).itl_s  # fmt: skip


def test_with_unpacking_int4_wins_at_batch_1_and_loses_at_a_large_one():
    runtime = replace(find_runtime("compiled"), unpacking=0.5)
    won = gains("w4a16", seq_len=128, runtime=runtime)[0]
    large = {"batch_size": 4096, "seq_len": 1}
    lost = decode("fp16", **large, runtime=runtime).itl_s / decode("w4a16", **large, runtime=runtime).itl_s
    assert won > 3 and lost == pytest.approx(1 / 1.5, rel=0.01)
    assert crossover_batch("Llama3_8B", "H100", 1, seq_len=128, runtime=runtime).batch is not None
    assert crossover_batch("Llama3_8B", "H100", 1, seq_len=128, runtime="compiled").batch is None


def test_unpacking_may_be_an_array_and_counts_for_images_too():
    runtime = Runtime("r", 1, 1, 0, unpacking=[0, 1])
    r = decode("w4a16", batch_size=4096, seq_len=1, runtime=runtime)
    assert r.shape == (2,) and r.itl_s[1] / r.itl_s[0] == pytest.approx(2, rel=0.01)
    one = SingleNodeModel().solve("ResNet50", "A100", 256, "w4a16", runtime=runtime)
    assert one.timing.compute[0][1] == 2 * one.timing.compute[0][0]
