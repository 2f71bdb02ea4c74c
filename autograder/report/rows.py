"""The automatic marks of everyone, a row for each student, and as a table in the terminal."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from autograder.kit import load_kit
from autograder.nbgrader_compat.course import Course
from autograder.terminal import terminal
from autograder.tutor.hints import LARGEST_FILE, PROGRESS_FILE

__all__ = ["Row", "class_rows", "print_report"]


@dataclass(slots=True)
class Row:
    """One student.

    Attributes:
        marks: (mark, maximum) of the autograded cells, by notebook; the mark is None where nothing was graded.
        waiting: points of answers that a person has still to grade.
        expected: the right total, where the class was made by construction.
        trouble: why a submission could not be graded, or an empty string.
        feedback: links to the feedback by notebook, relative to the report.
        page: the student's page, likewise; empty if there is none.
        hints: hints that were used in self-study, where the student handed that in; they cost nothing.
    """

    student: str
    says: str = ""
    marks: dict[str, tuple[float | None, float]] = field(default_factory=dict)
    waiting: float = 0.0
    expected: float | None = None
    trouble: str = ""
    feedback: dict[str, str] = field(default_factory=dict)
    page: str = ""
    hints: int | None = None

    @property
    def total(self) -> float:
        """Sum of the automatic marks."""
        return sum(mark or 0.0 for mark, _ in self.marks.values())

    @property
    def maximum(self) -> float:
        """Sum of the automatic maxima."""
        return sum(maximum for _, maximum in self.marks.values())

    @property
    def as_expected(self) -> bool:
        """Whether the total is the right one; true where none is known."""
        return self.expected is None or abs(self.total - self.expected) < 1e-9


def class_rows(
    course: Course,
    says: Mapping[str, str] | None = None,
    expected: Mapping[str, float] | None = None,
    trouble: Mapping[str, str] | None = None,
    beside: Path | None = None,
) -> list[Row]:
    """One row for each student of the course, from its gradebook.

    Args:
        says: what is to be said of a student's submission.
        expected: right totals, where they are known.
        trouble: why a submission could not be graded.
        beside: the folder that links start from; by default the course directory.
    """
    base = course.root if beside is None else beside
    points = {path.stem: _auto_points(path) for path in course.source_notebooks()}
    auto: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    waiting: dict[str, float] = defaultdict(float)
    for student, notebook, cell, mark, manual, maximum in course.grades():
        if notebook not in points:  # it was taken out of the assignment since
            continue
        if cell in points[notebook]:
            if mark is not None:
                auto[student][notebook].append(mark)
        elif mark is None and manual is None:
            waiting[student] += maximum
    rows, hints = [], load_kit(course.source).hints
    for student in course.students():
        row = Row(student, (says or {}).get(student, ""), waiting=waiting[student])
        row.expected = (expected or {}).get(student)
        row.trouble = (trouble or {}).get(student, "")
        page = course.student_page(student)
        row.page = _address(page, base) if page.is_file() else ""
        progress = course.inbox.read(student, PROGRESS_FILE, LARGEST_FILE)
        row.hints = hints.used(progress) if isinstance(progress, bytes) else None
        for notebook, maxima in points.items():
            marks = auto[student].get(notebook)
            row.marks[notebook] = (sum(marks) if marks else None, sum(maxima.values()))
            single = course.feedback(student) / f"{notebook}.html"
            if row.page:
                row.feedback[notebook] = f"{row.page}#{notebook}"
            elif single.is_file():
                row.feedback[notebook] = _address(single, base)
        rows.append(row)
    return rows


def _address(page: Path, base: Path) -> str:
    return quote(Path(os.path.relpath(page, base)).as_posix())


def _auto_points(path: Path) -> dict[str, float]:
    from autograder.notebook.cells import read_notebook

    return read_notebook(path).auto_points()


def print_report(rows: Iterable[Row]) -> None:
    """Print the class as a table; where it is too wide, who handed in what stands on a line of its own above the marks."""
    from rich.markup import escape
    from rich.measure import Measurement
    from rich.padding import Padding
    from rich.text import Text

    rows = list(rows)
    console = terminal()
    whole = _table(rows, who=True)
    unbounded = console.options.update(max_width=10_000)
    if Measurement.get(console, unbounded, whole).maximum <= console.width:
        console.print(whole)
    else:
        lines = [Text.assemble(*line) for line in _lines(console, _table(rows, who=False))]
        console.print(*lines[: len(lines) - len(rows)], sep="\n")
        for row, marks in zip(rows, lines[len(lines) - len(rows) :], strict=True):
            console.print(Padding(Text(f"{row.student}  {row.says}".rstrip()), (0, 0, 0, 1)))
            console.print(marks)
    for row in rows:
        if row.trouble:
            console.print(f"[yellow]{escape(row.student)}[/]: {escape(row.trouble)}")


def _lines(console: Any, table: Any) -> Iterator[list[tuple[str, Any]]]:
    """The lines of *table* but for the empty one at its end, each as pieces of text with their styles."""
    for line in console.render_lines(table, pad=False)[:-1]:
        yield [(segment.text, segment.style or "") for segment in line]


def _table(rows: list[Row], who: bool) -> Any:
    """The marks of *rows* as a table, whose first columns say *who* handed in what."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    with_expected = any(row.expected is not None for row in rows)
    with_hints = any(row.hints is not None for row in rows)
    table = Table(title="Automatic marks", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    said = who and any(row.says for row in rows)
    if who:
        table.add_column("student", no_wrap=True)
    if said:
        table.add_column("handed in", no_wrap=True)
    for notebook, (_, maximum) in rows[0].marks.items() if rows else ():
        table.add_column(f"{notebook.split('_')[0]}\n/{maximum:g}", justify="right", no_wrap=True)
    table.add_column(f"total\n/{rows[0].maximum:g}" if rows else "total", justify="right", no_wrap=True)
    if with_expected:
        table.add_column("right", justify="right", no_wrap=True)
    table.add_column("by\nhand", justify="right", no_wrap=True)
    if with_hints:
        table.add_column("hints", justify="right", no_wrap=True)
    for row in rows:
        cells = [
            *([escape(row.student)] if who else []),
            *([escape(row.says)] if said else []),
            *("–" if mark is None else f"{mark:g}" for mark, _ in row.marks.values()),
            f"{row.total:g}",
        ]
        if with_expected:
            cells.append(
                f"{row.expected:g}"
                if row.as_expected and row.expected is not None
                else f"[red]{row.expected:g} ≠[/]"
            )
        cells.append(f"{row.waiting:g}" if row.waiting else "")
        if with_hints:
            cells.append("" if row.hints is None else str(row.hints))
        table.add_row(*cells)
    return table
