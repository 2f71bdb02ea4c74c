"""A copy of a source notebook that somebody left beside it is named and left out: by grading, nbgrader's own commands, the report and the release."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from nbformat.v4 import new_notebook, writes

from autograder.cli import main
from autograder.files.source import source_files, source_notebooks, stray_copies
from autograder.grading.command import local_grader
from autograder.grading.run import Listener, grade_course
from autograder.lint.assignment import lint_assignment
from autograder.nbgrader_compat.course import Course
from tests.gradebooks import rows
from tests.small import HALF, cell, write_small, written

CONFIG = "c = get_config()\nfrom autograder.nbgrader_plugin import use_examiner\nuse_examiner(c)\n"
NBGRADER = Path(sys.executable).parent / "nbgrader"


@pytest.fixture(scope="module")
def graded(tmp_path_factory) -> Path:
    """A course with two students."""
    root = tmp_path_factory.mktemp("copies") / "course"
    write_small(root / "source" / "circles")
    (root / "nbgrader_config.py").write_text(CONFIG)
    made = Course(root, "circles")
    made.generate_assignment()
    written(made.submitted("ada"))
    written(made.submitted("bob"), area=HALF)
    assert grade_course(made, local_grader(1)).graded == ["ada", "bob"]
    return root


@pytest.fixture
def course(graded, tmp_path) -> Course:
    return Course(shutil.copytree(graded, tmp_path / "course"), "circles")


class Heard(Listener):
    def __init__(self):
        self.said = []

    def say(self, sentence):
        self.said.append(sentence)


@pytest.mark.parametrize(
    "name",
    [
        *("circles-Copy1", "circles-Copy", "circles (1)", "circles(2)", "circles copy", "circles copy 3"),
        *("circles - Copy", "circles - Copy (2)", "circles-Copy1-Copy2", "circles (1)-Copy1"),
    ],
)
def test_it_is_known_by_its_name_and_its_cells(tmp_path, name):
    source = write_small(tmp_path)
    shutil.copy(source / "circles.ipynb", source / f"{name}.ipynb")
    assert stray_copies(source) == {source / f"{name}.ipynb": source / "circles.ipynb"}
    assert source_notebooks(source) == [source / "circles.ipynb"]
    assert f"{name}.ipynb" not in source_files(source) and "circles.ipynb" in source_files(source)


@pytest.mark.parametrize("name", ["squares (1)", "circles 2", "circles-Copying", "circles (1)"])
def test_a_notebook_of_its_own_is_no_copy_whatever_it_is_called(tmp_path, name):
    source = write_small(tmp_path)
    (source / f"{name}.ipynb").write_text(writes(new_notebook(cells=[cell("other", "assert 1", 1)])))
    assert not stray_copies(source) and len(source_notebooks(source)) == 2


def leave_copies(course):
    shutil.copy(course.source / "circles.ipynb", course.source / "circles-Copy1.ipynb")
    (course.source / "circles (1).ipynb").write_text("half of a downlo")
    return [
        f"circles/{name}.ipynb is left out: it is a copy of circles.ipynb."
        for name in ("circles (1)", "circles-Copy1")
    ]


def test_grading_says_it_and_goes_on_and_nothing_is_graded_again_because_of_it(course):
    before = rows(course)
    said = leave_copies(course)
    heard = Heard()
    summary = grade_course(course, local_grader(1), progress=heard)
    assert heard.said == said and summary.before == ["ada", "bob"] and not summary.triage
    assert rows(course) == before


def test_the_report_and_lint_say_it(course, capsys):
    said = leave_copies(course)
    assert main(["report", "circles", "--course", str(course.root)]) == 0
    told = capsys.readouterr().out
    assert all(sentence in told for sentence in said)
    assert [one.what for one in lint_assignment(course, quick=True).findings].count(
        "This notebook is left out: it is a copy of circles.ipynb."
    ) == 2


def test_nbgrader_s_own_commands_leave_it_out(course):
    said = leave_copies(course)
    (course.submitted("cyd")).mkdir(parents=True)
    shutil.copy(course.submitted("ada") / "circles.ipynb", course.submitted("cyd") / "circles (2).ipynb")
    for command in ("generate_assignment", "autograde"):
        done = subprocess.run(
            [NBGRADER, command, "circles", "--force"], cwd=course.root, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert all(sentence in done.stderr for sentence in said), done.stderr
    assert [path.name for path in course.release.glob("*.ipynb")] == ["circles.ipynb"]
    marks = {}
    for student, _, _, mark, _, _ in course.grades():
        marks[student] = marks.get(student, 0) + mark
    assert marks == {"ada": 4, "bob": 2, "cyd": 4}
