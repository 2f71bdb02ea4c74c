"""Several devices that share a model: an N-th of the work on each, and two all-reduces a layer."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsysim import InputError, Link, Models, ServingModel, crossover_batch, explain, find_link, regime, sweep
from mlsysim.data import load_toml

solve = ServingModel().solve
LINKS = [name for name in load_toml("links.toml") if name != "defaults"]
NVLINK4 = {"bandwidth": 450e9, "latency": 6.6e-6, "hop": 0.6e-6}


def all_reduce(message, devices):
    steps = 2 * (devices - 1)
    return NVLINK4["latency"] + steps * (NVLINK4["hop"] + message / devices / NVLINK4["bandwidth"])


@given(st.integers(2, 8), st.integers(1, 512), st.integers(1, 8192))
def test_a_step_is_an_nth_of_the_work_and_two_all_reduces_a_layer(devices, batch, context):
    r = solve("Llama3_70B", "H100", context, batch, runtime="ideal", devices=devices, link="nvlink4")
    model = Models.Llama3_70B
    flops, moved = 2 * model.parameters * batch / devices, 2 * model.parameters / devices
    matmuls = max(flops / 989.4e12, moved / 3.35e12)
    cache = 2 * 80 * 8 * 128 * 2 * context * batch / devices
    attention = max(4 * 80 * 64 * 128 * context * batch / devices / 989.4e12, cache / 3.35e12)
    exchanged = 80 * 2 * all_reduce(batch * 8192 * 2, devices)
    assert r.itl_s == pytest.approx(matmuls + attention + exchanged)
    assert r.memory_needed_bytes == pytest.approx((2 * model.parameters + cache * devices) / devices)
    assert sum(r.parts.values()) == pytest.approx(r.itl_s)
    assert r.parts["link traffic"] == pytest.approx(exchanged)


def test_a_prefill_exchanges_every_token():
    one, two = (
        solve("Llama3_70B", "H100", 4096, 4, runtime="ideal", devices=n, link="nvlink4").ttft_s
        for n in (1, 2)
    )
    assert two == pytest.approx((one - 10e-6) / 2 + 10e-6 + 160 * all_reduce(4 * 4096 * 8192 * 2, 2))


def test_70b_at_fp16_has_an_answer_on_two_h100():
    alone = solve("Llama3_70B", "H100", batch_size=4)
    both = solve("Llama3_70B", "H100", batch_size=4, devices=2, link="nvlink4")
    assert not alone.feasible and both.feasible
    assert "on 2 H100 over nvlink4" in repr(both)
    many = solve("Llama3_70B", "H100", batch_size=64, devices=2, link="nvlink4")
    assert "needs 92.0 GB, each device has 80.0 GB" in repr(many)
    assert crossover_batch("Llama3_70B", "H100", 1.5, devices=2, link="nvlink4").batch > 38


def test_one_device_pays_nothing_for_its_link():
    assert solve("Llama3_8B", "H100", devices=1, link="pcie4_x16").itl_s == solve("Llama3_8B", "H100").itl_s


def test_heads_that_cannot_be_split_are_held_by_every_device():
    needed = solve("Llama3_8B", "H100", devices=[8, 16, 32], link="nvlink4").memory_needed_bytes
    cache = 2 * 32 * 8 * 128 * 2 * 2048
    assert (needed - 16.06e9 / np.array([8, 16, 32])).tolist() == pytest.approx([cache / 8] * 3)


def test_a_slow_link_is_what_binds_and_is_told_so():
    r = solve("Llama3_8B", "H100", batch_size=256, devices=8, link="network_400g", runtime="ideal")
    assert (r.binding, r.bottleneck, regime(r).name) == ("link traffic", "Link", "link")
    assert explain(r).best.name == "link traffic"


def test_numbers_of_devices_are_an_axis():
    table = sweep(
        ServingModel(), model="Llama3_70B", hardware="H100", devices=[1, 2, 4, 8], link=["nvlink4", "pcie5_x16"]
    )  # fmt: skip
    times = table.grid("itl_s")
    assert times.shape == (4, 2)
    assert times[3, 0] == solve("Llama3_70B", "H100", devices=8, link="nvlink4").itl_s
    assert (times[1:, 0] < times[1:, 1]).all() and (np.diff(times[:, 0]) < 0).all()


@given(st.floats(1e3, 1e9), st.integers(2, 512), st.sampled_from(LINKS))
def test_an_all_reduce_sends_each_byte_twice_and_waits_for_each_step(message, devices, name):
    link = find_link(name)
    sent = 2 * message * (devices - 1) / devices / link.bandwidth_bytes_s
    assert link.all_reduce_s(message, devices) == pytest.approx(
        sent + link.latency_s + 2 * (devices - 1) * link.hop_s
    )
    assert link.all_reduce_s(message, 1) == 0


@pytest.mark.parametrize("name", LINKS)
def test_every_number_of_a_link_has_a_source_with_a_year(name):
    link = find_link(name)
    assert link.title and all(
        re.search(r"\(20\d\d\)", text) for text in (link.source, *link.sources.values())
    )


def test_a_link_of_ones_own_works_like_the_named_ones():
    mine = Link("mine", 450e9, 6.6e-6, 0.6e-6)
    mine_s, named_s = (solve("Llama3_8B", "H100", devices=4, link=link).itl_s for link in (mine, "nvlink4"))
    assert mine_s == pytest.approx(named_s)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"devices": 2}, "link is missing: devices = 2 need one, such as 'nvlink4'"),
        ({"devices": [1, 2]}, "link is missing"),
        (
            {"devices": 0, "link": "nvlink4"},
            "devices = 0 is not allowed: give a whole number from 1 to 4,096",
        ),
        ({"devices": 1.5, "link": "nvlink4"}, "devices = 1.5"),
        ({"devices": 2, "link": "nvlink9"}, "unknown link 'nvlink9'; nearest known: nvlink"),
        ({"devices": 2, "link": 3}, "unknown link 3"),
        ({"devices": [1, 2], "batch_size": [1, 2, 3], "link": "nvlink4"}, r"devices \(2,\)"),
    ],
)
def test_devices_without_a_link_and_links_that_nobody_knows_are_named(arguments, says):
    with pytest.raises(InputError, match=says):
        solve("Llama3_8B", "H100", **arguments)


@pytest.mark.parametrize("numbers", [{"bandwidth_bytes_s": 0}, {"bandwidth_bytes_s": 1, "hop_s": -1}])
def test_a_link_that_cannot_be_is_refused(numbers):
    with pytest.raises(InputError, match="is not allowed"):
        Link("x", **numbers)
