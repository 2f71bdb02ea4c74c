"""The instructor's cells of a source notebook: which names are whose, and which cells a test needs.

The instructor's are all code cells but the answers: locked cells, plain cells as the source has them, and test cells. Of an answer cell, the
imports outside the solution are the instructor's too. A name belongs to whoever bound it last in a cell before: to the instructor, or, if that is
an answer cell or none at all, to the student.

A cell without tests is needed if it binds a name that a test uses, or changes what that name stands for, or the same for a needed cell, or if it
sets something for the whole process. It is run as a whole, but for imports of packages that nothing needed uses, which cost more than all the rest.
"""

from __future__ import annotations

import builtins
import functools
import importlib
import re
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from typing import Literal

from autograder.instructor.statements import Cell, Statement, cell_of, read_cell
from autograder.notebook.cells import STUDENT_TAG, Notebook, grading, is_test

__all__ = ["Source", "SourceCell", "instructors_cells", "read_source"]

Import = tuple[str, str]  # a module, and the name of its attribute or an empty string
Role = Literal["shared", "test", "answer"]
Owner = Literal["instructor", "student", "changed by the solution", "solution's import", "nobody"]
STUDENTS = ("student", "changed by the solution", "solution's import")

SOLUTION = re.compile(r"^([ \t]*)[^\n]*BEGIN SOLUTION.*?END SOLUTION[^\n]*$", re.MULTILINE | re.DOTALL)
RELEASED = "raise NotImplementedError()"  # what stands in the place of a solution in a released notebook
BUILTINS = frozenset(dir(builtins)) | {"display", "get_ipython"}
# What is set in these holds for the whole process, whatever a test names.
OF_THE_PROCESS = frozenset(("decimal", "importlib", "locale", "os", "random", "site", "sys", "warnings"))


@dataclass(frozen=True, slots=True, eq=False)
class SourceCell:
    """A code cell of a source notebook.

    Attributes:
        key: its grade_id, or an empty string.
        own: the instructor's statements of it.
        answers: names that it binds for the student.
        solution: all statements of an answer.
        modules: what its solution imports, by the names that it gives them: modules, and attributes of modules.
    """

    role: Role
    key: str
    text: str
    own: Cell
    answers: frozenset[str] = frozenset()
    solution: Cell = Cell()  # noqa: RUF009 (nobody can change it)
    modules: tuple[tuple[str, Import], ...] = ()


def instructors_cells(notebook: Notebook, template: Notebook | None) -> tuple[SourceCell, ...]:
    """The code cells of *template*, the tests as the assembled *notebook* has them; without a template, what of the notebook is not the student's."""
    if template is None:
        return tuple(_cell(cell) for cell in notebook.cells if grading(cell).get("locked") or is_test(cell))
    tests = {grading(cell)["grade_id"]: cell for cell in notebook.cells if is_test(cell)}
    code = [cell for cell in template.cells if cell["cell_type"] == "code"]
    return tuple(_cell(tests.get(grading(cell).get("grade_id", ""), cell)) for cell in code)


def _cell(cell: dict[str, object]) -> SourceCell:
    grade, text = grading(cell), str(cell["source"])
    metadata = cell.get("metadata")
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    return _read(
        "test"
        if is_test(cell)
        else "answer"
        if grade.get("solution") or (isinstance(tags, list) and STUDENT_TAG in tags)
        else "shared",
        str(grade.get("grade_id", "")),
        text,
    )


