"""The measured runtime: fitted by one command, and as good as it says on devices that it has not seen."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import mlsysim
from benchmarks.measured.fit import fit, predict
from benchmarks.measured.report import BARS, Study, report, runtime_table
from benchmarks.measured.rows import FIT, composed_rows, decode_rows
from benchmarks.measured.score import held_out
from mlsysim.data import load_toml
from mlsysim.model.kernels import decode_kernels, stored_weight_bytes
from mlsysim.model.serving import decode_timing
from mlsysim.specs import find_scheme

ROOT = Path(__file__).parents[1]
COMMAND = "python -m benchmarks.measured"
MEASURED = mlsysim.find_runtime("measured")
LLAMA, H100 = mlsysim.Models.Llama3_8B, mlsysim.Hardware.H100


@pytest.fixture(scope="module")
def study():
    return Study()


@pytest.mark.parametrize("figure", [figure for figure, bar in BARS.items() if bar is not None])
def test_the_error_on_devices_left_out_is_within_its_bar(study, figure):
    assert study.after.errors[figure].mape <= BARS[figure]


def test_a_device_is_predicted_without_any_of_its_rows():
    few = {"A100 SXM 80GB", "H100 SXM", "RTX 4090", "Apple M1 Max", "L40S"}
    rows = [r for r in decode_rows() + composed_rows() if r.device.name in few]
    spoilt = [replace(r, itl_s=r.itl_s * 9) if r.device.name == "A100 SXM 80GB" else r for r in rows]
    true, false = (
        {p.itl_s for p in held_out(some) if p.row.device.name == "A100 SXM 80GB"} for some in (rows, spoilt)
    )
    assert true == false
    assert fit(rows) != fit(spoilt)


def test_every_spelling_of_a_device_is_left_out_together():
    spellings = {r.pair[0] for r in decode_rows() if r.device.name == "A100 SXM 80GB"}
    assert spellings == {"A100", "A100 80GB", "A100 SXM 80GB", "A100-SXM-80GB"}


def test_the_form_by_memory_type_beats_one_overhead_where_it_was_not_fitted(study):
    for figure in (
        "batch 1, every context: ITL",
        "batch 1, every context: INT4 speed-up",
        "by batch, engines: ITL",
    ):
        assert study.after.errors[figure].mape < study.before.errors[figure].mape


def test_the_committed_numbers_are_those_of_a_fresh_fit(study):
    fresh = study.runtime
    assert pytest.approx(fresh.bandwidth_efficiency, abs=5.1e-4) == MEASURED.bandwidth_efficiency
    assert pytest.approx(fresh.compute_efficiency, abs=1e-9) == MEASURED.compute_efficiency
    for kind, seconds in fresh.overhead_by_memory.items():
        assert MEASURED.overhead_by_memory[kind] == pytest.approx(seconds, abs=0.51e-6)
    assert runtime_table(study) in (ROOT / "mlsysim/data/runtimes.toml").read_text("utf-8"), f"run {COMMAND}"


def test_the_report_is_a_fresh_one(study):
    assert (ROOT / "docs/measured.md").read_text("utf-8") == report(study), f"run {COMMAND}"


def test_the_fit_gives_back_the_parameters_that_made_the_data():
    truth = replace(
        MEASURED, overhead_by_memory={"hbm": 60e-6, "gddr": 20e-6, "lpddr": 200e-6}, bandwidth_efficiency=0.7
    )
    rows = [
        replace(r, itl_s=predict(r, truth))
        for r in decode_rows() + composed_rows()
        if r.device.bandwidth_bytes_s > 0
    ]
    found = fit(rows)
    assert found.bandwidth_efficiency == pytest.approx(0.7, rel=1e-6)
    assert found.compute_efficiency == pytest.approx(truth.compute_efficiency)
    assert found.overhead_by_memory == pytest.approx(truth.overhead_by_memory, rel=1e-6)


def test_each_row_has_one_use_and_a_source():
    rows = decode_rows()
    assert len(rows) == 480
    assert sum(r.use == FIT for r in rows) == 162
    assert all(r.itl_s > 0 for r in rows)


def test_h100_decode_is_within_a_fifth_of_torchao():
    # Llama-3.1-8B at batch 1, context about 100: 7.88 ms FP16, 5.03 ms INT8, 4.14 ms INT4 in groups of 64
    for precision, milliseconds in (("fp16", 7.88), ("int8", 5.03), ("int4", 4.14)):
        r = mlsysim.ServingModel().solve(LLAMA, H100, 100, 1, precision, runtime="measured")
        assert r.itl_s * 1e3 == pytest.approx(milliseconds, rel=0.2)


def test_the_embedding_is_looked_up_and_the_head_keeps_16_bits():
    matmuls, _ = decode_kernels(LLAMA, find_scheme("int4"), MEASURED, 1, 1)
    head = LLAMA.embedding_parameters
    expected = (LLAMA.parameters - 2 * head) / 2 + 2 * head
    assert matmuls.bytes == pytest.approx(expected)
    assert matmuls.flops == pytest.approx(2 * (LLAMA.parameters - head))
    assert stored_weight_bytes(LLAMA, find_scheme("int4"), MEASURED) == pytest.approx(expected + 2 * head)


def test_a_tied_table_is_read_once_as_the_head():
    tied = replace(LLAMA, architecture=replace(LLAMA.architecture, tied=True))
    matmuls, _ = decode_kernels(tied, find_scheme("int4"), MEASURED, 1, 1)
    head = tied.embedding_parameters
    expected = (tied.parameters - head) / 2 + 2 * head
    assert matmuls.bytes == pytest.approx(expected)
    assert stored_weight_bytes(tied, find_scheme("int4"), MEASURED) == pytest.approx(expected)


def test_a_model_whose_embedding_is_not_known_reads_everything_at_the_scheme_s_bits():
    unknown = replace(LLAMA, architecture=None)
    matmuls, _ = decode_kernels(unknown, find_scheme("int4"), MEASURED, 1, 1)
    assert matmuls.bytes == pytest.approx(LLAMA.parameters / 2)


@pytest.mark.parametrize(
    ("memory_type", "microseconds"), [("hbm", 97), ("gddr", 35), ("lpddr", 167), ("", 97)]
)
def test_the_overhead_goes_with_the_memory_type(memory_type, microseconds):
    device = replace(H100, memory_type=memory_type)
    timing = decode_timing(LLAMA, device, find_scheme("fp16"), MEASURED, 1, 1)
    assert timing.overhead == pytest.approx(LLAMA.layers * microseconds * 1e-6)
    assert MEASURED.plain(device)["layer_overhead"] == MEASURED.overhead_on(device)


@pytest.mark.parametrize("model", [m for m in mlsysim.Models if isinstance(m, mlsysim.TransformerModel)])
def test_every_transformer_has_a_measured_step_and_gains_from_int4(model):
    solve = mlsysim.ServingModel().solve
    slow, fast = (solve(model, H100, 512, 1, p, runtime="measured").itl_s for p in ("fp16", "int4"))
    assert 0 < fast < slow < 4 * fast


def test_arrays_and_numbers_agree():
    batches = np.array([1, 7, 300])
    solve = mlsysim.ServingModel().solve
    array = solve(LLAMA, H100, 512, batches, "int4", runtime="measured").itl_s
    assert array.tolist() == [
        solve(LLAMA, H100, 512, int(b), "int4", runtime="measured").itl_s for b in batches
    ]


@pytest.mark.parametrize("name", [n for n in load_toml("runtimes.toml") if n != "measured"])
def test_the_published_runtimes_read_all_weights_and_have_one_overhead(name):
    runtime = mlsysim.find_runtime(name)
    timing = decode_timing(LLAMA, H100, find_scheme("int4"), runtime, 1, 1)
    assert timing.memory[0] == LLAMA.parameters * 4 / 8 / (
        H100.bandwidth_bytes_s * runtime.bandwidth_efficiency
    )
    assert timing.overhead == LLAMA.layers * runtime.layer_overhead_s


def test_a_bad_head_or_overhead_is_refused_by_name():
    with pytest.raises(mlsysim.InputError, match="head_bits = -1"):
        replace(MEASURED, head_bits=-1)
    with pytest.raises(mlsysim.InputError, match="overhead_by_memory"):
        replace(MEASURED, overhead_by_memory={"hbm": -1.0})
