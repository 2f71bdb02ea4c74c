"""``autograder grade`` as an instructor types it, with real processes that are really killed."""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.nbgrader_compat.course import Course
from tests.courses import ASSIGNMENT, handed_in
from tests.gradebooks import everything
from tests.pace import HANG

COMMAND = [Path(sys.executable).parent / "autograder", "grade", "quantization", "--no-lint"]
STUDENTS = ["s04", "s05", "s06", "s13"]


def grade(course, *options, **more):
    done = subprocess.run(
        [*COMMAND, "--course", course.root, *options], capture_output=True, text=True, timeout=HANG, **more
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done.returncode, " ".join((done.stdout + done.stderr).split())


@pytest.fixture(scope="module")
def small(root, tmp_path_factory):
    """A course with one notebook of four students, never graded, and what an undisturbed run leaves."""
    base = tmp_path_factory.mktemp("small")
    course = handed_in(root, base / "pristine", STUDENTS, only="0")
    graded = Course(shutil.copytree(course.root, base / "graded"), ASSIGNMENT)
    status, said = grade(graded)
    assert status == 0, said
    return course.root, everything(graded), said


@pytest.fixture
def course(small, tmp_path):
    return Course(shutil.copytree(small[0], tmp_path / "course"), ASSIGNMENT)


def test_it_says_what_there_is_to_know_of_each_student_and_sums_up(small):
    said = small[2]
    assert "s04: not handed in: 1_predict, 2_crossover, 3_frontier, 4_measure" in said
    assert re.search(r"Graded 4 in [\d.]+ s \(\d+ a minute\), 0 were graded before, 0 are not graded\.", said)
    assert re.search(r"Memory of a grading process: at most \d+ MB", said)


def test_run_again_it_says_that_nothing_is_left_to_do(small, course):
    shutil.copytree(small[0].parent / "graded", course.root, dirs_exist_ok=True)
    status, said = grade(course)
    assert status == 0 and "4 already graded and unchanged (--force grades them again)" in said
    assert "Graded 0" in said and "4 were graded before" in said


# Tells when a submission is recorded, so that the other side knows when to strike.
DRIVER = """
import os, sys
from pathlib import Path
from autograder.grading import pool
from autograder.nbgrader_compat.course import Course
from autograder.grading.command import local_grader
from autograder.grading.run import grade_course
start = pool.GradingProcess.__init__
def tell(self, *given):
    start(self, *given)
    print("worker", self._process.pid, flush=True)
pool.GradingProcess.__init__ = tell
grade_course(Course(Path(sys.argv[1]), "quantization"), local_grader(2), between=lambda step: print(step, flush=True))
"""


@pytest.mark.parametrize("moment", ["worker", "committed"])
def test_killed_with_its_processes_at_work_nothing_of_it_stays_and_a_second_run_finishes(
    small, course, moment
):
    driver = subprocess.Popen([sys.executable, "-c", DRIVER, course.root], stdout=subprocess.PIPE, text=True)
    watched = []
    for line in driver.stdout:
        word, *number = line.split()
        if number:
            with contextlib.suppress(ProcessLookupError):
                watched.append(os.pidfd_open(int(number[0])))
        if word == moment and len(watched) == 2:
            break
    assert len(watched) == 2 and word == moment
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    driver.stdout.close()
    for descriptor in watched:  # readable when that process has ended
        assert select.select([descriptor], [], [], HANG)[0]
        os.close(descriptor)
    status, said = grade(course)
    assert status == 0, said
    assert everything(course) == small[1]


def test_ctrl_c_stops_cleanly_says_so_and_the_next_run_goes_on(small, course):
    command = [*COMMAND, "--course", course.root, "--jobs", "1"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    first = running.stdout.readline()  # the first note is printed when the first submission is recorded
    assert first.startswith("s04: not handed in")
    running.send_signal(signal.SIGINT)
    said, errors = running.communicate(timeout=HANG)
    assert running.returncode == 130 and "Traceback" not in errors
    said = " ".join(said.split())
    assert (
        "Stopped early: by Ctrl-C. What is graded is recorded; run the same command again for the rest."
        in said
    )
    recorded = int(re.search(r"Graded (\d) in", said)[1])
    assert 1 <= recorded < 4
    status, said = grade(course)
    assert status == 0 and f"{recorded} already graded and unchanged" in said
    assert everything(course) == small[1]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--course", "/nowhere"], "/nowhere is not a course directory: it has no nbgrader_config.py"),
        (["--student", "s99"], "s99 has handed in nothing"),
        (["--jobs", "0"], "'0' is not a number from 1 to 100000"),
        (["--jobs", "many"], "'many' is not a number from 1 to 100000"),
        (
            ["--db", "sqlite:////nowhere/gradebook.db"],
            "there is no gradebook at /nowhere/gradebook.db: run nbgrader generate_assignment",
        ),
        (["--db", "postgresql://127.0.0.1:1/none"], "cannot be used: connection"),
        (["--db", "nonsense"], "'nonsense' is not the URL of a database"),
        (["--db", "oracle://host/name"], "the database oracle:// cannot be used here: "),
        (["--scheduler", "tcp://127.0.0.1:1"], "no Dask scheduler answers at tcp://127.0.0.1:1"),
        (
            ["--scheduler", "127.0.0.1"],
            "'127.0.0.1' is not the address of a Dask scheduler, such as tcp://host:8786",
        ),
    ],
    ids=lambda value: " ".join(value)[:24] if isinstance(value, list) else "",
)
def test_a_wrong_argument_gets_a_sentence_that_names_it(course, options, says):
    status, said = grade(course, *options)
    assert status == 2 and says in said, said


def test_an_unknown_assignment_gets_the_known_ones(root):
    done = subprocess.run(
        [COMMAND[0], "grade", "pruning", "--course", root], capture_output=True, text=True, timeout=HANG
    )
    assert done.returncode == 2 and "has no assignment 'pruning'; it has " in done.stderr
    assert "quantization" in done.stderr
