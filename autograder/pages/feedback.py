"""What a student may see of a graded submission: nbgrader's page of each notebook, and one page of all."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from nbconvert.exporters import Exporter

from autograder.bounds.limits import Limits
from autograder.exam.attempt import attempt
from autograder.files.read import Unreadable
from autograder.nbgrader_compat.course import Course
from autograder.nbgrader_compat.internals import Gradebook, MissingEntry
from autograder.nbgrader_compat.late import Late
from autograder.notebook.cells import grading, is_test, read_notebook
from autograder.pages.page import Mark, Section, Sheet, feedback_page, graded_test, sheet
from autograder.tutor.reason import Reason

__all__ = ["FeedbackExporter", "write_student_page", "write_student_pages"]


class FeedbackExporter(Exporter):
    """``c.GenerateFeedback.exporter_class``: the page of one notebook, with its marks in the gradebook."""

    file_extension = ".html"
    output_mimetype = "text/html"

    def from_notebook_node(self, nb: Any, resources: Any = None, **keywords: Any) -> Any:
        """The page, and the resources."""
        graded, resources = super().from_notebook_node(nb, resources, **keywords)
        facts = resources["nbgrader"]
        with Gradebook(facts["db_url"]) as book:
            row = book.find_submission_notebook(facts["notebook"], facts["assignment"], facts["student"])
            made = _sheet(row, graded)
            converter: Any = self.parent
            late = Late(config=self.config).read(converter.coursedir)
            lead = [*late.says(row.assignment), *_lead([made])]
        return feedback_page(f"Feedback for {facts['student']}", [made], lead), resources


def write_student_pages(
    course: Course, students: Iterable[str], on_step: Callable[[str], None] = lambda student: None
) -> list[str]:
    """Write the pages of *students*; returns those of whom nothing is in the gradebook."""
    missing = []
    with course.gradebook() as book:
        for student in students:
            try:
                write_student_page(course, student, book)
            except MissingEntry:
                missing.append(student)
            on_step(student)
    return missing


def write_student_page(course: Course, student: str, book: Any) -> Path:
    """Write the page of all of *student*'s notebooks, beside the folder of nbgrader's pages; returns its path.

    *book* is the course's gradebook, opened.

    Raises:
        MissingEntry: nothing of the student is in the gradebook.
    """
    submission = book.find_submission(course.assignment, student)
    graded = {notebook.name: notebook for notebook in submission.notebooks}
    sheets, not_yet = [], []
    for source in course.source_notebooks():
        path = course.autograded(student) / source.name
        row = graded.get(source.stem)
        if row is not None and not any(_told(grade) for grade in row.grades):
            not_yet.append(source.stem)
            continue
        if row is None or not path.is_file():
            maxima = read_notebook(source).auto_points() | read_notebook(source).manual_points()
            marks = [Mark(name, 0.0, points) for name, points in maxima.items()]
            sheets.append(_absent(source.stem, marks))
            continue
        found = attempt(functools.partial(read_notebook, path), Limits())
        sheets.append(
            _unshown(row, found, [Mark(grade.name, grade.score, grade.max_score) for grade in row.grades])
            if isinstance(found, Unreadable)
            else _sheet(row, found.content)
        )
    page = course.student_page(student)
    page.parent.mkdir(parents=True, exist_ok=True)
    lead = [f"Assignment: {course.assignment}.", *course.late.says(submission), *_lead(sheets)]
    if not_yet:
        lead.append(f"Not graded yet: {', '.join(not_yet)}.")
    page.write_text(feedback_page(f"Feedback for {student}", sheets, lead), "utf-8")
    return page


def _lead(sheets: list[Sheet]) -> list[str]:
    marks = (mark for made in sheets for section in made.sections for mark in section.marks)
    waits = any(mark.state == "waiting" for mark in marks)
    return ["Written answers wait for a person; the total grows when they are graded."] if waits else []


def _told(grade: Any) -> bool:
    """Whether the tests, or a person, have given this mark, or a person is asked for it."""
    return grade.auto_score is not None or grade.manual_score is not None or bool(grade.needs_manual_grade)


def _absent(name: str, marks: list[Mark]) -> Sheet:
    return Sheet(name, name, [Section(marks=marks)], says="This notebook could not be graded")


def _sheet(row: Any, nb: Any) -> Sheet:
    """The graded notebook *nb* with the marks and comments of its *row* in the gradebook."""
    grades = {grade.name: grade for grade in row.grades}
    comments = {c.name: c.comment or "" for c in row.comments}
    left = nb["metadata"].get("autograder")  # by the examiner; nothing where nbgrader itself ran the tests
    notes, reasons, carried = ((left or {}).get(key, {}) for key in ("notes", "reasons", "carried"))
    marks = {}
    for cell in nb["cells"]:
        grade = grading(cell)
        if not grade.get("grade") and not grade.get("task"):
            continue
        grade_id, points = grade["grade_id"], float(grade["points"])
        found = grades.get(grade_id)
        # A mark that waits for a person is not one yet: nbgrader says 0 for it, or what a person gave for an earlier text.
        waits = bool(found and found.needs_manual_grade)
        before = found.manual_score if found and waits else None
        score = None if found is None or (waits and before is None) else found.score
        if is_test(cell):
            full = score is not None and score >= points
            reason = (
                Reason() if full and grade_id not in carried else Reason.from_json(reasons.get(grade_id, {}))
            )
            if left is None and not full:
                reason = _error(cell["outputs"])
            told = 0.0 if score is None else score
            marks[grade_id] = graded_test(cell, told, points, reason, full, grade_id in carried)
        else:
            comment = Reason(comments.get(grade_id, ""))
            score = None if waits else score
            marks[grade_id] = Mark(grade_id, score, points, comment, by_hand=True, before=before)
    penalty = float(row.late_submission_penalty or 0.0)
    made = attempt(lambda: sheet(row.name, nb["cells"], marks, penalty=penalty, notes=notes), Limits())
    return _unshown(row, made, list(marks.values())) if isinstance(made, Unreadable) else made


def _unshown(row: Any, why: Unreadable, marks: list[Mark]) -> Sheet:
    """The marks alone of a notebook that cannot be shown."""
    return Sheet(row.name, row.name, [Section(marks=marks)], says=f"This notebook cannot be shown: {why.why}")


def _error(outputs: list[Any]) -> Reason:
    """What a test that nbgrader itself ran failed with; never the traceback, which quotes the test."""
    errors = (output for output in outputs if output["output_type"] == "error")
    return Reason(next((" ".join(str(error["evalue"] or error["ename"]).split()) for error in errors), ""))
