"""No input of any public call ends in another error than InputError, or in a warning; what is accepted is computed right."""

import contextlib
import datetime
import io
import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mlsysim
from mlsysim import (
    Architecture,
    CompressionModel,
    Device,
    Engine,
    Hardware,
    InputError,
    Models,
    Runtime,
    ServingModel,
    SingleNodeModel,
    Table,
    TransformerModel,
    VisionModel,
    plots,
    show,
)
from mlsysim.compression.accuracy_curves import find_curve
from mlsysim.compression.storage import stored_bits
from mlsysim.units import quantity

LLAMA, H100 = "Llama3_8B", "H100"
serve, node, compress = ServingModel().solve, SingleNodeModel().solve, CompressionModel().solve

NO_NUMBERS = {
    "nan": math.nan,
    "infinite": math.inf,
    "minus infinite": -math.inf,
    "negative": -1,
    "zero": 0,
    "true": True,
    "NumPy's true": np.True_,
    "text": "8",
    "bytes": b"8",
    "complex": 1j,
    "array of complex": np.array([1j]),
    "beyond any float": 10**400,
    "beyond any float, negative": -(10**400),
    "empty": [],
    "empty array": np.array([], int),
    "ragged": [[1, 2], [3]],
    "array of huge integers": np.array([2**70], dtype=object),
    "array of objects": np.array([1, "a"], dtype=object),
    "array of texts": np.array(["1"]),
    "array of truths": np.array([True]),
    "array with a NaN": np.array([1, np.nan]),
    "array with a mask": np.ma.masked_array([1, 2], [True, False]),
    "records": np.zeros(1, dtype=[("a", int)]),
    "quantity": quantity(8, "byte"),
    "quantity without a unit": quantity(8, ""),
    "array of quantities": quantity(np.array([1, 2]), "ms"),
    "fraction": Fraction(8, 3),
    "decimal": Decimal(8),
    "dict": {1: 2},
    "set": {1, 2},
    "date": datetime.date(2024, 1, 1),
    "NumPy date": np.datetime64("2024-01-01"),
    "NumPy duration": np.timedelta64(3),
    "memory": memoryview(b"ab"),
    "object": object(),
    "function": len,
    "class": int,
}
NO_NAMES = {
    **NO_NUMBERS,
    "number": 8,
    "list": [1, 2],
    "none": None,
    "array": np.arange(3),
    "0-d": np.array(3),
}
ZERO_IS_FINE = (
    *("attainable", "runtime overhead", "unpacking", "prefill overhead", "context overhead", "coverage"),
    *("dispatch", "sparsity"),
)


def device(**row):
    return Device(**{"name": "X", "memory_bytes": 1e9, "bandwidth_bytes_s": 1e9, "peaks": {}, **row})


def model(**row):
    return TransformerModel(
        **{"name": "X", "parameters": 1e9, "layers": 1, "heads": 1, "kv_heads": 1, "head_dim": 1, **row}
    )


