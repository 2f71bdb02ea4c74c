"""Messages: one or two plain sentences in the field's units, and nothing of the test or of the right value."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.exam.messages import describe_call, describe_failure
from autograder.kit.wording import Wording
from autograder.notebook.cells import strip_solution_marks
from tests.assignments import ASSIGNMENTS, examined, hand_in, kit_of, sources, wrong_in
from tests.leaks import HIDDEN
from tests.models import tutor_of

PLAIN = Wording()


def test_without_words_or_units_values_are_told_as_they_are():
    call = ("area", (3, [1.5, 2.0]), {"deep": True}, {"m2": 1 / 3})
    assert str(describe_failure(PLAIN, AssertionError("it is wrong"), [call])) == (
        "It is wrong. `area` gave {m2: 0.333333} at 3, [1.5, 2], deep=True."
    )
    assert str(describe_failure(PLAIN, AssertionError(), [call])).endswith("deep=True, which is not right.")
    assert str(describe_failure(PLAIN, AssertionError(), [])) == "The answer is not right."
    assert str(describe_failure(PLAIN, TypeError(), [("f", (), {}, None)])) == (
        "`f()` gave None, which is not of the form that was asked for."
    )


def test_units_and_words_are_used_where_there_are_some_and_values_of_any_other_form_are_told_as_they_are():
    words = Wording(
        arguments={"box": lambda value: f"a box of {value['side']}"},
        returns={"pair": lambda value: f"{value[0]} and {value[1]}"},
        argument_units={"speed": "B/s"},
        return_units={"time": ["s"], "both": ["B", "s"]},
        parameters={"time": ("speed", "box")}.get,
    )
    assert words.inputs("time", (2e12, {"side": 3}), {}) == "speed=2 TB/s; a box of 3"
    assert words.inputs("time", ("fast", 7), {}) == "speed='fast', box=7"
    assert (words.returned("time", 5e-5), words.returned("time", None)) == ("50 µs", "None")
    assert (words.returned("both", (2e9, 0.001)), words.returned("both", 3)) == ("2 GB and 1 ms", "3")
    assert (words.returned("pair", (1, 2)), words.returned("pair", 1)) == ("1 and 2", "1")


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=200)
    | st.binary()
    | st.complex_numbers()
    | st.sampled_from([10**400, np.arange(10**6), np.eye(2), np.float32("nan"), "\ud800", {1}, range(3)]),
    lambda inner: (
        st.lists(inner, max_size=20)
        | st.tuples(inner)
        | st.dictionaries(st.text(max_size=9) | st.integers(), inner, max_size=9)
    ),
    max_leaves=30,
)
worded = st.sampled_from([(PLAIN, "of_my_own")]) | st.sampled_from(
    [
        (kit_of(assignment).wording, function)
        for assignment in ASSIGNMENTS
        for function in [*tutor_of(assignment).lesson.functions, "of_my_own"]
    ]
)


@settings(max_examples=200)
@given(told=worded, arguments=st.lists(plain, max_size=9), value=plain)
def test_any_plain_value_can_be_told_in_a_short_sentence(told, arguments, value):
    wording, function = told
    call = (function, tuple(arguments), {}, value)
    said = str(describe_failure(wording, AssertionError("it is not right"), [call]))
    # Arguments without names stand in brackets.
    told_of = (f"`{function}` gave ", f"`{function}(")
    assert len(said) < 680 and " gave " in said
    assert said.startswith(told_of if function in wording.choices else "It is not right.")
    said.encode("utf-8")
    assert len(describe_call(wording, function, arguments, {})) < 380
    assert not re.search(r"\d\.\d{9,}", wording.returned(function, 1 / 3))


@pytest.mark.parametrize(
    "make",
    [lambda n: -n, lambda n: {n}, lambda n: [n] * 9, lambda n: {str(i): n for i in range(9)}],
    ids=range(4),
)
def test_numbers_of_too_many_digits_are_told_too(make):
    value = make(10**5000)
    units = Wording(argument_units={"x": "B"}, return_units={"f": ["s"]}, parameters=lambda function: ("x",))
    for wording in (PLAIN, units):
        assert (
            len(str(describe_failure(wording, AssertionError("wrong"), [("f", (value,), {}, value)]))) < 600
        )


@pytest.mark.parametrize(
    ("assignment", "notebook"), [(name, notebook) for name in ASSIGNMENTS for notebook in wrong_in(name)]
)
def test_every_message_of_an_exam_is_short_and_tells_neither_the_test_nor_an_answer(
    assignment, notebook, tmp_path
):
    kind = wrong_in(assignment)[notebook]
    result = examined(assignment, hand_in(assignment, kind, tmp_path) / f"{notebook}.ipynb")
    original = sources(assignment, notebook)
    secrets = [answer for _, answer in strip_solution_marks(original)]
    secrets += [region for cell in original.cells for region in HIDDEN.findall(cell["source"])]
    lines = [line.strip() for text in secrets for line in text.splitlines() if len(line.strip()) > 20]
    messages = [verdict.message for verdict in result.verdicts.values() if verdict.score < verdict.maximum]
    assert messages
    for message in messages:
        assert 10 < len(message) < 560
        assert not any(line in message for line in lines)
        assert not re.search(r"Traceback|File \"|assert |isclose|hypothesis", message)
        assert not re.search(r" gave [^ ]*\d\.\d{9,}", message)  # inputs are exact, so that they can be tried
