"""The registry's numbers: where each comes from, who else says it, and what they follow from."""

import itertools
import re

import pytest

from mlsysim import (
    Device,
    Hardware,
    InputError,
    Link,
    Models,
    ServingModel,
    SingleNodeModel,
    find_link,
    ridge_point,
)
from mlsysim.data import load_toml
from mlsysim.specs import find_scheme
from tests.hardware_formulas import BUS, COMPUTE, ROUNDED_UP

LINKS = [find_link(name) for name in load_toml("links.toml") if name != "defaults"]
SPECS = [*Hardware, *Models, *LINKS]
DEVICES = list(Hardware)
TOKENS = [m for m in Models if m.group == "Language" and not hasattr(m, "reason")]
SCHEMES = sorted(load_toml("schemes.toml"))
by_name = {"ids": lambda spec: getattr(spec, "name", None)}
FORMATS = {"fp8": "fp8", "int8": "w8a8", "fp4": "nvfp4", "int4": "w4a4", "fp16": "fp16", "bf16": "fp16"}


# --- second sources


@pytest.mark.parametrize("spec", SPECS, **by_name)
def test_each_group_of_numbers_has_a_second_source_or_its_note_says_that_none_was_found(spec):
    for group in spec.number_groups:
        found, missing = group in spec.checked, f"{group}: no second source" in spec.note
        assert found != missing, group


@pytest.mark.parametrize("spec", SPECS, **by_name)
def test_a_second_source_is_another_one_was_opened_and_has_its_year(spec):
    for group, citation in spec.checked.items():
        who = re.split(r"[,;:(]", citation)[0].strip()
        assert any(who not in spec.source_of(number) for number in spec.number_groups[group]), group
        assert re.search(r"\((19|20)\d\d\)", citation)
        assert "not opened" not in citation


@pytest.mark.parametrize("spec", SPECS, **by_name)
def test_a_number_whose_source_was_not_opened_is_in_a_group_that_has_another_source_or_says_so(spec):
    for number in spec.numbers:
        if "not opened" in spec.source_of(number):
            groups = [group for group, numbers in spec.number_groups.items() if number in numbers]
            assert all(spec.checked_by(number) or f"{group}: no" in spec.note for group in groups), number


def test_few_groups_are_without_a_second_source():
    groups = [(spec.name, group) for spec in DEVICES for group in spec.number_groups]
    without = [g for spec in DEVICES for g in spec.number_groups if g not in spec.checked]
    assert len(without) < len(groups) / 12


def test_a_device_in_a_notebook_shows_who_says_its_numbers_and_where_they_disagree():
    shown = Hardware.MI210._repr_html_()
    assert "ROCm" not in Hardware.MI210.source and "llm-analysis" in shown and "Checked by" in shown


@pytest.mark.parametrize("spec", [Hardware.H100, Models.Llama3_8B, Models.ResNet50, LINKS[0]], **by_name)
def test_a_number_that_is_in_no_group_has_no_second_source(spec):
    grouped = {number for numbers in spec.number_groups.values() for number in numbers}
    assert all(spec.checked_by(number) == "" for number in spec.numbers if number not in grouped)
    with pytest.raises(InputError, match=f"unknown number of {spec.name} 'speed'"):
        spec.checked_by("speed")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"checked": {"memory": "me (2026)"}}, r"unknown field in checked 'memory'"),
        ({"checked": {"peak": "a friend"}}, r"checked.peak = 'a friend' .* its year in brackets"),
        ({"checked": ["me (2026)"]}, r"checked = \['me \(2026\)'\] is not allowed: give a dict of citations"),
        ({"note": 3}, r"note = 3 is not allowed: give a text"),
    ],
)
def test_a_wrong_second_source_says_what_is_allowed(change, message):
    row = {"memory_bytes": 1e9, "bandwidth_bytes_s": 1e9, "peaks": {"fp16": 1e12}, "source": "me (2026)"}
    with pytest.raises(InputError, match=message):
        type(Hardware)("device", (Device,), lambda *_: None, ()).add(Device(name="Toy", **{**row, **change}))


@pytest.mark.parametrize("change", [{"checked": 3}, {"sources": ["me (2026)"]}, {"note": None}, {"title": 3}])
def test_a_link_of_ones_own_is_checked_as_a_device_is(change):
    with pytest.raises(InputError, match=f"{next(iter(change))} = .* is not allowed: give"):
        Link("mine", 1e9, **change)
    assert Link("mine", 1e9).checked_by("hop_us") == ""


# --- what the numbers follow from


def half_rate(device):
    return device.peak_flops()


@pytest.mark.parametrize("name", COMPUTE)
def test_a_peak_is_no_more_than_its_units_do_at_their_clock_and_not_far_below(name):
    printed, formula = half_rate(Hardware[name]), COMPUTE[name].rate()
    rounding = 0.5e12 if printed % 1e12 == 0 else 0  # of a data sheet that prints whole teraflops
    assert 0.75 * formula < printed < ROUNDED_UP.get(name, 1.01) * formula + rounding


