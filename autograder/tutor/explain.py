"""Adds to the messages of failed tests why the answers are wrong, where that is known. Marks are settled before and stay as they are."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from autograder.tutor.compare import same
from autograder.tutor.diagnosis import Call, Diagnosis, Finding
from autograder.tutor.lesson import Lesson
from autograder.tutor.owner import Owner
from autograder.tutor.reason import Reason
from autograder.tutor.trial import Unanswered
from autograder.tutor.tutor import Tutor

__all__ = ["Failure", "explain", "until_wrong"]

MAX_CALLS = 6000
MAX_SECONDS = 15.0
LOOKED_AT = 8  # of the last calls


class Told(Protocol):
    """A verdict, as far as it is told."""

    reason: Reason
    misconceptions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """A test cell that was not passed.

    Attributes:
        told: its verdict.
        values: what the names of the test stood for: the student's values, and functions.
        called: the last calls of the student's functions, with what they returned.
        case_id: whose case it asked about; None if it asks about none.
    """

    told: Told
    values: Mapping[str, Any]
    called: Sequence[Call]
    case_id: str | None


def explain(
    tutor: Tutor,
    failures: Sequence[Failure],
    owner: Owner,
    asked_for: Iterable[str],
    ask: Callable[[str, tuple[Any, ...]], Any],
) -> None:
    """Complete the messages of *failures*, asking the student's functions again with *ask*, which raises if there is no value."""
    functions = [name for name in asked_for if name in tutor.lesson]
    if not failures:
        return
    left = MAX_CALLS
    deadline = time.monotonic() + MAX_SECONDS

    def bounded(name: str, arguments: tuple[Any, ...]) -> Any:
        nonlocal left
        left -= 1
        if left < 0 or time.monotonic() > deadline:
            raise Unanswered
        try:
            return ask(name, arguments)
        except Exception:
            raise Unanswered from None

    diagnosis = Diagnosis(tutor, functions, bounded)
    for failure in failures:
        try:
            with np.errstate(all="ignore"):
                found = _finding(tutor, diagnosis, failure, owner)
        except Exception:  # values are the student's and may be anything; then there is no explanation, and the message stays
            continue
        told = failure.told
        told.misconceptions = found.names
        hint = "" if found.root else found.hint()
        told.reason = replace(told.reason, cause=found.sentence(), hint=hint)


def until_wrong(tutor: Tutor | None, called: Sequence[Call]) -> Sequence[Call]:
    """The calls up to the last one that gave something wrong; all of them where none of the last is known to have.

    A test may compare several calls, and the last of them may be right.
    """
    if tutor is None:
        return called
    for count in range(len(called), max(0, len(called) - LOOKED_AT), -1):
        if _is_wrong(tutor.lesson, called[count - 1]):
            return called[:count]
    return called


def _is_wrong(lesson: Lesson, call: Call) -> bool:
    name, arguments, keywords, value = call
    if name not in lesson:
        return False
    try:
        with np.errstate(all="ignore"):
            return not same(lesson.right()[name](*arguments, **keywords), value)
    except Exception:  # asked about what the lesson is not made for
        return False


def _finding(tutor: Tutor, diagnosis: Diagnosis, failure: Failure, owner: Owner) -> Finding:
    functions = [call[0] for call in failure.called]
    if functions and functions[-1] in tutor.lesson:
        return diagnosis.of_function(functions[-1], failure.called)
    answers = {name: value for name, value in failure.values.items() if not callable(value)}
    if functions or failure.case_id is None or not tutor.lesson.answers_of(owner.notebook):
        return Finding()
    return diagnosis.of_answers(owner.notebook, failure.case_id, answers, owner.others)
