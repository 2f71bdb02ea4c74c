"""What the first assignment teaches agrees with the library, and what students read about it is in the field's terms."""

from __future__ import annotations

import numpy as np
import pytest

import mlsysim
from autograder.exam.messages import describe_failure
from tests.assignments import functions_of, kinds_of, kit_of, notebooks_of, source_of, sources
from tests.casebooks import cases_of

case_of = cases_of("quantization").case
WORDING = kit_of("quantization").wording
LLAMA = {"params": 8.03e9, "layers": 32, "heads": 32, "kv_heads": 8, "head_dim": 128}
H100 = {"peak_flops": 989.4e12, "bandwidth": 3.35e12}
EAGER = {"bandwidth_efficiency": 0.946, "compute_efficiency": 1.0, "layer_overhead": 100e-6}


def test_its_notebooks_ask_for_these_functions():
    assert {name: list(functions_of("quantization", name)) for name in notebooks_of("quantization")} == {
        "0_self_check": ["ridge_point", "attainable", "regime", "speedup_limit"],
        "1_predict": ["step_bytes", "step_flops", "itl", "speedup"],
        "2_crossover": ["speedup_at", "crossover_batch"],
        "3_frontier": ["compression_table", "pareto_front", "best_under"],
        "4_measure": [
            "quantize",
            "dequantize",
            "error_bound",
            "pack",
            "unpack",
            "prune",
            "matmul_seconds",
            "first_below",
        ],
    }


def test_its_class_has_the_kinds_that_stock_grading_treats_unfairly():
    unfair = {
        "s03": "output on stderr zeroes a test cell",
        "s13": "a notebook that cannot be read stops the whole submission",
        "s20": "an object that equals everything passes every assert",
        "s23": "nobody compares the id in a notebook with the one that it was handed in under",
    }
    assert {name for name, kind in kinds_of("quantization").items() if kind.stock is not None} == set(unfair)


@pytest.mark.parametrize("student", ["", "s01", "s02", "s03"])
def test_the_reference_inside_the_tests_agrees_with_the_library(student, monkeypatch):
    """The tests carry their own arithmetic so that nothing in the library can be called instead of deriving."""
    monkeypatch.syspath_prepend(source_of("quantization"))
    scope: dict = {"student_id": student}
    text = sources("quantization", "2_crossover").by_grade_id()["test_find"]["source"]
    exec(text.split("### BEGIN HIDDEN TESTS")[1].split("expected = ")[0], scope)
    case = case_of("2_crossover", student)
    for context in (case["context_short"], case["context_long"]):
        for threshold in case["thresholds"]:
            want = mlsysim.crossover_batch(
                case["model_name"], case["device_name"], threshold, seq_len=context, runtime="compiled"
            )
            assert scope["crossover"](context, threshold) == want.batch


def test_the_storage_costs_that_are_taught_are_the_library_s():
    solve = mlsysim.CompressionModel().solve
    for option in case_of("3_frontier")["options"]:
        result = solve("Llama3_8B", "H100", option["method"], option["bits"], option["sparsity"])
        if option["method"] == "quantization":
            bits = option["bits"] + (16 / 128 if option["bits"] < 8 else 0)
        else:
            bits = 16 * (1 - option["sparsity"]) + 1
        assert result.storage_ratio == pytest.approx(16 / bits)


def test_a_failure_says_what_was_asked_what_was_given_and_what_came_back():
    call = ("itl", (LLAMA, H100, EAGER, 1, 2048, 16, 16), {}, 0.00826877123456789)
    error = AssertionError("itl must add the overhead\nassert 1 == 2")
    assert str(describe_failure(WORDING, error, [call])) == (
        "itl must add the overhead. `itl` gave 8.26877 ms at batch=1, context=2048, weight_bits=16, kv_bits=16; "
        "a model of 8.03e9 parameters, 32 layers, 32 heads (8 KV) of 128; 989.4 TFLOP/s and 3.35 TB/s; "
        "efficiencies 1 (compute) and 0.946 (bandwidth), 100 µs per layer."
    )


@pytest.mark.parametrize(
    ("function", "value", "text"),
    [
        ("step_bytes", (2.5e6, 0), "2.5 MB and 0 B"),
        ("step_flops", [1.606e10, 2.1e9], "16.06 GFLOP and 2.1 GFLOP"),
        ("itl", 5e-5, "50 µs"),
        ("attainable", np.float64(1e13), "10 TFLOP/s"),
        ("ridge_point", 150, "150 FLOP/byte"),
        ("speedup", 1.8610088967207945, "1.86101"),
        ("step_bytes", 3.0, "3"),
        ("itl", None, "None"),
        ("itl", float("nan"), "nan s"),
        ("regime", "compute-bound", "'compute-bound'"),
        ("pareto_front", list(range(20)), "[0, 1, 2, 3, …]"),
    ],
)
def test_values_have_the_unit_of_their_function(function, value, text):
    assert WORDING.returned(function, value) == text


@pytest.mark.parametrize(
    ("function", "value", "text"),
    [
        ("step_flops", LLAMA, "a model of 8.03e9 parameters, 32 layers, 32 heads (8 KV) of 128"),
        (
            "step_flops",
            dict(LLAMA, layers=1, heads=1, kv_heads=1),
            "a model of 8.03e9 parameters, 1 layer, 1 head of 128",
        ),
        ("step_flops", {"params": 1}, "model={params: 1}"),
        ("ridge_point", 2e12, "peak_flops=2 TFLOP/s"),
    ],
)
def test_arguments_are_told_in_the_field_s_terms(function, value, text):
    assert WORDING.inputs(function, (value,), {}) == text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("device", H100, "989.4 TFLOP/s and 3.35 TB/s"),
        ("runtime", dict.fromkeys(EAGER, 1.0) | {"layer_overhead": 0.0}, "no overhead"),
        ("threshold", 2.0, "threshold=2"),
        ("bandwidth", 2e12, "bandwidth=2 TB/s"),
    ],
)
def test_arguments_given_by_name_are_told_in_the_field_s_terms_too(name, value, text):
    assert WORDING.inputs("crossover_batch", (), {name: value}) == text
