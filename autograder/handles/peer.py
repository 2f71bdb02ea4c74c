"""What a test and a student's process have of each other: functions of the test that are called back, and what stands for the student's."""

from __future__ import annotations

import builtins
import functools
import operator
import sys
import types
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from typing import Any

import numpy as np

from autograder.candidate.peer import Peer
from autograder.handles.functions import (
    Asks,
    Awaits,
    Drawing,
    Generates,
    Held,
    Iterates,
    StudentFunction,
    held_of,
)
from autograder.handles.instances import Instance, StudentClass, make_class, make_instance, special_methods
from autograder.handles.patches import GONE, Patches, is_mock, mocks_attribute, runs_here
from autograder.handles.raised import CROSSING, StudentError
from autograder.handles.seeds import seeded, watch_seeds
from autograder.wire.generators import follow_globally, global_marks, global_states
from autograder.wire.plain import Refused, WireError, Writer, encode

__all__ = ["TestPeer"]

MAX_CALLBACKS = 200_000  # in a test
MAX_FUNCTIONS = 10_000  # of a test's own that it passes
MAX_KEPT = 1_000  # of them that stay for the tests after it
NAMED = (
    types.FunctionType,
    types.BuiltinFunctionType,
    type(str.upper),
    type(str.__add__),
    np.ufunc,
    type(np.mean),
)
LIBRARIES = frozenset({*sys.stdlib_module_names, "numpy", "pandas", "scipy", "matplotlib"})
# Whose exceptions tell a runner of tests something.
SIGNALS = frozenset(("asyncio", "bdb", "concurrent", "contextlib", "doctest", "pdb", "test", "unittest"))
WARNINGS = {
    name: kind
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, Warning)
}
# Builtins that a test may replace for the student's code too: none that a process needs for talking to the other.
PATCHED = ("abs", "eval", "exec", "input", "max", "min", "pow", "print", "round", "sorted", "sum")
LARGEST = 64 << 20  # bytes of a value that a test gives to a name of the student's
LONGEST = 200
LONGEST_TITLE = 60


