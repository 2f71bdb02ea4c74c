"""The registry: what is in it, where each number comes from, and how it shows."""

import copy
import pickle
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mlsysim
from mlsysim import (
    Device,
    Hardware,
    InputError,
    Models,
    Runtime,
    VisionModel,
    crossover_batch,
)
from mlsysim.specs import Architecture, Registry, find_scheme, hardware, registry
from tests.vision_counts import COUNTS

DEVICES, MODELS = list(Hardware), list(Models)
TRANSFORMERS = [m for m in MODELS if not isinstance(m, VisionModel)]
by_name = {"ids": lambda spec: getattr(spec, "name", None)}


# --- what is in it


def test_there_are_at_least_70_devices_of_four_groups_and_60_models():
    assert len(DEVICES) >= 70
    assert {d.group for d in DEVICES} == {"Cloud", "Workstation", "Edge", "Apple"}
    assert len(MODELS) >= 60
    assert {m.group for m in MODELS} == {"Language", "Vision"}


def test_the_librarys_page_says_how_many_there_are(root):
    assert f"| {len(DEVICES)} devices, {len(MODELS)} models |" in (root / "docs" / "library.md").read_text()


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


def test_the_server_card_of_the_rtx_pro_6000_has_1597_gb_s_and_the_workstation_card_1792():
    assert Hardware.RTX_PRO_6000_Server.bandwidth_bytes_s == pytest.approx(1597e9)
    assert Hardware.RTX_PRO_6000.bandwidth_bytes_s == pytest.approx(1792e9)
    assert "Workstation" in Hardware.RTX_PRO_6000.title


def test_the_mi325x_computes_as_the_mi300x_does():
    assert Hardware.MI325X.peaks == Hardware.MI300X.peaks


def test_rtx_3090_fp16_is_with_fp32_accumulation():
    assert Hardware.RTX_3090.peak_flops("fp16") == pytest.approx(71e12)


# --- what is absent


def test_a_peak_that_no_source_gives_is_an_error_when_used():
    with pytest.raises(
        InputError, match="M3_Max_40c has no fp16 peak; its source gives no compute peak at all"
    ):
        Hardware.Apple.M3_Max_40c.peak_flops("fp16")
    with pytest.raises(InputError, match="M3_Max_40c has no TTFT"):
        _ = mlsysim.ServingModel().solve("Llama3_8B", "M3_Max_40c").ttft


def test_a_tdp_that_no_source_gives_is_an_error_when_used():
    assert f"{Hardware.H100.tdp:~}" == "700.0 W"
    with pytest.raises(InputError, match="TPUv4 has no tdp"):
        _ = Hardware.TPUv4.tdp


def test_an_encoder_says_why_it_is_not_solved():
    with pytest.raises(InputError, match="does not decode"):
        mlsysim.ServingModel().solve("BERT_Base", "H100")
    assert "sizes only" in Models.BERT_Base.cells()["Solved by"]


# --- parameter counts


def test_one_model_alone_has_no_published_count():
    """Meta prints 109B for Llama 4 Scout, with the image encoder."""
    assert [m.name for m in TRANSFORMERS if not m.published] == ["Llama4_Scout"]


@pytest.mark.parametrize("model", [m for m in TRANSFORMERS if m.published], **by_name)
def test_the_exact_count_agrees_with_the_published_one_to_its_last_digit(model):
    """Publishers round or cut: within one unit of the last printed digit."""
    digits, unit = model.published[:-1], {"M": 1e6, "B": 1e9, "T": 1e12}[model.published[-1]]
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


@pytest.mark.parametrize(
    ("name", "total", "active"),
    [
        ("Mixtral_8x22B", "140.6", "39.2"),
        ("Qwen3_30B_A3B", "30.5", "3.4"),
        ("Qwen3_235B_A22B", "235.1", "22.2"),
        ("DeepSeek_V2_Lite", "15.7", "2.7"),
        ("DeepSeek_V2", "235.7", "21.4"),
        ("DeepSeek_V3", "671.0", "37.6"),
        ("Kimi_K2", "1026.4", "32.9"),
        ("Llama4_Scout", "107.8", "17.2"),
        ("Llama4_Maverick", "400.7", "17.2"),
    ],
)
def test_a_mixture_has_as_many_active_parameters_as_its_publisher_says(name, total, active):
    model = Models[name]
    assert f"{model.exact_parameters / 1e9:.1f}" == total
    assert f"{model.active_parameters / 1e9:.1f}" == active


