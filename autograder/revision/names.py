"""Which cells of a changed source are those that the gradebook has under another name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from autograder.files.renamed import with_renamed
from autograder.nbgrader_compat.blueprint import Blueprint
from autograder.nbgrader_compat.errors import CourseError
from autograder.revision.changes import text_of

__all__ = ["Renames", "renamed_cells"]

Notebooks = Mapping[str, Blueprint]
Renames = dict[str, dict[str, str]]  # the new name by the old one, by notebook


def renamed_cells(old: Notebooks, new: Notebooks, earlier: Renames, told: Iterable[str]) -> Renames:
    """The present name of each cell of the gradebook that has another one now.

    Args:
        old, new: what the gradebook has, and what it is to have.
        earlier: all names that ``kit/renamed.toml`` knows.
        told: what somebody said, as ``OLD=NEW`` or ``NOTEBOOK/OLD=NEW``.

    Raises:
        CourseError: one of them does not fit; the message names it.
    """
    renames = with_renamed(_earlier(earlier, old, new), _told(told, old, new))
    renames = with_renamed(renames, _found(old, new, renames))
    for notebook, names in renames.items():
        if len({*names.values()}) < len(names):
            listed = ", ".join(f"{was} → {now}" for was, now in names.items())
            raise CourseError(f"two cells of {notebook} would have one name: {listed}")
    return renames


def _found(old: Notebooks, new: Notebooks, known: Mapping[str, Mapping[str, str]]) -> Renames:
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
    return (*text_of(blueprint.cells[key]), blueprint.points.get(key), key in blueprint.tasks)


def _told(given: Iterable[str], old: Notebooks, new: Notebooks) -> Renames:
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


def _earlier(renamed: Mapping[str, Mapping[str, str]], old: Notebooks, new: Notebooks) -> Renames:
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
