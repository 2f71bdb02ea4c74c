"""Whatever is changed in whatever order: what people gave is what a simple model says, and all else is as in a gradebook made from the new source."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.grading.run import grade_course
from autograder.nbgrader_compat.course import Course
from autograder.revision.revise import revise_course
from tests.changing import ASSIGNMENT, FIRST, Question, by_rule, change, hand_in, new_course, one_alembic
from tests.gradebooks import rows

STUDENTS = {"ada": (1, 2), "bob": (3, 1), "cyd": (1, 1)}
DUE = "2026-01-01 00:00:00 UTC"


@pytest.fixture(scope="module", autouse=True)
def _one_alembic():
    with one_alembic():
        yield


@pytest.fixture(scope="module")
def graded(tmp_path_factory) -> Path:
    """A class of which one is late."""
    root = tmp_path_factory.mktemp("random") / "course"
    made = new_course(root)
    with made.gradebook() as book:
        book.update_or_create_assignment(ASSIGNMENT, duedate=DUE)
    for student, (a, b) in STUDENTS.items():
        hand_in(made, student, a=a, b=b, why=f"{student} thinks so.")
    (made.submitted("bob") / "timestamp.txt").write_text("2026-01-03 00:00:00 UTC")
    assert len(grade_course(made, by_rule).graded) == len(STUDENTS)
    return root


@dataclasses.dataclass
class Given:
    """What people gave one student for one question."""

    mark: float | None = None
    extra: float | None = None
    comment: str | None = None


class Model:
    """What should be kept: it goes where its question goes."""

    def __init__(self) -> None:
        self.questions = list(FIRST["work"])
        self.here: dict[tuple[str, str], Given] = {}
        self.aside: dict[tuple[str, str], Given] = {}
        self.gone: list[Question] = []
        self.count = 0

    def new_name(self) -> str:
        self.count += 1
        return f"q{self.count}"

    def replace(self, at: int, **values: object) -> None:
        self.questions[at] = dataclasses.replace(self.questions[at], **values)

    def points(self, at: int, points: int) -> None:
        before = self.questions[at]
        self.replace(at, points=points)
        for student in STUDENTS:
            own = self.here.setdefault((student, before.name), Given())
            kept = self.aside.setdefault((student, before.name), Given())
            if before.points and not points and own.mark is not None:
                own.mark, kept.mark = None, own.mark
            elif points and not before.points and kept.mark is not None:
                own.mark, kept.mark = kept.mark, None

    def rename(self, at: int) -> list[str]:
        before = self.questions[at]
        new = self.new_name()
        self.replace(at, name=new, variable=before.variable or before.name)
        for student in STUDENTS:
            for where in (self.here, self.aside):
                if (student, before.name) in where:
                    where[student, new] = where.pop((student, before.name))
        told = [f"{before.name}={new}"]
        return told if before.written else [*told, f"{before.graded}={self.questions[at].graded}"]

    def remove(self, at: int) -> None:
        question = self.questions.pop(at)
        self.gone.append(question)
        for student in STUDENTS:
            own = self.here.pop((student, question.name), Given())
            kept = self.aside.setdefault((student, question.name), Given())
            for field in dataclasses.fields(Given):
                if getattr(own, field.name) is not None:
                    setattr(kept, field.name, getattr(own, field.name))

    def add(self, question: Question) -> None:
        self.questions.append(question)
        for student in STUDENTS:
            kept = self.aside.pop((student, question.name), Given())
            self.here[student, question.name] = kept
            if not question.points and kept.mark is not None:
                self.aside[student, question.name] = Given(kept.mark)
                kept.mark = None


def give(course: Course, model: Model, student: str, at: int, given: Given) -> None:
    question = model.questions[at]
    if not question.points:
        given.mark = None  # nobody is asked for one
    with course.gradebook() as book:
        grade = book.find_grade(question.graded, "work", ASSIGNMENT, student)
        grade.manual_score, grade.extra_credit = given.mark, given.extra
        grade.needs_manual_grade = False
        comment = book.find_comment(question.name, "work", ASSIGNMENT, student)
        comment.manual_comment = given.comment
        book.db.commit()
    model.here[student, question.name] = given


def kept(course: Course, model: Model, changed: set[str]) -> dict[tuple[str, str], Given]:
    found = {}
    with course.gradebook() as book:
        for submission in book.assignment_submissions(ASSIGNMENT):
            (notebook,) = submission.notebooks
            comments = {one.name: one.manual_comment for one in notebook.comments}
            grades = {one.name: one for one in notebook.grades}
            for one in model.questions:
                grade = grades[one.graded]
                mark = Given(grade.manual_score, grade.extra_credit, comments[one.name])
                if mark != Given():
                    found[submission.student_id, one.name] = mark
                if grade.manual_score is not None and one.graded in changed:
                    assert grade.needs_manual_grade
    return found


def fresh(course: Course, model: Model, root: Path, extension: int) -> Course:
    """A gradebook that never knew another source, with the marks that the model says."""
    shutil.copytree(course.root, root, ignore=shutil.ignore_patterns("gradebook*", "autograded", "release"))
    made = Course(root, ASSIGNMENT)
    made.generate_assignment()
    with made.gradebook() as book:
        book.update_or_create_assignment(ASSIGNMENT, duedate=DUE)
    grade_course(made, by_rule)
    with made.gradebook() as book:
        book.grant_extension(ASSIGNMENT, "bob", days=extension)
        for (student, name), given in model.here.items():
            graded = next(one.graded for one in model.questions if one.name == name)
            grade = book.find_grade(graded, "work", ASSIGNMENT, student)
            grade.manual_score, grade.extra_credit = given.mark, given.extra
            comment = book.find_comment(name, "work", ASSIGNMENT, student)
            comment.manual_comment = given.comment
        book.db.commit()
    grade_course(made, by_rule, force=True)  # for the late penalties
    return made


def without_waiting(lines: list[str]) -> list[str]:
    return [line.rpartition(",")[0] for line in lines]


MARK = st.none() | st.sampled_from([0.0, 0.5, 1.0, 4.0])
GIVEN = st.builds(
    Given, MARK, st.sampled_from([None, None, 0.5]), st.sampled_from([None, "Good.", "See “me”."])
)


@settings(max_examples=5)
@given(data=st.data())
def test_what_people_gave_and_everything_else_is_right(graded, tmp_path_factory, data):
    base = tmp_path_factory.mktemp("run")
    course = Course(shutil.copytree(graded, base / "course"), ASSIGNMENT)
    model = Model()
    extension = data.draw(st.sampled_from([0, 1, 5]), "days more for bob")
    with course.gradebook() as book:
        book.grant_extension(ASSIGNMENT, "bob", days=extension)
    for _ in range(data.draw(st.integers(1, 3), "revisions")):
        for _ in range(data.draw(st.integers(0, 4), "marks")):
            if model.questions:
                at = data.draw(st.integers(0, len(model.questions) - 1))
                give(course, model, data.draw(st.sampled_from(list(STUDENTS))), at, data.draw(GIVEN))
        told: list[str] = []
        touched: set[str] = set()  # each question once in a revision
        for _ in range(data.draw(st.integers(1, 4), "changes")):
            edit = data.draw(st.sampled_from(["points", "correct", "rename", "remove", "add", "back"]))
            free = [at for at, one in enumerate(model.questions) if one.name not in touched]
            if edit == "add":
                question = Question(
                    model.new_name(), data.draw(st.integers(0, 3)), written=data.draw(st.booleans())
                )
                model.add(question)
                touched.add(question.name)
            elif edit == "back":
                if model.gone and model.gone[-1].name not in touched:
                    question = dataclasses.replace(model.gone.pop(), points=data.draw(st.integers(0, 3)))
                    model.add(question)
                    touched.add(question.name)
            elif free and len(model.questions) > 1:
                at = data.draw(st.sampled_from(free))
                if edit == "points":
                    model.points(at, data.draw(st.integers(0, 5)))
                elif edit == "correct":
                    model.replace(at, right=data.draw(st.integers(1, 3)))
                elif edit == "rename":
                    told += model.rename(at)
                else:
                    touched.add(model.questions[at].name)
                    model.remove(at)
                    continue
                touched.add(model.questions[at].name)
        change(course, {"work": model.questions})
        before = rows(course)
        shown = revise_course(course, by_rule, told)
        assert rows(course) == before
        done = revise_course(course, by_rule, told, apply=True)
        assert (done.totals, done.changes) == (shown.totals, shown.changes)
        wanted = {key: given for key, given in model.here.items() if given != Given()}
        assert kept(course, model, {one.cell for one in done.changes if one.affects}) == wanted
    other = rows(fresh(course, model, base / "fresh", extension))
    found = rows(course)
    for name in found:
        if name == "grade":
            assert without_waiting(found[name]) == without_waiting(other[name])
        elif name != "notebook":
            assert found[name] == other[name], name
    with course.gradebook() as one, Course(base / "fresh", ASSIGNMENT).gradebook() as two:
        for student in STUDENTS:
            a, b = (book.find_submission(ASSIGNMENT, student) for book in (one, two))
            assert (a.score, a.max_score, a.late_submission_penalty) == (
                b.score,
                b.max_score,
                b.late_submission_penalty,
            )
