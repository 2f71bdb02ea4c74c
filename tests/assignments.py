"""The assignments that this repository has, for tests that hold for each of them.

A test that takes the argument ``assignment`` runs once for each (see ``tests/conftest.py``); :data:`every_notebook` gives it each notebook of each.
"""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path
from typing import Any

import pytest

from autograder.exam.examine import ExamResult, examine
from autograder.files.source import KIT, data_files
from autograder.kit import Kit, load_kit
from autograder.notebook.assemble import assemble
from autograder.notebook.cells import Notebook, is_test, read_notebook, strip_solution_marks
from autograder.simulate.kinds import Kind, load_kinds, write_submission
from autograder.tutor.owner import Owner

__all__ = [
    "ASSIGNMENTS",
    "RIGHT",
    "every_notebook",
    "examined",
    "functions_of",
    "hand_in",
    "kinds_of",
    "kit_of",
    "notebooks_of",
    "release_of",
    "source_of",
    "sources",
    "wrong_in",
]

ROOT = Path(__file__).resolve().parent.parent
ASSIGNMENTS = sorted(path.parents[1].name for path in (ROOT / "solutions").glob(f"*/{KIT}/kit.toml"))
RIGHT = Kind("right", "the right answers")


def source_of(assignment: str) -> Path:
    """The folder of its source notebooks."""
    return ROOT / "solutions" / assignment


def release_of(assignment: str) -> Path:
    """The folder of its released notebooks."""
    return ROOT / "assignments" / assignment


def notebooks_of(assignment: str) -> list[str]:
    """Their names, in order."""
    return sorted(path.stem for path in source_of(assignment).glob("*.ipynb"))


every_notebook = pytest.mark.parametrize(
    ("assignment", "notebook"),
    [
        pytest.param(assignment, notebook, id=f"{assignment}-{notebook}")
        for assignment in ASSIGNMENTS
        for notebook in notebooks_of(assignment)
    ],
)


@functools.cache
def sources(assignment: str, notebook: str) -> Notebook:
    """A source notebook; nobody may change it."""
    return read_notebook(source_of(assignment) / f"{notebook}.ipynb")


def kit_of(assignment: str) -> Kit:
    """What the grader knows of it."""
    return load_kit(source_of(assignment))


def kinds_of(assignment: str) -> dict[str, Kind]:
    """The kinds of simulated submissions, by name."""
    return load_kinds(source_of(assignment))


@functools.cache
def functions_of(assignment: str, notebook: str) -> dict[str, str]:
    """The functions that a notebook asks for, its tests name and the lesson has, in its order; by each the answer cell that defines it."""
    tests = "\n".join(cell["source"] for cell in sources(assignment, notebook).cells if is_test(cell))
    tutor = kit_of(assignment).tutor
    known = sources(assignment, notebook).by_grade_id()
    return {
        node.name: grade_id
        for grade_id, answer in strip_solution_marks(sources(assignment, notebook))
        if known[grade_id]["cell_type"] == "code"
        for node in ast.parse(answer).body
        if isinstance(node, ast.FunctionDef) and re.search(rf"\b{node.name}\(", tests)
        if tutor is not None and node.name in tutor.lesson
    }


def wrong_in(assignment: str) -> dict[str, Kind]:
    """For each notebook a kind of submission that gets messages in it: some of its answers are wrong."""
    slow = kit_of(assignment).slow
    found: dict[str, Kind] = {}
    for kind in kinds_of(assignment).values():
        if isinstance(kind.lost, str) or kind.name in slow:
            continue
        for notebook, lost in kind.lost.items():
            if (
                notebook in kind.cells
                and "student" not in kind.cells[notebook]
                and lost
                and notebook not in found
            ):
                found[notebook] = kind
    return {notebook: found[notebook] for notebook in notebooks_of(assignment) if notebook in found}


def hand_in(assignment: str, kind: Kind, folder: Path) -> Path:
    """Write what a student of this *kind* hands in into *folder*, made from the committed release; returns it."""
    write_submission(kind, source_of(assignment), release_of(assignment), folder)
    return folder


def examined(assignment: str, path: Path, **more: Any) -> ExamResult:
    """What the examiner says about the notebook at *path*, with what is known of its assignment; see ``examine``."""
    source = source_of(assignment)
    usual = {"files": data_files(source), "owner": Owner(path.stem), "kit": kit_of(assignment)}
    more = usual | {"source": source} | more
    return examine(assemble(source / path.name, path), **more)
