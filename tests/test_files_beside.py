"""Files beside the notebooks, in folders too: everyone who needs them has them, and a change grades again."""

from __future__ import annotations

import json

import pytest

from autograder.cli import main
from autograder.files.source import data_files, source_files
from autograder.grading.command import local_grader
from autograder.grading.pending import make_plan
from autograder.grading.run import grade_course
from autograder.nbgrader_compat.course import Course
from autograder.notebook.cells import read_notebook
from autograder.selfstudy.check import check_notebook
from autograder.simulate.demo import make_class
from autograder.simulate.kinds import load_kinds
from tests.test_commands import CONFIG

OFFSET = "data/deep/offset.txt"


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Course:
    """A class of one, whose right answer reads a file in a folder; nothing is graded yet."""
    root = tmp_path_factory.mktemp("beside")
    (root / "nbgrader_config.py").write_text(CONFIG)
    assert main(["new", "first", "--course", str(root)]) == 0
    source = root / "source" / "first"
    notebook = source / "1_mean.ipynb"
    told = "return sum(values) / len(values)"
    notebook.write_text(
        notebook.read_text().replace(told, f"{told} + float(open('{OFFSET}').read())"),
    )
    (source / OFFSET).parent.mkdir(parents=True)
    (source / OFFSET).write_text("0")
    made = Course(root, "first")
    made.generate_assignment()
    make_class(made, [load_kinds(made.source)["right"]])
    return made


def graded(course: Course) -> tuple[list[str], float]:
    """Who was graded now, and the sum of all marks."""
    summary = grade_course(Course(course.root, "first"), local_grader(1))
    assert not summary.trouble and not summary.stopped
    return summary.graded, sum(mark or 0.0 for _, _, _, mark, _, _ in course.grades())


def test_the_kit_goes_to_the_graders_and_the_data_to_everyone(course):
    (course.source / ".secret").write_text("x")
    (course.source / "__pycache__").mkdir()
    (course.source / "__pycache__" / "cases.pyc").write_text("x")
    (course.source / "linked.txt").symlink_to(course.root / "nbgrader_config.py")
    assert set(data_files(course.source)) == {OFFSET}
    files = source_files(course.source)
    assert {OFFSET, "1_mean.ipynb", "kit/kit.toml", "kit/lesson.py"} <= set(files)
    assert not [name for name in files if "secret" in name or "pyc" in name or "linked" in name]
    assert make_plan(course).source == files
    assert (course.release / OFFSET).is_file() and (course.submitted("right") / OFFSET).is_file()


def test_an_answer_finds_them_and_a_change_of_data_or_kit_grades_again(course):
    assert graded(course) == (["right"], 5.0)
    assert (course.autograded("right") / OFFSET).is_file()
    assert not (course.autograded("right") / "kit").exists()
    assert graded(course) == ([], 5.0)
    (course.source / OFFSET).write_text("1")
    students, marks = graded(course)
    assert students == ["right"] and marks < 5.0
    (course.source / OFFSET).write_text("0")
    assert graded(course) == (["right"], 5.0)
    hints = course.source / "kit" / "hints.toml"
    hints.write_text(hints.read_text() + "\n# another year\n")
    assert graded(course) == (["right"], 5.0)


OWN = {
    "helper.py": "import csv, pathlib\n\ndef offset():\n    return float(next(csv.reader(open('own data/offset.csv')))[1])\n",
    "parts/__init__.py": "from parts.inner import zero\n",
    "parts/inner/__init__.py": "zero = 0\n",
    "own data/offset.csv": "offset,0\n",
    OFFSET: "7",  # an older copy of the assignment's
    "json.py": "raise RuntimeError('not the library')",
    "numpy/__init__.py": "raise RuntimeError('not the library')",
    "autograder/__init__.py": "raise RuntimeError('not the engine')",
}
ANSWER = """import json
import numpy as np
import helper, parts

def mean(values):
    return float(np.mean(json.loads(json.dumps(values)))) + helper.offset() + parts.zero + float(open("data/deep/offset.txt").read())
"""


def test_a_student_s_own_modules_and_data_are_there_and_stand_for_none_of_the_course_s(course, tmp_path):
    submitted = course.submitted("right")
    notebook = submitted / "1_mean.ipynb"
    content = json.loads(notebook.read_text())
    for cell in content["cells"]:
        if "sum(values)" in "".join(cell["source"]) and cell["metadata"]["nbgrader"]["solution"]:
            cell["source"] = ANSWER
    notebook.write_text(json.dumps(content))
    for name, text in OWN.items():
        path = submitted / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert graded(course) == (["right"], 5.0)
    told = read_notebook(course.autograded("right") / notebook.name).content["metadata"]["autograder"][
        "notes"
    ]
    for name in ("autograder/__init__.py", "json.py", "numpy/__init__.py"):
        assert f"{name} is not there for the cells: an installed module has that name" in told
    assert f"{OFFSET} differs from the assignment's own, which the cells find" in told
    for path in course.autograded("right").glob("*.ipynb"):
        path.unlink()
    course.autograde("right")
    assert sum(mark or 0.0 for _, _, _, mark, _, _ in course.grades()) == 5.0
    assert check_notebook(notebook, course.source).score == 5.0
    (submitted / "own data" / "offset.csv").write_text("offset,1\n")
    students, marks = graded(course)
    assert students == ["right"] and marks < 5.0
