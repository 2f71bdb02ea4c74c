"""A message is true: the student's function, called with the inputs as they are printed, gives what is printed, and that is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.kit.values import number, rounded, shown, with_unit
from autograder.kit.wording import Wording
from autograder.tutor.compare import same
from tests.assignments import ASSIGNMENTS, functions_of, kit_of, notebooks_of
from tests.models import answers_only, held_by, holding, tutor_of
from tests.thorough import THOROUGH
from tests.told_inputs import CUT, arguments_in, failures, number_in

HELD = [
    pytest.param(assignment, name, id=f"{assignment}-{name}")
    for assignment in ASSIGNMENTS
    for name in list(tutor_of(assignment).bank)[:: 1 if THOROUGH else 12]
    if name not in answers_only(assignment)
]


@pytest.mark.parametrize(("assignment", "name"), HELD)
def test_whoever_tries_what_a_message_tells_sees_what_it_tells(assignment, name):
    tutor, wording = tutor_of(assignment), kit_of(assignment).wording
    notebook, function = held_by(assignment, tutor.bank[name])
    scope = holding(
        assignment, notebook, {function: tutor.lesson.model(tutor.bank[name].changes[0])[function]}
    )
    told = 0
    for reason in failures(assignment, notebook, scope):
        seen = reason.observed
        if seen is None or CUT in seen.inputs:
            continue
        told += 1
        arguments = arguments_in(assignment, seen.inputs)
        given_back = scope[seen.function](**arguments)
        assert wording.returned(seen.function, given_back) == seen.gave, str(reason)
        right = tutor.lesson.right()[seen.function](**arguments)
        assert not same(given_back, right), str(reason)
    assert told or name in ("twins_dropped", "second_twin_dropped")


numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**23), 10**23)


@settings(max_examples=400)
@given(value=numbers)
def test_a_printed_number_is_that_number(value):
    told = number(value)
    assert (int(told) if told.lstrip("-").isdigit() else float(told)) == value


@settings(max_examples=400)
@given(value=numbers, unit=st.sampled_from(["s", "B", "B/s", "FLOP/s", "FLOP/byte"]))
def test_a_number_with_its_unit_and_prefix_is_that_number(value, unit):
    assert number_in(with_unit(value, unit)) == value or float(value) == number_in(with_unit(value, unit))


@settings(max_examples=200)
@given(value=st.floats(1e-9, 1e16))
def test_a_short_number_stays_short(value):
    short = float(f"{value:.6g}")
    digits = number(short).replace("e", "").replace("-", "").replace(".", "")
    assert len(digits.lstrip("0")) <= 9
    assert len(with_unit(short, "s").split()[0]) <= 16


@settings(max_examples=300)
@given(value=st.floats(-1e12, 1e12).filter(bool), off=st.sampled_from([0, 1e-15, 1e-9, 3e-7]))
def test_what_came_back_is_rounded_but_never_to_a_shorter_number_that_it_is_not(value, off):
    value = float(f"{value:.3g}") * (1 + off)
    assert np.isclose(rounded(value), value, rtol=1e-5)
    assert (rounded(value) == float(f"{value:.3g}")) == (value == float(f"{value:.3g}"))


@settings(max_examples=200)
@given(points=st.lists(st.tuples(st.floats(0, 9), st.integers(-3, 3)), max_size=12))
def test_lists_that_have_room_are_told_whole(points):
    told = Wording(parameters=lambda name: ("points",)).inputs("front", (points,), {})
    assert told.endswith(CUT) or CUT in told or eval(told.removeprefix("points=")) == points
    assert CUT not in told or len(shown(points, 24)) > 200


def test_every_function_of_every_assignment_can_be_asked_again_from_its_message():
    """The right functions too: what is told of inputs of six digits is enough to call with, where nothing is cut."""
    for assignment in ASSIGNMENTS:
        wording, tutor = kit_of(assignment).wording, tutor_of(assignment)
        right = tutor.lesson.right()
        for notebook in notebooks_of(assignment):
            for function in functions_of(assignment, notebook):
                whole = 0
                for probe in map(rounded, tutor.probes(function)):
                    inputs = wording.inputs(function, probe, {})
                    if CUT in inputs:
                        continue
                    whole += 1
                    again = right[function](**arguments_in(assignment, inputs))
                    told, direct = right[function](*probe), again
                    assert same(told, direct) or wording.returned(function, told) == wording.returned(
                        function, direct
                    )
                assert whole > len(tutor.probes(function)) / 2, function