@functools.lru_cache(maxsize=1024)
def _read(role: Role, key: str, text: str) -> SourceCell:
    if role != "answer":
        return SourceCell(role, key, text, read_cell(text))
    around = SOLUTION.sub(r"\1pass", text)
    given = around != text or RELEASED in text
    imports = [one for one in read_cell(around).statements if one.imports or one.stars] if given else []
    own, whole = cell_of(imports), read_cell(text)
    modules = {name: origin for one in whole.statements for name, origin in one.imports.items()}
    inside = {name: origin for name, origin in modules.items() if name not in own.binds}
    return SourceCell(role, key, text, own, whole.binds - own.binds, whole, tuple(inside.items()))


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
        self._owners: list[dict[str, Owner]] = []
        self._binders: dict[str, list[tuple[int, Owner]]] = {}
        self._touching: dict[str, list[tuple[int, Statement]]] = {}
        self._reached: dict[tuple[int, frozenset[str]], frozenset[str]] = {}
        self._made_of: dict[int, frozenset[int]] = {}
        self._patches: dict[int, frozenset[tuple[str, ...]]] = {}
        self._within = {
            name for cell in cells for one in cell.solution.statements if one.defines for name in one.reads
        }
        imported: dict[str, str] = {}
        origins: dict[str, Import] = {}
        effects = _effects(one for cell in cells for one in (*cell.own.statements, *cell.solution.statements))
        for place, cell in enumerate(cells):
            self._places.setdefault(cell.key or cell.text, place)
            changes = {
                name for one in cell.solution.statements for name in _changed(one, effects, one.alters)
            }
            changed = changes - imported.keys() - cell.solution.binds
            owners: dict[str, Owner] = dict.fromkeys(changed, "changed by the solution")
            owners |= dict.fromkeys(cell.answers, "student")
            for name, origin in cell.modules:
                owners[name] = "instructor" if origins.get(name) == origin else "solution's import"
            for one in cell.own.statements:
                owners |= dict.fromkeys(bound_by(one), "instructor")
                for name in bound_by(one):
                    origins.pop(name, None)
                origins |= one.imports
                imported |= {name: module for name, (module, part) in one.imports.items() if not part}
            self._owners.append(owners)
            for name, owner in owners.items():
                self._binders.setdefault(name, []).append((place, owner))
        for place, cell in enumerate(cells):
            for one in cell.own.statements:
                for name in bound_by(one) | _changed(
                    one, effects, one.changes | (one.uses - imported.keys())
                ):
                    self._touching.setdefault(name, []).append((place, one))
        self.needed = frozenset(self._find_needed(imported))
        self.left_out = frozenset(self._find_left_out(local))
        self.patched = frozenset(self._find_patched())

    def place(self, key: str, text: str) -> int | None:
        """The place of the cell with this grade_id, or, if there is none, of the one with this *text*."""
        return self._places.get(key or text)

    def owner(self, name: str, place: int) -> Owner:
        """Whose *name* is where the cell at *place* begins."""
        if name in self._students:
            return "student"
        for at, owner in reversed(self._binders.get(name, ())):
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

    def depends_on(self, place: int) -> frozenset[str]:
        """Other names of the student's that may matter there: through the instructor's functions, or looked up by their text."""
        own, role = self.cells[place].own, self.cells[place].role
        mentioned = frozenset[str]().union(*(one.mentions for one in own.statements)) - BUILTINS
        found = self.reached(own.free | mentioned, place)
        # A test that leaves a name as it is needs it no more than it says.
        maybe = own.maybe | (own.kept if role != "test" else frozenset())
        found |= {name for name in maybe if any(at < place for at, _ in self._binders.get(name, ()))}
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
        for at in range(place - 1, -1, -1):
            if name in self._students:
                break
            owner = self._owners[at].get(name)
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

    def _find_needed(self, imported: dict[str, str]) -> set[int]:
        """Cells that bind a name that a test after them uses, or one that such a cell uses, or that change what it stands for."""
        settings = {name for name, module in imported.items() if module.split(".")[0] in OF_THE_PROCESS}
        touches: list[set[str]] = [set() for _ in self.cells]
        for name, found in self._touching.items():
            for place, _ in found:
                touches[place].add(name)
        needed = set[int]()
        for test in (place for place, cell in enumerate(self.cells) if cell.role == "test"):
            used, new = settings | self.cells[test].own.free | self.cells[test].own.maybe, {test}
            left = set(range(test))
            while new:
                new = {place for place in left if touches[place] & used}
                left -= new
                used.update(*(self.cells[place].own.free | self.cells[place].own.maybe for place in new))
                needed |= new
        return {place for place in needed if self.cells[place].role != "test"}

    def _find_left_out(self, local: Set[str]) -> Iterator[tuple[int, int]]:
        run = [
            (place, cell)
            for place, cell in enumerate(self.cells)
            if place in self.needed or cell.role == "test"
        ]
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

    def _find_patched(self) -> Iterator[tuple[str, ...]]:
        yield from (path[:-1] for path in _patches(self.cells) if path[0] != "__main__" and path[-1])


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


def _packages(one: Statement) -> set[str]:
    return {module.split(".")[0] for module in (*one.stars, *(module for module, _ in one.imports.values()))}


def _settles(one: Statement, name: str) -> bool:
    """Whether nothing from before *one* is left of *name*."""
    return name in one.certain and (one.defines or name not in one.reads)


Effects = dict[str, tuple[set[str], set[str]]]


def _effects(statements: Iterable[Statement]) -> Effects:
    """For each function what it may bind or change, and what it calls."""
    effects: Effects = {}
    for one in statements:
        if one.defines:
            for name in one.binds:
                changes, calls = effects.setdefault(name, (set(), set()))
                changes |= one.changes | (one.binds - one.certain)
                calls |= one.calls
    return effects


def _changed(one: Statement, effects: Effects, changes: Set[str]) -> set[str]:
    """The names whose objects may be others after *one*: those that it *changes* itself, and those that its functions change."""
    if one.defines:
        return set()
    changed, waiting, seen = set(changes), list(one.calls), set[str]()
    while waiting:
        name = waiting.pop()
        if name not in seen and name in effects:
            seen.add(name)
            changed |= effects[name][0]
            waiting += effects[name][1]
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


@functools.lru_cache(maxsize=64)  # the same for every submission
def read_source(
    cells: tuple[SourceCell, ...], local: frozenset[str], students: frozenset[str], digest: str
) -> Source:
    """The :class:`Source` of these *cells*; *digest* is of the files beside the notebook, from which they may import names."""
    return Source(cells, local, students)
