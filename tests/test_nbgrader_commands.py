"""The commands that an instructor and a student type, run as they type them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.simulate.kinds import write_submission
from tests.assignments import kinds_of
from tests.pace import HANG

BIN = Path(sys.executable).parent


class Person:
    """Someone with a home and a working directory of their own, on the same machine."""

    def __init__(self, home: Path, exchange: Path) -> None:
        self.home = home
        home.mkdir(parents=True)
        config = home / ".jupyter"
        config.mkdir()
        (config / "nbgrader_config.py").write_text(
            f"c = get_config()\nc.Exchange.root = {str(exchange)!r}\nc.CourseDirectory.course_id = 'quantization-kit'\n"
        )

    def nbgrader(self, *arguments: str, cwd: Path | None = None) -> str:
        environment = {
            "HOME": str(self.home),
            "JUPYTER_CONFIG_DIR": str(self.home / ".jupyter"),
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        }
        done = subprocess.run(
            [BIN / "nbgrader", *arguments],
            cwd=cwd or self.home,
            env=environment,
            capture_output=True,
            text=True,
            timeout=HANG,
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0, said
        return said


@pytest.fixture(scope="module")
def people(root, tmp_path_factory) -> tuple[Person, Person, Path]:
    """An instructor with the course, a student, and the course directory."""
    base = tmp_path_factory.mktemp("exchange")
    exchange = base / "exchange"
    exchange.mkdir()
    exchange.chmod(0o777)
    course = base / "instructor" / "course"
    instructor, student = Person(base / "instructor", exchange), Person(base / "student", exchange)
    course.mkdir()
    shutil.copytree(root / "solutions", course / "solutions")
    shutil.copy(root / "nbgrader_config.py", course)
    return instructor, student, course


def test_release_fetch_submit_collect_autograde_feedback_export(people, root):
    instructor, student, course = people
    instructor.nbgrader("generate_assignment", "quantization", cwd=course)
    instructor.nbgrader("release_assignment", "quantization", cwd=course)

    student.nbgrader("fetch_assignment", "quantization")
    work = student.home / "quantization"
    assert sorted(path.name for path in work.iterdir()) == sorted(
        p.name for p in (root / "assignments" / "quantization").iterdir() if p.is_file()
    )
    solutions = root / "solutions" / "quantization"
    write_submission(kinds_of("quantization")["s01"], solutions, root / "assignments" / "quantization", work)
    student.nbgrader("submit", "quantization")

    instructor.nbgrader("collect", "quantization", cwd=course)
    instructor.nbgrader("autograde", "quantization", "--create", cwd=course)
    instructor.nbgrader("generate_feedback", "quantization", cwd=course)
    instructor.nbgrader("export", "--to=grades.csv", cwd=course)
    (collected,) = (course / "submitted").iterdir()
    assert len(list((course / "feedback" / collected.name / "quantization").glob("*.html"))) == 5
    line = (course / "grades.csv").read_text().splitlines()[1]
    assert f",{collected.name}," in line and ",86.0," in line  # all automatic marks; the manual ones wait

    instructor.nbgrader("release_feedback", "quantization", cwd=course)
    student.nbgrader("fetch_feedback", "quantization")
    assert list(work.glob("feedback/*/*.html"))


def test_validate_tells_the_untouched_release_from_the_right_answers(people, root, tmp_path):
    _, student, _ = people
    release = root / "assignments" / "quantization"
    # nbgrader validate exits with 0 either way: what it says is the answer.
    assert "failed" in student.nbgrader("validate", str(release / "0_self_check.ipynb"))
    write_submission(kinds_of("quantization")["s01"], root / "solutions" / "quantization", release, tmp_path)
    assert "Success" in student.nbgrader("validate", str(tmp_path / "0_self_check.ipynb"))
