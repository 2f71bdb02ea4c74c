"""What a course asks of the library: roofline, crossover, sweep, Pareto front, explanation, training."""

from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mlsysim
from mlsysim import (
    CompressionModel,
    Hardware,
    InputError,
    Runtime,
    ServingModel,
    SingleNodeModel,
    Table,
    arithmetic_intensity,
    attainable,
    crossover_batch,
    explain,
    pareto_front,
    regime,
    ridge_point,
    solve_request,
    sweep,
)
from tests.strategies import batches, contexts, runtimes, thresholds, transformers

LLAMA, H100 = "Llama3_8B", "H100"
decode = ServingModel().solve
node = SingleNodeModel().solve


def train(precision="fp16", batch=8, **arguments):
    return node(LLAMA, H100, batch, precision, is_training=True, **arguments)


# Roofline


def test_the_ridge_point_is_peak_over_bandwidth_of_the_scheme_that_computes():
    assert ridge_point("A100") == pytest.approx(312e12 / 2039e9)
    assert ridge_point("A100", "int8") == pytest.approx(624e12 / 2039e9)
    assert ridge_point("A100", "int4") == ridge_point("A100", "fp16")  # W4A16 computes in fp16
    with pytest.raises(InputError, match="unknown precision"):
        ridge_point("A100", "int3")
    with pytest.raises(InputError, match="hardware = 3"):
        ridge_point(3)


def test_attainable_is_the_lower_of_slope_and_ceiling():
    device = Hardware[H100]
    ridge = ridge_point(H100)
    assert attainable(ridge / 2, H100) == pytest.approx(device.peak_flops() / 2)
    assert attainable([ridge, 2 * ridge], H100) == pytest.approx([device.peak_flops()] * 2)


@given(batches)
def test_matmuls_of_a_decode_step_do_one_flop_a_byte_for_each_sequence(batch):
    assert arithmetic_intensity(LLAMA, batch_size=batch, kernel="matmuls") == pytest.approx(batch)
    assert arithmetic_intensity(LLAMA, batch_size=batch, precision="int4", kernel="matmuls") == pytest.approx(
        4 * batch
    )


@given(transformers(), batches, contexts, runtimes)
def test_intensity_of_a_result_does_not_depend_on_the_device(model, batch, context, runtime):
    results = [decode(model, device, context, batch, runtime=runtime) for device in ("H100", "A100")]
    first, second = (arithmetic_intensity(result) for result in results)
    assert first == pytest.approx(second, rel=1e-9)


def test_intensity_takes_arrays_and_refuses_what_has_none():
    assert arithmetic_intensity(LLAMA, batch_size=[1, 8], kernel="matmuls").tolist() == pytest.approx([1, 8])
    assert arithmetic_intensity("ResNet50", batch_size=256) > 100
    with pytest.raises(InputError, match="unknown kernel 'conv'"):
        arithmetic_intensity(LLAMA, kernel="conv")
    with pytest.raises(InputError, match=r"batch_size \(2,\), seq_len \(3,\)"):
        arithmetic_intensity(LLAMA, batch_size=[1, 2], seq_len=[1, 2, 3])
    with pytest.raises(InputError, match="workload = 3"):
        arithmetic_intensity(3)


@given(st.floats(1e-3, 1e6), st.floats(1e-3, 1e6))
def test_the_regime_of_an_intensity_is_its_side_of_the_ridge_and_the_margin_its_distance(intensity, ridge):
    r = regime(intensity, ridge)
    assert r.name == ("compute" if intensity >= ridge else "memory")
    assert r.margin == pytest.approx(max(intensity / ridge, ridge / intensity))
    assert r.margin >= 1


@given(transformers(), batches, contexts, runtimes, st.sampled_from(["fp16", "int8", "int4"]))
def test_the_regime_of_a_result_is_its_bottleneck(model, batch, context, runtime, precision):
    result = decode(model, H100, context, batch, precision, runtime=runtime)
    r = regime(result)
    assert r.name == result.bottleneck.lower()
    assert r.margin >= 1
    assert 0 <= r.overhead_share < 1


def test_memory_that_is_split_between_weights_and_kv_still_outweighs_overhead():
    base = decode(LLAMA, H100, 8192, 16, "int4", runtime="ideal")
    traffic = base.timing.memory
    tau = 1.5 * max(traffic) / 32
    result = decode(LLAMA, H100, 8192, 16, "int4", runtime=Runtime("between", 1.0, 1.0, tau))
    assert max(traffic) < 32 * tau < sum(traffic)
    assert (result.binding, result.bottleneck, regime(result).name) == ("overhead", "Memory", "memory")


