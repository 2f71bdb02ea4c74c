"""The bank of wrong models: what holds one is named by it, what holds two by both, and nothing else by any."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
from autograder.tutor.probes import probes
from hypothesis import given, settings
from hypothesis import strategies as st

import mlsysim
from autograder.exam.examine import Verdict, examine
from autograder.notebook.assemble import assemble
from autograder.notebook.cells import read_notebook, strip_solution_marks
from autograder.simulate.kinds import write_submission
from autograder.tutor.compare import same
from autograder.tutor.diagnosis import Diagnosis, Finding, Unanswered
from autograder.tutor.explain import Failure, explain
from autograder.tutor.misconceptions import load_misconceptions, model
from autograder.tutor.owner import Owner
from tests.assignments import kinds_of

from .casebooks import cases_of

case_of = cases_of("quantization").case
BANK = load_misconceptions()
FUNCTIONS = {
    "0_self_check": ["ridge_point", "attainable", "regime", "speedup_limit"],
    "1_predict": ["step_bytes", "step_flops", "itl", "speedup"],
    "2_crossover": ["speedup_at", "crossover_batch"],
    "3_frontier": ["compression_table", "pareto_front", "best_under"],
}
NOTEBOOK = {function: notebook for notebook, functions in FUNCTIONS.items() for function in functions}
SHOWS_IN = {
    "stored_bits": "compression_table",
    "dominates": "pareto_front",
}  # parts of the lesson that notebooks do not ask for by name
ANSWERS_ONLY = {name: m for name, m in BANK.items() if any(f.startswith("answers_") for f in m.functions)}
# Half the FLOPs and twice the peak are the same time: only step_flops can tell which of the two is held.
TWINS = [("macs_for_flops", "sparse_peak")]


def home(name: str) -> str:
    """The function of a notebook that a misconception is about."""
    (function,) = BANK[name].functions
    return SHOWS_IN.get(function, function)


def ways():
    return [(name, i) for name, m in BANK.items() if name not in ANSWERS_ONLY for i in range(len(m.changes))]


def solution(root, notebook: str, cells: dict[str, str] | None = None) -> dict:
    """The functions of a notebook, as a student has them who answers as the source does, but for *cells*."""
    source = read_notebook(root / "solutions" / "quantization" / f"{notebook}.ipynb")
    scope = {"np": np, "math": math, "mlsysim": mlsysim, "case": case_of(notebook), "student_id": ""}
    for grade_id, text in strip_solution_marks(source):
        if source.by_grade_id()[grade_id]["cell_type"] == "code":
            exec((cells or {}).get(grade_id, text), scope)
    return scope


def diagnosis(scope: dict, notebook: str) -> Diagnosis:
    def ask(name, arguments):
        try:
            return scope[name](*json.loads(json.dumps(arguments)))
        except Exception:
            raise Unanswered from None

    return Diagnosis(FUNCTIONS[notebook], ask)


def points_as_pairs(function):
    """JSON makes lists of pairs; students get pairs."""
    return lambda points, *rest: function([tuple(point) for point in points], *rest)


@pytest.fixture(scope="module")
def right(root):
    scopes = {notebook: solution(root, notebook) for notebook in FUNCTIONS}
    for name in ("pareto_front", "best_under"):
        scopes["3_frontier"][name] = points_as_pairs(scopes["3_frontier"][name])
    return scopes


def holding(right, notebook: str, wrong: dict) -> dict:
    """The right functions, but for some that are wrong; those that build on them use the wrong ones."""
    scope = dict(right[notebook])
    for name, function in scope.items():
        if name in FUNCTIONS[notebook] and hasattr(function, "__code__") and function.__closure__ is None:
            scope[name] = type(function)(function.__code__, scope, name, function.__defaults__)
    scope |= wrong
    return scope


def test_the_bank_holds_at_least_twenty_and_each_says_what_it_is_gives_a_hint_and_a_source():
    assert len(BANK) >= 20
    for name, one in BANK.items():
        assert name.isidentifier() and one.says and one.hint and one.seen
        assert len(one.says) < 90 and not one.says.endswith(".")
        assert len(one.hint) < 90 and one.hint[-1] in ".?"
    assert len({one.says for one in BANK.values()}) == len(BANK)


@pytest.mark.parametrize(("name", "way"), ways())
def test_who_holds_one_misconception_is_named_by_it_and_by_no_other(right, name, way):
    function = home(name)
    notebook = NOTEBOOK[function]
    wrong = model(BANK[name].changes[way])[function]
    found = diagnosis(holding(right, notebook, {function: wrong}), notebook)
    assert found.of_function(function).names == (name,)
    assert found.of_function(function).root == ""
    for other in FUNCTIONS[notebook]:
        finding = found.of_function(other)
        assert other == function or finding.right or finding.root == function


@pytest.mark.parametrize(
    "name",
    [n for n in BANK if n not in ANSWERS_ONLY and home(n) in ("step_bytes", "step_flops", "itl", "speedup")],
)
def test_in_a_notebook_that_asks_for_one_function_only_it_is_named_there(right, name):
    wrong = model(BANK[name].changes[0])["speedup"]
    finding = diagnosis(holding(right, "2_crossover", {"speedup_at": wrong}), "2_crossover").of_function(
        "speedup_at"
    )
    expected = next((pair for pair in TWINS if name in pair), (name,))
    assert sorted(one.name for (one,) in finding.matches) == sorted(expected)


def test_all_of_it_in_one_function_that_calls_no_helper_is_named_in_that_function(right):
    wrong = model(BANK["kv_cache_left_out"].changes[0])["itl"]
    found = diagnosis(holding(right, "1_predict", {"itl": wrong}), "1_predict")
    assert found.of_function("step_bytes").right
    assert (found.of_function("itl").names, found.of_function("itl").root) == (("kv_cache_left_out",), "")
    assert found.of_function("speedup").root == "itl"


def pairs_in_places():
    first = [n for n in BANK if n not in ANSWERS_ONLY and home(n) in ("step_bytes", "step_flops")]
    second = [n for n in BANK if n not in ANSWERS_ONLY and home(n) in ("itl", "speedup")]
    return [pair for i, pair in enumerate(itertools.product(first, second)) if i % 3 == 0]


@pytest.mark.parametrize(("first", "second"), pairs_in_places())
def test_two_held_in_two_functions_are_each_named_in_its_own_place(right, first, second):
    wrong = {home(name): model(BANK[name].changes[0], {})[home(name)] for name in (first, second)}
    scope = holding(right, "1_predict", {})
    for name, function in wrong.items():
        scope[name] = type(function)(function.__code__, scope, name)
    found = diagnosis(scope, "1_predict")
    assert found.of_function(home(first)).names == (first,)
    finding = found.of_function(home(second))
    # Where the two together give what one alone gives (no compute ceiling, and fewer FLOPs), the second may go unnamed; but nothing else is named.
    assert finding.names in ((second,), ()) or finding.root == home(first)


def test_most_pairs_in_two_functions_are_named_both(right):
    named = 0
    for first, second in pairs_in_places():
        scope = holding(right, "1_predict", {})
        for name in (first, second):
            function = model(BANK[name].changes[0])[home(name)]
            scope[home(name)] = type(function)(function.__code__, scope, home(name))
        found = diagnosis(scope, "1_predict")
        named += found.of_function(home(second)).names == (second,)
    assert named > 0.9 * len(pairs_in_places())


def pairs_in_one_function(function: str):
    held = [n for n in BANK if n not in ANSWERS_ONLY and home(n) == function]
    for pair in itertools.combinations(held, 2):
        changes = tuple(c for n in pair for c in BANK[n].changes[0])
        if model(changes) is not None:
            yield pair, changes


@pytest.mark.parametrize("function", ["step_bytes", "step_flops", "itl", "compression_table", "best_under"])
def test_two_held_in_one_function_are_both_named_or_neither(right, function):
    notebook, named, count = NOTEBOOK[function], 0, 0
    for pair, changes in pairs_in_one_function(function):
        finding = diagnosis(
            holding(right, notebook, {function: model(changes)[function]}), notebook
        ).of_function(function)
        count += 1
        if sorted(finding.names) == sorted(pair):
            named += 1
            continue
        # Some pairs are one idea (no cache, in any bits), or give the same as another pair.
        for match in finding.matches:
            alone = model(tuple(c for one in match for c in one.changes[0]))
            both = model(changes)
            assert all(same(alone[function](*p), both[function](*p)) for p in probes(function))
    assert named >= 0.8 * count


OTHER_STYLES = {
    "0_self_check": {
        "ridge_point": "ridge_point = lambda peak_flops, bandwidth: np.float64(peak_flops) * bandwidth**-1",
        "attainable": "def attainable(ai, peak_flops, bandwidth):\n    return np.where(ai * bandwidth < peak_flops, ai * bandwidth, peak_flops)[()]",
        "regime": "def regime(ai, ridge):\n    return ['memory-bound', 'compute-bound'][int(not ai < ridge)]",
        "speedup_limit": "def speedup_limit(ai, ridge, k):\n    return min(k, max(1.0, ridge / ai))",
    },
    "1_predict": {
        "step_bytes": """
