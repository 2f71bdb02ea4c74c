"""A class made by construction: every submission is built from the solutions, and its marks are known."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.files.source import KIT, source_notebooks
from autograder.kit import in_form, load_kit
from autograder.notebook.cells import Notebook, read_notebook, strip_solution_marks

__all__ = ["Kind", "Lost", "expected_marks", "load_kinds", "write_submission"]

Lost = Mapping[str, Any] | str  # "all", or by notebook: "all", "none", or test cell → points
Marks = dict[str, dict[str, float | None]]  # notebook → test cell → mark


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of submission.

    Attributes:
        says: what it is, in a few words.
        base: what it starts from: the "right" answers, or the "untouched" release.
        cells: answers that are replaced, by notebook and grade_id.
        missing: notebooks that are not handed in.
        corrupt: notebooks that are cut off in the middle.
        files: text files of their own that are handed in too, content by name.
        lost: the points that it must lose.
        alone: what it loses where errors are not carried forward, if that is something else.
        stock: what it loses in nbgrader's own execution, if that is something else than without carrying errors forward.
        named: misconceptions that the messages name, by notebook.
    """

    name: str
    says: str
    base: str = "right"
    cells: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    corrupt: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    lost: Lost = field(default_factory=dict)
    alone: Lost | None = None
    stock: Lost | None = None
    named: Mapping[str, list[str]] = field(default_factory=dict)


USUAL: Mapping[str, Mapping[str, Any]] = {
    "right": {"says": "the right answers"},
    "untouched": {"says": "handed in as it was handed out", "base": "untouched", "lost": "all"},
}


def load_kinds(source: Path) -> dict[str, Kind]:
    """The kinds of the assignment whose source folder is *source*, by name, in the order of its file.

    Without a file there are two: the right answers, and the untouched release.

    Raises:
        KitError: the kit cannot be used, or a kind has an entry that is not known or of another type.
    """
    file = source / KIT / "kinds.toml"
    return {
        name: in_form(file, {"name": name} | row if isinstance(row, dict) else row, Kind, name)
        for name, row in (load_kit(source).kinds or USUAL).items()
    }


def write_submission(kind: Kind, source: Path, release: Path, target: Path) -> None:
    """Write the notebooks that a student of this *kind* hands in into the folder *target*.

    Raises:
        KeyError: the kind replaces a cell that the notebook does not have.
    """
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(release.iterdir()):
        if path.is_dir():
            shutil.copytree(path, target / path.name, dirs_exist_ok=True)
            continue
        if path.suffix != ".ipynb":
            shutil.copy(path, target)
            continue
        name = path.stem
        if name in kind.missing:
            continue
        notebook = read_notebook(path)
        answers = (
            {} if kind.base == "untouched" else dict(strip_solution_marks(read_notebook(source / path.name)))
        )
        answers |= kind.cells.get(name, {})
        _fill(notebook, answers)
        text = notebook.dumps()
        (target / path.name).write_text(text[: len(text) // 2] if name in kind.corrupt else text, "utf-8")
    for name, text in kind.files.items():
        (target / name).write_text(text, "utf-8")


def _fill(notebook: Notebook, answers: Mapping[str, str]) -> None:
    by_id = notebook.by_grade_id()
    for grade_id, answer in answers.items():
        by_id[grade_id]["source"] = answer.strip("\n")


def expected_marks(kind: Kind, source: Path, *, stock: bool = False, carried: bool = True) -> Marks:
    """The right mark of every autograded cell, by notebook.

    Args:
        stock: the mark that nbgrader's own execution gives; None where it gives none.
        carried: whether errors are carried forward; nbgrader's own execution does not.

    Raises:
        KeyError: the kind names a test cell that does not exist.
    """
    marks: Marks = {}
    for path in source_notebooks(source):
        full = read_notebook(path).auto_points()
        lost = kind.lost if kind.alone is None or (carried and not stock) else kind.alone
        lost = kind.stock if stock and kind.stock is not None else lost
        gone: Any = lost if isinstance(lost, str) else lost.get(path.stem, {})
        if gone == "none":
            marks[path.stem] = dict.fromkeys(full)
            continue
        if gone == "all":
            gone = full
        unknown = set(gone) - set(full)
        if unknown:
            raise KeyError(f"kind {kind.name}: {path.stem} has no test cell {', '.join(sorted(unknown))}")
        marks[path.stem] = {grade_id: points - gone.get(grade_id, 0) for grade_id, points in full.items()}
    return marks
