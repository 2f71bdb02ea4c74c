"""Several wrong models at once, and other styles of right work, in the first assignment."""

from __future__ import annotations

import itertools

import pytest

from autograder.tutor.compare import same
from tests.assignments import functions_of, kinds_of
from tests.casebooks import cases_of
from tests.models import answers_only, diagnosis, held_by, holding, solution, tutor_of

NAME = "quantization"
TUTOR = tutor_of(NAME)
LESSON, BANK = TUTOR.lesson, TUTOR.bank
HOME = {name: held_by(NAME, one) for name, one in BANK.items() if name not in answers_only(NAME)}


def held_in(*functions):
    return [name for name, (_, function) in HOME.items() if function in functions]


def with_wrong(notebook, wrong):
    """Students' functions of which some are wrong models that use the student's own helpers."""
    scope = holding(NAME, notebook, {})
    for name, function in wrong.items():
        scope[name] = type(function)(function.__code__, scope, name)
    return scope


def test_the_bank_holds_at_least_twenty():
    assert len(BANK) >= 20


def alike(function, values):
    """The misconceptions that give these *values* of *function* on all its probes, and alone."""

    def gives(model):
        try:
            return all(
                same(model[function](*p), value)
                for p, value in zip(TUTOR.probes(function), values, strict=True)
            )
        except Exception:
            return False

    return {name for name in HOME if any(gives(LESSON.model(way)) for way in BANK[name].changes)}


@pytest.mark.parametrize("name", held_in("step_bytes", "step_flops", "itl", "speedup"))
def test_in_a_notebook_that_asks_for_one_function_all_that_give_its_values_are_named_there_or_none(name):
    """Half the FLOPs and twice the peak are the same time: only step_flops can tell which of the two is held."""
    wrong = LESSON.model(BANK[name].changes[0])["speedup"]
    found = diagnosis(NAME, holding(NAME, "2_crossover", {"speedup_at": wrong}), "2_crossover")
    finding = found.of_function("speedup_at")
    if finding.right:  # a unit that cancels in a ratio
        assert name == "milliseconds_for_seconds"
        return
    twins = alike("speedup_at", [wrong(*p) for p in TUTOR.probes("speedup_at")])
    named = {one.name for (one,) in finding.matches}
    assert name in twins and named in (twins, set()) and bool(named) == (len(twins) <= 2)


def test_hardly_any_is_like_two_others_in_a_speed_up():
    names = held_in("step_bytes", "step_flops", "itl", "speedup")
    models = [LESSON.model(BANK[name].changes[0])["speedup"] for name in names]
    values = [[model(*p) for p in TUTOR.probes("speedup_at")] for model in models]
    assert sum(len(alike("speedup_at", got)) > 2 for got in values) <= 0.1 * len(names)


def test_all_of_it_in_one_function_that_calls_no_helper_is_named_in_that_function():
    wrong = LESSON.model(BANK["kv_cache_left_out"].changes[0])["itl"]
    found = diagnosis(NAME, holding(NAME, "1_predict", {"itl": wrong}), "1_predict")
    assert found.of_function("step_bytes").right
    assert (found.of_function("itl").names, found.of_function("itl").root) == (("kv_cache_left_out",), "")
    assert found.of_function("speedup").root == "itl"


PAIRS = [
    pair
    for i, pair in enumerate(
        itertools.product(held_in("step_bytes", "step_flops"), held_in("itl", "speedup"))
    )
    if i % 3 == 0
]


def models_of(pair):
    """The wrong function of each of a pair."""
    return {HOME[name][1]: LESSON.model(BANK[name].changes[0], {})[HOME[name][1]] for name in pair}


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_two_held_in_two_functions_are_each_named_in_its_own_place(first, second):
    found = diagnosis(NAME, with_wrong("1_predict", models_of((first, second))), "1_predict")
    assert found.of_function(HOME[first][1]).names == (first,)
    finding = found.of_function(HOME[second][1])
    # Where the two together give what one alone gives (no compute ceiling, and fewer FLOPs), the second may go unnamed; but nothing else is named.
    assert finding.names in ((second,), ()) or finding.root == HOME[first][1]