def step_bytes(model, batch, context, weight_bits, kv_bits):
    each = batch * (kv_bits / 4) * context
    return np.array([weight_bits / 8 * model["params"], each * model["layers"] * model["head_dim"] * model["kv_heads"]])
""",
        "itl": """
def itl(model, device, runtime, batch, context, weight_bits, kv_bits):
    t = [w / device["peak_flops"] / runtime["compute_efficiency"] for w in step_flops(model, batch, context)]
    m = [b / device["bandwidth"] / runtime["bandwidth_efficiency"] for b in step_bytes(model, batch, context, weight_bits, kv_bits)]
    return sum(map(max, zip(t, m))) + sum(runtime["layer_overhead"] for _ in range(model["layers"]))
""",
    },
    "2_crossover": {"crossover_batch": kinds_of("quantization")["s02"].cells["2_crossover"]["crossover_batch"]},
    "3_frontier": {
        "pareto_front": kinds_of("quantization")["s02"].cells["3_frontier"]["pareto_front"],
        "best_under": """
def best_under(points, max_loss):
    best = None
    for i, (ratio, delta) in enumerate(points):
        if delta >= -max_loss and (best is None or (ratio, delta) > tuple(points[best])):
            best = i
    return best
""",
    },
}


@pytest.mark.parametrize("cells", [{}, OTHER_STYLES], ids=["the source's style", "other styles"])
@pytest.mark.parametrize("notebook", FUNCTIONS)
def test_correct_work_is_never_named(root, notebook, cells):
    scope = solution(root, notebook, cells.get(notebook, {}))
    for name in ("pareto_front", "best_under"):
        if name in scope:
            scope[name] = points_as_pairs(scope[name])
    found = diagnosis(scope, notebook)
    assert all(found.of_function(name).right for name in FUNCTIONS[notebook])


NUMERIC = ["ridge_point", "attainable", "speedup_limit", "step_bytes", "step_flops", "itl", "speedup"]
odd = st.floats(0.1, 10).filter(lambda x: all(abs(x - whole / 4) > 1e-3 for whole in range(41)))


@settings(max_examples=60, deadline=None)
@given(
    function=st.sampled_from(NUMERIC),
    factor=odd,
    power=st.sampled_from([1, 1, 0.9, 1.1]),
    more=st.sampled_from([0, 0, 0.37]),
)
def test_a_wrong_answer_of_no_known_kind_is_never_named(right, function, factor, power, more):
    notebook = NOTEBOOK[function]

    def wrong(*arguments):
        value = right[notebook][function](*arguments)
        bent = np.asarray(value, float) ** power * factor + more
        return bent.tolist()

    found = diagnosis(holding(right, notebook, {function: wrong}), notebook)
    assert found.of_function(function) == Finding()
    assert not any(found.of_function(name).matches for name in FUNCTIONS[notebook])


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    function=st.sampled_from(["pareto_front", "best_under", "regime", "crossover_batch"]),
)
def test_answers_at_random_are_never_named(right, seed, function):
    notebook = NOTEBOOK[function]
    truth = right[notebook][function]
    draw = np.random.default_rng(seed)

    def wrong(*arguments):
        value = truth(*arguments)
        if isinstance(value, list):
            return [i for i in range(len(arguments[0])) if draw.random() < 0.5]
        if isinstance(value, str):
            return str(draw.choice(["memory-bound", "compute-bound"]))
        return int(draw.integers(0, 40))

    found = diagnosis(holding(right, notebook, {function: wrong}), notebook)
    assert not found.of_function(function).matches


def test_a_helper_that_is_wrong_in_an_unknown_way_is_still_the_one_to_look_at(right):
    scope = holding(right, "1_predict", {"step_bytes": lambda model, *rest: [model["params"] * 0.77, 1.0]})
    found = diagnosis(scope, "1_predict")
    assert found.of_function("itl").root == found.of_function("speedup").root == "step_bytes"
    assert found.of_function("itl").sentence() == "Look at `step_bytes` first: it is not right yet."


def test_a_function_that_raises_is_not_named(right):
    def raises(*arguments):
        raise ValueError

    found = diagnosis(holding(right, "1_predict", {"step_bytes": raises}), "1_predict")
    assert found.of_function("step_bytes").sentence() == ""


@pytest.mark.parametrize("name", ANSWERS_ONLY)
@pytest.mark.parametrize("student", ["", "s01"])
def test_answers_that_follow_from_a_misconception_are_named_though_every_function_is_right(
    right, name, student
):
    (function,) = ANSWERS_ONLY[name].functions
    notebook = function.removeprefix("answers_")
    truth = model()[function](case_of(notebook, student))
    values = model(ANSWERS_ONLY[name].changes[0])[function](case_of(notebook, student))
    cell = {k: v for k, v in values.items() if not same(v, truth[k])}
    assert diagnosis(right[notebook], notebook).of_answers(notebook, student, cell).names == (name,)


def test_answers_that_follow_from_a_wrong_function_send_to_it(right):
    wrong = model(BANK["overhead_forgotten"].changes[0])["itl"]
    scope = holding(right, "1_predict", {})
    scope["itl"] = type(wrong)(wrong.__code__, scope, "itl")
    case = case_of("1_predict", "s01")
    gain = scope["speedup"](case["small"], case["device"], case["runtime"], 1, case["context"], 4, 4)
    finding = diagnosis(scope, "1_predict").of_answers("1_predict", "s01", {"gain_small": gain})
    assert (finding.root, finding.names) == ("itl", ("overhead_forgotten",))


def test_one_whole_number_that_is_off_by_one_is_not_named(right):
    truth = model()["answers_2_crossover"](case_of("2_crossover"))
    off = {"below_first_long": truth["below_first_long"] + 1}
    assert diagnosis(right["2_crossover"], "2_crossover").of_answers("2_crossover", "", off).sentence() == ""


def published(notebook: str) -> dict:
    return model()[f"answers_{notebook}"](case_of(notebook))


def test_the_published_numbers_and_a_classmate_s_are_recognised_as_of_another_case(right):
    found = diagnosis(right["2_crossover"], "2_crossover")
    names = [f"below_{a}_{b}" for a in ("first", "second") for b in ("short", "long")]
    copied = {name: published("2_crossover")[name] for name in names}
    said = found.of_answers("2_crossover", "s01", copied).sentence()
    assert said == "These are the answers for the published case, not for yours."
    theirs = model()["answers_2_crossover"](case_of("2_crossover", "s02"))
    said = found.of_answers("2_crossover", "s01", {n: theirs[n] for n in names}, ["s02"]).sentence()
    assert said == "These are the answers for another student's case, not for yours."
    mine = model()["answers_2_crossover"](case_of("2_crossover", "s01"))
    one = {n: mine[n] for n in names} | {"below_first_long": copied["below_first_long"]}
    said = found.of_answers("2_crossover", "s01", one).sentence()
    assert said == "`below_first_long` is right for the published case, not for yours."
    assert found.of_answers("2_crossover", "s01", {n: mine[n] for n in names}, ["s02"]).right


def test_a_rounded_copy_is_recognised_too(right):
    gain = {"gain_small": round(published("1_predict")["gain_small"], 2)}
    said = diagnosis(right["1_predict"], "1_predict").of_answers("1_predict", "s01", gain).sentence()
    assert "published case" in said


@pytest.mark.parametrize("kind", [k for k in kinds_of("quantization").values() if k.named], ids=lambda k: k.name)
def test_the_kinds_of_the_class_that_hold_one_are_named_by_it(root, kind):
    """Each is written in its own words, not in the bank's."""
    for notebook, names in kind.named.items():
        scope = solution(root, notebook, dict(kind.cells[notebook]))
        for name in ("pareto_front", "best_under"):
            if name in scope:
                scope[name] = points_as_pairs(scope[name])
        found = diagnosis(scope, notebook)
        assert sorted({n for f in FUNCTIONS[notebook] for n in found.of_function(f).names}) == sorted(names)


