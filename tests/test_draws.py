"""Examples drawn once for the class are the ones that Hypothesis draws for each, and the verdicts are its own."""

from __future__ import annotations

import contextlib
import importlib
import sys

import pytest
from hypothesis import Phase

from autograder.exam import draws, hypothesis_compat, judge
from autograder.exam.examine import _exam
from autograder.exam.hypothesis_compat import fixed_draws
from autograder.notebook.assemble import steps
from autograder.notebook.cells import grading
from autograder.tutor.owner import Owner
from tests.assignments import (
    ASSIGNMENTS,
    RIGHT,
    examined,
    functions_of,
    hand_in,
    notebooks_of,
    source_of,
    sources,
    wrong_in,
)


def cell(body: str, arguments: str = "n=st.integers(0, 1000)", more: str = "") -> str:
    return f"""
from hypothesis import given, settings, strategies as st
{more}
@settings(max_examples=50, derandomize=True, database=None, deadline=None)
@given({arguments})
def check(n):
    {body}

check()
"""


def run(source, names, calls=lambda: 0):
    with fixed_draws(), draws.asked_directly(), draws.drawn_once(source, [source], calls):
        exec(source, {"__name__": "exam", **names})


def asked_of(source, once=True, **names):
    seen = []
    names["f"] = lambda n: seen.append(n)
    keep = draws.drawn_once(source, [source], lambda: 0) if once else contextlib.nullcontext()
    with fixed_draws(), draws.asked_directly(), keep:
        exec(source, {"__name__": "exam", **names})
    return seen


def test_a_passing_function_is_asked_just_what_hypothesis_would_ask_it():
    source = cell("f(n)")
    plain = asked_of(source, once=False)
    assert len(plain) == 50
    assert asked_of(source) == plain
    assert asked_of(source) == plain  # as drawn before


def test_draws_do_not_depend_on_which_modules_are_loaded(tmp_path, monkeypatch):
    source = cell("f(n)", "n=st.integers(0, 10**9)").replace("=50", "=500")
    before = asked_of(source, once=False)
    (tmp_path / "of_this_machine.py").write_text(f"numbers = {list(range(10**6, 10**6 + 5000, 7))}")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "of_this_machine", importlib.import_module("of_this_machine"))
    assert asked_of(source, once=False) == before


def test_explicit_examples_are_asked_too():
    source = (
        cell("f(n)")
        .replace("@given", "@example(n=-7)\n@given")
        .replace("import given", "import example, given")
    )
    assert asked_of(source)[0] == -7 and asked_of(source) == asked_of(source, once=False)


def test_a_wrong_answer_is_shrunk_by_hypothesis():
    source = cell("assert f(n), n")
    with pytest.raises(AssertionError, match=r"^100\b"):
        run(source, {"f": lambda n: n < 100})


def test_what_is_wrong_everywhere_is_told_by_the_simplest_example_without_shrinking(monkeypatch):
    source = cell("assert f(n), n", "n=st.floats(0.3, 1.0)")
    with pytest.raises(AssertionError) as expected, fixed_draws():
        exec(source, {"__name__": "exam", "f": lambda n: False})
    ran, run_phases = [], hypothesis_compat.run_phases
    monkeypatch.setattr(
        hypothesis_compat,
        "run_phases",
        lambda test, *phases: [ran.append(phases), run_phases(test, *phases)],
    )
    for _ in range(2):
        with pytest.raises(AssertionError) as told:
            run(source, {"f": lambda n: False})
        assert told.value.args == expected.value.args == (1.0,)  # though Hypothesis begins with 0.3
        assert told.value.__notes__ == expected.value.__notes__
    assert ran == [(Phase.generate, Phase.shrink)]  # once for the class


def test_a_wrong_explicit_example_is_told_as_it_stands():
    source = (
        cell("assert f(n), n")
        .replace("@given", "@example(n=7)\n@given")
        .replace("import given", "import example, given")
    )
    with pytest.raises(AssertionError, match=r"^7\b"):
        run(source, {"f": lambda n: False})


def test_an_answer_that_is_wrong_once_and_then_right_is_no_pass():
    state = {"wrong": 1}

    def moody(n):
        state["wrong"] -= 1
        return state["wrong"] != 0

    source = cell("assert f(n)")
    run(source, {"f": lambda n: True})
    with pytest.raises(Exception, match="the same question got different answers"):
        run(source, {"f": moody})


@pytest.mark.parametrize("body", ["import hypothesis; hypothesis.assume(n > 3); f(n)", "st.data; f(n)"])
def test_a_test_that_steers_its_draws_is_left_to_hypothesis(body):
    source = cell(body)
    assert draws.steers_draws(source)
    assert asked_of(source) == asked_of(source, once=False)


def test_a_test_that_calls_the_student_while_it_draws_is_left_to_hypothesis():
    calls = []

    def bound(n):
        calls.append(n)
        return n

    source = cell("f(n)", "n=st.integers(0, 9).map(bound)")
    seen = []
    for _ in range(2):
        run(source, {"f": seen.append, "bound": bound}, lambda: len(calls))
    assert draws._drawn[next(key for key in draws._drawn if key[0] == source)] is None


def what_a_test_asks_for(assignment, notebook, cell):
    """The names of the student's that the test cell may look at, also by a text that is spelled as one is."""
    source = source_of(assignment)
    with _exam(sources(assignment, notebook), source, Owner(notebook)) as (exam, _):
        place = exam.place(grading(cell)["grade_id"], cell["source"])
        return exam.asks_for(place) | exam.depends_on(place)


def test_the_draws_of_an_assignment_s_own_tests_are_kept(assignment):
    kept = 0
    for notebook in notebooks_of(assignment):
        for _, found, test in steps(sources(assignment, notebook)):
            if test and "@given" in found["source"]:
                assert not draws.steers_draws(found["source"])
                asks, key = what_a_test_asks_for(assignment, notebook, found), grading(found)["grade_id"]
                assert asks <= functions_of(assignment, notebook).keys(), key
                kept += 1
    assert kept >= 3 * len(notebooks_of(assignment)) - 2


def test_an_example_that_a_test_changes_is_whole_for_the_next_student():
    source = cell("assert sum(n) >= 0; n.append(-10**9); f(n)", "n=st.lists(st.integers(0, 9))")
    assert [len(n) for n in asked_of(source)] == [len(n) for n in asked_of(source)]


@pytest.mark.parametrize(
    ("assignment", "notebook"), [(name, notebook) for name in ASSIGNMENTS for notebook in wrong_in(name)]
)
@pytest.mark.parametrize("right", [True, False], ids=["right", "wrong"])
def test_verdicts_and_messages_are_those_when_each_draws_its_own(
    assignment, notebook, right, tmp_path, monkeypatch
):
    kind = RIGHT if right else wrong_in(assignment)[notebook]
    path = hand_in(assignment, kind, tmp_path) / f"{notebook}.ipynb"
    once = examined(assignment, path).verdicts
    monkeypatch.setattr(judge, "drawn_once", lambda *arguments: contextlib.nullcontext())
    assert once == examined(assignment, path).verdicts
