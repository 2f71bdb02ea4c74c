"""A scorecard as text and as a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from autograder.selfstudy.check import Scorecard
from autograder.selfstudy.progress import NotebookProgress
from autograder.terminal import terminal
from autograder.tutor.reason import Reason

if TYPE_CHECKING:
    from autograder.pages.page import Sheet

__all__ = ["print_scorecard", "scorecard_html"]

MISSED = (
    "FileNotFoundError",
    "ImportError",
    "MemoryError",
    "ModuleNotFoundError",
    "PermissionError",
    "Stopped",
)


def print_scorecard(card: Scorecard, progress: NotebookProgress | None = None, hint: str = "") -> None:
    """Print marks and messages, test by test, what is remembered, and a hint."""
    from rich.padding import Padding
    from rich.text import Text

    console = terminal()

    def line(text: str, style: str = "", indent: int = 2) -> None:
        console.print(Padding(Text(text, style=style), (0, 0, 0, indent)))

    line(f"{card.notebook}: {card.headline}", "bold", 0)
    for name, verdict in card.result.verdicts.items():
        full = verdict.score >= verdict.maximum
        mark = f"{verdict.score:g}/{verdict.maximum:g}" if card.hidden_run else "passed" if full else "failed"
        line(f"{mark}  {name}", "green" if full else "yellow" if verdict.score else "red")
        if verdict.message:
            line(verdict.message, indent=7)
    for note in card.result.notes:
        line(note, "yellow", 7)
    if written := sum(card.exam.manual_points().values()):
        line(f"{written:g} more points are for a written answer, which a person judges.")
    if card.may_use and (card.result.notes or _misses_something(card)):
        line(f"{card.may_use} says what a notebook may use when it is graded.")
    if progress is not None:
        best = f" · best {progress.best_score:g} of {progress.maximum:g}" if progress.maximum else ""
        line(f"check {progress.checks}{best} · hints used {progress.hints}", "dim")
    if hint:
        line(hint, "cyan")


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
