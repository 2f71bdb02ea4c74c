"""The examiner's end of a connection during tests: what it makes of what is no plain data."""

from __future__ import annotations

import builtins
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from autograder.candidate.peer import Peer
from autograder.handles.callbacks import Callbacks
from autograder.handles.classes import StudentClass
from autograder.handles.handle import Asks, held_of
from autograder.handles.libraries import exception_class
from autograder.handles.objects import Objects
from autograder.handles.patches import Patches
from autograder.handles.setting import Setting
from autograder.wire.errors import Refused

__all__ = ["TestPeer"]

LONGEST = 500  # characters of what was printed that are kept
WARNINGS = {
    name: kind
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, Warning)
}


class TestPeer(Peer):
    """The examiner's side of what is no plain data, for one test at a time.

    Attributes:
        classes: what stands for the student's classes, by the names that the test uses.
        setting: what the test has set for its calls.
        title: what is being asked, in sentences.
        muted: nothing is printed, as no test has asked.
        said: the beginning of what was printed since somebody emptied it.

    Args:
        asks: calls something over there.
    """

    __test__ = False

    def __init__(self, asks: Asks) -> None:
        self._asks = asks
        self.changing: Callable[[], None] = lambda: None
        self.muted = False
        self.said = ""
        self.title = ""
        self.classes: dict[str, StudentClass] = {}
        self._wanted: frozenset[str] = frozenset()
        self._scope: Mapping[str, Any] = {}
        self.setting = Setting(self.refer)
        self.begin_process()
        self.begin_test(())

    def begin_process(self) -> None:
        """Another process answers from now on, which knows nothing of what the last one held."""
        self._objects = Objects(self._asks, self.classes)
        self._callbacks = Callbacks()
        self.setting.dropped = self._objects.dropped

    def begin_test(self, wanted: Iterable[str]) -> None:
        """A test begins that uses these names."""
        if not self._wanted.issuperset(wanted):
            self._wanted = frozenset(wanted)
            self.classes.clear()
        self._callbacks.begin_test()
        self._streams = {"stdout": sys.stdout, "stderr": sys.stderr}
        self.setting = Setting(self.refer)
        self.setting.dropped = self._objects.dropped

    def watch(self, scope: Mapping[str, Any], found: Mapping[str, Any], patches: Patches | None) -> None:
        """The test is about to be run: see :class:`Setting` for what these are."""
        self._scope = scope
        self.setting.scope, self.setting.found, self.setting.patches = scope, found, patches

    @property
    def awaits(self) -> bool:
        """Whether the test may await what a function gives."""
        return self.setting.patches is not None and self.setting.patches.awaits

    def class_of(self, name: str, told: dict[str, Any], above: list[Any]) -> StudentClass:
        """The class that stands for the student's of this name, from what its process says of it and what stands for those above it."""
        self.classes[name] = self._objects.make_class(name, told, above, self._scope)
        return self.classes[name]

    def exception_of(self, classes: Iterable[Any], base: str) -> type[Exception] | None:
        """The first of *classes*, as (module, name), that is an exception of a library's, or of the instructor's cells, and below *base*."""
        own = {name: value for name, value in self._scope.items() if name not in self.setting.found}
        return exception_class(classes, base, own)

    def refer(self, value: Any) -> list[Any] | None:
        """The tree of one of the student's things, of something of a library, or of a function or iterator of the test."""
        held = held_of(value)
        if held is None:
            return self._callbacks.refer(value)
        if held.epoch not in (None, self._objects):
            raise Refused("something of a process that has ended")
        return held.tree

    def resolve(self, tag: str, rest: list[Any]) -> Any:
        """What stands here for something over there; or the test's own, which comes back."""
        own = self._callbacks.resolve(tag, rest)
        return self._objects.resolve(tag, rest, self.title) if own is None else own

    def unnamed(self) -> str:
        """What the class is called of an instance that came since this was asked, of which the test names no class; empty if there was none."""
        found = next(iter(self._objects.unnamed), "")
        self._objects.unnamed.clear()
        return found

    def call_back(self, number: int, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> list[Any]:
        """Call a function that a test passed."""
        self.unnamed()  # what it is given is no answer
        return self._callbacks.call(number, arguments, keywords)

    def printed(self, stream: str, text: str) -> None:
        """Print it where the test captures it; else nobody wants to read it here."""
        if self.muted:
            return
        if stream == "stdout" and len(self.said) < LONGEST:
            self.said += text[:LONGEST]
        if (category := WARNINGS.get(stream)) is not None:
            warnings.warn(text, category, stacklevel=2)
        if stream in self._streams and (now := getattr(sys, stream)) is not self._streams[stream]:
            now.write(text)

    def drew(self, which: int, state: list[Any]) -> None:
        """Let the test's random numbers go on from where the student's function left them."""
        self.setting.drew(which, state)
