"""The examiner's handle on a candidate's process."""

from __future__ import annotations

import atexit
import contextlib
import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from autograder.examiner.candidate import CONTROL_LIMIT
from autograder.examiner.limits import Limits
from autograder.examiner.plain import WireError
from autograder.examiner.wire import Channel, Closed, TooSlow

__all__ = ["Candidate", "Died", "NoSandbox", "data_files", "start_candidate"]

START_SECONDS = 60.0


class NoSandbox(Exception):
    """No process could be started for a notebook: this machine's fault, so nothing that a mark may follow from."""


class Died(Exception):
    """The candidate's process is gone; the message says why, as the end of a sentence about what it was doing."""


class _Nursery:
    """The warm process that candidates are forked from."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self._mount_point = tempfile.mkdtemp(prefix="candidate-root-")
        os.chmod(self._mount_point, 0o711)  # for students' folders in it, where there are no namespaces
        # Nothing of the examiner's: a clean environment, an empty command line, no open file but the socket.
        environment = {
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "HOME": self._mount_point,
            "MPLCONFIGDIR": self._mount_point,
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
            "PYTHONHASHSEED": "0",
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            "PINT_CACHE_FOLDER": "",
        }
        command = [
            sys.executable,
            "-P",
            "-s",
            "-m",
            "autograder.examiner.candidate",
            str(theirs.fileno()),
            self._mount_point,
        ]
        quiet = subprocess.DEVNULL
        log = None if os.environ.get("AUTOGRADER_DEBUG") else quiet
        self._process = subprocess.Popen(
            command,
            env=environment,
            cwd="/",
            pass_fds=[theirs.fileno()],
            stdin=quiet,
            stdout=quiet,
            stderr=log,
            start_new_session=True,
        )
        theirs.close()
        self._socket = ours
        self._control = Channel(ours, CONTROL_LIMIT)
        self.owner = os.getpid()
        self.level: str = self._control.receive(START_SECONDS)

    def alive(self) -> bool:
        return self.owner == os.getpid() and self._process.poll() is None

    def fork(self, order: dict[str, Any]) -> tuple[int, socket.socket]:
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._socket, [b"."], [theirs.fileno()])
            self._control.send(order)
            pid = self._control.receive(START_SECONDS)
        return pid, ours

    def close(self) -> None:
        if self.owner == os.getpid():
            self._socket.close()
            self._process.kill()
            self._process.wait()
            shutil.rmtree(self._mount_point, ignore_errors=True)


_nursery: _Nursery | None = None


def _warm() -> _Nursery:
    global _nursery
    if _nursery is None or not _nursery.alive():
        _nursery = _Nursery()
        atexit.register(_nursery.close)
    return _nursery


class Candidate:
    """One student's process.

    Attributes:
        level: how far it is confined, one of :data:`autograder.examiner.sandbox.LEVELS`.
        last_words: what to tell the student about its end; the one who saw it sets it.
    """

    last_words: str | None = None
    _folder = ""

    def __init__(self, pid: int, connection: socket.socket, limits: Limits, level: str) -> None:
        self._pid = pid
        self.level = level
        self._channel = Channel(connection, limits.answer_kb << 10)
        self._limits = limits
        self._numbers = itertools.count(1)
        self._death: str | None = None
        _, self._folder = self._receive(START_SECONDS)

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
        """End the process and everything that it started."""
        self._death = self._death or "was closed"
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._pid, signal.SIGKILL)
        self._channel.close()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _answer(self, request: list[Any], seconds: float) -> tuple[str, Any]:
        match self._ask(request, seconds):
            case ["value", value]:
                return "value", value
            case ["refused", why]:
                return "refused", str(why)
            case ["raised", kind, text, frames]:
                return "raised", (kind, text, frames)
        self._die("sent something that is no answer")

    def _ask(self, request: list[Any], seconds: float) -> list[Any]:
        if self._death is not None:
            raise Died(self._death)
        number = next(self._numbers)
        try:
            self._channel.send([request[0], number, *request[1:]])
        except Closed:
            self._die("ended the notebook's process")
        reply = self._receive(max(0.01, seconds))
        # Types first: an array has no single answer to ==.
        if type(reply) is not list or [type(part) for part in reply[:2]] != [int, str] or reply[0] != number:
            self._die("sent something that is no answer")
        answer: list[Any] = reply[1:]
        return answer

    def _receive(self, seconds: float) -> Any:
        try:
            return self._channel.receive(seconds)
        except TooSlow:
            self._die(f"took longer than the {seconds:.3g} s allowed")
        except Closed:
            self._die("ended the notebook's process")
        except WireError:
            self._die("sent something that is no answer")

    def _die(self, why: str) -> NoReturn:
        self.close()
        self._death = why
        raise Died(why)


def start_candidate(
    limits: Limits,
    files: Mapping[str, bytes] | None = None,
    *,
    hidden: Sequence[Path] = (),
    level: str | None = None,
) -> Candidate:
    """A fresh candidate.

    Args:
        files: content by name, for its working folder.
        hidden: folders that it must not read even where they lie in a folder of the interpreter or the library.
        level: how far to confine it; by default as far as this machine can.

    Raises:
        NoSandbox: it did not start, at two tries, or this is Windows.
    """
    if not hasattr(os, "fork"):
        raise NoSandbox(
            "students' code is run in forked processes, which Windows does not have: grade in WSL"
        )
    for last in (False, True):
        try:
            nursery = _warm()
            chosen = level or nursery.level
            order = {
                "limits": asdict(limits),
                "files": dict(files or {}),
                "hidden": [str(path.resolve()) for path in hidden],
                "level": chosen,
            }
            return Candidate(*nursery.fork(order), limits, chosen)
        except (Died, WireError, OSError) as error:
            _close_nursery()
            if last:
                raise NoSandbox(f"no process for a notebook could be started: {error}") from error
    raise AssertionError


def _close_nursery() -> None:
    global _nursery
    if _nursery is not None:
        _nursery.close()
        _nursery = None


def data_files(folder: Path) -> dict[str, bytes]:
    """The files beside the notebooks of *folder*, which every candidate gets."""
    return {
        path.name: path.read_bytes()
        for path in sorted(folder.iterdir())
        if path.is_file() and not path.is_symlink() and path.suffix != ".ipynb"
    }
