"""A call leaves on both sides what it leaves in one process: what it gives, and what it did to the values that it was given."""

from __future__ import annotations

import copy

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.bounds.limits import Limits
from autograder.exam.session import Session

FUNCTION = """
import copy

def act(*targets, how):
    for target in targets:
        if type(target) is dict:
            if how == "adds":
                target["new"] = [1, (2,)]
            elif how == "clears":
                target.clear()
            elif how == "turns numbers into truths":
                for key in target:
                    target[key] = bool(target[key]) if target[key] in (0, 1) else target[key]
    return copy.copy(targets[0]) if how == "copies" else targets[0]

def act_by_position(*arguments):
    return act(*arguments[:-1], how=arguments[-1])
"""
HOW = ["adds", "clears", "turns numbers into truths", "copies", "does nothing"]
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(st.characters(), max_size=4)
)
KEYS = st.one_of(st.text(max_size=3), st.integers(0, 3), st.booleans())
VALUES = st.lists(st.one_of(SCALARS, st.dictionaries(KEYS, SCALARS, max_size=4)), min_size=1, max_size=4)


@pytest.fixture(scope="module")
def student():
    session = Session(Limits(total_seconds=600), {}, [], "limits")
    session.run(0, FUNCTION)
    yield session.names({"act", "act_by_position"})
    session.close()


@settings(suppress_health_check=[*HealthCheck])
@given(VALUES, st.sampled_from(HOW), st.booleans(), st.booleans())
def test_a_call_leaves_on_both_sides_what_it_leaves_in_one_process(student, values, how, twice, by_position):
    values = [values[0], *values] if twice else values
    here: dict = {}
    exec(FUNCTION, here)
    asked, known = copy.deepcopy(values), copy.deepcopy(values)
    if by_position:
        got, right = (
            names["act_by_position"](*given, how) for names, given in ((student, asked), (here, known))
        )
    else:
        got, right = (names["act"](*given, how=how) for names, given in ((student, asked), (here, known)))
    assert repr(asked) == repr(known) and repr(got) == repr(right)
    if type(right) is dict:
        assert (got is asked[0]) == (right is known[0])