def test_gpt_oss_counts_as_its_model_card_does_which_leaves_the_embedding_out_of_the_active_ones():
    assert (Models.GPT_OSS_20B.exact_parameters, Models.GPT_OSS_120B.exact_parameters) == (
        20914757184,
        116829156672,
    )
    active = [m.active_parameters - m.embedding_parameters for m in (Models.GPT_OSS_20B, Models.GPT_OSS_120B)]
    assert [f"{count / 1e9:.2f}" for count in active] == ["3.61", "5.13"]


def test_deepseek_v3_caches_as_little_as_its_paper_says():
    # 70,272 byte a token at 16 bits; Llama-3.1 405B keeps 516,096.
    kept = {n: mlsysim.ServingModel().solve(n, "H200", 1).kv_bytes for n in ("DeepSeek_V3", "Llama3_1_405B")}
    assert kept == {"DeepSeek_V3": 70272, "Llama3_1_405B": 516096}


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
        assert model.family == {"ViT": "", "Mob": "mobilenet"}.get(model.name[:3], "cnn")
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
    with pytest.raises(InputError, match=r"unknown Cloud device 'JetsonThor'; it is in the group Edge"):
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


@pytest.mark.parametrize("spec", DEVICES + MODELS, **by_name)
def test_a_spec_shows_its_numbers_with_units(spec):
    assert spec.name in repr(spec) and spec.title in repr(spec)
    units = ("GB", "GB/s") if isinstance(spec, Device) else ("parameters", "GB at FP16", "layers")
    assert all(unit in repr(spec) for unit in units)


@pytest.mark.parametrize("spec", [DEVICES[0], MODELS[0], MODELS[-1]], **by_name)
def test_specs_are_values_that_copy_pickle_and_hash(spec):
    assert pickle.loads(pickle.dumps(spec)) == spec == copy.deepcopy(spec)
    assert hash(copy.deepcopy(spec)) == hash(spec)


ARRAY = np.array([1e12, 2e12])
WITH_ARRAYS = {
    "device": lambda: Device(name="X", memory_bytes=1e9, bandwidth_bytes_s=ARRAY, peaks={"fp16": ARRAY * 2}),
    "runtime": lambda: Runtime("X", ARRAY / 4e12, 1, 0),
    "scheme": lambda: find_scheme("int4").with_groups([64, 128]),
    "crossover": lambda: crossover_batch("Llama3_8B", "H100", [2, 1.5]),
}


@pytest.mark.parametrize("kind", WITH_ARRAYS)
def test_what_holds_arrays_is_equal_if_all_of_their_entries_are(kind):
    one, same = WITH_ARRAYS[kind](), WITH_ARRAYS[kind]()
    assert one == same and hash(one) == hash(same) and len({one, same}) == 1
    assert one != 1 and not any(one == make() for other, make in WITH_ARRAYS.items() if other != kind)


def test_one_entry_that_differs_makes_a_difference():
    device = WITH_ARRAYS["device"]()
    assert device != replace(device, bandwidth_bytes_s=ARRAY * [1, 2])
    assert device != replace(device, peaks={"fp16": ARRAY}) != replace(device, peaks={})
    assert WITH_ARRAYS["runtime"]() != Runtime("X", [0.25, 0.25], 1, 0)


def test_the_data_files_are_read_once_and_only_when_needed(monkeypatch):
    read = []
    original = registry.read_data
    monkeypatch.setattr(registry, "read_data", lambda name: read.append(name) or original(name))
    fresh = Registry("device", (Device,), hardware._parse, hardware.FILES)
    assert read == []
    assert fresh.H100 and fresh.Cloud.A100 and len(fresh)
    assert read == list(hardware.FILES)
