"""The lab measures what it says, predicts without its own curve, ends in time and says what it cannot show.

Nothing here is timed: a made-up processor has a clock of its own. Real matmuls are held to the right product.
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import tomllib
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mlsysim
from mlsysim import InputError, measure
from mlsysim.measure.bench import Memory, stream_bytes, time_runs
from mlsysim.measure.host import printable, this_host, usable_cores, usable_memory
from mlsysim.measure.machines import BATCHES, LAYERS
from mlsysim.measure.matmuls import BITS, GROUP, INSTALL, Matmuls, weight_arrays
from mlsysim.measure.prediction import Pass, batch_below, falling
from tests.processors import HOST, Processor, processors, recordings

SHORT = BITS[1:]
amounts = st.floats(1e-3, 1e3)


def silent(_):
    """Progress that nobody reads."""


@pytest.fixture
def no_runtime(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)


def dequantized(bits, side):
    """The matrix that *bits* store, shape (rows, columns), in float64."""
    arrays = weight_arrays(bits, side)
    if bits == 32:
        return arrays["B"].astype(float)
    stored = arrays["B"].reshape(side, -1)
    codes = stored.astype(float) - 128
    if bits == 4:
        codes = np.stack([stored & 15, stored >> 4], axis=2).reshape(side, side).astype(float) - 8
    return (codes * np.repeat(arrays["scales"].reshape(side, -1), GROUP, axis=1)).T


@given(groups=st.integers(1, 5))
def test_every_number_format_stores_the_same_matrix(groups):
    side = groups * GROUP
    for bits in SHORT:
        np.testing.assert_allclose(dequantized(bits, side), dequantized(32, side), rtol=1e-6)


@pytest.mark.parametrize(("bits", "error"), [(32, 1e-5), (8, 0.02), (4, 0.02)])
@pytest.mark.parametrize(("side", "layers", "batch"), [(32, 1, 1), (64, 2, 3), (96, 3, 17), (256, 1, 5)])
def test_a_real_matmul_is_the_product_with_the_dequantized_matrix(bits, error, side, layers, batch):
    pytest.importorskip("onnxruntime")
    matmuls = Matmuls(bits, side, layers, threads=1)
    inputs = matmuls.activations(batch)
    right = inputs.astype(float) @ np.linalg.matrix_power(dequantized(bits, side), layers)
    assert matmuls.weights == side * side * layers
    assert np.linalg.norm(matmuls.run(inputs) - right) < error * np.linalg.norm(right)


def test_a_real_matmul_is_timed():
    pytest.importorskip("onnxruntime")
    for bits in BITS:
        time = measure.matmul(bits, 2, side=32, layers=1, seconds=0, progress=silent)
        assert 0 < time.low <= time.value <= time.high


@given(
    batch=st.integers(1, 10**6),
    weights=st.integers(1, 10**9),
    bits=st.floats(2, 32),
    bandwidth=st.floats(1e9, 1e13),
    peak=st.floats(1e9, 1e15),
)
def test_with_all_rows_at_once_the_prediction_is_the_roofline(batch, weights, bits, bandwidth, peak):
    numbers = dict(weights=weights, bits_stored=bits, bandwidth=bandwidth, peak=peak)
    roofline = max(weights * bits / 8 / bandwidth, 2 * weights * batch / peak)
    assert Pass(**numbers, rows_at_once=batch).seconds(batch) == pytest.approx(roofline)
    no_overlap = weights * bits / 8 / bandwidth + 2 * weights * batch / peak
    assert roofline <= Pass(**numbers).seconds(batch) * (1 + 1e-9)
    assert Pass(**numbers).seconds(batch) <= no_overlap * (1 + 1e-9)


@given(batch=st.integers(1, 10**4), factor=st.floats(1, 10), unpack=st.floats(0, 1e-9))
def test_more_rows_or_weights_take_longer_and_a_faster_processor_does_not(batch, factor, unpack):
    usual = dict(weights=10**8, bits_stored=5, bandwidth=30e9, peak=150e9, unpack=unpack)
    time = Pass(**usual).seconds(batch)
    assert Pass(**usual).seconds(batch + 1) >= time
    assert Pass(**usual | {"weights": 2 * 10**8}).seconds(batch) == pytest.approx(2 * time)
    for better in ("bandwidth", "peak"):
        assert Pass(**usual | {better: usual[better] * factor}).seconds(batch) <= time


@pytest.mark.parametrize(
    ("argument", "bad"),
    [("weights", 0), ("bits_stored", 0), ("bandwidth", float("nan")), ("peak", -1), ("unpack", "x")],
)
def test_a_prediction_names_what_is_out_of_range(argument, bad):
    usual = dict(weights=10**8, bits_stored=5, bandwidth=30e9, peak=150e9)
    with pytest.raises(InputError, match=rf"^{argument} = "):
        Pass(**usual | {argument: bad}).seconds(1)
    with pytest.raises(InputError, match=r"^batch = 1\.5 "):
        Pass(**usual).seconds(1.5)


@given(start=st.floats(1.6, 8), slope=st.floats(0.1, 1), threshold=st.floats(1.1, 1.5))
def test_a_crossover_lies_where_a_curve_that_falls_with_the_logarithm_passes_it(start, slope, threshold):
    curve = start - slope * np.log2(BATCHES)
    found = batch_below(zip(BATCHES, curve, strict=True), threshold)
    exact = 2 ** ((start - threshold) / slope)
    assert found == (pytest.approx(exact) if curve[-1] < threshold else None)


@given(
    gains=st.lists(amounts, min_size=1, max_size=10),
    others=st.lists(amounts, min_size=10, max_size=10),
)
def test_the_nearest_falling_curve_rises_nowhere_and_no_other_is_nearer(gains, others):
    found = falling(gains)
    assert all(later <= earlier * (1 + 1e-9) for earlier, later in pairwise(found))
    assert falling(sorted(gains, reverse=True)) == sorted(gains, reverse=True)

    def distance(curve):
        return np.square(np.subtract(curve, gains)).sum()

    for other in (others[: len(gains)], gains):
        assert distance(found) <= distance(sorted(other, reverse=True)) * (1 + 1e-9) + 1e-9


@given(curve=st.lists(amounts, min_size=len(BATCHES), max_size=len(BATCHES)), threshold=amounts)
def test_before_a_crossover_no_batch_of_the_falling_curve_is_below_the_threshold(curve, threshold):
    found = batch_below(zip(BATCHES, curve, strict=True), threshold)
    below = [batch for batch, gain in zip(BATCHES, falling(curve), strict=True) if gain < threshold]
    if found is None:
        assert not below
    else:
        assert found <= below[0] and not any(batch < found * (1 - 1e-9) for batch in below)


@given(dip=st.sampled_from(BATCHES[1:4]), depth=st.floats(1.01, 1.1))
def test_a_dip_that_later_batches_make_up_for_does_not_decide_where_a_curve_crosses(dip, depth):
    curve = dict(zip(BATCHES, [3.0, 1.8, 1.8, 1.8, 1.8, 1.2, 1.1, 1.0, 1.0], strict=True))
    spoiled = curve | {dip: 1.5 / depth}
    plain, found = (batch_below(gains.items(), 1.5) for gains in (curve, spoiled))
    assert 16 < found <= plain < 32


@given(processor=processors())
@settings(max_examples=20)
def test_what_is_known_of_a_processor_is_found_and_its_curve_predicted_without_being_used(processor):
    recording = measure.record(silent, processor)
    assert recording.bandwidth == pytest.approx(processor.bytes_per_second)
    for bits in BITS:
        assert recording.peak(bits) == pytest.approx(processor.peaks[bits], rel=0.4)
    for bits in SHORT:
        np.testing.assert_allclose(recording.predicted_speedup(bits), recording.speedup(bits), rtol=0.25)
    slower = {
        bits: [measure.Measured(*(9 * t for t in time)) for time in recording.times[bits]] for bits in BITS
    }
    other = dataclasses.replace(recording, times=slower)
    assert other.predicted(4).tolist() == recording.predicted(4).tolist()


@given(processor=processors(building=2.0))
@settings(max_examples=20)
def test_the_lab_ends_within_a_minute_on_any_processor_and_says_which_batches_it_left_out(processor):
    recording = measure.record(silent, processor)
    assert processor.now.seconds < 60
    many = len(recording.batches)
    assert many >= 2 and recording.batches.tolist() == list(BATCHES[:many])
    assert any("Batches above" in note for note in recording.notes) == (many < len(BATCHES))


@given(processor=processors(building=2.0))
@settings(max_examples=15)
def test_progress_is_told_at_least_every_few_seconds_and_ends(processor):
    told = []
    measure.record(lambda what: told.append((processor.now.seconds, what)), processor)
    assert told[0][0] <= 2 and told[-1][1] == ""
    assert all(len(what) <= 70 for _, what in told)
    assert max(later - earlier for (earlier, _), (later, _) in pairwise(told)) < 30


def test_runs_that_differ_are_told_with_their_spread_and_quiet_ones_are_not():
    quiet, busy = (measure.record(silent, Processor(jitter=jitter)) for jitter in (0.05, 3.0))
    assert not quiet.notes
    assert any("had other work to do" in note and "%" in note for note in busy.notes)
    assert any("speed-up of INT4" in note for note in busy.notes)
    low, high = busy.spread(4)
    assert (low <= busy.speedup(4)).all() and (busy.speedup(4) <= high).all()


@given(cache=st.floats(0, 1e9))
@settings(max_examples=15)
def test_weights_that_fit_into_the_cache_are_told(cache):
    recording = measure.record(silent, Processor(dataclasses.replace(HOST, cache_bytes=cache)))
    stored = recording.weights * recording.bits_stored(4) / 8
    assert any("cache" in note for note in recording.notes) == (stored < cache)


@given(memory=st.floats(1e6, 4e9))
@settings(max_examples=15)
def test_a_computer_with_little_memory_times_fewer_layers_and_says_so_or_says_what_is_missing(memory):
    processor = Processor(dataclasses.replace(HOST, memory_bytes=memory))
    try:
        recording = measure.record(silent, processor)
    except InputError as error:
        assert memory < 1e9 and "MB free" in str(error)
        return
    assert 16 * recording.weights <= memory / 2
    assert any("layers" in note for note in recording.notes) == (recording.layers < LAYERS)


def test_the_measured_computer_is_a_device_of_the_library():
    device = measure.machine(silent, Processor()).device
    assert device.bandwidth_bytes_s == pytest.approx(30e9)
    assert mlsysim.ridge_point(device, "fp32") == pytest.approx(device.peak_flops("fp32") / 30e9)
    step = mlsysim.ServingModel().solve("GPT2", device, seq_len=128, precision="w8a8", runtime="ideal")
    assert step.itl_s > 0


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((5, 1), "bits = 5"),
        (("4", 1), "bits = '4'"),
        ((True, 1), "bits = True"),
        (([4], 1), "bits = "),
        ((4, 0), "batch = 0"),
        ((4, 1.5), "batch = 1.5"),
        ((4, 10**9), "batch = "),
    ],
)
def test_a_matmul_that_cannot_be_timed_is_named(arguments, named):
    with pytest.raises(InputError, match=f"^{named}"):
        measure.matmul(*arguments, bench=Processor())


def test_a_crossover_that_cannot_be_found_is_refused_before_anything_is_measured():
    for arguments in (("x",), (0,), (1.5, 32), (1.5, 5)):
        processor = Processor()
        with pytest.raises(InputError, match="is not allowed"):
            measure.crossover(*arguments, bench=processor)
        assert processor.now.seconds == 0
    assert measure.crossover(1.5, 4, progress=silent, bench=Processor()) > 1


@pytest.mark.parametrize(("sizes", "named"), [({"side": 33}, "side = 33"), ({"layers": 999}, "layers = 999")])
def test_a_size_that_cannot_be_timed_is_named(sizes, named):
    with pytest.raises(InputError, match=f"^{named}"):
        measure.matmul(4, 1, bench=Processor(), **sizes)


@pytest.mark.parametrize(
    "call", [measure.machine, measure.record, measure.crossover, lambda: measure.matmul(4, 1)]
)
def test_without_the_extra_one_sentence_says_how_to_get_it(no_runtime, call):
    with pytest.raises(
        InputError, match=r"pip install 'onnx>=[\d.]+' 'onnxruntime>=[\d.]+', or read a recording"
    ):
        call()


def test_the_sentence_names_the_versions_of_the_extra(root):
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    needs = " ".join(f"'{need}'" for need in project["optional-dependencies"]["lab"])
    assert f"pip install {needs}" == INSTALL


def test_a_version_of_onnxruntime_that_is_too_old_is_named(monkeypatch):
    runtime = pytest.importorskip("onnxruntime")

    def refuse(*_, **__):
        raise RuntimeError("Only 4b quantization is supported")

    monkeypatch.setattr(runtime, "InferenceSession", refuse)
    with pytest.raises(
        InputError, match=rf"^onnxruntime {runtime.__version__} cannot .* 8 bits: type pip install"
    ):
        Matmuls(8, 32, 1, threads=1)


@given(
    costs=st.lists(st.floats(1e-4, 10), min_size=1, max_size=4),
    seconds=st.floats(0, 5),
    least=st.integers(1, 5),
    most=st.integers(5, 30),
)
def test_works_take_turns_and_end(costs, seconds, least, most):
    now, order = [0.0], []

    def work(name):
        def run():
            now[0] += costs[name]
            order.append(name)

        return run

    works = [work(name) for name in range(len(costs))]
    taken = time_runs(works, seconds=seconds, least=least, most=most, clock=lambda: now[0])
    rounds = len(taken[0])
    assert order == list(range(len(costs))) * (rounds + 1)
    assert all(runs == pytest.approx([cost] * rounds) for runs, cost in zip(taken, costs, strict=True))
    assert 1 <= rounds <= most
    assert rounds == 1 or now[0] <= 5 * seconds + sum(costs) or rounds <= least


def test_memory_is_read_by_as_many_threads_as_there_are_cores_and_in_little_memory():
    small = dataclasses.replace(HOST, memory_bytes=2e7, cache_bytes=0)
    assert stream_bytes(small) <= 2e7 / 8
    assert Memory(small).read() > 0


@given(quota=st.integers(1_000, 6_400_000), period=st.sampled_from([10_000, 100_000]))
@pytest.mark.parametrize("version", [1, 2])
def test_a_quota_of_the_control_group_limits_the_cores(tmp_path_factory, version, quota, period):
    root = tmp_path_factory.mktemp("root")
    (root / "proc/self").mkdir(parents=True)
    if version == 2:
        folder = root / "sys/fs/cgroup/job"
        folder.mkdir(parents=True)
        (root / "proc/self/cgroup").write_text("0::/job/step\n")
        (folder / "cpu.max").write_text(f"{quota} {period}\n")
    else:
        folder = root / "sys/fs/cgroup/cpu/job"
        folder.mkdir(parents=True)
        (root / "proc/self/cgroup").write_text("3:cpu,cpuacct:/job\n")
        (folder / "cpu.cfs_quota_us").write_text(str(quota))
        (folder / "cpu.cfs_period_us").write_text(str(period))
    unlimited = usable_cores(tmp_path_factory.mktemp("bare"))
    assert usable_cores(root) == max(1, min(unlimited, quota // period))


@given(free=st.integers(10**6, 10**10), limit=st.integers(10**6, 10**10), used=st.integers(0, 10**10))
def test_memory_is_what_is_free_and_what_the_control_group_leaves(tmp_path_factory, free, limit, used):
    root = tmp_path_factory.mktemp("root")
    (root / "proc/self").mkdir(parents=True)
    (root / "sys/fs/cgroup/job").mkdir(parents=True)
    (root / "proc/meminfo").write_text(f"MemTotal: 99999999 kB\nMemAvailable:   {free // 1024} kB\n")
    (root / "proc/self/cgroup").write_text("0::/job\n")
    (root / "sys/fs/cgroup/job/memory.max").write_text(f"{limit}\n")
    (root / "sys/fs/cgroup/job/memory.current").write_text(f"{used}\n")
    assert usable_memory(root) == max(0, min(free // 1024 * 1024, limit - used))


def test_a_computer_says_nothing_of_its_name_or_its_owner():
    import platform

    host = this_host()
    told = f"{host.processor} {host.system}"
    assert host.cores >= 1 and host.memory_bytes > 0 and host.cache_bytes >= 0
    assert told == f"{printable(host.processor)} {printable(host.system)}"
    assert platform.node() not in told.split()


@given(text=st.text())
def test_a_processor_s_name_is_short_and_plain(text):
    name = printable(text)
    assert len(name) <= 80 and name.isascii() and name == printable(name)


def test_the_library_does_not_load_the_lab_before_it_is_used():
    code = (
        "import sys, mlsysim; assert not [m for m in sys.modules if 'onnx' in m or m == 'mlsysim.measure']; "
        "mlsysim.measure.kit_recording(); assert not [m for m in sys.modules if 'onnx' in m]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@given(recording=recordings())
@settings(max_examples=10)
def test_a_drawing_names_the_computer_and_what_was_measured(recording):
    plot = measure.draw(recording)
    assert recording.host.processor in plot.alt
    assert f"INT4 measured {recording.speedup(4)[0]:.2f}x at batch {recording.batches[0]}" in plot.alt
    (axes,) = plot.figure.axes
    assert axes.get_xlabel() and axes.get_ylabel() and axes.get_title()
