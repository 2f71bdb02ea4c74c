"""The grader's handle on the process that renders students' texts: started when it is first needed, warm after that, replaced when it fails."""

from __future__ import annotations

import atexit
import functools
import os
import socket
import subprocess
import sys
import threading
from typing import Any

from autograder.notebook.display.allowance import TooMuch, spending
from autograder.notebook.display.budgets import FRAME_LIMIT, MAX_HTML, PATIENCE
from autograder.wire.channel import Channel
from autograder.wire.errors import Refused, WireError

__all__ = ["ask", "close"]

START_SECONDS = 60.0
# Most of what a class shows, it has in common; long texts are rarely equal and would fill the memory.
REMEMBERED = 1024
MAX_REMEMBERED = 20_000


class _Helper:
    """One process, which belongs to the process that started it."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        quiet = subprocess.DEVNULL
        command = [sys.executable, "-P", "-s", "-m", "autograder.notebook.display.helper"]
        # Nothing of the grader's: a clean environment, no open file but the socket.
        self._process = subprocess.Popen(
            [*command, str(theirs.fileno())],
            env={
                "PATH": os.defpath,
                "LANG": "C.UTF-8",
                "PYTHONHASHSEED": "0",
                "OPENBLAS_NUM_THREADS": "1",
            },
            cwd="/",
            pass_fds=[theirs.fileno()],
            stdin=quiet,
            stdout=quiet,
            stderr=None if os.environ.get("AUTOGRADER_DEBUG") else quiet,
            start_new_session=True,
        )
        theirs.close()
        self._socket = ours
        self._channel = Channel(ours, FRAME_LIMIT)
        self.owner = os.getpid()
        try:
            self._channel.receive(START_SECONDS)
        except WireError as error:
            self.close()
            raise OSError(f"no process for showing students' texts could be started: {error}") from error

    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, kind: str, seconds: float, *arguments: Any) -> Any:
        self._channel.send([kind, seconds, *arguments], PATIENCE * seconds)
        return self._channel.receive(PATIENCE * seconds)

    def close(self) -> None:
        self._socket.close()
        if self.owner == os.getpid():
            self._process.kill()
            self._process.wait()


_helper: _Helper | None = None
_lock = threading.Lock()


def ask(kind: str, text: str, *more: Any) -> Any:
    """What :data:`autograder.notebook.display.helper.JOBS` has under *kind*, of a student's *text*.

    Raises:
        TooMuch: it is too much to show.
        OSError: this machine could not start the process.
    """
    if len(text) > MAX_HTML:
        raise TooMuch(f"{len(text)} characters")
    if len(text) <= MAX_REMEMBERED and not any(isinstance(part, dict) for part in more):
        return _remembered(kind, text, *more)
    return _answer(kind, text, *more)


@functools.lru_cache(maxsize=REMEMBERED)
def _remembered(kind: str, text: str, *more: Any) -> Any:
    return _answer(kind, text, *more)


def _answer(kind: str, text: str, *more: Any) -> Any:
    global _helper
    with _lock, spending() as seconds:
        try:
            if _helper is None or not _helper.alive():
                _helper = _Helper()
            outcome, value = _helper.ask(kind, seconds, text, *more)
        except (WireError, Refused) as error:  # it did not answer in time, or is gone
            _close()
            raise TooMuch(str(error)) from None
        except BaseException:
            _close()  # interrupted by an alarm: an answer that nobody waits for must not become the next one's
            raise
    if outcome != "done":
        raise TooMuch(outcome)
    return value


def close() -> None:
    """End the process, if there is one; the next text starts another."""
    with _lock:
        _close()


def _close() -> None:
    global _helper
    if _helper is not None:
        _helper.close()
        _helper = None


def _forget() -> None:
    """In a forked process: the helper is the parent's, and a lock that another thread held would stay locked."""
    global _lock
    _lock = threading.Lock()
    _close()


atexit.register(close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
