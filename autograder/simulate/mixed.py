"""Students who are right here and wrong there: each of their notebooks is one of the kinds', so that their marks are known too."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from autograder.simulate.kinds import Kind, Lost

__all__ = ["mixed", "spread"]

ABILITIES = (0.85, 0.6, 0.35, 0.1)  # how often a notebook of a student is right
NOTHING = 0.2  # of those that are not, how many are not handed in


def mixed(name: str, notebooks: Mapping[str, Kind | None]) -> Kind:
    """The student *name*, whose *notebooks* are those of these kinds; what is None is not handed in, and what is not named is right.

    Its marks are not known where nbgrader itself runs the tests.
    """
    found = {notebook: kind for notebook, kind in notebooks.items() if kind is not None}
    missing = tuple(sorted({*notebooks} - {*found}))
    said = [kind.says for kind in found.values()]
    nothing = dict.fromkeys(missing, "all")
    return Kind(
        name,
        "; ".join([*said, *(f"{notebook} not handed in" for notebook in missing)]) or "right",
        cells={notebook: kind.cells.get(notebook, {}) for notebook, kind in found.items()},
        missing=missing,
        files={name: text for kind in found.values() for name, text in kind.files.items()},
        lost=nothing | {notebook: _lost(kind.lost, notebook) for notebook, kind in found.items()},
        alone=nothing
        | {
            notebook: _lost(kind.lost if kind.alone is None else kind.alone, notebook)
            for notebook, kind in found.items()
        },
        named={notebook: kind.named.get(notebook, []) for notebook, kind in found.items()},
    )


def _lost(lost: Lost, notebook: str) -> Any:
    return lost if isinstance(lost, str) else lost.get(notebook, {})


def spread(
    kinds: Sequence[Kind], notebooks: Collection[str], names: Sequence[str], seed: int = 0
) -> Iterator[Kind]:
    """A student for each of *names*, some better and some weaker; the slips are those of *kinds*, and some are common."""
    source = random.Random(seed)
    slips = {notebook: [kind for kind in kinds if _only_wrong_in(kind, notebook)] for notebook in notebooks}
    for at, name in enumerate(names):
        ability = ABILITIES[at % len(ABILITIES)]
        chosen: dict[str, Kind | None] = {}
        for notebook, known in slips.items():
            if source.random() < ability:
                continue
            if source.random() < NOTHING or not known:
                # Somebody of whom there is nothing is no submission.
                if list(chosen.values()).count(None) < len(slips) - 1:
                    chosen[notebook] = None
            else:  # the first are common, as in any class
                chosen[notebook] = source.choices(known, [1 / (rank + 1) for rank in range(len(known))])[0]
        yield mixed(name, chosen)


def _only_wrong_in(kind: Kind, notebook: str) -> bool:
    """Whether the *kind* is made of right answers but for the *notebook*, which loses points."""
    return (
        kind.base == "right"
        and not (kind.missing or kind.corrupt or isinstance(kind.lost, str))
        and set(kind.cells) == {notebook} == {where for where, lost in kind.lost.items() if lost}
        and all(isinstance(lost, Mapping) for lost in kind.lost.values())
    )
