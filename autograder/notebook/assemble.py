"""Puts a submission into the form of its source notebook: every graded cell once, in place, with the source's metadata.

What a student may change is their answers and their own cells. Whatever else was done to the notebook (test cells deleted,
duplicated, edited, retyped; metadata, points, ids, formats) changes nothing. A test stands where the student has it, as in their kernel, but never
before what it needs.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from autograder.files.read import ABSENT, Unreadable
from autograder.files.renamed import read_renamed
from autograder.notebook.cells import (
    STUB,
    Notebook,
    grading,
    is_test,
    read_notebook,
    without_hidden_tests,
)
from autograder.notebook.inert import inert_markdown
from autograder.notebook.needs import bound_names, needed_by_tests
from autograder.notebook.submitted import EMPTY, read_submission
from autograder.notebook.unread import needing_tests, unread_work
from autograder.notebook.untouched import untouched
from autograder.triage.reasons import Item

__all__ = ["NOTE", "PROBLEM", "PYTHON", "TRIAGE", "UNTOUCHED", "assemble", "steps"]

PROBLEM = "autograder_problem"
NOTE = "autograder_note"
TRIAGE = "autograder_triage"
PYTHON = "autograder_python"
UNTOUCHED = "autograder_untouched"
MAX_CELLS = 2000
NOTHING = (ABSENT.why, EMPTY)  # what there is nobody's work to look at in


def assemble(source: Path, submission: Path | bytes | Unreadable) -> Notebook:
    """The notebook to grade: *source*'s locked and test cells around *submission*'s answers.

    Cells keep the order that the student gave them, but that no test stands before what it needs; what is missing comes back where the source has
    it. An answer that was turned into a cell of another type is turned back. If the submission cannot be read, the result has no answers and its
    metadata says why under :data:`PROBLEM`. There is also what else there is to say of it, under :data:`NOTE`, what a person should look at, under
    :data:`TRIAGE`, the version of Python that it was written with, under :data:`PYTHON`, and the questions that nobody tried, under
    :data:`UNTOUCHED`.
    """
    template = read_notebook(source)
    submitted = read_submission(submission)
    cells = _by_present_names(submitted.cells, template, read_renamed(source.parent).get(source.stem, {}))
    made = copy.deepcopy(template.content)
    notes = []
    if len(cells) > MAX_CELLS:
        notes.append(
            f"it has {len(cells)} cells: of those after the first {MAX_CELLS} only the answers are looked at"
        )
        cells = cells[:MAX_CELLS] + _answers_after(cells, set(template.by_grade_id()))
    chosen = _chosen(template.by_grade_id(), cells)
    retyped = _retyped(template, cells, chosen)
    notes += [item.says for item in retyped]
    ordered = _ordered(template, cells, chosen)
    if submitted.problem:
        made["metadata"][PROBLEM] = submitted.problem
        items = [] if submitted.problem in NOTHING else [_unreadable(template, submitted.problem)]
    else:
        items = [*retyped, *unread_work(template, cells, chosen, ordered)]
    for key, value in {
        NOTE: "; ".join(notes),
        TRIAGE: [item.as_json() for item in items],
        PYTHON: submitted.python,
        UNTOUCHED: untouched(template, ordered),
    }.items():
        if value:
            made["metadata"][key] = value
    made["cells"] = [_numbered(cell, i) for i, cell in enumerate(ordered)]
    made["nbformat"], made["nbformat_minor"] = 4, 5
    return Notebook(made)


def _by_present_names(
    cells: list[dict[str, Any]], template: Notebook, renamed: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The *cells* by the names that the template has for them, where they hold one of an earlier release."""
    known = template.by_grade_id()
    present = {old: new for old, new in renamed.items() if new in known and old not in known}
    return [cell | {"grade_id": present.get(cell["grade_id"], cell["grade_id"])} for cell in cells]


def _unreadable(template: Notebook, problem: str) -> Item:
    graded = (*template.auto_points(), *template.manual_points())
    return Item("unreadable", problem, cells=graded)


def _retyped(template: Notebook, cells: list[dict[str, Any]], chosen: dict[str, int]) -> list[Item]:
    """The answers that are turned back into cells of the type that they had."""
    found = []
    for key, original in template.by_grade_id().items():
        if key in chosen and _is_students(original):
            kinds = cells[chosen[key]]["cell_type"], original["cell_type"]
            if kinds[0] != kinds[1]:
                says = f"the answer {key} had been turned into a {kinds[0]} cell and was turned back into a {kinds[1]} cell"
                by_hand = key in template.manual_points()
                found.append(Item("retyped", says, cells=(key,) if by_hand else needing_tests(template, key)))
    return found


def _answers_after(cells: list[dict[str, Any]], known: set[str]) -> list[dict[str, Any]]:
    """The first cell of each grade_id of the source that has none among the first :data:`MAX_CELLS`."""
    missing = known - {cell["grade_id"] for cell in cells[:MAX_CELLS]}
    found: dict[str, dict[str, Any]] = {}
    for cell in cells[MAX_CELLS:]:
        if cell["grade_id"] in missing:
            found.setdefault(cell["grade_id"], cell)
    return list(found.values())


