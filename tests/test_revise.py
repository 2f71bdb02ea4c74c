"""``autograder revise``: a changed source while there are submissions. Shown first, then all of it or nothing; what people gave is kept."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from nbformat.v4 import new_markdown_cell

from autograder.cli import main
from autograder.files.renamed import read_renamed, renamed_text, with_renamed
from autograder.grading.command import local_grader
from autograder.grading.pending import make_plan
from autograder.grading.run import grade_course
from autograder.nbgrader_compat.course import Course, CourseError
from autograder.nbgrader_compat.triage import class_triage
from autograder.report.exports import waiting
from autograder.report.marks import class_marks
from autograder.revision.command import revision_lines
from autograder.revision.revise import revise_course
from tests.changing import ASSIGNMENT, FIRST, Question, by_rule, change, hand_in, new_course, one_alembic
from tests.gradebooks import everything, rows
from tests.servers import postgresql

BIN = Path(sys.executable).parent
A, B, WHY = FIRST["work"]
CHANGED = {
    "work": [
        dataclasses.replace(A, name="first", variable="a"),
        dataclasses.replace(B, points=5, right=2),
        dataclasses.replace(WHY, points=3),
        Question("new", 1),
    ],
    "more": [Question("extra", 2)],
}


@pytest.fixture(scope="module", autouse=True)
def _one_alembic():
    with one_alembic():
        yield


@pytest.fixture(scope="module")
def graded(tmp_path_factory) -> Path:
    """Three students who are graded, and what people gave them."""
    root = tmp_path_factory.mktemp("revise") / "course"
    made = new_course(root)
    with made.gradebook() as book:
        book.update_or_create_assignment(ASSIGNMENT, duedate="2026-01-01 00:00:00 UTC")
    hand_in(made, "ada", a=1, b=2, why="Because.")
    hand_in(made, "bob", a=7, b=3, why="I think so.")
    hand_in(made, "cyd", a=1)
    (made.submitted("bob") / "timestamp.txt").write_text("2026-01-02 00:00:00 UTC")
    assert len(grade_course(made, by_rule).graded) == 3
    with made.gradebook() as book:
        book.grant_extension(ASSIGNMENT, "bob", days=3)
        give(book, "ada", "why", 3.5, extra=0.5)
        give(book, "bob", "a_test", 1)
        for student, cell in (("ada", "why"), ("bob", "a"), ("bob", "why")):
            book.find_comment(cell, "work", ASSIGNMENT, student).manual_comment = f"To {student}: {cell}."
        book.db.commit()
    return root


def give(book, student, cell, mark, extra=None):
    grade = book.find_grade(cell, "work", ASSIGNMENT, student)
    grade.manual_score, grade.extra_credit, grade.needs_manual_grade = mark, extra, False


@pytest.fixture
def course(graded, tmp_path) -> Course:
    return Course(shutil.copytree(graded, tmp_path / "course"), ASSIGNMENT)


def by_hand(course):
    """What people gave, where they gave something: mark, extra credit, whether it waits, comment."""
    found = {}
    with course.gradebook() as book:
        for submission in book.assignment_submissions(ASSIGNMENT):
            for notebook in submission.notebooks:
                for grade in notebook.grades:
                    if grade.manual_score is not None or grade.extra_credit:
                        found[submission.student_id, grade.name] = (
                            grade.manual_score,
                            grade.extra_credit,
                            grade.needs_manual_grade,
                        )
                for comment in notebook.comments:
                    if comment.manual_comment:
                        found[submission.student_id, f"{comment.name}, comment"] = comment.manual_comment
    return found


def totals(course):
    with course.gradebook() as book:
        return {
            one.student_id: (one.score - one.late_submission_penalty, one.max_score)
            for one in book.assignment_submissions(ASSIGNMENT)
        }


def files(*folders):
    return {path: path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()}


def test_what_would_change_is_shown_and_nothing_is_changed(course):
    change(course, CHANGED)
    before = everything(course), files(course.release, course.source)
    revision = revise_course(course, by_rule)
    assert (everything(course), files(course.release, course.source)) == before
    assert not list(course.root.glob("*before-revise*"))
    lines = list(revision_lines(ASSIGNMENT, revision, False))
    assert max(map(len, lines)) <= 80
    said = "\n".join(lines)
    for what in (
        "more\n    notebook added, 2 points",
        "first: renamed from a",
        "first_test: renamed from a_test",
        "b_test: points 3 → 5, test changed",
        "why: points 4 → 3",
        "new_test: added, 1 point",
        "Points that there are: 9 → 13.",
        "3 submissions graded again: the totals of 1 would change.",
        "ada            6       11  b_test 0 → 5",
        "Marks by hand for questions that are changed: 1.",
        "Nothing is changed yet: autograder revise hw --apply does it.",
    ):
        assert what in said, said


def test_it_is_done_as_it_was_shown_and_what_people_gave_is_kept(course):
    before = by_hand(course)
    change(course, CHANGED)
    shown = revise_course(course, by_rule)
    done = revise_course(course, by_rule, apply=True)
    assert (shown.changes, shown.totals, shown.points) == (done.changes, done.totals, done.points)
    assert totals(course) == {"ada": (11, 13), "bob": (1, 13), "cyd": (2, 13)}
    renamed = {"a_test": "first_test", "a, comment": "first, comment"}
    kept = {(student, renamed.get(cell, cell)): given for (student, cell), given in before.items()}
    # It is above the maximum now; the overruled test is the same test of the same answer.
    assert by_hand(course) == kept | {("ada", "why"): (3.5, 0.5, True)}
    says = [(one.reason, one.student, one.says) for one in class_triage(course)]
    assert ("above", "ada", "the mark 3.5 of why is above its maximum, which is 3") in says
    with course.gradebook() as book:
        assert book.find_submission(ASSIGNMENT, "bob").extension.days == 3
    assert done.backup is not None and rows(
        Course(course.root, ASSIGNMENT, f"sqlite:///{done.backup}")
    ) != rows(course)
    assert grade_course(course, by_rule).before == ["ada", "bob", "cyd"]
    assert {path.name for path in course.release.glob("*.ipynb")} == {"more.ipynb", "work.ipynb"}
    assert not [path for path in course.root.rglob(".hw.*")]


def test_a_second_time_there_is_nothing_to_change(course):
    change(course, CHANGED)
    revise_course(course, by_rule, apply=True)
    before = rows(course)
    again = revise_course(course, by_rule, apply=True)
    assert (again.changes, again.totals, again.asked, again.aside) == ([], [], 0, 0)
    assert rows(course) == before
    assert "No question is changed." in "\n".join(revision_lines(ASSIGNMENT, again, True))


class Stopped(BaseException):
    """What kills it."""


@pytest.mark.parametrize("moment", ["graded", "staged", "committed"])
def test_stopped_at_any_moment_everything_is_old_or_everything_is_new(course, tmp_path, moment):
    old = everything(course), files(course.release)
    other = Course(shutil.copytree(course.root, tmp_path / "other"), ASSIGNMENT)
    for one in (course, other):
        change(one, CHANGED)
    revise_course(other, by_rule, apply=True)

    def stop(step):
        if step == moment:
            os._exit(3)

    if os.fork() == 0:
        try:
            revise_course(course, by_rule, apply=True, between=stop)
        finally:
            os._exit(4)
    assert os.waitstatus_to_exitcode(os.wait()[1]) == 3
    if moment == "committed":
        assert grade_course(course, by_rule).before == ["ada", "bob", "cyd"]
        assert everything(course) == everything(other)
        assert [*files(course.release).values()] == [*files(other.release).values()]
    else:
        with pytest.raises(CourseError, match="autograder revise hw shows what changes for whom"):
            grade_course(course, by_rule)
        assert (everything(course), files(course.release)) == old
        revise_course(course, by_rule, apply=True)
        assert everything(course) == everything(other)


@pytest.mark.parametrize("moment", ["graded", "staged"])
def test_an_error_or_ctrl_c_leaves_nothing_behind(course, moment):
    old = everything(course), files(course.release)
    change(course, CHANGED)

    def stop(step):
        if step == moment:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        revise_course(course, by_rule, apply=True, between=stop)
    assert (everything(course), files(course.release)) == old
    assert not [path for path in course.root.rglob(".hw.*")]


def test_nbgrader_and_our_own_commands_go_on_from_there(course, capsys):
    change(course, CHANGED)
    shutil.copy(course.source / "work.ipynb", course.source / "work-Copy1.ipynb")
    assert main(["revise", ASSIGNMENT, "--course", str(course.root), "--apply"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "hw/work-Copy1.ipynb is left out: it is a copy of work.ipynb." in said
    assert "The gradebook as it was is kept as gradebook.before-revise-1.db beside it." in said
    before, released = rows(course), files(course.release)
    for command in (
        ["generate_assignment", ASSIGNMENT, "--force"],
        ["autograde", ASSIGNMENT, "--student", "cyd", "--force"],
        ["autograde", ASSIGNMENT, "--student", "bob", "--force"],
        ["generate_feedback", ASSIGNMENT, "--student", "bob"],
        ["export"],
    ):
        done = subprocess.run([BIN / "nbgrader", *command], cwd=course.root, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert files(course.release) == released
    table = (course.root / "grades.csv").read_text()
    assert {line.split(",")[9] for line in table.splitlines()[1:]} == {"11.0", "1.0", "2.0"}, table
    after = rows(course)
    # nbgrader asks for every mark by hand again.
    changed = {line for line in after["grade"] if line not in before["grade"]}
    assert changed == {"('bob', 'work', 'first_test', 'GradeCell', 0.0, 1.0, None, 1)"}
    assert {key: lines for key, lines in after.items() if key != "grade"} == {
        key: lines for key, lines in before.items() if key != "grade"
    }
    for command in (
        ["grade", ASSIGNMENT],
        ["report", ASSIGNMENT],
        ["export", ASSIGNMENT, "--for", "csv", "--incomplete"],
        ["written", ASSIGNMENT, "--out", str(course.root / "w.csv")],
        ["feedback", ASSIGNMENT],
    ):
        assert main([*command, "--course", str(course.root)]) == 0, command


def test_a_real_run_gives_the_marks_of_the_short_rule(course):
    change(course, {**CHANGED, "third": [Question("reason", 2, written=True)]})
    shown = revise_course(course, by_rule)
    done = revise_course(course, local_grader(2), apply=True)
    assert (done.totals, done.changes) == (shown.totals, shown.changes)
    assert totals(course) == {"ada": (11, 15), "bob": (1, 15), "cyd": (2, 15)}
    with course.gradebook() as book:  # whoever handed in before it was there has no points for it
        assert [
            (grade.auto_score, grade.needs_manual_grade)
            for student in ("ada", "bob", "cyd")
            for grade in book.find_submission_notebook("third", ASSIGNMENT, student).grades
        ] == 3 * [(0, False)]


def test_a_mark_is_looked_at_again_if_the_answer_is_another_one(course):
    change(course, {"work": [A, dataclasses.replace(B, right=2), WHY]})
    hand_in(course, "ada", a=1, b=2, why="Because of something else.")
    revise_course(course, by_rule, apply=True)
    marks = by_hand(course)
    assert marks["ada", "why"] == (3.5, 0.5, True) and marks["bob", "a_test"] == (1, None, False)


def test_a_question_without_points_is_dropped_from_the_total_and_can_come_back(course):
    before = by_hand(course), totals(course)
    change(course, {"work": [A, B, dataclasses.replace(WHY, points=0)]})
    shown = revise_course(course, by_rule, apply=True)
    assert [one.says for one in shown.changes] == ["points 4 → 0: dropped from the total"]
    assert shown.aside == 1
    assert totals(course) == {"ada": (2.5, 5), "bob": (1, 5), "cyd": (2, 5)}
    assert not waiting(class_marks(course))
    for command in (["report"], ["export", "--for", "csv"]):
        assert main([command[0], ASSIGNMENT, *command[1:], "--course", str(course.root)]) == 0
    course.autograde("bob")  # by nbgrader
    with course.gradebook() as book:
        assert not book.find_grade("why", "work", ASSIGNMENT, "bob").needs_manual_grade
        give(book, "bob", "a_test", 1)
        book.db.commit()
    change(course, FIRST)
    back = revise_course(course, by_rule, apply=True)
    assert back.aside == -1 and totals(course) == before[1]
    assert by_hand(course) == before[0] | {("ada", "why"): (3.5, 0.5, True)}


def test_a_question_that_is_removed_and_put_back_has_what_people_gave(course):
    before = by_hand(course)
    change(course, {"work": [B], "other": [Question("x")]})
    assert revise_course(course, by_rule, apply=True).aside == 4
    assert by_hand(course) == {}
    change(course, FIRST)
    assert revise_course(course, by_rule, apply=True).aside == -4
    waits = {key: (*given[:2], True) for key, given in before.items() if isinstance(given, tuple)}
    assert by_hand(course) == before | waits


def test_a_whole_notebook_that_is_removed_and_put_back_has_it_too(course):
    before = by_hand(course)
    change(course, {"other": [Question("x")]})
    revise_course(course, by_rule, apply=True)
    assert by_hand(course) == {} and totals(course) == dict.fromkeys(["ada", "bob", "cyd"], (0, 2))
    change(course, FIRST)
    revise_course(course, by_rule, apply=True)
    assert {key: given[0] for key, given in by_hand(course).items()} == {
        key: given[0] for key, given in before.items()
    }


class Task(Question):
    """A question that is a task: the student writes wherever they like, and a person marks it."""

    @property
    def graded(self):
        return self.name

    def cells(self):
        made = new_markdown_cell(f"Do {self.name}.", id=self.name)
        flags = {"grade": False, "solution": False, "locked": True, "task": True}
        made.metadata["nbgrader"] = {
            "grade_id": self.name,
            "schema_version": 3,
            "points": self.points,
            **flags,
        }
        return [made]


def test_a_question_that_becomes_another_kind_of_cell_keeps_what_people_gave(course):
    before = by_hand(course)
    waits = before | {("ada", "why"): (3.5, 0.5, True)}
    for question in (Task("why", 4), WHY):
        change(course, {"work": [A, B, question]})
        revision = revise_course(course, by_rule, apply=True)
        assert (revision.asked, revision.aside) == (1, 0)
        assert by_hand(course) == waits
    course.generate_assignment()
    course.autograde("ada")
    assert by_hand(course) == waits


def test_marks_that_somebody_gives_meanwhile_are_kept(course):
    change(course, {"work": [A, B, WHY, Question("new", 1)]})

    def mark(step):
        if step == "graded":
            with course.gradebook() as book:
                give(book, "cyd", "why", 1)
                book.db.commit()

    revise_course(course, by_rule, apply=True, between=mark)
    assert by_hand(course)["cyd", "why"] == (1, None, False)


def test_another_assignment_with_cells_of_the_same_names_is_left_alone(course):
    shutil.copytree(course.source, course.layout.source / "other")
    other = Course(course.root, "other")
    other.generate_assignment()
    shutil.copytree(course.submitted("ada"), other.submitted("ada"))
    grade_course(other, by_rule)
    before = [(grade, make_plan(other).notebooks) for grade in other.grades()]
    change(course, {"work": [dataclasses.replace(B, name="c", points=1)]})
    revise_course(course, by_rule, apply=True)
    assert [(grade, make_plan(other).notebooks) for grade in other.grades()] == before
    assert grade_course(other, by_rule).before == ["ada"]


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (lambda folder: (folder / "work.ipynb").write_text("{"), "work.ipynb"),
        (lambda folder: change(folder, {"work": [A, A]}), "a"),
        (lambda folder: (folder / "work.ipynb").unlink(), "has no assignment 'hw'"),
        (
            lambda folder: ((folder / "kit").mkdir(), (folder / "kit/renamed.toml").write_text("[")),
            "is not TOML",
        ),
        (
            lambda folder: ((folder / "kit").mkdir(), (folder / "kit/renamed.toml").write_text("a = 1")),
            "must hold",
        ),
        (lambda folder: ((folder / "kit").mkdir(), (folder / "kit/kit.toml").write_text("[")), "kit.toml"),
    ],
)
def test_a_source_that_cannot_be_used_is_named_and_nothing_is_changed(course, capsys, break_it, says):
    old = everything(course), files(course.release)
    break_it(course.source)
    assert main(["revise", ASSIGNMENT, "--course", str(course.root), "--apply", "--no-lint"]) == 2
    assert says in capsys.readouterr().err
    change(course, FIRST)
    shutil.rmtree(course.source / "kit", ignore_errors=True)
    assert (everything(course), files(course.release)) == old


def test_a_late_submission_keeps_its_penalty_by_the_new_marks(course):
    with course.gradebook() as book:
        book.grant_extension(ASSIGNMENT, "bob", hours=1)
    change(course, {"work": [dataclasses.replace(A, right=7), B, WHY]})
    revision = revise_course(course, by_rule, apply=True)
    (bob,) = (one for one in revision.totals if one.student == "bob")
    assert (bob.before, bob.after) == (1, 0)
    assert bob.because == ("late penalty of work 0 → 1",)
    assert totals(course)["bob"] == (0, 9)


def test_whose_files_are_gone_keeps_the_marks_and_waits(course):
    shutil.rmtree(course.submitted("ada").parent)
    change(course, {"work": [dataclasses.replace(A, right=7), B, WHY, Question("new", 1)]})
    revision = revise_course(course, by_rule, apply=True)
    assert revision.not_graded == ["ada"] and totals(course)["ada"] == (6, 10)
    with course.gradebook() as book:
        found = {
            grade.name: grade.needs_manual_grade
            for grade in book.find_submission_notebook("work", ASSIGNMENT, "ada").grades
        }
    assert found == {"a_test": True, "b_test": False, "why": False, "new_test": True}


def test_another_name_with_another_text_is_told(course, capsys):
    change(course, {"work": [Question("z", 2, 7, variable="a"), B, WHY]})
    command = ["revise", ASSIGNMENT, "--course", str(course.root), "--no-lint"]
    for wrong, says in {
        "a": "--rename 'a' is not OLD=NEW",
        "q=z": "no notebook had a cell 'q' that is gone, and has a new cell 'z'",
        "b=z": "no notebook had a cell 'b' that is gone",
        "other/a=z": "no notebook had a cell 'a' that is gone",
    }.items():
        assert main([*command, "--rename", wrong]) == 2
        assert says in capsys.readouterr().err
    hint = revise_course(course, by_rule)
    assert "--rename OLD=NEW" in "\n".join(revision_lines(ASSIGNMENT, hint, False))
    revision = revise_course(course, by_rule, ["a=z", "work/a_test=z_test"], apply=True)
    assert revision.aside == 0 and by_hand(course)["bob", "z_test"] == (1, None, True)
    assert read_renamed(course.source) == {"work": {"a": "z", "a_test": "z_test"}}
    hand_in(course, "dan", z="a = 7")  # from the new release
    assert sorted(grade_course(course, by_rule).before) == ["ada", "bob", "cyd"]
    assert totals(course)["dan"] == (2, 9)
    change(course, {"work": [Question("last", 2, 7, variable="a"), B, WHY]})
    revise_course(course, by_rule, apply=True)
    assert read_renamed(course.source)["work"] == dict.fromkeys(["a", "z"], "last") | dict.fromkeys(
        ["a_test", "z_test"], "last_test"
    )
    assert totals(course)["bob"] == (1, 9) and totals(course)["dan"] == (2, 9)
    change(course, {"work": [Question("last", 2, 7, variable="a"), B, WHY, Question("z")]})
    with pytest.raises(
        CourseError, match="work has a cell z, as one that is called last now was called before"
    ):
        revise_course(course, by_rule)


NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)


@given(renamed=st.dictionaries(NAMES, st.dictionaries(NAMES, NAMES, min_size=1), max_size=3))
@example(renamed={"a\x7f\n[b]": {'"😀': "\\"}})
def test_the_file_of_names_says_what_was_written_into_it(tmp_path_factory, renamed):
    folder = tmp_path_factory.mktemp("names")
    (folder / "kit").mkdir()
    (folder / "kit" / "renamed.toml").write_text(renamed_text(renamed), "utf-8")
    assert read_renamed(folder) == renamed


@given(
    steps=st.lists(
        st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd")).filter(lambda p: p[0] != p[1]), max_size=6
    )
)
def test_names_that_change_again_lead_to_the_last_one(steps):
    renamed, now = {}, {name: name for name in "abcd"}
    for old, new in steps:
        called = renamed.get("work", {}).get(new, old)
        if called != old and called in now.values():
            continue  # refused: submissions call another question by this name
        if old in now.values() and new not in now.values():
            renamed = with_renamed(renamed, {"work": {old: new}})
            now = {first: new if last == old else last for first, last in now.items()}
        elif new in now.values():  # it is free once its question is gone
            now = {first: last for first, last in now.items() if last != new}
    for first, last in now.items():
        assert renamed.get("work", {}).get(first, first) == last


def test_grading_a_changed_source_names_this_command_and_nbgrader_does_too(course):
    change(course, {"work": [A, dataclasses.replace(B, right=2), WHY]})
    with pytest.raises(CourseError, match="autograder revise hw shows what changes for whom"):
        make_plan(course)
    change(course, {"work": [A, WHY]})
    with pytest.raises(CourseError, match="autograder revise hw"):
        make_plan(course)
    with pytest.raises(CourseError, match=r"Cannot add or remove cells .* autograder revise hw"):
        course.generate_assignment()


def test_while_nobody_is_graded_nbgrader_s_own_command_is_named(tmp_path):
    course = new_course(tmp_path / "course")
    change(course, CHANGED)
    for work in (lambda: revise_course(course, by_rule), lambda: make_plan(course)):
        with pytest.raises(CourseError, match="nbgrader generate_assignment hw --force"):
            work()


def test_on_a_server_it_is_the_same(course, tmp_path):
    with postgresql() as url:
        there = Course(course.root, ASSIGNMENT, url)
        there.generate_assignment()
        grade_course(there, by_rule)
        with there.gradebook() as book:
            give(book, "ada", "why", 3.5, extra=0.5)
            give(book, "bob", "a_test", 1)
            for student, cell in (("ada", "why"), ("bob", "a"), ("bob", "why")):
                book.find_comment(cell, "work", ASSIGNMENT, student).manual_comment = f"To {student}: {cell}."
            book.db.commit()
        change(course, CHANGED)
        before = rows(there)
        shown = revise_course(there, by_rule)
        assert rows(there) == before
        done = revise_course(there, by_rule, apply=True)
        assert done.totals == shown.totals and done.backup is None
        assert totals(there) == {"ada": (11, 13), "bob": (1, 13), "cyd": (2, 13)}
        assert by_hand(there)["ada", "why"] == (3.5, 0.5, True)
        change(course, FIRST)
        revise_course(there, by_rule, apply=True)
        assert by_hand(there)["bob", "a, comment"] == "To bob: a."
