"""The report's figures for other programs: a row for each student and question, as JSON and as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from autograder.report.marks import ClassMarks
from autograder.report.statistics import distributions, items, misunderstandings
from autograder.tutor.misconceptions import Misconception

__all__ = ["COLUMNS", "TableError", "as_meant", "defused", "read_table", "write_csv", "write_json"]

COLUMNS = (
    *("student", "notebook", "question", "by_hand", "score", "maximum"),
    *("waits", "untouched", "misconceptions"),
)
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def defused(text: str) -> str:
    """*text* that no spreadsheet takes for a formula.

    >>> defused("=1+1"), defused("ada")
    ("'=1+1", 'ada')
    """
    return f"'{text}" if text.startswith(FORMULA) else text


def as_meant(text: str) -> str:
    """What :func:`defused` made *text* of.

    >>> as_meant(defused("=1+1")), as_meant("'t was")
    ('=1+1', "'t was")
    """
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA) else text


class TableError(Exception):
    """A table cannot be read; the message names the file and says why."""


def read_table(file: Path) -> tuple[list[str], list[dict[str, str]]]:
    """The columns and the rows of a CSV file as spreadsheets save it, with commas or semicolons; what a short row lacks is empty.

    Raises:
        TableError: it cannot be read.
    """
    try:
        text = file.read_bytes().decode("utf-8-sig")  # with the line breaks that stand in it
        delimiter = ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","
        table = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restval="")
        columns = [name for name in table.fieldnames or () if name]
        return columns, [{name: row[name] for name in columns} for row in table]
    except UnicodeDecodeError:
        raise TableError(f"{file} is not in UTF-8: save it as CSV UTF-8") from None
    except (OSError, csv.Error) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise TableError(f"{file} cannot be read: {why}") from None


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
