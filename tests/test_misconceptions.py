"""The bank of wrong models of each assignment: who holds one is named by it, and nobody else by any."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.exam.examine import Verdict
from autograder.tutor.compare import has_fractions, same
from autograder.tutor.diagnosis import Finding
from autograder.tutor.explain import Failure, explain
from autograder.tutor.owner import Owner
from autograder.tutor.reason import Reason
from tests.assignments import (
    ASSIGNMENTS,
    every_notebook,
    examined,
    functions_of,
    hand_in,
    kinds_of,
    kit_of,
    notebooks_of,
)
from tests.models import answers_only, diagnosis, held_by, holding, solution, tutor_of

WAYS = [
    pytest.param(assignment, name, way, id=f"{assignment}-{name}-{way}")
    for assignment in ASSIGNMENTS
    for name, one in tutor_of(assignment).bank.items()
    if name not in answers_only(assignment)
    for way in range(len(one.changes))
]
FUNCTIONS = [
    pytest.param(assignment, notebook, function, id=f"{assignment}-{function}")
    for assignment in ASSIGNMENTS
    for notebook in notebooks_of(assignment)
    for function in functions_of(assignment, notebook)
]
NAMED = [
    pytest.param(assignment, kind, id=f"{assignment}-{kind.name}")
    for assignment in ASSIGNMENTS
    for kind in kinds_of(assignment).values()
    if kind.named
]


def test_the_bank_holds_at_least_ten_and_each_says_what_it_is_gives_a_hint_and_a_source(assignment):
    bank = tutor_of(assignment).bank
    assert len(bank) >= 10
    for name, one in bank.items():
        assert name.isidentifier() and one.says and one.hint and one.seen
        assert len(one.says) < 90 and not one.says.endswith(".")
        assert len(one.hint) < 90 and one.hint[-1] in ".?"
    assert len({one.says for one in bank.values()}) == len(bank)


def test_every_line_that_a_misconception_changes_is_in_the_lesson_just_once(assignment):
    lesson, bank = tutor_of(assignment).lesson, tutor_of(assignment).bank
    for one in bank.values():
        assert one.changes
        for way in one.changes:
            assert all(map(lesson.fits, way)) and lesson.model(way) is not None, one.name


@pytest.mark.parametrize(("assignment", "notebook", "function"), FUNCTIONS)
def test_the_lesson_gives_what_the_source_s_solution_gives_on_every_probe(assignment, notebook, function):
    tutor = tutor_of(assignment)
    ours, theirs = tutor.lesson.right()[function], solution(assignment, notebook)[function]
    assert len(tutor.probes(function)) >= 10
    for arguments in tutor.probes(function):
        assert same(ours(*copy.deepcopy(arguments)), theirs(*copy.deepcopy(arguments)))


@pytest.mark.parametrize(("assignment", "name", "way"), WAYS)
def test_who_holds_one_misconception_is_named_by_it_and_by_no_other(assignment, name, way):
    tutor = tutor_of(assignment)
    one = tutor.bank[name]
    notebook, function = held_by(assignment, one)
    wrong = tutor.lesson.model(one.changes[way])[function]
    found = diagnosis(assignment, holding(assignment, notebook, {function: wrong}), notebook)
    assert found.of_function(function).names == (name,)
    assert found.of_function(function).root == ""
    for other in functions_of(assignment, notebook):
        finding = found.of_function(other)
        assert other == function or finding.right or finding.root == function


@every_notebook
def test_correct_work_is_never_named(assignment, notebook):
    """The source's own, and what the kinds of the class that lose nothing wrote in its place."""
    other = [k.cells[notebook] for k in kinds_of(assignment).values() if not k.lost and notebook in k.cells]
    assert other
    for cells in ({}, *({key: text for key, text in cells.items() if key != "student"} for cells in other)):
        asked = functions_of(assignment, notebook)
        scope = solution(assignment, notebook, {k: text for k, text in cells.items() if k in asked.values()})
        found = diagnosis(assignment, scope, notebook)
        assert all(found.of_function(name).right for name in asked)


