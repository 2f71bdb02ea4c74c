"""Which cells a test needs, and which imports of them it does without.

A cell without tests is needed if it binds a name that a test uses, or changes what that name stands for, or the same for a needed cell, or if it
sets something for the whole process, or if it writes files. It is run as a whole, but for imports of packages that nothing needed uses, which cost more than all the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

from autograder.instructor.source_cells import SourceCell
from autograder.instructor.statements import Statement

__all__ = ["needed_cells", "unused_imports"]

# What is set in these holds for the whole process, whatever a test names.
OF_THE_PROCESS = frozenset(("decimal", "importlib", "locale", "os", "random", "site", "sys", "warnings"))


def needed_cells(
    cells: Sequence[SourceCell],
    touching: Mapping[str, Iterable[tuple[int, Statement]]],
    modules: Mapping[str, str],
) -> set[int]:
    """Places of the *cells* without tests that a test needs.

    Args:
        touching: by name, the statements that bind it or change what it stands for, each with the place of its cell.
        modules: by name, the modules that it stands for.
    """
    settings = {name for name, module in modules.items() if module.split(".")[0] in OF_THE_PROCESS}
    writing = {
        place
        for place, cell in enumerate(cells)
        if any(one.writes and not one.defines for one in cell.own.statements)
    }
    used_by = [cell.own.free | cell.own.maybe for cell in cells]
    # A function finds names as they are when it is called.
    used_later = [
        frozenset[str]().union(*(one.reads for one in cell.own.statements if one.defines)) for cell in cells
    ]
    touched_by: list[set[str]] = [set() for _ in cells]
    for name, found in touching.items():
        for place, _ in found:
            touched_by[place].add(name)
    needed = set[int]()
    for test in (place for place, cell in enumerate(cells) if cell.role == "test"):
        used, new, left = settings | used_by[test], {test}, set(range(test))
        later: dict[str, int] = {}  # by name, the first place after which it is used
        while new:
            for place in new:
                later |= {name: min(place, later.get(name, place)) for name in used_later[place]}
            new = {
                place
                for place in left
                if touched_by[place] & used
                or place in writing
                or any(later.get(name, place) < place for name in touched_by[place])
            }
            left -= new
            used.update(*(used_by[place] for place in new))
            needed |= new
    return {place for place in needed if cells[place].role != "test"}


def unused_imports(
    cells: Sequence[SourceCell], needed: Set[int], local: Set[str]
) -> Iterator[tuple[int, int]]:
    """(place of the cell, of the statement) of the imports of packages that nothing uses in the *needed* cells and in the tests.

    Args:
        local: names of the modules beside the notebook, whose imports stay.
    """
    run = [(place, cell) for place, cell in enumerate(cells) if place in needed or cell.role == "test"]
    used = set[str]().union(*(one.reads | one.mentions for _, cell in run for one in cell.own.statements))
    packages = set(local) | {"__future__"}
    imports = []
    for place, cell in run:
        for number, one in enumerate(cell.own.statements):
            if one.stars or (one.imports and (cell.role == "test" or one.binds & used)):
                packages |= _packages(one)
            elif one.imports:
                imports.append((place, number, one))
    yield from ((place, number) for place, number, one in imports if not _packages(one) & packages)


def _packages(one: Statement) -> set[str]:
    return {module.split(".")[0] for module in (*one.stars, *(module for module, _ in one.imports.values()))}
