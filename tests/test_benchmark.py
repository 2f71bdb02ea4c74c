"""What the speed benchmark compares is the same arithmetic, and what it prints beside ours was measured."""

import csv
import importlib.util
from pathlib import Path

import numpy as np

import mlsysim

SCRIPT = Path(__file__).resolve().parent.parent / "benchmarks" / "bench_mlsysim.py"
SPEC = importlib.util.spec_from_file_location("bench_mlsysim", SCRIPT)
bench = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(bench)


def measured():
    with bench.MEASURED.open(newline="") as lines:
        return list(csv.DictReader(lines))


def test_the_sweep_and_the_same_arithmetic_by_hand_agree_at_a_million_points():
    ours, by_hand = bench.sweep()
    assert np.shape(ours()) == (bench.POINTS,)
    np.testing.assert_allclose(ours(), by_hand(), rtol=1e-12)


def test_measurements_are_taken_in_turns_and_their_medians_given():
    order = []

    def take(name, values):
        def measure():
            order.append(name)
            return next(values)

        return measure

    values = [float(v) for v in range(bench.ROUNDS)]
    medians = bench.in_turns("", take("a", iter(values)), take("b", iter(values[::-1])))
    assert order == ["a", "b"] * bench.ROUNDS
    assert medians == [values[bench.ROUNDS // 2]] * 2


def test_the_int4_speedup_falls_with_batch_in_the_model_as_in_the_measurement():
    rows = measured()
    batch = np.array([int(row["batch"]) for row in rows])
    seen = np.array([float(row["fp16_itl_ms"]) / float(row["int4_itl_ms"]) for row in rows])
    fp16, int4 = (
        mlsysim.ServingModel().solve("Llama3_8B", "A100", 2048, batch, p, kv_precision="fp16")
        for p in ("fp16", "int4")
    )
    assert (np.diff(batch) > 0).all()
    assert (np.diff(seen) < 0).all()
    assert (np.diff(fp16.itl_s / int4.itl_s) < 0).all()
    assert all(row["source"] for row in rows)
