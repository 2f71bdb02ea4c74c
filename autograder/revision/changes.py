"""What is different between the questions that the gradebook knows and those that the source has now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from autograder.nbgrader_compat.blueprint import Blueprint, SourceCell
from autograder.nbgrader_compat.errors import CourseError

__all__ = ["Change", "changes", "earlier_renames", "find_renames", "told_renames"]

Notebooks = Mapping[str, Blueprint]
Renames = dict[str, dict[str, str]]  # the new name by the old one, by notebook


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a question.

    Attributes:
        says: what it is.
        affects: whether marks that people gave stand for something else now.
    """

    notebook: str
    cell: str
    says: str
    affects: bool = False


def changes(old: Notebooks, new: Notebooks, renames: Mapping[str, Mapping[str, str]]) -> list[Change]:
    """What is different, by notebook and in the order of the present cells; what is gone comes last."""
    found: list[Change] = []
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            found.append(Change(name, "", f"notebook removed, {_points(old[name].points)}", True))
        elif name not in old:
            found.append(Change(name, "", f"notebook added, {_points(new[name].points)}", True))
        else:
            found += _of_notebook(name, old[name], new[name], renames.get(name, {}))
    return found


def _points(points: Mapping[str, float]) -> str:
    total = sum(points.values())
    return f"{total:g} {'point' if total == 1 else 'points'}"


def _of_notebook(name: str, old: Blueprint, new: Blueprint, renames: Mapping[str, str]) -> Iterator[Change]:
    before = {now: was for was, now in renames.items()}
    for key, cell in new.cells.items():
        was = before.get(key, key)
        if was not in old.cells:
            worth = f", {_points({key: new.points[key]})}" if key in new.points else ""
            yield Change(name, key, f"added{worth}", True)
            continue
        said = [f"renamed from {was}"] if was != key else []
        affects = False
        if old.points.get(was) != new.points.get(key):
            said.append(_points_told(old.points.get(was), new.points.get(key)))
            affects = True
        tested = key in new.points and key not in new.answers
        if (was in old.answers, was in old.tasks) != (key in new.answers, key in new.tasks):
            said.append("another kind of cell")
            affects = True
        elif _text(old.cells[was]) != _text(cell):
            said.append("test changed" if tested else "text changed")
            affects = affects or tested
        if said:
            yield Change(name, key, ", ".join(said), affects)
    for key in old.cells:
        if key not in new.cells and key not in renames:
            worth = f", {_points({key: old.points[key]})}" if key in old.points else ""
            yield Change(name, key, f"removed{worth}", True)


def _points_told(before: float | None, now: float | None) -> str:
    if before is not None and now is not None:
        dropped = ": dropped from the total" if not now else ""
        return f"points {before:g} → {now:g}{dropped}"
    return f"now graded, {now:g} points" if now is not None else "no longer graded"


def _text(cell: SourceCell) -> tuple[str, str]:
    return cell.cell_type, cell.source


def find_renames(old: Notebooks, new: Notebooks, known: Mapping[str, Mapping[str, str]]) -> Renames:
    """Cells that stand in the source under another name and are otherwise the same, beside those that are *known* to be renamed.

    Only if there is no doubt which one is which: a locked cell has the same text and points as one that is gone, and no other cell has. Of answers the
    gradebook has no text; one is the same if its name has changed as that of a test of it (``mean`` and ``mean_test``).
    """
    found: Renames = {}
    for name in old.keys() & new.keys():
        own = known.get(name, {})
        gone = [key for key in old[name].cells if key not in new[name].cells and key not in own]
        came = [key for key in new[name].cells if key not in old[name].cells and key not in own.values()]
        names: dict[str, str] = {}
        for key in gone:
            like = _likeness(old[name], key)
            twins = [one for one in gone if _likeness(old[name], one) == like]
            same = [one for one in came if _likeness(new[name], one) == like]
            if like and len(same) == len(twins) == 1:
                names[key] = same[0]
        tests = {**own, **names}
        for key in gone:
            answers = {
                one
                for one in came
                if key in old[name].answers
                and one in new[name].answers
                and old[name].points.get(key) == new[name].points.get(one)
                and any(key in was and was.replace(key, one, 1) == now for was, now in tests.items())
            }
            if len(answers) == 1:
                names[key] = answers.pop()
        if names and len({*names.values()}) == len(names):
            found[name] = names
    return found


def _likeness(blueprint: Blueprint, key: str) -> tuple[object, ...]:
    if key in blueprint.answers or not blueprint.cells[key].source.strip():
        return ()
    return (*_text(blueprint.cells[key]), blueprint.points.get(key), key in blueprint.tasks)


def told_renames(given: Iterable[str], old: Notebooks, new: Notebooks) -> Renames:
    """The renames that are *given* as ``OLD=NEW`` or ``NOTEBOOK/OLD=NEW``.

    Raises:
        CourseError: one of them does not fit; the message names it.
    """
    found: Renames = {}
    for text in given:
        names, equals, now = text.partition("=")
        notebook, _, was = names.rpartition("/")
        if not (equals and was and now):
            raise CourseError(f"--rename {text!r} is not OLD=NEW, or NOTEBOOK/OLD=NEW")
        fitting = [
            name
            for name in sorted(old.keys() & new.keys())
            if notebook in ("", name)
            and was in old[name].cells
            and was not in new[name].cells
            and now in new[name].cells
            and now not in old[name].cells
        ]
        if not fitting:
            raise CourseError(
                f"--rename {text}: no notebook had a cell {was!r} that is gone, and has a new cell {now!r}"
            )
        if len(fitting) > 1:
            raise CourseError(
                f"--rename {text} fits {' and '.join(fitting)}: say which one, as {fitting[0]}/{was}={now}"
            )
        own = found.setdefault(fitting[0], {})
        if was in own or now in own.values():
            raise CourseError(f"--rename {text}: {was if was in own else now} is renamed twice")
        own[was] = now
    return found


def earlier_renames(renamed: Mapping[str, Mapping[str, str]], old: Notebooks, new: Notebooks) -> Renames:
    """The renames in ``kit/renamed.toml`` that the gradebook has not got yet.

    Raises:
        CourseError: a cell of the source has a name that another one had earlier.
    """
    found: Renames = {}
    for name, names in renamed.items():
        if name not in new:
            continue
        for was, now in names.items():
            if was in new[name].cells and now in new[name].cells:
                raise CourseError(
                    f"{name} has a cell {was}, as one that is called {now} now was called before (kit/renamed.toml): "
                    f"submissions still call {now} by that name, so give the new cell another one"
                )
            for one, other in ((was, now), (now, was)):  # or it has its first name again
                if name in old and one in old[name].cells and other in new[name].cells:
                    if one not in new[name].cells and other not in old[name].cells:
                        found.setdefault(name, {})[one] = other
    return found
