"""The registry: what is in it, where each number comes from, and how a user adds to it."""

import copy
import pickle
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vision_counts import COUNTS

import mlsysim
from mlsysim import (
    Device,
    Hardware,
    InputError,
    Models,
    SizeOnlyModel,
    TransformerModel,
    VisionModel,
    hardware,
)
from mlsysim import models as model_module
from mlsysim.architecture import Architecture
from mlsysim.registry import Registry

DEVICES, MODELS = list(Hardware), list(Models)
TRANSFORMERS = [m for m in MODELS if not isinstance(m, VisionModel)]
by_name = {"ids": lambda spec: getattr(spec, "name", None)}


@pytest.fixture
def devices():
    """A registry of devices of its own, so that a test's additions stay in it."""
    return Registry("device", (Device,), hardware._parse, hardware.FILES)


@pytest.fixture
def models():
    types = (TransformerModel, VisionModel, SizeOnlyModel)
    return Registry("model", types, model_module._parse, model_module.FILES)


def a_device(**changes):
    row = {"name": "Toy", "memory_bytes": 8e9, "bandwidth_bytes_s": 1e11, "peaks": {"fp16": 1e13}}
    return Device(**{**row, "source": "measured on the bench (2026)", **changes})


# --- what is in it


def test_there_are_at_least_40_devices_of_four_groups_and_18_models():
    assert len(DEVICES) >= 40
    assert {d.group for d in DEVICES} == {"Cloud", "Workstation", "Edge", "Apple"}
    assert len(MODELS) >= 18
    assert {m.group for m in MODELS} == {"Language", "Vision"}


@pytest.mark.parametrize("spec", DEVICES + MODELS, **by_name)
def test_every_number_has_a_source_with_a_year(spec):
    assert spec.year
    assert spec.numbers
    for number in spec.numbers:
        assert re.search(r"\((19|20)\d\d\)", spec.source_of(number)), number


@pytest.mark.parametrize("device", DEVICES, **by_name)
def test_a_shorter_format_never_computes_slower_than_half_precision_except_int8_on_blackwell_ultra(device):
    half = device.peaks.get("fp16", device.peaks.get("bf16", 0))
    slower = {p for p in ("fp8", "int8", "fp4", "int4") if device.peaks.get(p, np.inf) < half}
    assert slower == ({"int8"} if device.name in ("B300", "GB300") else set())


@pytest.mark.parametrize("device", DEVICES, **by_name)
def test_bf16_runs_at_the_fp16_rate_where_a_device_has_both(device):
    if "bf16" in device.peaks and "fp16" in device.peaks:
        assert device.peaks["bf16"] == device.peaks["fp16"]


@pytest.mark.parametrize("name", ["T4", "V100"])
def test_the_devices_before_ampere_have_no_bf16(name):
    with pytest.raises(InputError, match=rf"{name} has no bf16 peak; it has: fp32, fp16"):
        Hardware[name].peak_flops("bf16")


def test_the_registry_says_which_formats_a_device_has():
    with_int4 = {d.name for d in DEVICES if "int4" in d.peaks}
    assert {"A100", "T4", "L4", "RTX_4090"} <= with_int4
    assert not with_int4 & {"H100", "H200", "B200", "B300", "MI300X"}
    assert {d.name for d in DEVICES if "fp4" in d.peaks} >= {"B200", "B300", "GB200", "RTX_5090", "DGX_Spark"}
    assert not {"fp8"} & (Hardware.A100.peaks.keys() | Hardware.V100.peaks.keys())
    assert "int8" not in Hardware.V100.peaks
    assert Hardware.A100.sparse_2_4 and not Hardware.V100.sparse_2_4 and not Hardware.T4.sparse_2_4


# --- well-known datasheet errors


def test_h100_int8_is_the_dense_1979_not_the_sparse_3958():
    assert Hardware.H100.peak_flops("int8") == pytest.approx(1978.9e12)
    assert Hardware.H100.peak_flops("fp8") == pytest.approx(1978.9e12)
    assert Hardware.H100.peak_flops("fp16") == pytest.approx(989.4e12)


