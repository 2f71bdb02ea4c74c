"""What a student may see of a graded submission: nbgrader's page of each notebook, and one page of all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from nbconvert.exporters import Exporter

from autograder.classroom.course import ASSIGNMENT, Course
from autograder.classroom.pages import Mark, Section, Sheet, feedback_page, graded_test, sheet
from autograder.notebooks import grading, is_test, read_notebook

__all__ = ["FeedbackExporter", "write_student_page", "write_student_pages"]


class FeedbackExporter(Exporter):
    """``c.GenerateFeedback.exporter_class``: the page of one notebook, from the marks that nbgrader's ``GetGrades`` put into it."""

    file_extension = ".html"
    output_mimetype = "text/html"

    def from_notebook_node(self, nb: Any, resources: Any = None, **keywords: Any) -> Any:
        """The page, and the resources."""
        graded, resources = super().from_notebook_node(nb, resources, **keywords)
        facts = resources["nbgrader"]
        rows = {g["grade_id"]: g for cell in graded.cells if "grade_id" in (g := grading(cell))}
        made = _sheet(
            facts["notebook"],
            graded,
            {name: row.get("score") for name, row in rows.items()},
            {name: row.get("comment") or "" for name, row in rows.items()},
            float(facts.get("late_penalty") or 0.0),
        )
        return feedback_page(f"Feedback for {facts['student']}", [made]), resources


def write_student_pages(
    course: Course, students: Iterable[str], on_step: Callable[[str], None] = lambda student: None
) -> list[str]:
    """Write the pages of *students*; returns those of whom nothing is in the gradebook."""
    from nbgrader.api import MissingEntry

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
        nbgrader.api.MissingEntry: nothing of the student is in the gradebook.
    """
    submission = book.find_submission(ASSIGNMENT, student)
    graded = {notebook.name: notebook for notebook in submission.notebooks}
    sheets = []
    for source in sorted(course.source.glob("*.ipynb")):
        path = course.root / "autograded" / student / ASSIGNMENT / source.name
        row = graded.get(source.stem)
        if row is None or not path.is_file():
            maxima = read_notebook(source).auto_points() | read_notebook(source).manual_points()
            marks = [Mark(name, 0.0, points) for name, points in maxima.items()]
            sheets.append(_absent(source.stem, marks))
            continue
        # A mark that waits for a person is not one yet: nbgrader says 0 for it.
        scores = {
            g.name: None if g.needs_manual_grade and g.manual_score is None else g.score for g in row.grades
        }
        comments = {c.name: c.comment or "" for c in row.comments}
        content = read_notebook(path).content
        sheets.append(
            _sheet(source.stem, content, scores, comments, float(row.late_submission_penalty or 0.0))
        )
    page = course.student_page(student)
    page.parent.mkdir(parents=True, exist_ok=True)
    lead = [f"Assignment: {ASSIGNMENT}."]
    if any(made.manual[1] and made.manual[0] is None for made in sheets):
        lead.append("Written answers wait for a person; the total grows when they are graded.")
    page.write_text(feedback_page(f"Feedback for {student}", sheets, lead), "utf-8")
    return page


def _absent(name: str, marks: list[Mark]) -> Sheet:
    return Sheet(name, name, [Section(marks=marks)], says="This notebook could not be graded")


def _sheet(
    name: str, nb: Any, scores: Mapping[str, float | None], comments: Mapping[str, str], penalty: float
) -> Sheet:
    marks = {}
    for cell in nb["cells"]:
        grade = grading(cell)
        if not grade.get("grade") and not grade.get("task"):
            continue
        grade_id, points = grade["grade_id"], float(grade["points"])
        score = scores.get(grade_id)
        if is_test(cell):
            full = score is not None and score >= points
            message = "" if full else _message(cell["outputs"])
            marks[grade_id] = graded_test(cell, 0.0 if score is None else score, points, message, full)
        else:
            marks[grade_id] = Mark(grade_id, score, points, comments.get(grade_id, ""), by_hand=True)
    notes = nb["metadata"].get("autograder", {}).get("notes", [])
    return sheet(name, nb["cells"], marks, penalty=penalty, notes=notes)


def _message(outputs: list[Any]) -> str:
    """The sentence that the examiner left in a test cell; never a traceback, which quotes the test."""
    for output in outputs:
        if output["output_type"] == "error":
            return " ".join(str(output["evalue"] or output["ename"]).split())
    texts = ("".join(output["text"]) for output in outputs if output["output_type"] == "stream")
    return " ".join(texts).strip()
