"""The names of one notebook in the examiner: what its instructor's cells bind, and what stands for the student's.

One scope serves all cells of the instructor's, in the order of the source notebook. A cell without tests is run where the student has it, or before the
first test after it in the source; what the student made of a plain cell runs over there only. The student's names are looked up anew for each cell:
a function becomes a proxy that calls it over there, a value a copy. A module that a solution imports under some name is imported here, if the student has that name.

A statement that fails ends its cell, as in a kernel, but for what has nothing to do with the student: imports, functions, classes and tables further down are
there for later tests. Whoever then misses a name that the failing cell would have bound is told of that failure.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import inspect
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any, Protocol

from autograder.bounds.deadline import TimeIsUp
from autograder.candidate.start import NoSandbox
from autograder.handles.patches import Patches
from autograder.handles.raised import StudentError
from autograder.instructor.folder import Folder
from autograder.instructor.ipython_syntax import Shell
from autograder.instructor.random_states import random_states, restore_random_states, seed_generators
from autograder.instructor.source import Source
from autograder.instructor.statements import Statement
from autograder.instructor.unittest_runs import watched_runs
from autograder.tutor.owner import CASE_NAME, Owner, WrongCaseError

__all__ = ["Cause", "Looked", "Scope"]

PASSES = (TimeIsUp, NoSandbox, KeyboardInterrupt, GeneratorExit)


class Student(Protocol):
    """What is asked of a :class:`autograder.exam.session.Session`."""

    called: list[Any]

    def names(self, wanted: Set[str]) -> dict[str, Any]:
        """What the names stand for; those that are missing are left out."""

    def watch(self, scope: Mapping[str, Any], found: Mapping[str, Any], patches: Patches | None) -> None:
        """Let the student's code see which of the names that were *found* have another value in *scope*, or none, and what else is patched."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a test cell finds of the student's.

    Attributes:
        found: what the names stand for.
        case_id: the id that it finds as the student's; None if it does not ask for it.
    """

    found: dict[str, Any]
    case_id: str | None

    @property
    def only_functions(self) -> bool:
        """Whether nothing else of the student's can decide what is asked."""
        return self.case_id is None and all(map(callable, self.found.values()))


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a name is not there: the error, and the calls of the student's functions before it."""

    error: BaseException
    called: tuple[Any, ...] = ()


