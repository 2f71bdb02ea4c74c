"""Puts a submission into the form of its source notebook: every graded cell once, in place, with the source's metadata.

What a student may change is their answers and their own cells. Whatever else was done to the notebook (test cells deleted,
duplicated, edited, retyped; metadata, points, ids, formats) changes nothing.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autograder.bounds.limits import Limits
from autograder.files.read import Unreadable, open_folder, read_file
from autograder.notebook.cells import STUDENT_TAG, Notebook, grading, read_notebook
from autograder.notebook.inert import inert_attachments, inert_markdown, writable

__all__ = ["NOTE", "PROBLEM", "assemble", "read_path", "read_submission"]

PROBLEM = "autograder_problem"
NOTE = "autograder_note"
MAX_CELLS = 2000
STUB = {"code": "# YOUR CODE HERE\nraise NotImplementedError()", "markdown": "YOUR ANSWER HERE"}


def read_submission(submission: Path | bytes | Unreadable) -> tuple[list[dict[str, Any]], str]:
    """The cells of a submitted file, or of its content, and what is wrong with it (an empty string if nothing is).

    A file that cannot be read has no cells.

    Raises:
        MemoryError, OSError: this machine or the limits of this process do not allow to read it.
    """
    if isinstance(submission, Path):
        submission = read_path(submission)
    if isinstance(submission, Unreadable):
        return [], submission.why
    try:
        if not submission.strip():
            return [], "the file is empty"
        text = submission.decode(json.detect_encoding(submission))  # some editors write UTF-16
        content = json.loads(text, parse_constant=lambda name: None)
    except UnicodeDecodeError:
        return [], "the file is not text"
    except RecursionError:
        return [], "its JSON is nested too deeply"
    except ValueError as error:
        return [], f"it is not JSON: {error}" if len(str(error)) < 120 else "it is not JSON"
    if not isinstance(content, dict):
        return [], "it is JSON, but no notebook"
    cells = content.get("cells")
    if cells is None and isinstance(content.get("worksheets"), list):
        sheets = [sheet for sheet in content["worksheets"] if isinstance(sheet, dict)]
        cells = [cell for sheet in sheets for cell in _list(sheet.get("cells"))]
    if not isinstance(cells, list):
        return [], "it is JSON, but no notebook: it has no cells"
    return [made for cell in cells if (made := _tidy(cell)) is not None], ""


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
    source = writable(source)
    made = {
        "cell_type": cell["cell_type"],
        "source": source if cell["cell_type"] == "code" else inert_markdown(source),
        "grade_id": grade_id if isinstance(grade_id, str) else None,
    }
    attachments = inert_attachments(cell.get("attachments")) if cell["cell_type"] == "markdown" else {}
    return made | ({"attachments": attachments} if attachments else {})


def assemble(source: Path, submission: Path | bytes | Unreadable) -> Notebook:
    """The notebook to grade: *source*'s locked and test cells around *submission*'s answers.

    Cells keep the order that the student gave them; what is missing comes back where the source has it. If the submission cannot be
    read, the result has no answers and its metadata says why under :data:`PROBLEM`; what else there is to say of it, under :data:`NOTE`.
    """
    template = read_notebook(source)
    cells, problem = read_submission(submission)
    made = copy.deepcopy(template.content)
    if len(cells) > MAX_CELLS:
        made["metadata"][NOTE] = (
            f"it has {len(cells)} cells: of those after the first {MAX_CELLS} only the answers are looked at"
        )
        cells = cells[:MAX_CELLS] + _answers_after(cells, set(template.by_grade_id()))
    made["cells"] = [_numbered(cell, i) for i, cell in enumerate(_ordered(template, cells))]
    made["nbformat"], made["nbformat_minor"] = 4, 5
    if problem:
        made["metadata"][PROBLEM] = problem
    return Notebook(made)


def _answers_after(cells: list[dict[str, Any]], known: set[str]) -> list[dict[str, Any]]:
    """The first cell of each grade_id of the source that has none among the first :data:`MAX_CELLS`."""
    missing = known - {cell["grade_id"] for cell in cells[:MAX_CELLS]}
    found: dict[str, dict[str, Any]] = {}
    for cell in cells[MAX_CELLS:]:
        if cell["grade_id"] in missing:
            found.setdefault(cell["grade_id"], cell)
    return list(found.values())


def _ordered(template: Notebook, submitted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    known = template.by_grade_id()
    tests = {key for key, cell in known.items() if grading(cell)["grade"] and not grading(cell)["solution"]}
    placed: dict[str, dict[str, Any]] = {}
    order: list[dict[str, Any]] = []
    for cell in submitted:
        grade_id = cell["grade_id"]
        if grade_id in tests:
            continue
        original = known.get(grade_id) if grade_id not in placed else None
        if original is None:
            if grade_id is None or grade_id not in known or not grading(known[grade_id])["locked"]:
                order.append(_own(cell))  # the student's own cell, or a second copy of an answer
            continue
        answer = _is_students(original) and cell["cell_type"] == original["cell_type"]
        if _is_students(original) and not answer:
            order.append(_own(cell))
            continue
        placed[grade_id] = _like(original, cell if answer else original)
        order.append(placed[grade_id])
    before: dict[str, Any] | None = None
    for grade_id, original in known.items():
        if grade_id not in placed:
            answer = grading(original)["solution"]
            stub = {"source": STUB[original["cell_type"]]}
            placed[grade_id] = _like(original, stub if answer else original)
            at = 0 if before is None else next(i for i, cell in enumerate(order) if cell is before) + 1
            if answer:  # the answer may be in a cell of the student's own that lost its id: what tests it comes after that
                while at < len(order) and not grading(order[at]):
                    at += 1
            order.insert(at, placed[grade_id])
        before = placed[grade_id]
    return order


def _is_students(original: dict[str, Any]) -> bool:
    """Whether the student writes the cell: an answer, or a cell that is theirs to set and that nobody marks."""
    grade = grading(original)
    return bool(grade["solution"]) or not (grade["grade"] or grade["locked"])


def _like(original: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(original) | {
        key: content[key] for key in ("source", "attachments") if key in content
    }


def _own(cell: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        key: cell[key] for key in ("cell_type", "source", "attachments") if key in cell
    } | {"metadata": {}}
    if cell["cell_type"] == "code":
        made |= {"execution_count": None, "outputs": []}
    return made


def _numbered(cell: dict[str, Any], number: int) -> dict[str, Any]:
    return cell | {"id": grading(cell).get("grade_id", f"own-{number}").replace("_", "-")[:64]}


def steps(notebook: Notebook) -> Iterator[tuple[int, dict[str, Any], bool]]:
    """(index, cell, whether it is a test) of the code cells, in the order in which they run."""
    for index, cell in enumerate(notebook.cells):
        if cell["cell_type"] == "code":
            grade = grading(cell)
            yield index, cell, bool(grade.get("grade")) and not grade.get("solution")
