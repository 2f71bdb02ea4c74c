"""What nbgrader promises nobody is used in one package, and looked for before anything is graded."""

from __future__ import annotations

import ast
import sys

import pytest

from autograder.cli import main
from autograder.nbgrader_compat.errors import CourseError
from autograder.nbgrader_compat.internals import needed

INSIDE = "autograder/nbgrader_compat/"


def imported(path) -> set[str]:
    """The packages that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
    return found


def test_nbgrader_and_its_database_are_imported_in_one_package_only(root):
    using = {
        path.relative_to(root).as_posix()
        for path in (root / "autograder").rglob("*.py")
        if imported(path) & {"nbgrader", "sqlalchemy"}
    }
    assert {name for name in using if not name.startswith(INSIDE)} == set()
    assert f"{INSIDE}internals.py" in using


def test_inside_it_one_module_imports_nbgrader(root):
    using = {path.name for path in (root / INSIDE).glob("*.py") if "nbgrader" in imported(path)}
    assert using == {"internals.py"}


@pytest.mark.parametrize(
    ("asked", "missing"),
    [
        (("nbgrader.api", "Notepad"), "nbgrader.api.Notepad"),
        (("nbgrader.api", "Gradebook", "close", "burn"), "nbgrader.api.Gradebook.burn"),
        (("nbgrader.cloud", "Upload"), "nbgrader.cloud.Upload"),
    ],
)
def test_a_name_that_a_version_of_nbgrader_lacks_is_named(asked, missing):
    with pytest.raises(CourseError, match=rf"nbgrader \d\S* has no {missing}, which the examiner needs"):
        needed(*asked)


def test_on_the_command_line_it_is_a_sentence(tmp_path, monkeypatch, capsys, root):
    monkeypatch.delattr("nbgrader.api.Grade")
    monkeypatch.delitem(sys.modules, "autograder.nbgrader_compat.internals", raising=False)
    assert main(["report", "quantization", "--course", str(root)]) == 2
    assert "has no nbgrader.api.Grade, which the examiner needs" in capsys.readouterr().err
