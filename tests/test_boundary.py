"""Whatever happens to the process that grades a notebook, that notebook gets zeros with the reason, and nobody else loses anything."""

from __future__ import annotations

import errno
import json
import shutil
import time
from dataclasses import replace

import pytest

from autograder.bounds.limits import Limits
from autograder.candidate.start import NoSandbox
from autograder.exam import attempt as boundary
from autograder.exam.attempt import attempt
from autograder.files.read import Unreadable
from autograder.grading import pool
from autograder.grading.command import print_summary
from autograder.grading.plan import Failed, Job
from autograder.grading.process import Attempts
from autograder.grading.run import grade_course
from autograder.nbgrader_compat.course import Course
from autograder.notebook.cells import is_test, read_notebook
from autograder.pages import feedback
from tests.attack_cases import SOURCE
from tests.courses import ASSIGNMENT, handed_in
from tests.pace import seconds
from tests.trapdoor import MARK, OUTCOMES

NOTEBOOKS = ("0_self_check", "1_predict")
FULL = sum(read_notebook(SOURCE).auto_points().values())
SECOND_TIME = ["is killed", "fails"]  # the others would wait again, or are like one of these
TIGHT = Limits(total_seconds=2, render_seconds=0.5, memory_mb=256)


@pytest.fixture
def at_once(monkeypatch):
    """No time for explanations and for the last test."""
    monkeypatch.setattr(boundary, "EXPLAIN_SECONDS", 0)
    monkeypatch.setattr(boundary, "GRACE_SECONDS", 0)


class Panic(BaseException):
    """As libraries written in Rust raise it."""


def fail(error: BaseException):
    raise error


def recurse(depth: int = 0) -> int:
    return recurse(depth + 1) + 1


@pytest.mark.parametrize(
    ("work", "why"),
    [
        (lambda: fail(Panic("a byte\x1b[2J\ud800")), "failed with Panic: a byte\ufffd[2J\ufffd"),
        (lambda: fail(ValueError("x" * 5000)), "xxx…"),
        (lambda: fail(SystemExit(0)), "failed with SystemExit"),
        (lambda: fail(UnicodeEncodeError("utf-8", "\ud800", 0, 1, "no")), "failed with UnicodeEncodeError"),
        (lambda: fail(PermissionError(errno.EACCES, "no")), "failed with PermissionError"),
        (lambda: bytearray(1 << 40), "more than the 256 MB of memory"),
        (lambda: [bytearray(1 << 20) for _ in range(2000)], "more than the 256 MB of memory"),
        (recurse, "nested too deeply"),
        (lambda: time.sleep(60), "longer than the 3 s allowed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_fails_inside_is_a_reason(work, why, at_once):
    began = time.monotonic()
    made = attempt(work, TIGHT)
    assert isinstance(made, Unreadable) and why in made.why and made.why.isprintable()
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "full"), OSError(errno.EMFILE, "many"), NoSandbox("none"), KeyboardInterrupt()],
    ids=repr,
)
def test_what_is_the_machine_s_fault_is_no_reason(error):
    with pytest.raises(type(error)):
        attempt(lambda: fail(error), TIGHT)


def test_what_succeeds_inside_is_what_comes_out():
    assert attempt(lambda: 7, Limits()) == 7


def test_after_two_losses_a_notebook_is_given_up_for_now_and_after_two_more_the_machine_is_to_blame():
    job, attempts = Job("ann", {"a": b"1", "b": b"2"}, "print", ("a note",)), Attempts()
    assert attempts.after(job, "a", "was killed") == job
    assert attempts.after(job, "b", "was killed") == job  # each notebook has its tries
    second = attempts.after(job, "a", "was killed")
    assert isinstance(second, Job) and second.notebooks["b"] == b"2" and second.notes == ("a note",)
    assert second.notebooks["a"].why.startswith("twice it took the grading process with it, which was killed")
    assert second.fingerprint == ""
    assert isinstance(attempts.after(second, "a", "was killed"), Failed)


def test_a_process_lost_before_it_began_with_anything_is_no_fault_of_a_notebook():
    job, attempts = Job("ann", {"a": b"1"}, "print"), Attempts()
    assert attempts.after(job, "", "was killed") == job
    second = attempts.after(job, "", "was killed")
    assert isinstance(second, Failed) and str(second) == "the grading process was killed, 2 times"


def set_trap(course: Course, student: str, trap: str) -> None:
    """In *student*'s first notebook; the second gets more bytes than fit between two processes at a time."""
    for name in NOTEBOOKS:
        path = course.submitted(student) / f"{name}.ipynb"
        notebook = read_notebook(path)
        if name == NOTEBOOKS[0]:
            notebook.cells.append({"cell_type": "markdown", "metadata": {}, "source": f"{MARK}{trap}"})
        else:
            notebook.content["metadata"]["ballast"] = "x" * (2 << 20)
        path.write_text(notebook.dumps(), "utf-8")


def marks(course: Course) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = {}
    for student, notebook, _, auto, _, _ in course.grades():
        found[student, notebook] = found.get((student, notebook), 0) + (auto or 0)
    return found


