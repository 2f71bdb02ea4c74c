"""Sentences for students: what was asked, on which input, and what came back. Never the test's text nor the value it wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autograder.exam.forms import form_given, misfit, used_names
from autograder.exam.stopped import StoppedCells
from autograder.handles.told import Printed
from autograder.kit.values import rounded, shown
from autograder.kit.wording import Wording
from autograder.tutor.reason import Observed, Reason

__all__ = ["Call", "describe_call", "describe_failure"]

Call = tuple[str, tuple[Any, ...], dict[str, Any], Any]
FORM = "not of the form that was asked for"
PRINTED = "and printed {!r}: a test sees what a function returns, and not what it prints"


def describe_call(wording: Wording, name: str, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> str:
    """A function and its inputs, in the field's terms and units, as the start of a sentence about what it did."""
    inputs = wording.inputs(name, arguments, keywords)
    return f"`{name}`, given {inputs}," if inputs else f"`{name}()`"


def describe_failure(
    wording: Wording,
    error: BaseException,
    called: Sequence[Call],
    values: Mapping[str, Any] | None = None,
    cells: StoppedCells | None = None,
    asked: frozenset[str] = frozenset(),
) -> Reason:
    """Why a test failed: its own sentence, and the last call before it with what came back.

    The test's text and the value it wanted are not told. Where the form of an answer is what is wrong, the test's sentence, which is about
    the value, is left out.

    Args:
        values: what the names of the test stood for.
        cells: the student's cells, which say why a name is missing.
        asked: the names that the notebook's tests ask for.
    """
    if isinstance(error, NameError) and error.name:
        return Reason((cells or StoppedCells()).why_missing(error.name, asked=asked))
    values = values or {}
    observed, verdict = None, ""
    if called:
        name, arguments, keywords, value = called[-1]
        observed = Observed(name, wording.inputs(name, arguments, keywords), wording.returned(name, value))
        if form := misfit(name, value, wording.choices, error):
            return Reason(observed=observed, verdict=form)
        verdict = PRINTED.format(value.text) if isinstance(value, Printed) else ""
    used = used_names(error, values)
    for name in used:
        if form := misfit(name, values[name], wording.choices, error):
            return Reason(f"`{name}` is {shown(rounded(values[name]))}, {form}.")
    if isinstance(error, AssertionError):
        sentence = _own_sentence(error, called)
        unfinished = "" if called else (cells or StoppedCells()).left_unfinished(used)
        if sentence or unfinished:
            return Reason(" ".join(filter(None, [sentence, unfinished])), observed, verdict)
        return _seen(observed, verdict or "which is not right", "The answer is not right.")
    if type(error).__module__.startswith("hypothesis"):
        return Reason("The same question got different answers.", observed)
    if observed:
        text = type(called[-1][3]) is str
        return Reason(observed=observed, verdict=verdict or f"which is {'a text and ' if text else ''}{FORM}")
    given = form_given(values, used)
    return Reason(f"{given}: this is {FORM}." if given else f"An answer is {FORM}.")


def _own_sentence(error: AssertionError, called: Sequence[Call]) -> str:
    """What the test says itself; empty if it says nothing."""
    sentence = str(error).split("\n")[0].strip()
    if not sentence or sentence.startswith("assert "):
        return ""
    first = sentence.split()[0]
    if "_" not in first and first not in {call[0] for call in called}:  # a name keeps its spelling
        sentence = sentence[0].upper() + sentence[1:]
    return sentence if sentence.endswith((".", "?", "!")) else f"{sentence}."


def _seen(observed: Observed | None, verdict: str, otherwise: str) -> Reason:
    return Reason(observed=observed, verdict=verdict) if observed else Reason(otherwise)
