"""Wherever a student writes a text, and whatever happens to the cells: it is in an answer that a person reads, or each empty answer is a person's to mark."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, writes

from autograder.notebook.assemble import TRIAGE, assemble
from autograder.notebook.cells import Notebook
from tests.small import cell
from tests.test_triage import MEAN, STUB, markdown, source_cells
from tests.thorough import THOROUGH

BY_HAND = ("why", "when", "how")
WORDS = st.lists(st.text("abcdefghijklmnopqrstuvwxyzäßéжд", min_size=2, max_size=9), min_size=5, max_size=9)
sentences = WORDS.map(lambda words: " ".join(["Indeed", *words]))


def cells() -> list[dict[str, Any]]:
    """The source with three written answers, as JSON; the code is answered and the rest is as it was handed out."""
    made = [*source_cells(), markdown("how", "Slowly.", 2)]
    made[1].source = MEAN
    for one in made[3:]:
        one.source = STUB
    found: list[dict[str, Any]] = json.loads(writes(new_notebook(cells=made)))["cells"]
    return [one | {"source": "".join(one["source"])} for one in found]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("source") / "1_mean.ipynb"
    path.write_text(writes(new_notebook(cells=[*source_cells(), markdown("how", "Slowly.", 2)])))
    return path


def graded(source: Any, submitted: list[dict[str, Any]]) -> Notebook:
    return assemble(source, json.dumps({"cells": submitted, "metadata": {}, "nbformat": 4}).encode())


def flagged(made: Notebook) -> set[str]:
    """The answers that a person is asked for because of a text elsewhere."""
    items = made.content["metadata"].get(TRIAGE, [])
    return {key for item in items if item["reason"] == "unread" for key in item["cells"]}


IN_TEXT = ("{}", "- {}", "> {}", "| {} |", "**{}**", "<p>{}</p>", "```\n{}\n```", "$x$ {}")
IN_CODE = ("# {}", "'{}'", "print('{}')", "x = 1  # {}", "f'{}'", "def f():\n    '''{}'''")
IN_NEW_CODE = (*IN_CODE, "{}", "%%markdown\n{}", "x = (\n# {}")


@st.composite
def placed(draw: st.DrawFn) -> tuple[str, list[dict[str, Any]]]:
    """A sentence, and a notebook in which it stands somewhere."""
    said, found = draw(sentences), cells()
    if draw(st.booleans()):
        kind = draw(st.sampled_from(["code", "markdown", "raw"]))
        text = draw(st.sampled_from(IN_NEW_CODE if kind == "code" else IN_TEXT)).replace("{}", said)
        new = (new_code_cell if kind == "code" else new_markdown_cell)(text)
        found.insert(draw(st.integers(0, len(found))), dict(new) | {"cell_type": kind})
    else:
        at = draw(st.integers(0, len(found) - 1))
        form = draw(st.sampled_from(IN_CODE if found[at]["cell_type"] == "code" else IN_TEXT))
        found[at]["source"] = f"{found[at]['source']}\n\n{form.replace('{}', said)}"
    for edit in draw(
        st.lists(st.sampled_from(["copy", "move", "lose id", "retype", "stub below"]), max_size=4)
    ):
        at, to = (draw(st.integers(0, len(found) - 1)) for _ in range(2))
        if edit == "copy":
            found.insert(to, copy.deepcopy(found[at]))
        elif edit == "move":
            found.insert(to, found.pop(at))
        elif edit == "lose id":
            found[at]["metadata"] = {}
        elif edit == "retype":
            found[at]["cell_type"] = draw(st.sampled_from(["code", "markdown", "raw"]))
        else:
            found.append(copy.deepcopy(draw(st.sampled_from(cells()[3:]))))
    return said, found


@settings(max_examples=5_000 if THOROUGH else 400)
@given(placed())
def test_no_text_of_a_student_s_is_without_a_reader(source, written):
    said, submitted = written
    made = graded(source, submitted)
    answers = {key: made.by_grade_id()[key]["source"] for key in BY_HAND}
    if not any(said in text for text in answers.values()):
        empty = {key for key, text in answers.items() if text.strip() in ("", STUB)}
        assert empty and empty == flagged(made)


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.sampled_from(["copy", "move", "lose id"]), st.integers(0, 5), st.integers(0, 5)))
)
def test_cells_as_they_were_handed_out_ask_nobody_wherever_they_stand(source, edits):
    found = cells()
    for edit, at, to in edits:
        if edit == "copy":
            found.insert(to, copy.deepcopy(found[at]))
        elif edit == "move":
            found.insert(to, found.pop(at))
        else:
            found[at]["metadata"] = {}
    assert not flagged(graded(source, found))


def test_an_answer_in_code_that_a_person_marks_is_looked_for_in_cells_of_code(tmp_path):
    path = tmp_path / "n.ipynb"
    by_hand = cell("draw", "plot(1)", 3, solution=True)
    path.write_text(writes(new_notebook(cells=[by_hand])))
    empty = json.loads(writes(new_notebook(cells=[by_hand])))["cells"][0] | {
        "source": "# YOUR CODE HERE\nraise NotImplementedError()"
    }
    assert flagged(graded(path, [empty])) == set()
    assert flagged(graded(path, [empty, dict(new_code_cell("plot(2)"))])) == {"draw"}


@pytest.mark.parametrize("kind", ["code", "markdown", "raw"])
@pytest.mark.parametrize(
    "text",
    ["(" * 40_000, "-" * 45_000 + "x", "mean " * 300_000, "x" + ".y" * 20_000, "[" * 150, "```\n" * 9_000],
)
def test_no_cell_is_so_odd_that_looking_at_it_costs_the_notebook_its_marks(source, text, kind):
    made = graded(source, [*cells()[:1], *cells()[2:], dict(new_markdown_cell(text)) | {"cell_type": kind}])
    assert made.by_grade_id().keys() >= {"mean", *BY_HAND}
