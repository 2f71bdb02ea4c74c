"""Answers the examiner's questions about a student's names, and calls the student's functions for it."""

from __future__ import annotations

import builtins
import contextlib
import threading
from importlib import invalidate_caches
from typing import Any

import msgspec

from autograder.bounds.limits import Limits
from autograder.candidate.describe import builtin_base, classes_above, describe
from autograder.candidate.held import Held
from autograder.candidate.patches import Patches
from autograder.candidate.setting import Setting
from autograder.candidate.shell import OUTPUTS, error_text, student_frames
from autograder.candidate.warned import Warned
from autograder.wire.builtin import QUICK
from autograder.wire.channel import Channel
from autograder.wire.errors import Refused
from autograder.wire.plain import Content, Reader, Writer, encode

__all__ = ["serve"]

LONGEST = 500  # characters of an error's text
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
        self._setting = Setting(self._names, self._held)
        self._warned = Warned()
        self._calls: list[tuple[int, Patches]] = []  # that are being answered, the innermost last
        self._asking = threading.RLock()

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
                    self._send([number, "done", *self._run(number, *rest)])
                elif operation == "kinds":
                    self._held.start(rest[0])
                    self._setting.begin_test()
                    told = {name: describe(name, self._names, self._held) for name in rest[0]}
                    self._send([number, "done", told])
                elif operation == "get":
                    self._send([number, "value", self._names[rest[0]], None])
                elif operation == "call":
                    self._call(number, reader, *rest)
            except Refused as refusal:
                self._send([number, "refused", str(refusal), None])

    def _send(self, message: list[Any], writer: Writer | None = None) -> None:
        self._channel.send(message, None, writer or Writer(self._held.refer))

    def _run(self, number: int, source: str, setting: Any = None) -> Any:
        self._warned.show()
        _look_for_modules_anew()
        if setting is None:
            return self._shell.run(source, self._limits.output_kb << 10)
        with self._setting.applied(*setting) as patches:
            self._calls.append((number, patches))
            shown = self._shell.run(source, self._limits.output_kb << 10)
            with self._asking:  # a thread may be waiting for a function of the examiner's
                self._calls.pop()
        return shown

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
        with self._setting.applied(*setting) if setting else NOTHING_SET as patches:
            outer = OUTPUTS.items, OUTPUTS.size, OUTPUTS.cut, OUTPUTS.only_text
            OUTPUTS.start()
            OUTPUTS.only_text = True
            self._warned.record()
            self._calls.append((number, patches))
            failed: BaseException | None = None
            value = None
            try:
                value = function(*arguments, **keywords)
            except BaseException as error:
                failed = error
            with self._asking:  # a thread may be waiting for the test's function
                self._calls.pop()
        said = _said()
        if self._warned.items:
            said += self._warned.take()
        OUTPUTS.items, OUTPUTS.size, OUTPUTS.cut, OUTPUTS.only_text = outer
        more = _unless_empty([said, self._changes(reader, arguments, keywords), self._setting.drawn()])
        if failed is None:
            self._send([number, "value", value, more], Writer(self._held.refer, reader))
        else:
            self._send_error(number, failed, more, reader)

    def _send_error(self, number: int, error: BaseException, more: Any, reader: Reader) -> None:
        if isinstance(error, Refused):
            error = RuntimeError("Refused")
        frames = [list(frame) for frame in student_frames(error.__traceback__, self._names)]
        kind, text = str(type(error).__name__), error_text(error, LONGEST)
        told = [number, "raised", kind, text, frames]
        named = self._held.nearest_named(type(error))
        base = builtin_base(type(error))
        classes = classes_above(type(error), self._names)
        held = {key: value for key, value in vars(error).items() if type(key) is str and key.isidentifier()}
        if isinstance(error, OSError):
            held["filename"] = error.filename
        error.__traceback__ = None
        try:
            facts = [base, named, error.args, held, classes]
            self._send([*told, facts, more], Writer(self._held.refer, reader))
        except Refused:
            self._send([*told, [base, named, (text,), {}, classes], None])

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
            call, patches = self._calls[-1]
            patches.off()
            said = _said()
            OUTPUTS.start()
            try:
                # Bytes of their own, in which nothing can refer to what the test has: it may differ by now.
                given = encode([arguments, keywords], self._limits.answer_kb << 10, Writer(self._held.refer))
            except Refused as refusal:
                patches.on()
                raise TypeError(f"a function of the test cannot be given {refusal}") from None
            self._send([call, "callback", number, given, said])
            word, *rest = self.serve(awaited=True)
            patches.on()
        if word == "value":
            return rest[0]
        [[name, parts]] = rest
        raise vars(builtins)[name](*parts)


def _look_for_modules_anew() -> None:
    """Have imports see the modules that the last cell wrote: within a tick of the file system's clock a folder looks as if nothing was new in it."""
    with contextlib.suppress(BaseException):  # a student's own finder may do anything
        invalidate_caches()


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
