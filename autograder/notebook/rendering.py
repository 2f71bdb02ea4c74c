"""Markdown, raw and code cells of students that Formgrader's page can show, whoever wrote them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from autograder.notebook.cells import grading
from autograder.notebook.display.allowance import TOO_MUCH, TooMuch, one_notebook
from autograder.notebook.display.budgets import MAX_TEXT
from autograder.notebook.display.expendable import ask
from autograder.notebook.inert import inert_outputs, inert_text

__all__ = ["make_inert", "showable_code", "showable_markdown"]

MAX_BLOCK = 20_000  # characters of a text that is shown as it was typed
MAX_LINE = 1000  # of these in a line: what looks for links in it takes time that grows with the square
MAX_CODE = 10_000  # characters of code that are highlighted fast if none of its parts is as long as these
LONG = re.compile(r"\s{200,}|\S{400,}")
# Of a notebook, as characters: a hundred times what an honest one has. What comes after that is cut short.
MAX_NOTEBOOK = 20_000_000
# Of a notebook: elements and marks, for which Formgrader's server needs a second. A table of 1000 rows and ten columns has 24,000.
MAX_MARKUP = 100_000
MARK = re.compile(r"[^\w ]|_")
# Prose: nothing in it can become a link, a picture, a heading with an id, a block of another language or a command for MathJax.
PROSE = re.compile(r"[^<>&\[\]~#\\\x00-\x08\x0b-\x1f\x7f]{0,4000}")
MAX_MARKS = 200
HEADING = re.compile(r"^ {0,3}#{1,6}(?!#)[ \t]*", re.MULTILINE)
UNDERLINED = re.compile(r"^(?=[^\n]+\n {0,3}(?:=+|-+)[ \t]*$)", re.MULTILINE)
LINE = re.compile(r"^[ \t>]*(?:=+|-+)[ \t]*$", re.MULTILINE)
# By these, and by the ids of graded cells, Formgrader's scripts find what they work on.
OF_FORMGRADER = ("notebook", "notebook-container", "statusmessage", "help-dialog")


def make_inert(cells: Iterable[Any], outputs: Mapping[int, list[Any]]) -> None:
    """Leave in the students' *cells*, and give them of their *outputs*, only what can be shown to someone with rights."""
    cells = list(cells)
    ends = ("", "-comment", "_extra_credit")
    names = sorted(grading(cell)["grade_id"] for cell in cells if grading(cell))
    taken = (*OF_FORMGRADER, *(name + end for name in names for end in ends))
    size = 0
    left = [MAX_MARKUP]
    with one_notebook():
        for index, cell in enumerate(cells):
            shown = outputs.get(index, [])
            theirs = not grading(cell).get("locked")
            if size > MAX_NOTEBOOK:
                shown = [{"output_type": "stream", "name": "stdout", "text": TOO_MUCH}] if shown else []
                cell["source"] = cell["source"] if not theirs else cell["source"][:MAX_LINE]
            if cell["cell_type"] == "code":
                cell["outputs"] = inert_outputs(_affordable(output, left) for output in shown)
                cell["source"] = showable_code(cell["source"]) if theirs else cell["source"]
                size += sum(len(str(output)) for output in cell["outputs"])
            elif cell["cell_type"] == "markdown" and theirs:
                affordable = _affords(len(MARK.findall(cell["source"])), left)
                cell["source"] = (
                    showable_markdown(cell["source"], cell.get("attachments"), taken)
                    if affordable
                    else _as_code(cell["source"])
                )
                size += sum(len(str(bundle)) for bundle in cell.get("attachments", {}).values())
            elif theirs:  # the text of a raw cell would stand on the page as HTML
                cell["cell_type"], cell["source"] = "markdown", _as_code(cell["source"])
            size += len(cell["source"])


def _affords(marks: int, left: list[int]) -> bool:
    affordable = marks <= left[0]
    left[0] -= marks if affordable else 0
    return affordable


def _affordable(output: Any, left: list[int]) -> Any:
    """The *output*, or its plain text if it has more markup than is *left* to the notebook."""
    data = output.get("data") if isinstance(output, dict) else None
    if not isinstance(data, dict):
        return output
    marks = sum(
        text.count("<") if kind == "text/html" else len(MARK.findall(text))
        for kind, text in data.items()
        if kind in ("text/html", "text/markdown", "text/latex") and isinstance(text, str)
    )
    if _affords(marks, left):
        return output
    return {
        **output,
        "data": {"text/plain": f"{inert_text(data.get('text/plain', ''))}\n{TOO_MUCH}".lstrip()},
    }


def showable_markdown(
    source: str, attachments: Mapping[str, Any] | None = None, taken: tuple[str, ...] = ()
) -> str:
    """*source* if nbconvert, as Formgrader uses it, renders it and what comes out can do nothing; else its text as a block of code.

    A heading whose id would be one of *taken* gets a zero-width space, which changes the id alone.
    """
    if _is_prose(source):
        return source
    if len(source) > MAX_TEXT:
        return _as_code(source)
    renamed = UNDERLINED.sub("\u200b", HEADING.sub("\\g<0>\u200b", source))
    for made in dict.fromkeys((source, renamed)):
        try:
            if ask("shows", made, dict(attachments) if attachments else None, taken):
                return made
        except TooMuch:
            break
    return _as_code(source)


def _is_prose(source: str) -> bool:
    few = all(source.count(mark) <= MAX_MARKS for mark in "*_`$|")
    return (
        few
        and "://" not in source
        and "```" not in source
        and PROSE.fullmatch(source) is not None
        and LINE.search(source) is None
    )


def _as_code(source: str) -> str:
    """Markdown that shows *source* as it was typed: every line is indented, so that none of them means anything."""
    lines = [
        line[at : at + MAX_LINE]
        for line in source[:MAX_BLOCK].splitlines()
        for at in range(0, max(1, len(line)), MAX_LINE)
    ]
    return "\n".join(f"    {line}" for line in (*lines, *([TOO_MUCH] if len(source) > MAX_BLOCK else [])))


def showable_code(source: str) -> str:
    """*source* if Formgrader's page can highlight it in time; else what can be of its beginning."""
    if len(source) <= MAX_CODE and not LONG.search(source):
        return source
    try:
        if ask("highlights", source):
            return source
    except TooMuch:
        pass
    return f"{LONG.sub(' … ', source[: 4 * MAX_CODE])[:MAX_CODE]}\n# {TOO_MUCH}"
