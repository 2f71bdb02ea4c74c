"""The exam that comes with the package: the source notebooks' tests, visible and hidden, without any answer.

It is generated from ``solutions/`` and ``assignments/`` (``autograder exam``, part of ``make release``), committed, and what
``autograder check`` examines against: nothing but the package is needed.
"""

from __future__ import annotations

import shutil
from importlib import resources
from pathlib import Path

from autograder.notebook.cells import grading, read_notebook

__all__ = ["ExamError", "installed_exam", "write_exam"]

FOLDER = ("data", "exam")


class ExamError(Exception):
    """There is no exam, or none can be made; the message says why."""


def installed_exam(assignment: str) -> Path:
    """The folder of the exam of *assignment* inside the installed package.

    Raises:
        ExamError: the package holds no such exam.
    """
    base = Path(str(resources.files("autograder").joinpath(*FOLDER)))
    folder = base / assignment
    if not folder.is_dir():
        known = ", ".join(sorted(p.name for p in base.glob("*/"))) or "none"
        raise ExamError(f"this installation holds no exam for {assignment!r}; it holds: {known}")
    return folder


def write_exam(source: Path, release: Path, target: Path) -> list[Path]:
    """Write the notebooks of *source* into *target* with every answer as *release* has it; returns the files written.

    Files beside the notebooks, which their cells read, go along.

    Raises:
        ExamError: a notebook or a cell of *source* has not been released.
    """
    written = []
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    left = (".", "autograder-progress")  # by an editor, or by someone who checked the solutions
    for path in sorted(p for p in source.iterdir() if p.is_file() and not p.name.startswith(left)):
        if path.suffix != ".ipynb":
            written.append(Path(shutil.copy(path, target)))
            continue
        if not (release / path.name).is_file():
            raise ExamError(f"{release / path.name} is not there: release the assignment first")
        notebook = read_notebook(path)
        released = read_notebook(release / path.name).by_grade_id()
        for grade_id, cell in notebook.by_grade_id().items():
            if grading(cell)["solution"]:
                if grade_id not in released:
                    raise ExamError(
                        f"{release / path.name} has no cell {grade_id!r}: release the assignment again"
                    )
                cell["source"] = released[grade_id]["source"]
        for cell in notebook.cells:
            cell["source"] = cell["source"].splitlines(keepends=True)  # a changed line is one line of a diff
        written.append(target / path.name)
        written[-1].write_text(notebook.dumps(), "utf-8")
    return written
