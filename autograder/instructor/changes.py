"""What a statement binds and changes by way of others: of the modules that it imports everything from, and of the functions that it calls."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Set

from autograder.instructor.aliases import Aliases, names_in, sharing
from autograder.instructor.statements import Function, Statement

__all__ = ["Changes", "bound_by"]


class Changes:
    """What statements change, by the functions that there are, and by what the objects of names are parts of.

    Args:
        statements: all of the notebook.
        local: names of the modules beside it.
    """

    def __init__(self, statements: Iterable[Statement], local: Set[str]) -> None:
        # For each function what it may bind or change, and what it calls.
        self._functions: dict[str, tuple[set[str], set[str]]] = {}
        self._aliases: dict[str, set[str]] = {}
        # In functions, where a name stands for what it does when they are called.
        self._within: dict[str, set[str]] = {}
        self._count = 0  # of the times that names were bound anew
        imports: dict[str, tuple[str, str]] = {}
        everything: dict[str, set[str]] = {}
        functions, mutates = list[Function](), dict[str, set[str]]()
        for one in statements:
            functions += one.functions
            imports |= one.imports
            for name in one.binds if one.defines else ():
                changes, calls = self._functions.setdefault(name, (set(), set()))
                changes |= one.changes | (one.binds - one.certain)
                calls |= one.calls
                mutates.setdefault(name, set()).update(one.mutates)
            _join(everything, one.aliases)
        self._modules = {name for name, (_, part) in imports.items() if not part}
        self._local = {name for name, (module, _) in imports.items() if module.split(".")[0] in local}
        # What a library's functions give is no part of the library.
        self._apart = {part for name in imports.keys() - self._local for part in (name, f"{name}[]")}
        for name, (changes, _) in self._functions.items():
            changes |= self._shared(mutates[name], everything)
        # Functions and methods that change what they are given.
        self._altering = set[str]()
        found = {""}
        while found:
            found = {f.name for f in functions if f.parameters & names_in(self._altered(f))} - self._altering
            self._altering |= found

    def _altered(self, one: Function | Statement) -> set[str]:
        altering = self._altering | (self._local if one.drops else set())
        return set(one.mutates).union(*(one.given[name] for name in one.given.keys() & altering))

    def _shared(self, names: Set[str], aliases: Aliases) -> set[str]:
        known = {name: set(found) - self._apart for name, found in aliases.items()}
        return names_in(sharing(names - self._apart, known))

    def surely(self, one: Statement) -> set[str]:
        """The names whose objects a statement of a solution changes itself, and those that its functions change."""
        return self._by_functions(one, one.alters)

    def by(self, one: Statement) -> set[str]:
        """The names whose objects may be others after *one*: those that it changes itself, and those that its functions change.

        This is to be asked of the statements in their order.
        """
        self._set_apart(one.certain - one.reads)
        _join(self._aliases, one.aliases)
        if one.defines:
            _join(self._within, one.aliases)
        aliases = {name: set(found) for name, found in self._within.items()}
        _join(aliases, self._aliases)
        shared = self._shared(self._altered(one), aliases)
        return self._by_functions(one, one.changes | shared | (one.uses - self._modules))

    def _set_apart(self, names: Set[str]) -> None:
        """*names* are bound anew: what they stood for so far, of which others may still be a part, has no name any more."""
        if names := names & names_in(self._aliases):
            self._count += 1
            old = {
                f"{name}{what}": f"{name} {self._count}{what}" for name in names for what in ("", "[]", "()")
            }
            self._aliases = {
                old.get(key, key): {old.get(one, one) for one in found}
                for key, found in self._aliases.items()
            }

    def _by_functions(self, one: Statement, changes: Set[str]) -> set[str]:
        if one.defines:
            return set()
        changed, waiting, seen = set(changes), list(one.calls), set[str]()
        while waiting:
            name = waiting.pop()
            if name not in seen and name in self._functions:
                seen.add(name)
                changed |= self._functions[name][0]
                waiting += self._functions[name][1]
        return changed


def _join(aliases: dict[str, set[str]], more: Aliases) -> None:
    for name, names in more.items():
        aliases.setdefault(name, set()).update(names)


def bound_by(one: Statement) -> frozenset[str]:
    """The names that a statement binds, those of ``from module import *`` among them."""
    return one.binds.union(*map(_public_names, one.stars))


def _public_names(module: str) -> frozenset[str]:
    try:
        found = vars(importlib.import_module(module))
    except Exception:  # whoever runs the cell is told
        return frozenset()
    return frozenset(found.get("__all__") or (name for name in found if not name.startswith("_")))