def bent(value, bend):
    """*value* with every fraction bent."""
    if isinstance(value, dict):
        return {key: bent(item, bend) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [bent(item, bend) for item in value]
    return bend(value) if isinstance(value, (float, np.floating)) else value


odd = st.floats(0.1, 10).filter(lambda x: all(abs(x - whole / 4) > 1e-3 for whole in range(41)))


@pytest.mark.parametrize(("assignment", "notebook", "function"), FUNCTIONS)
@settings(max_examples=8, deadline=None)
@given(factor=odd, power=st.sampled_from([1, 1, 0.9, 1.1]), more=st.sampled_from([0, 0, 0.37]))
def test_a_wrong_answer_of_no_known_kind_is_never_named(assignment, notebook, function, factor, power, more):
    tutor = tutor_of(assignment)
    truth = tutor.lesson.right()[function]
    if sum(has_fractions(truth(*a)) for a in tutor.probes(function)) < len(tutor.probes(function)):
        return  # whole numbers, words and choices: see the next test

    def wrong(*arguments):
        return bent(truth(*arguments), lambda x: abs(x) ** power * factor + more)

    found = diagnosis(assignment, holding(assignment, notebook, {function: wrong}), notebook)
    assert found.of_function(function) == Finding()
    assert not any(found.of_function(name).matches for name in functions_of(assignment, notebook))


@pytest.mark.parametrize(("assignment", "notebook", "function"), FUNCTIONS)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_answers_at_random_are_never_named(assignment, notebook, function, seed):
    tutor = tutor_of(assignment)
    truth = tutor.lesson.right()[function]
    values = [truth(*arguments) for arguments in tutor.probes(function)]
    draw = np.random.default_rng(seed)

    def wrong(*arguments):
        return values[draw.integers(len(values))]

    found = diagnosis(assignment, holding(assignment, notebook, {function: wrong}), notebook)
    assert not found.of_function(function).matches


def test_a_helper_that_is_wrong_in_an_unknown_way_is_still_the_one_to_look_at(assignment):
    lesson, looked = tutor_of(assignment).lesson, 0
    for notebook in notebooks_of(assignment):
        asked = list(functions_of(assignment, notebook))
        for function in asked:
            above = [name for name in asked if function in lesson.builds_on(name)]
            if not above or lesson.builds_on(function) & set(asked):
                continue
            truth = lesson.right()[function]

            def wrong(*arguments, truth=truth):
                value = truth(*arguments)
                if isinstance(value, (list, tuple)):
                    return [x * 0.77 + 0.1 for x in value]
                return 2 * value + 3 if isinstance(value, int) else value * 0.77 + 0.1

            found = diagnosis(assignment, holding(assignment, notebook, {function: wrong}), notebook)
            for name in above:
                finding = found.of_function(name)
                assert finding.right or (finding.root, finding.sentence()) == (
                    function,
                    f"Look at `{function}` first: it is not right yet.",
                )
                looked += not finding.right
    assert looked


def raises(*arguments):
    raise ValueError


@pytest.mark.parametrize(("assignment", "notebook", "function"), FUNCTIONS)
def test_a_function_that_raises_is_not_named(assignment, notebook, function):
    found = diagnosis(assignment, holding(assignment, notebook, {function: raises}), notebook)
    assert found.of_function(function).sentence() == ""


@pytest.mark.parametrize("student", ["", "s01"])
def test_answers_that_follow_from_a_misconception_are_named_though_every_function_is_right(
    assignment, student
):
    lesson = tutor_of(assignment).lesson
    for name, one in answers_only(assignment).items():
        (function,) = one.functions
        notebook = function.removeprefix("answers_")
        truth = lesson.answers(notebook, student)
        values = lesson.answers(notebook, student, one.changes[0])
        cell = {key: value for key, value in values.items() if not same(value, truth[key])}
        found = diagnosis(assignment, solution(assignment, notebook), notebook)
        assert found.of_answers(notebook, student, cell).names == (name,)


@every_notebook
def test_the_published_numbers_and_a_classmate_s_are_recognised_as_of_another_case(assignment, notebook):
    """All of a notebook's numbers; a student who copies has them from one place."""
    lesson = tutor_of(assignment).lesson
    found = diagnosis(assignment, solution(assignment, notebook), notebook)
    mine, published, theirs = (lesson.known_answers(notebook, student) for student in ("s01", "", "s02"))
    numbers = [name for name, value in mine.items() if has_fractions(value) or type(value) is int]
    assert numbers
    for answers, others, whose in (
        (published, (), "the published case"),
        (theirs, ("s02",), "another student's case"),
    ):
        copied = {name: answers[name] for name in numbers}
        said = found.of_answers(notebook, "s01", copied, others).sentence()
        assert said == f"These are the answers for {whose}, not for yours."
    assert found.of_answers(notebook, "s01", {name: mine[name] for name in numbers}, ["s02"]).right


@pytest.mark.parametrize(("assignment", "kind"), NAMED)
def test_the_kinds_of_the_class_that_hold_one_are_named_by_it(assignment, kind):
    """Each is written in its own words, not in the bank's."""
    for notebook, names in kind.named.items():
        asked = functions_of(assignment, notebook)
        cells = {key: text for key, text in kind.cells[notebook].items() if key in asked.values()}
        found = diagnosis(assignment, solution(assignment, notebook, cells), notebook)
        assert sorted({name for f in asked for name in found.of_function(f).names}) == sorted(names)


@pytest.mark.parametrize(("assignment", "kind"), NAMED[::4])
def test_the_examiner_tells_the_student_and_changes_no_mark(assignment, kind, tmp_path):
    notebook, names = next(iter(kind.named.items()))
    path = hand_in(assignment, kind, tmp_path) / f"{notebook}.ipynb"
    told = examined(assignment, path)
    bare = examined(assignment, path, owner=Owner(""))
    assert {k: v.score for k, v in told.verdicts.items()} == {k: v.score for k, v in bare.verdicts.items()}
    assert {name for v in told.verdicts.values() for name in v.misconceptions} == set(names)
    for verdict in told.verdicts.values():
        assert bool(verdict.message) == (verdict.score < verdict.maximum)
        for name in verdict.misconceptions:
            assert tutor_of(assignment).bank[name].says in verdict.message


@pytest.mark.parametrize(
    "value",
    [10**400, "\ud800", {"a": [1]}, np.eye(3), [[[]]] * 50, float("nan"), True, None, b"x", object()],
    ids=lambda value: type(value).__name__,
)
def test_no_value_stops_the_explanation_of_the_others(assignment, value):
    notebook = notebooks_of(assignment)[-1]
    lesson = tutor_of(assignment).lesson
    mine, copied = lesson.known_answers(notebook, "s01"), lesson.known_answers(notebook, "")
    numbers = [name for name, right in mine.items() if has_fractions(right)]
    told = [Verdict(0.0, 1.0, Reason("Not right.")) for _ in range(2)]
    failures = [
        Failure(told[0], dict.fromkeys(numbers, value), (), "s01"),
        Failure(told[1], {name: copied[name] for name in numbers}, (), "s01"),
    ]
    asked = functions_of(assignment, notebook)
    explain(kit_of(assignment).tutor, failures, Owner(notebook, "s01"), asked, lambda name, arguments: value)
    assert told[0].message.startswith("Not right.") and not told[0].misconceptions
    assert "published case" in told[1].message
