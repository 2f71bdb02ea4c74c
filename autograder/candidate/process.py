"""The examiner's handle on a candidate's process."""

from __future__ import annotations

import itertools
import os
import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from autograder.bounds.limits import Limits
from autograder.candidate.forkserver import (
    START_SECONDS,
    Lifeline,
    await_ends,
    close_forkserver,
    warm_forkserver,
)
from autograder.candidate.warm import Warm
from autograder.sandbox.levels import LEVELS
from autograder.sandbox.warden import END_SECONDS
from autograder.wire.channel import Channel, Closed, TooSlow
from autograder.wire.plain import WireError

__all__ = ["OUT_OF_TIME", "Candidate", "Died", "NoSandbox", "data_files", "start_candidate"]

LONGEST = 500  # characters of what is told of a value or an error
LINGERING = 2  # notebooks whose processes may be ending while the next one begins
OUT_OF_TIME = "was not done when the notebook's time was over"


class NoSandbox(Exception):
    """No process could be started for a notebook: this machine's fault, so nothing that a mark may follow from."""


class Died(Exception):
    """The candidate's process is gone; the message says why, as the end of a sentence about what it was doing."""


class Candidate:
    """One student's process.

    Attributes:
        level: how far it is confined, one of :data:`autograder.sandbox.levels.LEVELS`.
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
        if self._receive(START_SECONDS) != ["ready"]:
            self._die("sent something that is no answer")

    @property
    def gone(self) -> bool:
        """Whether the process is known to have ended."""
        return self._death is not None

    def run(
        self, source: str, seconds: float | None = None
    ) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
        """Run a code cell; returns its outputs and its error, or None.

        Raises:
            Died: the process ended, or had to be ended because the cell took too long.
        """
        match self._ask(["cell", source], min(seconds or 1e9, self._limits.cell_seconds)):
            case ["done", list(outputs), dict() | None as error]:
                return outputs, error
        self._die("sent something that is no answer")

    def kinds(self, names: Iterable[str]) -> dict[str, str]:
        """For each name ``function``, ``value`` or ``missing``.

        Raises:
            Died: the process is gone.
        """
        wanted = sorted(names)
        match self._ask(["kinds", wanted], self._limits.call_seconds):
            case ["done", dict(found)] if {*map(type, found.values())} <= {str} and set(found) == set(wanted):
                return found
        self._die("sent something that is no answer")

    def get(self, name: str) -> tuple[str, Any]:
        """("value", a copy) or ("refused", what it is).

        Raises:
            Died: the process is gone.
        """
        return self._answer(["get", name], self._limits.call_seconds)

    def call(
        self, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any], seconds: float
    ) -> tuple[str, Any]:
        """("value", what it returned), ("refused", what that is) or ("raised", (type, message, student's frames)).

        Raises:
            Died: the process is gone.
        """
        return self._answer(["call", name, arguments, keywords], min(seconds, self._limits.call_seconds))

    def close(self) -> None:
        """Have the process and everything that it started ended; :func:`start_candidate` and the end of this process see to it that they are."""
        self._death = self._death or "was closed"
        self._channel.close()
        self._lifeline.cut()

    def _answer(self, request: list[Any], seconds: float) -> tuple[str, Any]:
        match self._ask(request, seconds):
            case ["value", value]:
                return "value", value
            case ["refused", str(why)]:
                return "refused", why[:LONGEST]
            case ["raised", str(kind), str(text), frames]:
                return "raised", (kind[:LONGEST], text[:LONGEST], frames)
        self._die("sent something that is no answer")

    def _ask(self, request: list[Any], seconds: float) -> list[Any]:
        if self._death is not None:
            raise Died(self._death)
        number = next(self._numbers)
        until = time.monotonic() + max(0.01, seconds)
        try:
            self._channel.send([request[0], number, *request[1:]], max(0.01, seconds))
        except TooSlow:
            self._die(self._too_long(seconds))
        except Closed:
            self._die(self._ended())
        reply = self._receive(seconds, until)
        # Types first: an array has no single answer to ==.
        if type(reply) is not list or [type(part) for part in reply[:2]] != [int, str] or reply[0] != number:
            self._die("sent something that is no answer")
        answer: list[Any] = reply[1:]
        return answer

    def _receive(self, seconds: float, until: float | None = None) -> Any:
        try:
            return self._channel.receive(seconds if until is None else until - time.monotonic())
        except TooSlow:
            self._die(self._too_long(seconds))
        except Closed:
            self._die(self._ended())
        except WireError:
            self._die("sent something that is no answer")

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


def start_candidate(
    limits: Limits,
    files: Mapping[str, bytes] | None = None,
    *,
    hidden: Sequence[Path] = (),
    level: str | None = None,
    seconds: float | None = None,
    weakest: str = "limits",
    warm: Warm | None = None,
) -> Candidate:
    """A fresh candidate.

    Args:
        files: content by name, for its working folder.
        hidden: folders that it must not read even where they lie in a folder of the interpreter or the library.
        level: how far to confine it; by default as far as this machine can.
        seconds: the time that it has, whatever the examiner does; by default that of a whole notebook.
        weakest: the least of :data:`autograder.sandbox.levels.LEVELS` that will do.
        warm: what it finds done; another one than the last candidate's starts a process to fork from anew.

    Raises:
        NoSandbox: it did not start, at two tries, or not at a level that will do, or this is Windows.
    """
    if not hasattr(os, "fork"):
        raise NoSandbox(
            "students' code is run in forked processes, which Windows does not have: grade in WSL"
        )
    for last in (False, True):
        try:
            forkserver = warm_forkserver(warm or Warm(), files or {})
            chosen = level or forkserver.level
            if list(LEVELS).index(chosen) > list(LEVELS).index(weakest):
                raise NoSandbox(
                    f"students' code can be confined by {chosen!r} only on this machine ({LEVELS[chosen]}), and the weakest level allowed "
                    f"is {weakest!r}: grade elsewhere, or set c.Examine.weakest_sandbox = {chosen!r} if that will do"
                )
            await_ends(START_SECONDS, spared=LINGERING)
            order = {
                "seconds": limits.total_seconds + END_SECONDS if seconds is None else seconds,
                "limits": asdict(limits),
                "files": dict(files or {}),
                "hidden": [str(path.resolve()) for path in hidden],
                "level": chosen,
            }
            return Candidate(*forkserver.fork(order), limits, chosen)
        except (Died, WireError, OSError) as error:
            close_forkserver()
            if last:
                raise NoSandbox(f"no process for a notebook could be started: {error}") from error
    raise AssertionError


def data_files(folder: Path) -> dict[str, bytes]:
    """The files beside the notebooks of *folder*, which every candidate gets."""
    return {
        path.name: path.read_bytes()
        for path in sorted(folder.iterdir())
        if path.is_file() and not path.is_symlink() and path.suffix != ".ipynb"
    }
