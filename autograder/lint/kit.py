"""Checks of what the kit of an assignment says about its notebooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from autograder.files.source import KIT
from autograder.kit import Kit, KitError, load_kit
from autograder.lint.report import Finding
from autograder.notebook.cells import Notebook, grading

__all__ = ["check_kit", "kit_of"]


def kit_of(source: Path) -> tuple[Kit, list[Finding]]:
    """The kit of the assignment in the folder *source*, or an empty one with what is wrong with it."""
    try:
        return load_kit(source), []
    except KitError as error:
        text = str(error).replace(f"{source}/", "")
        return Kit(), [Finding(KIT, 0, "", 0, text, "", True)]


def check_kit(kit: Kit, notebooks: Mapping[str, Notebook]) -> Iterator[Finding]:
    """Names in the *kit* that the *notebooks* do not have, changes that do not apply, and cases that cannot be made."""
    ids = {
        name: {grading(cell)["grade_id"] for cell in notebook.cells if grading(cell).get("grade_id")}
        for name, notebook in notebooks.items()
    }
    for name, answer, row in kit.hints:
        yield from _known("hints.toml", f"[{name}.{answer}]", ids, name, [answer, *row["tests"], row["see"]])
    yield from _kinds(kit.kinds, ids)
    if kit.tutor is not None:
        yield from _lesson(kit, list(notebooks))


def _known(
    file: str, entry: str, ids: Mapping[str, set[str]], name: str, cells: list[str]
) -> Iterator[Finding]:
    where = f"{KIT}/{file}"
    if name not in ids:
        what = f"There is no notebook {name!r}."
        yield Finding(where, 0, entry, 0, what, f"one of {', '.join(ids)}.", True)
        return
    for cell in cells:
        if cell and cell not in ids[name]:
            yield Finding(where, 0, entry, 0, f"The notebook {name!r} has no cell {cell!r}.", "", True)


def _kinds(kinds: Mapping[str, Mapping[str, Any]], ids: Mapping[str, set[str]]) -> Iterator[Finding]:
    for kind, row in kinds.items():
        for key in ("cells", "lost", "stock"):
            entry = row.get(key, {})
            for name, cells in entry.items() if isinstance(entry, Mapping) else ():
                wanted = list(cells) if isinstance(cells, Mapping) else []
                yield from _known("kinds.toml", f"[{kind}]", ids, name, wanted)
        for name in (*row.get("missing", ()), *row.get("corrupt", ()), *row.get("named", {})):
            yield from _known("kinds.toml", f"[{kind}]", ids, name, [])


def _lesson(kit: Kit, names: list[str]) -> Iterator[Finding]:
    """Every misconception's change applies just once, there are probes for what it changes, and the cases of the notebooks are answered."""
    assert kit.tutor is not None
    lesson, bank = kit.tutor.lesson, kit.tutor.bank
    for one in bank.values():
        where = (f"{KIT}/misconceptions.toml", 0, f"[{one.name}]", 0)
        for function, old, _ in (change for way in one.changes for change in way):
            if not lesson.fits((function, old, "")):
                yield Finding(
                    *where, f"{old!r} does not stand just once in {function} of the lesson.", "", True
                )
        if any(lesson.model(way) is None for way in one.changes):
            yield Finding(*where, "Its changes do not fit together.", "", True)
    for kind, row in kit.kinds.items():
        for name in {name for names in row.get("named", {}).values() for name in names} - set(bank):
            yield Finding(
                f"{KIT}/kinds.toml", 0, f"[{kind}]", 0, f"There is no misconception {name!r}.", "", True
            )
    for name in filter(lesson.answers_of, names):
        yield from _tried(f"The case of {name} cannot be answered", partial(lesson.answers, name, ""))
    for function in lesson.functions:
        yield from _tried(f"There are no probes of {function}", partial(kit.tutor.probes, function))


def _tried(what: str, work: Callable[[], object]) -> Iterator[Finding]:
    try:
        work()
    except Exception as error:  # of the instructor's own functions
        yield Finding(KIT, 0, "", 0, f"{what}: {type(error).__name__}: {error}", "", True)
