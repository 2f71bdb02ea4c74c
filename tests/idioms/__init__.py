"""Everyday idioms of instructors' test cells: small notebooks with right and wrong works, in the TOML files of this folder.

Each file is a family. A table of a file is an idiom:

* ``cells``: a notebook, in cells that begin with ``# %%`` and a kind: ``plain`` (nbgrader does not know it), ``locked``, ``answer``
  (what stands there is the solution), or ``test``, with its points if they are not 1;
* ``right`` and ``wrong``: works besides the solution, with ``# %%`` between the answers where there are several;
* ``files``: what lies beside the notebook.

What each work gets in a stock kernel is recorded in ``kernel.json``. ``python -m tests.idioms`` compares the examiner with it, and
``python -m tests.idioms --kernel`` records it anew.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.notebook.cells import Notebook, grading, is_test

__all__ = ["FOLDER", "RECORD", "Idiom", "Work", "load_idioms", "recorded", "submission"]

FOLDER = Path(__file__).parent
RECORD = FOLDER / "kernel.json"
CELL = re.compile(r"^# %%(.*)\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Work:
    """Answers that somebody hands in, one for each answer cell."""

    label: str
    answers: tuple[str, ...]
    right: bool


@dataclass(frozen=True, slots=True)
class Idiom:
    """A small assignment of one notebook.

    Attributes:
        cells: (kind, points, source) of each cell.
        works: the solution first.
    """

    name: str
    family: str
    says: str
    cells: tuple[tuple[str, float, str], ...]
    works: tuple[Work, ...]
    files: dict[str, str]

    @property
    def points(self) -> list[float]:
        """The maxima of the test cells."""
        return [points for kind, points, _ in self.cells if kind == "test"]

    @property
    def fingerprint(self) -> str:
        """Of all that the marks depend on."""
        parts = json.dumps([self.cells, [work.answers for work in self.works], self.files], sort_keys=True)
        return hashlib.sha256(parts.encode()).hexdigest()[:16]

    def notebook(self) -> Notebook:
        """The source notebook."""
        cells: list[dict[str, Any]] = []
        for number, (kind, points, source) in enumerate(self.cells):
            if kind == "answer":
                source = f"### BEGIN SOLUTION\n{source}\n### END SOLUTION"
            grade = {"grade": kind == "test", "solution": kind == "answer", "locked": kind != "answer"}
            grade |= {"task": False, "schema_version": 3, "grade_id": f"{kind}-{number}"}
            grade |= {"points": points} if kind == "test" else {}
            cells.append(
                {
                    "cell_type": "code",
                    "id": f"cell-{number}",
                    "metadata": {} if kind == "plain" else {"nbgrader": grade},
                    "source": source,
                    "outputs": [],
                    "execution_count": None,
                }
            )
        spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        return Notebook(
            {"cells": cells, "metadata": {"kernelspec": spec}, "nbformat": 4, "nbformat_minor": 5}
        )

    def write(self, folder: Path) -> Path:
        """Write the source notebook and its files into *folder*; returns the path of the notebook."""
        for name, text in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        path = folder / f"{self.name}.ipynb"
        path.write_text(self.notebook().dumps(), "utf-8")
        return path


def submission(idiom: Idiom, work: Work) -> Notebook:
    """The notebook with the answers of *work*, hidden tests included."""
    made = idiom.notebook()
    answers = iter(work.answers)
    for cell in made.cells:
        if grading(cell).get("solution"):
            cell["source"] = next(answers)
    return made


def test_ids(notebook: Notebook) -> list[str]:
    """The test cells' grade_ids, in order."""
    return [grading(cell)["grade_id"] for cell in notebook.cells if is_test(cell)]


def load_idioms() -> list[Idiom]:
    """All idioms, by family and in the order of their files."""
    return [idiom for path in sorted(FOLDER.glob("*.toml")) for idiom in _family(path)]


def _family(path: Path) -> Iterator[Idiom]:
    for name, entry in tomllib.loads(path.read_text("utf-8")).items():
        cells = tuple(_cells(entry["cells"]))
        solution = tuple(source for kind, _, source in cells if kind == "answer")
        works = [Work("solution", solution, True)]
        for right in (True, False):
            label = "right" if right else "wrong"
            for number, text in enumerate(entry[label], 1):
                answers = tuple(part.strip("\n") for part in re.split(r"^# %%\n", text, flags=re.MULTILINE))
                if len(answers) != len(solution):
                    raise ValueError(f"{path.name}: {name}: {label} work {number} has {len(answers)} answers")
                works.append(Work(f"{label} {number}", answers, right))
        yield Idiom(name, path.stem, entry["says"], cells, tuple(works), entry.get("files", {}))


def _cells(text: str) -> Iterator[tuple[str, float, str]]:
    _, *parts = CELL.split(text)
    for head, source in zip(parts[::2], parts[1::2], strict=True):
        kind, *points = head.split()
        yield kind, float(points[0]) if points else float(kind == "test"), source.strip("\n")


def recorded() -> dict[str, dict[str, Any]]:
    """For each idiom its fingerprint and, by work, the marks of its test cells in a stock kernel."""
    found: dict[str, dict[str, Any]] = json.loads(RECORD.read_text("utf-8")) if RECORD.is_file() else {}
    return found