def test_h100_pcie_int8_is_the_dense_1513_not_the_sparse_3026_and_has_a_bandwidth_of_its_own():
    assert Hardware.H100_PCIe.peak_flops("int8") == pytest.approx(1513e12)
    assert Hardware.H100_PCIe.bandwidth_bytes_s == pytest.approx(2000e9)


def test_the_40gb_a100_has_1555_gb_s_not_the_80gb_parts_2039():
    assert Hardware.A100_40GB.bandwidth_bytes_s == pytest.approx(1555e9)
    assert Hardware.A100.bandwidth_bytes_s == pytest.approx(2039e9)


def test_a100_rates_are_dense():
    assert [Hardware.A100.peaks[p] / 1e12 for p in ("fp16", "int8", "int4")] == pytest.approx(
        [312, 624, 1248]
    )


def test_l4_is_121_fp16_and_242_int8_where_the_datasheet_prints_sparse_242_and_485():
    assert Hardware.L4.peak_flops("fp16") == pytest.approx(121e12)
    assert Hardware.L4.peak_flops("int8") == pytest.approx(242e12)
    assert Hardware.L4.bandwidth_bytes_s == pytest.approx(300e9)


@pytest.mark.parametrize(
    ("name", "headline", "precision"),
    [
        ("JetsonAGXOrin", 275, "int8"),
        ("JetsonOrinNano", 40, "int8"),
        ("JetsonOrinNanoSuper", 67, "int8"),
        ("JetsonThor", 2070, "fp4"),
    ],
)
def test_a_jetson_has_at_most_half_its_headline_tops(name, headline, precision):
    assert 0.3 * headline <= Hardware[name].peak_flops(precision) / 1e12 <= headline / 2


def test_b200_9000_is_fp4_and_it_has_no_int4():
    assert Hardware.B200.peak_flops("fp4") == pytest.approx(9000e12)
    with pytest.raises(InputError, match=r"B200 has no int4 peak; it has: .*fp4"):
        Hardware.B200.peak_flops("int4")


def test_b300_int8_was_cut_far_below_its_fp16():
    assert Hardware.B300.peak_flops("int8") == pytest.approx(153.5e12)


def test_mi300x_2615_is_fp8_and_its_fp16_is_half_of_that():
    assert Hardware.MI300X.peak_flops("fp16") == pytest.approx(1307.4e12)


def test_rtx_3090_fp16_is_with_fp32_accumulation():
    assert Hardware.RTX_3090.peak_flops("fp16") == pytest.approx(71e12)


# --- what is absent


def test_a_peak_that_no_source_gives_is_an_error_when_used():
    with pytest.raises(
        InputError, match="M3_Max_40c has no fp16 peak; its source gives no compute peak at all"
    ):
        Hardware.Apple.M3_Max_40c.peak_flops("fp16")
    with pytest.raises(InputError, match="M3_Max_40c cannot run fp16"):
        mlsysim.ServingModel().solve("Llama3_8B", "M3_Max_40c")


def test_a_tdp_that_no_source_gives_is_an_error_when_used():
    assert f"{Hardware.H100.tdp:~}" == "700 W"
    with pytest.raises(InputError, match="TPUv4 has no tdp"):
        _ = Hardware.TPUv4.tdp


def test_a_mixture_of_experts_and_an_encoder_say_why_they_are_not_solved():
    for name, why in (("Mixtral_8x7B", "experts"), ("BERT_Base", "does not decode")):
        with pytest.raises(InputError, match=why):
            mlsysim.ServingModel().solve(name, "H100")
        assert "sizes only" in Models[name].cells()["Solved by"]


# --- parameter counts


@pytest.mark.parametrize("model", TRANSFORMERS, **by_name)
def test_the_exact_count_agrees_with_the_published_one_to_its_last_digit(model):
    """Publishers round or cut: within one unit of the last printed digit."""
    digits, unit = model.published[:-1], {"M": 1e6, "B": 1e9}[model.published[-1]]
    last = unit / 10 ** len(digits.partition(".")[2])
    assert abs(model.exact_parameters - float(digits) * unit) < last