class TestPeer(Peer):
    """The examiner's side of what is no plain data, for one test at a time.

    Attributes:
        found: what the student's names stood for when the test began.
        scope: the names as the test has them.
        patches: what the test may patch besides; None for nothing.

    Args:
        asks: calls something over there.
    """

    __test__ = False

    def __init__(self, asks: Asks) -> None:
        self._asks = asks
        self.changing: Callable[[], None] = lambda: None
        self.muted = False
        self.title = ""  # of what is being asked
        self.scope: Mapping[str, Any] = {}
        self.patches: Patches | None = None
        self._wanted: Set[str] = frozenset()
        self.begin_process()
        self.begin_test(())

    def begin_process(self) -> None:
        """Another process answers from now on, which knows nothing of what the last one held."""
        self._epoch = object()
        self._handles: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
        self._dropped: set[int] = set()
        self._made: dict[int, StudentClass] = {}
        self._kinds: dict[tuple[Any, ...], Any] = {}
        self._functions: dict[int, tuple[Callable[..., Any], Any]] = {}
        self._askers: dict[int, Callable[..., Any]] = {}  # for each stand-in, what gives its attributes
        self._numbers: dict[int, int] = {}
        self._passed = 0
        self._known: dict[tuple[str, str], Any] = {}

    def begin_test(self, wanted: Iterable[str]) -> None:
        """A test begins that uses these names."""
        if not self._wanted >= {*wanted}:
            self._wanted = frozenset(wanted)
            self.classes: dict[str, StudentClass] = {}
        self.found: Mapping[str, Any] = {}
        self.patches = None
        self._tried: dict[str, tuple[Any, bool]] = {}
        self._callbacks = 0
        if len(self._functions) > MAX_KEPT:
            self._functions.clear()
            self._numbers.clear()
            self._askers.clear()
        self._streams = {"stdout": sys.stdout, "stderr": sys.stderr}
        self._builtins = {name: getattr(builtins, name) for name in PATCHED}
        self._ambient = _ambient()
        watch_seeds()
        self._seeded, self._follows = seeded(), False
        self._marks: list[Any] = [None, None]

    def class_of(self, name: str, told: dict[str, Any], above: list[Any]) -> StudentClass:
        """The class that stands for the student's of this name; the same one as long as it is the same over there."""
        number = told.get("id")
        if type(number) is not int or type(told.get("title")) is not str:
            raise WireError("not a message: no class")
        if number not in self._made:
            held = Held(self._asks, ["name", name], name, named=True, epoch=None)
            self._made[number] = make_class(held, told, above, list(self._instructors(told.get("below"))))
        self.classes[name] = self._made[number]
        return self._made[number]

    def _instructors(self, names: Any) -> Iterator[type]:
        """Classes of the instructor's cells by these names, of those from which others can be derived as from any."""
        for name in names if type(names) is list else ():
            found = self.scope.get(name) if type(name) is str else None
            if type(found) is type and found.__module__ == "__main__" and held_of(found) is None:
                if isinstance(
                    found.__init_subclass__, types.BuiltinMethodType
                ):  # else it wants to know of them
                    yield found

    def setting(self) -> list[Any] | None:
        """What a call has to begin with: states of random numbers that the test has set, and builtins and names that it has replaced."""
        if not (self._follows or self._dropped or self.patches is not None) and (
            seeded() == self._seeded
            and _is_same(self._builtins, vars(builtins))
            and _is_same(self.found, self.scope)
            and _ambient() == self._ambient
        ):
            return None  # nearly always, and before each call
        changed: list[int] = []
        self._follows = self._follows or seeded() != self._seeded
        if self._follows:
            before, self._marks = self._marks, global_marks()
            changed = [
                which for which, (old, new) in enumerate(zip(before, self._marks, strict=True)) if old != new
            ]
        patched = _changed(self._builtins, vars(builtins))
        dropped, self._dropped = list(self._dropped), set()
        ambient = _ambient()
        ambient = {name: value for name, value in ambient.items() if value != self._ambient[name]}
        replaced, deleted = self._rebound()
        patches = self.patches.changes() if self.patches is not None else None
        if not (changed or patched or dropped or ambient or replaced or deleted or patches):
            return None
        states = [[which, global_states()[which]] for which in changed]
        return [states, patched, dropped, ambient, replaced, deleted, patches]

    def _rebound(self) -> tuple[dict[str, Any], list[str]]:
        """The student's names that the test has given another value, and those that it has deleted: so they are for the student's code too."""
        changed = _changed(self.found, self.scope)
        if self.patches is not None:
            changed |= {n: now for n, now in self.patches.names(self.found).items() if self._crosses(n, now)}
        deleted = [name for name, now in changed.items() if now is GONE]
        return {name: now for name, now in changed.items() if now is not GONE}, deleted

    def _crosses(self, name: str, value: Any) -> bool:
        """Whether it can be so over there: a test may use a name of the student's for something of its own."""
        known, crosses = self._tried.get(name, (GONE, True))
        if known is not value:
            try:
                encode(value, LARGEST, Writer(self.refer))
                crosses = True
            except Refused:
                crosses = False
            self._tried[name] = value, crosses
        return crosses

    @property
    def awaits(self) -> bool:
        """Whether the test may await what a function gives."""
        return self.patches is not None and self.patches.awaits

    def drew(self, which: int, state: list[Any]) -> None:
        """Let the test's random numbers go on from where the student's function left them."""
        follow_globally(which, state)
        self._marks = global_marks()

    def printed(self, stream: str, text: str) -> None:
        """Print it where the test captures it; else nobody wants to read it here."""
        if (category := WARNINGS.get(stream)) is not None:
            if not self.muted:
                warnings.warn(text, category, stacklevel=2)
            return
        now = getattr(sys, stream)
        if not self.muted and now is not self._streams[stream]:
            now.write(text)

    def refer(self, value: Any) -> list[Any] | None:
        """The tree of one of the student's things, of a function of a library, or of a function or iterator of the test."""
        held = held_of(value)
        if held is not None:
            if held.epoch not in (None, self._epoch):
                raise Refused("something of a process that has ended")
            return held.tree
        if isinstance(value, type) or type(value) in NAMED:
            name = _library_name(value)
            if name is not None:
                self._known[name] = value
                return ["known", *name]
        if (within := runs_here(value)) is not None:
            raise Refused(f"a stand-in that calls {within}, which would run in the test's process")
        if is_mock(value):
            asker = self._askers.setdefault(id(value), functools.partial(mocks_attribute, value))
            return ["mock", self._number(value, value), "stand-in", self._number(asker, asker)]
        if callable(value):
            return [
                "callback",
                self._number(value, value),
                str(getattr(value, "__name__", type(value).__name__))[:80],
            ]
        if isinstance(value, Iterator):
            return ["iterator", self._number(value.__next__, value), "iterator"]
        return None

    def exception_of(self, classes: Iterable[Any], base: str) -> type[Exception] | None:
        """The first of *classes*, as (module, name), that is an exception of a library's, or of the instructor's cells, and below *base*."""
        for one in classes:
            match one:
                case (str(module), str(name)) if module == "__main__" and name not in self.found:
                    found = self.scope.get(name)
                case (str(module), str(name)) if module.split(".")[0] in LIBRARIES - SIGNALS:
                    found = vars(sys.modules[module]).get(name) if module in sys.modules else None
                case _:
                    continue
            if (
                isinstance(found, type)
                and found.__module__ == module
                and issubclass(found, Exception)
                and issubclass(found, CROSSING.get(base, ()))
                and not issubclass(found, StudentError)
            ):
                return found
        return None

    def _number(self, function: Callable[..., Any], key: Any) -> int:
        number = self._numbers.get(id(key))
        if number is None:
            if len(self._functions) >= MAX_FUNCTIONS:
                raise Refused(f"a function after {MAX_FUNCTIONS:,} others")
            number = self._numbers[id(key)] = self._passed
            self._passed += 1
            self._functions[number] = function, key  # the key is kept so that its id stays its own
        return number

    def call_back(self, number: int, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> list[Any]:
        """Call a function that a test passed."""
        self._callbacks += 1
        if not 0 <= number < self._passed or self._callbacks > MAX_CALLBACKS:
            raise WireError("not a message: no such function")
        if number not in self._functions:
            return ["raised", ["RuntimeError", ("this function belongs to an earlier test",)]]
        function, _ = self._functions[number]
        try:
            return ["value", function(*arguments, **keywords)]
        except Exception as error:
            name = next(
                one.__name__
                for one in type(error).__mro__
                if one.__name__ in {*CROSSING, "StopIteration"} and one.__module__ == "builtins"
            )
            parts = error.args
            try:
                encode(parts, 1 << 16)
                getattr(builtins, name)(*parts)
            except (Refused, TypeError):
                name, parts = (
                    ("RuntimeError" if name.startswith("Unicode") else name),
                    (str(error)[:LONGEST],),
                )
            return ["raised", [name, parts]]

    def resolve(self, tag: str, rest: list[Any]) -> Any:
        """What stands here for something over there; or the test's own, which comes back."""
        match tag, rest:
            case "name", [str(name)] if name in self.classes:
                return self.classes[name]
            case "known", [str(module), str(path)] if (module, path) in self._known:
                return self._known[module, path]
            case "callback" | "iterator" | "mock", [int(number), str(), *_] if number in self._functions:
                return self._functions[number][1]
            case "function", [int(number), str(name)]:
                return self._once(number, StudentFunction, lambda held: StudentFunction(held, name))
            case "iterates", [int(number), bool(generates)]:
                kind = Generates if generates else Iterates
                held = Held(self._asks, ["held", number], self.title, epoch=self._epoch)
                return self._once(number, kind, lambda _: kind(held))
            case "awaits", [int(number)]:
                held = Held(self._asks, ["held", number], self.title, epoch=self._epoch)
                return self._once(number, Awaits, lambda _: Awaits(held))
            case "drawing", [int(number), str(title)]:
                held = Held(self._asks, ["held", number], title[:80], epoch=self._epoch)
                return self._once(number, Drawing, lambda _: Drawing(held, _drawn_as(title)))
            case "instance", [int(number), str(named), str(title), list(special), str(compares)] if (
                named in self.classes
            ):
                kind = self._kind(named, title, special)
                held = self._held(number)
                held.title, held.compares = f"{title[:80]}", compares
                return self._once(number, Instance, lambda _: make_instance(kind, held))
        raise WireError(f"not a message: unknown tag {tag[:8]!r}")

    def _held(self, number: int) -> Held:
        title = self.title if len(self.title) > LONGEST_TITLE else f"{self.title}(…)"
        return Held(self._asks, ["held", number], title, epoch=self._epoch)

    def _once(self, number: int, kind: type, make: Callable[[Held], Any]) -> Any:
        """The one handle on an object over there."""
        found = self._handles.get(number)
        if found is None:
            if type(number) is not int or number < 0:
                raise WireError("not a message: no such object")
            found = self._handles[number] = make(self._held(number))
            self._dropped.discard(number)
            weakref.finalize(found, self._drop, self._epoch, number).atexit = False
        if not issubclass(type(found), kind):
            raise WireError("not a message: an object that is now of another kind")
        return found

    def _drop(self, epoch: object, number: int) -> None:
        if epoch is self._epoch and number not in self._handles:
            self._dropped.add(number)

    def _kind(self, named: str, title: str, special: list[Any]) -> Any:
        """The class of an instance: the test's, or one below it that it does not know by name."""
        above = self.classes[named]
        methods = special_methods(special)
        key = (named, title, *sorted(methods))
        if key not in self._kinds:
            same = set(methods) <= set(dir(above)) and title == above.__name__
            namespace = {
                "__slots__": (),
                "_class_held_": vars(above)["_class_held_"],
                "__module__": "__main__",
                **methods,
            }
            name = title if title.isidentifier() else above.__name__
            self._kinds[key] = above if same else StudentClass(name, (above,), namespace, made=True)
        return self._kinds[key]


def _is_same(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether all that stood in *before* stands in *now*: the same objects under the same names."""
    return all(map(operator.is_, map(now.get, before), before.values()))


def _changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in *now* under the names whose value is not the object that it was; :data:`~autograder.handles.patches.GONE` for nothing."""
    if _is_same(before, now):
        return {}
    found = {name: now.get(name, GONE) for name in before}
    return {name: value for name, value in found.items() if value is not before[name]}


def _ambient() -> dict[str, Any]:
    """What holds for a whole process, and a test may change for a call."""
    return {"recursion": sys.getrecursionlimit(), "errors": np.geterr()}


def _drawn_as(title: str) -> type:
    """Matplotlib's own class of this name, if the test has imported it."""
    artist = getattr(sys.modules.get("matplotlib.artist"), "Artist", None)
    for module in ("figure", "axes", "lines", "patches", "text", "legend", "collections", "image"):
        found = getattr(sys.modules.get(f"matplotlib.{module}"), title, None)
        if artist is not None and isinstance(found, type) and issubclass(found, artist):
            return found
    return Drawing


def _library_name(value: Any) -> tuple[str, str] | None:
    """The module and the path by which a library has a function or a class, or None."""
    owner = getattr(value, "__objclass__", value)
    module = getattr(owner, "__module__", None) or ("numpy" if type(value) is np.ufunc else None)
    path = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
    if type(module) is not str or type(path) is not str or module.split(".")[0] not in LIBRARIES:
        return None
    found: Any = sys.modules.get(module)
    for name in path.split("."):
        found = getattr(found, name, None)
    return (module, path) if found is value else None
