"""A case for each student id: the same everywhere, and another one for each. Whether it is fair is for each assignment's own suite to say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mlsysim
from tests.assignments import every_notebook, notebooks_of, source_of
from tests.casebooks import cases_of
from tests.models import tutor_of

IDS = [f"{prefix}{number}" for prefix in ("s", "student-", "20260", "u_") for number in range(50)]


@every_notebook
def test_two_students_seldom_have_the_same_case_and_nobody_has_the_published_one(assignment, notebook):
    case_of = cases_of(assignment).case
    counts = Counter(json.dumps(case_of(notebook, student), sort_keys=True) for student in IDS)
    alike = sum(n * (n - 1) for n in counts.values()) / (len(IDS) * (len(IDS) - 1))
    assert alike < 0.01
    assert counts[json.dumps(case_of(notebook), sort_keys=True)] == 0


@every_notebook
def test_two_students_seldom_have_the_same_answers(assignment, notebook):
    lesson = tutor_of(assignment).lesson
    counts = Counter(repr(lesson.answers(notebook, student)) for student in IDS[:60])
    assert counts.most_common(1)[0][1] <= 6


@every_notebook
def test_a_case_has_the_entries_of_the_published_one_and_is_plain_data(assignment, notebook):
    case_of = cases_of(assignment).case
    assert case_of(notebook, "s01").keys() == case_of(notebook).keys()
    assert json.loads(json.dumps(case_of(notebook, "s01"))) == case_of(notebook, "s01")


def test_a_case_is_the_same_in_every_process(assignment):
    case_of, notebooks = cases_of(assignment).case, notebooks_of(assignment)
    code = f"from cases import case; print([case(notebook, 's01') for notebook in {notebooks}])"
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=source_of(assignment),
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert said == {f"{[case_of(notebook, 's01') for notebook in notebooks]}\n"}


@pytest.mark.parametrize("nobody", [None, "", "  "])
@every_notebook
def test_without_an_id_it_is_the_published_case(assignment, notebook, nobody):
    case_of = cases_of(assignment).case
    assert case_of(notebook, nobody) == case_of(notebook)


@every_notebook
@settings(max_examples=25)
@given(student=st.text(min_size=1, max_size=200))
def test_any_text_is_an_id_and_space_and_capitals_do_not_matter(assignment, notebook, student):
    case_of = cases_of(assignment).case
    assert case_of(notebook, student) == case_of(notebook, f"  {student}\n")


@pytest.mark.parametrize("wrong", [1.5, True, ["s01"], b"s01", "x" * 201])
def test_what_is_no_id_is_refused_by_name(assignment, wrong):
    with pytest.raises(mlsysim.InputError, match=r"student = .* is not allowed"):
        cases_of(assignment).case(notebooks_of(assignment)[0], wrong)


@every_notebook
def test_what_a_student_does_to_a_case_does_not_last(assignment, notebook):
    case_of = cases_of(assignment).case
    before = repr(case_of(notebook, "s01"))
    changed = case_of(notebook, "s01")
    for value in changed.values():
        if isinstance(value, (dict, list)):
            value.clear()
    changed.clear()
    assert repr(case_of(notebook, "s01")) == before