@pytest.mark.parametrize("model", TRANSFORMERS, **by_name)
def test_a_model_computes_with_its_exact_count_unless_the_published_one_is_kept(model):
    assert model.parameters == (8.03e9 if model.name == "Llama3_8B" else model.exact_parameters)


def test_known_exact_counts():
    known = {"Llama3_8B": 8030261248, "Llama2_7B": 6738415616, "GPT2": 124439808, "BERT_Base": 109482240}
    assert {name: Models[name].exact_parameters for name in known} == known
    assert Models.Mixtral_8x7B.active_parameters == 12879925248
    assert Models.Llama3_8B.active_parameters == Models.Llama3_8B.exact_parameters
    assert Models.Llama3_8B.embedding_parameters == 525336576


@pytest.mark.parametrize("name", COUNTS)
def test_the_count_of_an_image_model_follows_from_its_architecture(name):
    assert Models[name].parameters == COUNTS[name]


def test_every_image_model_is_counted():
    assert COUNTS.keys() == {m.name for m in MODELS if isinstance(m, VisionModel)}


@given(
    st.integers(1, 8),
    st.integers(1, 64),
    st.sampled_from([1, 2, 4]),
    st.booleans(),
    st.sampled_from(["none", "qkv", "all"]),
)
def test_parameters_are_linear_in_the_number_of_layers(layers, width, kv_heads, tied, biases):
    shape = Architecture(hidden=8 * width, ffn=32 * width, vocab=100, tied=tied, biases=biases)
    count = [shape.parameters(n * layers, 8, kv_heads, width) for n in (1, 2, 3)]
    assert count[2] - count[1] == count[1] - count[0] > 0


@pytest.mark.parametrize("model", MODELS, **by_name)
def test_the_accuracy_family_is_by_kind_and_size(model):
    if isinstance(model, VisionModel):
        assert model.family == ("" if model.name.startswith("ViT") else "cnn")
    elif model.family:
        assert model.family == ("llm_8b" if model.parameters < 30e9 else "llm_70b")


# --- finding and showing


def test_groups_shortcuts_items_and_membership_lead_to_the_same_spec():
    assert Hardware.Cloud.H100 is Hardware.H100 is Hardware["H100"] is Hardware.Cloud["H100"]
    assert Models.Language.Llama3_8B is Models.Llama3_8B
    assert "H100" in Hardware and "H100" not in Hardware.Edge
    assert len(Hardware.Apple) == sum(d.group == "Apple" for d in Hardware)


def test_tab_completion_offers_groups_names_and_the_ways_to_add():
    assert {"Cloud", "Edge", "H100", "add", "load"} <= set(dir(Hardware))
    assert set(dir(Hardware.Edge)) == {d.name for d in DEVICES if d.group == "Edge"}
    assert all(hasattr(Hardware, name) for name in dir(Hardware))


def test_an_unknown_name_names_the_nearest():
    with pytest.raises(InputError, match=r"unknown device 'H10'; nearest known: .*H100"):
        _ = Hardware.H10
    with pytest.raises(InputError, match=r"unknown Cloud device 'JetsonThor'"):
        _ = Hardware.Cloud.JetsonThor
    with pytest.raises(InputError, match="unknown model"):
        Models[["Llama3_8B"]]
    assert not hasattr(Models, "Llama9")


@pytest.mark.parametrize("table", [Hardware, Models, Hardware.Edge, Models.Vision], ids=lambda t: t._kind)
def test_the_terminal_table_is_aligned_and_complete(table):
    caption, titles, rule, *lines = repr(table).splitlines()
    assert caption.startswith(str(len(table)))
    assert {line.split()[0] for line in lines[: len(table)]} == {spec.name for spec in table}
    assert max(len(line) for line in lines[: len(table)]) <= len(rule) <= 160
    columns = len(re.split("  +", titles))
    assert all(len(re.split("  +", line)) == columns for line in lines[: len(table)])


