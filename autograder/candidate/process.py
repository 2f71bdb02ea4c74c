"""The examiner's handle on a candidate's process."""

from __future__ import annotations

import contextlib
import itertools
import socket
import time
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

from autograder.bounds.limits import Limits
from autograder.candidate.forkserver import START_SECONDS, Lifeline
from autograder.candidate.peer import Peer
from autograder.wire.builtin import Quick
from autograder.wire.channel import Channel, Closed, TooSlow
from autograder.wire.errors import Refused, WireError
from autograder.wire.inplace import fill
from autograder.wire.plain import Reader, Writer, decode

__all__ = ["OUT_OF_TIME", "Candidate", "Died"]

LONGEST = 500  # characters of what is told of a value or an error
OUT_OF_TIME = "was not done when the notebook's time was over"
NO_ANSWER = "sent something that is no answer"


class Died(Exception):
    """The candidate's process is gone; the message says why, as the end of a sentence about what it was doing."""


class Candidate:
    """One student's process.

    Attributes:
        level: how far it is confined, one of :data:`autograder.sandbox.levels.LEVELS`.
        peer: what is made of what is no plain data.
        last_words: what to tell the student about its end; the one who saw it sets it.
    """

    last_words: str | None = None

    def __init__(self, connection: socket.socket, lifeline: Lifeline, limits: Limits, level: str) -> None:
        self.level = level
        self._channel = Channel(connection, limits.answer_kb << 10)
        self._lifeline = lifeline
        self._limits = limits
        self._numbers = itertools.count(1)
        self._death: str | None = None
        self._sent: list[Any] = []  # the objects of the last request that can be changed
        self.peer = Peer()
        if self._receive(START_SECONDS) != ["ready"]:
            self._die(NO_ANSWER)

    @property
    def gone(self) -> bool:
        """Whether the process is known to have ended."""
        return self._death is not None

    def run(
        self, source: str, seconds: float | None = None, setting: Any = None
    ) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
        """Run a code cell; returns its outputs and its error, or None.

        Args:
            setting: as for :meth:`call`.

        Raises:
            Died: the process ended, or had to be ended because the cell took too long.
        """
        request = ["cell", source] if setting is None else ["cell", source, setting]
        match self._ask(request, min(seconds or 1e9, self._limits.cell_seconds)):
            case ["done", list(outputs), dict() | None as error]:
                return outputs, error
        self._die(NO_ANSWER)

    def kinds(self, names: Iterable[str]) -> dict[str, Any]:
        """For each name ``value``, ``missing``, or a description of a function, a class or an exception.

        What the candidate held for the last test, it holds no longer.

        Raises:
            Died: the process is gone.
        """
        wanted = sorted(names)
        match self._ask(["kinds", wanted], self._limits.call_seconds):
            case ["done", dict(found)] if {*map(type, found.values())} <= {str, dict} and list(
                found
            ) == wanted:
                return found
        self._die(NO_ANSWER)

    def get(self, name: str) -> tuple[str, Any]:
        """("value", a copy) or ("refused", what it is).

        Raises:
            Died: the process is gone.
        """
        return self._answer(["get", name], self._limits.call_seconds)

    def call(
        self,
        target: Any,
        arguments: tuple[Any, ...],
        keywords: dict[str, Any],
        seconds: float,
        setting: Any = None,
        quick: bool = False,
    ) -> tuple[str, Any]:
        """("value", what it returned), ("refused", what that is) or ("raised", (type, message, student's frames, facts)).

        What the call changed in the arguments is changed here when this returns.

        Args:
            target: the name of a function, or something that the peer can refer to.
            setting: what is to be as the test has it, as :meth:`autograder.handles.setting.Setting.changes` gives it, or None.
            quick: that *target* is a name, there are no keywords, and the arguments can stand in a :class:`Quick`.

        Raises:
            Died: the process is gone.
        """
        request: list[Any] = ["call", target, arguments, keywords, setting]
        if quick and setting is None:
            request = ["quick", target, *arguments]
        return self._answer(request, min(seconds, self._limits.call_seconds))

    def close(self) -> None:
        """Have the process and everything that it started ended; :func:`autograder.candidate.start.start_candidate` and the end of this process see to it that they are."""
        self._death = self._death or "was closed"
        self._channel.close()
        self._lifeline.cut()

    def _answer(self, request: list[Any], seconds: float) -> tuple[str, Any]:
        match self._ask(request, seconds):
            case ["value", value, more]:
                self._take(more)
                return "value", value
            case ["refused", str(why), None]:
                return "refused", why[:LONGEST]
            case ["raised", str(kind), str(text), frames, list(facts), more]:
                self._take(more)
                return "raised", (kind[:LONGEST], text[:LONGEST], frames, facts)
        self._die(NO_ANSWER)

    def _take(self, more: Any) -> None:
        """What came with an answer: texts that were printed, changed arguments, states of random numbers."""
        match more:
            case None:
                return
            case [list(said), list(changes), list(drawn)]:
                with self._no_answer():
                    for place, _ in changes:
                        if type(place) is not int or place < 0:
                            raise WireError("not a message: no such object")
                    if changes:
                        self.peer.changing()
                    fill([(self._sent[place], content) for place, content in changes])
                    for which, state in drawn:
                        self.peer.drew(which, state)
                self._print(said)
            case _:
                self._die(NO_ANSWER)

    def _print(self, said: Any) -> None:
        for item in said:
            match item:
                case [str(stream), str(text)] if stream in ("stdout", "stderr") or stream.endswith("Warning"):
                    self.peer.printed(stream, text)
                case _:
                    self._die(NO_ANSWER)

    @contextlib.contextmanager
    def _no_answer(self) -> Iterator[None]:
        """Whatever goes wrong with what was sent: it is no answer."""
        try:
            yield
        except (Died, Refused):
            raise
        except Exception:
            self._die(NO_ANSWER)

    def _ask(self, request: list[Any], seconds: float) -> list[Any]:
        if self._death is not None:
            raise Died(self._death)
        number = next(self._numbers)
        until = time.monotonic() + max(0.01, seconds)
        writer = Writer(self.peer.refer)
        message = [request[0], number, *request[1:]]
        self._send(Quick(message) if request[0] == "quick" else message, seconds, writer)
        while True:
            reply = self._receive(seconds, until, Reader(self.peer.resolve, writer))
            # Types first: an array has no single answer to ==.
            if (
                type(reply) is not list
                or [type(part) for part in reply[:2]] != [int, str]
                or reply[0] != number
            ):
                self._die(NO_ANSWER)
            if reply[1] != "callback":
                self._sent = writer.objects
                answer: list[Any] = reply[1:]
                return answer
            self._call_back(reply[2:], seconds)

    def _call_back(self, parts: list[Any], seconds: float) -> None:
        match parts:
            case [int(number), bytes(given), list(said)]:
                self._print(said)
                with self._no_answer():
                    match decode(given, Reader(self.peer.resolve)):
                        case [tuple(arguments), dict(keywords)] if {*map(type, keywords)} <= {str}:
                            pass
                        case _:
                            raise WireError("not a message: no arguments")
                try:
                    answer = self.peer.call_back(number, arguments, keywords)
                except WireError:
                    self._die(NO_ANSWER)
                except BaseException:  # the time of the test is over
                    self.close()
                    raise
            case _:
                self._die(NO_ANSWER)
        if self._death is not None:
            raise Died(self._death)
        try:
            self._send(["answer", 0, *answer], seconds, Writer(self.peer.refer))
        except Refused as refusal:
            why = f"a function of the test gave {refusal}"
            self._send(["answer", 0, "raised", ["TypeError", (why,)]], seconds, Writer())

    def _send(self, message: list[Any], seconds: float, writer: Writer) -> None:
        try:
            self._channel.send(message, max(0.01, seconds), writer)
        except TooSlow:
            self._die(self._too_long(seconds))
        except Closed:
            self._die(self._ended())

    def _receive(self, seconds: float, until: float | None = None, reader: Reader | None = None) -> Any:
        try:
            return self._channel.receive(seconds if until is None else until - time.monotonic(), reader)
        except TooSlow:
            self._die(self._too_long(seconds))
        except Closed:
            self._die(self._ended())
        except WireError:
            self._die(NO_ANSWER)

    def _too_long(self, seconds: float) -> str:
        # What was left of the notebook's time depends on the machine: only a limit is told as a number.
        if seconds in (self._limits.cell_seconds, self._limits.call_seconds):
            return f"took longer than the {seconds:.3g} s allowed"
        return OUT_OF_TIME

    def _ended(self) -> str:
        """Why the process is gone, as far as its warden knows."""
        reasons = {
            b"time": OUT_OF_TIME,
            b"memory": f"needed more than the {self._limits.memory_mb} MB of memory allowed",
            b"files": f"wrote more than the {self._limits.disk_mb} MB or {self._limits.inodes:,} files allowed",
        }
        return reasons.get(self._lifeline.last_word(), "ended the notebook's process")

    def _die(self, why: str) -> NoReturn:
        self._death = why
        self.close()
        raise Died(why)