class Scope:
    """The names of one notebook.

    Attributes:
        names: as the instructor's cells find them.
        replaced: what stands in the place of names of the student's, here and for the student's code.
    """

    def __init__(self, source: Source, folder: Folder, student: Student, owner: Owner) -> None:
        self.replaced: Mapping[str, Any] = {}
        self._source, self._folder, self._student, self._owner = source, folder, student, owner
        self._main = ModuleType("__main__")
        self.names: dict[str, Any] = vars(self._main)
        shell = Shell(self.names)
        self.names |= {"display": _display, "get_ipython": lambda: shell}
        self._causes: dict[str, Cause] = {}
        self._found: dict[str, Any] = {}  # what the student's names stood for when they were looked up last
        self._done: set[int] = set()
        seed_generators()
        # Each cell starts from the numbers that the instructor's cells left, whatever the tests before it drew.
        self._random_states = random_states()

    @property
    def asked(self) -> frozenset[str]:
        """The names of the student's that the notebook's tests use."""
        return self._source.asked

    def place(self, key: str, text: str) -> int | None:
        """The place in the source of the cell with this grade_id, or, if there is none, of the one with this *text*."""
        return self._source.place(key, text)

    def reach(self, place: int) -> None:
        """Run the instructor's cells before *place* that a test needs, and that have not been run yet.

        Raises:
            TimeIsUp: the time is over.
        """
        for at in sorted(self._source.needed - self._done):
            if at >= place:
                return
            self._done.add(at)
            self._student.called.clear()
            restore_random_states(self._random_states)
            self._look_up(at, strict=False)
            self._run(at)
            self._random_states = random_states()

    def look_up(self, place: int) -> Looked:
        """Look up what the test cell at *place* needs of the student's.

        Raises:
            StudentError: a value that the cell asks for may not cross, or there is no process to ask.
            WrongCaseError: it asks for the student's id, and that is not the owner's.
        """
        self._done.add(place)
        restore_random_states(self._random_states)
        try:
            return self._look_up(place, strict=True)
        except (StudentError, WrongCaseError) as error:
            self._run(place, failed=error)
            raise

    def run_test(self, place: int) -> Any:
        """Run the test cell at *place*; returns the value of its last expression.

        Raises:
            BaseException: whatever it raises, or what a run of unittest in it failed with.
        """
        with watched_runs() as runs:
            value, error = self._run(place)
        if isinstance(error, SystemExit) and runs.count and not error.code:  # unittest.main() after success
            error = None
        partial = isinstance(value, (int, float)) and not isinstance(value, bool)
        if error is None and runs.failures and not partial:
            raise runs.failures[0]
        if isinstance(error, SystemExit):
            raise runs.failures[0] if runs.failures else AssertionError() from error
        if error is not None:
            raise error
        return value

    def cause(self, error: BaseException) -> Cause:
        """What *error* comes from: the failure of an earlier cell, if a name is missing because of it."""
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if isinstance(error, NameError) and error.name in self._causes:
            return self._causes[error.name]
        return Cause(error, tuple(self._student.called))

    def context(self, place: int) -> str:
        """A digest of all that the test cell at *place* uses of the instructor's."""
        digest = hashlib.sha256(self._folder.digest.encode())
        for at in sorted({place, *self._source.made_of(place)}):
            digest.update(self._source.cells[at].text.encode("utf-8", "replace") + b"\0")
        return digest.hexdigest()

    def texts(self, place: int) -> Iterator[str]:
        """The texts of the cells that the test cell at *place* uses names of, and its own."""
        for at in {place, *self._source.made_of(place)}:
            yield self._source.cells[at].text

    def _look_up(self, place: int, *, strict: bool) -> Looked:
        source = self._source
        asked, behind = source.asks_for(place), source.depends_on(place)
        found, refused = self._names(
            asked - self.replaced.keys(), behind | self.replaced.keys(), place, strict
        )
        for name in asked | behind:
            cause = refused.get(name)
            if source.owner(name, place) == "solution's import":  # modules and classes cannot cross
                with contextlib.suppress(Exception):  # it is not installed here
                    module, part = source.origin(name, place)
                    if cause and not part:
                        found[name], cause = import_module(module), None
                    elif part and isinstance(found.get(name), type):
                        found[name] = _same_class(import_module(module), part) or found[name]
            if name in found:
                self.names[name] = self._found[name] = found[name]
                self._causes.pop(name, None)
            elif source.owner(name, place) != "changed by the solution":  # there the instructor's may do
                self.names.pop(name, None)
                self._found.pop(name, None)
                self._causes.pop(name, None)
                if cause:
                    self._causes[name] = cause
        case_id = None
        if CASE_NAME in asked | behind:
            try:
                self.names[CASE_NAME] = case_id = self._owner.case_id(found.get(CASE_NAME))
            except WrongCaseError as error:
                if strict and CASE_NAME in asked:
                    raise
                self.names.pop(CASE_NAME, None)
                self._causes[CASE_NAME] = Cause(error)
        self._found.pop(CASE_NAME, None)
        for name, value in self.replaced.items():
            self._found[name], self.names[name] = found.get(name), value
        self._student.watch(self.names, self._found, self._patches(place))
        return Looked(found, case_id)

    def _patches(self, place: int) -> Patches | None:
        paths = self._source.patches(place)
        if not paths:
            return None
        with self._folder.entered(self._main):
            return Patches(paths, self.names)

    def _names(
        self, asked: frozenset[str], behind: frozenset[str], place: int, strict: bool
    ) -> tuple[dict[str, Any], dict[str, Cause]]:
        """What names of the student's stand for, and why others do not cross; *strict* raises for what is *asked* for."""
        with contextlib.suppress(StudentError):
            return (self._student.names(asked | behind) if asked | behind else {}), {}
        found: dict[str, Any] = {}
        refused: dict[str, Cause] = {}
        for name in [*sorted(asked), *sorted(behind)]:
            try:
                found |= self._student.names({name})
            except StudentError as error:
                if strict and name in asked and self._source.owner(name, place) == "student":
                    raise
                refused[name] = Cause(error)
        return found, refused

    def _run(self, place: int, failed: BaseException | None = None) -> tuple[Any, BaseException | None]:
        """Run the instructor's statements of a cell; once one has *failed*, those that have nothing to do with the student.

        Returns the value of the last one, and the first error.
        """
        cell, value, error = self._source.cells[place], None, failed
        if cell.own.error is not None:
            return None, error or cell.own.error
        with self._folder.entered(self._main):
            for number, one in enumerate(cell.own.statements):
                if (place, number) in self._source.left_out or (
                    cell.role != "test" and CASE_NAME in one.binds
                ):
                    continue
                if error is not None and not one.defines and self._source.concerns_student(one, place):
                    self._miss(one, self.cause(error))
                    continue
                try:
                    value = self._evaluated(one)
                except PASSES:
                    raise
                except BaseException as raised:
                    self._miss(one, self.cause(raised))
                    error = error or raised
                else:
                    if self._causes:
                        for name in one.binds & self._causes.keys() & self.names.keys():
                            del self._causes[name]
        return value, error

    def _evaluated(self, one: Statement) -> Any:
        value = eval(one.code, self.names)
        if one.code.co_flags & inspect.CO_COROUTINE:
            value = asyncio.run(value)
        if one.imports or one.stars:
            self._folder.keep_modules()
        return value

    def _miss(self, one: Statement, cause: Cause) -> None:
        """Remember why the names that a statement binds are not there."""
        for name in one.binds:
            if name not in self.names:
                self._causes[name] = cause


def _same_class(module: ModuleType, name: str) -> type | None:
    """The class that *module* has as *name*; None for an exception, whose class is what the student's functions are seen to raise, and for all else."""
    found = getattr(module, name)
    return found if isinstance(found, type) and not issubclass(found, BaseException) else None


def _display(*shown: Any, **_: Any) -> None:
    print(*shown)