class _Table(HTMLParser):
    def __init__(self):
        super().__init__()
        self.headers, self.tags = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "th":
            self.headers.append(dict(attrs).get("scope"))


@pytest.mark.parametrize("table", [Hardware, Models, Hardware.Edge], ids=lambda t: t._kind)
def test_the_notebook_table_has_a_caption_and_headers_with_a_scope(table):
    parsed = _Table()
    parsed.feed(table._repr_html_())
    assert parsed.tags.count("caption") == 1
    assert parsed.headers.count("row") == len(table) == parsed.tags.count("tr") - 1
    assert set(parsed.headers) == {"row", "col"}


def test_html_escapes_what_a_user_writes(models):
    models.add(
        TransformerModel(
            name="Toy",
            parameters=1e6,
            layers=1,
            heads=1,
            kv_heads=1,
            head_dim=64,
            family="<b>",
            source="me (2026)",
        )
    )
    assert "<b>" not in models._repr_html_() and "&lt;b&gt;" in models._repr_html_()


@pytest.mark.parametrize("spec", DEVICES + MODELS, **by_name)
def test_a_spec_shows_its_numbers_with_units(spec):
    assert spec.name in repr(spec) and spec.title in repr(spec)
    units = ("GB", "GB/s") if isinstance(spec, Device) else ("parameters", "GB at FP16", "layers")
    assert all(unit in repr(spec) for unit in units)


@pytest.mark.parametrize("spec", [DEVICES[0], MODELS[0], MODELS[-1]], **by_name)
def test_specs_are_values_that_copy_pickle_and_hash(spec):
    assert pickle.loads(pickle.dumps(spec)) == spec == copy.deepcopy(spec)
    assert hash(copy.deepcopy(spec)) == hash(spec)


def test_the_data_files_are_read_once_and_only_when_needed(monkeypatch):
    read = []
    original = mlsysim.registry._text
    monkeypatch.setattr(mlsysim.registry, "_text", lambda name: read.append(name) or original(name))
    fresh = Registry("device", (Device,), hardware._parse, hardware.FILES)
    assert read == []
    assert fresh.H100 and fresh.Cloud.A100 and len(fresh)
    assert read == list(hardware.FILES)


# --- adding


def test_a_device_is_added_in_one_call_and_solved(devices):
    toy = devices.add(a_device(group="Lab"))
    assert devices.Toy is devices.Lab.Toy is toy
    assert "Toy" in repr(devices) and "Lab" in dir(devices)
    assert mlsysim.ServingModel().solve("Llama3_8B", toy, runtime="ideal").itl_s == pytest.approx(
        16.06e9 / 1e11, rel=0.05
    )


def test_a_model_is_added_in_one_call(models):
    toy = TransformerModel(
        name="Toy", parameters=1e9, layers=16, heads=16, kv_heads=4, head_dim=64, source="my own (2026)"
    )
    assert models.add(toy) is models.Toy is models.Custom.Toy


def test_a_name_that_is_taken_is_refused_unless_replaced(devices):
    with pytest.raises(
        InputError, match=r"name = 'H100' is not allowed: there is such a device already; replace=True"
    ):
        devices.add(a_device(name="H100"))
    assert devices.H100.memory_bytes == 80e9
    assert devices.add(a_device(name="H100"), replace=True) is devices.H100
    assert "H100" not in devices.Cloud and "H100" in devices.Custom


@pytest.mark.parametrize("name", ["add", "load", "_x", "two words", "", "Cloud", 3])
def test_a_name_that_could_not_be_reached_is_refused(devices, name):
    with pytest.raises(InputError, match="name = "):
        devices.add(a_device(name=name))
    assert len(devices) == len(DEVICES)


def test_a_group_may_not_be_called_as_a_device_is(devices):
    with pytest.raises(InputError, match="name = 'H100' is not allowed: it is the name of a group"):
        devices.add(a_device(group="H100"))