NUMBERS = {
    "serving batch": lambda v: serve(LLAMA, H100, batch_size=v),
    "serving context": lambda v: serve(LLAMA, H100, seq_len=v),
    "serving group": lambda v: serve(LLAMA, H100, precision="int4", group_size=v),
    "devices": lambda v: serve(LLAMA, H100, devices=v, link="nvlink4"),
    "prompt": lambda v: mlsysim.solve_request(LLAMA, H100, v),
    "output": lambda v: mlsysim.solve_request(LLAMA, H100, output_tokens=v),
    "weight bits": lambda v: serve(LLAMA, H100, precision="w4a16", weight_bits=v),
    "vision batch": lambda v: node("ResNet50", H100, batch_size=v),
    "training batch": lambda v: node(LLAMA, H100, batch_size=v, is_training=True),
    "training context": lambda v: node(LLAMA, H100, seq_len=v, is_training=True),
    "bits": lambda v: compress(LLAMA, H100, target_bitwidth=v),
    "sparsity": lambda v: compress(LLAMA, H100, "pruning", sparsity=v),
    "sparsity of 2:4": lambda v: compress(LLAMA, H100, "pruning", sparsity=v, sparsity_type="n_m"),
    "unused bits": lambda v: compress(LLAMA, H100, "pruning", v, 0.5),
    "compressed group": lambda v: compress(LLAMA, H100, target_bitwidth=4, group_size=v),
    "baseline bits": lambda v: compress(LLAMA, H100, baseline_bits=v),
    "compressed batch": lambda v: compress(LLAMA, H100, batch_size=v),
    "compressed context": lambda v: compress(LLAMA, H100, seq_len=v),
    "threshold": lambda v: mlsysim.crossover_batch(LLAMA, H100, v),
    "crossover context": lambda v: mlsysim.crossover_batch(LLAMA, H100, 2, seq_len=v),
    "largest batch": lambda v: mlsysim.crossover_batch(LLAMA, H100, 2, max_batch=v),
    "attainable": lambda v: mlsysim.attainable(v, H100),
    "intensity batch": lambda v: mlsysim.arithmetic_intensity(LLAMA, batch_size=v),
    "intensity context": lambda v: mlsysim.arithmetic_intensity(LLAMA, seq_len=v),
    "regime": lambda v: mlsysim.regime(v, 150),
    "regime of a ridge": lambda v: mlsysim.regime(5, v),
    "runtime bandwidth": lambda v: Runtime("x", v, 1, 0),
    "runtime compute": lambda v: Runtime("x", 1, v, 0),
    "runtime overhead": lambda v: Runtime("x", 1, 1, v),
    "unpacking": lambda v: Runtime("x", 1, 1, 0, unpacking=v),
    "unpacking rate": lambda v: Runtime("x", 1, 1, 0, unpacking_rate=v),
    "unpacking tokens": lambda v: Runtime("x", 1, 1, 0, unpacking_tokens=v),
    "head bits": lambda v: Runtime("x", 1, 1, 0, head_bits=v),
    "prefill overhead": lambda v: Runtime("x", 1, 1, 0, prefill_overhead_s=v),
    "context overhead": lambda v: Runtime("x", 1, 1, 0, context_overhead_s=v),
    "peak share": lambda v: Runtime("x", 1, 1, 0, peak_shares={"fp8": v}),
    "lower end": lambda v: Runtime("x", 1, 1, 0, intervals={"itl": (v, 1.2)}),
    "upper end": lambda v: Runtime("x", 1, 1, 0, intervals={"itl": (0.8, v)}),
    "coverage": lambda v: Runtime("x", 1, 1, 0, coverage=v),
    "memory": lambda v: device(memory_bytes=v),
    "bandwidth": lambda v: device(bandwidth_bytes_s=v),
    "peak": lambda v: device(peaks={"fp16": v}),
    "dispatch": lambda v: device(dispatch_s=v),
    "tdp": lambda v: device(tdp_w=v),
    "year": lambda v: device(year=v),
    "parameters": lambda v: model(parameters=v),
    "layers": lambda v: model(layers=v),
    "flops": lambda v: VisionModel(
        "x", parameters=1, layers=1, flops_per_image=v, activations_per_image=1
    ),
    "hidden": lambda v: Architecture(hidden=v, ffn=1, vocab=1),
    "plotted batch": lambda v: plots.speedup_curve(LLAMA, H100, max_batch=v),
    "plotted context": lambda v: plots.speedup_curve(LLAMA, H100, seq_len=v),
    "curve": lambda v: find_curve("llm_8b", "quantization").at(v),
}  # fmt: skip
NAMES = {
    "model": lambda v: serve(v, H100),
    "device": lambda v: serve(LLAMA, v),
    "precision": lambda v: serve(LLAMA, H100, precision=v),
    "KV precision": lambda v: serve(LLAMA, H100, kv_precision=[v]),
    "runtime": lambda v: serve(LLAMA, H100, runtime=v),
    "link": lambda v: serve(LLAMA, H100, devices=2, link=[v]),
    "vision model": lambda v: node(v, H100),
    "is_training": lambda v: node("ResNet50", H100, is_training=[v]),
    "optimizer": lambda v: node(LLAMA, H100, is_training=True, optimizer=[v]),
    "engine model": lambda v: Engine.solve(v, H100),
    "method": lambda v: compress(LLAMA, H100, v),
    "pattern": lambda v: compress(LLAMA, H100, "pruning", sparsity=0.5, sparsity_type=v),
    "recipe": lambda v: compress(LLAMA, H100, recipe=[v]),
    "pruning recipe": lambda v: compress(LLAMA, H100, "combined", 4, 0.5, pruning_recipe=[v]),
    "student": lambda v: compress(LLAMA, H100, "distillation", recipe=[v]),
    "format": lambda v: compress(LLAMA, H100, "pruning", sparsity=0.5, sparse_format=[v]),
    "baseline": lambda v: mlsysim.crossover_batch(LLAMA, H100, 2, baseline=v),
    "ridge device": lambda v: mlsysim.ridge_point(v),
    "workload": lambda v: mlsysim.arithmetic_intensity(v),
    "kernel": lambda v: mlsysim.arithmetic_intensity(LLAMA, kernel=[v]),
    "explained": lambda v: mlsysim.explain(v),
    "runtime name": lambda v: Runtime([v], 1, 1, 0),
    "overheads": lambda v: Runtime("x", 1, 1, 0, overhead_by_memory=v),
    "context overheads": lambda v: Runtime("x", 1, 1, 0, context_overhead_by_memory=v),
    "peak shares": lambda v: Runtime("x", 1, 1, 0, peak_shares=v),
    "intervals": lambda v: Runtime("x", 1, 1, 0, intervals=v),
    "device name": lambda v: device(name=[v]),
    "peaks": lambda v: device(peaks=v),
    "memory type": lambda v: device(memory_type=v),
    "device sources": lambda v: device(sources=[v]),
    "biases": lambda v: Architecture(hidden=1, ffn=1, vocab=1, biases=v),
    "item": lambda v: Hardware[v],
    "model item": lambda v: Models[v],
    "added": lambda v: Hardware.add(v),
    "file": lambda v: Hardware.load([v]),
    "peak of": lambda v: Hardware.H100.peak_flops(v),
    "source of": lambda v: Hardware.H100.source_of(v),
    "columns": lambda v: Table([], v),
    "column": lambda v: Table(["a"], {"a": [1]})[v],
    "axes": lambda v: Table([v], {"a": [1]}),
    "front of": lambda v: mlsysim.pareto_front(v, minimize=["a"]),
    "objectives": lambda v: mlsysim.pareto_front({"a": [1]}, minimize=[v]),
    "swept": lambda v: mlsysim.sweep(v, x=[1]) if not callable(v) else mlsysim.explain(v),
    "swept columns": lambda v: mlsysim.sweep(ServingModel(), model=LLAMA, hardware=H100, batch_size=[1], columns=[v]),
    "roofline": lambda v: plots.roofline(v),
    "on the roofline": lambda v: plots.roofline(H100, {"a": v}),
    "workloads": lambda v: plots.roofline(H100, [v]),
    "frontier": lambda v: plots.frontier([v]),
    "on the frontier": lambda v: plots.frontier({"a": v}),
    "precisions": lambda v: plots.speedup_curve(LLAMA, H100, precisions=[v]),
    "table": lambda v: show.table(["a", "b"], [[v]]),
    "curve family": lambda v: find_curve(v, "quantization"),
    "curve method": lambda v: find_curve("llm_8b", v),
    "stored pattern": lambda v: stored_bits(4, 0.5, v, None, 128),
}  # fmt: skip


