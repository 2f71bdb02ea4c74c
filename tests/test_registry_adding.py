"""Adding to the registry: one call or one TOML file, with the same checks and clear errors."""

import pytest

import mlsysim
from mlsysim import (
    Device,
    Hardware,
    InputError,
    Models,
    SizeOnlyModel,
    TransformerModel,
    VisionModel,
)
from mlsysim.specs import Registry, hardware
from mlsysim.specs import models as model_module


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


# --- one call


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


def test_nothing_is_assigned_past_the_registry(devices):
    for place in (devices, devices.Cloud):
        with pytest.raises(InputError, match=r"H100 cannot be assigned: .*add"):
            place.H100 = a_device()
    assert devices.H100.memory_bytes == 80e9


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
    assert len(devices) == len(Hardware)


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


def test_the_file_on_the_librarys_page_loads(devices, file, root):
    page = (root / "docs" / "library.md").read_text()
    (card,) = devices.load(file(page.split("```toml\n")[1].split("```")[0]))
    assert devices.MyCard is card and card.peak_flops("int8") == 100e12
    assert card.source_of("int8") == card.source


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
    assert "Alpha" not in devices and len(devices) == len(Hardware)


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