def test_most_pairs_in_two_functions_are_named_both():
    named = 0
    for pair in PAIRS:
        found = diagnosis(NAME, with_wrong("1_predict", models_of(pair)), "1_predict")
        named += found.of_function(HOME[pair[1]][1]).names == pair[1:]
    assert named > 0.9 * len(PAIRS)


@pytest.mark.parametrize("function", ["step_bytes", "step_flops", "itl", "compression_table", "best_under"])
def test_two_held_in_one_function_are_both_named_or_neither(function):
    named, count = 0, 0
    for pair in itertools.combinations(held_in(function), 2):
        changes = tuple(change for name in pair for change in BANK[name].changes[0])
        both = LESSON.model(changes)
        if both is None:
            continue
        notebook = HOME[pair[0]][0]
        found = diagnosis(NAME, holding(NAME, notebook, {function: both[function]}), notebook)
        finding = found.of_function(function)
        count += 1
        if sorted(finding.names) == sorted(pair):
            named += 1
            continue
        # Some pairs are one idea (no cache, in any bits), or give the same as another pair.
        for match in finding.matches:
            alone = LESSON.model(tuple(c for one in match for c in one.changes[0]))
            assert all(same(alone[function](*p), both[function](*p)) for p in TUTOR.probes(function))
    assert named >= 0.8 * count > 0


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
    "3_frontier": {
        "pareto_front": kinds_of(NAME)["s02"].cells["3_frontier"]["pareto_front"],
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


@pytest.mark.parametrize("notebook", OTHER_STYLES)
def test_correct_work_in_other_styles_is_never_named(notebook):
    found = diagnosis(NAME, solution(NAME, notebook, OTHER_STYLES[notebook]), notebook)
    assert all(found.of_function(name).right for name in functions_of(NAME, notebook))


def test_answers_that_follow_from_a_wrong_function_send_to_it():
    wrong = LESSON.model(BANK["overhead_forgotten"].changes[0])["itl"]
    scope = with_wrong("1_predict", {"itl": wrong})
    case = cases_of(NAME).case("1_predict", "s01")
    gain = scope["speedup"](case["small"], case["device"], case["runtime"], 1, case["context"], 4, 4)
    finding = diagnosis(NAME, scope, "1_predict").of_answers("1_predict", "s01", {"gain_small": gain})
    assert (finding.root, finding.names) == ("itl", ("overhead_forgotten",))


def of_answers(notebook, student, values, others=()):
    return diagnosis(NAME, solution(NAME, notebook), notebook).of_answers(notebook, student, values, others)


def test_one_whole_number_that_is_off_by_one_is_not_named():
    truth = LESSON.known_answers("2_crossover", "")
    off = {"below_first_long": truth["below_first_long"] + 1}
    assert of_answers("2_crossover", "", off).sentence() == ""


def test_one_of_several_numbers_that_is_the_published_one_is_named_alone():
    names = [f"below_{a}_{b}" for a in ("first", "second") for b in ("short", "long")]
    mine, published = (LESSON.known_answers("2_crossover", student) for student in ("s01", ""))
    one = {name: mine[name] for name in names} | {"below_first_long": published["below_first_long"]}
    said = of_answers("2_crossover", "s01", one).sentence()
    assert said == "`below_first_long` is right for the published case, not for yours."


def test_a_rounded_copy_is_recognised_too():
    gain = {"gain_small": round(LESSON.known_answers("1_predict", "")["gain_small"], 2)}
    assert "published case" in of_answers("1_predict", "s01", gain).sentence()


def test_numbers_from_the_head_are_named_though_every_function_is_right():
    shrink = cases_of(NAME).case("0_self_check", "s01")["shrink"]
    by_k = of_answers("0_self_check", "s01", {"answer_speedup": shrink})
    assert {one.name for match in by_k.matches for one in match} == {"always_k_times", "k_times_or_nothing"}
    four = of_answers("1_predict", "", {"gain_small": 4, "gain_large": 4.0})
    named = {one.name for match in four.matches for one in match}
    assert named == {"overhead_forgotten", "overhead_quantized", "ratio_of_bits"}
