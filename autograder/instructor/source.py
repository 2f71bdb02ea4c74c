"""The instructor's cells of a source notebook: which names are whose, and what those of a cell are made of.

A name belongs to whoever bound it last in a cell before: to the instructor, or, if that is an answer cell or none at all, to the student.
See :mod:`autograder.instructor.source_cells` for which cells are the instructor's, and :mod:`autograder.instructor.needed` for which of them are run.
"""

from __future__ import annotations

import builtins
import functools
from collections.abc import Iterable, Iterator, Set
from typing import Literal

from autograder.instructor.changes import Changes, bound_by
from autograder.instructor.needed import needed_cells, unused_imports
from autograder.instructor.source_cells import Import, SourceCell
from autograder.instructor.statements import LOOKS_UP, Statement

__all__ = ["Source", "read_source"]

Ownership = Literal["instructor", "student", "changed by the solution", "solution's import", "nobody"]
STUDENTS = ("student", "changed by the solution", "solution's import")
BUILTINS = frozenset(dir(builtins)) | {"display", "get_ipython"}


class Source:
    """The code cells of a source notebook, in its order.

    Attributes:
        cells: see :class:`SourceCell`.
        needed: places of the cells without tests that a test needs.
        left_out: (place of the cell, of the statement) of imports of what nothing needed uses.
        patched: dotted paths of the modules whose attributes a cell sets.

    Args:
        local: names of the modules beside the notebook.
        students: names that are the student's whoever binds them.
    """

    def __init__(self, cells: tuple[SourceCell, ...], local: Set[str], students: Set[str]) -> None:
        self.cells = cells
        self._students = students
        self._places: dict[str, int] = {}
        # By name: whose it is after each cell that binds or changes it, by the place of the cell.
        self._owners: dict[str, dict[int, Ownership]] = {}
        self._touching: dict[str, list[tuple[int, Statement]]] = {}
        self._reached: dict[tuple[int, frozenset[str]], frozenset[str]] = {}
        self._made_of: dict[int, frozenset[int]] = {}
        self._patches: dict[int, frozenset[tuple[str, ...]]] = {}
        self._within = {
            name for cell in cells for one in cell.solution.statements if one.defines for name in one.reads
        }
        modules: dict[str, str] = {}
        origins: dict[str, Import] = {}
        everything = (one for cell in cells for one in (*cell.own.statements, *cell.solution.statements))
        changing = Changes(everything, local)
        for place, cell in enumerate(cells):
            self._places.setdefault(cell.key or cell.text, place)
            changes = {name for one in cell.solution.statements for name in changing.surely(one)}
            changed = changes - modules.keys() - cell.solution.binds
            owners: dict[str, Ownership] = dict.fromkeys(changed, "changed by the solution")
            owners |= dict.fromkeys(cell.answers, "student")
            for name, origin in cell.modules:
                owners[name] = "instructor" if origins.get(name) == origin else "solution's import"
            for one in cell.own.statements:
                owners |= dict.fromkeys(bound_by(one), "instructor")
                for name in bound_by(one):
                    origins.pop(name, None)
                origins |= one.imports
                modules |= {name: module for name, (module, part) in one.imports.items() if not part}
            for name, owner in owners.items():
                self._owners.setdefault(name, {})[place] = owner
        # What `zip(…)` gives may be changed, and is not `zip`; what `globals()` gives is everything.
        builtin = BUILTINS - LOOKS_UP - self._owners.keys()
        for place, cell in enumerate(cells):
            for one in cell.own.statements:
                changes = changing.by(one) - builtin
                for name in bound_by(one) | changes:
                    self._touching.setdefault(name, []).append((place, one))
        self.needed = frozenset(needed_cells(cells, self._touching, modules))
        self.left_out = frozenset(unused_imports(cells, self.needed, local))
        self.patched = frozenset(path[:-1] for path in _patches(cells) if path[0] != "__main__" and path[-1])

    def place(self, key: str, text: str) -> int | None:
        """The place of the cell with this grade_id, or, if there is none, of the one with this *text*."""
        return self._places.get(key or text)

    def owner(self, name: str, place: int) -> Ownership:
        """Whose *name* is where the cell at *place* begins."""
        if name in self._students:
            return "student"
        for at, owner in reversed(self._owners.get(name, {}).items()):
            if at < place:
                return owner
        return "nobody" if name in BUILTINS else "student"

    def origin(self, name: str, place: int) -> Import:
        """What the last solution before *place* imports as *name*."""
        return [dict(cell.modules)[name] for cell in self.cells[:place] if name in dict(cell.modules)][-1]

    def asks_for(self, place: int) -> frozenset[str]:
        """The names of the student's that the cell at *place* uses itself."""
        return frozenset(n for n in self.cells[place].own.free if self._is_students(n, place))

    def tested(self, place: int) -> frozenset[str]:
        """The names of the student's that the cell at *place* uses itself, if it is a test cell."""
        return self.asks_for(place) if self.cells[place].role == "test" else frozenset()

    @functools.cached_property
    def asked(self) -> frozenset[str]:
        """The names of the student's that any test cell uses."""
        return frozenset[str]().union(*map(self.tested, range(len(self.cells))))

    def depends_on(self, place: int) -> frozenset[str]:
        """Other names of the student's that may matter there: through the instructor's functions, or looked up by their text."""
        own, role = self.cells[place].own, self.cells[place].role
        mentioned = frozenset[str]().union(*(one.mentions for one in own.statements)) - BUILTINS
        found = self.reached(own.free | mentioned, place)
        # A test that leaves a name as it is needs it no more than it says.
        maybe = own.maybe | (own.kept if role != "test" else frozenset())
        found |= {name for name in maybe if any(at < place for at in self._owners.get(name, ()))}
        return frozenset(name for name in found if self._is_students(name, place)) - self.asks_for(place)

    def made_of(self, place: int) -> frozenset[int]:
        """The cells whose names the cell at *place* uses, and those whose names these use."""
        if place not in self._made_of:
            self._made_of[place] = frozenset(self._find_made_of(place))
        return self._made_of[place]

    def _find_made_of(self, place: int) -> set[int]:
        own = self.cells[place].own
        waiting, seen, found = list(own.free | own.maybe), set(own.free | own.maybe), set[int]()
        while waiting:
            for at, one in self._history(waiting.pop(), place):
                if one is not None:
                    found.add(at)
                    more = (one.reads | one.mentions) - seen
                    seen |= more
                    waiting += more
        return found - {place}

    def concerns_student(self, statement: Statement, place: int) -> bool:
        """Whether what *statement*, of the cell at *place*, does depends on the student."""
        return bool(self.reached(statement.reads | statement.mentions, place))

    def reached(self, names: frozenset[str], place: int) -> frozenset[str]:
        """The student's among *names* and among all that they were made of, as the cell at *place* finds them."""
        key = place, names
        if key not in self._reached:
            self._reached[key] = frozenset(self._reach(names, place))
        return self._reached[key]

    def _reach(self, names: Iterable[str], place: int) -> Iterator[str]:
        waiting, seen = [(name, True) for name in names], set(names)
        while waiting:
            name, here = waiting.pop()
            for at, one in self._history(name, place, here):
                if one is None:
                    yield name
                else:  # a function of an earlier cell may be called before this cell binds what it uses
                    more = (one.reads | one.mentions) - seen
                    seen |= more
                    waiting += [(name, here and at == place) for name in more]

    def _history(self, name: str, place: int, here: bool = True) -> Iterator[tuple[int, Statement | None]]:
        """The statements that made *name* what it is in the cell at *place*, the last first; None where it is the student's.

        Args:
            here: whether what the cell binds itself is bound before it is used.
        """
        touching = self._touching.get(name, ())
        within = [one for at, one in touching if at == place]
        yield from ((place, one) for one in within)
        if here and any(_settles(one, name) for one in within) and name not in self.cells[place].own.maybe:
            return
        owners = self._owners.get(name, {})
        for at in () if name in self._students else range(place - 1, -1, -1):
            owner = owners.get(at)
            if owner in STUDENTS:
                yield at, None
                if owner != "changed by the solution":
                    return
            before = [one for where, one in touching if where == at]
            yield from ((at, one) for one in before)
            if any(_settles(one, name) for one in before):
                return
        if self._is_students(name, place):
            yield -1, None

    def _is_students(self, name: str, place: int) -> bool:
        return self.owner(name, place) in STUDENTS

    def patches(self, place: int) -> frozenset[tuple[str, ...]]:
        """Dotted names, from a module on, of the attributes that the cell at *place*, or what it is made of, may set.

        Names of the student's that the cell binds and that functions of the solution use are attributes of the module ``__main__``.
        """
        if place not in self._patches:
            cells = [self.cells[at] for at in sorted({place, *self.made_of(place)})]
            bound = {
                name for name in self.cells[place].own.binds & self._within if self._is_students(name, place)
            }
            self._patches[place] = frozenset(_patches(cells)).union(("__main__", name) for name in bound)
        return self._patches[place]


def _patches(cells: Iterable[SourceCell]) -> Iterator[tuple[str, ...]]:
    origins: dict[str, Import] = {}
    for cell in cells:
        for one in cell.own.statements:
            origins |= one.imports
            for path in one.sets:
                if path[0] in origins:
                    module, part = origins[path[0]]
                    yield (*module.split("."), *filter(None, [part]), *path[1:])
            yield from one.texts


def _settles(one: Statement, name: str) -> bool:
    """Whether nothing from before *one* is left of *name*."""
    return name in one.certain and (one.defines or name not in one.reads)


@functools.lru_cache(maxsize=64)  # the same for every submission
def read_source(
    cells: tuple[SourceCell, ...], local: frozenset[str], students: frozenset[str], digest: str
) -> Source:
    """The :class:`Source` of these *cells*; *digest* is of the files beside the notebook, from which they may import names."""
    return Source(cells, local, students)
