"""Attacks with the files that are handed in: the class is graded all the same, and everyone has what their answers deserve."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

# These register their attacks:
import tests.display_attacks
import tests.folder_attacks
import tests.process_attacks  # noqa: F401
from autograder.cli import main
from autograder.files.names import shown_name
from autograder.grading.command import local_grader
from autograder.grading.run import grade_course
from autograder.nbgrader_compat.course import Course
from autograder.notebook.cells import is_test, read_notebook
from autograder.pages.feedback import write_student_pages
from autograder.report.rows import class_rows, print_report
from tests.attack_cases import NOTEBOOK, SOURCE
from tests.courses import ASSIGNMENT
from tests.file_attacks import ATTACKS
from tests.pace import HANG
from tests.thorough import THOROUGH

STUDENTS = {
    shown_name(attack.student) or f"s{number:03}": name
    for number, (name, attack) in enumerate(ATTACKS.items(), 1)
}
HONEST = ("a_first", "z_last")
NBGRADER = [str(Path(sys.executable).parent / "nbgrader"), "autograde", ASSIGNMENT]
BOUND_BY_MODES = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
OURS = [sys.executable, "-m", "autograder.cli", "grade", ASSIGNMENT, "--no-lint", "--jobs", "2"]
COMMANDS = {"autograder grade": OURS, "nbgrader autograde": NBGRADER}


def students_of(how: str) -> dict[str, str]:
    """Who is graded in this way, with their attack. nbgrader takes as long for half of them as we for all."""
    return {
        student: name
        for number, (student, name) in enumerate(STUDENTS.items())
        if THOROUGH or how == "autograder grade" or number % 2
    }


ATTACKED = [
    pytest.param(how, student, id=f"{how}-{name}")
    for how in COMMANDS
    for student, name in students_of(how).items()
]


def attacked_course(root: Path, where: Path, attackers: dict[str, str] | None = None) -> Course:
    """A course with the first notebook alone, the attackers (names of attacks by student), and one honest student at either end of the list."""
    source = where / "solutions" / ASSIGNMENT
    (source / "tables").mkdir(parents=True)
    shutil.copy(SOURCE, source)
    for path in SOURCE.parent.glob("*cases.*"):
        shutil.copy(path, source)
    (source / "table.csv").write_text("a,b\n")
    (source / "tables" / "one.csv").write_text("c,d\n")
    shutil.copy(root / "nbgrader_config.py", where)
    with (where / "nbgrader_config.py").open("a") as config:
        config.write("c.Examine.cell_seconds = 3\nc.Examine.call_seconds = 2\nc.Examine.memory_mb = 512\n")
    course = Course(where, ASSIGNMENT)
    course.generate_assignment()
    for student in HONEST:
        hand_in(course, student, "schema_version_1")
    for student, name in (attackers or {}).items():
        hand_in(course, student, name)
    for name, put in {"README.txt": Path.touch, "pipe": os.mkfifo, "nothing in it": Path.mkdir}.items():
        put(course.root / "submitted" / name)
    return course


def hand_in(course: Course, student: str, name: str) -> None:
    folder = course.submitted(student)
    folder.mkdir(parents=True)
    ATTACKS[name].apply(folder)


def graded_course(root: Path, where: Path, how: str):
    """A course, its marks by student and cell, what the command printed, and who attacked how."""
    attackers = students_of(how)
    course = attacked_course(root, where, attackers)
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        COMMANDS[how],
        cwd=course.root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=HANG,
        errors="replace",
    )
    marks: dict[str, dict[str, float | None]] = {}
    for student, _, cell, mark, _, maximum in course.grades():
        assert mark is None or mark <= maximum
        marks.setdefault(student, {})[cell] = mark
    return course, marks, done, attackers


@pytest.fixture(scope="module")
def courses(root, tmp_path_factory):
    """Gives a course that is graded when it is asked for first: pytest would grade one anew for each test that names another student."""

    @functools.cache
    def of(how: str):
        return graded_course(root, tmp_path_factory.mktemp("attacked") / "course", how)

    return of


@pytest.fixture(params=COMMANDS)
def graded(request, courses):
    return courses(request.param)


@pytest.mark.parametrize(("graded", "student"), ATTACKED, indirect=["graded"])
def test_everyone_has_what_the_answers_deserve_and_no_mark_is_missing(graded, student):
    _, marks, done, _ = graded
    assert None not in marks[student].values(), done.stdout + done.stderr
    assert sum(marks[student].values()) == ATTACKS[STUDENTS[student]].marks


def test_the_honest_before_and_after_them_are_graded(graded):
    _, marks, done, _ = graded
    assert sum(marks["a_first"].values()) == sum(marks["z_last"].values()) == 13
    assert done.returncode == 0 and "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr


def test_nobody_else_is_in_the_gradebook_and_every_name_in_it_can_be_shown(graded):
    course, marks, _, attackers = graded
    assert set(marks) == {*attackers, *HONEST}
    for path in [*(course.root / "autograded").rglob("*"), *(Path(name) for name in marks)]:
        assert str(path).isprintable()


def test_a_notebook_without_marks_says_why_in_every_test_cell(graded):
    course, *_, attackers = graded
    tests = sum(map(is_test, read_notebook(SOURCE).cells))
    for student, name in attackers.items():
        if ATTACKS[name].unreadable:
            cells = read_notebook(course.autograded(student) / NOTEBOOK).cells
            said = [cell["outputs"][0]["evalue"] for cell in cells if is_test(cell)]
            assert len(said) == tests and all(
                "could not be graded: " in " ".join(one.split()) for one in said
            ), name


def test_nothing_that_links_led_to_was_copied(graded):
    course, *_ = graded
    solution = SOURCE.read_text("utf-8").split("### BEGIN SOLUTION")[1][:40]
    for path in (course.root / "autograded").rglob("*"):
        assert not path.is_symlink()
        if path.is_file() and path.name != NOTEBOOK:
            assert solution not in path.read_text("utf-8", errors="replace")


def test_no_script_is_left_in_a_graded_notebook(graded):
    course, *_, attackers = graded
    for student, name in attackers.items():
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


def test_the_report_shows_everyone(graded, capsys):
    course, *_, attackers = graded
    rows = class_rows(course)
    print_report(rows)
    assert {row.student for row in rows} == {*attackers, *HONEST}
    assert "a_first" in capsys.readouterr().out


def test_everyone_has_a_page(graded):
    course, *_ = graded
    assert write_student_pages(course, course.students()) == []
    for student in course.students():
        assert "Feedback for" in course.student_page(student).read_text("utf-8")


def test_no_mark_of_an_earlier_grading_stands_beside_what_cannot_be_graded_now(root, tmp_path):
    course = attacked_course(root, tmp_path / "course")
    hostile = {student: name for student, name in STUDENTS.items() if ATTACKS[name].unreadable}
    honest: list = []

    def remember(plan, jobs):
        for job, answer in local_grader(1)(plan, jobs):
            honest.append(answer)
            yield job, answer

    def as_if_everyone_were(plan, jobs):
        for job in jobs:
            yield job, replace(honest[0], student=job.student, fingerprint=job.fingerprint)

    grade_course(course, remember, ["a_first"])
    replaced = {
        "became_a_file": Path.touch,
        "became_a_pipe": os.mkfifo,
        "became_a_link_to_itself": link_to_itself,
    }
    everyone = {*hostile, *replaced}
    for student in everyone:
        hand_in(course, student, "schema_version_1")
    assert set(grade_course(course, as_if_everyone_were, everyone).graded) == everyone
    assert sum(mark or 0 for *_, mark, _, _ in course.grades()) == 13 * (len(everyone) + 1)
    for student, name in hostile.items():
        shutil.rmtree(course.submitted(student))
        hand_in(course, student, name)
    for student, put in replaced.items():
        shutil.rmtree(course.submitted(student).parent)
        put(course.submitted(student).parent)
    summary = grade_course(course, local_grader(2))
    assert not summary.trouble and not summary.stopped and everyone <= set(summary.graded)
    found = {(student, mark) for student, _, _, mark, _, _ in course.grades() if student in everyone}
    assert found == {(student, 0) for student in everyone}
    assert grade_course(course, local_grader(2)).graded == []


def link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


CHECKED = [
    name
    for name, attack in ATTACKS.items()
    if attack.unreadable or name in ("surrogates_everywhere", "a_cell_of_nine_megabytes", "keys_twice")
]


@pytest.fixture(scope="module")
def submissions(root, tmp_path_factory):
    """A course's folders, for the attacks that look for them."""
    base = tmp_path_factory.mktemp("checked")
    for folder in (base / "solutions" / ASSIGNMENT, base / "submitted" / "a_first" / ASSIGNMENT):
        folder.mkdir(parents=True)
        shutil.copy(SOURCE, folder)
    return base / "submitted"