def test_regime_says_what_is_missing():
    with pytest.raises(InputError, match="ridge is missing"):
        regime(5)
    with pytest.raises(InputError, match="ridge = 0"):
        regime(5, 0)
    with pytest.raises(InputError, match="one point"):
        regime(decode(LLAMA, H100, batch_size=np.arange(1, 4)))
    with pytest.raises(InputError, match="ridge = 3"):
        regime(decode(LLAMA, H100), 3)


# Crossover


@settings(max_examples=150, deadline=None)
@given(
    transformers(),
    contexts,
    thresholds,
    runtimes,
    st.sampled_from(["int8", "int4"]),
    st.sampled_from([None, "fp16"]),
    st.integers(1, 3000),
)
def test_the_crossover_is_the_first_batch_of_all_that_is_below(
    model, context, threshold, runtime, precision, kv, last
):
    arguments = {"kv_precision": kv, "runtime": runtime}
    every = np.arange(1, last + 1)
    slow, fast = (decode(model, H100, context, every, p, **arguments).itl_s for p in ("fp16", precision))
    below = np.flatnonzero(slow / fast < threshold)
    found = crossover_batch(
        model, H100, threshold, seq_len=context, precision=precision, max_batch=last, **arguments
    )
    assert found.batch == (int(every[below[0]]) if below.size else None)
    at = last if found.batch is None else found.batch
    assert found.speedup == pytest.approx((slow / fast)[at - 1], rel=1e-12)


def test_the_crossover_is_exact_for_a_batch_that_no_one_could_list():
    far, near = (
        crossover_batch(LLAMA, H100, 3.99, precision="int4", runtime="ideal", seq_len=1, max_batch=last)
        for last in (2**31, 4096)
    )
    assert far == near
    assert crossover_batch(LLAMA, H100, 1.0, max_batch=2**31).batch is None


def test_a_speedup_that_falls_and_rises_again_crosses_where_it_first_falls():
    # INT4 meets the compute ceiling first and loses its gain; after that overhead is amortised and KV traffic is left.
    every = np.arange(1, 20001)
    slow, fast = (decode(LLAMA, H100, 128, every, p).itl_s for p in ("fp16", "int4"))
    curve = slow / fast
    threshold = (curve.min() + curve[-1]) / 2
    below = np.flatnonzero(curve < threshold)
    assert below[0] > 0 and below[-1] < len(every) - 1 and curve[-1] > threshold
    found = crossover_batch(LLAMA, H100, threshold, seq_len=128, precision="int4", max_batch=2**31)
    assert found.batch == every[below[0]]
    assert found.binding == "compute ceiling"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"threshold": 0}, "threshold = 0"),
        ({"threshold": float("nan")}, "threshold = nan"),
        ({"threshold": 2, "max_batch": 0}, "max_batch = 0"),
        ({"threshold": 2, "precision": "int5"}, "unknown precision"),
    ],
)
def test_crossover_names_bad_input(arguments, says):
    with pytest.raises(InputError, match=says):
        crossover_batch(LLAMA, H100, **arguments)


# Sweep


def test_a_sweep_has_a_row_for_every_combination_and_each_is_that_of_a_single_call():
    table = sweep(
        ServingModel(),
        model=LLAMA,
        batch_size=[1, 32],
        hardware=["A100", H100],
        seq_len=np.array([128, 2048, 4096]),
        precision=["fp16", "int4"],
    )
    assert table.axes == ("batch_size", "hardware", "seq_len", "precision")
    assert table.shape == (2, 2, 3, 2) and len(table) == 24
    for row in table:
        one = decode(LLAMA, row["hardware"], row["seq_len"], row["batch_size"], row["precision"])
        assert row["itl_s"] == pytest.approx(one.itl_s, rel=1e-12)
        assert row["binding"] == one.binding
    assert table.grid("itl_s")[1, 0, 2, 1] == decode(LLAMA, "A100", 4096, 32, "int4").itl_s


def test_numeric_axes_are_one_call_and_names_are_looped_over():
    calls = []

    def count(name, x, y):
        calls.append(name)
        return x * 10 + y

    table = sweep(count, x=[1, 2, 3], name=["a", "b"], y=[5, 6])
    assert calls == ["a", "b"]
    assert table["value"].tolist() == [15, 16, 15, 16, 25, 26, 25, 26, 35, 36, 35, 36]