@pytest.fixture(scope="module")
def trapped(root, tmp_path_factory, request):
    """A class in which everyone had the same marks, then all but one set a trap, and later take it out again: what three runs made of it."""
    course = handed_in(root, tmp_path_factory.mktemp("traps") / "course", ["s01"], only="01")
    with (course.root / "nbgrader_config.py").open("a") as config:
        config.write('c.Autograde.autograde_preprocessors.insert(0, "tests.trapdoor.Trapdoor")\n')
        config.write("c.Examine.memory_mb = 512\n")
    course = Course(course.root, ASSIGNMENT)
    for student in OUTCOMES:
        shutil.copytree(course.submitted("s01"), course.submitted(student))

    def like_the_first(plan, jobs):
        first, *others = jobs
        for job, answer in pool.grade_locally(plan, [first], 1):
            for one in (job, *others):
                yield one, replace(answer, student=one.student, fingerprint=one.fingerprint)

    silence = seconds(4)
    patch = pytest.MonkeyPatch()
    request.addfinalizer(patch.undo)
    patch.setenv("TRAPDOOR_FELL", str(course.root / "fell"))

    def grader(plan, jobs):
        return pool.grade_locally(plan, jobs, 2, seconds=silence)

    assert set(grade_course(course, like_the_first).graded) == {"s01", *OUTCOMES}
    before = marks(course)
    for student in OUTCOMES:
        set_trap(course, student, student)
    first = grade_course(course, grader)
    between = marks(course)
    pages = {
        student: (course.autograded(student) / f"{NOTEBOOKS[0]}.ipynb").read_text("utf-8")
        for student in OUTCOMES
    }
    second = grade_course(course, grader, SECOND_TIME)
    for student in OUTCOMES:
        shutil.rmtree(course.submitted(student))
        shutil.copytree(course.submitted("s01"), course.submitted(student))
    third = grade_course(course, grader)
    return before, between, pages, marks(course), (first, second, third)


@pytest.mark.parametrize("trap", [trap for trap, outcome in OUTCOMES.items() if outcome in ("zeros", "lost")])
def test_a_notebook_that_ends_or_breaks_its_grading_gets_zeros_with_the_reason_and_only_that_one(
    trapped, trap
):
    before, between, pages, _, (summary, *_) = trapped
    assert trap in summary.graded and trap not in summary.trouble
    assert before[trap, NOTEBOOKS[0]] == FULL and between[trap, NOTEBOOKS[0]] == 0
    assert between[trap, NOTEBOOKS[1]] == before[trap, NOTEBOOKS[1]] > 0
    tests = [cell for cell in json.loads(pages[trap])["cells"] if is_test(cell)]
    assert tests and all("could not be graded" in cell["outputs"][0]["evalue"] for cell in tests)
    assert MARK not in pages[trap]
    assert any("could not be graded" in note for note in summary.notes[trap])
    assert (trap in summary.again) == (OUTCOMES[trap] == "lost")


@pytest.mark.parametrize("trap", [trap for trap, outcome in OUTCOMES.items() if outcome == "machine"])
def test_what_is_the_machine_s_fault_is_left_for_the_next_run_with_a_sentence(trapped, trap):
    before, between, _, _, (summary, *_) = trapped
    assert summary.trouble[trap] and trap not in summary.graded
    assert between[trap, NOTEBOOKS[0]] == before[trap, NOTEBOOKS[0]]


def test_what_a_machine_fails_at_for_a_moment_is_graded_in_the_same_run(trapped):
    before, between, _, _, (summary, *_) = trapped
    (trap,) = (trap for trap, outcome in OUTCOMES.items() if outcome == "graded")
    assert trap in summary.graded and trap not in summary.trouble and trap not in summary.again
    assert all(between[trap, name] == before[trap, name] > 0 for name in NOTEBOOKS)


def test_the_next_run_tries_what_was_lost_again_and_nothing_else(trapped):
    *_, (first, second, _) = trapped
    assert not first.stopped and "s01" in first.before
    assert set(second.graded) == {trap for trap in SECOND_TIME if OUTCOMES[trap] == "lost"}


def test_when_the_traps_are_gone_everyone_has_the_marks_from_before(trapped):
    before, _, _, after, (*_, third) = trapped
    assert {*third.graded, *third.before} == {"s01", *OUTCOMES} and not third.again and not third.trouble
    assert after == before


def test_the_summary_says_who_is_graded_again(capsys):
    from rich.console import Console

    from autograder.grading.run import Summary

    print_summary(Summary(graded=["ann", "bob"], again=["ann"]), Console())
    said = " ".join(capsys.readouterr().out.split())
    assert "1 of them got zeros because a grading process was lost; the next run grades them again" in said


def test_what_cells_show_is_left_out_if_it_is_larger_than_a_file_may_be_and_the_marks_stay(root, tmp_path):
    course = handed_in(root, tmp_path / "course", ["s01"], only="0")
    with (course.root / "nbgrader_config.py").open("a") as config:
        config.write("c.Examine.file_mb = 1\n")
    path = course.submitted("s01") / "0_self_check.ipynb"
    notebook = read_notebook(path)
    shows = {"cell_type": "code", "metadata": {}, "source": "print('x' * 900_000)"}
    notebook.cells.extend([shows] * 3)
    path.write_text(notebook.dumps(), "utf-8")
    course = Course(course.root, ASSIGNMENT)
    summary = grade_course(course, lambda plan, jobs: pool.grade_locally(plan, jobs, 1))
    assert "0_self_check: what its cells show is left out: it is larger than 1 MB" in summary.notes["s01"]
    assert marks(course)["s01", "0_self_check"] == FULL
    assert (course.autograded("s01") / "0_self_check.ipynb").stat().st_size < 1 << 20
    with_error = monkeypatched_page(course)
    assert "This notebook cannot be shown: grading it failed with Panic" in with_error
    assert "13/13" in " ".join(with_error.split())


def monkeypatched_page(course: Course) -> str:
    """The page of s01 where showing a notebook fails in a way that nobody foresaw."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feedback, "sheet", lambda *_, **__: fail(Panic("out of bounds")))
        assert feedback.write_student_pages(course, ["s01"]) == []
    return course.student_page("s01").read_text("utf-8")
