"""Right work loses no mark, in whatever style and order of operations it is written.

``THOROUGH=1`` composes 100 of each notebook, 600 together, and examines some as they are handed in; otherwise a few. The rates are printed
(``pytest -s``).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from autograder.notebook.cells import strip_solution_marks
from tests.assignments import ASSIGNMENTS, every_notebook, functions_of, notebooks_of, sources
from tests.models import failing, holding, solution
from tests.right_work import composed, reordered, styles
from tests.test_carried import handed_in, lost
from tests.thorough import THOROUGH

MADE = 100 if THOROUGH else 2  # of each notebook, whose functions are judged
EXAMINED = 10 if THOROUGH else 1  # of each notebook, examined as they are handed in


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_every_function_has_several_styles(assignment):
    for notebook in notebooks_of(assignment):
        for key in functions_of(assignment, notebook).values():
            assert len(styles(assignment)[notebook][key]) >= 4, key


@every_notebook
def test_right_functions_in_any_style_lose_nothing(assignment, notebook):
    draw = random.Random(f"{assignment} {notebook}")
    asked = set(functions_of(assignment, notebook).values())
    made = [composed(assignment, notebook, draw) for _ in range(MADE)]
    losing = []
    for answers in made:
        functions = {key: text for key, text in answers.items() if key in asked}
        if tests := list(failing(assignment, notebook, solution(assignment, notebook, functions))):
            losing.append((tests, functions))
    print(f"\n{assignment}, {notebook}: {len(losing)} of {MADE} right notebooks lose marks")
    assert not losing, losing


@pytest.mark.skipif(not THOROUGH, reason="THOROUGH=1 tries each style by itself")
@every_notebook
def test_each_style_by_itself_loses_nothing(assignment, notebook):
    draw = random.Random(f"{assignment} {notebook} each")
    asked = set(functions_of(assignment, notebook).values())
    for key, known in styles(assignment)[notebook].items():
        for style, text in known.items():
            if key in asked:
                scope = solution(assignment, notebook, {key: reordered(text, draw)})
                assert list(failing(assignment, notebook, scope)) == [], (key, style)


DECIMALS = {"itl": 9, "matmul_seconds": 9}  # seconds; of anything else six


def rounding(function: Callable[..., Any], digits: int) -> Callable[..., Any]:
    def rounded(value: Any) -> Any:
        match value:
            case float():
                return round(value, digits)
            case dict():
                return {key: rounded(one) for key, one in value.items()}
            case tuple() | list():
                return type(value)(map(rounded, value))
        return value

    return lambda *args, **kwargs: rounded(function(*args, **kwargs))


@every_notebook
def test_what_a_function_may_be_rounded_to_costs_nothing_where_others_build_on_it(assignment, notebook):
    functions = functions_of(assignment, notebook)
    digits = {name: DECIMALS.get(name, 6) for name in functions}
    alone = [{name: digits[name]} for name in functions]
    together = {name: number + 1 for name, number in digits.items()}
    for case in (*alone, together):
        scope = holding(assignment, notebook, {})
        scope.update({name: rounding(scope[name], number) for name, number in case.items()})
        assert list(failing(assignment, notebook, scope)) == [], case


@every_notebook
def test_right_notebooks_in_any_style_have_full_marks(assignment, notebook):
    draw = random.Random(f"{assignment} {notebook} handed in")
    for _ in range(EXAMINED):
        answers = composed(assignment, notebook, draw)
        model = dict(strip_solution_marks(sources(assignment, notebook)))
        own = {key: text for key, text in answers.items() if text != model[key]}
        assert lost(assignment, notebook, handed_in(assignment, notebook, answers)) == {}, own