def test_a_sweep_of_any_function_and_of_compression():
    table = sweep(lambda n: {"half": n / 2, "odd": n % 2 == 1}, n=range(3), vectorize=False)
    assert table["half"].tolist() == [0, 0.5, 1] and table["odd"].tolist() == [False, True, False]
    table = sweep(CompressionModel(), model=LLAMA, hardware=H100, target_bitwidth=[16, 8, 4])
    assert table["compression_ratio"].tolist() == [1, 2, 4]
    table = sweep(SingleNodeModel(), model="ResNet50", hardware=["A100", Hardware.H100], columns=["latency"])
    assert table["hardware"].tolist() == ["A100", "H100"] and table["latency"][0] > 0


def test_a_group_of_a_registry_is_an_axis():
    table = sweep(lambda hardware: hardware.bandwidth_bytes_s, hardware=Hardware.Cloud)
    assert table["value"][table["hardware"] == "H100"] == 3.35e12


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: sweep(ServingModel(), model=LLAMA, hardware=H100), "no axis"),
        (lambda: sweep(ServingModel(), model=LLAMA, hardware=H100, batch=[1]), "unknown argument .* 'batch'"),
        (lambda: sweep(ServingModel(), model=LLAMA, hardware=H100, batch_size=[]), "batch_size is empty"),
        (
            lambda: sweep(ServingModel(), model=LLAMA, hardware=[H100], batch_size=[0]),
            "at hardware = H100: batch_size = 0",
        ),
        (lambda: sweep(lambda x: x, x=np.ones((2, 2))), r"x has shape \(2, 2\)"),
        (lambda: sweep(lambda x: np.full(np.shape(x), np.nan), x=[1, 2]), "nan at x = 1"),
        (lambda: sweep(lambda x: [1, 2, 3], x=[1, 2]), "vectorize=False"),
        (
            lambda: sweep(ServingModel(), model=LLAMA, hardware=H100, batch_size=[1], columns=["itl_ms"]),
            "unknown column",
        ),
        (lambda: sweep(lambda x: {"x": x}, x=[1]), "axis too"),
        (lambda: sweep(3, x=[1]), "solver = 3"),
    ],
)
def test_a_sweep_names_what_is_wrong(call, says):
    with pytest.raises(InputError, match=says):
        call()


def test_a_table_prints_plainly_and_as_escaped_html():
    table = Table(["name"], {"name": ["<b>", "c"], "x": [1.23456, 2.0]})
    assert repr(table).splitlines() == ["name      x", " <b>  1.235", "   c      2"]
    assert "&lt;b&gt;" in table._repr_html_() and "<td>1.235</td>" in table._repr_html_()
    long = Table(["n"], {"n": range(1000)})
    assert len(repr(long).splitlines()) < 30 and "(1000 rows)" in repr(long)


def test_a_table_refuses_what_is_not_one():
    with pytest.raises(InputError, match="equally long"):
        Table([], {"a": [1], "b": [1, 2]})
    with pytest.raises(InputError, match="unknown axis"):
        Table(["c"], {"a": [1]})
    with pytest.raises(InputError, match="unknown column"):
        _ = Table([], {"a": [1]})["b"]


# Pareto front


def dominates(a, b):
    return all(x <= y for x, y in zip(a, b, strict=True)) and a != b


points = st.integers(1, 4).flatmap(
    lambda d: st.lists(st.tuples(*[st.integers(-4, 4)] * d), min_size=1, max_size=40)
)


@given(points, st.integers(0, 4))
def test_the_front_is_exactly_the_rows_that_no_other_dominates_ties_included(rows, maximized):
    names = [f"c{i}" for i in range(len(rows[0]))]
    up, down = names[:maximized], names[maximized:]
    table = Table((), {n: [row[i] for row in rows] for i, n in enumerate(names)} | {"at": range(len(rows))})
    costs = [tuple(-v if i < maximized else v for i, v in enumerate(row)) for row in rows]
    expected = [i for i, c in enumerate(costs) if not any(dominates(other, c) for other in costs)]
    assert pareto_front(table, maximize=up, minimize=down)["at"].tolist() == expected


