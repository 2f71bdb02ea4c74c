"""What the answers of a notebook are for a case, and whether given answers belong to another one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autograder.tutor.compare import form_of, has_fractions, plain, same
from autograder.tutor.lesson import Lesson
from autograder.tutor.owner import clean_id

__all__ = ["TOLERANCE", "copied_from", "is_telling", "of_another_form"]

TOLERANCE = 1e-3  # of a number that a student states, as in the notebooks' tests


def is_telling(values: Mapping[str, Any], right: Mapping[str, Any]) -> bool:
    """Whether what is wrong could hardly be wrong in this way by chance: an answer that could be any fraction, or two answers at least."""
    wrong = [name for name, value in values.items() if not same(value, right[name])]
    return len(wrong) >= 2 or any(has_fractions(right[name]) for name in wrong)


def of_another_form(given: Any, right: Any) -> str:
    """What kind of value is given and what kind is asked for, if these differ; else empty.

    None is never told apart: whether it is right would then be told too.
    """
    given, right = plain(given), plain(right)
    if given is None or right is None or form_of(given) == form_of(right):
        return ""
    if isinstance(right, bool) and type(given) in (int, float) and given in (0, 1):
        return ""
    return f"{form_of(given)}, where {form_of(right)} is asked for"


def copied_from(lesson: Lesson, other: str, notebook: str, case_id: str, values: Mapping[str, Any]) -> str:
    """The sentence about *values* that are right for the case of *other* (empty: the published one), or an empty one."""
    if clean_id(other) == case_id:
        return ""
    mine, theirs = lesson.known_answers(notebook, case_id), lesson.known_answers(notebook, clean_id(other))
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
