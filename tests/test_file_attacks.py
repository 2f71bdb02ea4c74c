"""Attacks with the files that are handed in: the class is graded all the same, and everyone has what their answers deserve."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.classroom.course import ASSIGNMENT, Course
from tests.attack_cases import NOTEBOOK, SOURCE
from tests.file_attacks import ATTACKS

STUDENTS = {f"s{number:02}": name for number, name in enumerate(ATTACKS, 1)}
NBGRADER = [str(Path(sys.executable).parent / "nbgrader"), "autograde", ASSIGNMENT]
OURS = [sys.executable, "-m", "autograder.cli", "grade", ASSIGNMENT, "--jobs", "2"]


def attacked_course(root: Path, where: Path) -> Course:
    """A course with the first notebook alone, one student for each attack, and one honest student at either end of the list."""
    source = where / "solutions" / ASSIGNMENT
    source.mkdir(parents=True)
    shutil.copy(SOURCE, source)
    shutil.copy(root / "nbgrader_config.py", where)
    with (where / "nbgrader_config.py").open("a") as config:
        config.write("c.Examine.cell_seconds = 3\nc.Examine.call_seconds = 2\n")
    course = Course(where)
    course.generate_assignment()
    for student, name in STUDENTS.items():
        course.submitted(student).mkdir(parents=True)
        ATTACKS[name].apply(course.submitted(student))
    for student in ("a_first", "z_last"):
        course.submitted(student).mkdir(parents=True)
        ATTACKS["schema_version_1"].apply(course.submitted(student))
    return course


@pytest.fixture(scope="module", params=[NBGRADER, OURS], ids=["nbgrader autograde", "autograder grade"])
def graded(request, root, tmp_path_factory):
    course = attacked_course(root, tmp_path_factory.mktemp("attacked") / "course")
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        request.param, cwd=course.root, env=environment, capture_output=True, text=True, timeout=400
    )
    marks: dict[str, dict[str, float | None]] = {}
    for student, _, cell, mark, _, maximum in course.grades():
        assert mark is None or mark <= maximum
        marks.setdefault(student, {})[cell] = mark
    return course, marks, done


@pytest.mark.parametrize("student", STUDENTS, ids=STUDENTS.values())
def test_everyone_has_what_the_answers_deserve_and_no_mark_is_missing(graded, student):
    _, marks, done = graded
    assert None not in marks[student].values(), done.stdout + done.stderr
    assert sum(marks[student].values()) == ATTACKS[STUDENTS[student]].marks


def test_the_honest_before_and_after_them_are_graded(graded):
    _, marks, done = graded
    assert sum(marks["a_first"].values()) == sum(marks["z_last"].values()) == 13
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_that_links_led_to_was_copied(graded):
    course, *_ = graded
    solution = SOURCE.read_text("utf-8").split("### BEGIN SOLUTION")[1][:40]
    for path in (course.root / "autograded").rglob("*"):
        assert not path.is_symlink()
        if path.is_file() and path.name != NOTEBOOK:
            assert solution not in path.read_text("utf-8", errors="replace")


def test_no_script_is_left_in_a_graded_notebook(graded):
    course, *_ = graded
    for student, name in STUDENTS.items():
        if name.startswith("scripts_"):
            page = course.root / "autograded" / student / ASSIGNMENT / NOTEBOOK
            for cell in json.loads(page.read_text("utf-8"))["cells"]:
                shown = "".join(cell["source"]) if cell["cell_type"] != "code" else ""
                shown += "".join(
                    "".join(output.get("data", {}).get(kind, ""))
                    for output in cell.get("outputs", [])
                    for kind in (
                        "text/html",
                        "text/markdown",
                        "image/svg+xml",
                        "application/javascript",
                        "image/png",
                    )
                )
                assert "<script" not in shown and "<img src=x" not in shown, (name, shown)