def test_pruning_a_language_model_is_dominated_by_quantizing_it():
    solve = CompressionModel().solve
    rows = {
        "int8": solve(LLAMA, H100, target_bitwidth=8),
        "int4": solve(LLAMA, H100, target_bitwidth=4),
        "50% zeros": solve(LLAMA, H100, "pruning", sparsity=0.5),
        "70% zeros": solve(LLAMA, H100, "pruning", sparsity=0.7),
    }
    table = {
        "name": list(rows),
        "ratio": [r.storage_ratio for r in rows.values()],
        "accuracy": [r.estimated_accuracy_delta for r in rows.values()],
    }
    assert pareto_front(table, maximize=["ratio", "accuracy"])["name"].tolist() == ["int8", "int4"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "at least one column"),
        ({"minimize": ["x"], "maximize": ["x"]}, "each once"),
        ({"minimize": "x"}, "give a list of names"),
        ({"minimize": ["z"]}, "unknown column"),
        ({"minimize": ["bad"]}, "'bad' .* finite"),
        ({"minimize": ["name"]}, "'name' .* finite"),
    ],
)
def test_a_front_names_bad_objectives(arguments, says):
    with pytest.raises(InputError, match=says):
        pareto_front({"x": [1, 2], "bad": [1, np.nan], "name": ["a", "b"]}, **arguments)


# Explanation


@given(transformers(), batches, contexts, runtimes, st.sampled_from(["fp16", "int8", "int4"]))
def test_the_terms_of_an_explanation_add_up_and_come_largest_first(model, batch, context, runtime, precision):
    result = decode(model, H100, context, batch, precision, runtime=runtime)
    terms = explain(result).terms
    assert sum(t.seconds for t in terms) == pytest.approx(result.itl_s)
    assert sum(t.share for t in terms) == pytest.approx(1)
    assert [t.seconds for t in terms] == sorted((t.seconds for t in terms), reverse=True)
    assert all(1 <= t.speedup_if_halved <= 2 for t in terms)


@given(batches, contexts, st.sampled_from(["fp16", "int4"]))
def test_halving_the_overhead_gives_what_the_explanation_promises(batch, context, precision):
    tau = 5e-5
    now, halved = (
        decode(LLAMA, H100, context, batch, precision, runtime=Runtime("r", 0.9, 0.8, t))
        for t in (tau, tau / 2)
    )
    term = next(t for t in explain(now) if t.name == "overhead")
    assert term.speedup_if_halved == pytest.approx(now.itl_s / halved.itl_s)


def test_an_explanation_is_readable_and_names_what_helps_most():
    text = repr(explain(decode(LLAMA, H100, precision="int4")))
    assert text.splitlines()[0].startswith("Llama-3 8B on H100, INT4")
    assert "overhead" in text and "71%" in text
    assert "helps most: overhead" in text
    assert "weight traffic" in repr(explain(decode(LLAMA, H100)))


SHOWN = {
    "decode step": lambda: decode(LLAMA, H100, precision="int4"),
    "steps": lambda: decode(LLAMA, H100, batch_size=[1, 2]),
    "images": lambda: node("ResNet50", "A100", 256),
    "training step": lambda: train(),
    "request": lambda: solve_request("Llama3_70B", H100),
    "requests": lambda: solve_request(LLAMA, H100, [1, 2]),
    "explanation": lambda: explain(decode(LLAMA, H100, precision="int4")),
    "crossover": lambda: crossover_batch(LLAMA, H100, 2, precision="int4"),
    "crossovers": lambda: crossover_batch(LLAMA, H100, [2, 1.5]),
    "device": lambda: Hardware.M4,
}


