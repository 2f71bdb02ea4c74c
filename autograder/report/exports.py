"""Marks in the forms that other systems import.

============== ============================================================================================
``canvas``     the gradebook's CSV: teaching.resources.osu.edu/toolsets/carmencanvas/guides/calculating-final-grades/import-csv-file-carmen-grades
``moodle``     a CSV whose columns are mapped at the import: docs.moodle.org/405/en/Grade_import
``gradescope`` a ``results.json`` for each student, as autograders leave it: gradescope-autograders.readthedocs.io/en/latest/specs
``csv``        a plain table
============== ============================================================================================
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from autograder.files.csv_table import defused
from autograder.report.marks import ClassMarks

__all__ = ["ungraded", "waiting", "write_export"]

POINTS = "    Points Possible"  # indented, as Canvas exports it
CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
# What each system knows a person by; the first stands for the gradebook's id where a roster does not say.
PEOPLE = {
    "canvas": ("SIS Login ID", "Student", "ID", "SIS User ID", "Section"),
    "moodle": ("Username", "ID number", "Email address", "First name", "Last name"),
}
Item = tuple[str, float]  # a column and its maximum
Person = Mapping[str, str]


def ungraded(marks: ClassMarks) -> list[str]:
    """Those who handed in, and of whose work no test was run, or not all of it."""
    return [
        student
        for student, own in marks.marks.items()
        if not own or any(mark.score is None and not mark.waits for mark in own.values())
    ]


def waiting(marks: ClassMarks) -> dict[str, int]:
    """How many marks of each student wait for a person, where any do."""
    counts = {student: sum(mark.waits for mark in own.values()) for student, own in marks.marks.items()}
    return {student: count for student, count in counts.items() if count}


def write_export(
    form: str,
    marks: ClassMarks,
    place: Path,
    people: Mapping[str, Person] | None = None,
    by_question: bool = False,
) -> None:
    """Write the marks, late penalties taken off, to *place*: a file; for ``gradescope`` a folder.

    Args:
        people: columns of the other system, by student; only these students are written. By default the gradebook's ids are taken for all.
        by_question: a column for each question, and one for the penalty, in place of one for the assignment; ``csv`` has them all.

    Raises:
        OSError: it cannot be written.
    """
    students = [student for student in marks.students if people is None or student in people]
    if form == "gradescope":
        place.mkdir(parents=True, exist_ok=True)
        for student in students:
            results = json.dumps(_results(marks, student), ensure_ascii=False, indent=1)
            (place / f"{quote(student, safe=' ')}.json").write_text(results, "utf-8")
        return
    items: list[Item] = []
    if form == "csv" or not by_question:
        items.append((marks.assignment, marks.maximum))
    if form == "csv" or by_question:
        items += [*_questions(marks), (f"{marks.assignment}: late penalty", 0.0)]
    rows = [(_person(form, student, people), _points(marks, student)) for student in students]
    with place.open("w", encoding="utf-8", newline="") as text:
        csv.writer(text).writerows(_table(form, items, rows))


def _questions(marks: ClassMarks) -> list[Item]:
    return [(f"{marks.assignment}: {one.notebook} {one.cell}", one.maximum) for one in marks.questions]


def _points(marks: ClassMarks, student: str) -> dict[str, float | None]:
    """By column. The penalty is negative. Whoever has no mark for a question did not hand its notebook in, and has 0."""
    own, total = marks.marks[student], marks.total(student)
    scores = [own[at].score if at in own else 0.0 for at in range(len(marks.questions))]
    return {
        marks.assignment: total,
        **{name: score for (name, _), score in zip(_questions(marks), scores, strict=True)},
        f"{marks.assignment}: late penalty": total - sum(score or 0.0 for score in scores),
    }


def _person(form: str, student: str, people: Mapping[str, Person] | None) -> Person:
    known = people[student] if people is not None else {}
    if form == "csv":
        return {"student": student} | {name: value for name, value in known.items() if name != "student"}
    found = {name: known[name] for name in PEOPLE[form] if name in known}
    return found or {name: student for name in PEOPLE[form][: 2 if form == "canvas" else 1]}


def _table(
    form: str, items: Sequence[Item], rows: Sequence[tuple[Person, Mapping[str, float | None]]]
) -> Iterator[list[str]]:
    used = dict.fromkeys(name for person, _ in rows for name in person)
    columns = CANVAS if form == "canvas" else tuple(used)
    yield [*map(defused, columns), *(defused(name) for name, _ in items)]
    if form == "canvas":
        yield [POINTS, *[""] * (len(columns) - 1), *(_number(most) for _, most in items)]
    for person, points in rows:
        yield [
            *(defused(person.get(name, "")) for name in columns),
            *(_number(points[name]) for name, _ in items),
        ]


def _number(points: float | None) -> str:
    return "" if points is None else f"{round(points, 6) + 0.0:.12g}"


def _results(marks: ClassMarks, student: str) -> dict[str, Any]:
    own = marks.marks[student]
    tests = [
        {
            "name": f"{question.notebook}: {question.cell}",
            "score": (own[at].score or 0.0) if at in own else 0.0,
            "max_score": question.maximum,
            "visibility": "visible",
        }
        for at, question in enumerate(marks.questions)
    ]
    return {"score": marks.total(student), "tests": tests}
