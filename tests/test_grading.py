"""Recording a class: nothing is lost, nothing is done twice, whatever ends the run; with answers that were graded once, so that each case is quick."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import sys
from dataclasses import replace

import pytest

from autograder.grading import pool
from autograder.grading.command import local_grader
from autograder.grading.plan import Failed
from autograder.grading.run import grade_course, only_one
from autograder.nbgrader_compat.course import Course, CourseError
from autograder.notebook.cells import read_notebook
from tests.courses import ASSIGNMENT, handed_in
from tests.gradebooks import everything, rows

STUDENTS = ["s01", "s04", "s13", "s14"]  # right, wrong, one notebook unreadable, one not handed in
STEPS = ["written", "committed", "done"]


class Canned:
    """A grader that gives the answers of an earlier one, and knows for whom it was asked."""

    def __init__(self, answers):
        self.answers = answers
        self.asked = []

    def __call__(self, plan, jobs):
        for job in jobs:
            self.asked.append(job.student)
            answer = self.answers[job.student]
            answer.fingerprint = job.fingerprint
            yield job, answer


class Killer:
    """Ends this process, without a warning, at the *n*-th step."""

    def __init__(self, n):
        self.left = n

    def __call__(self, step):
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1


def in_child(work):
    """The exit status of *work* in a child of this process, or minus the signal that ended it."""
    pid = os.fork()
    if pid == 0:
        status = 70
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.fixture(scope="module")
def lesson(root, tmp_path_factory):
    """A course that was never graded, its answers, and what an undisturbed run leaves."""
    base = tmp_path_factory.mktemp("lesson")
    pristine = handed_in(root, base / "pristine", STUDENTS, late="s04")
    graded = Course(shutil.copytree(pristine.root, base / "graded"), ASSIGNMENT)
    answers = {}

    def remember(plan, jobs):
        for job, answer in local_grader(2)(plan, jobs):
            answers[job.student] = answer
            yield job, answer

    summary = grade_course(graded, remember)
    assert sorted(summary.graded) == STUDENTS and not summary.trouble and not summary.stopped
    return pristine.root, answers, everything(graded)


@pytest.fixture
def fresh(lesson, tmp_path):
    """A copy of the course that was never graded, and a grader."""
    pristine, answers, _ = lesson
    return Course(shutil.copytree(pristine, tmp_path / "course"), ASSIGNMENT), Canned(answers)


def finish(course, answers, undisturbed):
    """Grade again, as after a crash; returns the summary and for whom there was anything to do."""
    again = Canned(answers)
    summary = grade_course(Course(course.root, ASSIGNMENT), again)
    assert not summary.trouble and not summary.stopped
    assert everything(course) == undisturbed
    assert sorted(summary.before + summary.graded) == STUDENTS
    assert not [path for path in (course.root / "autograded").glob("*/.*")]
    return summary, again.asked


@pytest.mark.parametrize(
    "n", range(len(STEPS) * len(STUDENTS)), ids=lambda n: f"{STUDENTS[n // 3]}-{STEPS[n % 3]}"
)
def test_killed_after_any_step_of_recording_a_second_run_finishes_and_repeats_nothing(fresh, lesson, n):
    course, grader = fresh
    assert in_child(lambda: grade_course(course, grader, between=Killer(n))) == -signal.SIGKILL
    summary, asked = finish(course, lesson[1], lesson[2])
    assert (
        len(summary.before) == (n + 2) // 3
    )  # what was committed counts, though its folder was not in its place
    assert asked == STUDENTS[(n + 2) // 3 :]


@pytest.mark.parametrize("seed", range(3))
def test_graded_notebook_by_notebook_in_any_order_it_comes_out_as_graded_at_once(lesson, fresh, seed):
    course, _ = fresh
    answers, undisturbed = lesson[1:]
    names = sorted({name for answer in answers.values() for name in answer.notebooks})
    random.Random(seed).shuffle(names)

    def only_that(plan, jobs):
        for job in jobs:
            whole = answers[job.student].notebooks
            assert set(job.notebooks) == {job.only} & set(whole)
            graded = {name: whole[name] for name in job.notebooks}
            yield (
                job,
                replace(answers[job.student], notebooks=graded, fingerprint=job.fingerprint, only=job.only),
            )

    for done, name in enumerate(names, 1):
        summary = grade_course(Course(course.root, ASSIGNMENT), only_that, only=name)
        assert sorted(summary.graded) == STUDENTS and not summary.again and not summary.trouble
        left = {path.stem for path in course.autograded(STUDENTS[0]).glob("*.ipynb")}
        assert left == {*names[:done]} & set(answers[STUDENTS[0]].notebooks)
    assert everything(course) == undisturbed
    # Nobody is taken for graded as a whole; and after that, a notebook more changes nothing of that.
    summary, _ = finish(course, answers, undisturbed)
    assert sorted(summary.graded) == STUDENTS
    grade_course(Course(course.root, ASSIGNMENT), only_that, only=names[0])
    summary, _ = finish(course, answers, undisturbed)
    assert sorted(summary.before) == STUDENTS


def test_a_notebook_that_there_is_not_is_named(fresh):
    with pytest.raises(CourseError, match="has no notebook 'predict'; it has 0_self_check, 1_predict"):
        grade_course(fresh[0], fresh[1], only="predict")


def count_calls(limit):
    """Ends the process at the *limit*-th call of anything, C functions too; returns a function that tells how many there were."""
    seen = 0

    def hook(frame, event, argument):
        nonlocal seen
        seen += 1
        if seen == limit:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(hook)
    return lambda: seen


def test_killed_at_twenty_moments_anywhere_in_the_run_the_gradebook_comes_out_the_same(lesson, tmp_path):
    pristine, answers, undisturbed = lesson
    whole = Course(shutil.copytree(pristine, tmp_path / "whole"), ASSIGNMENT)
    told = count_calls(-1)
    grade_course(whole, Canned(answers))
    sys.setprofile(None)
    total = told()
    for i in range(20):
        course = Course(shutil.copytree(pristine, tmp_path / f"course{i}"), ASSIGNMENT)

        def run(course=course, i=i):
            count_calls(total * (2 * i + 1) // 40)
            grade_course(course, Canned(answers))

        assert in_child(run) == -signal.SIGKILL
        finish(course, answers, undisturbed)


@pytest.mark.parametrize("n", range(3), ids=STEPS)
def test_killed_while_a_graded_submission_is_graded_again_it_is_wholly_the_old_or_the_new(fresh, lesson, n):
    course, grader = fresh
    grade_course(course, grader)
    before = everything(course)
    notebook = course.submitted("s01") / "0_self_check.ipynb"
    notebook.write_text(notebook.read_text().replace("\n", "\n\n", 1))
    again = in_child(lambda: grade_course(course, Canned(lesson[1]), between=Killer(n)))
    assert again == -signal.SIGKILL
    _, asked = finish(course, lesson[1], before)
    assert asked == ([] if n else ["s01"])


def test_a_second_run_does_nothing_and_force_does_all(fresh, lesson):
    course, grader = fresh
    grade_course(course, grader)
    _, asked = finish(course, lesson[1], lesson[2])
    assert asked == []
    summary = grade_course(course, grader, force=True)
    assert summary.graded == STUDENTS and summary.before == []
    assert everything(course) == lesson[2]


def test_a_changed_file_a_changed_limit_and_a_lost_folder_are_graded_again(fresh):
    course, grader = fresh
    grade_course(course, grader)
    grader.asked.clear()
    (course.submitted("s01") / "notes.txt").write_text("more")
    shutil.rmtree(course.autograded("s13"))
    assert grade_course(course, grader).graded == ["s01", "s13"]
    config = course.root / "nbgrader_config.py"
    config.write_text(config.read_text() + "c.Examine.cell_seconds = 5\n")
    assert grade_course(Course(course.root, ASSIGNMENT), grader).graded == STUDENTS


def test_only_the_students_named_are_graded_and_an_unknown_one_is_an_error(fresh):
    course, grader = fresh
    assert grade_course(course, grader, ["s14", "s01", "s14"]).graded == ["s14", "s01"]
    with pytest.raises(CourseError, match=r"s99 has handed in nothing; in .*submitted there is s01, s04"):
        grade_course(course, grader, ["s99"])


def test_manual_marks_and_comments_stay_and_ask_for_a_second_look(fresh):
    course, grader = fresh
    grade_course(course, grader)
    with course.gradebook() as book:
        grade = book.find_grade("explain", "1_predict", "quantization", "s01")
        assert grade.needs_manual_grade
        grade.manual_score, grade.extra_credit, grade.needs_manual_grade = 3, 0.5, False
        book.find_comment("explain", "1_predict", "quantization", "s01").manual_comment = "Well said."
        book.db.commit()
    grade_course(course, grader, ["s01"], force=True)
    with course.gradebook() as book:
        grade = book.find_grade("explain", "1_predict", "quantization", "s01")
        assert (grade.manual_score, grade.extra_credit, grade.needs_manual_grade) == (3, 0.5, True)
        assert book.find_comment("explain", "1_predict", "quantization", "s01").manual_comment == "Well said."


def test_a_gradebook_that_vanishes_stops_the_run_and_what_it_held_is_graded_again(fresh, lesson):
    course, grader = fresh
    kept = course.root / "kept.db"
    shutil.copy(course.database_file, kept)
    summary = grade_course(
        course,
        grader,
        between=lambda step: course.database_file.unlink(missing_ok=True) if step == "done" else None,
    )
    assert summary.stopped == f"the gradebook {course.database_file} is gone"
    assert summary.graded == [] and list(summary.trouble) == ["s01"]
    with pytest.raises(CourseError, match=r"there is no gradebook at .*: run nbgrader generate_assignment"):
        grade_course(Course(course.root, ASSIGNMENT), grader)
    kept.rename(course.database_file)
    _, asked = finish(course, lesson[1], lesson[2])
    assert asked == STUDENTS


@pytest.mark.parametrize("full", ["notebook", "gradebook"])
def test_a_file_that_cannot_grow_as_on_a_full_disk_stops_the_run_and_loses_nothing(fresh, lesson, full):
    course, grader = fresh
    what = {"notebook": ".ipynb: File too large", "gradebook": "cannot be used: "}[full]

    def fill(step):
        if step == "done":
            size = 50_000 if full == "notebook" else course.database_file.stat().st_size
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def run():
        summary = grade_course(course, grader, between=fill)
        assert what in summary.stopped and len(summary.graded) == len(set(summary.graded)) < 4

    assert in_child(run) == 0
    _, asked = finish(course, lesson[1], lesson[2])
    assert "s14" in asked and "s01" not in asked


def test_two_graders_on_one_course_do_not_meet(fresh, lesson):
    course, grader = fresh
    with (
        only_one(course.root),
        pytest.raises(CourseError, match=rf"is being graded by process {os.getpid()} on .+, since \d\d:"),
    ):
        grade_course(course, grader)
    finish(course, lesson[1], lesson[2])


def test_a_folder_without_any_notebook_gets_zeros_and_a_note(fresh):
    course, _ = fresh
    folder = course.submitted("empty")
    folder.mkdir(parents=True)
    (folder / "essay.txt").write_text("I have no notebook.")
    summary = grade_course(course, local_grader(1), ["empty"])
    there, missing = summary.notes["empty"]
    assert missing == "not handed in: any notebook of the assignment"
    assert there.endswith("were not handed in; what lies there is “essay.txt”")
    marks = [(auto, manual) for student, _, _, auto, manual, _ in course.grades() if student == "empty"]
    sources = [read_notebook(path) for path in course.source_notebooks()]
    graded = sum(len(source.auto_points()) + len(source.manual_points()) for source in sources)
    assert len(marks) == graded and set(marks) == {(0, None)}
    assert (course.autograded("empty") / "essay.txt").is_file()


def test_a_link_in_a_submission_is_not_followed(fresh):
    course, grader = fresh
    (course.submitted("s01") / "data.txt").symlink_to(course.root / "nbgrader_config.py")
    grade_course(course, grader, ["s01"])
    assert not (course.autograded("s01") / "data.txt").exists()


def test_a_source_that_changed_since_the_release_is_an_error(fresh):
    course, grader = fresh
    path = course.source / "0_self_check.ipynb"
    path.write_text(path.read_text().replace('"points": 2', '"points": 3', 1))
    with pytest.raises(
        CourseError,
        match=r"0_self_check.ipynb is not what the gradebook knows: run nbgrader generate_assignment",
    ):
        grade_course(course, grader)


class Mortal(pool.GradingProcess):
    """Is killed when it is given s04, as often as :attr:`lives` says."""

    lives = 0

    def give(self, job):
        if job.student == "s04" and Mortal.lives:
            Mortal.lives -= 1
            self._process.kill()
        super().give(job)


@pytest.mark.parametrize("deaths", [1, 2])
def test_a_grading_process_that_dies_is_replaced_and_the_submission_tried_once_more(
    fresh, monkeypatch, deaths
):
    course, _ = fresh
    for student in ("s04", "s13"):  # a notebook each is enough
        for path in course.submitted(student).glob("[123]_*.ipynb"):
            path.unlink()
    monkeypatch.setattr(pool, "GradingProcess", Mortal)
    monkeypatch.setattr(Mortal, "lives", deaths)
    monkeypatch.setattr(pool, "AHEAD", 1)
    summary = grade_course(course, local_grader(1), ["s13", "s04"])
    if deaths == 1:
        assert not summary.trouble and sorted(summary.graded) == ["s04", "s13"]
    else:
        assert summary.graded == ["s13"]
        assert "was killed (SIGKILL" in summary.trouble["s04"] and "2 times" in summary.trouble["s04"]
        assert not any(
            "s04" in row for row in rows(course)["grade"]
        )  # no mark from a failure that is not the student's


def test_a_worker_with_other_code_refuses(fresh):
    course, _ = fresh

    def stale(plan, jobs):
        object.__setattr__(plan, "code", "another version")
        return local_grader(1)(plan, jobs)

    assert "is not the one that gave the order" in grade_course(course, stale).stopped


def test_trouble_of_one_submission_does_not_stop_the_others(fresh, lesson):
    course, grader = fresh

    def partly(plan, jobs):
        for job, answer in grader(plan, jobs):
            yield job, Failed("a reason") if job.student == "s04" else answer

    summary = grade_course(course, partly)
    assert summary.trouble == {"s04": "a reason"} and summary.graded == ["s01", "s13", "s14"]
    _, asked = finish(course, lesson[1], lesson[2])
    assert asked == ["s04"]


@pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity"), reason="this system does not bind processes to cores"
)
def test_as_many_processes_as_cores_keep_to_one_each(fresh, monkeypatch):
    course, _ = fresh
    cores, bound = os.sched_getaffinity(0), []

    class Watched(pool.GradingProcess):
        def give(self, job):
            bound.append(os.sched_getaffinity(self._process.pid))
            super().give(job)

    monkeypatch.setattr(pool, "GradingProcess", Watched)
    monkeypatch.setattr(pool, "AHEAD", 1)
    students = ["s13", "s14"]
    assert sorted(grade_course(course, local_grader(len(cores)), students).graded) == students
    assert [len(one) for one in bound] == [1, 1] and set.union(*bound) <= cores
    assert len(cores) == 1 or bound[0] != bound[1]
