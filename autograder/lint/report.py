"""What an examination of an assignment found, and how it is shown."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["Finding", "Report", "print_report"]

WIDTH = 80


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that an instructor should know.

    Attributes:
        notebook: its name without the suffix, or the name of another file of the assignment.
        place: where the cell stands in the notebook, counted from 1; 0 if it is not about a cell.
        cell: its grade_id, or ``cell 3``; empty if it is not about a cell.
        line: of the cell, counted from 1; 0 if it is not about a line.
        what: a sentence that says what is wrong.
        instead: a sentence that says what to write instead; empty if that is plain.
        fails: whether it must be mended before a class is graded.
    """

    notebook: str
    place: int
    cell: str
    line: int
    what: str
    instead: str = ""
    fails: bool = False


@dataclass(slots=True)
class Report:
    """Everything that was found in an assignment.

    Attributes:
        tests: how many test cells were examined.
        in_a_kernel: whether they were also run in a stock kernel.
    """

    assignment: str
    findings: list[Finding] = field(default_factory=list)
    tests: int = 0
    in_a_kernel: bool = False

    @property
    def failing(self) -> list[Finding]:
        """What must be mended."""
        return [finding for finding in self.findings if finding.fails]

    @property
    def exit_status(self) -> int:
        """0 if nothing must be mended, else 1."""
        return int(bool(self.failing))

    def add(self, findings: Iterable[Finding]) -> None:
        """Add *findings*, each once, in the order of the notebooks and their cells."""
        self.findings = sorted({*self.findings, *findings})

    def dumps(self) -> str:
        """The report as JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def loads(cls, text: str) -> Report:
        """The report that :meth:`dumps` wrote.

        Raises:
            ValueError, TypeError, KeyError: it is something else.
        """
        row = json.loads(text)
        return cls(**row | {"findings": [Finding(**finding) for finding in row["findings"]]})


def print_report(report: Report, console: Any) -> None:
    """Show *report* as a table for each notebook, no wider than 80 columns, and a last line that sums it up."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    for notebook in dict.fromkeys(finding.notebook for finding in report.findings):
        table = Table(
            box=box.SIMPLE,
            width=min(WIDTH, console.width),
            title=notebook,
            title_justify="left",
            padding=(0, 1),
        )
        table.add_column("Cell", max_width=30, overflow="fold")
        table.add_column("Finding", ratio=1)
        for finding in report.findings:
            if finding.notebook == notebook:
                where = f"{finding.cell}\nline {finding.line}" if finding.line else finding.cell
                word = "must be mended" if finding.fails else "warning"
                said = Text.assemble((f"{word}: ", "red" if finding.fails else "yellow"), finding.what)
                if finding.instead:
                    said.append(f"\nInstead: {finding.instead}")
                table.add_row(Text(where), said)
        console.print(table)
    count, failing = len(report.findings), len(report.failing)
    where = "here and in a stock kernel" if report.in_a_kernel else "here"
    console.print(
        f"{report.assignment}: {_count(report.tests, 'test cell')} examined {where}; "
        f"{failing} to be mended, {_count(count - failing, 'warning')}.",
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
