"""Whatever was done to a notebook file, what is graded has every graded cell once, with the source's tests and metadata."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.notebook.assemble import PROBLEM, assemble
from autograder.notebook.cells import Notebook, grading, read_notebook
from tests.attack_cases import RELEASE, SOURCE

TEMPLATE = read_notebook(SOURCE)
TESTS = {
    key: cell["source"]
    for key, cell in TEMPLATE.by_grade_id().items()
    if grading(cell)["grade"] and not grading(cell)["solution"]
}
RELEASED = json.loads(RELEASE.read_text("utf-8"))


def is_sound(made: Notebook) -> bool:
    """Every cell of the source is there once with its metadata, locked ones with its text; and nbformat agrees that it is a notebook."""
    nbformat.validate(nbformat.from_dict(made.content))
    ids = [grading(cell)["grade_id"] for cell in made.cells if grading(cell)]
    assert sorted(ids) == sorted(TEMPLATE.by_grade_id())
    for key, cell in made.by_grade_id().items():
        original = TEMPLATE.by_grade_id()[key]
        assert cell["metadata"] == original["metadata"] and cell["cell_type"] == original["cell_type"]
        assert cell["source"] == original["source"] or not grading(original)["locked"]
    return True


json_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=10),
        st.sampled_from(sorted(TESTS)),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(
                [
                    "cells",
                    "cell_type",
                    "source",
                    "metadata",
                    "nbgrader",
                    "grade_id",
                    "worksheets",
                    "input",
                    "attachments",
                    "x",
                ]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=15,
)


def edit(draw, content: dict) -> None:
    """One thing that a program or a cheater may do to the JSON of a notebook."""
    cells = content["cells"]
    at = draw(st.integers(0, max(0, len(cells) - 1)))
    what = draw(
        st.sampled_from(
            ["delete", "copy", "move", "retype", "rename", "metadata", "source", "key", "value", "nbgrader"]
        )
    )
    if not cells:
        return
    cell = cells[at] if isinstance(cells[at], dict) else {}
    grade = cell.get("metadata", {})
    grade = grade.get("nbgrader") if isinstance(grade, dict) else None
    if what == "delete":
        del cells[at]
    elif what == "copy":
        cells.insert(draw(st.integers(0, len(cells))), copy.deepcopy(cells[at]))
    elif what == "move":
        cells.insert(draw(st.integers(0, len(cells) - 1)), cells.pop(at))
    elif what == "retype":
        cell["cell_type"] = draw(st.sampled_from(["code", "markdown", "raw", "heading", 7, None]))
    elif what == "rename" and isinstance(grade, dict):
        grade["grade_id"] = draw(st.one_of(st.sampled_from(sorted(TEMPLATE.by_grade_id())), json_values))
    elif what == "nbgrader" and isinstance(grade, dict):
        grade[
            draw(st.sampled_from(["points", "grade", "solution", "locked", "schema_version", "checksum"]))
        ] = draw(json_values)
    elif what == "metadata":
        cell["metadata"] = draw(json_values)
    elif what == "source":
        cell["source"] = draw(json_values)
    elif what == "key" and cell:
        del cell[draw(st.sampled_from(sorted(cell)))]
    elif what == "value":
        cells[at] = draw(json_values)


@st.composite
def edited_notebooks(draw):
    content = copy.deepcopy(RELEASED)
    for _ in range(draw(st.integers(0, 8))):
        edit(draw, content)
    return content


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=edited_notebooks())
def test_a_notebook_edited_in_any_way_is_graded_in_the_form_of_its_source(content, tmp_path):
    path = tmp_path / "n.ipynb"
    path.write_text(json.dumps(content), "utf-8", errors="surrogatepass")
    made = assemble(SOURCE, path)
    assert is_sound(made) and PROBLEM not in made.content["metadata"]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=json_values)
def test_any_json_is_a_notebook_or_a_problem_that_is_named(content, tmp_path):
    path = tmp_path / "n.ipynb"
    path.write_text(json.dumps(content), "utf-8", errors="surrogatepass")
    assert is_sound(assemble(SOURCE, path))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_with_changed_bytes_is_a_notebook_or_a_problem_that_is_named(data, tmp_path):
    raw = bytearray(RELEASE.read_bytes())
    for _ in range(data.draw(st.integers(0, 5))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 50))] = data.draw(st.binary(max_size=5))
    path = tmp_path / "n.ipynb"
    path.write_bytes(bytes(raw))
    assert is_sound(assemble(SOURCE, path))


def link(path: Path) -> None:
    path.symlink_to(SOURCE)


def make_large(path: Path) -> None:
    path.touch()
    os.truncate(path, (64 << 20) + 1)


UNREADABLE = {
    "the file is empty": lambda path: path.write_bytes(b" \n"),
    "the file is not text": lambda path: path.write_bytes(b"\x89PNG\xff\xfe"),
    "it is not JSON": lambda path: path.write_text('{"cells": ['),
    "it is JSON, but no notebook": lambda path: path.write_text("[1, 2]"),
    "it is JSON, but no notebook: it has no cells": lambda path: path.write_text('{"cells": 3}'),
    "its JSON is nested too deeply": lambda path: path.write_text("[" * 200_000),
    "it was not handed in": lambda path: None,
    "it is a symbolic link, not a file": link,
    "it is larger than 64 MB": make_large,
}


@pytest.mark.parametrize("problem", UNREADABLE)
def test_a_file_that_cannot_be_read_says_why(problem, tmp_path):
    path = tmp_path / "n.ipynb"
    UNREADABLE[problem](path)
    made = assemble(SOURCE, path)
    assert is_sound(made)
    assert made.content["metadata"][PROBLEM].startswith(problem)