def refused(call, value):
    with contextlib.redirect_stdout(io.StringIO()), pytest.raises(InputError) as caught:
        call(value)
    assert len(str(caught.value)) < 700


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("call", NUMBERS)
def test_what_is_no_number_is_refused_by_every_argument_that_is_one(call):
    for name, value in NO_NUMBERS.items():
        if not (name == "zero" and call in ZERO_IS_FINE):
            refused(NUMBERS[call], value)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("call", NAMES)
def test_what_is_no_name_is_refused_by_every_argument_that_is_one(call):
    for value in NO_NAMES.values():
        refused(NAMES[call], value)


@pytest.mark.parametrize("value", [quantity(8, "byte"), quantity(np.array([1, 2]), "ms")])
def test_a_quantity_is_told_to_leave_its_unit(value):
    with pytest.raises(InputError, match=r"^batch_size = <Quantity\(.*give a whole number .* without a unit"):
        serve(LLAMA, H100, batch_size=value)


@pytest.mark.parametrize("value", [*NO_NAMES.values()], ids=list(NO_NAMES))
def test_membership_can_be_asked_of_anything(value):
    assert value not in Hardware and value not in Models.Language


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: node("ResNet50", H100, seq_len=128), "seq_len = 128 is not used: only training a transformer"),
        (lambda: node("ResNet50", H100, is_training=True, seq_len=128), "seq_len = 128 is not used"),
        (lambda: node("ResNet50", H100, optimizer="adam"), "optimizer = 'adam' is not used without is_training"),
        (lambda: node(LLAMA, H100, is_training=True, group_size=128), "group_size = 128 is not used"),
        (lambda: Engine.solve("ResNet50", H100, kv_precision="fp16"), "unknown argument of the solver for ResNet-50"),
        (lambda: Engine.solve(LLAMA, H100, batch=3), "'batch'; nearest known: batch_size"),
        (lambda: serve(LLAMA, device(peaks={"fp16": [1e12, 2e12]}), batch_size=[1, 2, 3]), r"\(3,\), peak \(2,\)"),
        (lambda: serve(LLAMA, H100, batch_size=[1, 2, 3], runtime=Runtime("x", [0.5, 1], 1, 0)), r"bandwidth_eff.*\(2,\)"),
        (lambda: mlsysim.attainable([1, 2, 3], device(bandwidth_bytes_s=[1e9, 2e9], peaks={"fp16": 1e12})), r"\(3,\).*\(2,\)"),
        (lambda: mlsysim.crossover_batch(LLAMA, H100, [1, 2], seq_len=[1, 2, 3]), r"threshold \(2,\), seq_len \(3,\)"),
        (lambda: mlsysim.crossover_batch(LLAMA, H100, 2, runtime=Runtime("x", [0.5, 1], 1, 0)), "crossover_batch takes one point"),
        (lambda: plots.speedup_curve(LLAMA, H100, runtime=Runtime("x", [0.5, 1], 1, 0)), "speedup_curve takes one point"),
        (lambda: plots.roofline("M4"), "M4 has no roofline to draw: its source gives no compute peak"),
        (lambda: Table([], {"a": np.ma.masked_array([1], [True])}), "'a' has a mask"),
        (lambda: Table([], {"a": [1, 2]}).where([5]), r"rows = \[5\]"),
        (lambda: show.table(["a"], "b"), "rows = 'b' is not allowed: give a list"),
    ],
)  # fmt: skip
def test_what_would_be_ignored_or_mixed_up_is_refused(call, says):
    with pytest.raises(InputError, match=says):
        call()


