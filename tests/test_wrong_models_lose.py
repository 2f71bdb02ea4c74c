"""The tests of the source notebooks tell right functions from wrong ones: whoever holds a wrong model of the bank loses marks."""

from __future__ import annotations

import pytest

from tests.assignments import ASSIGNMENTS, every_notebook, functions_of
from tests.models import answers_only, failing, held_by, holding, solution, tutor_of

HELD = [
    pytest.param(assignment, name, id=f"{assignment}-{name}")
    for assignment in ASSIGNMENTS
    for name in tutor_of(assignment).bank
    if name not in answers_only(assignment)
]


@every_notebook
def test_right_functions_lose_nothing(assignment, notebook):
    scope = solution(assignment, notebook)
    assert list(failing(assignment, notebook, scope)) == []
    lesson = tutor_of(assignment).lesson.right()
    ours = {name: lesson[name] for name in functions_of(assignment, notebook)}
    assert list(failing(assignment, notebook, holding(assignment, notebook, ours))) == []


@pytest.mark.parametrize(("assignment", "name"), HELD)
def test_who_holds_a_wrong_model_fails_a_test(assignment, name):
    tutor = tutor_of(assignment)
    notebook, function = held_by(assignment, tutor.bank[name])
    for way in tutor.bank[name].changes:
        wrong = tutor.lesson.model(way)[function]
        scope = holding(assignment, notebook, {function: wrong})
        assert any(failing(assignment, notebook, scope)), way  # the first is enough
