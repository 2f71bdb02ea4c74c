"""What a gradebook and an autograded folder hold, in a form that two runs can be compared by: ids and times of writing left out."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text

from autograder.nbgrader_compat.course import Course

WHERE = """
    JOIN submitted_notebook sn ON sn.id = g.notebook_id
    JOIN notebook n ON n.id = sn.notebook_id
    JOIN submitted_assignment s ON s.id = sn.assignment_id
    JOIN base_cell c ON c.id = g.cell_id"""
TABLES = {
    "course": "SELECT id FROM course",
    "assignment": "SELECT name, duedate, course_id FROM assignment",
    "student": "SELECT id, first_name, last_name, email, lms_user_id FROM student",
    "submission": "SELECT student_id, timestamp, extension FROM submitted_assignment",
    "notebook": """SELECT s.student_id, n.name, sn.flagged, sn.late_submission_penalty FROM submitted_notebook sn
        JOIN notebook n ON n.id = sn.notebook_id JOIN submitted_assignment s ON s.id = sn.assignment_id""",
    "grade": f"""SELECT s.student_id, n.name, c.name, c.type, g.auto_score, g.manual_score, g.extra_credit,
        g.needs_manual_grade FROM grade g {WHERE}""",
    "comment": f"SELECT s.student_id, n.name, c.name, c.type, g.auto_comment, g.manual_comment FROM comment g {WHERE}",
    "source": """SELECT n.name, c.name, c.cell_type, c.locked, c.source, c.checksum FROM source_cell c
        JOIN notebook n ON n.id = c.notebook_id""",
}


def _plain(value: Any) -> Any:
    """A value as SQLite keeps it, whatever the database."""
    if isinstance(value, datetime):
        return value.isoformat(" ", "microseconds")
    return int(value) if isinstance(value, bool) else value


def rows(course: Course) -> dict[str, list[str]]:
    """All rows of nbgrader's tables."""
    with course.gradebook() as book, book.engine.connect() as connection:
        return {
            name: sorted(repr(tuple(map(_plain, row))) for row in connection.execute(text(query)))
            for name, query in TABLES.items()
        }


def autograded(course: Course) -> dict[str, tuple[int, bytes]]:
    """Mode and content of every file in the autograded folder."""
    folder: Path = course.root / "autograded"
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_mode, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


def everything(course: Course) -> dict[str, Any]:
    """Both."""
    return {**rows(course), "files": autograded(course)}
