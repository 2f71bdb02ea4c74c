"""Compression: sizes as in a file, accuracy as measured, speed as the kernels' times have it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mlsysim import CompressionModel, Hardware, InputError, Models, ServingModel, SingleNodeModel
from mlsysim.compression.accuracy_curves import find_curve
from mlsysim.compression.storage import stored_bits
from mlsysim.data import load_csv
from tests.strategies import batches, bit_widths, contexts, measured_curves, runtimes, sparsities

LLAMA, H100 = "Llama3_8B", "H100"
PRE_SPARSE = replace(Hardware["A100"], name="NoSparse", sparse_2_4=False)
solve = CompressionModel().solve


def curve(key):
    family, method, pattern, recipe = key
    return find_curve(family, method, recipe, pattern or "unstructured")


def percent(value):
    return round(100 * float(value), 1)


# Accuracy: what was measured


@pytest.mark.parametrize(
    ("model", "arguments", "loss"),
    [
        (LLAMA, {"target_bitwidth": 4}, -1.2),
        (LLAMA, {"target_bitwidth": 4, "recipe": "round_to_nearest"}, -6.9),
        (LLAMA, {"target_bitwidth": 8}, -0.1),
        ("Llama3_70B", {"target_bitwidth": 4}, -0.6),
        (LLAMA, {"method": "pruning", "sparsity": 0.5}, -12.2),
        (LLAMA, {"method": "pruning", "sparsity": 0.7}, -43.6),
        (LLAMA, {"method": "pruning", "sparsity": 0.5, "recipe": "magnitude"}, -25.0),
        ("ResNet50", {"method": "pruning", "sparsity": 0.9023}, -3.5),
        (LLAMA, {"method": "distillation"}, -1.6),
    ],
)
def test_the_loss_is_the_published_one(model, arguments, loss):
    assert percent(solve(model, H100, **arguments).estimated_accuracy_delta) == loss


def test_every_measurement_names_its_source_and_none_is_an_interpolation():
    for row in load_csv("accuracy.csv") + load_csv("distilled.csv"):
        assert row["source"]
        assert not any(word in str(row).upper() for word in ("INTERPOLATED", "ASSUMED", "EXTRAPOLATED"))


@given(measured_curves)
def test_an_uncompressed_model_loses_exactly_nothing(key):
    c = curve(key)
    assert c.at(16.0 if c.method == "quantization" else 0.0) == (1.0, 1.0, 1.0)


@given(measured_curves, st.floats(0, 1), st.floats(0, 1))
def test_compressing_more_never_gains_accuracy(key, u, v):
    c = curve(key)
    less, more = sorted((c.x[0] + u * (c.x[-1] - c.x[0]), c.x[0] + v * (c.x[-1] - c.x[0])))
    if c.method == "quantization":
        less, more = more, less
    for before, after in zip(c.at(less), c.at(more), strict=True):
        assert after <= before + 1e-12


@given(measured_curves, st.floats(0, 1))
def test_accuracy_stays_between_chance_and_that_of_the_uncompressed_model(key, u):
    c = curve(key)
    middle, low, high = c.at(c.x[0] + u * (c.x[-1] - c.x[0]))
    assert c.chance - 1e-12 <= low <= middle + 1e-12
    assert middle <= high + 1e-12 <= 1 + 1e-11


@given(measured_curves, st.floats(0, 1))
def test_curves_have_no_jumps(key, u):
    c = curve(key)
    x = float(c.x[0] + u * (c.x[-1] - c.x[0]))
    near = min(x + 1e-9, float(c.x[-1]))
    steepest = np.max(np.abs(np.diff([c.recovery, c.low, c.high])) / np.diff(c.x))
    for here, there in zip(c.at(x), c.at(near), strict=True):
        assert abs(here - there) <= steepest * 1e-9 + 1e-12


@given(measured_curves)
def test_curves_go_through_the_mean_of_the_central_measurements_unless_that_would_rise(key):
    c = curve(key)
    rows = [
        r for r in load_csv("accuracy.csv") if (r["family"], r["method"], r["pattern"], r["recipe"]) == key
    ]
    for x in c.measured:
        mean = np.mean(
            [
                min(max(float(r["value"]) / float(r["baseline"]), c.chance), 1)
                for r in rows
                if r["use"] == "central" and float(r["x"]) == x
            ]
        )
        assert c.at(x)[0] <= mean + 1e-12
        assert c.at(x)[0] == pytest.approx(mean, abs=0.005)


def test_sources_that_disagree_give_a_range_around_the_estimate():
    c = solve(LLAMA, H100, target_bitwidth=4)
    assert (percent(c.accuracy_low), percent(c.accuracy_high)) == (-4.1, -0.6)
    assert c.accuracy_low < c.estimated_accuracy_delta < c.accuracy_high
    assert len(c.accuracy_sources) >= 3


def test_the_basis_says_whether_a_point_was_measured():
    assert solve(LLAMA, H100, target_bitwidth=4).accuracy_basis == "measured"
    assert solve(LLAMA, H100, target_bitwidth=5).accuracy_basis == "interpolated"
    assert solve(LLAMA, H100, "pruning", sparsity_type="n_m").accuracy_basis == "upper bound"


def test_2_4_accuracy_is_an_upper_bound_and_the_result_says_so():
    c = solve(LLAMA, H100, "pruning", sparsity_type="n_m")
    unstructured = solve(LLAMA, H100, "pruning", sparsity=0.5)
    assert c.estimated_accuracy_delta == unstructured.estimated_accuracy_delta
    assert c.accuracy_low < unstructured.accuracy_low
    assert "upper bound" in c.notes


# Size


def test_int4_in_groups_of_128_takes_an_fp16_scale_for_each_group():
    c = solve(LLAMA, H100, target_bitwidth=4)
    assert c.compression_ratio == 4
    assert c.storage_ratio == pytest.approx(16 / 4.125)
    assert f"{c.compressed_size_gb:.2f~P}" == "4.02 GB"
    assert f"{c.stored_size_gb:.2f~P}" == "4.14 GB"
    assert solve(LLAMA, H100, target_bitwidth=4, group_size=64).storage_ratio == pytest.approx(16 / 4.25)
    assert solve(LLAMA, H100, target_bitwidth=4, group_size=None).storage_ratio == 4
    assert solve(LLAMA, H100, target_bitwidth=8).storage_ratio == 2


@pytest.mark.parametrize(
    ("sparse_format", "bits"),
    [("dense", 16), ("bitmask", 8 + 1), ("csr", 8 + 16 + 32 / 4096)],
)
def test_half_the_weights_gone_is_not_half_the_file(sparse_format, bits):
    c = solve(LLAMA, H100, "pruning", sparsity=0.5, sparse_format=sparse_format)
    assert c.compression_ratio == 2
    assert c.storage_ratio == pytest.approx(16 / bits)


def test_2_4_stores_two_values_of_four_and_their_positions():
    assert solve(LLAMA, H100, "pruning", sparsity_type="n_m").storage_ratio == pytest.approx(16 / 9)
    combined = solve(LLAMA, H100, "combined", sparsity_type="n_m", target_bitwidth=4)
    assert combined.compression_ratio == 8
    assert combined.storage_ratio == pytest.approx(16 / 3.125)


@given(sparsities, bit_widths)
def test_the_default_format_of_unstructured_zeros_is_the_smallest(sparsity, bits):
    best, name = stored_bits(bits, sparsity, "unstructured", None, 128)
    sizes = {n: stored_bits(bits, sparsity, "unstructured", n, 128)[0] for n in ("dense", "bitmask", "csr")}
    assert best == min(sizes.values()) == sizes[name]


@given(sparsities)
def test_a_file_is_never_smaller_than_its_payload(sparsity):
    c = solve("ResNet50", H100, "pruning", sparsity=sparsity)
    assert 1 <= c.storage_ratio <= c.compression_ratio * (1 + 1e-12)


@given(
    bit_widths,
    bit_widths,
    sparsities,
    sparsities,
    st.sampled_from(["unstructured", "structured"]),
    st.sampled_from([None, 32, 128]),
)
def test_a_file_of_fewer_bits_and_more_zeros_is_never_larger(b, c, s, t, pattern, group):
    # From 7 to 8 bits the group scales go, which may save more than the bit costs where hardly a weight is left.
    assume(group is None or max(b, c) <= 7)
    fewer = stored_bits(min(b, c), max(s, t), pattern, None, group)[0]
    assert fewer <= stored_bits(max(b, c), min(s, t), pattern, None, group)[0] + 1e-12


@given(bit_widths, sparsities, st.sampled_from(["unstructured", "structured"]), st.sampled_from([32, 128]))
def test_stored_sizes_have_no_jumps(bits, sparsity, pattern, group):
    here = stored_bits(bits, sparsity, pattern, None, group)[0]
    near = stored_bits(bits + 1e-9, min(sparsity + 1e-9, 0.9999), pattern, None, group)[0]
    assert abs(near - here) < 1e-6


def test_a_width_between_two_is_stored_as_a_mixture_of_both():
    for bits in (7, 3):
        mixed, low, high = (
            stored_bits(b, 0.0, "unstructured", "dense", 128)[0] for b in (bits + 0.5, bits, bits + 1)
        )
        assert mixed == pytest.approx((low + high) / 2)


def test_nothing_pruned_and_nothing_quantized_changes_nothing():
    for c in (solve(LLAMA, H100, target_bitwidth=16), solve(LLAMA, H100, "pruning", sparsity=0.0)):
        assert (c.compression_ratio, c.storage_ratio, c.speedup, c.estimated_accuracy_delta) == (1, 1, 1, 0)


def test_ratios_are_relative_to_the_baseline_asked_for():
    assert solve(LLAMA, H100, target_bitwidth=8, baseline_bits=32).compression_ratio == 4


# Speed


@given(batches, contexts, runtimes, st.sampled_from([(16, "fp16"), (8, "int8"), (4, "int4")]))
def test_the_speedup_is_that_of_the_step_model(batch, context, runtime, scheme):
    bits, precision = scheme
    c = solve(LLAMA, H100, target_bitwidth=bits, batch_size=batch, seq_len=context, runtime=runtime)
    slow, fast = (
        ServingModel().solve(LLAMA, H100, context, batch, p, runtime=runtime).itl_s
        for p in ("fp16", precision)
    )
    assert c.speedup == pytest.approx(slow / fast, rel=1e-12)


def test_vision_speedups_are_those_of_a_forward_pass():
    c = solve("ResNet50", "A100", target_bitwidth=np.array([16, 8, 4]), batch_size=256)
    times = [SingleNodeModel().solve("ResNet50", "A100", 256, p).latency_s for p in ("fp16", "int8", "int4")]
    assert c.speedup == pytest.approx(times[0] / np.array(times), rel=1e-12)


@given(runtimes, batches, st.floats(2, 16), st.floats(2, 16))
def test_fewer_weight_bits_never_slow_a_step_down(runtime, batch, a, b):
    fewer, more = sorted((a, b))
    assume(8 not in (fewer, more))  # W8A8 computes at another rate
    assume(more < 16)  # from 16 bits on nothing is unpacked
    c = solve(LLAMA, H100, target_bitwidth=np.array([fewer, more]), batch_size=batch, runtime=runtime)
    assert c.speedup[0] >= c.speedup[1] * (1 - 1e-12)


@given(sparsities, batches, runtimes)
def test_unstructured_zeros_speed_up_nothing(sparsity, batch, runtime):
    c = solve(LLAMA, H100, "pruning", sparsity=sparsity, batch_size=batch, runtime=runtime)
    assert c.speedup == 1
    assert not sparsity or "unstructured" in c.notes


def test_2_4_speeds_up_only_a_device_that_has_it():
    has = solve(LLAMA, "A100", "pruning", sparsity_type="n_m", runtime="ideal")
    lacks = solve(LLAMA, PRE_SPARSE, "pruning", sparsity_type="n_m", runtime="ideal")
    assert has.speedup == pytest.approx(16 / 9, rel=0.02)
    assert lacks.speedup == 1
    assert "no 2:4" in lacks.notes
    assert has.storage_ratio == lacks.storage_ratio


def test_2_4_halves_the_time_of_matmuls_at_the_compute_ceiling():
    c = solve(LLAMA, H100, "pruning", sparsity_type="n_m", batch_size=4096, seq_len=1, runtime="ideal")
    assert c.speedup == pytest.approx(2, rel=0.01)


def test_2_4_and_int4_load_three_bits_a_weight():
    c = solve(LLAMA, H100, "combined", 4, sparsity_type="n_m", seq_len=1, runtime="ideal")
    assert c.speedup == pytest.approx(16 / 3, rel=0.001)


def test_structured_pruning_removes_bytes_and_flops():
    for batch in (1, 4096):
        c = solve(
            LLAMA,
            H100,
            "pruning",
            sparsity=0.2,
            sparsity_type="structured",
            batch_size=batch,
            seq_len=1,
            runtime="ideal",
        )
        assert c.speedup == pytest.approx(1.25, rel=0.01)


def test_a_baseline_that_does_not_fit_is_named():
    assert "141.1 GB) does not fit H100" in solve("Llama3_70B", H100, target_bitwidth=4).notes


def test_size_and_accuracy_survive_a_device_that_cannot_run_the_scheme():
    no_fp16 = replace(Hardware["A100"], name="IntegersOnly", peaks={"int8": 4e12})
    c = solve("ResNet50", no_fp16, target_bitwidth=8)
    assert c.storage_ratio == 2
    with pytest.raises(InputError, match="IntegersOnly"):
        _ = c.speedup


# Combined and distilled


@given(bit_widths, sparsities)
def test_combined_accuracy_is_the_product_and_never_below_chance(bits, sparsity):
    both = solve(LLAMA, H100, "combined", bits, sparsity)
    q = solve(LLAMA, H100, target_bitwidth=bits)
    p = solve(LLAMA, H100, "pruning", sparsity=sparsity)
    product = (1 + q.estimated_accuracy_delta) * (1 + p.estimated_accuracy_delta)
    floor = min(find_curve("llm_8b", m).chance for m in ("quantization", "pruning"))
    assert 1 + both.estimated_accuracy_delta == pytest.approx(max(product, floor))
    assert both.compression_ratio == pytest.approx(q.compression_ratio * p.compression_ratio)


@given(bit_widths, bit_widths, sparsities, sparsities, st.sampled_from(["unstructured", "structured"]))
def test_combined_never_gains_accuracy_by_compressing_more_and_is_exact_at_the_ends(b, c, s, t, pattern):
    def both(bits, sparsity):
        return solve(LLAMA, H100, "combined", bits, sparsity, pattern)

    less, more = both(max(b, c), min(s, t)), both(min(b, c), max(s, t))
    for name in ("estimated_accuracy_delta", "accuracy_low", "accuracy_high"):
        assert getattr(more, name) <= getattr(less, name) + 1e-12 <= 2e-12
    assert more.accuracy_low <= more.estimated_accuracy_delta + 1e-12 <= more.accuracy_high + 2e-12
    pruned, quantized = (
        solve(LLAMA, H100, "pruning", sparsity=s, sparsity_type=pattern),
        solve(LLAMA, H100, target_bitwidth=b),
    )
    assert both(16, s).estimated_accuracy_delta == pruned.estimated_accuracy_delta
    assert both(b, 0).estimated_accuracy_delta == quantized.estimated_accuracy_delta
    assert both(16, 0).estimated_accuracy_delta == 0 and both(16, 0).speedup == 1


def test_combined_says_that_its_accuracy_is_not_measured():
    assert solve(LLAMA, H100, "combined", 4, 0.5).accuracy_basis == "product of recoveries"


def test_distilled_students_are_the_published_ones():
    sparse = solve(LLAMA, H100, "distillation", recipe="sparse_2_4_w4a16")
    assert (sparse.compression_ratio, percent(sparse.estimated_accuracy_delta)) == (8, -0.6)
    with pytest.raises(InputError, match=r"sparse_2_4.*minitron|minitron.*sparse_2_4"):
        solve(LLAMA, H100, "distillation", recipe="tiny")
    with pytest.raises(InputError, match="sparse_2_4"):
        solve("ResNet50", H100, "distillation")


def test_a_result_shows_size_accuracy_with_its_range_and_speed():
    assert repr(solve(LLAMA, H100, target_bitwidth=4)).startswith(
        "<CompressionResult 4.14 GB in a file (3.88x), accuracy -1.2% (-4.1% to -0.6%), measured, 1.86x as fast; "
        "int4 counts the KV cache at 4 bits too"
    )
    assert "shape (2,)" in repr(solve(LLAMA, H100, target_bitwidth=[4, 8]))
    assert "no speed-up: M3 cannot run int4" in repr(solve("ResNet50", "M3", target_bitwidth=4))
    assert "M3: its source gives no compute peak at all" in solve(LLAMA, "M3", target_bitwidth=4).notes


# Arrays and bad input


def test_arguments_broadcast_and_every_point_is_that_of_a_single_call():
    bits, batch = np.array([[16.0], [8], [4], [3.5]]), np.array([1, 64])
    c = solve(LLAMA, H100, target_bitwidth=bits, batch_size=batch)
    for name in ("compression_ratio", "storage_ratio", "estimated_accuracy_delta", "accuracy_low", "speedup"):
        values = getattr(c, name)
        assert values.shape == (4, 2)
        for i, j in np.ndindex(4, 2):
            one = solve(LLAMA, H100, target_bitwidth=bits[i, 0], batch_size=int(batch[j]))
            assert values[i, j] == pytest.approx(getattr(one, name), rel=1e-12)


def test_arrays_that_do_not_broadcast_say_their_shapes():
    with pytest.raises(InputError, match=r"target_bitwidth \(2,\), sparsity \(3,\)"):
        solve(LLAMA, H100, "combined", [4, 8], [0.1, 0.2, 0.3])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"method": "prune"}, "unknown method 'prune'"),
        ({"target_bitwidth": 1}, "target_bitwidth = 1 .* from 2 to 16"),
        ({"target_bitwidth": 32}, "target_bitwidth = 32"),
        ({"target_bitwidth": float("nan")}, "target_bitwidth = nan"),
        ({"target_bitwidth": "4"}, "target_bitwidth = '4'"),
        ({"method": "pruning"}, "sparsity is missing"),
        ({"method": "pruning", "sparsity": 1.0}, "sparsity = 1.0 .* from 0 to below 1"),
        ({"method": "pruning", "sparsity": [0.5, 1]}, "sparsity = 1.0 .* from 0 to below 1"),
        ({"method": "pruning", "sparsity": -0.1}, "sparsity = -0.1"),
        ({"method": "pruning", "sparsity": 0.6, "sparsity_type": "n_m"}, "2:4 sparsity is 0.5"),
        ({"method": "pruning", "sparsity": 0.5, "sparsity_type": "random"}, "unknown sparsity_type"),
        ({"method": "pruning", "sparsity": 0.5, "target_bitwidth": 4}, "target_bitwidth = 4 is not used"),
        ({"sparsity": 0.5}, "sparsity = 0.5 is not used"),
        ({"sparsity_type": "n_m"}, "sparsity_type = 'n_m' is not used"),
        ({"pruning_recipe": "magnitude"}, "pruning_recipe = 'magnitude' is not used"),
        ({"method": "distillation", "target_bitwidth": 4}, "target_bitwidth = 4 is not used"),
        ({"recipe": "magic"}, "unknown recipe"),
        ({"group_size": 0}, "group_size = 0"),
        ({"batch_size": 0}, "batch_size = 0"),
        ({"seq_len": 1.5}, "seq_len = 1.5"),
        ({"runtime": "fast"}, "unknown runtime"),
        ({"kv_precision": "int5"}, "unknown kv_precision"),
        ({"method": "pruning", "sparsity": 0.5, "sparse_format": "2:4"}, "sparse_format = '2:4'"),
        ({"method": "pruning", "sparsity": 0.5, "sparse_format": "zip"}, "unknown sparse_format"),
    ],
)
def test_bad_input_is_named(arguments, says):
    with pytest.raises(InputError, match=says):
        solve(LLAMA, H100, **arguments)


def test_a_family_that_was_not_measured_says_what_was():
    with pytest.raises(InputError, match=r"llm_70b.*llm_8b.*cnn"):
        solve("Llama3_70B", H100, "pruning", sparsity=0.5)
    with pytest.raises(InputError, match=r"target_bitwidth = 2 .* from 4 to 16"):
        solve("ResNet50", H100, target_bitwidth=2)
    with pytest.raises(InputError, match="KV cache"):
        solve("ResNet50", H100, kv_precision="fp16")


def test_a_students_own_device_and_model_work_like_the_named_ones():
    assert solve(Models[LLAMA], Hardware[H100]).speedup == solve(LLAMA, H100).speedup
    with pytest.raises(InputError, match="hardware = 3"):
        solve(LLAMA, 3)
    with pytest.raises(InputError, match="model = 3"):
        solve(3, H100)