# --- what is accepted


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "int64", "uint64", "float16", "float32", "float64"])  # fmt: skip
def test_short_types_compute_as_well_as_long_ones(dtype):
    batch, context = np.array([100, 127]), np.array([[3], [120]])
    for solve in (
        lambda b, s: serve(LLAMA, H100, s, b),
        lambda b, s: node(LLAMA, H100, b, is_training=True, seq_len=s),
        lambda b, s: node("VGG16", H100, b),
    ):
        short, long = solve(batch.astype(dtype), context.astype(dtype)), solve(batch, context)
        for name in ("latency_s", "memory_needed_bytes", "throughput"):
            assert getattr(short, name).tolist() == getattr(long, name).tolist()


@pytest.mark.filterwarnings("error")
def test_the_largest_batch_and_context_overflow_nothing():
    most = np.array([2**31])
    for r in (serve(LLAMA, H100, most, most), node(LLAMA, H100, most, is_training=True, seq_len=most)):
        one = Engine.solve(LLAMA, H100, batch_size=2**31, seq_len=2**31, is_training=not hasattr(r, "itl_s"))
        assert r.latency_s[0] == one.latency_s > 0
        assert r.memory_needed_bytes[0] == one.memory_needed_bytes > 0
    r, one = serve(LLAMA, H100, most, most), serve(LLAMA, H100, 2**31, 2**31)
    assert r.ttft_s[0] == one.ttft_s > r.itl_s[0]
    flops = VisionModel("x", parameters=1, layers=1, flops_per_image=10**12, activations_per_image=10**12)
    assert node(flops, H100, most).latency_s[0] == node(flops, H100, 2**31).latency_s > 0


