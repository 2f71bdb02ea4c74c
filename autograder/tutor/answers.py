"""What the answers of a notebook are for a case, and whether given answers belong to another one."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any

from autograder.tutor.compare import has_fractions, plain, same
from autograder.tutor.misconceptions import Change, model
from mlsysim.cases import clean_id

__all__ = ["TOLERANCE", "copied_from", "is_telling", "known_answers", "lesson_answers"]

TOLERANCE = 1e-3  # of a number that a student states, as in the notebooks' tests


def lesson_answers(
    notebook: str, case_id: str, changes: Iterable[Change] = (), functions: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The lesson's answers to *notebook*'s questions about the case of *case_id*, by name; see :func:`autograder.tutor.misconceptions.model`."""
    from cases import case  # the module beside the notebooks

    namespace = model(changes, functions)
    assert namespace is not None
    found: dict[str, Any] = namespace[f"answers_{notebook}"](case(notebook, case_id))
    return found


def is_telling(values: Mapping[str, Any], right: Mapping[str, Any]) -> bool:
    """Whether what is wrong could hardly be wrong in this way by chance: an answer that could be any fraction, or two answers at least."""
    wrong = [name for name, value in values.items() if not same(value, right[name])]
    return len(wrong) >= 2 or any(has_fractions(right[name]) for name in wrong)


@functools.lru_cache(maxsize=2048)
def known_answers(notebook: str, case_id: str, changes: tuple[Change, ...] = ()) -> dict[str, Any]:
    """As :func:`lesson_answers`, and remembered: not to be changed."""
    return lesson_answers(notebook, case_id, changes)


def copied_from(other: str, notebook: str, case_id: str, values: Mapping[str, Any]) -> str:
    """The sentence about *values* that are right for the case of *other* (empty: the published one), or an empty one."""
    if clean_id(other) == case_id:
        return ""
    mine, theirs = known_answers(notebook, case_id), known_answers(notebook, clean_id(other))
    whose = "another student's case" if other else "the published case"
    differ = [name for name in values if not same(theirs[name], mine[name], TOLERANCE)]
    taken = [name for name in differ if same(values[name], theirs[name], TOLERANCE)]
    if taken == differ and is_telling({name: values[name] for name in differ}, mine):
        return f"These are the answers for {whose}, not for yours."
    numbers = [name for name in taken if type(plain(values[name])) in (int, float)]
    if other or not numbers:  # one number alone is somebody's by chance
        return ""
    named = " and ".join(f"`{name}`" for name in numbers)
    return f"{named} {'is' if len(numbers) == 1 else 'are'} right for {whose}, not for yours."
