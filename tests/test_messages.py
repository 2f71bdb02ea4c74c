"""Messages: one or two plain sentences in the field's units, and nothing of the test or of the right value."""

from __future__ import annotations

import re

import numpy as np
import pytest
from autograder.exam.values import argument, returned, shown
from hypothesis import given
from hypothesis import strategies as st

from autograder.exam.examine import examine
from autograder.exam.messages import describe_call, describe_failure
from autograder.notebook.assemble import assemble
from autograder.notebook.cells import read_notebook, strip_solution_marks
from autograder.simulate.kinds import write_submission
from autograder.tutor.owner import Owner
from tests.assignments import kinds_of

LLAMA = {"params": 8.03e9, "layers": 32, "heads": 32, "kv_heads": 8, "head_dim": 128}
H100 = {"peak_flops": 989.4e12, "bandwidth": 3.35e12}
EAGER = {"bandwidth_efficiency": 0.946, "compute_efficiency": 1.0, "layer_overhead": 100e-6}


def test_a_failure_says_what_was_asked_what_was_given_and_what_came_back():
    call = ("itl", (LLAMA, H100, EAGER, 1, 2048, 16, 16), {}, 0.00826877123456789)
    assert describe_failure(AssertionError("itl must add the overhead\nassert 1 == 2"), [call]) == (
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
    assert returned(function, value) == text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("model", LLAMA, "a model of 8.03e9 parameters, 32 layers, 32 heads (8 KV) of 128"),
        (
            "model",
            dict(LLAMA, layers=1, heads=1, kv_heads=1),
            "a model of 8.03e9 parameters, 1 layer, 1 head of 128",
        ),
        ("device", H100, "989.4 TFLOP/s and 3.35 TB/s"),
        ("runtime", dict.fromkeys(EAGER, 1.0) | {"layer_overhead": 0.0}, "no overhead"),
        ("model", {"params": 1}, "model={params: 1}"),
        ("threshold", 2.0, "threshold=2"),
        ("bandwidth", 2e12, "bandwidth=2 TB/s"),
    ],
)
def test_arguments_are_told_in_the_field_s_terms(name, value, text):
    assert argument(name, value) == text


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=200)
    | st.binary()
    | st.complex_numbers()
    | st.sampled_from([10**400, np.arange(10**6), np.eye(2), np.float32("nan"), "\ud800", {1}, range(3)]),
    lambda inner: (
        st.lists(inner, max_size=20)
        | st.tuples(inner)
        | st.dictionaries(st.text(max_size=9) | st.integers(), inner, max_size=9)
    ),
    max_leaves=30,
)
functions = st.sampled_from(["itl", "step_bytes", "compression_table", "pareto_front", "of_my_own"])


@given(function=functions, arguments=st.lists(plain, max_size=9), value=plain)
def test_any_plain_value_can_be_told_in_a_short_sentence(function, arguments, value):
    said = describe_failure(AssertionError("it is not right"), [(function, tuple(arguments), {}, value)])
    assert len(said) < 600 and said.startswith("It is not right.")
    said.encode("utf-8")
    assert len(describe_call(function, arguments, {})) < 300
    assert not re.search(r"\d\.\d{9,}", shown(1 / 3))


@pytest.mark.parametrize(
    "make",
    [lambda n: -n, lambda n: {n}, lambda n: [n] * 9, lambda n: {str(i): n for i in range(9)}],
    ids=range(4),
)
def test_numbers_of_too_many_digits_are_told_too(make):
    value = make(10**5000)
    assert len(describe_failure(AssertionError("wrong"), [("itl", (value,), {}, value)])) < 600


KINDS = [
    ("s09", "3_frontier"),
    ("s10", "0_self_check"),
    ("s15", "0_self_check"),
    ("s17", "3_frontier"),
    ("s20", "0_self_check"),
]


@pytest.mark.parametrize(("kind", "notebook"), KINDS)
def test_every_message_of_an_exam_is_short_and_tells_neither_the_test_nor_an_answer(
    root, tmp_path, kind, notebook
):
    source = root / "solutions" / "quantization"
    write_submission(kinds_of("quantization")[kind], source, root / "assignments" / "quantization", tmp_path)
    result = examine(
        assemble(source / f"{notebook}.ipynb", tmp_path / f"{notebook}.ipynb"), owner=Owner(notebook)
    )
    original = read_notebook(source / f"{notebook}.ipynb")
    secrets = [line for _, answer in strip_solution_marks(original) for line in answer.splitlines()]
    secrets += [
        line
        for cell in original.cells
        for region in re.findall(r"### BEGIN HIDDEN TESTS\n(.*?)### END", cell["source"], re.DOTALL)
        for line in region.splitlines()
    ]
    messages = [verdict.message for verdict in result.verdicts.values() if verdict.score < verdict.maximum]
    assert messages
    for message in messages:
        assert 10 < len(message) < 450
        assert not any(line.strip() in message for line in secrets if len(line.strip()) > 20)
        assert not re.search(r"Traceback|File \"|assert |isclose|hypothesis|\d\.\d{9,}", message)