@pytest.mark.parametrize("three", [np.array(3), np.array(3.0), np.int8(3), np.float32(3), 3.0])
def test_one_number_of_any_type_gives_plain_numbers(three):
    r = serve(LLAMA, H100, batch_size=three, seq_len=three)
    assert r.shape == () and type(r.itl_s) is float and type(r.batch_size) is int
    assert r.itl_s == serve(LLAMA, H100, batch_size=3, seq_len=3).itl_s
    assert type(compress(LLAMA, H100, target_bitwidth=three).storage_ratio) is float


def test_lists_tuples_and_ranges_are_arrays():
    expected = serve(LLAMA, H100, batch_size=np.array([1, 2])).itl_s.tolist()
    for values in ([1, 2], (1, 2), range(1, 3)):
        assert serve(LLAMA, H100, batch_size=values).itl_s.tolist() == expected


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 2**31), min_size=1, max_size=3),
    st.lists(st.integers(1, 2**31), min_size=1, max_size=3),
    st.lists(st.floats(1e6, 1e15), min_size=1, max_size=3),
    st.lists(st.floats(1e-3, 1), min_size=1, max_size=3),
    st.sampled_from(["fp16", "int8", "int4"]),
)
def test_arrays_of_batch_context_device_and_runtime_broadcast_to_one_shape(
    batch, context, rate, share, precision
):
    hardware = device(peaks={"fp16": np.reshape(rate, (-1, 1, 1, 1))}, bandwidth_bytes_s=rate[0])
    software = Runtime("x", np.reshape(share, (-1, 1, 1)), share[0], share[-1])
    r = serve(LLAMA, hardware, np.reshape(context, (-1, 1)), batch, precision, runtime=software)
    assert r.shape == (len(rate), len(share), len(context), len(batch))
    at = tuple(n - 1 for n in r.shape)
    one = serve(
        LLAMA,
        device(peaks={"fp16": rate[-1]}, bandwidth_bytes_s=rate[0]),
        context[-1],
        batch[-1],
        precision,
        runtime=Runtime("x", share[-1], share[0], share[-1]),
    )
    for name in ("itl_s", "ttft_s", "weights_bytes", "kv_bytes", "memory_needed_bytes", "feasible", "throughput", "binding", "bottleneck"):  # fmt: skip
        value = getattr(r, name)
        assert np.shape(value) == r.shape
        assert value[at] == getattr(one, name)
    assert sum(r.parts.values()) == pytest.approx(r.itl_s)


def test_thresholds_and_contexts_of_a_crossover_broadcast():
    found = mlsysim.crossover_batch(
        LLAMA, H100, [[2.0], [1.5], [0.5]], seq_len=[128, 2048], runtime="compiled"
    )
    assert found.batch.tolist() == [[120, 26], [173, 71], [None, None]]
    assert found.binding[0].tolist() == ["compute ceiling", "KV traffic"]
    assert (found.speedup[:2] < [[2.0], [1.5]]).all() and (found.speedup[2] >= 0.5).all()
    table = mlsysim.sweep(mlsysim.crossover_batch, model=LLAMA, hardware=[H100, "A100"], threshold=[2, 1.5])
    assert table["batch"][table["hardware"] == H100].tolist() == [1, 38]


def test_a_column_of_quantities_says_its_unit():
    table = mlsysim.sweep(ServingModel(), model=LLAMA, hardware=H100, batch_size=[1, 2], columns=["itl"])
    assert table.units == {"itl": "ms"} and "itl (ms)" in repr(table) and "itl (ms)" in table._repr_html_()
    assert table["itl"][0] == pytest.approx(serve(LLAMA, H100).itl_s * 1e3)
    assert table.where([0]).units == table.units


def test_a_printed_table_takes_numbers_that_are_not_finite(capsys):
    show.table(["a", "b"], [[math.nan, quantity(math.inf, "ms")]])
    assert "nan" in capsys.readouterr().out
