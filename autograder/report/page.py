"""The report of a class, as one self-contained HTML page: how it did, which questions were hard, what is misunderstood, who needs help, and everyone's marks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.kit import load_kit
from autograder.nbgrader_compat.course import Course
from autograder.pages.page import render
from autograder.report.charts import histogram
from autograder.report.marks import ClassMarks
from autograder.report.rows import Row
from autograder.report.statistics import Misunderstanding, distributions, items, misunderstandings
from autograder.triage.reasons import REASONS, Item, by_reason
from autograder.tutor.misconceptions import Misconception

__all__ = ["bank_of", "report_file", "write_report"]

HELP = 0.5  # who has less than this share of the points needs help
NAMED = 3  # misunderstandings of one student in a line


@dataclass(frozen=True, slots=True)
class Weak:
    """A student who needs help: points of what is marked, and what else is known."""

    student: str
    points: float
    maximum: float
    says: str


def report_file(course: Course) -> Path:
    """Where the class report goes unless another place is named."""
    return course.root / f"report-{course.assignment}.html"


def bank_of(course: Course) -> Mapping[str, Misconception]:
    """The misconceptions that the kit of the assignment knows."""
    tutor = load_kit(course.source).tutor
    return tutor.bank if tutor else {}


def write_report(
    rows: Iterable[Row],
    page: Path,
    triage: Iterable[Item] = (),
    *,
    title: str,
    marks: ClassMarks | None = None,
    bank: Mapping[str, Misconception] | None = None,
) -> None:
    """Write the class into the file *page*; links go to feedback pages beside it.

    Args:
        triage: what a person should look at.
        marks: those of the class by question; without them the page is the table of *rows* alone.
        bank: what is known of the misconceptions that messages named.

    Raises:
        OSError: the page cannot be written.
    """
    rows = list(rows)
    found = _found(marks, bank or {}) if marks and marks.marks else {"whole": None}
    asked = items(marks) if marks else []
    page.write_text(
        render(
            "report.html.j2",
            title=title,
            rows=rows,
            pages={row.student: row.page for row in rows if row.page},
            notebooks=list(rows[0].marks) if rows else [],
            with_hints=any(row.hints is not None for row in rows),
            triage=by_reason(triage),
            reasons=REASONS,
            absent=marks.absent if marks else [],
            items=asked,
            waiting=[one for one in asked if one.waiting and one.question.by_hand],
            **found,
        ),
        "utf-8",
    )


def _found(marks: ClassMarks, bank: Mapping[str, Misconception]) -> dict[str, Any]:
    whole, *by_notebook = distributions(marks)
    held = misunderstandings(marks, bank)
    weak = sorted(_weak(marks, held), key=lambda one: (one.points / one.maximum, one.student))
    chart = histogram(whole.counts, f"How {marks.assignment} went")
    return {
        "students": len(marks.marks),
        "whole": whole,
        "chart": chart,
        "by_notebook": by_notebook,
        "held": held,
        "weak": weak,
    }


def _weak(marks: ClassMarks, held: Sequence[Misunderstanding]) -> Iterator[Weak]:
    names: dict[str, list[str]] = {}
    for one in held:
        for student in one.students:
            names.setdefault(student, []).append(one.says or one.name)
    for student, own in marks.marks.items():
        points, maximum = marks.points(student)
        if not maximum or points >= HELP * maximum:
            continue
        missing = [name for name in marks.notebooks if not marks.has(student, name)]
        untouched = sum(bool(mark.untouched) for mark in own.values())
        says = [
            f"nothing graded of {', '.join(missing)}" if missing else "",
            f"{untouched} of {len(own)} questions untouched" if untouched else "",
            *names.get(student, ())[:NAMED],
        ]
        yield Weak(student, points, maximum, "; ".join(filter(None, says)))
