"""A failure that is told can be tried by hand: what a hidden test asks with is printed in full, so that the printed numbers are the very ones."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

from autograder.kit.values import number
from autograder.notebook.cells import grading, is_test
from tests.assignments import every_notebook, functions_of, sources
from tests.models import failing, holding


def numbers(value: Any) -> Iterator[float]:
    """The numbers in arguments, however deep."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for one in value:
            yield from numbers(one)
    elif isinstance(value, (int, float)):
        yield value


@every_notebook
def test_the_printed_inputs_of_a_failure_are_the_inputs_that_it_had(assignment, notebook):
    asked: list[tuple[str, Any]] = []
    scope = holding(assignment, notebook, {})

    def recorded(name, function):
        def call(*given, **named):
            asked.append((name, copy.deepcopy((given, named))))
            return function(*given, **named)

        return call

    scope |= {name: recorded(name, scope[name]) for name in functions_of(assignment, notebook)}
    assert list(failing(assignment, notebook, scope)) == []
    assert {name for name, _ in asked} == set(functions_of(assignment, notebook))
    inexact = {(name, one) for name, given in asked for one in numbers(given) if float(number(one)) != one}
    assert not inexact, sorted(inexact)[:5]


@every_notebook
def test_each_test_that_compares_fractions_says_why_it_tolerates_what_it_does(assignment, notebook):
    for cell in sources(assignment, notebook).cells:
        if is_test(cell) and re.search(r"isclose|\babs\(|rel_tol|e-\d", cell["source"]):
            assert "# Tolerance: " in cell["source"], grading(cell)["grade_id"]