@pytest.mark.parametrize(("kind", "notebook"), [("s15", "0_self_check"), ("s17", "3_frontier")])
def test_the_examiner_tells_the_student_and_changes_no_mark(root, tmp_path, kind, notebook):
    source = root / "solutions" / "quantization"
    write_submission(kinds_of("quantization")[kind], source, root / "assignments" / "quantization", tmp_path)
    notebooks = assemble(source / f"{notebook}.ipynb", tmp_path / f"{notebook}.ipynb")
    told, bare = examine(notebooks, owner=Owner(notebook)), examine(notebooks)
    assert {k: v.score for k, v in told.verdicts.items()} == {k: v.score for k, v in bare.verdicts.items()}
    named = {name for v in told.verdicts.values() for name in v.misconceptions}
    assert named == set(kinds_of("quantization")[kind].named[notebook])
    for verdict in told.verdicts.values():
        assert bool(verdict.message) == (verdict.score < verdict.maximum)
        if verdict.misconceptions:
            assert BANK[verdict.misconceptions[0]].says in verdict.message


@pytest.mark.parametrize(
    "value",
    [
        10**400,
        "\ud800",
        {"a": [1]},
        np.eye(3),
        [[[]]] * 50,
        mlsysim.Hardware.Cloud.H100.bandwidth,
        float("nan"),
        True,
        None,
        b"x",
    ],
)
def test_no_value_stops_the_explanation_of_the_others(value):
    told = [Verdict(0.0, 1.0, "Not right."), Verdict(0.0, 1.0, "Not right.")]
    copied = published("1_predict")["gain_small"]
    failures = [
        Failure(told[0], {"gain_small": value, "gain_large": value}, (), "s01"),
        Failure(told[1], {"gain_small": copied}, (), "s01"),
    ]
    explain(failures, Owner("1_predict", "s01"), ["itl"], lambda name, arguments: value)
    assert told[0].message.startswith("Not right.") and not told[0].misconceptions
    assert "published case" in told[1].message


def test_numbers_from_the_head_are_named_though_every_function_is_right(right):
    found = diagnosis(right["0_self_check"], "0_self_check")
    shrink = case_of("0_self_check", "s01")["shrink"]
    by_k = found.of_answers("0_self_check", "s01", {"answer_speedup": shrink})
    assert {one.name for match in by_k.matches for one in match} == {"always_k_times", "k_times_or_nothing"}
    four = diagnosis(right["1_predict"], "1_predict").of_answers(
        "1_predict", "", {"gain_small": 4, "gain_large": 4.0}
    )
    named = {one.name for match in four.matches for one in match}
    assert named == {"overhead_forgotten", "overhead_quantized", "ratio_of_bits"}
