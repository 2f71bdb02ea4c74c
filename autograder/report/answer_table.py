"""Written answers as a table: all answers to one question after another, with a column for each item of its rubric; and the marks read back."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.files.csv_table import TableError, as_meant, defused, read_table
from autograder.nbgrader_compat.course import Course
from autograder.nbgrader_compat.manual import record_mark
from autograder.report.rubric import POINTS, Question
from autograder.report.written import Written, WrittenError, is_comment_of, written_answers

__all__ = ["Given", "Outcome", "read_marks", "record", "write_answers"]

COMMENT, MODEL = "comment", "model answer"
LONGEST = 30_000  # characters of an answer: a cell of a spreadsheet holds 32,767
FIXED = ("row", "student", "notebook", "question", "answer", "mark")


def write_answers(answers: Sequence[Written], file: Path, anonymous: bool = False) -> None:
    """Write the table, for a spreadsheet; before the answers to a question stand what its items ask for, and the model answer.

    Args:
        anonymous: leave names out, and put the answers into an order that does not tell whose they are.

    Raises:
        OSError: it cannot be written.
    """
    most = max((len(one.question.columns) for one in answers if one.question.items), default=0)
    items = [f"item {at + 1}" for at in range(most)]
    with_points = [POINTS] if any(not one.question.items for one in answers) else []
    ordered = sorted(
        answers,
        key=lambda one: (
            one.question.notebook,
            one.question.cell,
            one.before.key if anonymous else one.before.student,
        ),
    )
    last = None
    # A spreadsheet knows the file as UTF-8 by the mark at its beginning.
    with file.open("w", encoding="utf-8-sig", newline="") as text:
        table = csv.DictWriter(text, [*FIXED, *with_points, *items, COMMENT], restval="")
        table.writeheader()
        for one in ordered:
            question = one.question
            if question != last:
                asked = {
                    name: defused(says)
                    for (name, _), says in zip(question.columns, question.items, strict=False)
                }
                limits = ", ".join(f"{name} up to {limit:g}" for name, limit in question.columns)
                head = {"row": MODEL, "notebook": question.notebook, "question": question.cell}
                table.writerow({**head, "answer": defused(question.model), "mark": limits, **asked})
                last = question
            before = one.before
            table.writerow(
                {
                    "row": one.row,
                    "student": "" if anonymous else defused(before.student),
                    "notebook": question.notebook,
                    "question": question.cell,
                    "answer": defused(_short(one.answer)),
                    "mark": "" if before.mark is None else f"{before.mark:g}",
                    COMMENT: defused(before.comment),
                }
            )


def _short(answer: str) -> str:
    return answer if len(answer) <= LONGEST else f"{answer[:LONGEST]}… [cut here: Formgrader shows all of it]"


@dataclass(frozen=True, slots=True)
class Given:
    """A row as it came back: the texts in its columns for points, by column, and its comment; each may be empty."""

    row: str
    points: Mapping[str, str]
    comment: str


@dataclass(slots=True)
class Outcome:
    """What became of the rows: sentences on what was recorded and what was refused, and how many were so already."""

    recorded: list[str]
    refused: list[str]
    already: int = 0


def read_marks(file: Path) -> list[Given]:
    """The rows of a table that :func:`write_answers` wrote and somebody filled.

    Raises:
        WrittenError: it cannot be read, or is no such table.
    """
    try:
        columns, rows = read_table(file)
    except TableError as error:
        raise WrittenError(str(error)) from None
    if "row" not in columns or COMMENT not in columns:
        raise WrittenError(f"{file} is no table of answers: it has no columns 'row' and {COMMENT!r}")
    points = [name for name in columns if name == POINTS or name.startswith("item ")]
    return [
        Given(row["row"].strip(), {name: row[name].strip() for name in points}, as_meant(row[COMMENT]))
        for row in rows
        if row["row"] and row["row"] != MODEL
    ]


def record(course: Course, rows: Iterable[Given]) -> Outcome:
    """Record what is filled. A row is refused as a whole if anything of it does not fit; the others are recorded.

    Raises:
        WrittenError: the assignment has no question that people mark.
    """
    answers = {one.key: one for one in written_answers(course)}
    outcome = Outcome([], [])
    with course.gradebook() as book:
        for given in rows:
            filled = {name: text for name, text in given.points.items() if text}
            one = answers.get(given.row.partition("-")[0])
            if one is None:
                outcome.refused.append(f"row {given.row}: no answer of {course.assignment} is known by it")
                continue
            where = f"{one.before.student}, {one.question.notebook}, {one.question.cell}"
            if not filled and (not given.comment or is_comment_of(given.row, given.comment)):
                continue  # nobody wrote anything here
            comment = given.comment or one.before.comment
            wanted = _total(one.question, filled)
            if isinstance(wanted, str):
                outcome.refused.append(f"{where}: {wanted}")
            elif wanted in (None, one.before.mark) and comment == one.before.comment:
                outcome.already += 1
            elif given.row != one.row:
                outcome.refused.append(
                    f"{where}: the answer, its mark or its comment has changed since the table was written"
                )
            elif not record_mark(book, one.before, wanted, comment):
                outcome.refused.append(f"{where}: somebody else is marking it just now")
            else:
                mark = "" if wanted is None else f"{wanted:g} of {one.question.maximum:g}"
                was = "" if one.before.mark is None or wanted is None else f" (was {one.before.mark:g})"
                said = "comment" if comment != one.before.comment else ""
                outcome.recorded.append(f"{where}: {' and a '.join(filter(None, [mark + was, said]))}")
    return outcome


def _total(question: Question, filled: Mapping[str, str]) -> float | str | None:
    """The sum of the points; None for none; or what does not fit."""
    if not filled:
        return None
    limits = dict(question.columns)
    total = 0.0
    for name in limits:
        if name not in filled:
            return f"{name} is empty, though others are filled"
        try:
            points = float(filled[name].replace(",", "."))
        except ValueError:
            return f"{name} is {filled[name]!r}, which is no number"
        if not 0 <= points <= limits[name]:
            return f"{name} is {filled[name]}: it may be 0 to {limits[name]:g}"
        total += points
    if more := [name for name in filled if name not in limits]:
        return f"{more[0]} is filled, and the question has {', '.join(limits)} only"
    return total
