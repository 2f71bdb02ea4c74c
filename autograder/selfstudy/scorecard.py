"""A check as text, as data and as a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autograder.selfstudy.changes import Change
from autograder.selfstudy.check import Scorecard
from autograder.selfstudy.progress import NotebookProgress
from autograder.terminal import terminal
from autograder.tutor.reason import Reason

if TYPE_CHECKING:
    from autograder.pages.page import Sheet

__all__ = ["Checked", "print_scorecard", "scorecard_html"]

MISSED = (
    "FileNotFoundError",
    "ImportError",
    "MemoryError",
    "ModuleNotFoundError",
    "PermissionError",
    "Stopped",
)


@dataclass(frozen=True, slots=True)
class Checked:
    """A check as it is told.

    Attributes:
        progress: what is remembered of the notebook; None where nothing is kept.
        changes: the tests with another outcome than at the last check; None where there was none to compare with.
        hint: the answer to whoever asked for a hint; else empty.
        without: what the check had to do without, in a sentence.
    """

    card: Scorecard
    progress: NotebookProgress | None = None
    changes: Sequence[Change] | None = None
    hint: str = ""
    without: str = ""

    def as_json(self) -> dict[str, Any]:
        """All of it as plain data."""
        told = self.card.as_json() | {
            "changes": None if self.changes is None else [change.as_json() for change in self.changes],
            "hint": self.hint or None,
            "without": self.without,
            "may_use": self.card.may_use if _names_allowance(self.card) else "",
        }
        if self.progress is not None:
            kept = self.progress
            told["progress"] = {
                "checks": kept.checks,
                "best_score": kept.best_score,
                "maximum": kept.maximum,
                "hints": kept.hints,
            }
        return told


def print_scorecard(checked: Checked, *, only_changes: bool = False) -> None:
    """Print what changed since the last check, marks and messages, test by test, what is remembered, and a hint.

    With *only_changes*, after a check that was shown whole, neither the tests that are as they were nor what holds for every check.
    """
    from rich.padding import Padding
    from rich.text import Text

    console, card = terminal(), checked.card

    def line(text: str, style: str = "", indent: int = 2) -> None:
        console.print(Padding(Text(text, style=style), (0, 0, 0, indent)))

    line(f"{card.notebook}: {card.headline}", "bold", 0)
    if checked.changes is not None:
        line("since the last check:" if checked.changes else "nothing changed since the last check", "dim")
        for change in checked.changes:
            style = (
                "green" if change.now > change.before else "red" if change.now < change.before else "yellow"
            )
            line(f"{change.test}: {change.says}", style, 4)
            if only_changes and change.message:
                line(change.message, indent=7)
    if not (only_changes and checked.changes is not None):
        for name, verdict in card.result.verdicts.items():
            full = verdict.score >= verdict.maximum
            failed = "passed" if full else "failed"
            mark = f"{verdict.score:g}/{verdict.maximum:g}" if card.hidden_run else failed
            line(f"{mark}  {name}", "green" if full else "yellow" if verdict.score else "red")
            if verdict.message:
                line(verdict.message, indent=7)
        if written := sum(card.exam.manual_points().values()):
            line(f"{written:g} more points are for a written answer, which a person judges.")
            for question in card.written:
                for item in question.items:
                    line(f"[ ] {item}", indent=7)
    if checked.without and not only_changes:
        line(checked.without, "dim")
    for note in card.result.notes:
        line(note, "yellow", 7)
    if _names_allowance(card):
        line(f"{card.may_use} says what a notebook may use when it is graded.")
    if (progress := checked.progress) is not None:
        best = f" · best {progress.best_score:g} of {progress.maximum:g}" if progress.maximum else ""
        line(f"check {progress.checks}{best} · hints used {progress.hints}", "dim")
    if checked.hint:
        line(checked.hint, "cyan")


def _names_allowance(card: Scorecard) -> bool:
    """Whether the page of what a notebook may use is worth a look."""
    return bool(card.may_use and (card.result.notes or _misses_something(card)))


def _misses_something(card: Scorecard) -> bool:
    """Whether a cell found no package or file, or was stopped."""
    shown = (output for outputs in card.result.outputs.values() for output in outputs)
    return any(output.get("ename") in MISSED for output in shown)


def scorecard_html(cards: Sequence[Scorecard]) -> str:
    """The page of ``autograder check --html``."""
    from autograder.pages.page import feedback_page

    complete = all(card.hidden_run for card in cards)
    lead = [] if complete else ["Hidden checks were not run."]
    return feedback_page("Self-check", [_sheet(card) for card in cards], lead, points=complete)


def _sheet(card: Scorecard) -> Sheet:
    from autograder.pages.page import Mark, graded_test, sheet

    cells = card.exam.by_grade_id()
    marks = {}
    for name, verdict in card.result.verdicts.items():
        score = verdict.score if card.hidden_run else None
        marks[name] = graded_test(
            cells[name], score, verdict.maximum, verdict.reason, verdict.score >= verdict.maximum
        )
    for name, points in card.exam.manual_points().items():
        marks[name] = Mark(name, None, points, Reason("For you to judge."), by_hand=True)
    return sheet(
        card.notebook,
        card.assembled.cells,
        marks,
        card.result.outputs,
        says=card.headline,
        notes=card.result.notes,
    )
