"""A gradebook that another program has locked is waited for, with a line that says so, for as long as the course says; then nothing is lost."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import create_engine, text

from autograder.grading import pending as scan
from autograder.grading.command import local_grader
from autograder.grading.interrupt import CtrlC
from autograder.grading.run import Listener, grade_course
from autograder.grading.store import Recorder
from autograder.nbgrader_compat import lock_wait
from autograder.nbgrader_compat.course import Course, CourseError
from autograder.nbgrader_compat.lock_wait import GradebookInUse
from autograder.nbgrader_compat.records import Records
from tests.courses import ASSIGNMENT, handed_in
from tests.gradebooks import everything
from tests.lockers import KINDS, locker
from tests.servers import postgresql

STUDENTS = ["s04", "s13"]
STEPS = ["written", "committed", "done"]
LINE = re.compile(r"The gradebook is in use by another program; waiting up to \S+ s\.")
COMMAND = [Path(sys.executable).parent / "autograder", "grade", "quantization", "--no-lint"]
# Moments at which the other program locks: before a method is entered, or after the n-th step of recording.
METHODS = ["_open", "recover", "make_plan", "recorded", "missing", "triage"]
MOMENTS = [*METHODS, *range(len(STEPS) * len(STUDENTS))]


class Canned:
    """A grader that gives the answers of an earlier one."""

    def __init__(self, answers):
        self.answers = answers

    def __call__(self, plan, jobs):
        for job in jobs:
            answer = self.answers[job.student]
            answer.fingerprint = job.fingerprint
            yield job, answer


class Told(Listener):
    """Remembers what it was told, and then does something about it."""

    def __init__(self, then=lambda: None):
        self.lines = []
        self._then = then

    def say(self, sentence):
        self.lines.append(sentence)
        self._then()


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """One try need not take a second here."""
    monkeypatch.setattr(lock_wait, "TRY_SECONDS", 0.05)


@pytest.fixture(scope="module")
def graded(root, tmp_path_factory):
    """A course that was never graded, its answers, and what an undisturbed run leaves."""
    base = tmp_path_factory.mktemp("locked")
    pristine = handed_in(root, base / "pristine", STUDENTS, only="0")
    course, answers = Course(shutil.copytree(pristine.root, base / "graded"), ASSIGNMENT), {}

    def remember(plan, jobs):
        for job, answer in local_grader(1)(plan, jobs):
            answers[job.student] = answer
            yield job, answer

    assert sorted(grade_course(course, remember).graded) == STUDENTS
    return pristine.root, answers, everything(course)


@pytest.fixture
def copy(graded, tmp_path):
    """Makes a course of its own that waits so many seconds."""

    def make(seconds: object) -> Course:
        root = shutil.copytree(graded[0], tmp_path / "course")
        with (root / "nbgrader_config.py").open("a") as config:
            config.write(f"c.Examine.lock_seconds = {seconds}\n")
        return Course(root, ASSIGNMENT)

    return make


def at(moment, monkeypatch, act):
    """Has *act* done at *moment*, once; returns the hook for the steps of recording."""
    todo, count = [act], iter(range(100))

    def once():
        if todo:
            todo.pop()()

    if isinstance(moment, str):
        holder = {"make_plan": scan, "_open": Records}.get(moment, Recorder)
        original = getattr(holder, moment)
        monkeypatch.setattr(holder, moment, lambda *given: (once(), original(*given))[1])
        return lambda step: None
    return lambda step: once() if next(count) == moment else None


@pytest.mark.parametrize("moment", MOMENTS)
def test_locked_for_too_long_the_run_ends_and_the_next_one_does_the_rest(copy, graded, monkeypatch, moment):
    course, told = copy(0.1), Told()
    with locker(course.database_file) as other:
        between = at(moment, monkeypatch, other.lock)
        if moment in METHODS[:4]:
            with pytest.raises(
                GradebookInUse, match=r"gradebook\.db is in use by another program, and was not "
            ):
                grade_course(course, Canned(graded[1]), progress=told, between=between)
            recorded = []
        else:
            summary = grade_course(course, Canned(graded[1]), progress=told, between=between)
            assert "is in use by another program, and was not free within 0.1 s" in summary.stopped
            assert not summary.trouble
            recorded = summary.graded
            # What is committed when the lock comes is recorded; the record under way is not.
            assert len(recorded) == (len(STUDENTS) if moment in METHODS[4:] else (moment + 2) // 3)
        assert other.holds
        assert len(told.lines) == 1 and LINE.fullmatch(told.lines[0])
    monkeypatch.undo()
    again = grade_course(Course(course.root, ASSIGNMENT), Canned(graded[1]))
    assert again.before == recorded and not again.trouble and not again.stopped
    assert everything(course) == graded[2]
    assert not list((course.root / "autograded").glob("*/.*"))


@pytest.mark.parametrize("moment", MOMENTS)
def test_freed_in_time_the_run_goes_on_as_if_nothing_had_been(copy, graded, monkeypatch, moment):
    course = copy(600)
    with locker(course.database_file) as other:
        told = Told(other.free)
        summary = grade_course(
            course, Canned(graded[1]), progress=told, between=at(moment, monkeypatch, other.lock)
        )
    assert told.lines == ["The gradebook is in use by another program; waiting up to 600 s."]
    assert sorted(summary.graded) == STUDENTS and not summary.trouble and not summary.stopped
    assert everything(course) == graded[2]


@pytest.mark.parametrize("again", [False, True], ids=["the first time", "again"])
@pytest.mark.parametrize("how", KINDS)
def test_locked_before_every_record_each_wait_is_told_and_nothing_else_is_logged(
    copy, graded, caplog, how, again
):
    course = copy(600)
    if again:
        grade_course(course, Canned(graded[1]))
    caplog.clear()
    with locker(course.database_file) as other:
        told = Told(other.free)
        summary = grade_course(
            course,
            Canned(graded[1]),
            force=again,
            progress=told,
            between=lambda step: other.lock(how) if step == "written" else None,
        )
    assert len(told.lines) == len(STUDENTS) and sorted(summary.graded) == STUDENTS
    assert everything(course) == graded[2]
    assert "database error" not in caplog.text


@pytest.mark.parametrize("moment", MOMENTS)
def test_ctrl_c_ends_a_wait_at_once(copy, graded, monkeypatch, moment):
    course = copy(600)
    with locker(course.database_file) as other, CtrlC() as ctrl_c:
        told = Told(lambda: os.kill(os.getpid(), signal.SIGINT))
        between = at(moment, monkeypatch, other.lock)
        run = lambda: grade_course(  # noqa: E731
            course, Canned(graded[1]), progress=told, between=between, ctrl_c=ctrl_c
        )
        if moment in METHODS[:4]:
            with pytest.raises(KeyboardInterrupt):
                run()
        else:
            summary = run()
            assert summary.interrupted and summary.stopped == "by Ctrl-C"
            assert len(summary.graded) == (len(STUDENTS) if moment in METHODS[4:] else (moment + 2) // 3)
        assert len(told.lines) == 1 and other.holds
    monkeypatch.undo()
    grade_course(Course(course.root, ASSIGNMENT), Canned(graded[1]))
    assert everything(course) == graded[2]


def test_after_a_crash_with_the_gradebook_locked_what_was_under_way_is_put_right(copy, graded, monkeypatch):
    course = copy(600)

    class Crash(BaseException):
        pass

    def crash(step):
        if step == "committed":
            raise Crash

    with pytest.raises(Crash):
        grade_course(course, Canned(graded[1]), between=crash)
    assert list((course.root / "autograded").glob("*/.*"))  # a folder that is not in its place yet
    with locker(course.database_file) as other:
        told = Told(other.free)
        between = at("recover", monkeypatch, other.lock)
        summary = grade_course(
            Course(course.root, ASSIGNMENT), Canned(graded[1]), progress=told, between=between
        )
    assert len(told.lines) == 1 and (len(summary.before), len(summary.graded)) == (1, len(STUDENTS) - 1)
    assert everything(course) == graded[2]


@pytest.mark.parametrize("seconds", ["-1", "float('nan')", "float('inf')", "1e9", "'long'"])
def test_a_setting_that_is_no_time_is_an_error_that_names_it(copy, graded, seconds):
    with pytest.raises(CourseError, match=r"nbgrader_config\.py cannot be used: .*lock_seconds"):
        grade_course(copy(seconds), Canned(graded[1]))


def test_with_no_time_to_wait_a_lock_ends_the_run_at_once(copy, graded):
    course, told = copy(0), Told()
    with locker(course.database_file) as other:
        other.lock()
        with pytest.raises(GradebookInUse, match="was not free within 0 s"):
            grade_course(course, Canned(graded[1]), progress=told)
    assert not told.lines
    assert grade_course(course, Canned(graded[1])).graded == STUDENTS
    assert everything(course) == graded[2]


def test_on_a_machine_so_slow_that_one_try_takes_all_the_time_the_wait_is_still_told(
    copy, graded, monkeypatch
):
    course, clock = copy(600), iter(range(0, 10**9, 10**4))
    slow = SimpleNamespace(monotonic=lambda: float(next(clock)), sleep=time.sleep)
    monkeypatch.setattr(lock_wait, "time", slow)
    with locker(course.database_file) as other:
        other.lock()
        told = Told(other.free)
        assert grade_course(course, Canned(graded[1]), progress=told).graded == STUDENTS
    assert len(told.lines) == 1


def test_another_setting_grades_nobody_again(copy, graded):
    course = copy(600)
    grade_course(course, Canned(graded[1]))
    config = course.root / "nbgrader_config.py"
    config.write_text(config.read_text() + "c.Examine.lock_seconds = 7\n")
    assert grade_course(Course(course.root, ASSIGNMENT), Canned(graded[1])).before == STUDENTS


def test_the_command_says_that_it_waits_and_goes_on(copy, graded):
    course = copy(600)
    with locker(course.database_file) as other:
        other.lock()
        running = subprocess.Popen(
            [*COMMAND, "--course", course.root], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        said = ""
        while not LINE.search(" ".join(said.split())):
            line = running.stdout.readline()
            assert line, said
            said += line
        other.free()
        said += running.communicate()[0]
    assert running.returncode == 0 and f"Graded {len(STUDENTS)} in" in said, said
    assert len(LINE.findall(" ".join(said.split()))) == 1
    assert everything(course) == graded[2]


def test_the_command_ends_with_a_reason(copy, graded):
    course = copy(0.1)
    with locker(course.database_file) as other:
        other.lock()
        done = subprocess.run([*COMMAND, "--course", course.root], capture_output=True, text=True)
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 2 and "Traceback" not in said
    assert LINE.search(said) and "was not free within 0.1 s (database is locked)" in said
    assert everything(Course(course.root, ASSIGNMENT))["submission"] == []


@pytest.mark.parametrize("table", ["course", "autograder_record", "assignment", "grade"])
def test_a_table_that_another_transaction_has_locked_on_a_server_is_waited_for(graded, tmp_path, table):
    with postgresql() as url:
        course = Course(shutil.copytree(graded[0], tmp_path / "course"), ASSIGNMENT, url)
        course.generate_assignment()
        Recorder(course).close()  # makes the table of records
        engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
        with engine.connect() as other:
            other.execute(text(f'LOCK TABLE "{table}" IN ACCESS EXCLUSIVE MODE'))
            told = Told(other.rollback)
            summary = grade_course(course, Canned(graded[1]), progress=told)
        engine.dispose()
        assert told.lines == ["The gradebook is in use by another program; waiting up to 300 s."]
        assert sorted(summary.graded) == STUDENTS and not summary.trouble
        assert everything(course) == graded[2]
