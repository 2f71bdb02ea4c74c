"""Whole requests: a prefill and one decode step for each further token, against the sum of the steps themselves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsysim import Architecture, InputError, ServingModel, TransformerModel, solve_request, sweep
from tests.strategies import runtimes

solve = ServingModel().solve
WINDOWED = TransformerModel(
    "Windowed",
    parameters=1e9,
    layers=8,
    heads=16,
    kv_heads=4,
    head_dim=64,
    architecture=Architecture(hidden=1024, ffn=4096, vocab=32000, window=300, window_layers=5),
)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["Llama3_8B", "Mixtral_8x7B", WINDOWED]),
    st.integers(1, 3000),
    st.integers(1, 700),
    st.integers(1, 300),
    st.sampled_from(["fp16", "w4a16"]),
    runtimes,
    st.sampled_from([{}, {"devices": 4, "link": "nvlink4"}]),
)
def test_a_request_is_its_prefill_and_the_sum_of_its_steps(
    model, prompt, output, batch, precision, runtime, group
):
    r = solve_request(model, "H100", prompt, output, batch, precision, runtime=runtime, **group)
    contexts = np.arange(prompt + 1, prompt + output)
    steps = (
        solve(model, "H100", contexts, batch, precision, runtime=runtime, **group).itl_s if output > 1 else 0
    )
    first = solve(model, "H100", prompt, batch, precision, runtime=runtime, **group)
    assert r.ttft_s == first.ttft_s
    assert r.decode_s == pytest.approx(np.sum(steps), rel=1e-9)
    assert r.latency_s == pytest.approx(first.ttft_s + np.sum(steps), rel=1e-9)
    assert r.throughput_per_s == pytest.approx(batch * output / r.latency_s)
    last = solve(model, "H100", prompt + output, batch, precision, runtime=runtime, **group)
    assert r.memory_needed_bytes == pytest.approx(last.memory_needed_bytes)
    assert r.feasible == last.feasible


def test_one_token_of_output_is_the_prefill_alone():
    r = solve_request("Llama3_8B", "H100", 100, 1)
    assert (r.latency_s, r.itl_s) == (r.ttft_s, 0)


def test_requests_broadcast_and_sweep():
    r = solve_request("Llama3_8B", "H100", [[128], [4096]], [1, 64, 512], 8)
    assert r.shape == (2, 3) and "shape (2, 3)" in repr(r)
    one = solve_request("Llama3_8B", "H100", 4096, 64, 8)
    for name in ("latency_s", "itl_s", "throughput_per_s", "memory_needed_bytes", "feasible"):
        assert getattr(r, name)[1, 1] == pytest.approx(getattr(one, name))
    table = sweep(
        solve_request, model="Llama3_8B", hardware="H100", prompt_tokens=[128, 4096], precision=["fp16", "int4"]
    )  # fmt: skip
    assert len(table) == 4 and "KV cache at 4 bits" in table.notes[0]


def test_quantities_and_words_have_units():
    r = solve_request("Llama3_8B", "H100", 2048, 256, runtime="compiled")
    assert f"{r.latency:.2f~P} {r.ttft:.1f~P} {r.itl:.2f~P}" == "1.36 s 30.3 ms 5.20 ms"
    assert f"{r.throughput:.0f}" == "189 / second"
    assert "does NOT fit: needs 141" in repr(solve_request("Llama3_70B", "H100"))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"output_tokens": 0}, "output_tokens = 0 is not allowed: give a whole number from 1"),
        ({"prompt_tokens": "8"}, "prompt_tokens = '8'"),
        ({"prompt_tokens": [1, 2], "output_tokens": [1, 2, 3]}, r"output_tokens \(3,\), result \(2,\)"),
        ({"devices": 2}, "link is missing"),
        ({"hardware": "M4"}, "M4 has no TTFT"),
    ],
)
def test_bad_input_is_named(arguments, says):
    with pytest.raises(InputError, match=says):
        solve_request(**{"model": "Llama3_8B", "hardware": "H100", **arguments})