def test_an_added_spec_needs_a_source_with_a_year(devices):
    for source in ("", "some blog", "arXiv 2003.13678"):
        with pytest.raises(InputError, match=r"source = .* give a citation with its year in brackets"):
            devices.add(a_device(source=source))
    with pytest.raises(InputError, match=r"unknown field in sources 'memory'; nearest known: memory_gb"):
        devices.add(a_device(sources={"memory": "me (2026)"}))


def test_only_specs_of_the_right_kind_are_added(devices):
    for wrong in (Models.Llama3_8B, {"name": "x"}, None):
        with pytest.raises(InputError, match="give a Device"):
            devices.add(wrong)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"memory_bytes": 0}, "memory_bytes = 0 is not allowed: give a number above 0"),
        ({"bandwidth_bytes_s": float("nan")}, "bandwidth_bytes_s = nan"),
        ({"peaks": {"fp61": 1e12}}, "unknown precision in peaks 'fp61'; nearest known: fp16"),
        ({"peaks": {"fp16": -1}}, r"peaks\['fp16'\] = -1"),
        ({"dispatch_s": -1}, "dispatch_s = -1"),
        ({"tdp_w": "300"}, "tdp_w = '300'"),
        ({"year": 20233}, "year = 20233"),
    ],
)
def test_a_device_with_a_bad_number_says_which(change, message):
    with pytest.raises(InputError, match=message):
        a_device(**change)


@pytest.mark.parametrize("attribute", ["parameters", "layers", "heads", "kv_heads", "head_dim"])
@pytest.mark.parametrize("value", [0, -1, None, "8", float("inf")])
def test_a_transformer_with_a_bad_number_says_which(attribute, value):
    row = {"parameters": 1e9, "layers": 16, "heads": 16, "kv_heads": 4, "head_dim": 64, attribute: value}
    with pytest.raises(InputError, match=rf"{attribute} = {value!r} is not allowed: give"):
        TransformerModel(name="Toy", **row)


# --- one TOML file

