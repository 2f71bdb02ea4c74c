"""What must never reach a student, and how to look for it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from pathlib import Path

from autograder.notebook.cells import read_notebook
from tests.assignments import release_of, source_of

SOLUTION = re.compile(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", re.DOTALL)
HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS\n(.*?)### END HIDDEN TESTS", re.DOTALL)
ANYBODY_S = ("import ", "from ", "@", "#", "def ")


def lines_of(folder: Path) -> list[str]:
    """Every line of every notebook in *folder*."""
    cells = [cell for path in sorted(folder.glob("*.ipynb")) for cell in read_notebook(path).cells]
    return [line for cell in cells for line in cell["source"].splitlines()]


def telling(lines: Iterable[str]) -> set[str]:
    """Lines long enough to be somebody's own, without those that anybody would write."""
    found = {" ".join(line.split()) for line in lines}
    return {line for line in found if len(line) > 24 and not line.startswith(ANYBODY_S)}


def secret_lines(assignment: str, *, hidden: bool = True) -> set[str]:
    """Lines of solutions, model answers and (unless not *hidden*) hidden tests that the release does not hold."""
    texts: list[str] = []
    for path in source_of(assignment).glob("*.ipynb"):
        for cell in read_notebook(path).cells:
            texts += SOLUTION.findall(cell["source"]) + (HIDDEN.findall(cell["source"]) if hidden else [])
    given = " ".join(" ".join(lines_of(release_of(assignment))).split())
    return {
        line for line in telling(line for text in texts for line in text.splitlines()) if line not in given
    }


def leaked(text: str, secrets: set[str]) -> list[str]:
    """Those of *secrets* that *text* holds, be it plain or HTML."""
    flat = " ".join(html.unescape(re.sub(r"<[^>]+>", "", text)).split())
    plain = " ".join(text.split())
    return sorted(line for line in secrets if line in flat or line in plain)
