"""Hints: three steps for everything that is asked, one attempt apart."""

from __future__ import annotations

import dataclasses
import json

import pytest

from autograder.notebook.cells import grading, read_notebook, strip_solution_marks
from autograder.pages.report import Row, write_report
from autograder.tutor.hints import STEPS, Tally, answer_cell, ask_hint, count_attempt, hints_used, next_hint

NOTEBOOKS = ["0_self_check", "1_predict", "2_crossover", "3_frontier"]


@pytest.fixture(params=NOTEBOOKS)
def source(request, root):
    return request.param, read_notebook(root / "solutions" / "quantization" / f"{request.param}.ipynb")


def test_every_test_cell_has_three_hints_about_an_answer_of_its_notebook(source):
    name, notebook = source
    cells = notebook.by_grade_id()
    for test in notebook.auto_points():
        tally, kinds = Tally(), []
        assert grading(cells[answer_cell(name, test)])["solution"]
        for number in range(3):
            tally = count_attempt(tally, f"try {number}")
            reply = ask_hint(name, test, tally)
            tally = reply.tally
            kinds.append(reply.hint.kind)
            assert reply.hint.step == number + 1
            assert len(reply.text) < 300
        assert tuple(kinds) == STEPS


def test_the_second_hint_sends_to_a_text_of_the_notebook_that_has_the_title_it_names(source):
    name, notebook = source
    cells = notebook.by_grade_id()
    for test in notebook.auto_points():
        hint = next_hint(name, test, Tally(attempts=2, hints=1, attempts_at_hint=1))
        assert cells[hint.see]["cell_type"] == "markdown"
        everything = " ".join(c["source"] for c in notebook.cells if c["cell_type"] == "markdown")
        for title in hint.text.split('"')[1:-1:2]:
            if title.isidentifier() and title.islower():
                continue  # a key in case["…"]
            assert title.casefold() in everything.casefold(), f"{name}.{test} names {title!r}"


def test_no_hint_holds_a_line_of_a_solution(source):
    name, notebook = source
    lines = {
        line.strip()
        for _, answer in strip_solution_marks(notebook)
        for line in answer.splitlines()
        if len(line.strip()) > 20
    }
    for test in notebook.auto_points():
        for used in range(3):
            text = next_hint(name, test, Tally(attempts=9, hints=used)).text
            assert not any(line in text for line in lines)


def test_a_hint_needs_an_attempt_and_the_next_one_another():
    tally = Tally()
    refused = ask_hint("1_predict", "itl", tally)
    assert refused.hint is None and refused.tally == tally and "Try it once first" in refused.text
    tally = count_attempt(tally, "return 1")
    first = ask_hint("1_predict", "itl", tally)
    assert first.hint.step == 1
    again = ask_hint("1_predict", "itl", first.tally)
    assert again.hint is None and "once more" in again.text
    tally = count_attempt(first.tally, "return 2")
    assert ask_hint("1_predict", "itl", tally).hint.step == 2


def test_many_attempts_do_not_save_up_hints():
    tally = Tally()
    for number in range(10):
        tally = count_attempt(tally, f"return {number}")
    reply = ask_hint("0_self_check", "regime_hidden", tally)
    assert reply.hint.step == 1
    assert ask_hint("0_self_check", "regime_hidden", reply.tally).hint is None


def test_checking_the_same_answer_again_is_no_attempt_even_with_other_spaces():
    tally = count_attempt(Tally(), "return a / b\n")
    assert count_attempt(tally, "return  a / b") == tally
    assert count_attempt(tally, "return b / a").attempts == 2


def test_after_three_hints_there_are_no_more():
    reply = ask_hint("3_frontier", "measure", Tally(attempts=7, hints=3, attempts_at_hint=3))
    assert reply.hint is None and reply.text == "All three hints for this are given."


def test_a_tally_goes_through_json():
    tally = count_attempt(Tally(), "x = 1")
    assert Tally(**json.loads(json.dumps(dataclasses.asdict(tally)))) == tally


def test_an_unknown_cell_or_notebook_names_the_known_ones():
    with pytest.raises(KeyError, match="ridge_point, attainable"):
        answer_cell("0_self_check", "nope")
    with pytest.raises(KeyError, match="0_self_check, 1_predict"):
        answer_cell("nope", "itl")


def progress(notebooks):
    return hints_used(json.dumps({"version": 1, "notebooks": notebooks}).encode())


def test_hints_that_were_used_are_counted_from_a_progress_file_that_was_handed_in():
    tally = dataclasses.asdict(Tally(attempts=3, hints=2, attempts_at_hint=2))
    assert progress({"1_predict": {"parts": {"itl": tally, "speedup": tally}}, "other": 1}) == 4


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        {"1_predict": 3},
        {"1_predict": {"parts": {"itl": {"hints": "many"}}}},
        {"1_predict": {"parts": {"itl": {"hints": -5}}}},
    ],
)
def test_a_progress_file_with_anything_else_in_it_is_not_known(wrong):
    assert progress(wrong) is None


@pytest.mark.parametrize(
    "raw", [b"", b"\xff", b"[" * 100_000, b"[1]", b'{"notebooks": {"1_predict": {"parts": []}}}']
)
def test_any_bytes_may_be_a_progress_file(raw):
    assert hints_used(raw) is None


def test_the_report_shows_the_hints_and_the_total_is_what_it_was(tmp_path):
    marks = {"1_predict": (19.0, 19.0)}
    rows = [Row("s01", marks=marks, hints=4), Row("s02", marks=marks)]
    write_report(rows, tmp_path / "report.html", title="Class")
    text = (tmp_path / "report.html").read_text()
    assert "hints used" in text and '<td class="n">4</td>' in text
    assert rows[0].total == rows[1].total
    write_report(rows[1:], tmp_path / "report.html", title="Class")
    assert "hints used" not in (tmp_path / "report.html").read_text()
