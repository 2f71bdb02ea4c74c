"""Errors carried forward: a part that failed may have failed because of an earlier one.

It is examined again with the right functions of the wrong earlier parts in the place of the student's. They are called back from the student's
process, so that no code of the solution ever is there.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from types import FunctionType, ModuleType
from typing import Any

from autograder.bounds.deadline import deadline
from autograder.exam.judge import GRACE_SECONDS, Verdict, judge, silence
from autograder.exam.session import Session
from autograder.instructor.folder import Folder
from autograder.instructor.scope import Scope
from autograder.instructor.source import Source
from autograder.instructor.statements import Statement
from autograder.kit import Kit
from autograder.notebook.assemble import steps
from autograder.notebook.cells import Notebook, grading
from autograder.tutor.owner import CASE_NAME, Owner

__all__ = ["SHARE", "carry_forward"]

# Of a notebook's time: it is there even if the first examination used up all, so that a loop without an end is charged once too.
SHARE = 0.25
Functions = Mapping[str, Callable[..., Any]]


def carry_forward(
    notebook: Notebook,
    exam: Source,
    folder: Folder,
    owner: Owner,
    kit: Kit,
    verdicts: dict[str, Verdict],
    first: Scope,
    again: Session,
) -> None:
    """Examine the parts that failed and have a wrong one before them again; what then earns more takes the place of its verdict in *verdicts*."""
    cells = [
        (index, cell, first.place(grading(cell).get("grade_id", ""), cell["source"]))
        for index, cell, _ in steps(notebook)
    ]
    before = {
        place: verdicts[key]
        for _, cell, place in cells
        if place is not None and (key := grading(cell).get("grade_id", "")) in verdicts
    }
    carried = _Carried(exam, (place for place, verdict in before.items() if verdict.score < verdict.maximum))
    left = carried.again()
    if not left or again.seconds_left() <= 0:
        return
    with deadline(again.seconds_left()), silence():
        functions = _right_functions(exam, folder, first.names.get(CASE_NAME, ""))
    scope = Scope(exam, folder, again, owner)
    behind = -1
    for index, cell, place in cells:
        if not left:
            return
        if place in before:
            if place not in left:
                continue
            left.discard(place)
            scope.replaced = carried.into(place, functions)
            verdict = (
                judge(again, scope, place, before[place].maximum, kit, [])
                if scope.replaced
                else before[place]
            )
            if verdict.score > before[place].score:
                verdicts[grading(cell)["grade_id"]] = _as_carried(verdict, tuple(scope.replaced))
            if verdict.score == verdict.maximum:
                carried.failing.discard(place)
            continue
        behind = behind if place is None else max(behind, place)
        with deadline(max(0.0, again.seconds_left()) + GRACE_SECONDS):
            again.run(index, cell["source"], carried.into_cell(behind, functions))


def _as_carried(verdict: Verdict, names: tuple[str, ...]) -> Verdict:
    """The *verdict* that was found with right functions of these names, with a sentence that says so."""
    listed = " and ".join(filter(None, [", ".join(f"`{name}`" for name in names[:-1]), f"`{names[-1]}`"]))
    says = f"Your {listed} {'is' if len(names) == 1 else 'are'} not right; with {'a right one' if len(names) == 1 else 'right ones'} in the place of yours, this has these marks."
    reason = replace(verdict.reason, says=" ".join(filter(None, [says, verdict.reason.says])))
    return replace(verdict, reason=reason, carried=names)


class _Carried:
    """What is wrong so far in one notebook, and so replaced.

    Attributes:
        failing: places of the tests that have not full marks.

    Args:
        failing: in the first examination.
    """

    def __init__(self, exam: Source, failing: Iterable[int]) -> None:
        self._exam = exam
        self._parts = {place: _part_of(exam, place) for place in failing}
        self.failing = set(self._parts)

    def again(self) -> set[int]:
        """Places of the tests that are judged again: those of parts that have a wrong one before them."""
        return {place for place, part in self._parts.items() if any(True for _ in self._wrong_before(part))}

    def into(self, place: int, functions: Mapping[int, Functions]) -> dict[str, Callable[..., Any]]:
        """Which of the right *functions* of earlier parts, by the place of their cell, stand for the student's, by name, in the test at *place*."""
        return self._replaced(self._parts[place], functions)

    def into_cell(self, place: int, functions: Mapping[int, Functions]) -> dict[str, Callable[..., Any]]:
        """The same for the student's code in the cell at *place*, or in cells of their own behind it."""
        return self._replaced(place, functions)

    def _wrong_before(self, part: int) -> Iterator[int]:
        wrong = {self._parts[place] for place in self.failing}
        return (one for one in sorted(wrong) if 0 <= one < part)

    def _replaced(self, part: int, functions: Mapping[int, Functions]) -> dict[str, Callable[..., Any]]:
        found: dict[str, Callable[..., Any]] = {}
        for wrong in self._wrong_before(part):
            # What is written once more later on is the later part's own.
            later = frozenset[str]().union(*(cell.answers for cell in self._exam.cells[wrong + 1 : part + 1]))
            found |= {name: one for name, one in functions.get(wrong, {}).items() if name not in later}
        return found


def _part_of(exam: Source, place: int) -> int:
    """The place of the answer that the test cell at *place* is about: the last one before it that binds a name that the test uses; -1 if there is none."""
    for names in (exam.tested(place), exam.depends_on(place)):
        for at in range(place - 1, -1, -1):
            if exam.cells[at].role == "answer" and exam.cells[at].answers & names:
                return at
    return -1


def _right_functions(exam: Source, folder: Folder, case_id: object) -> dict[int, Functions]:
    """The functions of the source's own answers, by the place of the cell; cells are run as far as they can be.

    Args:
        case_id: what is the student's id for them.
    """
    main = ModuleType("__main__")
    shown: dict[str, Any] = {"display": lambda *_, **__: None, "get_ipython": lambda: None}
    names = {**vars(main), **shown, CASE_NAME: case_id}
    found: dict[int, Functions] = {}
    with folder.entered(main):
        for place, statements in itertools.groupby(_needed(exam), lambda item: item[0]):
            names = dict(names)  # what a later cell binds anew is as it was for the functions of this one
            for _, one in statements:
                with contextlib.suppress(Exception):  # what needs it is not there then
                    eval(one.code, names)
                if exam.cells[place].role == "answer":
                    here = {
                        name: names[name] for name in one.binds if isinstance(names.get(name), FunctionType)
                    }
                    found[place] = {**found.get(place, {}), **here}
    return found


def _needed(exam: Source) -> list[tuple[int, Statement]]:
    """The statements, each with the place of its cell, that define the functions of the answers, and those that make what these use."""
    statements = [
        (place, one)
        for place, cell in enumerate(exam.cells)
        if cell.role != "test"
        for one in (cell.solution if cell.role == "answer" else cell.own).statements
        if CASE_NAME not in one.binds
    ]
    wanted, found = set[str](), set[int]()
    while True:
        before = len(found)
        for number, (place, one) in enumerate(statements):
            defines = one.defines and not one.imports and exam.cells[place].role == "answer"
            if defines or (one.binds | one.changes | one.mutates) & wanted:
                found.add(number)
                wanted |= one.reads
        if len(found) == before:
            return [statements[number] for number in sorted(found)]
