"""Written answers as a table: all answers to one question after another, with a column for each item of its rubric; and the marks read back."""

from __future__ import annotations

import csv
import functools
import hashlib
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.exam.attempt import attempt
from autograder.files.read import Unreadable
from autograder.nbgrader_compat.course import Course
from autograder.nbgrader_compat.manual import ManualMark, manual_marks, record_mark
from autograder.notebook.cells import grading, read_notebook, strip_solution_marks
from autograder.report.tables import as_meant, defused

__all__ = ["Outcome", "Written", "WrittenError", "read_marks", "record", "write_answers", "written_answers"]

ITEM = re.compile(r"^\s*[-*] \[[ xX]\] (.+)$", re.MULTILINE)
POINTS, COMMENT, MODEL = "points", "comment", "model answer"
KEY = 16  # characters of the key of a grade
FIXED = ("row", "student", "notebook", "question", "answer", "mark")


class WrittenError(Exception):
    """The table cannot be used; the message names it and says why."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question that people mark.

    Attributes:
        items: the lines of its rubric: those with a box to tick in the text above it. Each is worth the same.
        model: the source's own answer.
    """

    notebook: str
    cell: str
    maximum: float
    items: tuple[str, ...]
    model: str

    @property
    def columns(self) -> tuple[tuple[str, float], ...]:
        """(name, maximum) of each column for points."""
        if not self.items:
            return ((POINTS, self.maximum),)
        return tuple((f"item {at + 1}", self.maximum / len(self.items)) for at in range(len(self.items)))


@dataclass(frozen=True, slots=True)
class Written:
    """One answer, as it was handed in, and what it has so far."""

    question: Question
    answer: str
    before: ManualMark

    @property
    def row(self) -> str:
        """What the row is known by: whose it is, the answer with its mark and comment, and the comment."""
        before = self.before
        state = repr((self.answer, before.mark, before.comment))
        return "-".join([before.key[:KEY], _digest(state), _digest(before.comment)])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def written_answers(course: Course, notebook: str | None = None) -> list[Written]:
    """Every answer of the class to the questions that people mark, of one *notebook* or of all.

    Raises:
        WrittenError: the assignment has no such question, or no such notebook.
    """
    questions = {(one.notebook, one.cell): one for one in _questions(course)}
    names = sorted({name for name, _ in questions})
    if not questions or notebook not in (None, *names):
        wanted = f"the notebook {notebook!r} of {course.assignment}" if notebook else course.assignment
        more = f"; there are some in {', '.join(names)}" if names else ""
        raise WrittenError(f"{wanted} has no question that people mark{more}")
    with course.gradebook() as book:
        marks = [
            one for one in manual_marks(book, course.assignment) if (one.notebook, one.cell) in questions
        ]
    found = []
    for one in marks:
        if notebook in (None, one.notebook):
            answer = _answers(course.autograded(one.student) / f"{one.notebook}.ipynb", course).get(
                one.cell, ""
            )
            found.append(Written(questions[one.notebook, one.cell], answer, one))
    return found


def _questions(course: Course) -> Iterator[Question]:
    for path in sorted(course.source.glob("*.ipynb")):
        above = ""
        notebook = read_notebook(path)
        points, models = notebook.manual_points(), dict(strip_solution_marks(notebook))
        for cell in notebook.cells:
            key = grading(cell).get("grade_id", "")
            if key in points:
                items = tuple(text.strip() for text in ITEM.findall(above))
                yield Question(path.stem, key, float(points[key]), items, models[key])
            above = cell["source"] if cell["cell_type"] == "markdown" else ""


def _answers(path: Path, course: Course) -> dict[str, str]:
    found = attempt(functools.partial(read_notebook, path), course.limits()) if path.is_file() else None
    if found is None or isinstance(found, Unreadable):
        return {}
    return {key: cell["source"] for key, cell in found.by_grade_id().items()}


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
    with file.open(
        "w", encoding="utf-8-sig", newline=""
    ) as text:  # a spreadsheet knows it as UTF-8 by the mark
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
                    "answer": defused(one.answer),
                    "mark": "" if before.mark is None else f"{before.mark:g}",
                    COMMENT: defused(before.comment),
                }
            )


@dataclass(frozen=True, slots=True)
class Given:
    """A row that somebody filled: points (None: only a comment) and the comment."""

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
        text = file.read_bytes().decode("utf-8-sig")  # with the line breaks that stand in it
        first = text.partition("\n")[0]
        table = io.StringIO(text, newline="")
        rows = list(csv.DictReader(table, delimiter=";" if ";" in first else ","))
    except UnicodeDecodeError:
        raise WrittenError(f"{file} is not in UTF-8: save it as CSV UTF-8") from None
    except (OSError, csv.Error) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise WrittenError(f"{file} cannot be read: {why}") from None
    columns = list(rows[0]) if rows else []
    if "row" not in columns or COMMENT not in columns:
        raise WrittenError(f"{file} is no table of answers: it has no columns 'row' and {COMMENT!r}")
    points = [name for name in columns if name == POINTS or str(name).startswith("item ")]
    found = []
    for row in rows:
        if row["row"] and row["row"] != MODEL:
            given = {name: (row[name] or "").strip() for name in points}
            found.append(Given(row["row"].strip(), given, as_meant(row[COMMENT] or "")))
    return found


def record(course: Course, rows: Iterable[Given]) -> Outcome:
    """Record what is filled. A row is refused as a whole if anything of it does not fit; the others are recorded.

    Raises:
        WrittenError: the assignment has no question that people mark.
    """
    answers = {one.before.key[:KEY]: one for one in written_answers(course)}
    outcome = Outcome([], [])
    with course.gradebook() as book:
        for given in rows:
            filled = {name: text for name, text in given.points.items() if text}
            one = answers.get(given.row.partition("-")[0])
            if one is None:
                outcome.refused.append(f"row {given.row}: no answer of {course.assignment} is known by it")
                continue
            where = f"{one.before.student}, {one.question.notebook}, {one.question.cell}"
            if not filled and (not given.comment or given.row.endswith(f"-{_digest(given.comment)}")):
                continue  # nobody wrote anything here
            wanted = _total(one.question, filled)
            if isinstance(wanted, str):
                outcome.refused.append(f"{where}: {wanted}")
            elif wanted in (None, one.before.mark) and given.comment == one.before.comment:
                outcome.already += 1
            elif given.row != one.row:
                outcome.refused.append(
                    f"{where}: the answer, its mark or its comment has changed since the table was written"
                )
            elif not record_mark(book, one.before, wanted, given.comment):
                outcome.refused.append(f"{where}: somebody else is marking it just now")
            else:
                mark = "" if wanted is None else f"{wanted:g} of {one.question.maximum:g}"
                was = "" if one.before.mark is None or wanted is None else f" (was {one.before.mark:g})"
                comment = "comment" if given.comment != one.before.comment else ""
                outcome.recorded.append(f"{where}: {' and a '.join(filter(None, [mark + was, comment]))}")
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
