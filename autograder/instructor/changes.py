"""What a statement binds and changes by way of others: of the modules that it imports everything from, and of the functions that it calls."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Set

from autograder.instructor.statements import Statement

__all__ = ["FunctionChanges", "bound_by", "changed_by", "function_changes"]

FunctionChanges = dict[str, tuple[set[str], set[str]]]


def function_changes(statements: Iterable[Statement]) -> FunctionChanges:
    """For each function what it may bind or change, and what it calls."""
    functions: FunctionChanges = {}
    for one in statements:
        if one.defines:
            for name in one.binds:
                changes, calls = functions.setdefault(name, (set(), set()))
                changes |= one.changes | (one.binds - one.certain)
                calls |= one.calls
    return functions


def changed_by(one: Statement, functions: FunctionChanges, changes: Set[str]) -> set[str]:
    """The names whose objects may be others after *one*: those that it *changes* itself, and those that its functions change."""
    if one.defines:
        return set()
    changed, waiting, seen = set(changes), list(one.calls), set[str]()
    while waiting:
        name = waiting.pop()
        if name not in seen and name in functions:
            seen.add(name)
            changed |= functions[name][0]
            waiting += functions[name][1]
    return changed


def bound_by(one: Statement) -> frozenset[str]:
    """The names that a statement binds, those of ``from module import *`` among them."""
    return one.binds.union(*map(_public_names, one.stars))


def _public_names(module: str) -> frozenset[str]:
    try:
        found = vars(importlib.import_module(module))
    except Exception:  # whoever runs the cell is told
        return frozenset()
    return frozenset(found.get("__all__") or (name for name in found if not name.startswith("_")))
