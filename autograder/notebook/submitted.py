"""Reads what a student handed in as a notebook: its cells and no more of it than is used, whatever else the file holds."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.bounds.limits import Limits
from autograder.files.read import Unreadable, open_folder, read_file
from autograder.notebook.cells import STUDENT_TAG, grading
from autograder.notebook.inert import inert_attachments, writable

__all__ = ["EMPTY", "Submitted", "read_path", "read_submission"]

EMPTY = "the file is empty"
VERSION = re.compile(r"\d{1,3}(\.\w{1,9}){1,4}\+?")


@dataclass(frozen=True, slots=True)
class Submitted:
    """What a submitted file holds.

    Attributes:
        cells: each with a type, a source, a grade_id and attached pictures; none, if the file cannot be read.
        problem: what is wrong with the file, as the end of a sentence; empty if nothing is.
        python: the version of Python that it says it was written with; empty if it says none.
    """

    cells: list[dict[str, Any]] = field(default_factory=list)
    problem: str = ""
    python: str = ""


def read_submission(submission: Path | bytes | Unreadable) -> Submitted:
    """What a submitted file, or its content, holds.

    Raises:
        MemoryError, OSError: this machine or the limits of this process do not allow to read it.
    """
    if isinstance(submission, Path):
        submission = read_path(submission)
    if isinstance(submission, Unreadable):
        return Submitted(problem=submission.why)
    try:
        if not submission.strip():
            return Submitted(problem=EMPTY)
        text = submission.decode(json.detect_encoding(submission))  # some editors write UTF-16
        content = json.loads(text, parse_constant=lambda name: None)
    except UnicodeDecodeError:
        return Submitted(problem="the file is not text")
    except RecursionError:
        return Submitted(problem="its JSON is nested too deeply")
    except ValueError as error:
        return Submitted(problem=f"it is not JSON: {error}" if len(str(error)) < 120 else "it is not JSON")
    if not isinstance(content, dict):
        return Submitted(problem="it is JSON, but no notebook")
    cells = content.get("cells")
    if cells is None and isinstance(content.get("worksheets"), list):
        sheets = [sheet for sheet in content["worksheets"] if isinstance(sheet, dict)]
        cells = [cell for sheet in sheets for cell in _list(sheet.get("cells"))]
    if not isinstance(cells, list):
        return Submitted(problem="it is JSON, but no notebook: it has no cells")
    tidied = [made for cell in cells if (made := _tidy(cell)) is not None]
    return Submitted(tidied, python=_python(content.get("metadata")))


def _python(metadata: Any) -> str:
    language = metadata.get("language_info") if isinstance(metadata, dict) else None
    version = (
        language.get("version") if isinstance(language, dict) and language.get("name") == "python" else ""
    )
    return version if isinstance(version, str) and VERSION.fullmatch(version) else ""


def read_path(path: Path) -> bytes | Unreadable:
    """The content of the file at *path*, which may lie in any folder but must be no link itself."""
    with open_folder(path.parent) as folder:
        if isinstance(folder, Unreadable):
            return folder
        return read_file(folder, path.name, Limits().file_mb << 20)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _tidy(cell: Any) -> dict[str, Any] | None:
    """A cell with a type, a source, a grade_id and attached pictures, or None; nothing else of it is used."""
    if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown", "raw"):
        return None
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    if not isinstance(source, str):
        return None
    metadata = cell.get("metadata")
    grade = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = grade.get("grade_id") if isinstance(grade, dict) else None
    if grade_id is None and isinstance(metadata, dict) and STUDENT_TAG in _list(metadata.get("tags")):
        grade_id = grading({"metadata": {"tags": [STUDENT_TAG]}})["grade_id"]
    made = {
        "cell_type": cell["cell_type"],
        "source": writable(source),
        "grade_id": grade_id if isinstance(grade_id, str) else None,
    }
    attachments = inert_attachments(cell.get("attachments")) if cell["cell_type"] == "markdown" else {}
    return made | ({"attachments": attachments} if attachments else {})
