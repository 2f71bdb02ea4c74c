"""Runs a source notebook's own solutions, and the notebook as it is released, in the examiner and in a stock kernel, and compares the marks."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from autograder.bounds.limits import Limits
from autograder.exam.examine import Verdict, examine
from autograder.files.source import data_files
from autograder.kit import Kit
from autograder.lint.cells import name_of
from autograder.lint.kernel import KernelFailed, Outcome, stock_outcomes
from autograder.lint.report import Finding
from autograder.notebook.assemble import assemble
from autograder.notebook.cells import Notebook, grading, is_test, released
from autograder.tutor.owner import Owner

__all__ = ["Room", "check_runs"]

LONGEST = 240  # characters of an error that are told
OWN_WORDS = re.compile(r"^(?:\w+\.)*StudentError: ")


@dataclass(frozen=True, slots=True)
class Room:
    """Where and within what an assignment is examined.

    Attributes:
        source: the folder of the source notebooks.
        hidden: folders that students' code must not read.
        weakest: the least confinement that will do, one of :data:`autograder.sandbox.levels.LEVELS`.
        quick: whether to run the solutions here only, neither in a stock kernel nor the notebooks as they are released.
    """

    source: Path
    limits: Limits = field(default_factory=Limits)
    hidden: Sequence[Path] = ()
    weakest: str = "limits"
    kit: Kit = field(default_factory=Kit)
    quick: bool = False


def check_runs(path: Path, notebook: Notebook, room: Room) -> Iterator[Finding]:
    """What running the source notebook at *path* shows about its test cells.

    Raises:
        NoSandbox: this machine could not start a process for it.
    """
    tests = {
        grading(cell)["grade_id"]: (path.stem, place, name_of(cell, place))
        for place, cell in enumerate(notebook.cells, 1)
        if is_test(cell)
    }
    texts = {grading(cell)["grade_id"]: cell["source"] for cell in notebook.cells if is_test(cell)}
    points = notebook.auto_points()
    here = _examined(path, notebook, room)
    there: Mapping[str, Outcome] | None = None
    if not room.quick:
        try:
            there = stock_outcomes(notebook, room.source)
        except KernelFailed as failure:
            yield Finding(path.stem, 0, "", 0, f"It could not be run in a stock kernel: {failure}", "", True)
    for grade_id, where in tests.items():
        outcome = None if there is None else there.get(grade_id)
        yield from _of_solution(where, points[grade_id], here[grade_id], outcome, texts[grade_id])
    if room.quick:
        return
    untouched = _examined(path, _untouched(notebook), room)
    for grade_id, where in tests.items():
        if points[grade_id] and untouched[grade_id].score > 0:
            what = f"The released notebook, with nothing written into it, earns {untouched[grade_id].score:g} of {points[grade_id]:g} points."
            yield Finding(*where, 0, what, "a test that needs the answer.")


def _examined(path: Path, notebook: Notebook, room: Room) -> dict[str, Verdict]:
    made = assemble(path, notebook.dumps().encode())
    return examine(
        made,
        room.limits,
        data_files(room.source),
        room.hidden,
        Owner(path.stem),
        room.weakest,
        kit=room.kit,
        source=room.source,
    ).verdicts


def _untouched(notebook: Notebook) -> Notebook:
    made = Notebook(copy.deepcopy(notebook.content))
    for cell, text in zip(made.cells, released(notebook), strict=True):
        cell["source"] = text
    return made


def _of_solution(
    where: tuple[str, int, str], points: float, ours: Verdict, theirs: Outcome | None, text: str
) -> Iterator[Finding]:
    if theirs is not None and theirs.score < points:
        lost = f"gets {theirs.score:g} of {points:g} points in a stock kernel"
        if ours.score < points:
            what = f"The solution {lost}, and here: {_short(theirs.said or ours.detail)}"
            yield Finding(*where, theirs.line, what, "mend the test or the solution.", True)
        else:
            what = f"The solution {lost}, and all of them here: {_short(theirs.said)}"
            instead = "mend the test: students who validate their work see this."
            if theirs.said.startswith("text on stderr"):
                instead = "have the test print nothing on stderr, for which nbgrader takes all points."
            yield Finding(*where, theirs.line, what, instead, True)
    elif ours.score < points:
        known = "" if theirs is None else ", and all of them in a stock kernel"
        what = f"The solution gets {ours.score:g} of {points:g} points here{known}: {_short(ours.detail or ours.message)}"
        line = _line(text, ours.line)
        if line and "assert" in line:
            what += f": {_short(line)}"
        yield Finding(*where, ours.line, what, _instead(ours, line), True)


# What to write instead, by what the examiner says of the solution.
INSTEAD = (
    (
        "could not be asked about",
        "hand plain data to the student's function: numbers, strings, lists, dicts, arrays, tables.",
    ),
    ("Return plain", "have the student's function return plain data, and test that."),
    ("Give plain", "test a name that stands for plain data."),
    ("Compare their attributes", "compare attributes, such as (a.x, a.y) == (b.x, b.y)."),
    ("cannot be derived from", "test the student's class itself, or a subclass that the student writes."),
    ("__code__", "test what the function gives: its source is not in this process."),
    (
        "raised NameError",
        "hand it to the function as an argument: names of a test cell are not there for the student's code.",
    ),
    (
        "raised FileNotFoundError",
        "put the file beside the notebook: what a test writes is not there for the student's code.",
    ),
    ("NameError", "define the name in the test cell itself, or in a locked cell before it."),
    ("FileNotFoundError", "hand the content to the student's function, or have it return what it writes."),
)


# The same by what the line that failed looks at.
LOOKED_AT = (
    (
        r"\b(gca|gcf|get_fignums)\b|\bax(es)?\b",
        "have the student's function return its figure or axes, and look at those.",
    ),
    (r"__cause__|__context__", "test the exception's type and text: what caused it is not in this process."),
    (
        r"\bgetsource|__code__|\bdis\b",
        "test what the function gives: its source is not in this process.",
    ),
    (
        r"\bisinstance\(|\bissubclass\(|\btype\(|is_dataclass|fields\(|__bases__|__mro__",
        "test what the object does, such as its attributes and what its methods give: its class is in another process.",
    ),
    (
        r"__name__|__doc__|__wrapped__|\.(func|args|keywords)\b",
        "test what the function gives: this is not known of it here.",
    ),
    (
        r"\bis\b(?! (not )?(None|True|False)\b)|\bid\(",
        "compare values: what comes from the student's process is a copy.",
    ),
)


def _instead(verdict: Verdict, line: str) -> str:
    said = verdict.detail or verdict.message
    usual = (
        "test values that the student's names or functions give, and arguments while its function is called."
    )
    words = (instead for words, instead in INSTEAD if words in said)
    looks = (instead for looked, instead in LOOKED_AT if re.search(looked, line))
    return next(words, next(looks, usual))


def _line(text: str, number: int) -> str:
    """A line of a test cell; empty if there is none of this *number*."""
    lines = text.splitlines()
    return lines[number - 1].strip() if 0 < number <= len(lines) else ""


def _short(text: str) -> str:
    text = " ".join(OWN_WORDS.sub("", text).split())
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"