GOOD = """
[defaults]
group = "Lab"
source = "bench report (2026)"

[Alpha]
year = 2026
memory_gb = 16
bandwidth_gb_s = 500
peak = { fp16 = 50, int8 = 100 }
sources = { int8 = "letter from the maker (2025)" }

[Beta]
year = 2026
memory_gb = 8
bandwidth_gb_s = 100
"""


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "my.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_toml_file_adds_its_devices(devices, file):
    alpha, beta = devices.load(file(GOOD))
    assert devices.Lab.Alpha is alpha and devices.Beta is beta
    assert (alpha.memory_bytes, alpha.bandwidth_bytes_s, alpha.peaks["int8"]) == (16e9, 500e9, 100e12)
    assert alpha.source_of("int8") == "letter from the maker (2025)"
    assert alpha.source_of("fp16") == "bench report (2026)"
    with pytest.raises(InputError, match=r"my.toml, \[Alpha\]: .*already"):
        devices.load(file(GOOD))
    assert devices.load(str(file(GOOD)), replace=True)[0] is devices.Alpha is not alpha


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "memory_gb = 8",
            "memory_gb = -8",
            r"my.toml, \[Beta\]: memory_gb = -8 is not allowed: give a number above 0",
        ),
        ("memory_gb = 8", 'memory_gb = "8"', r"my.toml, \[Beta\]: memory_gb = '8'"),
        (
            "memory_gb = 8",
            "memory_gb = [8, 9]",
            r"my.toml, \[Beta\]: memory_gb = \[8, 9\] .* give one number",
        ),
        (
            "memory_gb = 8",
            "memory = 8",
            r"my.toml, \[Beta\]: unknown field 'memory'; nearest known: memory_gb",
        ),
        ("memory_gb = 8", "", r"my.toml, \[Beta\]: memory_gb is missing: give a number"),
        ("fp16 = 50", "fp61 = 50", r"my.toml, \[Alpha\]: unknown field 'fp61'; nearest known: fp16"),
        ("fp16 = 50", 'fp16 = "50"', r"my.toml, \[Alpha\]: fp16 = '50'"),
        ("peak = {", "peak = 3 # {", r"my.toml, \[Alpha\]: peak = 3 is not allowed: give a table"),
        ("year = 2026\nmemory_gb = 8", "year = 26\nmemory_gb = 8", r"my.toml, \[Beta\]: year = 26"),
        ("(2026)", "this year", r"my.toml, \[Alpha\]: source = 'bench report this year'"),
        (
            'int8 = "letter from the maker (2025)"',
            "int7 = 'x (2025)'",
            r"my.toml, \[Alpha\]: unknown field in sources",
        ),
        ("sources = {", "sources = 3 # {", r"my.toml, \[Alpha\]: sources = 3 is not allowed: give a table"),
        (
            "[Beta]",
            "[H100]",
            r"my.toml, \[H100\]: name = 'H100' is not allowed: there is such a device already",
        ),
        ("[Beta]", "[Beta", "my.toml is not valid TOML"),
        ("[defaults]", "loose = 1\n[defaults]", "my.toml: loose = 1 is not allowed: every entry is a table"),
        (
            "memory_gb = 8",
            "sparse_2_4 = 1\nmemory_gb = 8",
            r"\[Beta\]: sparse_2_4 = 1 is not allowed: give true or false",
        ),
        ("memory_gb = 8", "title = 1\nmemory_gb = 8", r"\[Beta\]: title = 1 is not allowed: give a text"),
    ],
)
def test_a_wrong_file_says_which_entry_and_field_and_adds_nothing(devices, file, old, new, message):
    assert old in GOOD
    with pytest.raises(InputError, match=message):
        devices.load(file(GOOD.replace(old, new, 1)))
    assert "Alpha" not in devices and len(devices) == len(DEVICES)


@pytest.mark.parametrize("path", ["no/such/file.toml", None, 0, "\0"])
def test_a_path_that_is_no_file_is_refused(devices, path):
    with pytest.raises(InputError, match=r"path = .* give a TOML file"):
        devices.load(path)


MODEL = """
[Toy]
year = 2026
layers = 2
heads = 4
kv_heads = 2
head_dim = 16
hidden = 64
ffn = 128
vocab = 1000
source = "mine (2026)"
"""


def test_a_model_file_computes_the_parameters_from_the_shape(models, file):
    (toy,) = models.load(file(MODEL))
    assert (
        toy.parameters
        == toy.exact_parameters
        == 2 * (2 * 64 * 64 + 2 * 64 * 32 + 3 * 64 * 128 + 128) + 2 * 64000 + 64
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("parameters = 9e9", r"\[Toy\]: parameters = 9e\+09 is not allowed: the architecture has 202048"),
        ('biases = "some"', r"\[Toy\]: unknown biases 'some'"),
        (
            "active_experts = 2",
            r"\[Toy\]: active_experts = 2 is not allowed: give a whole number from 1 to 1",
        ),
        ("gated = 1", r"\[Toy\]: gated = 1 is not allowed: give true or false"),
        ("experts = 0", r"\[Toy\]: experts = 0"),
    ],
)
def test_a_wrong_model_file_says_which_field(models, file, line, message):
    with pytest.raises(InputError, match=message):
        models.load(file(MODEL + line))
    assert "Toy" not in models


def test_a_model_without_a_shape_needs_its_parameters_and_has_no_exact_count(models, file):
    bare = "\n".join(
        line for line in MODEL.splitlines() if line.split(" ")[0] not in ("hidden", "ffn", "vocab")
    )
    with pytest.raises(InputError, match="parameters is missing"):
        models.load(file(bare))
    (toy,) = models.load(file(bare + "\nparameters = 2e5"))
    with pytest.raises(InputError, match="Toy has no architecture: give hidden, ffn and vocab"):
        _ = toy.exact_parameters
