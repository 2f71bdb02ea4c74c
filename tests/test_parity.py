"""Edited right notebooks in a real kernel, with stock nbgrader's own steps, and in the examiner: no mark is lower here."""

from __future__ import annotations

import json
import logging
import tempfile
from typing import Any

import pytest
from hypothesis import given, settings
from nbformat import from_dict
from nbformat.v4 import new_notebook, writes
from nbgrader.preprocessors import ClearOutput, DeduplicateIds, Execute, OverwriteCells, OverwriteKernelspec
from nbgrader.utils import determine_grade
from traitlets.config import Config

from autograder.exam.examine import examine
from autograder.files.source import data_files
from autograder.nbgrader_compat.course import Course
from autograder.notebook.assemble import assemble
from autograder.tutor.owner import Owner
from tests.edits import TESTS, edited, whole
from tests.pace import HANG
from tests.thorough import THOROUGH

CONFIG = """
from pathlib import Path

c = get_config()
c.CourseDirectory.root = str(Path(__file__).resolve().parent)
"""
PATIENT = dict(startup_timeout=HANG, iopub_timeout=HANG, timeout=HANG, shutdown_kernel="immediate")
Marks = dict[str, float]


class Both:
    """The course of a small source notebook, and both ways to grade a notebook of it."""

    def __init__(self, folder: Any) -> None:
        self.source = folder / "source" / "circles" / "circles.ipynb"
        self.source.parent.mkdir(parents=True)
        (folder / "nbgrader_config.py").write_text(CONFIG)
        self.source.write_text(writes(new_notebook(cells=whole())))
        course = Course(folder, "circles")
        course.generate_assignment()
        self._where = {"notebook": "circles", "assignment": "circles", "db_url": course.db_url}

    def in_a_kernel(self, cells: list[dict[str, Any]]) -> Marks:
        """The marks that stock nbgrader gives."""
        notebook = from_dict(self._content(cells))
        with tempfile.TemporaryDirectory() as folder:
            resources = {"nbgrader": self._where, "metadata": {"path": folder}}
            for step in (ClearOutput, DeduplicateIds, OverwriteKernelspec, OverwriteCells, Execute):
                notebook, resources = step(config=Config(ExecutePreprocessor=PATIENT)).preprocess(
                    notebook, resources
                )
        tests = [one for one in notebook.cells if one.metadata.get("nbgrader", {}).get("grade_id") in TESTS]
        marks = {
            one.metadata.nbgrader.grade_id: determine_grade(one, logging.getLogger("stock"))[0]
            for one in tests
        }
        return {key: mark for key, mark in marks.items() if mark is not None}

    def in_the_examiner(self, cells: list[dict[str, Any]]) -> Marks:
        made = assemble(self.source, json.dumps(self._content(cells)).encode())
        folder = self.source.parent
        result = examine(made, files=data_files(folder), owner=Owner("circles"), source=folder)
        return {key: verdict.score for key, verdict in result.verdicts.items()}

    @staticmethod
    def _content(cells: list[dict[str, Any]]) -> dict[str, Any]:
        return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    return Both(tmp_path_factory.mktemp("course"))


def test_no_edited_notebook_has_a_lower_mark_than_in_a_kernel(both):
    drawn: list[list[dict[str, Any]]] = []
    settings(max_examples=2_000 if THOROUGH else 300)(
        given(edited(True))(lambda cells: drawn.append(cells))
    )()
    full = 0
    for cells in drawn:
        there, here = both.in_a_kernel(cells), both.in_the_examiner(cells)
        lower = {key: mark for key, mark in there.items() if here.get(key, 0.0) < mark}
        assert not lower, (lower, [(one["cell_type"], one["source"]) for one in cells])
        full += sum(there.values()) == len(TESTS)
    assert full > len(drawn) / 5
