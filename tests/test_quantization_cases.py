"""The personal cases of the first assignment are as hard as the published one, and no student's case ever changes."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections import Counter

import numpy as np
import pytest

from tests.assignments import notebooks_of, source_of
from tests.casebooks import cases_of
from tests.models import tutor_of

case_of = cases_of("quantization").case
LESSON = tutor_of("quantization").lesson
NOTEBOOKS = notebooks_of("quantization")
IDS = [f"{prefix}{number}" for prefix in ("s", "student-", "20260", "u_") for number in range(2500)]


DIGESTS = {  # of the cases of 201 ids: the published one, ids as courses give them, and odd ones
    "0_self_check": "ab234a0b8f46118c258d590e78f662e037e1cd54c1f1f2244df424c2c21bc48e",
    "1_predict": "d8692281081324e533c1cf2e1434c1f54adba1afe2d29aeabcd982ca721a5354",
    "2_crossover": "93a7ff8841d0b85b395935220a9b334dea166ce8a437e09b49e73b4215f78757",
    "3_frontier": "5de2ce5d5d9f981a39b7288b4b3c010e76e25529a94337ec61a1389ae770f102",
    "4_measure": "4837a38bc0b9e3aba02ce9ca34415d62cdb25388a80ea85674474c59e2a24c77",
}


def answers(notebook, student):
    return LESSON.answers(notebook, student)


@pytest.fixture(scope="module")
def cases():
    return {notebook: [case_of(notebook, student) for student in IDS] for notebook in NOTEBOOKS}


def seconds(model, device, runtime, batch, context, weight_bits, kv_bits):
    """Seconds of a step by what they are spent on; written here again, with arrays, so that the draw is not checked by itself."""
    rate = device["peak_flops"] * runtime["compute_efficiency"]
    speed = device["bandwidth"] * runtime["bandwidth_efficiency"]
    tokens = batch * context * model["layers"] * model["head_dim"]
    mm_c, mm_m = 2 * model["params"] * batch / rate, model["params"] * weight_bits / 8 / speed
    at_c, at_m = 4 * tokens * model["heads"] / rate, 2 * tokens * model["kv_heads"] * kv_bits / 8 / speed
    overhead = model["layers"] * runtime["layer_overhead"] + 0 * tokens
    return {
        "compute ceiling": np.where(mm_c >= mm_m, mm_c, 0) + np.where(at_c > at_m, at_c, 0),
        "weight traffic": np.where(mm_c >= mm_m, 0, mm_m),
        "KV traffic": np.where(at_c > at_m, 0, at_m),
        "overhead": overhead,
    }


def gain(case, runtime, batch, context, kv_bits):
    where = case["model"], case["device"], case[runtime], batch, context
    return sum(seconds(*where, 16, 16).values()) / sum(seconds(*where, 4, kv_bits).values())


def test_of_10_000_crossovers_all_exist_lie_between_4_and_512_and_are_ended_by_both_mechanisms(cases):
    batches = np.arange(1, 513)
    for case in cases["2_crossover"]:
        found = []
        for context, culprit in (("context_short", "compute ceiling"), ("context_long", "KV traffic")):
            curve = gain(case, "runtime", batches, case[context], 16)
            for threshold in case["thresholds"]:
                below = np.flatnonzero(curve < threshold)
                assert below.size
                found.append(int(batches[below[0]]))
            shares = seconds(case["model"], case["device"], case["runtime"], found[-1], case[context], 4, 16)
            first, second = sorted(shares, key=shares.get)[:-3:-1]
            assert first == culprit and shares[first] > 1.2 * shares[second]
        assert 4 <= found[2] < found[3] and found[0] < found[1] <= 512
        assert found[0] > 1.2 * found[2] and found[1] > 1.2 * found[3]
        eager = gain(case, "eager_runtime", 1, case["context_long"], 4)
        assert 1 < eager < 3.9


def test_of_10_000_pairs_the_large_model_gains_clearly_more_and_fits_in_int4_only(cases):
    for case in cases["1_predict"]:
        gains = []
        for size in ("small", "large"):
            where = case[size], case["device"], case["runtime"], case["batch"], case["context"]
            gains.append(sum(seconds(*where, 16, 16).values()) / sum(seconds(*where, 4, 4).values()))
        assert 1.1 < 1.1 * gains[0] < gains[1] < 4 and gains[0] > 1.1
        memory = case["device"]["memory"]
        large, small = ([m["params"] * bits / 8 for bits in (16, 4)] for m in (case["large"], case["small"]))
        assert large[0] > memory > 1.1 * large[1] and small[0] < memory


def test_of_10_000_kernels_all_are_memory_bound_and_gain_less_than_their_bytes_shrink(cases):
    for case in cases["0_self_check"]:
        assert case["intensity"] < 0.8 * case["ridge"] < case["intensity"] * case["shrink"]
        assert case["ridge"] == case["device"]["peak_flops"] / case["device"]["bandwidth"]


def test_of_10_000_frontiers_quantization_wins_for_language_and_pruning_for_vision(cases):
    seen = {}
    for student, case in zip(IDS, cases["3_frontier"], strict=True):
        key = repr([case["options"], case["max_loss"], case["group_size"]])
        if key not in seen and len(seen) < 300:
            seen[key] = answers("3_frontier", student)
            methods = {option["name"]: option["method"] for option in case["options"]}
            assert len(methods) == 6 and seen[key]["best_llm"] != "FP16"
            assert methods[seen[key]["best_llm"]] == "quantization"
            assert methods[seen[key]["best_cnn"]] == "pruning"
    assert len(seen) == 300


def measured(option, layers, images, labels, accuracy):
    """The accuracy of the network whose weights are left as *option* says; written here again, with arrays."""
    made = []
    for weights, biases in layers:
        row = weights.ravel().copy()
        if option["method"] == "quantization":
            groups = row.reshape(-1, option["group_size"] or len(row))
            scales = np.abs(groups).max(axis=1, keepdims=True) / (2 ** (option["bits"] - 1) - 1)
            row = np.rint(groups / scales) * scales
        elif option["method"] == "pruning":
            row[np.argsort(np.abs(row))[: int(option["sparsity"] * len(row))]] = 0
        made.append((row.reshape(weights.shape), biases))
    return accuracy(made, images, labels)


def test_for_whoever_measures_three_or_four_bits_are_best_and_no_loss_is_on_the_edge(monkeypatch):
    monkeypatch.syspath_prepend(source_of("quantization"))
    digits = importlib.import_module("digits")
    layers = digits.trained_layers()
    for student in ["", *IDS[:30]]:
        case, stored = case_of("4_measure", student), answers("4_measure", student)["bits_stored"]
        images, labels = digits.some_images(case["images"], case["draw"])
        found = [measured(option, layers, images, labels, digits.accuracy) for option in case["options"]]
        losses = [found[0] - one for one in found]
        assert min(abs(loss - case["max_loss"]) for loss in losses) > 1e-4
        enough = [i for i, loss in enumerate(losses) if loss <= case["max_loss"]]
        best = case["options"][min(enough, key=lambda i: (stored[i], -found[i]))]
        assert best["method"] == "quantization" and best["bits"] in (3, 4)
        assert all(case["layer_weights"][n] == weights.size for n, (weights, _) in enumerate(layers))
        assert all(64 % option["group_size"] == 0 for option in case["options"] if option["group_size"])


@pytest.mark.parametrize(
    ("notebook", "same"),
    [("0_self_check", 0.005), ("1_predict", 0.005), ("2_crossover", 0.005), ("4_measure", 0.005)],
)
def test_two_students_seldom_have_the_same_case(cases, notebook, same):
    counts = Counter(repr(case) for case in cases[notebook])
    alike = sum(n * (n - 1) for n in counts.values()) / (len(IDS) * (len(IDS) - 1))
    assert alike < same
    assert counts[repr(case_of(notebook))] == 0


def test_two_students_seldom_have_the_same_answers():
    found = [
        tuple(v for k, v in answers("2_crossover", student).items() if k.startswith("below"))
        for student in IDS[:400]
    ]
    assert len(set(found)) > 390
    kinds = Counter(
        (row["best_llm"], row["best_cnn"], *row["front_llm"], *row["front_cnn"])
        for row in (answers("3_frontier", student) for student in IDS[:200])
    )
    assert kinds.most_common(1)[0][1] <= 20


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_no_student_s_case_ever_changes(notebook):
    """Another digest means that students get another case in the middle of a course."""
    ids = ["", *(f"s{n:02d}" for n in range(1, 101)), *(f"student-{n}" for n in range(60))]
    ids += [*(f"20260{n}" for n in range(38)), "Zoë Ångström", "x" * 200]
    digest = hashlib.sha256()
    for student in ids:
        digest.update(json.dumps(case_of(notebook, student), sort_keys=True).encode())
    assert digest.hexdigest() == DIGESTS[notebook]


def test_the_case_of_one_student_is_this():
    case = case_of("2_crossover", "s01")
    drawn = [
        case[key] for key in ("model_name", "device_name", "context_short", "context_long", "thresholds")
    ]
    assert drawn == ["Qwen2_5_14B", "H100_PCIe", 24, 3072, [2.25, 1.6]]
