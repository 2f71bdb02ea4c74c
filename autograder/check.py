"""Self-study: the visible and the hidden tests on one's own notebook, without a course, a database or the answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder.assemble import assemble, read_submission
from autograder.exam import ExamResult, examine
from autograder.paper import Paper
from autograder.process import data_files

__all__ = ["CheckError", "Scorecard", "check_notebook", "print_scorecard"]


class CheckError(Exception):
    """A notebook that cannot be checked; the message says why."""


@dataclass(frozen=True, slots=True)
class Scorecard:
    """The outcome of one notebook."""

    notebook: str
    result: ExamResult

    @property
    def score(self) -> float:
        """Points earned."""
        return sum(verdict.score for verdict in self.result.verdicts.values())

    @property
    def maximum(self) -> float:
        """Points that tests give."""
        return sum(verdict.maximum for verdict in self.result.verdicts.values())


def check_notebook(path: Path, sources: Path) -> Scorecard:
    """Examine the notebook at *path* against the source notebook of the same name in *sources*.

    Raises:
        CheckError: there is no such file or no such source notebook, or the file cannot be read.
    """
    source = sources / path.name
    if not path.is_file():
        raise CheckError(f"{path} is not a file")
    if not source.is_file():
        known = ", ".join(sorted(p.name for p in sources.glob("*.ipynb"))) or "none"
        raise CheckError(f"{path.name} is no notebook of the assignment; there are: {known}")
    _, problem = read_submission(path)
    if problem:
        raise CheckError(f"{path} cannot be read: {problem}")
    return Scorecard(
        path.stem, examine(assemble(source, path), files=data_files(sources), paper=Paper(path.stem))
    )


def _lines(card: Scorecard) -> Iterator[tuple[str, str]]:
    for grade_id, verdict in card.result.verdicts.items():
        style = "green" if verdict.score == verdict.maximum else "yellow" if verdict.score else "red"
        yield style, f"{verdict.score:g}/{verdict.maximum:g}  {grade_id}"
        if verdict.message:
            yield "", f"     {verdict.message}"
    for note in card.result.notes:
        yield "yellow", f"     {note}"


def print_scorecard(card: Scorecard) -> None:
    """Print marks and messages, test by test."""
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    console = Console(highlight=False)
    console.print(
        Text(f"{card.notebook}: {card.score:g} of {card.maximum:g} points from tests", style="bold")
    )
    for style, line in _lines(card):
        indent = len(line) - len(line.lstrip())
        console.print(Padding(Text(line.lstrip(), style=style), (0, 0, 0, 2 + indent)))
