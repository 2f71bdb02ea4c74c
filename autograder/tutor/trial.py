"""Models of the lesson, right and wrong ones, tried on the inputs of an assignment's probes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from autograder.tutor.compare import same

__all__ = ["TELLING", "Unanswered", "differences", "gives", "outputs", "quickest_first", "tried"]

TELLING = 3  # inputs on which a wrong model must differ from the right one

Inputs = Sequence[tuple[Any, ...]]


class Unanswered(Exception):
    """A student's function gave no value, or may not be asked any more."""


def quickest_first(
    inputs: Inputs, got: Sequence[Any], right: Sequence[Any]
) -> tuple[tuple[tuple[Any, ...], ...], list[Any], list[Any]]:
    """All three in the order in which the *right* values grow.

    A search for a number takes the longer the larger it is, and the first few inputs rule out nearly every wrong model.
    """
    order = sorted(range(len(inputs)), key=lambda at: _size(right[at]))
    return tuple(inputs[at] for at in order), [got[at] for at in order], [right[at] for at in order]


def _size(value: Any) -> float:
    """How far a search for *value* has to go: None is found where it ends."""
    if value is None:
        return math.inf
    return float(abs(value)) if isinstance(value, (int, float)) else 0.0


def outputs(namespace: dict[str, Any] | None, name: str, inputs: Inputs) -> list[Any]:
    """What a model gives."""
    assert namespace is not None
    return [namespace[name](*arguments) for arguments in inputs]


def tried(namespace: dict[str, Any] | None, name: str, inputs: Inputs) -> list[Any]:
    """What a wrong model gives; where it raises, something that nothing is the same as."""
    assert namespace is not None
    values: list[Any] = []
    for arguments in inputs:
        try:
            values.append(namespace[name](*arguments))
        except Exception:
            values.append(math.nan)
    return values


def differences(values: Sequence[Any], others: Sequence[Any]) -> int:
    """How many of the values are not the same."""
    return sum(not same(a, b) for a, b in zip(values, others, strict=True))


def gives(
    namespace: dict[str, Any] | None,
    name: str,
    inputs: Inputs,
    got: Sequence[Any],
    right: Sequence[Any] | None = None,
) -> bool:
    """Whether the function gives just what the student's gave; with *right* values, also whether enough inputs tell the two apart.

    Raises:
        Unanswered: a student's function that stands in it gave no value.
    """
    if namespace is None:
        return False
    try:
        for arguments, value in zip(inputs, got, strict=True):
            if not same(namespace[name](*arguments), value):
                return False
    except Unanswered:
        raise
    except Exception:  # a wrong model may divide by zero where the right one does not
        return False
    return right is None or differences(got, right) >= TELLING