@pytest.mark.parametrize("name", ROUNDED_UP)
def test_a_headline_above_the_formula_is_above_it_and_its_note_says_so(name):
    assert half_rate(Hardware[name]) > 1.01 * COMPUTE[name].rate()
    assert "rounded up" in Hardware[name].note


@pytest.mark.parametrize("name", BUS)
def test_a_bandwidth_is_no_more_than_its_bus_moves_and_not_far_below(name):
    assert 0.85 < Hardware[name].bandwidth_bytes_s / BUS[name].rate() < 1.01


def test_most_devices_with_a_peak_are_computed():
    with_peak = {device.name for device in DEVICES if device.peaks}
    assert with_peak >= COMPUTE.keys()
    assert len(COMPUTE) > 0.8 * len(with_peak)


@pytest.mark.parametrize("device", [d for d in DEVICES if d.peaks], **by_name)
def test_dense_rates_of_shorter_formats_are_at_most_those_of_their_width(device):
    """Twice for half the bits; a GeForce halves its floating-point rates alone, Blackwell Ultra adds to FP4 alone."""
    half = half_rate(device)
    geforce = 2 if "tf32" in device.peaks and device.peaks["tf32"] == device.peaks["fp32"] else 1
    most = {"fp8": 2.03, "int8": 2.03 * geforce, "fp4": 8.1, "int4": 4.03 * geforce}
    for precision, times in most.items():
        assert device.peaks.get(precision, 0) <= times * half


@pytest.mark.parametrize("model", [m for m in TOKENS if m.architecture], **by_name)
def test_a_stated_count_is_the_recomputed_one_within_a_hundredth(model):
    assert model.parameters == pytest.approx(model.exact_parameters, rel=0.01)


def test_mistral_7b_is_the_revision_without_a_window_and_the_papers_has_one():
    new, paper = Models.Mistral_7B, Models.Mistral_7B_v0_1
    assert new.exact_parameters == paper.exact_parameters
    kept = {m.name: ServingModel().solve(m, "H100", [1000, 4096, 32768]).kv_bytes for m in (new, paper)}
    assert kept["Mistral_7B"][:2] == pytest.approx(kept["Mistral_7B_v0_1"][:2])
    assert kept["Mistral_7B"][2] == pytest.approx(8 * kept["Mistral_7B_v0_1"][2])


# --- every device, every model, every precision


@pytest.mark.parametrize("device", DEVICES, **by_name)
def test_the_default_precision_runs_on_every_device(device):
    step = ServingModel().solve("Llama3_2_1B", device)
    assert step.itl_s > 0
    assert (device.name in step.notes) == ("fp16" not in device.peaks)


@pytest.mark.parametrize("device", [d for d in DEVICES if d.peaks], **by_name)
def test_what_is_asked_without_a_precision_is_answered_for_the_16_bit_float_that_the_device_has(device):
    assert device.compute.peak_flops.to("flop/s").magnitude == pytest.approx(device.peak_flops())
    assert device.plain()["peak_flops"] == device.peak_flops()
    assert device.peak_flops() == device.peaks["fp16" if "fp16" in device.peaks else "bf16"]
    assert ridge_point(device) == pytest.approx(device.peak_flops() / device.bandwidth_bytes_s)


@pytest.mark.parametrize("device", DEVICES, **by_name)
def test_a_device_solves_at_each_precision_that_it_claims(device):
    for precision in device.peaks.keys() & FORMATS.keys():
        step = ServingModel().solve("Llama3_2_1B", device, precision=FORMATS[precision])
        assert step.ttft_s > 0 and step.itl_s > 0


@pytest.mark.parametrize("device", [d for d in DEVICES if not d.peaks], **by_name)
def test_a_device_without_a_peak_says_so_where_it_solves_and_where_it_cannot(device):
    step = ServingModel().solve("Llama3_2_1B", device, precision="w4a16")
    assert step.itl_s > 0 and "no compute peak" in step.notes
    with pytest.raises(InputError, match="no compute peak"):
        _ = step.ttft
    with pytest.raises(InputError, match="no compute peak"):
        device.peak_flops("fp16")


@pytest.mark.parametrize("device", DEVICES, **by_name)
def test_every_model_by_every_scheme_is_solved_or_refused_in_a_sentence(device):
    for scheme, model in itertools.product(SCHEMES, TOKENS):
        try:
            step = ServingModel().solve(model, device, precision=scheme)
            assert step.itl_s > 0
        except InputError as refused:
            assert f"{device.name} cannot run {find_scheme(scheme).name}" in str(refused)


@pytest.mark.parametrize("device", DEVICES, **by_name)
def test_every_image_model_by_every_scheme_is_solved_or_refused_in_a_sentence(device):
    for scheme, model in itertools.product(SCHEMES, Models.Vision):
        try:
            assert SingleNodeModel().solve(model, device, precision=scheme).latency_s > 0
        except InputError as refused:
            assert device.name in str(refused)
