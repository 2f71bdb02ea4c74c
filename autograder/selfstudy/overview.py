"""How far somebody is with all notebooks of a folder: what is done, what was tried, what comes next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from autograder.files.source import source_notebooks
from autograder.notebook.cells import read_notebook
from autograder.selfstudy.parts import AnswerPart, parts_of
from autograder.selfstudy.progress import NotebookProgress
from autograder.terminal import terminal

__all__ = ["NotebookStage", "PartStage", "print_overview", "stages"]

State = Literal["done", "tried", "not tried"]
SIGNS: dict[State, tuple[str, str]] = {
    "done": ("✓", "green"),
    "tried": ("~", "yellow"),
    "not tried": ("·", "dim"),
}


@dataclass(frozen=True, slots=True)
class PartStage:
    """How far one answer is: ``done`` if all its tests have had full marks once; a text that a person judges is done when it is written."""

    name: str
    state: State


@dataclass(frozen=True, slots=True)
class NotebookStage:
    """How far one notebook is.

    Attributes:
        parts: in the notebook's order.
        score, maximum: points of the best check with the hidden tests; the maximum is 0 if there was none.
    """

    name: str
    parts: tuple[PartStage, ...]
    score: float = 0.0
    maximum: float = 0.0

    @property
    def done(self) -> int:
        """The number of parts that are done."""
        return sum(part.state == "done" for part in self.parts)

    @property
    def state(self) -> State:
        """Of the whole notebook."""
        if self.done == len(self.parts):
            return "done"
        return "not tried" if all(part.state == "not tried" for part in self.parts) else "tried"

    def as_json(self) -> dict[str, Any]:
        """The stage as plain data."""
        return {
            "notebook": self.name,
            "state": self.state,
            "parts": {part.name: part.state for part in self.parts},
            "best_score": self.score if self.maximum else None,
            "maximum": self.maximum or None,
        }


def stages(folder: Path, kept: Mapping[str, NotebookProgress]) -> list[NotebookStage]:
    """The stage of each notebook of an assignment in *folder*, in the order of their names.

    Args:
        kept: what is remembered, by the names of the notebooks.

    Raises:
        ValueError: a notebook cannot be read; the message names it.
    """
    found = []
    for path in source_notebooks(folder):
        parts = parts_of(read_notebook(path))
        if parts:
            mine = kept.get(path.stem, NotebookProgress())
            made = tuple(PartStage(part.name, _state(part, mine)) for part in parts)
            found.append(NotebookStage(path.stem, made, mine.best_score, mine.maximum))
    return found


def _state(part: AnswerPart, mine: NotebookProgress) -> State:
    tally = mine.parts.get(part.name)
    tried = tally is not None and tally.attempts > 0
    if part.tests and mine.maximum:
        full = all(mine.best.get(name, -1.0) >= points for name, points in part.tests.items())
    elif part.tests:  # no check has run the hidden tests: what counts is what the visible ones said last
        scores = mine.last.scores if mine.last else {}
        asked = [scores[name] >= points for name, points in part.tests.items() if name in scores]
        full = bool(asked) and all(asked)
    else:
        full = tried
    return "done" if full else "tried" if tried else "not tried"


def print_overview(folder: str, found: list[NotebookStage]) -> None:
    """Print a line for each notebook, with a sign for each of its parts, and what comes next."""
    from rich.text import Text

    console = terminal()
    done = sum(one.state == "done" for one in found)
    console.print(Text(f"{folder}: {done} of {len(found)} notebooks done", style="bold"))
    widest = max(len(one.name) for one in found)
    most = max(len(one.parts) for one in found)
    for one in found:
        sign, style = SIGNS[one.state]
        bar = "".join(SIGNS[part.state][0] for part in one.parts)
        points = f" · {one.score:g} of {one.maximum:g} points" if one.maximum else ""
        text = f"{sign} {one.name:{widest}}  {bar:{most}}  {one.done} of {len(one.parts)} parts{points}"
        console.print(Text(text, style=style))
    console.print(Text(_next(found)))
    console.print(Text("✓ done  ~ tried  · not tried yet", style="dim"))


def _next(found: list[NotebookStage]) -> str:
    """The first part that is not done."""
    for one in found:
        for part in one.parts:
            if part.state != "done":
                return f"next: {part.name} in {one.name}" + (
                    ", which was tried" if part.state == "tried" else ""
                )
    return "next: nothing is left"
