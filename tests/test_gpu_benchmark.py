"""The benchmark for GPUs says what it needs, plans what fits and what there is time for, and writes rows as the others are."""

import csv
import importlib
import sys
import types
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.gpu.__main__ import main, parser
from benchmarks.gpu.formats import GROUP_SIZES, KINDS, formats
from benchmarks.gpu.plan import CANDIDATES, Budget, bytes_needed, choose_model, fitting_batches, timed_model
from benchmarks.gpu.rows import (
    DECODE,
    RUNTIMES,
    Card,
    Measured,
    comparison,
    find_card,
    predicted,
    write_rows,
)
from benchmarks.measured.rows import CRITERIA
from mlsysim import Hardware, InputError, ServingModel

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "benchmarks" / "data"
LLAMA = timed_model("Llama3_8B")
FORMS = formats(KINDS, 64, "bf16")
H100 = Card("NVIDIA H100 80GB HBM3", Hardware.H100)
batches = st.lists(st.integers(1, 512), min_size=1, max_size=8)
memories = st.floats(1e9, 2e11)


def measured(batches=(1, 8), seconds=lambda form, batch: form.stored_bits * 1e-4 * (1 + batch / 64)):
    return [
        Measured(what, form, mode, batch, s, 0.9 * s, 1.1 * s)
        for form in FORMS
        for batch in batches
        for what in ("step", "products")
        for mode in ("eager", "CUDA graph")
        for s in (seconds(form, batch),)
    ]


# What it needs


def stub_torch(monkeypatch, cuda, available):
    torch = types.ModuleType("torch")
    torch.__version__ = "0.0"
    torch.version = types.SimpleNamespace(cuda=cuda)
    torch.cuda = types.SimpleNamespace(is_available=lambda: available)
    monkeypatch.setitem(sys.modules, "torch", torch)


def test_without_torch_it_says_so_and_ends_with_an_error(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main([]) == 1
    out, error = capsys.readouterr()
    assert (
        error == "Nothing was measured: it needs PyTorch, which is not installed here: pip install torch.\n"
    )
    assert not out


@pytest.mark.parametrize(("cuda", "available"), [(None, False), (None, True), ("13.0", False)])
def test_without_an_nvidia_gpu_it_says_so_and_ends_with_an_error(monkeypatch, capsys, cuda, available):
    stub_torch(monkeypatch, cuda, available)
    assert main([]) == 1
    error = capsys.readouterr().err
    assert error.startswith("Nothing was measured: it needs an NVIDIA GPU that PyTorch can use")
    assert "--rehearse" in error and error.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_named_before_anything_is_measured(monkeypatch, capsys, tmp_path):
    stub_torch(monkeypatch, "13.0", True)
    (tmp_path / "file").write_text("")
    assert main(["--out", str(tmp_path / "file")]) == 1
    assert "file is not allowed: give a folder that can be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--batches", "0"], "'0' is not allowed: give a whole number from 1"),
        (["--batches", "1,x"], "'x' is not allowed"),
        (["--batches", ""], "'' is not allowed"),
        (["--batches", "²"], "'²' is not allowed"),
        (["--context", "-5"], "'-5' is not allowed"),
        (["--minutes", "nan"], "'nan' is not allowed: give minutes above 0"),
        (["--minutes", "0"], "'0' is not allowed"),
        (["--formats", "int8,int3"], "'int3' is not allowed: give some of fp16, int8, int4"),
        (["--group-size", "100"], "invalid choice: 100"),
    ],
)
def test_an_option_that_cannot_be_is_named(capsys, arguments, says):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    error = capsys.readouterr().err
    assert ended.value.code == 2 and says in error and "Traceback" not in error


def test_without_options_all_formats_are_timed_within_ten_minutes():
    options = parser().parse_args([])
    assert options.formats == list(KINDS) and options.minutes < 10 and options.batches[0] == 1
    assert parser().parse_args(["--batches", "8,1,8"]).batches == [1, 8]


# What fits


@given(st.sampled_from(FORMS), batches, st.integers(1, 8192), memories)
def test_what_is_planned_fits_and_what_is_not_planned_does_not(form, batches, context, memory):
    planned = fitting_batches(LLAMA, form, batches, context, memory)
    assert planned == sorted(
        {b for b in batches if bytes_needed(LLAMA, form.stored_bits, b, context) <= memory}
    )


@given(st.sampled_from(FORMS), st.integers(1, 256), st.integers(1, 8192))
def test_a_plan_has_room_for_weights_and_cache_as_the_library_counts_them(form, batch, context):
    bits = None if form.kind == "fp16" else form.stored_bits
    step = ServingModel().solve(LLAMA, "H100", context, batch, form.scheme, weight_bits=bits)
    assert bytes_needed(LLAMA, form.stored_bits, batch, context) > step.memory_needed_bytes


