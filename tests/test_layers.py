"""Layers point one way."""

from __future__ import annotations

import ast

import pytest

from autograder.notebooks import read_notebook

MAY_USE = {
    "mlsysim": {"mlsysim"},
    "autograder/tutor": {"mlsysim", "autograder.tutor"},
    "autograder/examiner": {"mlsysim", "autograder.tutor", "autograder.examiner", "autograder.notebooks"},
}
KIT = ("mlsysim", "autograder")


def imported(text: str) -> set[str]:
    """Full names of what of the kit a text imports."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name for name in found if name.split(".")[0] in KIT and name != "autograder"}


@pytest.mark.parametrize("folder", MAY_USE)
def test_a_layer_knows_only_those_below_it(root, folder):
    allowed = tuple(MAY_USE[folder])
    for path in (root / folder).rglob("*.py"):
        for name in imported(path.read_text("utf-8")):
            assert any(name == one or name.startswith(f"{one}.") for one in allowed), f"{path.name}: {name}"


def test_notebooks_know_only_the_library(root):
    for path in (root / "solutions" / "quantization").glob("*.ipynb"):
        for cell in read_notebook(path).cells:
            if cell["cell_type"] == "code":
                assert {name.split(".")[0] for name in imported(cell["source"])} <= {"mlsysim"}
