"""What the second assignment teaches agrees with the library, and its personal cases are as hard as the published one."""

from __future__ import annotations

import hashlib
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mlsysim
from tests.assignments import functions_of, notebooks_of
from tests.casebooks import cases_of
from tests.models import solution

case_of = cases_of("kv_cache").case
BYTES, USERS = (solution("kv_cache", notebook) for notebook in ("0_bytes", "1_users"))
IDS = [f"{prefix}{number}" for prefix in ("s", "student-", "20260") for number in range(100)]
WEIGHTS = {16: "fp16", 8: "w8a16"}  # precisions of the library, by bits of a weight
CACHES = {16: "fp16", 8: "fp8"}
models = st.sampled_from(["Llama3_8B", "Llama2_13B", "Llama3_70B", "Qwen2_5_7B", "Phi3_Mini"])
devices = st.sampled_from(["H100", "A100", "V100", "L40S", "MI300X"])
bits = st.sampled_from([16, 8])


def test_its_notebooks_ask_for_these_functions():
    assert {name: list(functions_of("kv_cache", name)) for name in notebooks_of("kv_cache")} == {
        "0_bytes": ["cache_bits", "bytes_per_token", "cache_bytes", "break_even_tokens"],
        "1_users": ["users_that_fit", "longest_context", "itl", "throughput", "served_users"],
    }


def solved(model, device, context, users, weight_bits, kv_bits, runtime="ideal"):
    return mlsysim.ServingModel().solve(
        model,
        device,
        context,
        users,
        WEIGHTS[weight_bits],
        kv_precision=CACHES[kv_bits],
        runtime=runtime,
    )


@settings(max_examples=60)
@given(model=models, users=st.integers(1, 200), context=st.integers(1, 32768), kv_bits=bits)
def test_the_bytes_of_a_cache_are_the_library_s(model, users, context, kv_bits):
    ours = BYTES["cache_bytes"](mlsysim.Models[model].plain(), users, context, kv_bits)
    assert ours == pytest.approx(float(solved(model, "H100", context, users, 16, kv_bits).kv_bytes))


@settings(max_examples=60)
@given(
    model=models,
    device=devices,
    users=st.integers(1, 200),
    context=st.integers(1, 32768),
    weight_bits=bits,
    kv_bits=bits,
    runtime=st.sampled_from(["ideal", "compiled", "tutorial"]),
)
def test_the_latency_of_a_step_is_the_library_s(model, device, users, context, weight_bits, kv_bits, runtime):
    plain = (
        mlsysim.Models[model].plain(),
        mlsysim.Hardware[device].plain(),
        mlsysim.find_runtime(runtime).plain(),
    )
    ours = USERS["itl"](*plain, users, context, weight_bits, kv_bits)
    theirs = solved(model, device, context, users, weight_bits, kv_bits, runtime).itl_s
    assert ours == pytest.approx(float(theirs))


@settings(max_examples=40)
@given(model=models, device=devices, context=st.integers(64, 32768), weight_bits=bits, kv_bits=bits)
def test_as_many_users_fit_as_the_library_says(model, device, context, weight_bits, kv_bits):
    plain = mlsysim.Models[model].plain(), mlsysim.Hardware[device].memory_bytes
    users = USERS["users_that_fit"](*plain, context, weight_bits, kv_bits)
    needed = solved(model, device, context, np.array([max(users, 1), users + 1]), weight_bits, kv_bits)
    fits, one_more = needed.memory_needed_bytes <= plain[1]
    assert not one_more and (fits or users == 0)


def fitting(model, device, context, weight_bits, kv_bits):
    """Users that fit, as a number that need not be whole; written here again, so that the draw is not checked by itself."""
    left = device["memory"] - model["params"] * weight_bits / 8
    return left / (2 * model["layers"] * model["kv_heads"] * model["head_dim"] * context * kv_bits / 8)


def seconds(case, users, kv_bits):
    """Of a step of the roomy deployment, with 16-bit weights."""
    model, device, runtime = case["roomy"], case["roomy_device"], case["runtime"]
    rate = device["peak_flops"] * runtime["compute_efficiency"]
    speed = device["bandwidth"] * runtime["bandwidth_efficiency"]
    tokens = users * case["roomy_context"] * model["layers"] * model["head_dim"]
    multiply = max(2 * model["params"] * users / rate, 2 * model["params"] / speed)
    attend = max(4 * tokens * model["heads"] / rate, tokens * model["kv_heads"] * kv_bits / 4 / speed)
    return multiply + attend + model["layers"] * runtime["layer_overhead"]


def is_clear(number):
    """Whether a number stays clear of the next whole one, so that nobody loses a user to rounding."""
    return 0.01 < number % 1 < 0.99


def test_of_300_first_cases_the_16_bit_cache_outweighs_the_weights_and_the_quantized_one_does_not():
    for student in ["", *IDS]:
        case = case_of("0_bytes", student)
        model = case["model"]
        stored = case["quantized_bits"] + case["scale_bits"] / case["group_size"]
        weights = 2 * model["params"]
        values = 2 * model["layers"] * model["kv_heads"] * model["head_dim"] * case["context"]
        enough = [weights / (values * bits / 8) for bits in (16, stored)]
        assert 4 <= math.ceil(enough[0]) < case["users"] < math.floor(enough[1])
        assert all(map(is_clear, enough)) and stored < 8


def test_of_300_second_cases_the_cache_lets_in_more_in_one_deployment_and_the_weights_in_the_other():
    for student in ["", *IDS]:
        case = case_of("1_users", student)
        found = {}
        for size in ("roomy", "tight"):
            where = case[size], case[f"{size}_device"], case[f"{size}_context"]
            exact = [fitting(*where, *plan) for plan in case["plans"]]
            assert all(map(is_clear, exact)) and min(exact) >= 3
            found[size] = [math.floor(number) for number in exact]
        assert found["roomy"][2] > 1.2 * found["roomy"][1] and found["tight"][1] > 1.2 * found["tight"][2]
        full_16, _, full_8, _ = found["roomy"]
        gains = [
            after / before * seconds(case, before, 16) / seconds(case, after, 8)
            for before, after in ((1, 1), (full_16, full_16), (full_16, full_8))
        ]
        assert 1 < gains[0] < 1.25 < gains[1] < 2 and gains[2] > 1.5
        strict, lax = case["limits"]
        within = next((n for n in range(full_8) if seconds(case, n + 1, 8) > strict), full_8)
        assert 4 <= within < full_8 and seconds(case, full_8, 8) < lax


DIGESTS = {  # of the cases of 121 ids: the published one, ids as courses give them, and odd ones
    "0_bytes": "537424bdbe337d089d77e503fe8630c73d7abb16ed7d76f830088fb284a0d2b5",
    "1_users": "8ecc412a7aea25635a33cc4287e01b5d9a5dfc72b0b382f2eb4bb2934ca7b9d6",
}


@pytest.mark.parametrize("notebook", DIGESTS)
def test_no_student_s_case_ever_changes(notebook):
    """Another digest means that students get another case in the middle of a course."""
    ids = ["", *(f"s{n:02d}" for n in range(1, 81)), *(f"20260{n}" for n in range(38))]
    digest = hashlib.sha256()
    for student in [*ids, "Zoë Ångström", "x" * 200]:
        digest.update(json.dumps(case_of(notebook, student), sort_keys=True).encode())
    assert digest.hexdigest() == DIGESTS[notebook]