@given(st.integers(1, 64), st.integers(128, 4096), memories)
def test_the_model_is_the_largest_that_fits_in_every_format(batch, context, memory):
    name = choose_model(memory, FORMS, batch, context)
    fit = [n for n in CANDIDATES if bytes_needed(timed_model(n), 16, batch, context) <= memory]
    assert name == (fit[0] if fit else None)


@pytest.mark.parametrize("name", ["ResNet50", "Mixtral_8x7B", "GPT2", "Qwen2_5_7B", "Qwen3_8B"])
def test_a_model_with_other_layers_is_refused_by_name(name):
    with pytest.raises(ValueError, match=f"model = {name} is not allowed"):
        timed_model(name)


def test_an_unknown_model_or_device_is_named():
    with pytest.raises(InputError, match="Llama9"):
        timed_model("Llama9")
    with pytest.raises(InputError, match="H1000"):
        find_card("NVIDIA H100", 80e9, "H1000")


# What there is time for


@given(batches, st.floats(0.1, 100), st.lists(st.floats(0.01, 30), min_size=8, max_size=8))
def test_no_batch_is_begun_that_would_not_end_in_time_if_it_took_twice_the_longest(batches, until, costs):
    now, spent = [0.0], []
    budget = Budget(until, lambda: now[0])
    for batch, cost in zip(budget.in_time(batches, until), costs, strict=False):
        assert now[0] + 2 * max(spent, default=0.0) < until
        spent.append(cost)
        now[0] += cost
        assert batch == batches[len(spent) - 1]
    if len(spent) < len(batches):
        assert now[0] + 2 * max(spent, default=0.0) >= until


@given(st.floats(1, 1000), st.integers(1, 5))
def test_each_format_has_an_even_share_of_what_is_left(seconds, parts):
    now = [0.0]
    budget = Budget(seconds, lambda: now[0])
    for left in range(parts, 0, -1):
        end = budget.share(left)
        assert end - now[0] == pytest.approx((seconds - now[0]) / left)
        now[0] = end
    assert now[0] == pytest.approx(seconds)


# Which card it is


@pytest.mark.parametrize(
    ("name", "memory", "device"),
    [
        ("NVIDIA H100 80GB HBM3", 85.0e9, "H100"),
        ("NVIDIA H100 PCIe", 85.0e9, "H100_PCIe"),
        ("NVIDIA H100 NVL", 100.0e9, "H100_NVL"),
        ("NVIDIA H200", 150.1e9, "H200"),
        ("NVIDIA A100-SXM4-80GB", 85.1e9, "A100"),
        ("NVIDIA A100-SXM4-40GB", 42.4e9, "A100_40GB"),
        ("NVIDIA A100-PCIE-40GB", 42.4e9, "A100_PCIe_40GB"),
        ("NVIDIA GeForce RTX 4090", 25.3e9, "RTX_4090"),
        ("NVIDIA RTX 6000 Ada Generation", 50.9e9, "RTX_6000_Ada"),
        ("Tesla T4", 15.8e9, "T4"),
        ("Tesla V100-SXM2-16GB", 16.9e9, "V100_16GB"),
        ("NVIDIA L4", 23.6e9, "L4"),
        ("NVIDIA L40S", 47.7e9, "L40S"),
        ("NVIDIA GeForce RTX 3080 Ti", 12.6e9, None),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", 17.1e9, None),
        ("NVIDIA GeForce RTX 4080 SUPER", 17.1e9, None),
        ("NVIDIA A100-SXM4-80GB MIG 1g.10gb", 10.0e9, None),
        ("NVIDIA H100 80GB HBM3", 40e9, None),
        ("", 80e9, None),
    ],
)
def test_a_card_is_found_by_its_driver_s_name_and_memory_or_not_at_all(name, memory, device):
    found = find_card(name, memory).device
    assert (found.name if found else None) == device


