"""The report's figures for other programs: a row for each student and question, as JSON and as CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from autograder.files.csv_table import defused
from autograder.report.marks import ClassMarks
from autograder.report.statistics import distributions, items, misunderstandings
from autograder.tutor.misconceptions import Misconception

__all__ = ["COLUMNS", "write_csv", "write_json"]

COLUMNS = (
    *("student", "notebook", "question", "by_hand", "score", "maximum"),
    *("waits", "untouched", "misconceptions"),
)


def write_csv(marks: ClassMarks, file: Path) -> None:
    """Write the rows; what nobody knows is empty, and several misconceptions have a space between them.

    Raises:
        OSError: the file cannot be written.
    """
    with file.open("w", encoding="utf-8", newline="") as text:
        table = csv.DictWriter(text, COLUMNS)
        table.writeheader()
        for row in _rows(marks):
            names = " ".join(row["misconceptions"])
            table.writerow(row | {"student": defused(row["student"]), "misconceptions": names})


def write_json(marks: ClassMarks, bank: Mapping[str, Misconception], file: Path) -> None:
    """Write everything that the page is made of.

    Raises:
        OSError: the file cannot be written.
    """
    held = misunderstandings(marks, bank)
    data = {
        "assignment": marks.assignment,
        "students": marks.students,
        "absent": marks.absent,
        "distributions": [asdict(one) for one in distributions(marks)],
        "questions": [asdict(one) for one in items(marks)],
        "misunderstandings": [asdict(one) for one in held],
        "rows": list(_rows(marks)),
    }
    file.write_text(json.dumps(data, ensure_ascii=False, indent=1), "utf-8")


def _rows(marks: ClassMarks) -> Iterator[dict[str, Any]]:
    for student, own in marks.marks.items():
        for at, mark in sorted(own.items()):
            question = marks.questions[at]
            yield {
                "student": student,
                "notebook": question.notebook,
                "question": question.cell,
                "by_hand": question.by_hand,
                "score": mark.score,
                "maximum": question.maximum,
                "waits": mark.waits,
                "untouched": mark.untouched,
                "misconceptions": list(mark.misconceptions),
            }
