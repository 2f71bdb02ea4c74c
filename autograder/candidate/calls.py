"""Answers the examiner's questions about a student's names, and calls the student's functions for it."""

from __future__ import annotations

import builtins
import contextlib
import inspect
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from autograder.bounds.limits import Limits
from autograder.candidate.held import Held, compares, is_builtin, special
from autograder.candidate.patches import Patches
from autograder.candidate.shell import OUTPUTS, student_frames
from autograder.wire.builtin import QUICK
from autograder.wire.channel import Channel
from autograder.wire.generators import global_marks, global_states, set_global_state
from autograder.wire.plain import Content, Reader, Refused, Writer, encode

__all__ = ["serve"]

LONGEST = 500  # characters of an error's text
MAX_WARNINGS = 20  # of a call
MAX_CLASSES = 20  # above another
LONGEST_DOC = 20_000
NO_LIMIT = 1 << 40
NOTHING_SET: Any = contextlib.nullcontext(Patches())


def serve(channel: Channel, shell: Any, limits: Limits) -> None:
    """Answer requests until the examiner is gone."""
    _Server(channel, shell, limits).serve()


class _Server:
    def __init__(self, channel: Channel, shell: Any, limits: Limits) -> None:
        self._channel, self._shell, self._limits = channel, shell, limits
        self._names: dict[str, Any] = shell.user_ns
        self._held = Held(self._names, self._call_back)
        self._patched: list[Patches] = []  # for each call that is being answered
        self._catching: Any = None
        self._warned: list[warnings.WarningMessage] = []
        self._calls: list[int] = []  # that are being answered, the innermost last
        self._asking = threading.RLock()
        self._filters = list(warnings.filters)
        self._marks: list[Any] | None = (
            None  # of the random numbers when the last call was over, if the examiner knows their state
        )

    def serve(self, awaited: bool = False) -> list[Any]:
        """Answer until the examiner is gone, or, if that is *awaited*, until it has answered a question itself."""
        while True:
            reader = Reader(self._held.resolve)
            request: list[Any] = self._channel.receive(None, reader)
            operation, number, *rest = request
            if operation == "answer" and awaited:
                return rest
            try:
                if operation == "quick":
                    self._call(number, reader, rest[0], tuple(rest[1:]), {})
                elif operation == "cell":
                    self._show_warnings()
                    output_limit = self._limits.output_kb << 10
                    self._send([number, "done", *self._shell.run(rest[0], output_limit)])
                elif operation == "kinds":
                    self._held.start(rest[0])
                    self._marks = None
                    self._send([number, "done", {name: self._kind(name) for name in rest[0]}])
                elif operation == "get":
                    self._send([number, "value", self._names[rest[0]], None])
                elif operation == "call":
                    self._call(number, reader, *rest)
            except Refused as refusal:
                self._send([number, "refused", str(refusal), None])

    def _send(self, message: list[Any], writer: Writer | None = None) -> None:
        self._channel.send(message, None, writer or Writer(self._held.refer))

    def _kind(self, name: str) -> Any:
        """What a name stands for, for the examiner to put something in its place."""
        if name not in self._names:
            return "missing"
        value = self._names[name]
        if not callable(value) or self._held.named_class(type(value)):
            return "value"
        if isinstance(value, type) and is_builtin(value):
            return "value"
        told = {"title": _attribute(value, "__name__", name), **_described(value)}
        if (
            isinstance(value, type)
            and issubclass(value, tuple)
            and not getattr(value, "_field_defaults", True)
        ):
            return told | {"kind": "named tuple", "fields": list(value._fields)}  # type: ignore[attr-defined]
        if isinstance(value, type):
            told |= {"above": self._held.named_above(value), "id": self._held.number(value)}
            mine = {name for module, name in self._found_again(value) if module == "__main__"}
            told["below"] = sorted(name for name in mine if self._names[name] is not value)
        if isinstance(value, type) and issubclass(value, BaseException):
            return told | {"kind": "exception", "base": _builtin_base(value)}
        if isinstance(value, type) and not issubclass(value, tuple):
            more = {"special": special(value), "compares": compares(value)}
            return told | {"kind": "class"} | more
        return told | {"kind": "function"}

    def _call(
        self,
        number: int,
        reader: Reader,
        target: Any,
        arguments: tuple[Any, ...],
        keywords: dict[str, Any],
        setting: Any = None,
    ) -> None:
        function = self._held.named(target) if type(target) is str else target
        with self._set(*setting) if setting else NOTHING_SET as patches:
            self._patched.append(patches)
            outer = OUTPUTS.items, OUTPUTS.size, OUTPUTS.cut
            OUTPUTS.start()
            self._record_warnings()
            self._calls.append(number)
            failed: BaseException | None = None
            value = None
            try:
                value = function(*arguments, **keywords)
            except BaseException as error:
                failed = error
            with self._asking:  # a thread may be waiting for the test's function
                self._calls.pop()
            self._patched.pop()
        said = _said()
        if self._warned:
            said += _warned(self._warned)
            self._warned.clear()
        OUTPUTS.items, OUTPUTS.size, OUTPUTS.cut = outer
        more = _unless_empty([said, self._changes(reader, arguments, keywords), self._drawn()])
        if failed is None:
            self._send([number, "value", value, more], Writer(self._held.refer, reader))
        else:
            self._send_error(number, failed, more, reader)

    @contextlib.contextmanager
    def _set(
        self,
        states: list[Any],
        patched: dict[str, Any],
        dropped: list[int],
        ambient: dict[str, Any],
        replaced: dict[str, Any],
        deleted: list[str],
        patches: list[Any] | None,
    ) -> Iterator[Patches]:
        """Let everything be as the test has it, and in the end as it was, but for random numbers."""
        self._held.drop(dropped)
        for which, state in states:
            set_global_state(which, state)
        if states:
            self._marks = global_marks()
        attributes, *more = patches or ([],)
        of_builtins: list[Any] = [("builtins", [], name, [value]) for name, value in patched.items()]
        recursion, errors = sys.getrecursionlimit(), np.geterr()
        sys.setrecursionlimit(ambient.get("recursion", recursion))
        np.seterr(**ambient.get("errors", {}))
        named = {name: self._names[name] for name in (*replaced, *deleted) if name in self._names}
        before, self._held.replaced = self._held.replaced, {**named, **self._held.replaced}
        self._names.update(replaced)
        for name in deleted:
            self._names.pop(name, None)
        try:
            with Patches([*of_builtins, *attributes], *more).applied() as applied:
                yield applied
        finally:
            for name in replaced.keys() - named.keys():
                self._names.pop(name, None)
            self._names.update(named)
            self._held.replaced = before
            sys.setrecursionlimit(recursion)
            np.seterr(**errors)

    def _record_warnings(self) -> None:
        """Have warnings recorded until the next cell is run: to begin and to end that for each call would take longer than most calls."""
        if self._catching is None:
            self._catching = warnings.catch_warnings(record=True)
            self._warned = self._catching.__enter__()
            if warnings.filters == self._filters:  # else the student has said what becomes of warnings
                warnings.simplefilter("always")

    def _show_warnings(self) -> None:
        if self._catching is not None:
            self._catching.__exit__(None, None, None)
            self._catching = None

    def _send_error(self, number: int, error: BaseException, more: Any, reader: Reader) -> None:
        if isinstance(error, Refused):
            error = RuntimeError("Refused")
        frames = [list(frame) for frame in student_frames(error.__traceback__, self._names)]
        kind, text = str(type(error).__name__), _text(error)
        told = [number, "raised", kind, text, frames]
        named = self._held.nearest_named(type(error))
        base = _builtin_base(type(error))
        classes = self._found_again(type(error))
        held = {key: value for key, value in vars(error).items() if type(key) is str and key.isidentifier()}
        if isinstance(error, OSError):
            held["filename"] = error.filename
        error.__traceback__ = None
        try:
            facts = [base, named, error.args, held, classes]
            self._send([*told, facts, more], Writer(self._held.refer, reader))
        except Refused:
            self._send([*told, [base, named, (text,), {}, classes], None])

    def _found_again(self, kind: type) -> list[tuple[str, str]]:
        """A class and those above it, by module and name, where that is the one that is found there; down to a builtin one."""
        found = []
        for one in kind.__mro__:
            module, name = str(one.__module__), str(one.__name__)
            if module == "builtins":
                break
            there = self._names if module == "__main__" else vars(sys.modules.get(module, builtins))
            if there.get(name) is one:
                found.append((module[:LONGEST], name[:LONGEST]))
        return found[:MAX_CLASSES]

    def _drawn(self) -> list[Any]:
        """Which states of random numbers are not those that the examiner knows, and what they are."""
        if self._marks is None:
            return []
        before, self._marks = self._marks, global_marks()
        drawn = [
            which for which, (old, new) in enumerate(zip(before, self._marks, strict=True)) if old != new
        ]
        states = global_states() if drawn else []
        return [[which, states[which]] for which in drawn]

    def _changes(self, reader: Reader, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> list[Any]:
        """Those of the arguments that are not what they were when they came, by their place among the objects of the message."""
        quick = reader.raw[0] == QUICK
        own = 0 if quick else 2  # objects that are no arguments: the message itself and the keywords
        if len(reader.objects) <= own:
            return []
        try:
            if quick:
                came, now = reader.raw[1][3:], msgspec.msgpack.encode(arguments)
            else:
                came = ["l", *reader.raw[4:6]]
                now = encode([arguments, keywords], NO_LIMIT, Writer(self._held.refer))
            if now == msgspec.msgpack.encode(came):
                return []
        except Exception:  # something that cannot cross, so something that was not there before
            pass
        pristine = Reader(self._held.resolve)
        pristine.value(reader.raw)
        before, after = Writer(self._held.refer, pristine), Writer(self._held.refer, reader)
        return [
            [place, Content(new)]
            for place, (old, new) in enumerate(zip(pristine.objects, reader.objects, strict=True))
            if (quick or place < len(reader.objects) - 1) and _packed(before, old) != _packed(after, new)
        ]

    def _call_back(self, number: int, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Have the examiner call a function of the test."""
        with self._asking:
            if not self._calls:
                raise RuntimeError(
                    "a function of the test can only be called while the test waits for an answer"
                )
            patches = self._patched[-1]
            patches.off()
            said = _said()
            OUTPUTS.start()
            try:
                # Bytes of their own, in which nothing can refer to what the test has: it may differ by now.
                given = encode([arguments, keywords], self._limits.answer_kb << 10, Writer(self._held.refer))
            except Refused as refusal:
                patches.on()
                raise TypeError(f"a function of the test cannot be given {refusal}") from None
            self._send([self._calls[-1], "callback", number, given, said])
            word, *rest = self.serve(awaited=True)
            patches.on()
        if word == "value":
            return rest[0]
        [[name, parts]] = rest
        raise vars(builtins)[name](*parts)


def _unless_empty(more: list[Any]) -> list[Any] | None:
    return more if any(more) else None


def _packed(writer: Writer, value: Any) -> bytes | None:
    try:
        return msgspec.msgpack.encode(writer.content(value))
    except Exception:  # it holds something that cannot cross, so something that it did not hold before
        return None


def _said() -> list[list[str]]:
    """What was printed since the last time, as pairs of a stream's name and a text."""
    return [[item["name"], item["text"]] for item in OUTPUTS.items if item.get("output_type") == "stream"]


def _warned(warned: list[warnings.WarningMessage]) -> list[list[str]]:
    """Warnings, as pairs of the name of a builtin type and a text."""
    return [[_builtin_base(one.category), str(one.message)[:LONGEST]] for one in warned[:MAX_WARNINGS]]


def _text(error: BaseException) -> str:
    try:
        return str.__str__(str(error))[:LONGEST]
    except BaseException:
        return "(its message could not be read)"


def _attribute(value: Any, name: str, default: Any) -> Any:
    try:
        found = getattr(value, name, default)
    except Exception:
        return default
    return found if type(found) is type(default) else default


def _builtin_base(kind: type) -> str:
    """The nearest builtin type of an exception's."""
    return next(str(one.__name__) for one in kind.__mro__ if vars(builtins).get(one.__name__) is one)


def _described(value: Any) -> dict[str, Any]:
    """What ``inspect`` and ``help`` say of a function: texts and plain values."""
    told: dict[str, Any] = {"doc": None, "parameters": None, "returns": None, "flags": _flags(value)}
    if isinstance(doc := _attribute(value, "__doc__", ""), str) and value.__doc__ is not None:
        told["doc"] = doc[:LONGEST_DOC]
    try:
        signature = inspect.signature(value)
        told["parameters"] = [
            [
                parameter.name,
                int(parameter.kind),
                parameter.default is parameter.empty,
                _plain(parameter.default),
                parameter.annotation is parameter.empty,
                _plain(parameter.annotation),
            ]
            for parameter in signature.parameters.values()
        ]
        told["returns"] = [
            signature.return_annotation is signature.empty,
            _plain(signature.return_annotation),
        ]
    except Exception:  # not every callable has one
        pass
    return told


def _flags(value: Any) -> int:
    """What kind of function it is: one that gives a coroutine, a generator, or a value."""
    flags = getattr(_attribute(value, "__code__", (lambda: 0).__code__), "co_flags", 0)
    return int(flags) & (inspect.CO_COROUTINE | inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR)


def _plain(value: Any) -> Any:
    """A default or an annotation, or its text."""
    try:
        encode(value, 1 << 16)
    except Refused:
        return repr(value)[:200]
    return value
