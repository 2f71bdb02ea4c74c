"""Sentences for students: what was asked, on which input, and what came back. Never the test's text nor the value it wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autograder.kit.wording import Wording

__all__ = ["describe_call", "describe_failure", "printable"]

Call = tuple[str, tuple[Any, ...], dict[str, Any], Any]


def printable(text: str) -> str:
    """*text* without control characters: a student's words must not steer the terminal that they are printed in."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)


def describe_call(wording: Wording, name: str, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> str:
    """A function and its inputs, in the field's terms and units, as the start of a sentence about what it did."""
    inputs = wording.inputs(name, arguments, keywords)
    return f"`{name}`, given {inputs}," if inputs else f"`{name}()`"


def describe_failure(wording: Wording, error: BaseException, called: Sequence[Call]) -> str:
    """Why a test failed: its own sentence, and the last call before it with what came back.

    The test's text and the value it wanted are not told.
    """
    asked = ""
    if called:
        name, arguments, keywords, value = called[-1]
        gave, at = wording.returned(name, value), wording.inputs(name, arguments, keywords)
        asked = f"`{name}` gave {gave} at {at}" if at else f"`{name}()` gave {gave}"
    if isinstance(error, AssertionError):
        sentence = str(error).split("\n")[0].strip()
        if sentence and not sentence.startswith("assert "):
            first = sentence.split()[0]
            if "_" not in first and first not in {call[0] for call in called}:  # a name keeps its spelling
                sentence = sentence[0].upper() + sentence[1:]
            sentence += "" if sentence.endswith(".") else "."
            return f"{sentence} {asked}." if asked else sentence
        return f"{asked}, which is not right." if asked else "The answer is not right."
    if isinstance(error, NameError):
        return f"`{error.name}` is not defined. Did the cell that defines it run without an error?"
    if type(error).__module__.startswith("hypothesis"):
        return (
            f"The same question got different answers. {asked}."
            if asked
            else "The same question got different answers."
        )
    return (
        f"{asked}, which is not of the form that was asked for."
        if asked
        else "An answer is not of the form that was asked for."
    )
