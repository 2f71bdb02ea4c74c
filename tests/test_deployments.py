"""What a solve keeps for the next one changes no result by a bit, whatever is asked, in which order and by how many threads."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsysim import Device, Hardware, InputError, Models, Runtime, ServingModel, TransformerModel
from mlsysim.model import passes
from mlsysim.model.passes import Deployment
from tests.strategies import batches, contexts, transformers

LLAMA, H100 = Models.Llama3_8B, Hardware.H100
solve = ServingModel().solve
LANGUAGE = [model for model in Models if isinstance(model, TransformerModel)]
FIGURES = (
    "itl_s",
    "ttft_s",
    "weights_bytes",
    "kv_bytes",
    "memory_needed_bytes",
    "memory_utilization",
    "feasible",
)

rates = st.floats(1e9, 1e16)
shares = st.floats(0.01, 1)
devices = st.builds(
    Device,
    name=st.just("Same"),
    memory_bytes=rates,
    bandwidth_bytes_s=rates,
    peaks=st.fixed_dictionaries({"fp16": rates, "int8": rates}),
    dispatch_s=st.floats(0, 1e-3),
)
runtimes = st.builds(
    Runtime,
    name=st.just("Same"),
    bandwidth_efficiency=shares,
    compute_efficiency=shares,
    layer_overhead_s=st.floats(0, 1e-3),
)
precisions = st.sampled_from(["fp16", "int8", "int4", "w4a16"])


def told(result):
    """All that a result says, to the bit."""
    return [getattr(result, name) for name in FIGURES], result.parts, result.binding, repr(result)


def anew(model, device, runtime, context, batch, precision):
    """The same solve with nothing kept from another."""
    passes._kept.clear()
    return solve(model, device, context, batch, precision, runtime=runtime)


# One point is the arithmetic that the docstrings of the model print.


@given(transformers(), devices, runtimes, batches, contexts, precisions)
def test_a_solve_is_to_the_bit_the_arithmetic_written_out(model, device, runtime, batch, context, precision):
    r = solve(model, device, context, batch, precision, runtime=runtime)
    weight_bits, cache_bits, at = {
        "fp16": (16, 16, "fp16"),
        "int8": (8, 8, "int8"),
        "int4": (4, 4, "fp16"),
        "w4a16": (4, 16, "fp16"),
    }[precision]
    flops_s = device.peaks[at] * runtime.compute_efficiency
    bytes_s = device.bandwidth_bytes_s * runtime.bandwidth_efficiency
    weights = model.parameters * weight_bits / 8
    token = 2 * model.layers * model.kv_heads * model.head_dim * cache_bits / 8
    tokens = batch * context
    pair = 4.0 * model.layers * model.heads * model.head_dim
    matmuls = max(batch * (2 * model.parameters / flops_s), weights / bytes_s)
    attention = max(tokens * (pair / flops_s), tokens * (token / bytes_s))
    waited = model.layers * runtime.layer_overhead_s
    assert r.itl_s == waited + matmuls + attention
    matmuls = max(tokens * (2 * model.parameters) / flops_s, weights / bytes_s)
    attention = max(tokens * (context * (pair / 2)) / flops_s, token * context * batch / bytes_s)
    assert r.ttft_s == waited + device.dispatch_s + matmuls + attention
    needed = weights + token * context * batch
    assert (r.weights_bytes, r.kv_bytes) == (weights, token * context * batch)
    assert r.memory_needed_bytes == needed and r.feasible == (needed <= device.memory_bytes)
    assert r.binding == max(r.parts, key=r.parts.get)


# What is kept


@settings(max_examples=50)
@given(
    st.lists(devices, min_size=1, max_size=3),
    st.lists(runtimes, min_size=1, max_size=3),
    st.data(),
)
def test_unequal_devices_and_runtimes_of_one_name_are_told_apart_in_any_order(drawn, software, data):
    points = st.tuples(
        st.sampled_from(LANGUAGE),
        st.sampled_from(drawn),
        st.sampled_from(software),
        contexts,
        batches,
        precisions,
    )
    asked = data.draw(st.lists(points, min_size=1, max_size=8))
    kept = [told(solve(m, d, s, b, p, runtime=r)) for m, d, r, s, b, p in asked]
    assert kept == [told(anew(*point)) for point in asked]


@pytest.mark.parametrize("model", ["Llama3_8B", "Mixtral_8x7B", "GPT_OSS_20B", "DeepSeek_V3"])
@pytest.mark.parametrize("runtime", ["tutorial", "ideal", "measured"])
def test_the_second_solve_says_what_the_first_said(model, runtime):
    for batch, context in ((1, 128), (64, 4096), (1, 128)):
        again = told(solve(model, "H200", context, batch, "w4a16", runtime=runtime))
        assert again == told(anew(model, "H200", runtime, context, batch, "w4a16"))


def test_numbers_that_can_change_are_read_each_time():
    bandwidth = np.array([1e12, 2e12])
    device = replace(H100, bandwidth_bytes_s=bandwidth)
    before = solve(LLAMA, device).itl_s.copy()
    bandwidth *= 2
    assert (solve(LLAMA, device).itl_s < before).all()
    efficiency = np.array([0.5, 0.6])
    runtime = Runtime("drawn", 0.9, 0.9, 0.0, prefill_efficiency=efficiency)
    before = solve(LLAMA, H100, runtime=runtime).ttft_s.copy()
    efficiency /= 2
    assert (solve(LLAMA, H100, runtime=runtime).ttft_s > before).all()


class Tunable(Device):
    """Somebody's device whose numbers are changed in place."""

    __setattr__ = object.__setattr__
    __hash__ = None


