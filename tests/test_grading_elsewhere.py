"""The same grading with the gradebook on a PostgreSQL server, and with the grading on a Dask cluster."""

from __future__ import annotations

import shutil

import pytest

from autograder.grading import cluster
from autograder.grading.command import local_grader
from autograder.grading.run import grade_course
from autograder.nbgrader_compat.course import Course, CourseError
from tests.courses import ASSIGNMENT, handed_in
from tests.gradebooks import autograded, everything, rows
from tests.pace import HANG
from tests.servers import dask_cluster, postgresql

STUDENTS = ["s01", "s04", "s05", "s06", "s07", "s13", "s18", "s19"]


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """A scheduler and workers that these tests start come up in the end, on a busy machine too."""
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", HANG)
    monkeypatch.setattr(cluster, "WORKER_SECONDS", HANG)


@pytest.fixture(scope="module")
def local(root, tmp_path_factory):
    """A course with two notebooks of eight students, never graded, and one that was graded here with SQLite."""
    base = tmp_path_factory.mktemp("local")
    course = handed_in(root, base / "pristine", STUDENTS, only="01", late="s05")
    graded = Course(shutil.copytree(course.root, base / "graded"), ASSIGNMENT)
    assert sorted(grade_course(graded, local_grader(2)).graded) == STUDENTS
    return course, graded


def test_a_postgresql_server_holds_the_same_gradebook_and_a_second_run_finds_it(local, tmp_path):
    pristine, graded = local
    with postgresql() as url:
        course = Course(shutil.copytree(pristine.root, tmp_path / "course"), ASSIGNMENT, url)
        (course.root / "gradebook.db").unlink()
        with pytest.raises(
            CourseError,
            match="has no assignment quantization: run nbgrader generate_assignment quantization --force --db=",
        ):
            grade_course(course, local_grader(1))
        course.generate_assignment()
        assert sorted(grade_course(course, local_grader(2)).graded) == STUDENTS
        assert rows(course) == rows(graded)
        assert autograded(course) == autograded(graded)
        assert grade_course(course, local_grader(1)).before == STUDENTS
        assert not (course.root / "gradebook.db").exists()
        course.generate_feedback("s04")  # nbgrader's own commands use it by the same setting
        assert len(list(course.feedback("s04").glob("*.html"))) == 2


def test_a_cluster_gives_the_same_marks_though_one_of_its_workers_is_killed(local, tmp_path):
    pristine, graded = local
    course = Course(shutil.copytree(pristine.root, tmp_path / "course"), ASSIGNMENT)
    with dask_cluster(3, tmp_path) as (address, workers):
        killed = []

        def strike(step):
            if step == "done" and not killed:
                killed.append(workers[0].pid)
                workers[0].kill()

        summary = grade_course(course, cluster.cluster_grader(address), between=strike)
    assert killed and sorted(summary.graded) == STUDENTS and not summary.trouble and not summary.stopped
    assert everything(course) == everything(graded)


def test_a_scheduler_without_workers_is_an_error_and_not_a_wait_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "WORKER_SECONDS", 0.2)
    with (
        dask_cluster(0, tmp_path) as (address, _),
        pytest.raises(CourseError, match=r"has had no worker for 0\.2 s"),
    ):
        cluster.cluster_grader(address)


def test_a_scheduler_that_goes_away_stops_the_run_with_a_reason_and_loses_nothing(local, tmp_path):
    pristine, graded = local
    course = Course(shutil.copytree(pristine.root, tmp_path / "course"), ASSIGNMENT)
    with dask_cluster(1, tmp_path) as (address, workers):
        scheduler = workers.scheduler

        summary = grade_course(
            course,
            cluster.cluster_grader(address),
            between=lambda step: scheduler.kill() if step == "done" else None,
        )
    assert "scheduler" in summary.stopped and 1 <= len(summary.graded) < 8
    done = list(summary.graded)
    assert sorted(grade_course(course, local_grader(2)).before) == sorted(done)
    assert everything(course) == everything(graded)
