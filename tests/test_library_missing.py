"""The first cell of a notebook where the course's library is missing, or is the other package of its name."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ASSIGNMENTS = sorted(path.parent.name for path in Path(__file__).parents[1].glob("assignments/*/cases.py"))
HIDE = "import sys; sys.modules['mlsysim'] = None\n"  # to import it is then a ModuleNotFoundError


INSTALL = "install the mlsysim wheel that your course handed out (%pip install FILE.whl in a cell)"


def sentence(has: str, do: str = INSTALL) -> str:
    return f"This notebook cannot start because this Python {has}: {do}, and restart the kernel."


@pytest.fixture
def other(tmp_path) -> Path:
    """A folder with another package that is imported by the same name and has not what the course needs."""
    package = tmp_path / "mlsysim"
    package.mkdir()
    (package / "__init__.py").write_text(
        '__version__ = "0.3.0"\nclass ServingModel: ...\nclass Hardware: ...\nclass CompressionModel: ...\n'
    )
    return tmp_path


def shown(release: Path, before: str) -> list[dict]:
    """What the set-up cell of the first notebook shows in a kernel, after the code *before*."""
    path = min(release.glob("*.ipynb"))
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [nbformat.v4.new_code_cell(before)] + [
        cell for cell in notebook.cells if cell.cell_type == "code" and "import cases" in cell.source
    ]
    NotebookClient(notebook, allow_errors=True, resources={"metadata": {"path": str(release)}}).execute()
    return [json.loads(json.dumps(output)) for output in notebook.cells[1].outputs]


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_the_set_up_cell_says_in_one_sentence_that_the_library_is_missing(root, assignment):
    (output,) = shown(root / "assignments" / assignment, HIDE + 'student_id = ""')
    assert output["traceback"] == [sentence("has no mlsysim")]


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_the_set_up_cell_says_in_one_sentence_that_it_is_the_other_one(root, assignment, other):
    before = f"import sys; sys.path.insert(0, {str(other)!r})\n" + 'student_id = ""'
    (output,) = shown(root / "assignments" / assignment, before)
    assert output["traceback"] == [sentence("has another package called mlsysim")]


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_the_set_up_cell_says_of_an_old_python_that_no_wheel_helps_it(root, assignment):
    before = f'{HIDE}sys.version_info = (3, 10, 4, "final", 0)\nstudent_id = ""'
    (output,) = shown(root / "assignments" / assignment, before)
    again = "make the environment of your course again with a newer Python"
    assert output["traceback"] == [sentence("is older than 3.11", again)]


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_the_set_up_cell_says_in_one_sentence_which_package_is_missing(root, assignment):
    before = "import sys; sys.modules['pint'] = None\n" + 'student_id = ""'
    (output,) = shown(root / "assignments" / assignment, before)
    (line,) = output["traceback"]
    assert line.startswith("mlsysim needs the package pint, which this Python (")


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_a_package_that_the_library_needs_is_named_as_python_names_it(root, assignment):
    hide = "import sys; sys.modules['pint'] = sys.modules['numpy'] = None\n"
    process = subprocess.run(
        [sys.executable, "-B", "-c", hide + "import cases"],
        cwd=root / "assignments" / assignment,
        capture_output=True,
        text=True,
    )
    assert process.returncode and "numpy" in process.stderr.splitlines()[-1]