@dataclass(frozen=True, eq=True)
class Unhashable(Device):
    """Somebody's device with all fields, a dict too, in its hash."""

    owner: str = "me"


def test_somebody_s_own_kind_of_device_may_change_and_need_no_hash():
    given = {name: getattr(H100, name) for name in ("memory_bytes", "bandwidth_bytes_s", "peaks")}
    tunable = Tunable(name="Mine", **given)
    assert solve(LLAMA, tunable).itl_s == solve(LLAMA, H100).itl_s
    tunable.bandwidth_bytes_s = 1e12
    assert solve(LLAMA, tunable).itl_s == solve(LLAMA, replace(H100, bandwidth_bytes_s=1e12)).itl_s
    assert solve(LLAMA, Unhashable(name="Mine", **given)).itl_s == solve(LLAMA, H100).itl_s


def test_what_is_kept_is_bounded_and_goes_on_being_right():
    passes._kept.clear()
    for number in range(1, 2 * passes.MOST_KEPT):
        device = replace(H100, bandwidth_bytes_s=number * 1e9)
        assert solve(LLAMA, device, runtime="ideal").timing.memory[0] == 16.06e9 / (number * 1e9)
        assert len(passes._kept) <= passes.MOST_KEPT


def test_widths_and_groups_of_weights_are_not_kept():
    passes._kept.clear()
    for size in (32, 64, np.array([32, 64])):
        solve(LLAMA, H100, precision="int4", group_size=size)
        solve(LLAMA, H100, precision="int4", weight_bits=3.5)
    assert not passes._kept


def test_threads_with_devices_of_one_name_get_each_their_own():
    own = [replace(H100, bandwidth_bytes_s=(1 + number) * 1e11) for number in range(8)]
    alone = [told(anew(LLAMA, device, "tutorial", 2048, 8, "w4a16")) for device in own]

    def many(number):
        return all(
            told(solve(LLAMA, own[number], 2048, 8, "w4a16")) == alone[number]
            and told(solve(LLAMA, replace(own[number]), 2048, 8, "w4a16")) == alone[number]
            for _ in range(100)
        )

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(many, range(8)))


@pytest.mark.parametrize("precision", [["int4"], {"int4": 1}, 4, None, np.array(["int4"]), b"int4"])
def test_a_precision_that_is_no_text_is_named_whatever_was_solved_before(precision):
    solve(LLAMA, H100, precision="int4")
    for arguments in ({"precision": precision}, {"kv_precision": precision or 4}):
        with pytest.raises(InputError, match=r"unknown (kv_)?precision"):
            solve(LLAMA, H100, **arguments)


# What it was worked out from cannot change.


def held():
    runtime = Runtime("drawn", 0.9, 0.9, 0.0, overhead_by_memory={"hbm": 1e-5}, peak_shares={"fp8": 0.7})
    return [replace(H100).peaks, runtime.overhead_by_memory, runtime.peak_shares]


CHANGES = {
    "assigned": lambda table: table.__setitem__("fp16", 1.0),
    "deleted": lambda table: table.__delitem__(next(iter(table))),
    "updated": lambda table: table.update(fp16=1.0),
    "joined": lambda table: table.__ior__({"fp16": 1.0}),
    "popped": lambda table: table.pop("fp16", None),
    "popped at the end": lambda table: table.popitem(),
    "cleared": lambda table: table.clear(),
    "set by default": lambda table: table.setdefault("fp16", 1.0),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_tables_of_a_spec_cannot_be_changed(change):
    for table in held():
        before = dict(table)
        with pytest.raises(InputError, match=r"cannot be changed: .* dataclasses\.replace"):
            CHANGES[change](table)
        assert table == before


def test_what_was_given_may_be_changed_and_the_spec_stays():
    peaks = dict(H100.peaks)
    device = replace(H100, peaks=peaks)
    peaks["fp16"] = 1.0
    assert device == H100 and solve(LLAMA, device).ttft_s == solve(LLAMA, H100).ttft_s


def test_specs_and_results_are_copied_and_pickled_with_their_tables():
    result = solve(LLAMA, H100, [1024, 2048], 8, "w4a16", runtime="measured")
    many = solve(LLAMA, H100, np.arange(1, 70_001), 8, devices=2, link="nvlink4")
    for again in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result), copy.copy(result)):
        assert again.hardware == H100 and again.runtime == result.runtime
        assert (again.ttft_s == result.ttft_s).all() and (again.binding == result.binding).all()
        with pytest.raises(InputError, match="cannot be changed"):
            again.hardware.peaks["fp16"] = 1.0
    again = pickle.loads(pickle.dumps(many))
    assert (again.ttft_s == many.ttft_s).all() and (again.itl_s == many.itl_s).all()
    assert type(H100.peaks | {}) is dict and repr(H100.peaks) == repr(dict(H100.peaks))


def test_a_deployment_gives_the_passes_of_a_result():
    result = solve(LLAMA, H100, 2048, 8, "w4a16")
    work = Deployment(LLAMA, H100, result.scheme, result.runtime)
    assert work.decode(8, 2048).total == result.itl_s and work.prefill(8, 2048).total == result.ttft_s
