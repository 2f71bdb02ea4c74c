"""Gives an assignment in the gradebook other cells while there are submissions of it, which nbgrader itself refuses.

A graded cell and a cell with comments are known by their names. What people gave for one that goes is set aside, and put back if it comes again;
see :mod:`autograder.nbgrader_compat.set_aside`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select, update

from autograder.nbgrader_compat.blueprint import Blueprint
from autograder.nbgrader_compat.internals import (
    BaseCell,
    Comment,
    Grade,
    GradeCell,
    Notebook,
    SolutionCell,
    SourceCell,
    SubmittedAssignment,
    SubmittedNotebook,
    TaskCell,
)
from autograder.nbgrader_compat.set_aside import Aside, put_aside, rename_aside, take_back

__all__ = ["restructure"]

KINDS = {"grade": GradeCell, "answer": SolutionCell, "task": TaskCell}
Cells = dict[tuple[str, str], Any]  # rows of cells by kind and name


def restructure(
    book: Any,
    assignment: str,
    notebooks: Mapping[str, Blueprint],
    renamed: Mapping[str, Mapping[str, str]] | None = None,
) -> None:
    """Make the *assignment* in the gradebook what *notebooks* say, and mirror that in every submission of it, as nbgrader does when one is added.

    Must be called inside a transaction. New grades have no mark and wait for a person, as they do in nbgrader before they are graded.

    Args:
        renamed: the new name of a cell by its old one, by notebook.
    """
    row = book.find_assignment(assignment)
    work = _Work(book.db, row)
    for notebook in list(row.notebooks):
        if notebook.name not in notebooks:
            work.settle(notebook, Blueprint(None, {}, {}))
            work.remove(notebook)
    for name, blueprint in notebooks.items():
        found = book.db.scalars(
            select(Notebook).where(Notebook.name == name, Notebook.assignment_id == row.id)
        ).one_or_none()
        notebook = found or work.add(name)
        notebook.kernelspec = blueprint.kernelspec
        work.rename(notebook, (renamed or {}).get(name, {}))
        work.settle(notebook, blueprint)
    book.db.flush()
    book.db.expire_all()  # much was changed behind its back


class _Work:
    def __init__(self, db: Any, assignment: Any) -> None:
        self._db, self._id, self._name = db, assignment.id, assignment.name

    def add(self, name: str) -> Any:
        made = Notebook(name=name, assignment_id=self._id)
        self._db.add(made)
        self._db.flush()
        submissions = select(SubmittedAssignment.id).where(SubmittedAssignment.assignment_id == self._id)
        for submission in self._db.scalars(submissions).all():
            self._db.add(SubmittedNotebook(notebook_id=made.id, assignment_id=submission))
        self._db.flush()
        return made

    def remove(self, notebook: Any) -> None:
        self._db.execute(delete(SubmittedNotebook).where(SubmittedNotebook.notebook_id == notebook.id))
        self._db.execute(delete(Notebook).where(Notebook.id == notebook.id))

    def rename(self, notebook: Any, names: Mapping[str, str]) -> None:
        for old, new in names.items():
            for table in (BaseCell.__table__, SourceCell.__table__):
                same = (table.c.notebook_id == notebook.id, table.c.name == old)
                self._db.execute(update(table).where(*same).values(name=new))
            rename_aside(self._db, (self._name, notebook.name, old), new)
        self._db.expire_all()

    def settle(self, notebook: Any, blueprint: Blueprint) -> None:
        """Let *notebook* have just the cells of *blueprint*."""
        self._settle_sources(notebook, blueprint)
        before = self._cells(notebook)
        wanted = {
            *(("task" if name in blueprint.tasks else "grade", name) for name in blueprint.points),
            *(("answer", name) for name in blueprint.answers),
        }
        maxima = {name: cell.max_score for (kind, name), cell in before.items() if kind != "answer"}
        for kind, name in sorted(wanted):
            cell = before.get((kind, name))
            values: dict[str, Any] = {}
            if kind != "answer":
                values = {
                    "max_score": blueprint.points[name],
                    "cell_type": blueprint.cells[name].cell_type,
                }
            if cell is None:
                self._db.add(KINDS[kind](name=name, notebook_id=notebook.id, **values))
            for key, value in values.items() if cell is not None else ():
                setattr(cell, key, value)
        self._db.flush()
        after = {key: cell for key, cell in self._cells(notebook).items() if key in wanted}
        self._mirror(notebook, Grade, ("grade", "task"), before, after, blueprint.points)
        self._mirror(notebook, Comment, ("answer", "task"), before, after, {})
        for name in maxima.keys() & blueprint.points.keys():
            self._drop_or_count_again(notebook, name, maxima[name], blueprint.points[name], after)
        for place, cell in before.items():
            if place not in wanted:
                own, base = KINDS[place[0]].__table__, BaseCell.__table__
                self._db.execute(delete(own).where(own.c.id == cell.id))
                self._db.execute(delete(base).where(base.c.id == cell.id))

    def _settle_sources(self, notebook: Any, blueprint: Blueprint) -> None:
        own = (SourceCell.notebook_id == notebook.id,)
        known = {cell.name: cell for cell in self._db.scalars(select(SourceCell).where(*own)).all()}
        for name in known.keys() - blueprint.cells.keys():
            self._db.execute(delete(SourceCell).where(*own, SourceCell.name == name))
        for name, source in blueprint.cells.items():
            cell = known.get(name)
            if cell is None:
                cell = SourceCell(name=name, notebook_id=notebook.id)
                self._db.add(cell)
            cell.cell_type, cell.locked = source.cell_type, source.locked
            cell.source, cell.checksum = source.source, source.checksum
        self._db.flush()

    def _cells(self, notebook: Any) -> Cells:
        return {
            (kind, cell.name): cell
            for kind, cls in KINDS.items()
            for cell in self._db.scalars(select(cls).where(cls.notebook_id == notebook.id)).all()
        }

    def _submitted(self, notebook: Any) -> dict[str, str]:
        """Students by the id of their notebook."""
        query = (
            select(SubmittedNotebook.id, SubmittedAssignment.student_id)
            .join(SubmittedAssignment, SubmittedAssignment.id == SubmittedNotebook.assignment_id)
            .where(SubmittedNotebook.notebook_id == notebook.id)
        )
        return dict(map(tuple, self._db.execute(query).all()))

    def _mirror(
        self,
        notebook: Any,
        table: Any,
        kinds: tuple[str, str],
        before: Cells,
        after: Cells,
        points: Mapping[str, float],
    ) -> None:
        """Let every submission have a row of *table*, grades or comments, for each of the cells *after*."""
        old = {name: cell.id for (kind, name), cell in before.items() if kind in kinds}
        new = {name: cell.id for (kind, name), cell in after.items() if kind in kinds}
        students = self._submitted(notebook)
        for name in old.keys() - new.keys():
            where = (self._name, notebook.name, name)
            for row in self._db.scalars(select(table).where(table.cell_id == old[name])).all():
                values = (
                    {"manual_score": row.manual_score, "extra_credit": row.extra_credit}
                    if table is Grade
                    else {"manual_comment": row.manual_comment}
                )
                put_aside(self._db, Aside(where, students[row.notebook_id]), **values)
            self._db.execute(delete(table).where(table.cell_id == old[name]))
        for name in old.keys() & new.keys():
            if old[name] != new[name]:
                self._db.execute(update(table).where(table.cell_id == old[name]).values(cell_id=new[name]))
        for name in new.keys() - old.keys():
            wanted = (
                ("manual_comment",)
                if table is Comment
                else ("manual_score", "extra_credit")
                if points[name]
                else ("extra_credit",)
            )
            back = take_back(self._db, (self._name, notebook.name, name), wanted)
            for key, student in students.items():
                self._db.add(table(cell_id=new[name], notebook_id=key, **back.get(student, {})))
        self._db.flush()

    def _drop_or_count_again(self, notebook: Any, name: str, before: float, now: float, after: Cells) -> None:
        """A question of 0 points is dropped from the total: nbgrader would go on to count the marks that people gave for it."""
        cell = after.get(("grade", name)) or after[("task", name)]
        where = (self._name, notebook.name, name)
        students = self._submitted(notebook)
        if before and not now:
            given = select(Grade).where(Grade.cell_id == cell.id, Grade.manual_score.is_not(None))
            for row in self._db.scalars(given).all():
                put_aside(self._db, Aside(where, students[row.notebook_id]), manual_score=row.manual_score)
                row.manual_score = None
        elif now and not before:
            back = take_back(self._db, where, ("manual_score",))
            for row in self._db.scalars(select(Grade).where(Grade.cell_id == cell.id)).all():
                if students[row.notebook_id] in back:
                    row.manual_score = back[students[row.notebook_id]]["manual_score"]
                    row.needs_manual_grade = True
        self._db.flush()
