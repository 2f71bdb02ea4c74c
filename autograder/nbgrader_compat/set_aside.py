"""Marks and comments of people for questions that no longer count: kept in the gradebook, and put back when the question does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import Column, Float, MetaData, String, Table, Text

__all__ = ["SET_ASIDE", "Aside", "count_aside", "put_aside", "rename_aside", "take_back"]

NAME = String(128)
SET_ASIDE = Table(
    "autograder_set_aside",
    MetaData(),
    Column("assignment", NAME, primary_key=True),
    Column("notebook", NAME, primary_key=True),
    Column("cell", NAME, primary_key=True),
    Column("student", NAME, primary_key=True),
    Column("manual_score", Float()),
    Column("extra_credit", Float()),
    Column("manual_comment", Text()),
)
VALUES = ("manual_score", "extra_credit", "manual_comment")


class Aside(NamedTuple):
    """Whose question: *where* is assignment, notebook and cell."""

    where: tuple[str, str, str]
    student: str


def _is(aside: Aside) -> Any:
    columns = SET_ASIDE.c
    keys = (*aside.where, aside.student)
    return [
        column == key
        for column, key in zip(
            (columns.assignment, columns.notebook, columns.cell, columns.student), keys, strict=True
        )
    ]


def put_aside(db: Any, aside: Aside, **values: Any) -> None:
    """Keep what a person gave; what is None says nothing."""
    given = {name: value for name, value in values.items() if value is not None}
    if not given:
        return
    if db.execute(SET_ASIDE.update().where(*_is(aside)).values(**given)).rowcount == 0:
        where = dict(zip(("assignment", "notebook", "cell"), aside.where, strict=True))
        db.execute(SET_ASIDE.insert().values(**where, student=aside.student, **given))


def take_back(db: Any, where: tuple[str, str, str], names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """What was set aside of a question under these *names* of values, by student; it is no longer set aside."""
    columns, found = SET_ASIDE.c, {}
    of_question = (
        columns.assignment == where[0],
        columns.notebook == where[1],
        columns.cell == where[2],
    )
    wanted = list(names)
    for row in db.execute(SET_ASIDE.select().where(*of_question)).mappings().all():
        values = {name: row[name] for name in wanted if row[name] is not None}
        if values:
            found[row["student"]] = values
    if found:
        db.execute(SET_ASIDE.update().where(*of_question).values(**dict.fromkeys(wanted)))
        empty = [columns[name].is_(None) for name in VALUES]
        db.execute(SET_ASIDE.delete().where(*of_question, *empty))
    return found


def count_aside(db: Any, assignment: str) -> int:
    """How many marks and comments are set aside, one for each student and question."""
    rows = db.execute(SET_ASIDE.select().where(SET_ASIDE.c.assignment == assignment)).all()
    return len(rows)


def rename_aside(db: Any, where: tuple[str, str, str], new: str) -> None:
    """Let what is set aside of a question belong to it under the name *new*."""
    columns = SET_ASIDE.c
    db.execute(
        SET_ASIDE.update()
        .where(columns.assignment == where[0], columns.notebook == where[1], columns.cell == where[2])
        .values(cell=new)
    )
