"""Spelling, form and type: the message says which answer it is, what was given, and what is allowed, and never which choice is right."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from autograder.exam.forms import misfit
from autograder.exam.messages import describe_failure
from autograder.kit.entries import KitError
from autograder.kit.values import shown
from autograder.kit.wording import Wording
from autograder.tutor.compare import folded, form_of
from tests.sessions import run_test, session
from tests.small import KIT, write_small

WORDS = st.lists(st.sampled_from(["memory", "bound", "KV", "traffic", "int4", "x"]), min_size=1, max_size=3)
CHOICES = st.lists(WORDS.map("-".join), min_size=2, max_size=4, unique_by=folded)
RESPELLINGS = [
    str.upper,
    str.title,
    str.swapcase,
    lambda text: text.replace("-", " "),
    lambda text: text.replace("-", "_"),
    lambda text: text.replace("-", ""),
    lambda text: f" {text} ",
    lambda text: f"{text}.",
    lambda text: f"'{text}'",
    lambda text: text.replace("-", "\N{EN DASH}"),
]


def failing(test: str, **names: Any) -> BaseException:
    """What a *test* fails with."""
    with pytest.raises(Exception) as failed:
        exec(compile(test, "<test>", "exec"), names)
    return failed.value


@settings(max_examples=200)
@given(choices=CHOICES, which=st.integers(0, 3), respell=st.sampled_from(RESPELLINGS))
def test_a_choice_that_is_spelled_otherwise_is_said_to_be_and_all_choices_are_told(choices, which, respell):
    given_text = respell(choices[which % len(choices)])
    assume(given_text not in choices)
    wording = Wording(choices={"answer": choices})
    error = failing(
        "assert answer == right, 'the kernel waits for bytes'", answer=given_text, right=choices[0]
    )
    said = str(describe_failure(wording, error, [], {"answer": given_text}))
    assert f"`answer` is {shown(given_text)}, which is not spelled as it is asked for: write" in said
    assert said.endswith(
        " or ".join(filter(None, [", ".join(map(shown, choices[:-1])), shown(choices[-1])])) + "."
    )
    assert "waits" not in said


@settings(max_examples=100)
@given(choices=CHOICES, text=st.text(min_size=1), which=st.integers(0, 3))
def test_what_is_no_choice_is_said_to_be_none_and_a_wrong_choice_is_left_to_the_test(choices, text, which):
    assume(folded(text) not in set(map(folded, choices)))
    error = AssertionError("it is wrong")
    assert misfit("answer", text, {"answer": choices}, error).startswith(
        "which is none of what is allowed: write"
    )
    assert misfit("answer", choices[which % len(choices)], {"answer": choices}, error) == ""
    assert misfit("another", text, {"answer": choices}, error) == ""


@pytest.mark.parametrize(
    "value",
    [None, ..., 1.5, [], {}, "yes", b"memory", object(), float("nan")],
    ids=lambda value: type(value).__name__,
)
def test_a_value_of_any_other_type_is_no_choice(value):
    allowed = {"answer": ["memory", "latency"], "truth": [True, False]}
    for name in allowed:
        said = misfit(name, value, allowed, AssertionError())
        assert said.startswith("which is none of what is allowed") or value == []


def test_truth_values_as_text_are_to_be_written_without_quotes():
    said = misfit("fits", "true", {"fits": [True, False]}, AssertionError())
    assert said == "which is a text: write True or False, without quotes"
    for fine in (True, False, 1, 0):
        assert misfit("fits", fine, {"fits": [True, False]}, AssertionError()) == ""


@settings(max_examples=100)
@given(choices=CHOICES, which=st.integers(0, 3), respell=st.sampled_from(RESPELLINGS))
@pytest.mark.parametrize(
    "test",
    [
        "assert answer == {right!r}",
        "assert answer in ({right!r}, 'another')",
        "def check():\n    want = {right!r}\n    assert [answer] == [want], 'wrong'\ncheck()",
        "for got, want in [(answer, {right!r})]:\n    assert got == want, 'wrong'",
        "assert set(answer) == {{{right!r}}}",
    ],
)
def test_without_a_kit_a_text_that_the_test_itself_has_in_another_spelling_is_recognised(
    test, choices, which, respell
):
    right = choices[which % len(choices)]
    written = respell(right)
    assume(written != right)
    value = [written] if "set(" in test else written
    told = misfit("answer", value, {}, failing(test.format(right=right), answer=value))
    assert told.startswith("which differs from what is asked for only in its spelling") and right not in told
    other = ["another one"] if "set(" in test else "another one"
    assert misfit("answer", other, {}, failing(test.format(right=right), answer=other)) == ""


@pytest.mark.parametrize(
    ("test", "values", "said"),
    [
        (
            "assert float(gain) > 1",
            {"gain": "four"},
            "`gain` is 'four', a text: this is not of the form that was asked for.",
        ),
        (
            "assert gain > 1",
            {"gain": [2, 3]},
            "`gain` is [2, 3], a list: this is not of the form that was asked for.",
        ),
        (
            "assert abs(gain) > 1",
            {"gain": None},
            "`gain` is None: this is not of the form that was asked for.",
        ),
        (
            "assert len(curve) == 2",
            {"curve": 3.5},
            "`curve` is 3.5, a number: this is not of the form that was asked for.",
        ),
    ],
)
def test_an_answer_that_the_test_cannot_use_is_named_with_what_it_is(test, values, said):
    assert str(describe_failure(Wording(), failing(test, **values), [], values)) == said


PRINTS = "def area(radius):\n    print(3.14 * radius**2)"


@pytest.mark.parametrize("test", ["assert area(1) == 3.14, 'it is wrong'", "assert abs(area(1) - 3.14) < 1"])
def test_a_function_that_prints_instead_of_returning_is_told_so(test):
    with session(PRINTS) as made:
        with pytest.raises(Exception) as failed:
            run_test(made, test)
        said = str(describe_failure(Wording(), failed.value, made.called))
        assert (
            "`area` gave None at 1, and printed '3.14': a test sees what a function returns, and not what it prints."
            in said
        )


def test_a_function_that_prints_and_returns_or_does_neither_is_not_said_to_print():
    with session("def area(radius):\n    print(radius)\n    return radius\ndef nothing():\n    pass") as made:
        for test in ("assert area(1) == 3.14", "assert nothing() == 1"):
            made.called.clear()
            with pytest.raises(AssertionError) as failed:
                run_test(made, test)
            assert "printed" not in str(describe_failure(Wording(), failed.value, made.called))


@pytest.mark.parametrize(
    "table", ["[choices]\narea = []", "[choices]\narea = 'large'", "[choices]\narea = [[1]]"]
)
def test_choices_of_another_form_are_an_error_of_the_kit(table, tmp_path):
    from autograder.kit import load_kit

    source = write_small(tmp_path, changed={"kit.toml": f"{KIT['kit.toml'].replace(' ' * 8, '')}\n{table}\n"})
    with pytest.raises(KitError, match="choices"):
        load_kit(source)


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (True, "a truth value"),
        (1, "a number"),
        ("a", "a text"),
        ((1,), "a list"),
        ({}, "a dict"),
        (None, "nothing"),
    ],
)
def test_forms_have_plain_names(value, form):
    assert form_of(value) == form