def _ordered(
    template: Notebook, submitted: list[dict[str, Any]], chosen: dict[str, int]
) -> list[dict[str, Any]]:
    """The cells to grade."""
    known = template.by_grade_id()
    order: list[dict[str, Any]] = []
    placed: dict[str, dict[str, Any]] = {}
    first: dict[str, dict[str, Any]] = {}  # of several copies
    for at, cell in enumerate(submitted):
        grade_id = cell["grade_id"]
        original = known.get(grade_id)
        if original is not None and chosen.get(grade_id) == at:
            students = _is_students(original)
            placed[grade_id] = made = _like(original, cell) if students else copy.deepcopy(original)
        elif original is not None and is_test(original) and cell["source"].strip() == _released(original):
            continue  # another copy of a test
        else:
            made = _own(cell)
        order.append(made)
        if original is not None:
            first.setdefault(grade_id, made)
    before: dict[str, Any] | None = None
    for grade_id, original in known.items():
        if grade_id not in placed:
            stub = {"source": STUB[original["cell_type"]]} if grading(original)["solution"] else {}
            first[grade_id] = placed[grade_id] = copy.deepcopy(original) | stub
            at = 0 if before is None else _index(order, before) + 1
            # What the student has there may be the answer, in a cell that lost its id, or belong to it.
            if grading(original)["solution"] or is_test(original):
                at = _after_own(order, at)
            order.insert(at, placed[grade_id])
        before = placed[grade_id]
    _move_tests(template, order, placed, first)
    return order


def _chosen(known: dict[str, dict[str, Any]], submitted: list[dict[str, Any]]) -> dict[str, int]:
    """The place of the copy that counts, by grade_id: as for nbgrader the last one.

    An answer that was turned into another type counts if there is no copy of the type that it had, and code only if it defines what the source's does.
    One without an answer does not count beside a cell of the student's own that has it.
    """
    chosen: dict[str, int] = {}
    retyped: dict[str, list[int]] = {}
    for at, cell in enumerate(submitted):
        original = known.get(cell["grade_id"])
        if original is not None and (
            cell["cell_type"] == original["cell_type"] or not _is_students(original)
        ):
            chosen[cell["grade_id"]] = at
        elif original is not None:
            retyped.setdefault(cell["grade_id"], []).append(at)
    for grade_id, places in retyped.items() if retyped.keys() - chosen.keys() else ():
        original = known[grade_id]
        if original["cell_type"] == "code" and (wanted := bound_names(original["source"])):
            found = [bound_names(cell["source"]) for cell in submitted if cell["cell_type"] == "code"]
            defined = wanted.intersection(frozenset().union(*found))
            texts = {at: submitted[at]["source"] for at in places}
            places = [at for at in places if not (defined and "NotImplementedError" in texts[at])]
            places = [at for at in places if bound_names(texts[at]) & wanted]
        if places:
            chosen.setdefault(grade_id, places[-1])
    return chosen


def _move_tests(
    template: Notebook,
    order: list[dict[str, Any]],
    placed: dict[str, dict[str, Any]],
    first: dict[str, dict[str, Any]],
) -> None:
    """Put every test that stands before something that it needs behind that, and behind the student's own cells that follow there."""
    places = {id(cell): at for at, cell in enumerate(order)}
    latest, early = -1, []
    for grade_id, original in template.by_grade_id().items():
        if is_test(original) and places[id(placed[grade_id])] < latest:
            early.append(grade_id)
        latest = max(latest, places[id(first[grade_id])])
    needed = needed_by_tests(template) if early else {}
    for grade_id in early:
        here = _index(order, placed[grade_id])
        above = frozenset[str]().union(
            *(bound_names(one["source"]) for one in order[:here] if one["cell_type"] == "code")
        )
        missing = [one for one, names in needed[grade_id].items() if not names <= above]
        behind = max((_index(order, first[one]) for one in missing), default=-1)
        if here < behind:
            del order[here]
            order.insert(_after_own(order, behind), placed[grade_id])


def _index(order: list[dict[str, Any]], cell: dict[str, Any]) -> int:
    return next(at for at, one in enumerate(order) if one is cell)


def _after_own(order: list[dict[str, Any]], at: int) -> int:
    """The place behind the student's own cells from *at* on."""
    while at < len(order) and not grading(order[at]):
        at += 1
    return at


def _released(test: dict[str, Any]) -> str:
    return without_hidden_tests(test["source"]).strip()


def _is_students(original: dict[str, Any]) -> bool:
    """Whether the student writes the cell: an answer, or a cell that is theirs to set and that nobody marks."""
    grade = grading(original)
    return bool(grade["solution"]) or not (grade["grade"] or grade["locked"])


def _like(original: dict[str, Any], cell: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(original) | _content(cell, original["cell_type"])


def _own(cell: dict[str, Any]) -> dict[str, Any]:
    kind = cell["cell_type"]
    made: dict[str, Any] = {"cell_type": kind, **_content(cell, kind), "metadata": {}}
    return made | ({"execution_count": None, "outputs": []} if kind == "code" else {})


def _content(cell: dict[str, Any], kind: str) -> dict[str, Any]:
    """The source of a cell, and the pictures attached to it, for a cell of this *kind*."""
    source = cell["source"] if kind == "code" else inert_markdown(cell["source"])
    attachments = (
        {"attachments": cell["attachments"]} if kind == "markdown" and cell.get("attachments") else {}
    )
    return {"source": source, **attachments}


def _numbered(cell: dict[str, Any], number: int) -> dict[str, Any]:
    return cell | {"id": grading(cell).get("grade_id", f"own-{number}").replace("_", "-")[:64]}


def steps(notebook: Notebook) -> Iterator[tuple[int, dict[str, Any], bool]]:
    """(index, cell, whether it is a test) of the code cells, in the order in which they run."""
    for index, cell in enumerate(notebook.cells):
        if cell["cell_type"] == "code":
            grade = grading(cell)
            yield index, cell, bool(grade.get("grade")) and not grade.get("solution")
