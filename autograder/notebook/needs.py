"""Which cells of a source notebook a test cell needs: those that bind a name that it uses, and what those need."""

from __future__ import annotations

import ast
import functools
from dataclasses import dataclass

from autograder.notebook.bindings import bound_and_read
from autograder.notebook.cells import Notebook, grading, is_test, without_magics

__all__ = ["bound_names", "needed_by_tests"]


@dataclass(frozen=True, slots=True)
class _Names:
    binds: frozenset[str] = frozenset()
    uses: frozenset[str] = frozenset()


def bound_names(text: str) -> frozenset[str]:
    """The names that a code cell binds; none, if it is no Python."""
    return (_names(text) or _Names()).binds


def needed_by_tests(template: Notebook) -> dict[str, dict[str, frozenset[str]]]:
    """By the grade_id of each test cell, the names that it needs of each cell before it, by grade_id; all of them, if its text is no Python."""
    return _needed_by_tests(
        tuple(
            (grading(cell)["grade_id"], cell["source"], is_test(cell))
            for cell in template.cells
            if grading(cell) and cell["cell_type"] == "code"
        )
    )


@functools.lru_cache(maxsize=64)  # the same for every submission
def _needed_by_tests(cells: tuple[tuple[str, str, bool], ...]) -> dict[str, dict[str, frozenset[str]]]:
    before: dict[str, _Names] = {}
    found: dict[str, dict[str, frozenset[str]]] = {}
    for key, source, test in cells:
        names = _names(source)
        if test:
            found[key] = _needed(names, before)
        before[key] = names or _Names()
    return found


def _needed(names: _Names | None, before: dict[str, _Names]) -> dict[str, frozenset[str]]:
    if names is None:
        return {key: other.binds for key, other in before.items()}
    wanted, needed = set(names.uses), dict[str, frozenset[str]]()
    for key, other in reversed(before.items()):  # what a cell uses is bound before it
        if found := other.binds & wanted:
            needed[key] = found
            wanted |= other.uses
    return needed


def _names(text: str) -> _Names | None:
    try:
        statements = ast.parse(without_magics(text)).body
        found = [bound_and_read(one, None) for one in statements]
    except (SyntaxError, ValueError):
        return None
    nothing = frozenset[str]()
    return _Names(nothing.union(*(binds for binds, _ in found)), nothing.union(*(uses for _, uses in found)))