@pytest.mark.parametrize("name", CHECKED)
def test_autograder_check_gives_marks_or_a_sentence(submissions, name, capsys):
    folder = submissions / name / ASSIGNMENT
    folder.mkdir(parents=True)
    ATTACKS[name].apply(folder)
    status = main(["check", "--no-progress", "--exam", str(SOURCE.parent), str(folder / NOTEBOOK)])
    captured = capsys.readouterr()
    assert (status, captured.err[:12]) == (2, "autograder: ") or (
        status in (0, 1) and "of 13 points" in captured.out
    )


@pytest.mark.skipif(
    os.getuid() != 0 or not shutil.which("setpriv"), reason="root gives up rights with setpriv"
)
def test_what_may_not_be_read_gets_zeros_in_the_place_of_its_old_marks(root):
    """Graded twice by someone whom the modes of files bind."""
    with tempfile.TemporaryDirectory() as where:
        course = attacked_course(root, Path(where) / "course")
        locked = {
            "notebook": NOTEBOOK,
            "folder": ".",
            "students_folder": "..",
            "other": "notes.txt",
            "time": "timestamp.txt",
        }
        for student in locked:
            hand_in(course, student, "schema_version_1")
            (course.submitted(student) / "notes.txt").write_text("mine")
            (course.submitted(student) / "timestamp.txt").write_text("2026-01-01 00:00:00 UTC")
        totals = []
        for mode in (0o755, 0):
            for student, name in locked.items():
                (course.submitted(student) / name).resolve().chmod(mode)
            done = subprocess.run(
                [*BOUND_BY_MODES, *OURS], cwd=course.root, capture_output=True, text=True, timeout=300
            )
            assert done.returncode == 0 and "Traceback" not in done.stdout + done.stderr, (
                done.stdout + done.stderr
            )
            marks: dict[str, float] = {}
            for student, _, _, mark, _, _ in course.grades():
                marks[student] = marks.get(student, 0) + (mark or 0)
            totals.append(marks)
        for student, name in locked.items():
            (
                course.submitted(student).parent
                if student == "students_folder"
                else course.submitted(student) / name
            ).chmod(0o755)
    assert set(totals[0].values()) == {13}
    unreadable = {"notebook": 0, "folder": 0, "students_folder": 0}
    assert totals[1] == totals[0] | unreadable
