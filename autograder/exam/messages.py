"""Sentences for students: what was asked, on which input, and what came back. Never the test's text nor the value it wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autograder.kit.wording import Wording
from autograder.tutor.reason import Observed, Reason

__all__ = ["Call", "describe_call", "describe_failure"]

Call = tuple[str, tuple[Any, ...], dict[str, Any], Any]


def describe_call(wording: Wording, name: str, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> str:
    """A function and its inputs, in the field's terms and units, as the start of a sentence about what it did."""
    inputs = wording.inputs(name, arguments, keywords)
    return f"`{name}`, given {inputs}," if inputs else f"`{name}()`"


def describe_failure(wording: Wording, error: BaseException, called: Sequence[Call]) -> Reason:
    """Why a test failed: its own sentence, and the last call before it with what came back.

    The test's text and the value it wanted are not told.
    """
    observed = None
    if called:
        name, arguments, keywords, value = called[-1]
        observed = Observed(name, wording.inputs(name, arguments, keywords), wording.returned(name, value))
    if isinstance(error, AssertionError):
        sentence = str(error).split("\n")[0].strip()
        if sentence and not sentence.startswith("assert "):
            first = sentence.split()[0]
            if "_" not in first and first not in {call[0] for call in called}:  # a name keeps its spelling
                sentence = sentence[0].upper() + sentence[1:]
            return Reason(sentence if sentence.endswith(".") else f"{sentence}.", observed)
        return _seen(observed, "which is not right", "The answer is not right.")
    if isinstance(error, NameError):
        return Reason(f"`{error.name}` is not defined. Did the cell that defines it run without an error?")
    if type(error).__module__.startswith("hypothesis"):
        return Reason("The same question got different answers.", observed)
    form = "not of the form that was asked for"
    return _seen(observed, f"which is {form}", f"An answer is {form}.")


def _seen(observed: Observed | None, verdict: str, otherwise: str) -> Reason:
    return Reason(observed=observed, verdict=verdict) if observed else Reason(otherwise)
