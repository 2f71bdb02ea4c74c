"""What is done, tried and next in all notebooks of a folder: by what checks have seen, and by nothing else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.cli import main
from autograder.notebook.cells import grading, read_notebook
from autograder.selfstudy.changes import LastCheck
from autograder.selfstudy.overview import stages
from autograder.selfstudy.parts import parts_of, untried_answers
from autograder.selfstudy.progress import NotebookProgress, open_progress
from autograder.tutor.hints import PROGRESS_FILE, Tally
from tests.assignments import every_notebook, kit_of, notebooks_of, release_of, source_of, sources


@every_notebook
def test_the_parts_of_a_notebook_are_its_answers_and_have_all_its_tests(assignment, notebook):
    found, kit = parts_of(sources(assignment, notebook)), kit_of(assignment)
    points = {name: most for part in found for name, most in part.tests.items()}
    assert points == sources(assignment, notebook).auto_points()
    assert {part.name: part.written for part in found if part.written} == sources(
        assignment, notebook
    ).manual_points()
    for part in found:
        assert {kit.hints.answer_cell(notebook, test) for test in part.tests} <= {part.name}


@every_notebook
@given(data=st.data())
def test_an_answer_is_untried_if_and_only_if_it_is_as_it_was_handed_out(assignment, notebook, exam_of, data):
    """By a source with its solutions as by an exam without them."""
    name = f"{notebook}.ipynb"
    answers = [
        key for key, cell in sources(assignment, notebook).by_grade_id().items() if grading(cell)["solution"]
    ]
    written = data.draw(st.sets(st.sampled_from(answers)))
    work = read_notebook(release_of(assignment) / name)
    for key in written:
        work.by_grade_id()[key]["source"] = data.draw(
            st.sampled_from(["x = 1", "def f():\n    return 2", "words"])
        )
    for key in set(answers) - written:
        work.by_grade_id()[key]["source"] += data.draw(st.sampled_from(["", "\n", "  "]))
    for exam in (sources(assignment, notebook), read_notebook(exam_of(assignment) / name)):
        assert untried_answers(exam, work) == set(answers) - written
        solved = read_notebook(source_of(assignment) / name)
        assert untried_answers(exam, solved) == set()


def said(capsys) -> str:
    return capsys.readouterr().out


def test_before_the_first_check_nothing_is_done_and_the_first_part_is_next(assignment, tmp_path, capsys):
    nowhere = str(tmp_path / "none.json")
    assert main(["progress", str(release_of(assignment)), "--progress", nowhere]) == 1
    text = said(capsys)
    first = notebooks_of(assignment)[0]
    assert text.startswith(f"{assignment}: 0 of {len(notebooks_of(assignment))} notebooks done")
    assert f"next: {parts_of(sources(assignment, first))[0].name} in {first}\n" in text
    assert not (tmp_path / "none.json").exists()


def kept_with(assignment: str, hidden: bool, full: set[str], tried: set[str]) -> dict[str, NotebookProgress]:
    """What is remembered when the tests of the parts *full* had full marks and those of *tried* were tried."""
    made = {}
    for notebook in notebooks_of(assignment):
        found, mine = parts_of(sources(assignment, notebook)), NotebookProgress()
        scores = {
            name: most if part.name in full else 0.0 for part in found for name, most in part.tests.items()
        }
        if hidden:
            mine.best, mine.maximum, mine.best_score = scores, sum(sum(p.tests.values()) for p in found), 1.0
        mine.last = LastCheck(hidden, scores)
        mine.parts = {part.name: Tally(attempts=1) for part in found if part.name in tried}
        made[notebook] = mine
    return made


@pytest.mark.parametrize("hidden", [True, False])
@given(data=st.data())
def test_a_part_is_done_when_all_its_tests_have_had_full_marks_and_tried_when_it_was_changed(
    assignment, hidden, data
):
    names = [part.name for n in notebooks_of(assignment) for part in parts_of(sources(assignment, n))]
    full, tried = (data.draw(st.sets(st.sampled_from(names))) for _ in range(2))
    found = stages(release_of(assignment), kept_with(assignment, hidden, full, tried))
    for stage in found:
        written = {part.name for part in parts_of(sources(assignment, stage.name)) if not part.tests}
        for part in stage.parts:
            done = part.name in (tried if part.name in written else full)
            expected = "done" if done else "tried" if part.name in tried else "not tried"
            assert part.state == expected
        states = {part.state for part in stage.parts}
        assert stage.state == (states.pop() if len(states) == 1 else "tried")


def test_what_is_done_counts_in_the_text_the_json_and_the_exit_status(assignment, tmp_path, capsys):
    names = {part.name for n in notebooks_of(assignment) for part in parts_of(sources(assignment, n))}
    file = tmp_path / PROGRESS_FILE
    with open_progress(file) as (progress, _):
        progress.notebooks = kept_with(assignment, True, names, names)
    command = ["progress", str(release_of(assignment)), "--progress", str(file)]
    assert main(command) == 0
    text, count = said(capsys), len(notebooks_of(assignment))
    assert f"{count} of {count} notebooks done" in text and "next: nothing is left" in text
    assert main([*command, "--json"]) == 0
    told = json.loads(said(capsys))["notebooks"]
    assert [one["notebook"] for one in told] == notebooks_of(assignment)
    assert {state for one in told for state in one["parts"].values()} == {"done"}


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"{bad", "progress.json cannot be read"), (b'{"version": 9}', "has version 9, this program knows 1")],
)
def test_a_progress_file_that_cannot_be_read_is_named_and_left_alone(tmp_path, capsys, content, says):
    file = tmp_path / "progress.json"
    file.write_bytes(content)
    assert main(["progress", str(release_of("quantization")), "--progress", str(file)]) == 2
    assert says in capsys.readouterr().err
    assert file.read_bytes() == content and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("content", [None, "{", '{"cells": []}'])
def test_a_folder_without_a_notebook_that_asks_something_is_named(tmp_path, capsys, content):
    if content is not None:
        (tmp_path / "a.ipynb").write_text(content)
    assert main(["progress", str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err
