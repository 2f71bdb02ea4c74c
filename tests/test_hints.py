"""Hints: three steps for everything that is asked, one attempt apart."""

from __future__ import annotations

import dataclasses
import json

import pytest

from autograder.notebook.cells import grading, strip_solution_marks
from autograder.report.page import write_report
from autograder.report.rows import Row
from autograder.tutor.hints import STEPS, Hints, Tally, count_attempt
from tests.assignments import every_notebook, kit_of, notebooks_of, sources

NOTEBOOKS = {"first": {"answer": {"tests": ["answer_visible", "answer_hidden"], "see": "text"}}, "second": {}}
for step in STEPS:
    NOTEBOOKS["first"]["answer"][step] = f"The {step}."
HINTS = Hints(NOTEBOOKS)


@every_notebook
def test_every_test_cell_has_three_hints_about_an_answer_of_its_notebook(assignment, notebook):
    cells, hints = sources(assignment, notebook).by_grade_id(), kit_of(assignment).hints
    for test in sources(assignment, notebook).auto_points():
        tally, kinds = Tally(), []
        assert grading(cells[hints.answer_cell(notebook, test)])["solution"]
        for number in range(3):
            tally = count_attempt(tally, f"try {number}")
            reply = hints.ask(notebook, test, tally)
            tally = reply.tally
            kinds.append(reply.hint.kind)
            assert reply.hint.step == number + 1
            assert len(reply.text) < 300
        assert tuple(kinds) == STEPS


def test_no_hint_is_about_a_notebook_or_a_cell_that_is_not_there(assignment):
    for notebook, answer, row in kit_of(assignment).hints:
        assert notebook in notebooks_of(assignment)
        cells = sources(assignment, notebook).by_grade_id()
        assert {answer, row["see"], *row["tests"]} <= cells.keys()


@every_notebook
def test_the_second_hint_sends_to_a_text_of_the_notebook_that_has_the_title_it_names(assignment, notebook):
    found = sources(assignment, notebook)
    everything = " ".join(c["source"] for c in found.cells if c["cell_type"] == "markdown").casefold()
    for test in found.auto_points():
        hint = kit_of(assignment).hints.due(notebook, test, Tally(attempts=2, hints=1, attempts_at_hint=1))
        assert found.by_grade_id()[hint.see]["cell_type"] == "markdown"
        for title in hint.text.split('"')[1:-1:2]:
            if title.isidentifier() and title.islower():
                continue  # a key in case["…"]
            assert title.casefold() in everything, f"{notebook}.{test} names {title!r}"


@every_notebook
def test_no_hint_holds_a_line_of_a_solution(assignment, notebook):
    answers = [answer for _, answer in strip_solution_marks(sources(assignment, notebook))]
    lines = {line.strip() for text in answers for line in text.splitlines() if len(line.strip()) > 20}
    for test in sources(assignment, notebook).auto_points():
        for used in range(3):
            text = kit_of(assignment).hints.due(notebook, test, Tally(attempts=9, hints=used)).text
            assert not any(line in text for line in lines)


def test_a_hint_needs_an_attempt_and_the_next_one_another():
    tally = Tally()
    refused = HINTS.ask("first", "answer_hidden", tally)
    assert refused.hint is None and refused.tally == tally and "Try it once first" in refused.text
    tally = count_attempt(tally, "return 1")
    first = HINTS.ask("first", "answer", tally)
    assert (first.hint.step, first.text) == (1, "Hint 1 of 3: The question.")
    again = HINTS.ask("first", "answer", first.tally)
    assert again.hint is None and "once more" in again.text
    tally = count_attempt(first.tally, "return 2")
    assert HINTS.ask("first", "answer", tally).hint.step == 2


def test_many_attempts_do_not_save_up_hints():
    tally = Tally()
    for number in range(10):
        tally = count_attempt(tally, f"return {number}")
    reply = HINTS.ask("first", "answer_hidden", tally)
    assert reply.hint.step == 1
    assert HINTS.ask("first", "answer_hidden", reply.tally).hint is None


def test_checking_the_same_answer_again_is_no_attempt_even_with_other_spaces():
    tally = count_attempt(Tally(), "return a / b\n")
    assert count_attempt(tally, "return  a / b") == tally
    assert count_attempt(tally, "return b / a").attempts == 2


def test_after_three_hints_there_are_no_more():
    reply = HINTS.ask("first", "answer", Tally(attempts=7, hints=3, attempts_at_hint=3))
    assert reply.hint is None and reply.text == "All three hints for this are given."


def test_a_tally_goes_through_json():
    tally = count_attempt(Tally(), "x = 1")
    assert Tally(**json.loads(json.dumps(dataclasses.asdict(tally)))) == tally


def test_an_unknown_cell_or_notebook_names_the_known_ones():
    with pytest.raises(KeyError, match="no hints for 'nope' in first; there are: answer"):
        HINTS.answer_cell("first", "nope")
    with pytest.raises(KeyError, match="there are: first, second"):
        HINTS.answer_cell("nope", "answer")
    with pytest.raises(KeyError, match="this assignment has no hints"):
        Hints().answer_cell("first", "answer")


def progress(notebooks):
    return HINTS.used(json.dumps({"version": 1, "notebooks": notebooks}).encode())


def test_hints_that_were_used_are_counted_from_a_progress_file_that_was_handed_in():
    tally = dataclasses.asdict(Tally(attempts=3, hints=2, attempts_at_hint=2))
    assert progress({"first": {"parts": {"answer": tally, "other": tally}}, "other": 1}) == 2
    assert progress({}) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        {"first": 3},
        {"first": {"parts": {"answer": {"hints": "many"}}}},
        {"first": {"parts": {"answer": {"hints": -5}}}},
        {"first": {"parts": {"answer": {"hints": True}}}},
    ],
)
def test_a_progress_file_with_anything_else_in_it_is_not_known(wrong):
    assert progress(wrong) is None


@pytest.mark.parametrize(
    "raw", [b"", b"\xff", b"[" * 100_000, b"[1]", b'{"notebooks": {"first": {"parts": []}}}']
)
def test_any_bytes_may_be_a_progress_file(raw):
    assert HINTS.used(raw) is None


def test_the_report_shows_the_hints_and_the_total_is_what_it_was(tmp_path):
    marks = {"first": (19.0, 19.0)}
    rows = [Row("s01", marks=marks, hints=4), Row("s02", marks=marks)]
    write_report(rows, tmp_path / "report.html", title="Class")
    text = (tmp_path / "report.html").read_text()
    assert "hints used" in text and '<td class="n">4</td>' in text
    assert rows[0].total == rows[1].total
    write_report(rows[1:], tmp_path / "report.html", title="Class")
    assert "hints used" not in (tmp_path / "report.html").read_text()