class Cells(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.text, self.scopes = [], [], []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        if tag == "th":
            self.scopes.append(dict(attrs).get("scope"))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.mark.parametrize("name", SHOWN)
def test_a_notebook_shows_a_table_with_a_caption_and_headers_that_say_the_same(name):
    shown = SHOWN[name]()
    page = Cells()
    page.feed(shown._repr_html_())
    assert not page.open and page.scopes and set(page.scopes) <= {"row", "col"}
    text = " ".join(page.text)
    assert shown._repr_html_().count("<caption>") == 1
    notes = getattr(shown, "notes", "")
    assert notes in text
    if name == "decode step":
        assert all(part in text for part in ("4.49 ms", "overhead", "of 80 GB", "weight traffic"))
    if name == "request":
        assert "False" in text
    if name == "explanation":
        assert "hidden" in text and f"{shown.best.speedup_if_halved:.2f}x" in text


def test_only_one_point_can_be_explained():
    with pytest.raises(InputError, match=r"shape \(2,\)"):
        explain(decode(LLAMA, H100, batch_size=[1, 2]))
    with pytest.raises(InputError, match="result = 3"):
        explain(3)


# Training


def test_int4_and_int8_speed_training_up_by_exactly_nothing_and_say_so():
    base = train()
    for precision in ("int4", "int8"):
        assert base.latency_s / train(precision).latency_s == 1.0
        assert "training keeps 16-bit" in train(precision).notes
    vision = [node("ResNet50", "A100", 256, p, is_training=True).latency_s for p in ("fp16", "int4")]
    assert vision[0] == vision[1]


@given(st.integers(1, 64), st.integers(1, 8192))
def test_training_computes_six_flops_a_parameter_and_token_and_twelve_for_attention(batch, context):
    result = train(batch=batch, seq_len=context, runtime="ideal")
    tokens = batch * context
    flops = 6 * 8.03e9 * tokens + 12 * 32 * 32 * 128 * context * tokens
    matmuls, attention, _ = result.kernels
    assert matmuls.flops + attention.flops == pytest.approx(flops)
    assert result.mfu == pytest.approx(flops / 989.4e12 / result.latency_s)
    assert result.mfu < 1


def test_adam_keeps_sixteen_bytes_a_parameter_so_an_8b_model_does_not_fit_one_h100():
    result = train(batch=1, seq_len=1)
    assert result.memory_parts["state"] == pytest.approx(16 * 8.03e9)
    assert result.memory_parts["activations"] == pytest.approx(34 * 32 * 4096)
    assert not result.feasible and "does NOT fit" in repr(result)
    assert train(optimizer="sgd").memory_parts["state"] == pytest.approx(12 * 8.03e9)
    vision = node("ResNet50", "A100", 1, is_training=True)
    assert vision.memory_needed_bytes == pytest.approx(16 * 25557032 + 11.11e6 * 2)


def test_parts_of_a_training_step_add_up_over_arrays():
    result = train(batch=np.array([[1], [8]]), seq_len=np.array([128, 2048]))
    assert result.shape == (2, 2)
    assert sum(result.parts.values()) == pytest.approx(result.latency_s)
    assert result.binding.tolist() == [["optimizer traffic", "compute ceiling"]] * 2
    assert result.throughput_per_s == pytest.approx(np.array([[128, 2048], [1024, 16384]]) / result.latency_s)


def test_training_names_bad_input():
    with pytest.raises(InputError, match="unknown optimizer 'adamw'"):
        train(optimizer="adamw")
    with pytest.raises(InputError, match="is_training"):
        node(LLAMA, H100)
    with pytest.raises(InputError, match=r"batch_size \(2,\), seq_len \(3,\)"):
        train(batch=[1, 2], seq_len=[1, 2, 3])


def test_the_package_exports_every_solver_of_the_course():
    for name in mlsysim.__all__:
        assert getattr(mlsysim, name) is not None
    assert {
        "ridge_point",
        "arithmetic_intensity",
        "regime",
        "sweep",
        "crossover_batch",
        "pareto_front",
        "explain",
    } <= set(mlsysim.__all__)


@pytest.mark.parametrize("name", ["H100", "A100", "P100", "M2_Pro", "RTX_PRO_6000"])
def test_text_and_html_of_a_device_name_each_of_its_peaks(name):
    device = Hardware[name]
    for text in (repr(device), repr(device.compute)):
        assert all(f"{p} {rate / 1e12:.6g} " in text for p, rate in device.peaks.items())
        assert ("TOP/s" in text) == any(p.startswith("int") for p in device.peaks)
    html = device._repr_html_()
    assert html.count(" T/s</th>") == len(device.peaks)
    assert all(f">{p} T/s<" in html for p in device.peaks)


def test_html_of_arrays_has_no_long_numbers_and_no_brackets_of_arrays():
    request = solve_request(LLAMA, H100, [128, 256])._repr_html_()
    assert "<td>(2,)</td>" in request and "[" not in request
    crossed = crossover_batch(LLAMA, H100, [2, 1.0], seq_len=128)._repr_html_()
    assert "<td>1, none</td>" in crossed and "[" not in crossed
    assert "<td>none</td>" in crossover_batch(LLAMA, H100, 1.0)._repr_html_()
