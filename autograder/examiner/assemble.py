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

from autograder.examiner.inert import inert_attachments, inert_markdown
from autograder.notebooks import STUDENT_TAG, Notebook, grading, read_notebook

__all__ = ["PROBLEM", "assemble", "read_submission"]

PROBLEM = "autograder_problem"
MAX_BYTES = 64 << 20
MAX_CELLS = 2000
STUB = {"code": "# YOUR CODE HERE\nraise NotImplementedError()", "markdown": "YOUR ANSWER HERE"}


def read_submission(path: Path) -> tuple[list[dict[str, Any]], str]:
    """The cells of a submitted file, and what is wrong with it (an empty string if nothing is).

    Never raises: a file that cannot be read has no cells.
    """
    try:
        if path.is_symlink():
            return [], "it is a symbolic link, not a file"
        if not path.is_file():
            return [], "it was not handed in"
        if path.stat().st_size > MAX_BYTES:
            return [], f"it is larger than {MAX_BYTES >> 20} MB"
        raw = path.read_bytes()
        if not raw.strip():
            return [], "the file is empty"
        content = json.loads(raw.decode("utf-8-sig"), parse_constant=lambda name: None)
    except UnicodeDecodeError:
        return [], "the file is not text"
    except RecursionError:
        return [], "its JSON is nested too deeply"
    except ValueError as error:
        return [], f"it is not JSON: {error}" if len(str(error)) < 120 else "it is not JSON"
    except OSError as error:
        return [], f"it cannot be opened: {error.strerror}"
    if not isinstance(content, dict):
        return [], "it is JSON, but no notebook"
    cells = content.get("cells")
    if cells is None and isinstance(content.get("worksheets"), list):
        sheets = [sheet for sheet in content["worksheets"] if isinstance(sheet, dict)]
        cells = [cell for sheet in sheets for cell in _list(sheet.get("cells"))]
    if not isinstance(cells, list):
        return [], "it is JSON, but no notebook: it has no cells"
    return [made for cell in cells[:MAX_CELLS] if (made := _tidy(cell)) is not None], ""


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
    source = source.encode("utf-8", "replace").decode("utf-8")
    made = {
        "cell_type": cell["cell_type"],
        "source": source if cell["cell_type"] == "code" else inert_markdown(source),
        "grade_id": grade_id if isinstance(grade_id, str) else None,
    }
    attachments = inert_attachments(cell.get("attachments")) if cell["cell_type"] == "markdown" else {}
    return made | ({"attachments": attachments} if attachments else {})


def assemble(source: Path, submission: Path) -> Notebook:
    """The notebook to grade: *source*'s locked and test cells around *submission*'s answers.

    Cells keep the order that the student gave them; what is missing comes back where the source has it. If the submission cannot be
    read, the result has no answers and its metadata says why under :data:`PROBLEM`.
    """
    template = read_notebook(source)
    cells, problem = read_submission(submission)
    order = _ordered(template, cells)
    made = copy.deepcopy(template.content)
    made["cells"] = [_numbered(cell, i) for i, cell in enumerate(order)]
    made["nbformat"], made["nbformat_minor"] = 4, 5
    if problem:
        made["metadata"][PROBLEM] = problem
    return Notebook(made)


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
