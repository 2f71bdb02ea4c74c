"""Layers point one way."""

from __future__ import annotations

import ast

import pytest

from autograder.notebook.cells import read_notebook

# Each package of the engine, and the packages below it that it uses.
MAY_USE = {
    "mlsysim": set(),
    "autograder/bounds": set(),
    "autograder/triage": set(),
    "autograder/tutor": set(),
    "autograder/wire": set(),
    "autograder/files": {"bounds", "triage"},
    "autograder/sandbox": {"bounds"},
    "autograder/candidate": {"bounds", "sandbox", "wire"},
    "autograder/notebook": {"bounds", "files", "triage", "wire"},
    "autograder/kit": {"candidate", "files", "notebook", "tutor"},
    "autograder/handles": {"candidate", "wire"},
    "autograder/instructor": {"bounds", "candidate", "files", "handles", "notebook", "tutor"},
    "autograder/exam": {
        *("bounds", "candidate", "files", "handles", "instructor", "kit", "notebook", "tutor", "wire"),
    },
    "autograder/nbgrader_compat": {
        *("bounds", "exam", "files", "kit", "notebook", "sandbox", "triage", "tutor"),
    },
    "autograder/grading": {
        *("bounds", "candidate", "exam", "files", "kit", "nbgrader_compat", "notebook", "triage"),
    },
    "autograder/pages": {
        *("bounds", "exam", "files", "kit", "nbgrader_compat", "notebook", "triage", "tutor"),
    },
    "autograder/report": {
        *("exam", "files", "kit", "nbgrader_compat", "notebook", "pages", "triage", "tutor"),
    },
    "autograder/revision": {"bounds", "exam", "files", "grading", "kit", "nbgrader_compat", "notebook"},
    "autograder/simulate": {"files", "grading", "kit", "nbgrader_compat", "notebook", "pages", "report"},
    "autograder/selfstudy": {
        *("bounds", "candidate", "exam", "files", "kit", "nbgrader_compat", "notebook", "pages", "sandbox"),
        *("report", "tutor"),
    },
    "autograder/magics": {"tutor"},
    "autograder/lint": {
        *("bounds", "candidate", "exam", "files", "grading", "instructor", "kit", "nbgrader_compat"),
        *("notebook", "tutor"),
    },
}
ANYONE = "autograder.terminal"
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
    own = folder.replace("/", ".")
    allowed = {
        own,
        *([] if folder == "mlsysim" else [ANYONE]),
        *(f"autograder.{name}" for name in MAY_USE[folder]),
    }
    for path in (root / folder).rglob("*.py"):
        for name in imported(path.read_text("utf-8")):
            assert any(name == one or name.startswith(f"{one}.") for one in allowed), f"{path.name}: {name}"


def test_every_package_of_the_engine_has_its_place(root):
    packages = {f"autograder/{path.parent.name}" for path in (root / "autograder").glob("*/__init__.py")}
    assert packages - {"autograder/cli"} == set(MAY_USE) - {"mlsysim"}


def test_notebooks_know_only_the_library(root):
    for path in (root / "solutions" / "quantization").glob("*.ipynb"):
        for cell in read_notebook(path).cells:
            if cell["cell_type"] == "code":
                assert {name.split(".")[0] for name in imported(cell["source"])} <= {"mlsysim"}