# What is written and shown


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("group", GROUP_SIZES)
def test_rows_have_the_columns_of_the_committed_ones_and_numbers_that_agree(tmp_path, group):
    steps, products = write_rows(tmp_path, H100, LLAMA, 512, measured(), "source (2026)", "note")
    committed = (DATA / "decode_measured.csv").read_text("utf-8").splitlines()[0].split(",")
    assert list(DECODE) == committed
    written = rows_of(steps)
    assert len(written) == len(FORMS) * 2 * 2
    known = {row["precision"] for row in rows_of(DATA / "formats.csv")}
    for row in written:
        assert list(row) == committed and None not in row.values()
        assert float(row["tok_per_s_total"]) == pytest.approx(
            1e3 * float(row["batch"]) / float(row["itl_ms"]), rel=1e-3
        )
        assert row["model"] == "Llama-3-8B" and float(row["bw_GBps"]) == 3350 and row["precision"] in known
        assert not [name for name, holds in CRITERIA.items() if holds(row)]
    assert float(written[0]["weight_read_GB"]) == pytest.approx(16.06 - 1.05, abs=0.01)
    assert {row["kernel"].split()[2] for row in rows_of(products)} == {
        "_weight_int8pack_mm",
        "_weight_int4pack_mm",
    }
    assert all(float(row["speedup_vs_fp16"]) > 1 for row in rows_of(products))
    assert formats(["int4"], group, "bf16")[0].stored_bits == 4 + 32 / group


def test_products_without_the_16_bit_ones_have_no_row_and_an_unknown_card_no_bandwidth(tmp_path):
    some = [m for m in measured() if m.form.kind == "int4"]
    steps, products = write_rows(tmp_path, Card("a card", None), LLAMA, 512, some, "source (2026)", "note")
    assert not rows_of(products)
    assert {row["bw_GBps"] for row in rows_of(steps)} == {""}


def test_the_table_has_what_was_timed_beside_each_runtime_with_speedups():
    text = comparison(H100, LLAMA, 512, measured())
    first, second = text.split("\n\n")
    assert all(name in first for name in ("timed here, ms", *RUNTIMES))
    assert "its matrix products alone" in second
    m = measured()[-1]
    step = next(x for x in measured() if x.what == "step" and x.form.kind == "int4" and x.batch == 1)
    ours = predicted(H100, LLAMA, 512, step, "compiled")
    assert (
        ours
        == ServingModel().solve(LLAMA, "H100", 512, 1, "w4a16", weight_bits=4.5, runtime="compiled").itl_s
    )
    assert f"{ours * 1e3:.2f}" in first and "3.56x" in first
    assert predicted(H100, LLAMA, 512, m, "compiled") < ours + 1
    assert predicted(Card("a card", None), LLAMA, 512, step, "compiled") is None


def test_a_card_that_the_library_does_not_know_has_no_prediction_in_the_table():
    lines = comparison(Card("a card", None), LLAMA, 512, measured()).splitlines()
    assert all(line.split()[-3:] == ["–"] * 3 for line in lines if line.startswith("bf16"))


# The model itself, where PyTorch is installed


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed: it is no dependency of the kit")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("group", GROUP_SIZES[:3])
def test_a_product_of_stored_weights_is_that_of_the_weights_they_stand_for(torch, kind, group):
    products = importlib.import_module("benchmarks.gpu.products")
    (form,) = formats([kind], group, "bf16")
    assert products.check_product(form, torch.device("cpu"), torch.bfloat16) == ""


def test_a_step_is_that_of_a_decoder_written_out_with_repeated_key_heads(torch):
    session = importlib.import_module("benchmarks.gpu.session")
    decoder = importlib.import_module("benchmarks.gpu.decoder")
    torch.manual_seed(0)
    model = session.tiny_model()
    cpu = torch.device("cpu")
    small = decoder.Decoder(model, formats(["fp16"], 64, "bf16")[0], cpu, torch.float32)
    cache = small.cache(3, 16)
    qkv = torch.randn(3, (model.heads + 2 * model.kv_heads) * model.head_dim)
    got = small._attention(qkv, cache, 0)
    queries = decoder._turned(qkv.view(3, -1, model.head_dim)[:, : model.heads], cache)
    repeat = model.heads // model.kv_heads
    keys, values = (x.repeat_interleave(repeat, dim=1) for x in (cache.keys[0], cache.values[0]))
    scores = (queries[:, :, None] @ keys.transpose(2, 3)) / model.head_dim**0.5
    expected = (scores.softmax(dim=-1) @ values).reshape(3, -1)
    assert torch.allclose(got, expected, atol=1e-5)
    assert small.step(cache).shape == (3,)


def test_a_rehearsal_times_every_format_and_writes_nothing(torch, tmp_path, capsys):
    assert main(["--rehearse", "--batches", "1,3", "--context", "32", "--out", str(tmp_path / "rows")]) == 0
    out = capsys.readouterr().out
    assert (
        all(name in out for name in ("bf16", "int8wo", "int4wo-g64", "rehearsal")) and "left out" not in out
    )
    assert not (tmp_path / "rows").exists()
