"""Functions of a notebook as students have them: right ones, and ones in which a wrong model is held."""

from __future__ import annotations

import copy
import functools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from autograder.exam.hypothesis_compat import fixed_draws
from autograder.notebook.cells import grading, is_test, strip_solution_marks
from autograder.tutor.diagnosis import Diagnosis
from autograder.tutor.misconceptions import Misconception
from autograder.tutor.trial import Unanswered
from autograder.tutor.tutor import Tutor
from tests.assignments import functions_of, kit_of, notebooks_of, source_of, sources
from tests.casebooks import cases_of

__all__ = ["answers_only", "diagnosis", "failing", "held_by", "holding", "own_tests", "solution", "tutor_of"]

Scope = dict[str, Any]


def tutor_of(assignment: str) -> Tutor:
    """What explains its wrong answers."""
    tutor = kit_of(assignment).tutor
    assert tutor is not None, f"{source_of(assignment)} has no lesson"
    return tutor


def answers_only(assignment: str) -> dict[str, Misconception]:
    """Those of its misconceptions that are about answers and about no function that a notebook asks for."""
    bank = tutor_of(assignment).bank
    return {name: one for name, one in bank.items() if any(f.startswith("answers_") for f in one.functions)}


def solution(assignment: str, notebook: str, cells: Mapping[str, str] | None = None) -> Scope:
    """What a student of a notebook has defined who answers as the source does, but for *cells*."""
    return dict(_run(assignment, notebook, tuple(sorted((cells or {}).items()))))


@functools.lru_cache(maxsize=64)
def _run(assignment: str, notebook: str, cells: tuple[tuple[str, str], ...]) -> Scope:
    source = sources(assignment, notebook)
    answers = dict(strip_solution_marks(source)) | dict(cells)
    wanted = {*functions_of(assignment, notebook).values(), *dict(cells)}
    scope: Scope = {
        "case": cases_of(assignment).case(notebook),
        "student_id": "",
        "cases": cases_of(assignment),
    }
    for cell in source.cells:
        key = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
        if cell["cell_type"] == "code" and not is_test(cell) and key == "setup":
            lines = [line for line in cell["source"].splitlines() if line.startswith(("import ", "from "))]
            beside = {path.stem for path in source_of(assignment).glob("*.py")}
            exec("\n".join(line for line in lines if line.split()[1] not in beside), scope)
        elif cell["cell_type"] == "code" and key in wanted:
            exec(answers[key], scope)
    return scope


def diagnosis(assignment: str, scope: Scope, notebook: str) -> Diagnosis:
    """What the tutor finds about the functions in *scope*."""

    def ask(name: str, arguments: tuple[Any, ...]) -> Any:
        try:
            with np.errstate(all="ignore"):
                return scope[name](*copy.deepcopy(arguments))
        except Exception:
            raise Unanswered from None

    return Diagnosis(tutor_of(assignment), functions_of(assignment, notebook), ask)


def holding(assignment: str, notebook: str, wrong: Mapping[str, Callable[..., Any]]) -> Scope:
    """The right functions, but for some that are *wrong*; those that build on them use the wrong ones."""
    scope = solution(assignment, notebook)
    for name in functions_of(assignment, notebook):
        function = scope[name]
        if function.__closure__ is None:
            scope[name] = type(function)(function.__code__, scope, name, function.__defaults__)
    scope.update(wrong)  # in place: the functions look their helpers up in it
    return scope


def held_by(assignment: str, one: Misconception) -> tuple[str, str]:
    """(notebook, function) where a misconception shows first: the function that it changes, or else the first that builds on it."""
    lesson = tutor_of(assignment).lesson
    for direct in (True, False):
        for notebook in notebooks_of(assignment):
            for function in functions_of(assignment, notebook):
                reach = {function} if direct else {function, *lesson.builds_on(function)}
                if one.functions & reach:
                    return notebook, function
    raise AssertionError(f"{one.name} shows in no function that a notebook asks for")


def failing(assignment: str, notebook: str, scope: Scope) -> Iterator[str]:
    """The test cells about functions that fail with the functions in *scope*."""
    for cell in filter(is_test, sources(assignment, notebook).cells):
        asked = [f for f in functions_of(assignment, notebook) if re.search(rf"\b{f}\(", cell["source"])]
        if not asked or "student_id" in cell["source"]:
            continue
        try:
            with fixed_draws():
                exec(compile(cell["source"], grading(cell)["grade_id"], "exec"), copy.copy(scope))
        except Exception:
            yield grading(cell)["grade_id"]


def own_tests(assignment: str, notebook: str, answer: str) -> list[str]:
    """The test cells between an answer and the next one."""
    found, inside = [], False
    for one in sources(assignment, notebook).cells:
        if grading(one).get("solution"):
            inside = grading(one)["grade_id"] == answer
        elif inside and is_test(one):
            found.append(grading(one)["grade_id"])
    return found
